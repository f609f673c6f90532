"""GatherTree: the sequences that end in each beam of a beam search."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dtypes import int32
from ..errors import InvalidArgumentError
from ..graph import Sizes, Tensor
from ..inference import InferenceContext
from ..registry import op
from ..samples import Failure, Sample
from ..shapes import merge_sizes


@op("GatherTree", "step_ids: T, parent_ids: T, max_sequence_lengths: int32, end_token: T", "beams: T", T=(int32,))
def gather_tree_op(
    step_ids: Any, parent_ids: Any, max_sequence_lengths: Any, end_token: Any, *, name: str | None = None
) -> Tensor:
    """The ids `[time, batch, beam]` on the way to each beam of a row's last step; `end_token` past the first one."""


@gather_tree_op.shape
def gather_tree_shape(context: InferenceContext) -> list[Sizes]:
    ids, parents = context.with_rank(0, 3), context.with_rank(1, 3)
    (rows,) = context.with_rank(2, 1)
    context.with_rank(3, 0)
    merged = merge_sizes(merge_sizes(ids, parents), (None, rows, None))
    return [merged]


@gather_tree_op.kernel
def gather_tree_kernel(xp: Any, step_ids: Any, parent_ids: Any, max_sequence_lengths: Any, end_token: Any) -> Any:
    time, batch, beams = step_ids.shape
    out = xp.full(step_ids.shape, end_token, step_ids.dtype)
    lengths = xp.minimum(max_sequence_lengths, time)
    rows = xp.arange(batch)[:, None]
    own = xp.broadcast_to(xp.arange(beams), (batch, beams))
    parents = own
    for t in reversed(range(time)):
        parents = xp.where((lengths > t + 1)[:, None], parents, own)
        taken = (lengths > t)[:, None]
        _check(xp, parents, taken, t)
        parents = xp.where(taken, parents, 0)
        out[t] = xp.where(taken, step_ids[t][rows, parents], end_token)
        parents = parent_ids[t][rows, parents]
    ended = xp.cumsum(out == end_token, 0) > 0
    out[ended] = end_token
    return out


def _check(xp: Any, parents: Any, taken: Any, t: int) -> None:
    wrong = xp.argwhere(taken & ((parents < 0) | (parents >= parents.shape[1])))
    if len(wrong):
        row, beam = wrong[0]
        text = f"Saw invalid parent id {parents[row, beam]} at (batch, time, beam) == ({row}, {t}, {beam})"
        raise InvalidArgumentError(None, None, text)


gather_tree_op.not_differentiable = True

_IDS = np.array([[[1, 2, 3]], [[4, 5, 6]], [[7, 8, 9]], [[-1, -1, -1]]], np.int32)
_PARENTS = np.array([[[0, 0, 0]], [[0, 1, 1]], [[2, 1, 2]], [[-1, -1, -1]]], np.int32)


@gather_tree_op.samples
def gather_tree_samples(rng: np.random.Generator) -> list[Sample]:
    many = (rng.integers(0, 9, (5, 3, 4)).astype(np.int32), rng.integers(0, 4, (5, 3, 4)).astype(np.int32))
    return [
        Sample((_IDS, _PARENTS, np.array([3], np.int32), np.int32(10)), differentiable=False),
        Sample((*many, np.array([5, 2, 0], np.int32), np.int32(7)), differentiable=False),
        Sample((np.ones((0, 2, 3), np.int32),) * 2 + (np.zeros(2, np.int32), np.int32(0)), differentiable=False),
    ]


@gather_tree_op.failing
def gather_tree_failing(rng: np.random.Generator) -> list[Failure]:
    wrong = _PARENTS.copy()
    wrong[2, 0, 1] = 3
    lengths = np.array([3], np.int32)
    return [
        Failure((_IDS, wrong, lengths, np.int32(10)), InvalidArgumentError, "invalid parent id 3", at_run=True),
        Failure((_IDS, _PARENTS[:2], lengths, np.int32(10)), ValueError, "shape"),
    ]
