"""Layers of pairs of cells, one from the front and one from the back: the next layer sees the outputs of both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...engine.ops.array_parts import concat
from ...engine.variable_scope import variable_scope
from .bidirectional import bidirectional_dynamic_rnn, static_bidirectional_rnn


def stack_bidirectional_rnn(
    cells_fw: Sequence[Any],
    cells_bw: Sequence[Any],
    inputs: Sequence[Any],
    initial_states_fw: Any = None,
    initial_states_bw: Any = None,
    dtype: Any = None,
    sequence_length: Any = None,
    scope: Any = None,
) -> tuple[list[Any], tuple[Any, ...], tuple[Any, ...]]:
    """The last layer's joined outputs and all layers' last states, as `tf.contrib.rnn.stack_bidirectional_rnn`.

    Args:
        cells_fw, cells_bw: for each layer the cell from the front and that from the back.
        inputs: as for `static_rnn`.
        initial_states_fw, initial_states_bw: lists of states; zeros of `dtype` by default.
        dtype: of the states; needed without initial ones.
        sequence_length: int vector `[batch]`.
        scope: variable scope or its name, "stack_bidirectional_rnn" by default.

    Raises:
        ValueError: the lists are empty, or of different lengths.
    """
    layers = _layers(cells_fw, cells_bw, initial_states_fw, initial_states_bw)
    states: list[tuple[Any, Any]] = []
    outputs: Any = inputs
    with variable_scope(scope or "stack_bidirectional_rnn"):
        for index, (fw, bw, fw_state, bw_state) in enumerate(layers):
            with variable_scope(f"cell_{index}") as own:
                outputs, *last = static_bidirectional_rnn(
                    fw, bw, outputs, fw_state, bw_state, dtype, sequence_length, own
                )
            states.append((last[0], last[1]))
    return outputs, tuple(fw for fw, _ in states), tuple(bw for _, bw in states)


def stack_bidirectional_dynamic_rnn(
    cells_fw: Sequence[Any],
    cells_bw: Sequence[Any],
    inputs: Any,
    initial_states_fw: Any = None,
    initial_states_bw: Any = None,
    dtype: Any = None,
    sequence_length: Any = None,
    parallel_iterations: int | None = None,
    time_major: bool = False,
    scope: Any = None,
    swap_memory: bool = False,
) -> tuple[Any, tuple[Any, ...], tuple[Any, ...]]:
    """The last layer's joined outputs and all layers' last states: `tf.contrib.rnn.stack_bidirectional_dynamic_rnn`.

    Args:
        cells_fw, cells_bw: for each layer the cell from the front and that from the back.
        inputs: `[batch, time, size]`, or `[time, batch, size]` if `time_major`.
        initial_states_fw, initial_states_bw: lists of states; zeros of `dtype` by default.
        dtype: of the states; needed without initial ones.
        sequence_length: int vector `[batch]`.
        parallel_iterations, swap_memory: accepted.
        time_major: whether time comes first, in inputs and outputs.
        scope: variable scope or its name, "stack_bidirectional_rnn" by default.

    Raises:
        ValueError: the lists are empty, or of different lengths.
    """
    layers = _layers(cells_fw, cells_bw, initial_states_fw, initial_states_bw)
    options = (dtype, parallel_iterations, swap_memory, time_major)
    states: list[tuple[Any, Any]] = []
    with variable_scope(scope or "stack_bidirectional_rnn"):
        for index, (fw, bw, fw_state, bw_state) in enumerate(layers):
            with variable_scope(f"cell_{index}"):
                outputs, last = bidirectional_dynamic_rnn(fw, bw, inputs, sequence_length, fw_state, bw_state, *options)
            inputs = concat(list(outputs), 2)
            states.append(last)
    return inputs, tuple(fw for fw, _ in states), tuple(bw for _, bw in states)


def _layers(cells_fw: Any, cells_bw: Any, states_fw: Any, states_bw: Any) -> list[tuple[Any, Any, Any, Any]]:
    for name, cells in (("cells_fw", cells_fw), ("cells_bw", cells_bw)):
        if not isinstance(cells, list | tuple) or not cells:
            raise ValueError(f"{name} must be a list of one or more cells, got {cells!r}")
    if len(cells_fw) != len(cells_bw):
        raise ValueError(f"Forward and backward cells must be as many, got {len(cells_fw)} and {len(cells_bw)}")
    for name, states in (("initial_states_fw", states_fw), ("initial_states_bw", states_bw)):
        if states is not None and len(states) != len(cells_fw):
            raise ValueError(f"{name} must be a list of {len(cells_fw)} states, got {states!r}")
    nothing = [None] * len(cells_fw)
    return list(zip(cells_fw, cells_bw, states_fw or nothing, states_bw or nothing, strict=True))
