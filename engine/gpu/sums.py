"""Sums over ranks within a device's work: what a device offers, and what ranks agree on before they run it."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ..errors import OpError

if TYPE_CHECKING:
    from .device import Call, Device

Array = np.ndarray[Any, Any]
# How some work is run: call by call, or as a capture, which have numbers above FRESH; who has none yet says FRESH.
CALLS, FRESH = 0, 1


class Ranks(Protocol):
    """What is asked of a communicator of processes: engine/communicator.py has it whole."""

    rank: int
    size: int
    cards: Sequence[int]

    def broadcast(self, name: str, array: Array, root: int = 0) -> Array:
        """`array` as it is on the rank `root`, written in place."""

    def all_reduce(self, name: str, array: Array, merge: str = "Add") -> Array:
        """The arrays of all ranks made one."""

    def agree(self, name: str, arrays: Sequence[str], value: int) -> list[int]:
        """The values of all ranks, once all are about to add up the same."""

    def at_leaving(self, call: Callable[[], None]) -> None:
        """Has `call` called when this rank takes part no more."""


class Sums(Protocol):
    """Sums over ranks by their devices: beside a device's other work, in the order of asking among themselves.

    Attributes:
        name: what adds up, in words.
        ranks: those that take part.
        captures: the number of the last capture that all ranks made together.
    """

    name: str
    ranks: Ranks
    captures: int

    def connect(self) -> None:
        """Makes ready what is needed, together with all ranks; when it is there, looks whether something went wrong.

        Raises:
            AbortedError: something did, on a rank or between them.
        """

    def all_reduce(self, places: Sequence[tuple[int, int]], dtype: Any, merge: str = "Add") -> Call:
        """What begins to replace arrays, each an address and a count of elements, by those of all ranks made one."""

    def join(self) -> None:
        """Lets what the device is asked for from now on come after all sums that were begun."""

    def wait(self) -> None:
        """Returns when the device has done all that it was asked for; AbortedError where a sum cannot end."""

    def end(self, why: str) -> None:
        """Lets no sum begin from now on: the ranks are no longer together."""

    def close(self) -> None:
        """Waits for the sums that were begun: this rank leaves the others."""


@dataclass(frozen=True, slots=True)
class Part:
    """A sum that is part of some work: the tensors' names, and their dtypes and shapes in words."""

    sums: Sums
    label: str
    arrays: tuple[str, ...]


class Meeting:
    """Where ranks agree, before each run of work with sums in it, that it is the same work, and how they run it.

    A device would wait for ever for a rank that does something else; and NCCL wants what is replayed to be what all
    ranks captured together.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        self.sums = parts[0].sums
        self._name = ", ".join(part.label for part in parts)
        self._arrays = tuple(array for part in parts for array in part.arrays)

    def agreed(self, own: int) -> int:
        """CALLS, or the number of a capture: `own`, or that of a new one which all ranks make now.

        `own` is CALLS where this rank cannot replay or capture, FRESH, or the number of its capture.
        """
        try:
            values = self.sums.ranks.agree(self._name, self._arrays, own)
            self.sums.connect()
        except OpError as error:
            self.sums.end(error.message)
            raise
        if CALLS in values:
            return CALLS
        if own == FRESH or len(set(values)) > 1:
            self.sums.captures += 1
            return self.sums.captures
        return own


_made: weakref.WeakKeyDictionary[Any, dict[int, Sums]] = weakref.WeakKeyDictionary()
_lock = threading.Lock()


def sums_on(device: Device, ranks: Ranks) -> Sums:
    """What adds up over some ranks on a device, one for each pair; all ranks must get one before any is used."""
    with _lock:
        found = _made.setdefault(ranks, {})
        if id(device) not in found:
            found[id(device)] = device.sums(ranks)
            ranks.at_leaving(found[id(device)].close)
        return found[id(device)]
