"""Sums of several passes on one rank, by pairs of passes, then pairs of pairs: the order that ranks use among themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Arrays = list[np.ndarray[Any, Any]]


class LocalSum:
    """Arrays added up pass by pass. So 8 passes on one rank and 4 on each of two give the same bits."""

    def __init__(self) -> None:
        # Sums of 2**level passes each, largest first.
        self._sums: list[tuple[int, Arrays]] = []

    def add(self, arrays: Sequence[np.ndarray[Any, Any]], scale: float) -> None:
        """Adds a pass, each array times `scale`; for a scale of 0 zeros, whatever the arrays hold."""
        level, sums = 0, [_scaled(a, scale) for a in arrays]
        while self._sums and self._sums[-1][0] == level:
            earlier = self._sums.pop()[1]
            sums = [np.add(a, b, out=a) for a, b in zip(earlier, sums, strict=True)]
            level += 1
        self._sums.append((level, sums))

    def take(self, arrays: Sequence[np.ndarray[Any, Any]], scale: float, out: Sequence[np.ndarray[Any, Any]]) -> None:
        """Adds the last pass, writes the sums to `out` and starts over."""
        self.add(arrays, scale)
        total = self._sums.pop()[1]
        while self._sums:
            total = [np.add(a, b, out=a) for a, b in zip(self._sums.pop()[1], total, strict=True)]
        for place, array in zip(out, total, strict=True):
            np.copyto(place, array)


def _scaled(array: np.ndarray[Any, Any], scale: float) -> np.ndarray[Any, Any]:
    if scale == 0:
        return np.zeros_like(array)
    result: np.ndarray[Any, Any] = array * np.asarray(scale, array.dtype)
    return result
