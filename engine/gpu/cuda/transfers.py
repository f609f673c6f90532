"""Copies between the host and a GPU, through memory that its copy engine reads by itself (pinned)."""

from __future__ import annotations

import ctypes
import weakref
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
# Up to here a copy is a few microseconds' work: it waits its turn among the kernels.
SMALL = 64 << 10
_HALF, _SLOT, _RESULT = 512 << 10, 8 << 20, 4 << 20
_LINE = 64
_PORTABLE = 1


class Pinned:
    """Pinned memory: `bytes` is a view of it."""

    def __init__(self, runtime: Any, nbytes: int) -> None:
        self.address: int = runtime.hostAlloc(nbytes, _PORTABLE)
        weakref.finalize(self, runtime.freeHost, self.address).atexit = False
        self.bytes = np.ctypeslib.as_array((ctypes.c_ubyte * nbytes).from_address(self.address))


def bytes_of(array: Array) -> Array:
    """The bytes of a contiguous array, in place."""
    return array.reshape(-1).view(np.uint8)


class SmallUploads:
    """Small arrays in order with the kernels: two halves of pinned memory, one being filled while the other is read."""

    def __init__(self, runtime: Any, stream: int) -> None:
        self._runtime, self._stream = runtime, stream
        self._pinned = Pinned(runtime, 2 * _HALF)
        self._events = [runtime.eventCreateWithFlags(runtime.eventDisableTiming) for _ in range(2)]
        self._half, self._used = 0, 0

    def start(self, address: int, data: Array) -> None:
        """Copies at most SMALL bytes to `address`."""
        nbytes = data.size
        if self._used + nbytes > _HALF:
            self._turn()
        start = self._half * _HALF + self._used
        self._pinned.bytes[start : start + nbytes] = data
        runtime = self._runtime
        runtime.memcpyAsync(address, self._pinned.address + start, nbytes, runtime.memcpyHostToDevice, self._stream)
        self._used += -(-nbytes // _LINE) * _LINE

    def _turn(self) -> None:
        self._runtime.eventRecord(self._events[self._half], self._stream)
        self._half, self._used = 1 - self._half, 0
        self._runtime.eventSynchronize(self._events[self._half])


class _Slot:
    """A buffer on each side: `copied` when the device's is filled, `used` when it was read."""

    def __init__(self, runtime: Any, allocate: Any, nbytes: int) -> None:
        self.pinned = Pinned(runtime, nbytes)
        self.address = allocate(nbytes)
        self.copied = runtime.eventCreateWithFlags(runtime.eventDisableTiming)
        self.used = runtime.eventCreateWithFlags(runtime.eventDisableTiming)


class Uploads:
    """Arrays to the device. Large ones cross the bus on a stream of their own, beside the kernels of the step before."""

    def __init__(self, runtime: Any, stream: int, allocate: Any) -> None:
        self._runtime, self._stream, self._allocate = runtime, stream, allocate
        self._small = SmallUploads(runtime, stream)
        self._copies: int = runtime.streamCreateWithFlags(runtime.streamNonBlocking)
        self._slots: list[_Slot] = []
        self._next = 0

    def start(self, address: int, host: Array) -> None:
        """Begins to copy a contiguous array; it may be changed when this returns."""
        data = bytes_of(host)
        if data.size <= SMALL:
            if data.size:
                self._small.start(address, data)
            return
        for start in range(0, data.size, _SLOT):
            self._part(address + start, data[start : start + _SLOT])

    def _part(self, address: int, data: Array) -> None:
        slot, runtime, nbytes = self._slot(), self._runtime, data.size
        # The host writes where the bus has read, the bus where the copy on the device has.
        runtime.eventSynchronize(slot.copied)
        slot.pinned.bytes[:nbytes] = data
        runtime.streamWaitEvent(self._copies, slot.used)
        runtime.memcpyAsync(slot.address, slot.pinned.address, nbytes, runtime.memcpyHostToDevice, self._copies)
        runtime.eventRecord(slot.copied, self._copies)
        runtime.streamWaitEvent(self._stream, slot.copied)
        runtime.memcpyAsync(address, slot.address, nbytes, runtime.memcpyDeviceToDevice, self._stream)
        runtime.eventRecord(slot.used, self._stream)

    def _slot(self) -> _Slot:
        if not self._slots:
            self._slots = [_Slot(self._runtime, self._allocate, _SLOT) for _ in range(2)]
        self._next = 1 - self._next
        return self._slots[self._next]


class Downloads:
    """Arrays from the device, in order with the kernels: one part is read by the host while the next crosses the bus."""

    def __init__(self, runtime: Any, stream: int) -> None:
        self._runtime, self._stream = runtime, stream
        self._pinned = [Pinned(runtime, _RESULT)]
        self._events = [runtime.eventCreateWithFlags(runtime.eventDisableTiming) for _ in range(2)]

    def fill(self, host: Array, address: int) -> None:
        """Fills a contiguous array; returns when it is full."""
        data = bytes_of(host)
        if data.size <= _RESULT:
            if data.size:
                self._whole(data, address)
            return
        if len(self._pinned) == 1:
            self._pinned.append(Pinned(self._runtime, _RESULT))
        parts = range(0, data.size, _RESULT)
        self._begin(0, data, address, 0)
        for i, start in enumerate(parts):
            if start + _RESULT < data.size:
                self._begin(1 - i % 2, data, address, start + _RESULT)
            self._runtime.eventSynchronize(self._events[i % 2])
            part = data[start : start + _RESULT]
            part[:] = self._pinned[i % 2].bytes[: part.size]

    def _whole(self, data: Array, address: int) -> None:
        runtime, pinned = self._runtime, self._pinned[0]
        runtime.memcpyAsync(pinned.address, address, data.size, runtime.memcpyDeviceToHost, self._stream)
        runtime.streamSynchronize(self._stream)
        data[:] = pinned.bytes[: data.size]

    def _begin(self, which: int, data: Array, address: int, start: int) -> None:
        runtime, nbytes = self._runtime, min(_RESULT, data.size - start)
        pinned = self._pinned[which].address
        runtime.memcpyAsync(pinned, address + start, nbytes, runtime.memcpyDeviceToHost, self._stream)
        runtime.eventRecord(self._events[which], self._stream)
