"""What bodies take from places on the device that change from iteration to iteration, and give to fresh ones.

A table of addresses is uploaded before each run; two launches of the capture then move all that a loop carries.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ResourceExhaustedError
from ..gpu.calls import THREADS, Launch
from ..gpu.device import Call
from ..gpu.memory import DeviceMemory
from ..gpu.source import Kernel
from ..gpu.template import template
from ..gpu.values import DeviceValue
from ..plan.buffers import Buffer, Storage, View
from .gpu_residence import Access, Side
from .planned import Slot

if TYPE_CHECKING:
    from .gpu import GpuProgram

# Blocks that work on one array.
_MOST_BLOCKS = 64
Lent = Callable[[], DeviceValue]


class Inlet:
    """A place on the device that a value is moved to when the segment runs."""

    __slots__ = ("_moves", "_number")

    def __init__(self, moves: Moves, number: int) -> None:
        self._moves, self._number = moves, number

    def take(self, value: DeviceValue, then: Callable[[DeviceValue], None] | None = None) -> None:
        """Has the value moved; `then` is called with it when that is under way."""
        if self._moves.taken.value is None:
            self._moves.taken.value = []
        self._moves.taken.value.append((self._number, value, then))


class Outlet:
    """What gives a value that the segment has left, after its run; where there was no memory for it, from where it lies."""

    __slots__ = ("_lent", "given", "place", "sizes")

    def __init__(self, given: Slot, place: int, sizes: tuple[int, ...], lent: Lent) -> None:
        self.given, self.place, self.sizes, self._lent = given, place, sizes, lent

    def __call__(self) -> DeviceValue:
        value: DeviceValue | None = self.given.value[self.place]
        return self._lent() if value is None else value.reshaped(self.sizes)


class Moves:
    """What the one segment of a program moves before and after its work."""

    def __init__(self, program: GpuProgram, first: int, last: int) -> None:
        self._program, self._first, self._last = program, first, last
        # What was taken and given, until the run has ended: it must not be used again before.
        self.taken, self.given = Slot(), Slot()
        self._inlets: list[tuple[int, int]] = []
        self._outlets: dict[tuple[int, int, np.dtype[Any]], int] = {}
        self._fresh: list[tuple[np.dtype[Any], tuple[int, ...], int]] = []
        self._packing: list[Call] = []
        self._fixed: list[DeviceMemory] = []
        self._writers = {b: i for i, a in enumerate(program.accesses) for b in _written_by_host(a)}
        self._host = np.zeros(0, np.int64)

    @classmethod
    def of(cls, program: GpuProgram, on_device: Sequence[int]) -> Moves | None:
        """Those of a function's program whose work on the device is one segment; else None."""
        if not program.plan.of_function or not on_device:
            return None
        between = program.accesses[on_device[0] : on_device[-1]]
        if any(access.side is Side.HOST for access in between):
            return None
        return cls(program, on_device[0], on_device[-1])

    def inlet(self, number: int, view: View) -> Inlet | None:
        """Where what a step gives is moved to; None if only others need it, or before the segment runs."""
        accesses = self._program.accesses[number + 1 : self._first]
        if (
            number > self._first
            or self._program.last_reads.get(view.buffer, -1) < self._first
            or any(view.buffer in (*a.reads, *a.as_is) for a in accesses)
        ):
            return None
        return self.fed(self._program.memories.address(view.buffer) + view.offset, view.nbytes)

    def fed(self, address: int, nbytes: int) -> Inlet:
        """The inlet at an address."""
        self._inlets.append((address, nbytes))
        return Inlet(self, len(self._inlets) - 1)

    def outlet(self, number: int, view: View, lent: Lent) -> Outlet | None:
        """What gives a step, or who fetches, a value that the segment leaves; None for others."""
        buffer = view.buffer
        if number <= self._last or buffer.storage is not Storage.ARENA or self._writers.get(buffer, -1) > self._last:
            return None
        dtype, sizes = view.dtype.numpy, view.sizes
        address, calls = self._packed(view)
        place = self._outlets.setdefault((address, view.nbytes, dtype), len(self._fresh))
        if place == len(self._fresh):
            self._packing += calls
            self._fresh.append((dtype, sizes, view.nbytes))
        return Outlet(self.given, place, sizes, lent)

    def _packed(self, view: View) -> tuple[int, list[Call]]:
        if view.contiguous:
            return self._program.memories.address(view.buffer) + view.offset, []
        packed, calls = self._program.memories.packed(view)
        return packed.address, calls

    # Running

    def calls(self) -> tuple[list[Call], list[Call]]:
        """What the segment does before and after its work, when all inlets and outlets are known."""
        device = self._program.device
        count = len(self._inlets) + len(self._fresh)
        if not count:
            return [], []
        self._table = DeviceMemory(device, 8 * count, "places of what a loop carries")
        self._host = np.zeros(count, np.int64)
        before = self._launch(self._inlets, True, self._table.address)
        outlets = [(address, nbytes) for address, nbytes, _ in self._outlets]
        after = self._launch(outlets, False, self._table.address + 8 * len(self._inlets))
        return before, [*self._packing, *after]

    def _launch(self, places: list[tuple[int, int]], taken: bool, table: int) -> list[Call]:
        if not places:
            return []
        kernel, device = _kernel(taken), self._program.device
        fixed = DeviceMemory(device, 16 * len(places), "places of what a loop carries")
        device.upload(fixed.address, np.array(places, np.int64))
        self._fixed.append(fixed)
        blocks = min(max(-(-nbytes // (16 * THREADS)) for _, nbytes in places), _MOST_BLOCKS)
        launch = Launch(kernel, (max(blocks, 1), len(places), 1), (THREADS, 1, 1), 0, (table, fixed.address))
        return [launch.prepare(device, device.load([kernel]))]

    def bring(self) -> None:
        """Uploads where what is moved lies and goes: before the segment runs."""
        if not self._host.size:
            return
        places, given = [0] * len(self._inlets), self._fresh_values()
        for number, value, _ in self.taken.value or ():
            places[number] = value.address
        self._host[:] = [*places, *[0 if value is None else value.address for value in given]]
        self._program.device.upload(self._table.address, self._host)
        self.given.value = given

    def _fresh_values(self) -> Sequence[DeviceValue | None]:
        try:
            return self._program.pool.all_fresh(self._fresh)
        except ResourceExhaustedError:
            return [None] * len(self._fresh)

    def done(self) -> None:
        """Notes that what was to be moved is under way."""
        for _, value, then in self.taken.value or ():
            if then is not None:
                then(value)


def _written_by_host(access: Access[Buffer]) -> tuple[Buffer, ...]:
    return (*access.writes, *access.away) if access.side is Side.HOST else ()


def _kernel(taken: bool) -> Kernel:
    words = "true" if taken else "false"
    return template(
        "move_values", "moves.cuh", "const long long* table, const long long* fixed", words, files=("movement.cuh",)
    )
