"""Values in a device's memory that one program hands to another: loop variables, what branches capture, items of lists."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .device import Device
from .extent import Extent
from .late import ask
from .memory import DeviceMemory, Turn, lock_of

Array = np.ndarray[Any, Any]
# Values of a few bytes are handed on where they are: a loop that looks at them on the host then need not wait.
FEW = 64


class DeviceValue(Extent):
    """An array in a device's memory, whose bytes stay as they are while this lives. NumPy sees it as an array: a copy.

    It owns its memory, or what made it sees to it that the memory outlives it.
    """

    __slots__ = ("__weakref__", "_owner", "_seen", "address", "dtype", "pool", "shape")

    def __init__(
        self, pool: Pool, address: int, dtype: np.dtype[Any], shape: tuple[int, ...], owner: object = None
    ) -> None:
        self.pool = pool
        self.address = address
        self.dtype = dtype
        self.shape = shape
        self._owner = owner
        self._seen: Array | None = None

    def home(self) -> Array:
        """The array on the host."""
        array = np.empty(self.shape, self.dtype)
        if array.nbytes:
            ask()
            with self.pool.turn:
                self.pool.device.download(array, self.address)
        return array

    def seen(self) -> Array:
        """The array on the host, brought there once, which must not be written: what a loop on the host captures."""
        if self._seen is None:
            self._seen = self.home()
            self._seen.flags.writeable = False
        return self._seen

    def copy_to(self, address: int) -> None:
        """Copies the elements to other memory of the device."""
        if self.nbytes:
            with self.pool.turn:
                self.pool.device.copy(address, self.address, self.nbytes)()

    @property
    def lasts(self) -> bool:
        """Whether it has memory of its own, so that lists may keep it."""
        return self._owner is not None

    def reshaped(self, shape: tuple[int, ...]) -> DeviceValue:
        """The same elements in another shape."""
        if shape == self.shape:
            return self
        return DeviceValue(self.pool, self.address, self.dtype, shape, self._owner or self)

    def slices(self) -> list[DeviceValue]:
        """The values along the first axis, in the same memory."""
        shape, count = self.shape[1:], self.shape[0]
        step = self.nbytes // max(count, 1)
        return [DeviceValue(self.pool, self.address + i * step, self.dtype, shape, self._owner) for i in range(count)]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Array:
        array = self.home()
        return array if dtype is None else array.astype(dtype, copy=False)

    def __len__(self) -> int:
        return self.shape[0]

    def __add__(self, other: Any) -> Array:
        total: Array = np.add(self.home(), other)
        return total


class Pool:
    """Memory of values, used again when a value is gone: what uses it later comes later in the device's order."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.turn: Turn = lock_of(device)
        # All of it: when the collector finds values in a ring, nothing of what they had may be given back.
        self._held: list[DeviceMemory] = []
        self._free: dict[int, list[int]] = {}

    def lent(self, address: int, dtype: np.dtype[Any], shape: tuple[int, ...]) -> DeviceValue:
        """A value in memory that somebody else keeps as it is for as long as it is looked at."""
        return DeviceValue(self, address, dtype, shape)

    def kept(self, value: DeviceValue) -> DeviceValue:
        """A copy with memory of its own; ResourceExhaustedError if there is none."""
        copy = self.fresh(value.dtype, value.shape, value.nbytes)
        value.copy_to(copy.address)
        return copy

    def fresh(self, dtype: np.dtype[Any], shape: tuple[int, ...], nbytes: int) -> DeviceValue:
        """A value with memory of its own that is not filled yet; ResourceExhaustedError if there is none."""
        return self.all_fresh([(dtype, shape, nbytes)])[0]

    def all_fresh(self, wanted: Sequence[tuple[np.dtype[Any], tuple[int, ...], int]]) -> list[DeviceValue]:
        """As `fresh`, for several of (dtype, shape, bytes)."""
        found = []
        for dtype, shape, nbytes in wanted:
            free = self._free.setdefault(nbytes, [])
            try:
                block = _Block(free.pop(), free)
            except IndexError:
                block = _Block(self._taken(nbytes), free)
            found.append(DeviceValue(self, block.address, dtype, shape, block))
        return found

    def _taken(self, nbytes: int) -> int:
        self._held.append(DeviceMemory(self.device, nbytes, "values of loops and branches"))
        return self._held[-1].address


class _Block:
    """Memory that goes back to its pool with the last value in it."""

    __slots__ = ("_free", "address")

    def __init__(self, address: int, free: list[int]) -> None:
        self.address, self._free = address, free

    def __del__(self) -> None:
        self._free.append(self.address)


def seen(value: Any) -> Any:
    """As `at_home`, brought there once, and not to be written."""
    return value.seen() if isinstance(value, DeviceValue) else value


def at_home(value: Any) -> Any:
    """What is in a device's memory as an array, anything else as it is."""
    return value.home() if isinstance(value, DeviceValue) else value
