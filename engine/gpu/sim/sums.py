"""Sums over ranks as GPUs do them, simulated: the host adds up, and nothing may be read before it was waited for."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..device import Call
from ..sums import FRESH, Ranks

Array = np.ndarray[Any, Any]
_POISON = 0xFF


class SimSums:
    """Sums of a simulated device. What is under way is full of NaN until `join`.

    Args:
        ranks: those that take part.
        recorded: makes a call of the device's, which can be captured.
        check: raises where an address and so many bytes are not memory of the device's.
    """

    name = "simulated GPUs"

    def __init__(self, ranks: Ranks, recorded: Callable[[Call], Call], check: Callable[[str, int, int], None]) -> None:
        self.ranks = ranks
        self.captures = FRESH
        # Whether something was begun, or recorded, that nothing waits for yet.
        self.is_open = False
        self._recorded, self._check = recorded, check
        self._joined = recorded(self._finish)
        self._pending: list[tuple[Array, Array]] = []

    def connect(self) -> None:
        """Forgets what a run that failed has begun: the ranks know each other."""
        self.is_open = False
        self._pending.clear()

    def all_reduce(self, places: Sequence[tuple[int, int]], dtype: Any, merge: str = "Add") -> Call:
        """What begins to make arrays of all ranks one, in place."""
        kind = np.dtype(dtype)

        def run() -> None:
            for address, count in places:
                self._begin(address, count, kind, merge)

        recorded = self._recorded(run)

        def call() -> None:
            self.is_open = True
            recorded()

        return call

    def _begin(self, address: int, count: int, dtype: np.dtype[Any], merge: str) -> None:
        nbytes = count * dtype.itemsize
        self._check("sum over ranks", address, nbytes)
        place = np.ctypeslib.as_array((ctypes.c_ubyte * nbytes).from_address(address))
        total = self.ranks.all_reduce("sums of simulated GPUs", place.view(dtype).copy(), merge)
        place.fill(_POISON)
        self._pending.append((place, np.ascontiguousarray(total).view(np.uint8)))

    def join(self) -> None:
        """Lets later work find the sums."""
        self.is_open = False
        self._joined()

    def _finish(self) -> None:
        for place, total in self._pending:
            place[:] = total
        self._pending.clear()

    def wait(self) -> None:
        """Nothing: all is done at once here."""

    def end(self, why: str) -> None:
        """Nothing: the host that adds up knows."""

    def close(self) -> None:
        """Nothing: all is done at once here."""
