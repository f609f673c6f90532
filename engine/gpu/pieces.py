"""Small arrays in a device's memory, many to an allocation: constants, tables, fed values and what the host computes a step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np

from .calls import DeviceArray, row_major
from .device import ALIGNMENT, Device
from .memory import DeviceMemory, lock_of

Array = np.ndarray[Any, Any]
# Pieces up to this size share an allocation.
_CHUNK = 1 << 16
# A value that the host computes: its chunk, where it begins and ends there, and what gives it.
Added = tuple[int, int, int, Callable[[], Array]]


@runtime_checkable
class Drawn(Protocol):
    """A value that moves something on when it is computed, such as the stream of a random op."""

    def undo(self) -> None:
        """Takes the last computation back."""


def _rounded(nbytes: int, to: int = ALIGNMENT) -> int:
    return -(-max(nbytes, 1) // to) * to


class Pieces:
    """Memory in pieces that live as long as this does."""

    def __init__(self, device: Device, name: str) -> None:
        self.device = device
        self.name = name
        self.held: list[DeviceMemory] = []
        self._next = self._end = 0

    def take(self, nbytes: int) -> int:
        """The address of fresh bytes."""
        size = _rounded(nbytes)
        if size > _CHUNK // 4:
            return self._allocate(size).address
        if self._next + size > self._end:
            self._next = self._allocate(_CHUNK).address
            self._end = self._next + _CHUNK
        self._next += size
        return self._next - size

    def _allocate(self, nbytes: int) -> DeviceMemory:
        self.held.append(DeviceMemory(self.device, nbytes, self.name))
        return self.held[-1]

    def put(self, array: Array) -> DeviceArray:
        """A copy of an array that never changes, in row-major order."""
        host = np.ascontiguousarray(array)
        address = self.take(host.nbytes)
        with lock_of(self.device):
            if host.nbytes:
                self.device.upload(address, host)
        return DeviceArray(address, host.dtype, array.shape, row_major(array.shape, host.dtype))


class Scratch:
    """Memory that nodes have while they work, one node at a time: the next may have the same."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.held: list[DeviceMemory] = []
        self._free: list[DeviceMemory] = []

    def next_node(self) -> None:
        """Whatever was taken is free again."""
        self._free = list(self.held)

    def take(self, nbytes: int) -> int:
        """The address of some bytes, not cleared."""
        fitting = [memory for memory in self._free if memory.nbytes >= nbytes]
        if fitting:
            best = min(fitting, key=lambda memory: memory.nbytes)
            self._free.remove(best)
            return best.address
        self.held.append(DeviceMemory(self.device, _rounded(nbytes), "scratch memory"))
        return self.held[-1].address

    @property
    def nbytes(self) -> int:
        """All bytes of it."""
        return sum(memory.nbytes for memory in self.held)


class StepValues:
    """Small arrays that the host computes before each run, side by side so that a segment's travel together."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.memory: list[DeviceMemory] = []
        self._hosts: list[Array] = []
        self._next = 0
        self._added: list[Added] = []

    def add(self, function: Callable[[], Array], nbytes: int) -> int:
        """The address of an array that `function` gives."""
        size = _rounded(nbytes, 16)
        if not self.memory or self._next + size > self.memory[-1].nbytes:
            self.memory.append(DeviceMemory(self.device, max(_rounded(size), 1 << 14), "step values"))
            self._hosts.append(np.zeros(self.memory[-1].nbytes, np.uint8))
            self._next = 0
        self._added.append((len(self.memory) - 1, self._next, self._next + nbytes, function))
        self._next += size
        return self.memory[-1].address + self._added[-1][1]

    def taken(self) -> list[Added]:
        """The values added since the last call."""
        added, self._added = self._added, []
        return added

    def host(self, chunk: int) -> Array:
        """What a chunk is uploaded from."""
        return self._hosts[chunk]


def drawn_ahead(added: Iterable[Added]) -> list[Drawn]:
    """Those of a step's values that can be taken back."""
    functions: list[object] = [function for *_, function in added]
    return [function for function in functions if isinstance(function, Drawn)]


class StepInputs:
    """Values that are computed and uploaded before a segment runs."""

    def __init__(self, values: StepValues, added: Sequence[Added]) -> None:
        self._device = values.device
        self._fills = [(values.host(c)[begin:end], function) for c, begin, end, function in added]
        chunks = dict.fromkeys(c for c, _, _, _ in added)
        spans = {c: [(b, e) for k, b, e, _ in added if k == c] for c in chunks}
        self._uploads = [
            (values.memory[c].address + min(span)[0], values.host(c)[min(span)[0] : max(e for _, e in span)])
            for c, span in spans.items()
        ]

    def bring(self) -> None:
        """Computes and uploads them."""
        for place, function in self._fills:
            place[:] = np.ascontiguousarray(function()).reshape(-1).view(np.uint8)
        for address, host in self._uploads:
            self._device.upload(address, host)

    @property
    def nbytes(self) -> int:
        """What is uploaded."""
        return sum(host.nbytes for _, host in self._uploads)
