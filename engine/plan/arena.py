"""Offsets in one arena for buffers with known lifetimes: best fit over the gaps that dead buffers leave."""

from __future__ import annotations

import bisect
from collections.abc import Iterable

from .buffers import ALIGNMENT, Buffer


def rounded(nbytes: int) -> int:
    """`nbytes` up to the next multiple of the alignment."""
    return -(-max(nbytes, 1) // ALIGNMENT) * ALIGNMENT


class _Gaps:
    """Free stretches (offset, size), sorted by offset, and the arena's end."""

    def __init__(self) -> None:
        self.free: list[tuple[int, int]] = []
        self.end = 0

    def take(self, size: int) -> int:
        best = min((gap for gap in self.free if gap[1] >= size), key=lambda g: g[1], default=None)
        if best is None:
            return self._extend(size)
        self.free.remove(best)
        if best[1] > size:
            bisect.insort(self.free, (best[0] + size, best[1] - size))
        return best[0]

    def _extend(self, size: int) -> int:
        start = self.end
        if self.free and sum(self.free[-1]) == self.end:
            start = self.free.pop()[0]
        self.end = start + size
        return start

    def give(self, offset: int, size: int) -> None:
        i = bisect.bisect(self.free, (offset, size))
        self.free.insert(i, (offset, size))
        if i + 1 < len(self.free) and offset + size == self.free[i + 1][0]:
            self.free[i : i + 2] = [(offset, size + self.free[i + 1][1])]
        if i > 0 and sum(self.free[i - 1]) == self.free[i][0]:
            self.free[i - 1 : i + 1] = [(self.free[i - 1][0], self.free[i - 1][1] + self.free[i][1])]


def assign_offsets(buffers: Iterable[Buffer], steps: int) -> int:
    """Gives every buffer its offset; returns the arena's size in bytes.

    A buffer lives from the step `first` that writes it to the step `last` that reads it, both included.
    """
    starts: dict[int, list[Buffer]] = {}
    ends: dict[int, list[Buffer]] = {}
    for buffer in buffers:
        starts.setdefault(buffer.first, []).append(buffer)
        ends.setdefault(min(buffer.last, steps), []).append(buffer)
    gaps = _Gaps()
    for step in range(steps + 1):
        for buffer in starts.get(step, ()):
            buffer.offset = gaps.take(rounded(buffer.nbytes))
        for buffer in ends.get(step, ()):
            gaps.give(buffer.offset, rounded(buffer.nbytes))
    return gaps.end
