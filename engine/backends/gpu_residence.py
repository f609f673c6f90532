"""Where the newest value of each buffer is while a program runs, on the host, the device or both; so what is copied when."""

from __future__ import annotations

import enum
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)


class Side(enum.Enum):
    """Where something is."""

    HOST = "host"
    DEVICE = "device"


BOTH = frozenset(Side)


@dataclass(frozen=True, slots=True)
class Access(Generic[Key]):
    """What a step reads and writes, and on which side it runs. What it writes, it writes whole."""

    side: Side
    reads: tuple[Key, ...]
    writes: tuple[Key, ...]


def copies_before(
    accesses: Sequence[Access[Key]], given: Mapping[Key, frozenset[Side]], fetched: Iterable[tuple[Key, Side]] = ()
) -> list[list[Key]]:
    """The buffers that are copied to its side before each access, and at the end those of `fetched` that are.

    Args:
        accesses: in the order of running.
        given: where the values are that are there from the start.
        fetched: what must be on which side when all have run.

    Returns:
        One list an access and one more for the end. What lies where it is needed is not copied.
    """
    sides = dict(given)
    found = []
    for access in accesses:
        found.append(_moved(access.reads, access.side, sides))
        sides.update(dict.fromkeys(access.writes, frozenset([access.side])))
    last: dict[Key, None] = {}
    for key, side in fetched:
        last.update(dict.fromkeys(_moved([key], side, sides)))
    return [*found, list(last)]


def newest_sides(accesses: Sequence[Access[Key]], given: Mapping[Key, frozenset[Side]]) -> dict[Key, frozenset[Side]]:
    """Where each buffer's newest value is when all have run."""
    sides = dict(given)
    for access in accesses:
        _moved(access.reads, access.side, sides)
        sides.update(dict.fromkeys(access.writes, frozenset([access.side])))
    return sides


def _moved(keys: Iterable[Key], side: Side, sides: dict[Key, frozenset[Side]]) -> list[Key]:
    moved = [key for key in dict.fromkeys(keys) if side not in sides.get(key, BOTH)]
    sides.update(dict.fromkeys(moved, BOTH))
    return moved
