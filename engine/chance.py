"""Random ops on several ranks: equal seeds give every rank numbers of its own, from another part of the stream."""

from __future__ import annotations

# Blocks of random numbers for one rank: far more than a training draws.
_APART = 1 << 44


class _Place:
    """Of this process."""

    rank = 0


def set_apart(rank: int) -> None:
    """From now on random ops of this process draw the numbers of a rank; rank 0 draws those of a process of its own."""
    _Place.rank = rank


def first_block() -> int:
    """Where in its stream a random op begins."""
    return _Place.rank * _APART
