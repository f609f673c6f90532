"""How many elements a dataset has, told without making them: INFINITE for no end, UNKNOWN where elements decide."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .running import Run

INFINITE = -1
UNKNOWN = -2

# Tells the number of elements in a run.
Count = Callable[[Run], int]


def unknown(run: Run) -> int:
    """Where the elements decide."""
    return UNKNOWN


def scaled(count: int, size: int, whole: bool, move: int | None = None) -> int:
    """Of groups of `size` elements, each `move` (size by default) after the one before; only full ones if `whole`."""
    move = size if move is None else move
    if count < 0 or size < 1 or move < 1:
        return count if count < 0 else UNKNOWN
    return max(0, (count - size) // move + 1) if whole else -(-count // move)


def repeated(count: int, times: int) -> int:
    """Of elements `times` times over, for ever below 0."""
    if times == 0 or count == 0:
        return 0
    if times < 0:
        return INFINITE
    return count if count < 0 else count * times


def first(count: int, number: int) -> int:
    """Of the first `number` elements, all below 0."""
    if number < 0 or count == UNKNOWN:
        return count
    return number if count == INFINITE else min(count, number)


def rest(count: int, number: int) -> int:
    """Of all but the first `number` elements, none below 0."""
    if count < 0:
        return count
    return max(0, count - number) if number >= 0 else 0


def part(count: int, number: int, index: int) -> int:
    """Of each `number`-th element, from `index` on."""
    return count if count < 0 or number < 1 else count // number + (index < count % number)


def total(counts: Sequence[int]) -> int:
    """Of datasets one after the other."""
    if INFINITE in counts:
        return INFINITE
    return UNKNOWN if UNKNOWN in counts else sum(counts)


def least(counts: Sequence[int]) -> int:
    """Of datasets side by side."""
    if UNKNOWN in counts:
        return UNKNOWN
    return min((count for count in counts if count >= 0), default=INFINITE)
