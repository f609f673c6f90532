"""RNNCell: one step of a recurrent network, as TensorFlow 1.15's `tf.nn.rnn_cell.RNNCell`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...engine.dtypes import as_dtype
from ...engine.graph import Tensor, get_default_graph
from ...engine.nest import flatten, map_structure
from ...engine.ops.array import reshape, shape
from ...engine.ops.array_parts import concat, zeros
from ...engine.ops.casting import cast
from ...engine.ops.nn_activations import relu
from ...engine.ops.trigonometric import sigmoid, tanh
from ...engine.shapes import TensorShape
from ..base import Layer

ACTIVATIONS: dict[str, Callable[[Any], Any]] = {"tanh": tanh, "sigmoid": sigmoid, "relu": relu}


class RNNCell(Layer):
    """A step of a recurrent network: `output, next_state = cell(inputs, state)`.

    Subclasses define `state_size`, `output_size` (numbers, shapes or nested structures of them) and
    `call(inputs, state)`; variables are made in `build` or, by `get_variable`, in `call`.
    """

    def __call__(self, inputs: Any, state: Any = None, scope: Any = None, *args: Any, **kwargs: Any) -> Any:
        """The output and the next state for inputs `[batch, size]` and the state before.

        Args:
            inputs: a tensor or a nested structure of tensors.
            state: as `state_size` says, `[batch, ...]` each.
            scope: the variable scope to use instead of one of the cell's name.
        """
        return super().__call__(inputs, state, *args, scope=scope, **kwargs)

    @property
    def state_size(self) -> Any:
        """The sizes of the state without the batch."""
        raise NotImplementedError(f"{type(self).__name__} does not define state_size")

    @property
    def output_size(self) -> Any:
        """The sizes of the output without the batch."""
        raise NotImplementedError(f"{type(self).__name__} does not define output_size")

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """A state of zeros for a batch; `batch_size` is a number or a scalar tensor."""
        with get_default_graph().name_scope(type(self).__name__ + "ZeroState"):
            return zeros_of(self.state_size, batch_size, dtype)

    def get_initial_state(self, inputs: Any = None, batch_size: Any = None, dtype: Any = None) -> Any:
        """A state of zeros for a batch as large as `inputs`, or of `batch_size` and `dtype`.

        Raises:
            ValueError: neither is given.
        """
        if inputs is not None:
            first = flatten(inputs)[0]
            batch_size, dtype = shape(first)[0], dtype or first.dtype
        if batch_size is None or dtype is None:
            raise ValueError(f"batch_size and dtype are needed for a state, got {batch_size} and {dtype}")
        return self.zero_state(batch_size, dtype)


def units_of(cell: Any, units: Any, name: str = "num_units") -> int:
    """A size as a number.

    Raises:
        ValueError: it is no positive whole number; the text names the cell.
    """
    number = getattr(units, "value", units)
    if isinstance(number, bool) or not hasattr(number, "__index__") or number.__index__() < 1:
        raise ValueError(f"{name} of {type(cell).__name__} must be a positive whole number, got {units!r}")
    return int(number)


def activation_of(activation: Any, default: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A function given as such, by its name, or not at all.

    Raises:
        ValueError: the name is unknown.
    """
    if not activation:
        return default
    if isinstance(activation, str):
        if activation not in ACTIVATIONS:
            raise ValueError(f"Unknown activation {activation!r}: expected a function or one of {sorted(ACTIVATIONS)}")
        return ACTIVATIONS[activation]
    function: Callable[[Any], Any] = activation
    return function


def depth_of(input_shape: TensorShape, name: str) -> int:
    """The last size of a cell's inputs, which must be known."""
    depth = None if input_shape.sizes is None else input_shape.sizes[-1]
    if depth is None:
        raise ValueError(f"Expected inputs.shape[-1] of {name} to be known, saw shape: {input_shape}")
    return depth


def zeros_of(sizes: Any, batch_size: Any, dtype: Any) -> Any:
    """Zeros `[batch_size, *size]` for every size of a structure of numbers and shapes."""
    return map_structure(lambda size: _zeros(tail_of(size), batch_size, dtype), shapes_of(sizes))


def shapes_of(sizes: Any) -> Any:
    """A structure of sizes whose shapes are TensorShape, so that a shape counts as a leaf."""
    return map_structure(lambda size: TensorShape(tail_of(size)), sizes)


def tail_of(size: Any) -> list[Any]:
    """The sizes after the batch's that a number or a shape means."""
    return [size] if isinstance(size, int) else TensorShape(size).as_list()


def _zeros(tail: list[Any], batch_size: Any, dtype: Any) -> Tensor:
    if not isinstance(batch_size, Tensor):
        return zeros([batch_size, *tail], as_dtype(dtype))
    sizes = concat([reshape(cast(batch_size, "int32"), [1]), tail], 0) if tail else reshape(batch_size, [1])
    return zeros(sizes, as_dtype(dtype))
