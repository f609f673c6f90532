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

    @property
    def other(self) -> Side:
        """The other one."""
        return Side.DEVICE if self is Side.HOST else Side.HOST


BOTH = frozenset(Side)


@dataclass(frozen=True, slots=True)
class Access(Generic[Key]):
    """What a step reads and writes, and on which side it runs. What it writes, it writes whole.

    `as_is` it reads wherever it is; `away` it writes on the other side.
    """

    side: Side
    reads: tuple[Key, ...]
    writes: tuple[Key, ...]
    as_is: tuple[Key, ...] = ()
    away: tuple[Key, ...] = ()


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
    found = [_done(access, sides) for access in accesses]
    last: dict[Key, None] = {}
    for key, side in fetched:
        last.update(dict.fromkeys(_moved([key], side, sides)))
    return [*found, list(last)]


def newest_sides(accesses: Sequence[Access[Key]], given: Mapping[Key, frozenset[Side]]) -> dict[Key, frozenset[Side]]:
    """Where each buffer's newest value is when all have run."""
    sides = dict(given)
    for access in accesses:
        _done(access, sides)
    return sides


def sides_of_others(
    accesses: Sequence[Access[Key]], given: Mapping[Key, frozenset[Side]]
) -> list[dict[Key, frozenset[Side]]]:
    """For each access, where the newest values are of what it reads as it is."""
    sides = dict(given)
    found = []
    for access in accesses:
        found.append({key: sides.get(key, BOTH) for key in access.as_is})
        _done(access, sides)
    return found


def _done(access: Access[Key], sides: dict[Key, frozenset[Side]]) -> list[Key]:
    moved = _moved(access.reads, access.side, sides)
    sides.update(dict.fromkeys(access.writes, frozenset([access.side])))
    sides.update(dict.fromkeys(access.away, frozenset([access.side.other])))
    return moved


def _moved(keys: Iterable[Key], side: Side, sides: dict[Key, frozenset[Side]]) -> list[Key]:
    moved = [key for key in dict.fromkeys(keys) if side not in sides.get(key, BOTH)]
    sides.update(dict.fromkeys(moved, BOTH))
    return moved
