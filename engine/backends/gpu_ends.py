"""What a program on a device takes and gives: fed values on their way there, fetched ones on their way back."""

from __future__ import annotations

import weakref
from typing import Any

import numpy as np

from ..errors import ResourceExhaustedError
from ..gpu.device import Device
from ..gpu.memory import Turn
from ..gpu.values import DeviceValue, Pool, seen
from .planned import Slot

Array = np.ndarray[Any, Any]


def ignore(value: Any) -> None:
    """Where nobody reads what is fed."""


def put_in_slot(slot: Slot, value: Any) -> None:
    """Where a value of any shape is fed."""
    slot.value = seen(value)


def put_at_home(array: Array, value: Any) -> None:
    """Where the host alone reads what is fed."""
    np.copyto(array, seen(value))


class FedPlace:
    """Where a fed value lies on a device, and on the host if that reads it too."""

    __slots__ = ("_address", "_at_home", "_device", "_dtype", "_last", "_turn")

    def __init__(
        self, device: Device, turn: Turn, address: int, dtype: np.dtype[Any], at_home: Array | None = None
    ) -> None:
        self._device, self._turn, self._address, self._dtype, self._at_home = device, turn, address, dtype, at_home
        # What was taken last, if it came from the device: a loop gives what it captures in each iteration.
        self._last: weakref.ref[DeviceValue] | None = None

    def __call__(self, value: Any) -> None:
        """Takes a value."""
        if isinstance(value, DeviceValue):
            if value.dtype == self._dtype:
                self._take_there(value)
                return
            value = value.home()
        self._last = None
        if self._at_home is not None:
            np.copyto(self._at_home, value)
            value = self._at_home
        array = np.ascontiguousarray(value, self._dtype)
        if array.nbytes:
            with self._turn:
                self._device.upload(self._address, array)

    def _take_there(self, value: DeviceValue) -> None:
        if self._last is not None and self._last() is value:
            return
        self._last = None
        if self._at_home is not None:
            np.copyto(self._at_home, value.seen())
        value.copy_to(self._address)
        self._last = weakref.ref(value)


def downloaded(device: Device, turn: Turn, address: int, dtype: np.dtype[Any], sizes: tuple[int, ...]) -> Any:
    """What lies at an address, as an array or a NumPy scalar of the caller's own."""
    array = np.empty(sizes, dtype)
    if array.nbytes:
        with turn:
            device.download(array, address)
    return array[()] if array.ndim == 0 else array


def left_there(pool: Pool, address: int, dtype: np.dtype[Any], sizes: tuple[int, ...]) -> DeviceValue | Array:
    """A copy of what lies at an address, in the device's memory; on the host, if there is no more of it."""
    value = pool.lent(address, dtype, sizes)
    try:
        return pool.kept(value)
    except ResourceExhaustedError:
        return value.home()
