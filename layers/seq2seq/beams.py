"""Beams: copies of a batch's rows, and the sequences that end in each of them."""

from __future__ import annotations

from typing import Any

from ...engine import nest
from ...engine.conversion import convert_to_tensor
from ...engine.dtypes import int32
from ...engine.graph import get_default_graph
from ...engine.ops.array import reshape, shape, stack
from ...engine.ops.array_order import transpose
from ...engine.ops.array_pad import tile
from ...engine.ops.array_parts import concat, zeros_like
from ...engine.ops.array_sets import sequence_mask
from ...engine.ops.array_shape import expand_dims
from ...engine.ops.beam_search import gather_tree_op
from ...engine.ops.casting import cast
from ...engine.ops.choice import where
from ...engine.ops.indexing import gather_nd
from ...engine.ops.ranges import range as range_of
from ...engine.ops.reduce import reduce_max


def tile_batch(t: Any, multiplier: int, name: str | None = None) -> Any:
    """Each row of a batch `multiplier` times, one after the other; as `tf.contrib.seq2seq.tile_batch`.

    Args:
        t: `[batch, ...]`, or a nested structure of such.
        multiplier: how many times.
        name: name scope.

    Raises:
        ValueError: a tensor is a scalar or of unknown rank.
    """
    with get_default_graph().name_scope(name or "tile_batch"):
        return nest.map_structure(lambda value: _tiled(convert_to_tensor(value, name="t"), multiplier), t)


def _tiled(value: Any, multiplier: int) -> Any:
    if not value.sizes:
        raise ValueError(f"t must have statically known rank of at least 1, got shape {value.shape}")
    copies = tile(expand_dims(value, 1), [1, multiplier, *[1] * (len(value.sizes) - 1)])
    sizes = shape(value)
    result = reshape(copies, concat([sizes[:1] * multiplier, sizes[1:]], 0))
    rows = None if value.sizes[0] is None else value.sizes[0] * multiplier
    result.set_shape([rows, *value.sizes[1:]])
    return result


def gather_tree(
    step_ids: Any, parent_ids: Any, max_sequence_lengths: Any, end_token: Any, name: str | None = None
) -> Any:
    """The whole sequences that end in each beam, from the ids and parents of all steps.

    Args:
        step_ids: int32 `[time, batch, beam]`.
        parent_ids: int32, from which beam of the step before each beam comes.
        max_sequence_lengths: int32 `[batch]`: how many steps count.
        end_token: what follows in a sequence once it occurred in it, and past the lengths.
        name: of the operation.

    Returns:
        int32 `[time, batch, beam]`.

    Raises:
        tf.errors.InvalidArgumentError: a parent is out of range.
    """
    return gather_tree_op(step_ids, parent_ids, max_sequence_lengths, end_token, name=name)


def gather_tree_from_array(t: Any, parent_ids: Any, sequence_length: Any) -> Any:
    """The values of each beam's own steps.

    Args:
        t: `[time, batch, beam, ...]`.
        parent_ids: int32 `[time, batch, beam]`.
        sequence_length: `[batch, beam]`.
    """
    sizes = shape(parent_ids)
    times, rows, beams = (range_of(0, sizes[axis]) for axis in (0, 1, 2))
    nothing = zeros_like(parent_ids)
    beam_ids = nothing + beams
    longest = cast(reduce_max(sequence_length, 1), int32)
    own = gather_tree(beam_ids, parent_ids, longest, sizes[2] + 1)
    inside = transpose(sequence_mask(sequence_length, sizes[0]), [2, 0, 1])
    own = where(inside, own, beam_ids)
    time_ids = nothing + reshape(times, [-1, 1, 1])
    row_ids = nothing + reshape(rows, [1, -1, 1])
    ordered = gather_nd(t, stack([time_ids, row_ids, own], -1))
    ordered.set_shape(t.shape)
    return ordered
