"""`keras.Input` and `InputLayer`: placeholders that models begin with."""

from __future__ import annotations

from typing import Any

from ...engine.dtypes import as_dtype
from ...engine.graph import Tensor, get_default_graph
from ...engine.ops.constant import placeholder, sparse_placeholder
from ...engine.shapes import TensorShape
from .base import Layer
from .graph_record import Node
from .serialization import registered


@registered("layers")
class InputLayer(Layer):
    """A model's input; its output is a placeholder.

    Args:
        shape: of one example, None for unknown sizes.
        batch_size: the first size, where it is fixed.
        dtype: `keras.backend.floatx()` by default.
        sparse: whether SparseTensors are fed.
        batch_shape: the whole shape, in place of `shape` and `batch_size`.
        input_tensor: a tensor to use as it is.
        optional: whether a model may be called with None for it.
        name: of the layer.

    Raises:
        ValueError: there is no shape, or two, or it is not a tuple of sizes.
    """

    def __init__(
        self,
        shape: Any = None,
        batch_size: int | None = None,
        dtype: Any = None,
        sparse: bool | None = None,
        batch_shape: Any = None,
        input_tensor: Any = None,
        optional: bool = False,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        batch_shape = kwargs.pop("batch_input_shape", batch_shape)
        shape = kwargs.pop("input_shape", shape)
        dtype = kwargs.pop("input_dtype", dtype)
        if input_tensor is not None:
            batch_shape, shape, dtype = input_tensor.shape.as_list(), None, input_tensor.dtype.base_dtype.name
        super().__init__(name=name, dtype=dtype, **kwargs)
        self.batch_shape = whole_shape(shape, batch_size, batch_shape, self.name)
        self.shape, self.batch_size = None, None
        self.sparse, self.optional = bool(sparse), optional
        self.built = True
        self._graph = get_default_graph().outermost()
        tensor = self._placeholder() if input_tensor is None else input_tensor
        Node(self, (), {}, tensor)

    def _placeholder(self) -> Any:
        dtype = as_dtype(self.dtype)
        with get_default_graph().name_scope(None):
            if self.sparse:
                return sparse_placeholder(dtype, list(self.batch_shape), name=self.name)
            return placeholder(dtype, list(self.batch_shape), name=self.name)

    def call(self, inputs: Any = None) -> Any:
        """Not to be called: the output is there already."""
        raise NotImplementedError(f"InputLayer {self.name!r} cannot be called: use its `output`")

    def compute_output_shape(self, *args: Any, **kwargs: Any) -> Any:
        """The placeholder's shape."""
        return self.batch_shape

    def get_config(self) -> dict[str, Any]:
        """Shape, dtype and name."""
        names = ("batch_shape", "dtype", "sparse", "name", "optional")
        return {name: getattr(self, name) for name in names}


def whole_shape(shape: Any, batch_size: int | None, batch_shape: Any, name: str) -> tuple[int | None, ...]:
    """The shape with the batch's size in front, from either form of arguments.

    Raises:
        ValueError: there is no shape, or two, or it is not a tuple of sizes.
    """
    if (shape is None) == (batch_shape is None):
        raise ValueError(f"Input {name!r} needs either `shape` or `batch_shape`, got {shape!r} and {batch_shape!r}")
    given = batch_shape if shape is None else shape
    if isinstance(given, TensorShape):
        given = given.as_list()
    if not isinstance(given, list | tuple) or any(
        size is not None and (not isinstance(size, int) or isinstance(size, bool) or size < 0) for size in given
    ):
        raise ValueError(f"The shape of Input {name!r} must be a tuple of sizes and None, got {given!r}")
    return tuple(given) if shape is None else (batch_size, *given)


def Input(
    shape: Any = None,
    batch_size: int | None = None,
    dtype: Any = None,
    sparse: bool | None = None,
    batch_shape: Any = None,
    name: str | None = None,
    tensor: Any = None,
    optional: bool = False,
    **kwargs: Any,
) -> Tensor:
    """A placeholder that a model can begin with, as Keras 3's `keras.Input`.

    Args:
        shape: of one example, None for unknown sizes.
        batch_size: the first size, where it is fixed.
        dtype: `keras.backend.floatx()` by default.
        sparse: whether SparseTensors are fed.
        batch_shape: the whole shape, in place of `shape` and `batch_size`.
        name: of the layer and of the placeholder.
        tensor: a tensor to use as it is.
        optional: whether a model may be called with None for it.

    Raises:
        ValueError: there is no shape, or two, or it is not a tuple of sizes.

    Example:
        >>> import headrace as tf
        >>> x = tf.keras.Input((4,))
        >>> tf.keras.layers.Dense(2)(x).shape.as_list()
        [None, 2]
    """
    layer = InputLayer(shape, batch_size, dtype, sparse, batch_shape, tensor, optional, name, **kwargs)
    result: Tensor = layer.output if not sparse else layer.inbound_nodes[0].outputs
    return result
