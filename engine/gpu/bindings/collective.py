"""Sums of gradients over ranks within a step, where each rank has a GPU that can; elsewhere the host adds up."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ...dtypes import as_dtype
from ...ops.collective import communicator_of
from ...unsupported import UnsupportedError
from ..calls import Bound, DeviceArray, gpu, row_major
from ..find import card_for_sums
from ..sums import Part, Ranks, Sums, sums_on
from ..template import template

logger = logging.getLogger("headrace")

# As in collective.cuh: the elements of a block.
BLOCK = 2048
_THREADS = 256
_said: set[str] = set()


class Started(NamedTuple):
    """A sum under way, and what is sent in the place of its arrays."""

    sums: Sums
    sent: list[DeviceArray]


@gpu("CollectiveShare")
def share(bound: Bound) -> None:
    """The rank's share of the examples, as its host knows it before each run."""
    sums_of(bound)
    context = bound.context
    found = bound.step_value(lambda: np.array(communicator_of(context).share, np.float64), (), np.float64)
    bound.copy(bound.outputs[0], found)


@gpu("CollectiveStart")
def start(bound: Bound) -> None:
    """Values times the share become sums in place, beside the work that follows."""
    sums = sums_of(bound)
    *values, scale = bound.inputs
    bound.require(not bound.attrs["collects"], "gradients of several passes are collected on the host")
    bound.require_contiguous()
    wire = str(bound.attrs["wire"]) if values[0].dtype == np.float32 else ""
    sent = _sent(bound, as_dtype(wire).numpy) if wire else bound.outputs
    used = [(v, s) for v, s in zip(values, sent, strict=True) if v.size]
    if used:
        _scaled(bound, used, scale)
        bound.work.append(sums.all_reduce(_places([s for _, s in used], bool(wire)), used[0][1].dtype))
    words = tuple(f"{_shape_text(v)}{wire and f' as {wire}'}" for v in values)
    bound.parts.append(Part(sums, str(bound.attrs["label"]), words))
    bound.notes[_key(bound.outputs)] = Started(sums, sent if wire else [])
    bound.remarks.append(f"added up over {sums.ranks.size} ranks by {sums.name}")


@gpu("CollectiveWait")
def wait(bound: Bound) -> None:
    """What comes after this finds the sums."""
    sums_of(bound)
    totals = bound.inputs[len(bound.inputs) // 2 :]
    started: Started | None = bound.notes.pop(_key(totals), None)
    if started is None:
        raise UnsupportedError("the host adds up")
    bound.work.append(started.sums.join)
    if started.sent:
        _scaled(bound, [(s, t) for s, t in zip(started.sent, totals, strict=True) if t.size], None)


def sums_of(bound: Bound) -> Sums:
    """What adds up over the ranks of a step on its device; UnsupportedError, which says why, where the host must."""
    ranks = communicator_of(bound.context)
    if reason := _reason(ranks):
        if ranks.rank == 0 and ranks.size > 1 and reason not in _said:
            _said.add(reason)
            logger.warning("Gradients of %d ranks are added up on the hosts, not by their GPUs: %s", ranks.size, reason)
        raise UnsupportedError(f"the host adds up over ranks: {reason}")
    return sums_on(bound.device, ranks)


def _reason(ranks: Ranks) -> str:
    """Why the GPUs of ranks cannot add up; the same on all of them but for the words."""
    if ranks.size == 1:
        return "there is one rank"
    cards = list(ranks.cards)
    if 0 in cards:
        return card_for_sums()[1] if not cards[ranks.rank] else f"rank {cards.index(0)} has no GPU that could"
    twice = next((card for card in cards if cards.count(card) > 1), 0)
    same = [str(rank) for rank, card in enumerate(cards) if card == twice]
    return f"ranks {', '.join(same)} have one GPU together, and NCCL wants one for each" if twice else ""


def _sent(bound: Bound, dtype: np.dtype[Any]) -> list[DeviceArray]:
    """Memory for the values in another dtype, one array behind another; it is there until the sums have come back."""
    counts = [v.size for v in bound.outputs]
    address, arrays = bound.allocate_kept(sum(counts) * dtype.itemsize), []
    for count in counts:
        arrays.append(DeviceArray(address, dtype, (count,), row_major((count,), dtype)))
        address += count * dtype.itemsize
    return arrays


def _places(arrays: Sequence[DeviceArray], in_a_row: bool) -> list[tuple[int, int]]:
    """Where the elements are: a single place if they lie in a row."""
    if in_a_row:
        return [(arrays[0].address, sum(a.size for a in arrays))]
    return [(a.address, a.size) for a in arrays]


def _scaled(bound: Bound, pairs: Sequence[tuple[DeviceArray, DeviceArray]], scale: DeviceArray | None) -> None:
    """One launch that writes to the second of each pair what the first holds, times the scale."""
    rows, blocks = [], 0
    for source, target in pairs:
        rows.append([source.address, target.address, source.size, blocks])
        blocks += -(-source.size // BLOCK)
    if rows:
        types = pairs[0][0].dtype, pairs[0][1].dtype
        kernel = template(
            "scale_pieces", "collective.cuh", "const Piece* table, int count, const double* share", *types
        )
        table = bound.table(np.array(rows, np.int64))
        bound.launch(kernel, blocks, _THREADS, table, len(rows), scale or 0)


def _shape_text(array: DeviceArray) -> str:
    return f"{as_dtype(array.dtype).name}[{','.join(map(str, array.shape))}]"


def _key(arrays: Sequence[DeviceArray]) -> int:
    return next((a.address for a in arrays if a.size), 0)
