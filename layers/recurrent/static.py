"""static_rnn: a cell over a list of steps, one piece of graph for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...engine import nest
from ...engine.conversion import convert_to_tensor
from ...engine.graph import Tensor
from ...engine.ops.array import shape, stack
from ...engine.ops.array_split import unstack
from ...engine.variable_scope import variable_scope
from .fusing import can_fuse, over_sequence
from .steps import checked_lengths, first_state, masked
from .wrappers import check_cell


def static_rnn(
    cell: Any,
    inputs: Sequence[Any],
    initial_state: Any = None,
    dtype: Any = None,
    sequence_length: Any = None,
    scope: Any = None,
) -> tuple[list[Any], Any]:
    """Outputs of all steps and the last state of a cell, as TensorFlow 1.15's `tf.nn.static_rnn`.

    Args:
        cell: an RNNCell.
        inputs: a list with a tensor `[batch, size]` (or a nested structure of such) for each step.
        initial_state: a state of the cell; zeros of `dtype` by default.
        dtype: of the state; needed without an initial state.
        sequence_length: int vector `[batch]`: past a sequence's end outputs are zeros and the state stays.
        scope: variable scope or its name, "rnn" by default.

    Raises:
        TypeError: `cell` is not a cell, or `inputs` not a list.
        ValueError: `inputs` is empty, or neither `initial_state` nor `dtype` is given.
    """
    check_cell("cell", cell)
    values = _checked_inputs(inputs)
    with variable_scope(scope or "rnn") as opened:
        first = nest.flatten(values[0])[0]
        batch = first.sizes[0] if first.sizes and first.sizes[0] is not None else shape(first)[0]
        lengths = checked_lengths(sequence_length, batch)
        state = first_state(cell, initial_state, batch, dtype)
        fused = _fused(cell, values, sequence_length, state)
        if fused is not None:
            return fused
        outputs = []
        for time, value in enumerate(values):
            if time:
                opened.reuse_variables()
            output, after = cell(value, state)
            output, state = masked(time, lengths, output, state, after)
            outputs.append(output)
        return outputs, state


def _fused(cell: Any, values: list[Any], sequence_length: Any, state: Any) -> tuple[list[Any], Any] | None:
    """All steps in one operation a layer, where that gives the same as step by step."""
    first = values[0]
    if not isinstance(first, Tensor) or any(
        not isinstance(v, Tensor) or v.sizes != first.sizes or v.dtype.base_dtype != first.dtype.base_dtype
        for v in values
    ):
        return None
    if first.sizes is None or len(first.sizes) != 2 or not can_fuse(cell):
        return None
    whole = over_sequence(cell, stack(values), sequence_length, state, None)
    return None if whole is None else (unstack(whole[0], len(values)), whole[1])


def _checked_inputs(inputs: Any) -> list[Any]:
    if not isinstance(inputs, list | tuple):
        raise TypeError(f"inputs must be a sequence, got {type(inputs).__name__}")
    if not inputs:
        raise ValueError("inputs must not be empty")
    return [nest.map_structure(convert_to_tensor, value) for value in inputs]
