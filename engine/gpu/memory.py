"""Memory on devices: given back when nobody holds it, counted, and kept under a limit; the variables' copies in it."""

from __future__ import annotations

import gc
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..errors import ResourceExhaustedError
from .device import Device

# The largest pieces that an error of too little memory names.
MOST_NAMED = 12


class DeviceMemory:
    """Some bytes of a device, which are given back with the last reference to this."""

    __slots__ = ("__weakref__", "address", "device", "name", "nbytes", "shape", "turn")

    def __init__(self, device: Device, nbytes: int, name: str = "", shape: str = "") -> None:
        self.device = device
        self.nbytes = max(nbytes, 1)
        self.name = name
        self.shape = shape
        ledger = ledger_of(device)
        # Held while the device is asked for something.
        self.turn = ledger.lock
        self.address = ledger.take(self)


class DeviceCopy:
    """A variable's memory on a device, and on which side its newest value is: on one or both.

    Each side counts its changes and knows how many of the other's it has seen: what changes while it is copied is copied
    again.
    """

    __slots__ = ("_device_changes", "_home_changes", "_lock", "_seen_at_home", "_seen_on_device", "memory")

    def __init__(self, memory: DeviceMemory) -> None:
        self.memory = memory
        self._home_changes, self._seen_on_device = 1, 0
        self._device_changes = self._seen_at_home = 0
        self._lock = threading.Lock()

    @property
    def at_home(self) -> bool:
        """Whether the host has the newest value."""
        return self._seen_at_home == self._device_changes

    @property
    def on_device(self) -> bool:
        """Whether the device has the newest value."""
        return self._seen_on_device == self._home_changes

    def come_home(self, array: np.ndarray[Any, Any]) -> None:
        """Makes the array hold the newest value."""
        if self._seen_at_home != self._device_changes:
            with self._lock, self.memory.turn:
                changes = self._device_changes
                if array.nbytes:
                    self.memory.device.download(array, self.memory.address)
                self._seen_at_home = changes

    def to_device(self, array: np.ndarray[Any, Any]) -> None:
        """Makes the device's memory hold the newest value."""
        if self._seen_on_device != self._home_changes:
            with self._lock, self.memory.turn:
                changes = self._home_changes
                if array.nbytes:
                    self.memory.device.upload(self.memory.address, np.ascontiguousarray(array))
                self._seen_on_device = changes

    def changed_on_device(self) -> None:
        """Notes that the device's memory was written: what the host holds is old."""
        self._device_changes += 1

    def changed_at_home(self) -> None:
        """Notes that the host's array was written, and is the newest value: what the device holds is old."""
        self._seen_at_home = self._device_changes
        self._home_changes += 1


class Turn:
    """A lock, entered again by its holder, that makes the device the thread's own: one thread at a time asks a device."""

    def __init__(self, device: Device, settle: Callable[[], None]) -> None:
        # For what does not ask whose device it is.
        self.held = threading.RLock()
        # What was let go of while somebody else had the device, which `settle` gives back.
        self.waiting: deque[tuple[Device, int, int]] = deque()
        self._settle = settle
        self._device = weakref.ref(device)

    def __enter__(self) -> None:
        self.held.acquire()
        device = self._device()
        try:
            if device is not None:
                device.activate()
        except BaseException:
            self.held.release()
            raise

    def __exit__(self, kind: type[BaseException] | None, *exc: object) -> None:
        self.held.release()
        if self.waiting and kind is None:
            self._settle()


class Ledger:
    """What a device has given away: how many bytes, for what, and how many it may give."""

    def __init__(self, device: Device) -> None:
        self.lock = Turn(device, self.settle)
        # The most bytes that may be given away; 0 for as many as there are.
        self.limit = 0
        self.used = 0
        # The most that were given away at once.
        self.most = 0
        self.held: weakref.WeakSet[DeviceMemory] = weakref.WeakSet()
        # While something is captured nothing may be given back.
        self.capturing = False

    def take(self, memory: DeviceMemory) -> int:
        """The address of fresh bytes; ResourceExhaustedError names the largest pieces that are held."""
        with self.lock:
            if self._is_over(memory):
                # Programs that nobody uses any more may wait for the collector.
                gc.collect()
                self.settle()
                if self._is_over(memory):
                    raise self.exhausted(memory, f"the limit of this process is {self.limit} bytes")
            try:
                address = self._allocated(memory)
            except ResourceExhaustedError as error:
                raise self.exhausted(memory, error.message) from error
            self.used += memory.nbytes
            self.most = max(self.most, self.used)
            self.held.add(memory)
        weakref.finalize(memory, _give_back, self, memory.device, address, memory.nbytes).atexit = False
        return address

    def _is_over(self, memory: DeviceMemory) -> bool:
        return bool(self.limit) and self.used + memory.nbytes > self.limit

    def _allocated(self, memory: DeviceMemory) -> int:
        try:
            return memory.device.allocate(memory.nbytes)
        except ResourceExhaustedError:
            gc.collect()
            self.settle()
            return memory.device.allocate(memory.nbytes)

    def settle(self) -> None:
        """Gives back what waits, unless somebody else has the device: then they do, when their turn ends."""
        waiting = self.lock.waiting
        while waiting and not self.capturing and self.lock.held.acquire(blocking=False):
            try:
                while waiting and not self.capturing:
                    device, address, nbytes = waiting.popleft()
                    self.used -= nbytes
                    device.release(address)
            finally:
                self.lock.held.release()

    def exhausted(self, memory: DeviceMemory, why: str) -> ResourceExhaustedError:
        """An error that says what lacks and what takes the most memory."""
        head = f"{memory.name or 'The step'} needs {memory.nbytes} bytes on {memory.device.name}, more than there are: {why}."
        rows = [(m.name, m.shape, m.nbytes) for m in list(self.held) if m.name]
        return ResourceExhaustedError(None, None, f"{head} In use are {self.used} bytes.\n{table(rows)}".rstrip())


def _give_back(ledger: Ledger, device: Device, address: int, nbytes: int) -> None:
    # Never waits: what is let go of may be let go of by whoever has a lock that the device's user wants.
    ledger.lock.waiting.append((device, address, nbytes))
    ledger.settle()


@contextmanager
def capturing(device: Device) -> Iterator[None]:
    """While something is captured: memory that nobody holds any more is given back afterwards."""
    ledger = ledger_of(device)
    with ledger.lock:
        ledger.capturing = True
        try:
            yield
        finally:
            ledger.capturing = False


def table(rows: Iterable[tuple[str, str, int]]) -> str:
    """The largest of (name, shape, bytes), a line each."""
    largest = sorted(rows, key=lambda row: -row[2])[:MOST_NAMED]
    return "\n".join(f"{nbytes:>14} bytes  {shape:<20}  {name}" for name, shape, nbytes in largest)


_ledgers: weakref.WeakKeyDictionary[Any, Ledger] = weakref.WeakKeyDictionary()
_locks = threading.Lock()


def ledger_of(device: Device) -> Ledger:
    """The ledger of a device."""
    with _locks:
        if device not in _ledgers:
            _ledgers[device] = Ledger(device)
        return _ledgers[device]


def lock_of(device: Device) -> Turn:
    """What is held while a device is asked for something: while one thread records a capture, others wait."""
    return ledger_of(device).lock
