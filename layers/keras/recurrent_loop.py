"""The steps of a recurrent layer: in one operation, one after the other, or in a loop of the graph."""

from __future__ import annotations

from typing import Any, NamedTuple

from ...engine.nest import flatten, pack_sequence_as
from ...engine.ops.array import shape as shape_of, stack
from ...engine.ops.array_order import reverse, transpose
from ...engine.ops.array_parts import zeros, zeros_like
from ...engine.ops.array_split import unstack
from ...engine.ops.choice import select_op
from ...engine.ops.constant import constant
from ...engine.ops.tensor_array import TensorArray
from ...engine.ops.while_loop import while_loop
from .recurrent_cells import RecurrentCell, StackedRNNCells, call_cell, output_size_of

# Sequences of a known length up to this are unrolled: a loop costs more than its steps.
MOST_UNROLLED = 64


class Steps(NamedTuple):
    """How the steps are taken.

    Attributes:
        mask: bool [time, batch]: at False the states stay; None for no mask.
        zero_output: whether outputs at hidden steps are zeros and not those of the step before.
        unroll: whether the graph has each step apart.
        keep_all: whether the outputs of all steps are wanted.
        training: whether cells train.
    """

    mask: Any = None
    zero_output: bool = False
    unroll: bool = False
    keep_all: bool = True
    training: Any = None


def time_first(tensor: Any) -> Any:
    """[batch, time, ...] as [time, batch, ...], and the other way round."""
    return transpose(tensor, [1, 0, *range(2, len(tensor.sizes))])


def backwards(tensor: Any) -> Any:
    """The steps of [time, ...] from the last one on."""
    return reverse(tensor, [0])


def run_cell(cell: Any, inputs: Any, states: list[Any], how: Steps) -> tuple[Any, list[Any]]:
    """The outputs and the last states of a cell over inputs [time, batch, ...].

    Returns:
        The outputs of all steps [time, batch, size], or the last one [batch, size] unless `how.keep_all`; the states.
    """
    if isinstance(cell, StackedRNNCells) and type(cell).call is StackedRNNCells.call:
        return _run_stacked(cell, inputs, states, how)
    if not isinstance(cell, RecurrentCell) or type(cell).call is not RecurrentCell.call:
        step = lambda x, state: call_cell(cell, x, state, how.training)  # noqa: E731
        return _run_steps(step, inputs, states, how, output_size_of(cell))
    if how.mask is None:
        fused = cell.fused(inputs, states)
        if fused is not None:
            outputs, last = fused
            return outputs if how.keep_all else last[0], last
    projected, step = cell.prepared(inputs, how.training)
    return _run_steps(step, projected, states, how, cell.units)


def _run_stacked(cell: Any, inputs: Any, states: list[Any], how: Steps) -> tuple[Any, list[Any]]:
    """Cells one after the other, each over the whole sequence: their states do not depend on those above them."""
    last = []
    for i, (inner, state) in enumerate(zip(cell.cells, states, strict=True)):
        top = i == len(cell.cells) - 1
        options = how if top else how._replace(keep_all=True)
        inputs, after = run_cell(inner, inputs, list(state) if isinstance(state, list | tuple) else [state], options)
        last.append(after)
    return inputs, last


def _run_steps(step: Any, inputs: Any, states: list[Any], how: Steps, size: int) -> tuple[Any, list[Any]]:
    length = inputs.sizes[0]
    if length is not None and (how.unroll or 0 < length <= MOST_UNROLLED):
        return _unrolled(step, inputs, states, how)
    return _looped(step, inputs, states, how, size)


def _chosen(seen: Any, new: Any, old: Any) -> Any:
    result = select_op(seen, new, old)
    result.set_shape(new.sizes)
    return result


def _masked(seen: Any, output: Any, before: Any, after: list[Any], states: list[Any], how: Steps) -> Any:
    """Output and states of a step: where it is hidden the states stay, and the output is the one before or zero."""
    if seen is None:
        return output, after
    old = zeros_like(output) if how.zero_output or before is None else before
    pairs = zip(flatten(after), flatten(states), strict=True)
    return _chosen(seen, output, old), pack_sequence_as(after, [_chosen(seen, new, was) for new, was in pairs])


def _unrolled(step: Any, inputs: Any, states: list[Any], how: Steps) -> tuple[Any, list[Any]]:
    count = inputs.sizes[0]
    seen = [None] * count if how.mask is None else unstack(how.mask, count)
    outputs: list[Any] = []
    for x, mask in zip(unstack(inputs, count), seen, strict=True):
        output, after = step(x, states)
        output, states = _masked(mask, output, outputs[-1] if outputs else None, after, states, how)
        outputs.append(output)
    return stack(outputs) if how.keep_all else outputs[-1], states


def _looped(step: Any, inputs: Any, states: list[Any], how: Steps, size: int) -> tuple[Any, list[Any]]:
    length = inputs.sizes[0] if inputs.sizes[0] is not None else shape_of(inputs)[0]
    batch = inputs.sizes[1] if inputs.sizes[1] is not None else shape_of(inputs)[1]
    dtype = flatten(states)[0].dtype.base_dtype
    reader = TensorArray(inputs.dtype.base_dtype, size=length).unstack(inputs)
    masks = None if how.mask is None else TensorArray(how.mask.dtype.base_dtype, size=length).unstack(how.mask)
    kept = [TensorArray(dtype, size=length, element_shape=[inputs.sizes[1], size])] if how.keep_all else []
    first = zeros([batch, size], dtype)

    def body(time: Any, output: Any, kept: Any, flat: Any) -> Any:
        current = pack_sequence_as(states, list(flat))
        new, after = step(reader.read(time), current)
        new, after = _masked(None if masks is None else masks.read(time), new, output, after, current, how)
        return time + 1, new, [array.write(time, new) for array in kept], flatten(after)

    start = (constant(0), first, kept, flatten(states))
    _, last, kept, flat = while_loop(lambda time, *_: time < length, body, start, maximum_iterations=length)
    if not how.keep_all:
        return last, pack_sequence_as(states, list(flat))
    outputs = kept[0].stack()
    outputs.set_shape([inputs.sizes[0], inputs.sizes[1], size])
    return outputs, pack_sequence_as(states, list(flat))
