"""dynamic_rnn: a cell over all steps of sequences, in a loop."""

from __future__ import annotations

from typing import Any

from ...engine import nest
from ...engine.conversion import convert_to_tensor
from ...engine.graph import Tensor
from ...engine.ops.array import shape
from ...engine.ops.array_order import transpose
from ...engine.ops.constant import constant
from ...engine.ops.tensor_array import TensorArray
from ...engine.ops.while_loop import while_loop
from ...engine.variable_scope import variable_scope
from .cell import shapes_of
from .fusing import over_sequence
from .steps import checked_lengths, first_state, masked
from .wrappers import check_cell


def dynamic_rnn(
    cell: Any,
    inputs: Any,
    sequence_length: Any = None,
    initial_state: Any = None,
    dtype: Any = None,
    parallel_iterations: int | None = None,
    swap_memory: bool = False,
    time_major: bool = False,
    scope: Any = None,
) -> tuple[Any, Any]:
    """Outputs of all steps and the last state of a cell, as TensorFlow 1.15's `tf.nn.dynamic_rnn`.

    BasicLSTMCell, LSTMCell and GRUCell, and MultiRNNCells of them, go over whole sequences in one operation a layer where
    they are of the usual form (tanh, no clipping or projection) and no row ends early; others go in a loop.

    Args:
        cell: an RNNCell.
        inputs: a tensor `[batch, time, ...]` or a nested structure of such; `[time, batch, ...]` if `time_major`.
        sequence_length: int vector `[batch]`: past a sequence's end outputs are zeros and the state stays.
        initial_state: a state of the cell; zeros of `dtype` by default.
        dtype: of the state and the outputs; needed without an initial state.
        parallel_iterations, swap_memory: accepted.
        time_major: whether time comes first, in inputs and outputs.
        scope: variable scope or its name, "rnn" by default.

    Returns:
        The outputs, `[batch, time, ...]` (`[time, batch, ...]` if `time_major`), and the last state.

    Raises:
        TypeError: `cell` is not a cell.
        ValueError: neither `initial_state` nor `dtype` is given, or `sequence_length` is not a vector.

    Example:
        >>> import headrace as tf
        >>> outputs, state = tf.nn.dynamic_rnn(tf.nn.rnn_cell.GRUCell(4), tf.zeros([2, 5, 3]), dtype=tf.float32)
        >>> outputs.shape.as_list(), state.shape.as_list()
        ([2, 5, 4], [2, 4])
    """
    check_cell("cell", cell)
    with variable_scope(scope or "rnn"):
        values = nest.map_structure(lambda x: _time_first(x, time_major), inputs)
        steps, batch = _extent(values)
        lengths = checked_lengths(sequence_length, batch)
        state = first_state(cell, initial_state, batch, dtype)
        fused = over_sequence(cell, values, sequence_length, state, dtype)
        if fused is not None:
            return _time_first(fused[0], time_major), fused[1]
        options = {"parallel_iterations": parallel_iterations or 32, "swap_memory": swap_memory}
        outputs, state = _loop(cell, values, lengths, state, (steps, batch, dtype), options)
        return nest.map_structure(lambda x: _time_first(x, time_major), outputs), state


def _time_first(value: Any, already: bool) -> Tensor:
    """Swaps the first two axes, unless they stand right."""
    tensor = convert_to_tensor(value)
    if tensor.sizes is None or len(tensor.sizes) < 2:
        raise ValueError(f"Expected inputs of a known rank of at least 2, saw shape: {tensor.shape}")
    return tensor if already else transpose(tensor, [1, 0, *range(2, len(tensor.sizes))])


def _extent(values: Any) -> tuple[Any, Any]:
    """The numbers of steps and of rows, as numbers where they are known."""
    flat = nest.flatten(values)
    sizes = shape(flat[0])
    found = []
    for axis in (0, 1):
        known = {value.sizes[axis] for value in flat} - {None}
        if len(known) > 1:
            raise ValueError(f"Time steps or batch sizes of the inputs differ: {[str(v.shape) for v in flat]}")
        found.append(known.pop() if known else sizes[axis])
    return found[0], found[1]


def _loop(
    cell: Any, values: Any, lengths: Tensor | None, state: Any, extent: tuple[Any, Any, Any], options: dict[str, Any]
) -> tuple[Any, Any]:
    steps, batch, dtype = extent
    readers = nest.map_structure(lambda v: TensorArray(v.dtype.base_dtype, size=steps).unstack(v), values)
    rows = batch if isinstance(batch, int) else None
    kind = dtype or nest.flatten(state)[0].dtype.base_dtype
    sizes = shapes_of(cell.output_size)
    arrays = nest.map_structure(lambda s: TensorArray(kind, size=steps, element_shape=[rows, *s.as_list()]), sizes)

    def body(time: Tensor, arrays: Any, state: Any) -> Any:
        output, after = cell(nest.map_structure(lambda reader: reader.read(time), readers), state)
        nest.assert_same_structure(sizes, output, check_types=False)
        output, after = masked(time, lengths, output, state, after)
        return time + 1, nest.map_structure(lambda array, new: array.write(time, new), arrays, output), after

    loop = (constant(0, name="time"), arrays, state)
    _, arrays, state = while_loop(lambda time, *_: time < steps, body, loop, maximum_iterations=steps, **options)
    return nest.map_structure(lambda array: _stacked(array, steps), arrays), state


def _stacked(array: TensorArray, steps: Any) -> Tensor:
    stacked = array.stack()
    stacked.set_shape([steps if isinstance(steps, int) else None, *array.element_shape.as_list()])
    return stacked
