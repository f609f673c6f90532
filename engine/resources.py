"""The state of a task: variables, queues, tables and random counters, by name. Sessions on one task share a store."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from .dtypes import DType
from .errors import FailedPreconditionError, InternalError, InvalidArgumentError
from .gpu.memory import DeviceCopy, DeviceMemory
from .graph import Sizes
from .row_table import RowTable

if TYPE_CHECKING:
    from .gpu.device import Device

T = TypeVar("T")

# Variables of so many bytes and more are kept by rows. All processes of a job must agree.
BY_ROWS_FROM = int(os.environ.get("HEADRACE_ROWS_FROM", 8 << 30))


class VariableStorage:
    """The array of one variable. It is allocated once when the shape is static, and then only written in place."""

    __slots__ = ("_lock", "array", "copy", "dtype", "initialized", "name", "sizes")

    def __init__(self, name: str, dtype: DType, sizes: Sizes) -> None:
        self.name = name
        self.dtype = dtype
        self.sizes = sizes
        self.initialized = False
        self.array: np.ndarray[Any, Any] | None = None
        # The variable's memory on a device, once a program there uses it.
        self.copy: DeviceCopy | None = None
        self._lock = threading.Lock()

    def allocate(self, sizes: tuple[int, ...]) -> np.ndarray[Any, Any]:
        """The array for a static shape, made at the first call."""
        if self.array is None:
            # Two threads that bind their programs at once must get the same array.
            with self._lock:
                if self.array is None:
                    self.array = np.zeros(sizes, self.dtype.numpy)
        return self.array

    def check(self) -> None:
        """Raises FailedPreconditionError if nothing was assigned yet."""
        if not self.initialized:
            raise FailedPreconditionError(
                None, None, f"Attempting to use uninitialized value {self.name}: run its initializer first."
            )

    def value(self) -> np.ndarray[Any, Any]:
        """The current array, which may be written at once; FailedPreconditionError if nothing was assigned yet."""
        array = self.read()
        self.changed_at_home()
        return array

    def read(self) -> np.ndarray[Any, Any]:
        """The current array, which must not be written; FailedPreconditionError if nothing was assigned yet."""
        self.check()
        self.come_home()
        return self.value_at_home()

    def value_at_home(self) -> np.ndarray[Any, Any]:
        """The array as it is, though a device may hold a newer value."""
        if self.array is None:
            raise InternalError(None, None, f"the variable {self.name} has no array")
        return self.array

    def come_home(self) -> None:
        """Brings the newest value into the array."""
        if self.copy is not None and self.array is not None:
            self.copy.come_home(self.array)

    def changed_at_home(self) -> None:
        """Notes that the array was written: what a device holds is old."""
        if self.copy is not None:
            self.copy.changed_at_home()

    def to_device(self, copy: DeviceCopy) -> None:
        """Makes a program's copy hold the newest value, though another may have taken its place in the meantime."""
        if self.copy is not copy:
            self.come_home()
            copy.changed_at_home()
        if not copy.on_device:
            copy.to_device(self.value_at_home())

    def changed_on_device(self, copy: DeviceCopy) -> None:
        """Notes that a program wrote to its copy."""
        copy.changed_on_device()
        if self.copy is not copy:
            copy.come_home(self.value_at_home())
            self.changed_at_home()

    def on(self, device: Device, allocate: Callable[[int], DeviceMemory]) -> DeviceCopy:
        """The variable's memory on a device, made at the first call; what another device holds comes home."""
        array = self.allocate(self.sizes)  # type: ignore[arg-type]
        with self._lock:
            if self.copy is None or self.copy.memory.device is not device:
                self.come_home()
                self.copy = DeviceCopy(allocate(array.nbytes))
            return self.copy


class RowStorage(VariableStorage):
    """A variable that is kept by rows: it has no array, and memory only for the rows in use."""

    __slots__ = ("table",)

    def __init__(self, name: str, dtype: DType, sizes: tuple[int, ...]) -> None:
        super().__init__(name, dtype, sizes)
        self.table = RowTable(sizes, np.dtype(dtype.numpy))

    def allocate(self, sizes: tuple[int, ...]) -> np.ndarray[Any, Any]:
        """Raises InvalidArgumentError: there is no whole."""
        raise InvalidArgumentError(None, None, f"The variable {self.name} of shape {list(sizes)} is kept by rows")


def kept_by_rows(dtype: DType, sizes: Sizes) -> bool:
    """Whether a variable is kept by rows: a table too large to be meant as a whole."""
    if not sizes or None in sizes:
        return False
    return math.prod(s or 0 for s in sizes) * dtype.size >= BY_ROWS_FROM


class ResourceStore:
    """Everything stateful that the graphs of a task use, by container and name."""

    def __init__(self) -> None:
        self.variables: dict[str, VariableStorage] = {}
        self.objects: dict[tuple[str, str], Any] = {}
        self.counters: dict[str, int] = {}
        self.seeds: dict[str, tuple[int, int]] = {}
        self.lock = threading.RLock()
        # Held while a kernel changes variables: no two steps do so at once, and none is lost.
        self.changing = threading.Lock()
        # Grows when a bound array may no longer be the variable's: programs bind again.
        self.generation = 0
        # Whether any variable may have memory on a device.
        self.on_devices = False

    def use_devices(self) -> None:
        """From now on variables may lie on devices: programs of the host bind again, to look where the newest values are."""
        with self.lock:
            if not self.on_devices:
                self.on_devices = True
                self.generation += 1

    def leave_devices(self) -> None:
        """Brings the values of all variables home and lets go of their memory on devices; programs bind again."""
        with self.lock:
            if not self.on_devices:
                return
            found = list(self.variables.values())
        # Whoever has a device may want the store: while something comes home the store is nobody's.
        with self.changing:
            for storage in found:
                storage.come_home()
                storage.copy = None
        with self.lock:
            self.generation += 1

    def variable(self, key: str, dtype: DType, sizes: Sizes) -> VariableStorage:
        """The storage of the variable `key`, made at first use."""
        with self.lock:
            storage = self.variables.get(key)
            if storage is None:
                storage = self.variables[key] = _new_storage(key, dtype, sizes)
            elif sizes is None and storage.sizes is not None:
                # A step may change its shape from now on.
                storage.sizes = None
                self.generation += 1
        return storage

    def replace(self, storage: VariableStorage, array: np.ndarray[Any, Any]) -> None:
        """Gives a variable an array of another shape; programs bound to the old one bind again."""
        with self.lock:
            storage.array = array
            storage.copy = None
            self.generation += 1

    def object(self, container: str, name: str, make: Callable[[], T]) -> T:
        """The object (queue, table, ...) called `name`, made by `make` at first use."""
        with self.lock:
            key = (container, name)
            if key not in self.objects:
                self.objects[key] = make()
            return self.objects[key]  # type: ignore[no-any-return]

    def clear(self, containers: Sequence[str] = ()) -> None:
        """Drops variables, queues and tables: those of some containers, or all."""
        with self.lock:
            self.generation += 1
            for found in (self.variables, self.objects):
                gone = [key for key in found if not containers or _container(key) in containers]
                for key in gone:
                    del found[key]  # type: ignore[arg-type]

    def random_state(self) -> dict[str, dict[str, Any]]:
        """Where the streams of all random ops are: their counters, and the seeds of those that were given none."""
        with self.lock:
            return {"counters": dict(self.counters), "seeds": {name: list(pair) for name, pair in self.seeds.items()}}

    def set_random_state(self, state: dict[str, dict[str, Any]]) -> None:
        """Moves random ops to where `random_state` found them; those that it does not name begin anew."""
        with self.lock:
            self.counters.clear()
            self.counters.update(state["counters"])
            self.seeds.update({name: (first, second) for name, (first, second) in state["seeds"].items()})

    def advance(self, name: str, count: int) -> int:
        """The random counter `name` before it is moved on by `count`."""
        with self.lock:
            start = self.counters.get(name, 0)
            self.counters[name] = start + count
        return start


def _new_storage(key: str, dtype: DType, sizes: Sizes) -> VariableStorage:
    if kept_by_rows(dtype, sizes):
        return RowStorage(key, dtype, tuple(s or 0 for s in sizes or ()))
    return VariableStorage(key, dtype, sizes)


def _container(key: str | tuple[str, str]) -> str:
    return key[0] if isinstance(key, tuple) else key.rpartition(":")[0]


def variable_key(container: str, shared_name: str, op_name: str) -> str:
    """The name under which a variable's storage is kept."""
    name = shared_name or op_name
    # Names of operations hold no colon: a scope is not taken for a container of the same name.
    return f"{container}:{name}" if container else name
