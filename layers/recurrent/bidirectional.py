"""Two cells over the same sequences, one from the front and one from the back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...engine import nest
from ...engine.conversion import convert_to_tensor
from ...engine.ops.array import stack
from ...engine.ops.array_order import reverse, reverse_sequence
from ...engine.ops.array_parts import concat
from ...engine.ops.array_split import unstack
from ...engine.variable_scope import variable_scope
from .dynamic import dynamic_rnn
from .static import static_rnn
from .wrappers import check_cell


def bidirectional_dynamic_rnn(
    cell_fw: Any,
    cell_bw: Any,
    inputs: Any,
    sequence_length: Any = None,
    initial_state_fw: Any = None,
    initial_state_bw: Any = None,
    dtype: Any = None,
    parallel_iterations: int | None = None,
    swap_memory: bool = False,
    time_major: bool = False,
    scope: Any = None,
) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """Outputs and last states of both directions, as TensorFlow 1.15's `tf.nn.bidirectional_dynamic_rnn`.

    Args:
        cell_fw, cell_bw: the cells from the front and from the back.
        inputs: as for `dynamic_rnn`.
        sequence_length: int vector `[batch]`; the cell from the back begins at each sequence's own end.
        initial_state_fw, initial_state_bw: states of the cells; zeros of `dtype` by default.
        dtype: of states and outputs; needed without initial states.
        parallel_iterations, swap_memory: accepted.
        time_major: whether time comes first, in inputs and outputs.
        scope: variable scope or its name, "bidirectional_rnn" by default; the cells' are `fw` and `bw` in it.

    Returns:
        Two pairs, forward and backward: of the outputs, each as `dynamic_rnn`'s and in the order of the inputs, and of
        the last states.

    Raises:
        TypeError: a cell is not a cell.
    """
    check_cell("cell_fw", cell_fw)
    check_cell("cell_bw", cell_bw)
    options = (dtype, parallel_iterations, swap_memory, time_major)

    def turned(values: Any) -> Any:
        return nest.map_structure(lambda value: _turned(value, sequence_length, time_major), values)

    with variable_scope(scope or "bidirectional_rnn"):
        with variable_scope("fw") as forward:
            fw, fw_state = dynamic_rnn(cell_fw, inputs, sequence_length, initial_state_fw, *options, scope=forward)
        with variable_scope("bw") as backward:
            back = turned(inputs)
            bw, bw_state = dynamic_rnn(cell_bw, back, sequence_length, initial_state_bw, *options, scope=backward)
    return (fw, turned(bw)), (fw_state, bw_state)


def _turned(value: Any, sequence_length: Any, time_major: bool) -> Any:
    time = 0 if time_major else 1
    if sequence_length is None:
        return reverse(convert_to_tensor(value), [time])
    return reverse_sequence(value, sequence_length, seq_axis=time, batch_axis=1 - time)


def static_bidirectional_rnn(
    cell_fw: Any,
    cell_bw: Any,
    inputs: Sequence[Any],
    initial_state_fw: Any = None,
    initial_state_bw: Any = None,
    dtype: Any = None,
    sequence_length: Any = None,
    scope: Any = None,
) -> tuple[list[Any], Any, Any]:
    """Outputs of both directions joined for each step, and the last states, as `tf.nn.static_bidirectional_rnn`.

    Args:
        cell_fw, cell_bw: the cells from the front and from the back.
        inputs: as for `static_rnn`.
        initial_state_fw, initial_state_bw: states of the cells; zeros of `dtype` by default.
        dtype: of the states; needed without initial states.
        sequence_length: int vector `[batch]`; the cell from the back begins at each sequence's own end.
        scope: variable scope or its name, "bidirectional_rnn" by default; the cells' are `fw` and `bw` in it.

    Raises:
        TypeError: a cell is not a cell, or `inputs` not a list.
        ValueError: `inputs` is empty.
    """
    check_cell("cell_fw", cell_fw)
    check_cell("cell_bw", cell_bw)
    with variable_scope(scope or "bidirectional_rnn"):
        with variable_scope("fw") as forward:
            fw, fw_state = static_rnn(cell_fw, inputs, initial_state_fw, dtype, sequence_length, forward)
        with variable_scope("bw") as backward:
            back = _steps_turned(inputs, sequence_length)
            bw, bw_state = static_rnn(cell_bw, back, initial_state_bw, dtype, sequence_length, backward)
    bw = _steps_turned(bw, sequence_length)
    flat = [nest.flatten(step) for step in bw]
    joined = [
        nest.pack_sequence_as(a, [concat(pair, 1) for pair in zip(nest.flatten(a), b, strict=True)])
        for a, b in zip(fw, flat, strict=True)
    ]
    return joined, fw_state, bw_state


def _steps_turned(steps: Sequence[Any], sequence_length: Any) -> list[Any]:
    if sequence_length is None or not steps:
        return list(reversed(steps))
    columns = zip(*[nest.flatten(step) for step in steps], strict=True)
    turned = [
        unstack(reverse_sequence(stack(list(column)), sequence_length, seq_axis=0, batch_axis=1), len(steps))
        for column in columns
    ]
    return [nest.pack_sequence_as(steps[0], list(step)) for step in zip(*turned, strict=True)]
