"""What a step that failed was given: which of it must be kept because later steps of its segment write over it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ..plan.buffers import Buffer, Place, Storage, View
from ..plan.plan import Plan

# Words name indices; what is larger than this is looked at where it happens to be.
_MOST_BYTES = 1 << 20


def overwritten_inputs(
    plan: Plan, steps: Iterable[int], refusing: Sequence[int], uploaded: Sequence[Sequence[Buffer]]
) -> list[Buffer]:
    """The buffers of earlier segments that are needed to run a segment's failing steps again, and are not there then.

    Args:
        plan: of the program.
        steps: of the segment, in order.
        refusing: those that may fail.
        uploaded: for each step of the plan what comes from the host before it, and would come again.
    """
    if not refusing:
        return []
    order = list(steps)
    again = {buffer for i in order for buffer in uploaded[i]}
    needed = [b for b in _needed(plan, order, refusing) if b not in again and b.nbytes <= _MOST_BYTES]
    written = [b for i in order for b in _arena(plan.steps[i].outputs)]
    return [buffer for buffer in needed if any(_meet(buffer, other) for other in written)]


def _needed(plan: Plan, steps: Sequence[int], refusing: Sequence[int]) -> list[Buffer]:
    """What the failing steps depend on and no step of the segment makes."""
    needed: dict[Buffer, None] = {}
    for i in reversed(steps):
        made = _arena(plan.steps[i].outputs)
        if i in refusing or any(buffer in needed for buffer in made):
            for buffer in made:
                needed.pop(buffer, None)
            needed.update(dict.fromkeys(_arena(plan.steps[i].inputs)))
    return list(needed)


def _arena(places: Iterable[Place]) -> list[Buffer]:
    return [p.buffer for p in places if isinstance(p, View) and p.buffer.storage is Storage.ARENA]


def _meet(one: Buffer, other: Buffer) -> bool:
    return one.offset < other.offset + other.nbytes and other.offset < one.offset + one.nbytes
