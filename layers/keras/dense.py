"""Dense and Embedding."""

from __future__ import annotations

from typing import Any

from ...engine.dtypes import int32
from ...engine.ops.casting import cast
from ...engine.ops.comparison import not_equal
from ...engine.ops.linalg import matmul_op
from ...engine.ops.nn_bias import bias_add
from ...engine.ops.nn_embedding import embedding_lookup
from ...engine.ops.products import tensordot
from . import activations, constraints, initializers, regularizers
from .base import Layer, Shape
from .checks import last_size, positive
from .input_spec import InputSpec
from .serialization import registered


@registered("layers")
class Dense(Layer):
    """`activation(inputs @ kernel + bias)` over the last axis.

    Args:
        units: size of the output's last axis.
        activation: a name or function; none by default.
        use_bias: whether there is a bias.
        kernel_initializer, bias_initializer: names or functions.
        kernel_regularizer, bias_regularizer, activity_regularizer: names or functions that give losses.
        kernel_constraint, bias_constraint: names or functions applied after an update.

    Raises:
        ValueError: `units` is not a positive integer, or the input's last size is not known.

    Example:
        >>> import headrace as tf
        >>> layer = tf.keras.layers.Dense(2, "relu")
        >>> layer(tf.keras.Input((4,))).shape.as_list(), layer.count_params()
        ([None, 2], 10)
    """

    supports_masking = True
    casts_integers = True

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.units = positive("Dense", "units", units)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.input_spec = InputSpec(min_ndim=2)

    def build(self, input_shape: Shape) -> None:
        size = last_size(self.name, input_shape)
        self.kernel = self.make_weight("kernel", (size, self.units))
        self.bias = self.make_weight("bias", (self.units,)) if self.use_bias else None
        self.input_spec = InputSpec(min_ndim=2, axes={-1: size})

    def call(self, inputs: Any) -> Any:
        flat = inputs.sizes is not None and len(inputs.sizes) == 2
        outputs = matmul_op(inputs, self.kernel) if flat else tensordot(inputs, self.kernel, [[-1], [0]])
        return self.activation(outputs if self.bias is None else bias_add(outputs, self.bias))

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (*input_shape[:-1], self.units)


@registered("layers")
class Embedding(Layer):
    """Rows of a table at the inputs, which are whole numbers.

    Args:
        input_dim: number of rows.
        output_dim: size of a row.
        embeddings_initializer, embeddings_regularizer, embeddings_constraint: of the table.
        mask_zero: whether 0 means that there is nothing: a mask then goes with the outputs.
        input_length: accepted, as TensorFlow 1.15 has it.

    Raises:
        ValueError: a size is not a positive integer.
        InvalidArgumentError: while running, a number without a row.
    """

    def __init__(
        self,
        input_dim: int,
        output_dim: int,
        embeddings_initializer: Any = "uniform",
        embeddings_regularizer: Any = None,
        embeddings_constraint: Any = None,
        mask_zero: bool = False,
        **kwargs: Any,
    ) -> None:
        length = kwargs.pop("input_length", None)
        super().__init__(**kwargs)
        if self._batch_input_shape is None and length is not None:
            self._batch_input_shape = (None, length)
        self.input_dim = positive("Embedding", "input_dim", input_dim)
        self.output_dim = positive("Embedding", "output_dim", output_dim)
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        self.mask_zero = mask_zero
        self.supports_masking = mask_zero

    @property
    def input_dtype(self) -> str:
        """The indices' dtype."""
        return "int32"

    def build(self, input_shape: Shape | None = None) -> None:
        self.embeddings = self.make_weight("embeddings", (self.input_dim, self.output_dim))

    def call(self, inputs: Any) -> Any:
        if inputs.dtype.base_dtype.name not in ("int32", "int64"):
            inputs = cast(inputs, int32)
        return embedding_lookup(self.embeddings, inputs)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """False where the input is 0, if `mask_zero`."""
        return not_equal(inputs, 0) if self.mask_zero else None

    def compute_output_shape(self, input_shape: Any) -> Any:
        return (*input_shape, self.output_dim)
