"""What a program on a device takes and gives: fed values on their way there, fetched ones on their way back."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import numpy as np

from ..errors import ResourceExhaustedError
from ..gpu.device import Device
from ..gpu.memory import Turn
from ..gpu.values import DeviceValue, seen
from .gpu_moves import Inlet
from .planned import Put, Slot

Array = np.ndarray[Any, Any]


def ignore(value: Any) -> None:
    """Where nobody reads what is fed."""


def put_in_slot(slot: Slot, value: Any) -> None:
    """Where a value of any shape is fed."""
    slot.value = seen(value)


def put_at_home(array: Array, value: Any) -> None:
    """Where the host alone reads what is fed."""
    np.copyto(array, seen(value))


class Given(Slot):
    """What is fed, for steps that hand it on as it is; `put` is what others need of it."""

    __slots__ = ("_dtype", "put")

    def __init__(self, dtype: np.dtype[Any]) -> None:
        super().__init__()
        self._dtype = dtype
        self.put: Put = ignore

    def __call__(self, value: Any) -> None:
        """Takes a value."""
        self.value = value
        self.put(value)

    def array(self, sizes: tuple[int, ...]) -> DeviceValue | Array:
        """The value where it is."""
        there = self.there(sizes)
        return np.asarray(self.value, self._dtype).reshape(sizes) if there is None else there

    def there(self, sizes: tuple[int, ...]) -> DeviceValue | None:
        """The value if it is on the device."""
        value = self.value
        return value.reshaped(sizes) if isinstance(value, DeviceValue) and value.dtype == self._dtype else None


class FedPlace:
    """Where a fed value lies on a device, and on the host if that reads it too.

    `only_carried`: no kernel reads it, so that what is on the device already stays where it is. `inlet` moves what is.
    """

    __slots__ = ("_address", "_at_home", "_device", "_dtype", "_last", "_turn", "inlet", "only_carried")

    def __init__(
        self, device: Device, turn: Turn, address: int, dtype: np.dtype[Any], at_home: Array | None = None
    ) -> None:
        self._device, self._turn, self._address, self._dtype, self._at_home = device, turn, address, dtype, at_home
        self.only_carried = False
        self.inlet: Inlet | None = None
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
        if self.only_carried:
            return
        if self.inlet is not None:
            self.inlet.take(value, self._took)
        else:
            value.copy_to(self._address)
            self._took(value)

    def _took(self, value: DeviceValue) -> None:
        self._last = weakref.ref(value)


def fetched_home(get: Callable[[], Any]) -> Any:
    """What is in a slot, on the host; scalars as NumPy's."""
    value = get()
    return value.home()[()] if isinstance(value, DeviceValue) else value


def downloaded(lent: Callable[[], DeviceValue]) -> Any:
    """What lies on the device, as an array or a NumPy scalar of the caller's own."""
    array = lent().home()
    return array[()] if array.ndim == 0 else array


def left_there(lent: Callable[[], DeviceValue]) -> DeviceValue | Array:
    """A copy of what lies on the device, there too; on the host, if there is no more memory."""
    value = lent()
    if value.lasts:
        return value
    try:
        return value.pool.kept(value)
    except ResourceExhaustedError:
        return value.home()
