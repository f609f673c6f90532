"""Segments: stretches of a step that the native runtime runs in one call."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from ..errors import InternalError
from .calls import Array, Call, Scratch
from .library import Library


class Segment:
    """Calls bound to addresses. `owners` names for each call the step that it belongs to."""

    def __init__(self, library: Library, calls: Sequence[Call], owners: Sequence[int], threads: int, scratch: Array):
        self.owners = list(owners)
        self.scratch = scratch
        self.arrays = [a for call in calls for a in call.arguments if isinstance(a, np.ndarray)]
        self._calls = calls
        rows = [_row(library, call, scratch) for call in calls]
        self.native = library.segment(rows, threads, [*self.arrays, scratch])
        self.run = self.native.run

    def run_timed(self, times: Array) -> int:
        """As `run`; `times` (int64, one more than calls) gets when the first began and each ended, in nanoseconds."""
        failed: int = self.native.run_timed(times)
        return failed

    def names(self) -> list[tuple[str, int]]:
        """The kernel and the number of chunks of each call."""
        return [(call.kernel, call.chunks) for call in self._calls]

    def places_in(self, start: int, nbytes: int) -> tuple[int, ...]:
        """Pairs (argument, offset) of the arguments that point into some memory, for `point`."""
        addresses, positions = self._pointers
        found = range(bisect_left(addresses, start), bisect_left(addresses, start + nbytes))
        return tuple(number for i in found for number in (positions[i], addresses[i] - start))

    @cached_property
    def _pointers(self) -> tuple[list[int], list[int]]:
        """Where all arguments point to, in order, and which they are: a step may be fed hundreds of arrays."""
        arguments = enumerate(argument for call in self._calls for argument in call.arguments)
        pairs = sorted((address(argument), i) for i, argument in arguments if isinstance(argument, np.ndarray))
        return [pair[0] for pair in pairs], [pair[1] for pair in pairs]

    def point(self, places: tuple[int, ...], array: Any, nbytes: int) -> None:
        """Lets arguments point into `array`, which must live until the run has ended."""
        self.native.point(places, array, nbytes)


def address(array: Array) -> int:
    """Where an array's first element lies."""
    start: int = array.__array_interface__["data"][0]
    return start


def _row(library: Library, call: Call, scratch: Array) -> tuple[int, int, tuple[int | float, ...]]:
    kernel, fields = library.kernels[call.kernel]
    if fields not in (0, len(call.arguments)):
        raise InternalError(None, None, f"{call.kernel} takes {fields} arguments, not {len(call.arguments)}")
    return kernel, call.chunks, tuple(_number(a, scratch) for a in call.arguments)


def _number(argument: Any, scratch: Array) -> int | float:
    if isinstance(argument, np.ndarray):
        return address(argument)
    if isinstance(argument, Scratch):
        return address(scratch) + argument.offset
    return 0 if argument is None else argument
