"""A GPU simulated on the processor: compiles the same kernels with g++ and runs them at once, in the order of asking."""

from __future__ import annotations

import ctypes
import math
import mmap
import os
import struct
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from ...errors import FailedPreconditionError, InternalError
from ...unsupported import UnsupportedError
from ..cache import UnitCache, bytes_named
from ..device import Call, Convolution, Dimensions, Pooling, Product, Recurrent, RecurrentLayer
from ..source import Kernel
from ..sums import Ranks
from .compile import HostCompiler
from .memory import Memory
from .products import extents, multiply, operand, require_supported
from .sums import SimSums

_MEMORY = 1 << 32
_THREADS = 1024
# What every GPU from sm_75 on grants a kernel that asks for it.
_SHARED = 64 << 10
# Not a power of two: the stacks' tops do not all fall into one row of the processor's cache.
_STACK = (1 << 16) + 320
_MESSAGE = 1024
_GRID = (2**31 - 1, 65535, 65535)
_FORMATS = {"int": "i4x", "float": "f4x", "double": "d", "long long": "q", "unsigned": "I4x"}


class _LaunchBlock(ctypes.Structure):
    """`hr_launch` of shim.h."""

    _fields_ = (
        ("grid", ctypes.c_uint * 3),
        ("block", ctypes.c_uint * 3),
        ("shared", ctypes.c_uint),
        ("order", ctypes.c_uint),
        ("arguments", ctypes.c_void_p),
        ("stacks", ctypes.c_void_p),
        ("dynamic", ctypes.c_void_p),
        ("stack_size", ctypes.c_ulonglong),
        ("message", ctypes.c_char_p),
        ("message_size", ctypes.c_ulonglong),
    )


@dataclass(frozen=True, eq=False)
class Function:
    """A kernel that is loaded."""

    kernel: Kernel
    entry: Callable[[Any], int]


class SimDevice:
    """The simulated device.

    Fresh and freed memory is full of NaN; addresses, sizes and captures are checked where a GPU would go astray. `order`
    is the one in which threads, warps and blocks run: "forward", "reverse", "random" or "random:SEED"; HEADRACE_SIM_ORDER
    if None. `limit` is the memory's size; HEADRACE_SIM_MEMORY, or 4 GiB, if None.
    """

    name = "sim"
    architecture = "sim"

    def __init__(self, index: int = 0, limit: int | None = None, order: str | None = None) -> None:
        self.index = index
        self.order = _order(os.environ.get("HEADRACE_SIM_ORDER") or "forward" if order is None else order)
        self._memory = Memory(bytes_named("HEADRACE_SIM_MEMORY", _MEMORY) if limit is None else limit)
        weakref.finalize(self, self._memory.close)
        self._functions: dict[str, Function] = {}
        self._captured: list[Call] | None = None
        self._sums: list[SimSums] = []

    def activate(self) -> None:
        """Nothing: calls say which device they mean."""

    def memory(self) -> tuple[int, int]:
        """Free and total bytes."""
        return self._memory.limit - self._memory.used, self._memory.limit

    def allocate(self, nbytes: int) -> int:
        """The address of fresh memory full of NaN; ResourceExhaustedError if there is not enough."""
        self._refuse_capture("allocate")
        return self._memory.allocate(nbytes)

    def release(self, address: int) -> None:
        """Fills memory with NaN and gives it back."""
        self._refuse_capture("release")
        self._memory.release(address)

    def upload(self, address: int, host: np.ndarray[Any, Any]) -> None:
        """Copies a contiguous array to the device."""
        self._refuse_capture("upload")
        _require_contiguous(host)
        if host.nbytes:
            self._memory.check("upload", address, host.nbytes)
            ctypes.memmove(address, host.ctypes.data, host.nbytes)

    def download(self, host: np.ndarray[Any, Any], address: int) -> None:
        """Fills a contiguous array from the device."""
        self._refuse_capture("download")
        _require_contiguous(host)
        if host.nbytes:
            self._memory.check("download", address, host.nbytes)
            ctypes.memmove(host.ctypes.data, address, host.nbytes)

    def load(self, kernels: Sequence[Kernel]) -> Mapping[str, Function]:
        """Compiled kernels by their names."""
        self._refuse_capture("load")
        missing = [k for k in kernels if k.name not in self._functions or self._functions[k.name].kernel != k]
        for name, unit in UnitCache().load(missing, HostCompiler()).items() if missing else ():
            kernel = next(k for k in missing if k.name == name)
            self._functions[name] = Function(kernel, _entry(_library(str(unit.path)), name))
        return {kernel.name: self._functions[kernel.name] for kernel in kernels}

    def launch(
        self, function: Function, grid: Dimensions, block: Dimensions, shared: int, arguments: Sequence[int | float]
    ) -> Call:
        """A launch of a loaded kernel."""
        kernel = function.kernel
        _require_sizes(kernel, grid, block, shared)
        packed = _packed(kernel, arguments)
        pointers = [
            (f"kernel {kernel.name}, argument {name}", int(value))
            for (kind, name), value in zip(kernel.parameters, arguments, strict=True)
            if kind.rstrip().endswith("*") and value
        ]

        def run() -> None:
            for what, address in pointers:
                self._memory.check(what, address)
            _run(function.entry, grid, block, shared, packed, self.order)

        return self._call(run)

    def product(self, product: Product) -> Call:
        """A matrix product by NumPy."""
        require_supported(product)
        places = [(f"product, operand {name}", *_extent(product, i)) for i, name in enumerate("abc")]
        places += [(f"product, {name}", address, nbytes) for name, address, nbytes in extents(product)]

        def run() -> None:
            for what, address, nbytes in places:
                if nbytes:
                    self._memory.check(what, address, nbytes)
            multiply(product)

        return self._call(run)

    def convolution(self, convolution: Convolution) -> Call:
        """Never done here, so that the kernels' own way is tested."""
        raise UnsupportedError("the simulation has no library of convolutions")

    def pooling(self, pooling: Pooling) -> Call:
        """Never done here, so that the kernels are tested."""
        raise UnsupportedError("the simulation has no library of pools")

    def has_recurrent(self) -> bool:
        """False."""
        return False

    def recurrent(self, recurrent: Recurrent) -> RecurrentLayer:
        """Never done here, so that the kernels are tested."""
        raise UnsupportedError("the simulation has no library of recurrent layers")

    def sums(self, ranks: Ranks) -> SimSums:
        """What adds up over ranks."""
        self._sums.append(SimSums(ranks, self._call, self._memory.check))
        return self._sums[-1]

    def copy(self, to: int, source: int, nbytes: int) -> Call:
        """A copy within the device."""

        def run() -> None:
            self._memory.check("copy", to, nbytes)
            self._memory.check("copy", source, nbytes)
            if max(to, source) < min(to, source) + nbytes:
                raise InternalError(None, None, f"copy: {nbytes} bytes at {source:#x} and at {to:#x} overlap")
            ctypes.memmove(to, source, nbytes)

        return self._call(run)

    def fill(self, address: int, nbytes: int, byte: int) -> Call:
        """A fill with one byte's value."""

        def run() -> None:
            self._memory.check("fill", address, nbytes)
            ctypes.memset(address, byte, nbytes)

        return self._call(run)

    def capture(self, calls: Sequence[Call]) -> Call:
        """All these calls as one: they are recorded, not run."""
        self._refuse_capture("capture")
        captured: list[Call] = []
        self._captured = captured
        try:
            for call in calls:
                call()
        finally:
            self._captured = None
        if any(sums.is_open for sums in self._sums):
            raise FailedPreconditionError(None, None, "a capture ends before its sums over ranks are waited for")

        def run() -> None:
            for call in captured:
                call()

        return self._call(run)

    def synchronize(self) -> None:
        """All is done at once here."""
        self._refuse_capture("synchronize")

    def _call(self, run: Call) -> Call:
        def call() -> None:
            if self._captured is None:
                run()
            else:
                self._captured.append(run)

        return call

    def _refuse_capture(self, what: str) -> None:
        if self._captured is not None:
            raise FailedPreconditionError(None, None, f"{what} within a capture")


def _order(name: str) -> int:
    kind, _, seed = name.partition(":")
    known = {"forward": 0, "reverse": 1, "random": int(seed) + 1 if seed.isdecimal() else 2}
    if kind not in known or (seed and not seed.isdecimal()):
        raise ValueError(f'the order of threads is "forward", "reverse", "random" or "random:SEED", not "{name}"')
    return known[kind]


def _require_contiguous(host: np.ndarray[Any, Any]) -> None:
    if not host.flags.c_contiguous:
        raise ValueError(f"an array of shape {host.shape} and strides {host.strides} is not contiguous")


def _require_sizes(kernel: Kernel, grid: Dimensions, block: Dimensions, shared: int) -> None:
    if not all(1 <= size <= most for size, most in zip(grid, _GRID, strict=True)):
        raise ValueError(f"kernel {kernel.name}: a grid of {grid} blocks; each must be 1 to {_GRID}")
    threads = math.prod(block)
    if min(block) < 1 or block[2] > 64 or threads > min(kernel.threads, _THREADS):
        raise ValueError(f"kernel {kernel.name}: blocks of {block} threads, more than its {kernel.threads} or none")
    if not 0 <= shared <= _SHARED:
        raise ValueError(f"kernel {kernel.name}: {shared} bytes of shared memory; there are {_SHARED}")


def _packed(kernel: Kernel, arguments: Sequence[int | float]) -> bytes:
    """The arguments in 8 bytes each."""
    if len(arguments) != len(kernel.parameters):
        raise ValueError(f"kernel {kernel.name} takes {len(kernel.parameters)} arguments, not {len(arguments)}")
    parts = []
    for (kind, name), value in zip(kernel.parameters, arguments, strict=True):
        try:
            parts.append(struct.pack("=" + _format(kind), value))
        except (struct.error, OverflowError) as error:
            raise ValueError(f"kernel {kernel.name}: {value!r} is no {kind} {name}") from error
    return b"".join(parts)


def _format(kind: str) -> str:
    kind = kind.strip()
    if kind.endswith("*"):
        return "Q"
    if kind not in _FORMATS:
        raise ValueError(f"a kernel's parameters are pointers, long long, int, unsigned, float or double, not {kind}")
    return _FORMATS[kind]


def _extent(product: Product, which: int) -> tuple[int, int]:
    array = operand(product, which)
    if not array.size:
        return 0, 0
    last = sum((size - 1) * stride for size, stride in zip(array.shape, array.strides, strict=True))
    return (product.a, product.b, product.c)[which], last + array.itemsize


def _run(
    entry: Callable[[Any], int], grid: Dimensions, block: Dimensions, shared: int, packed: bytes, order: int
) -> None:
    message = ctypes.create_string_buffer(_MESSAGE)
    launch = _LaunchBlock(
        grid,
        block,
        shared,
        order,
        ctypes.cast(ctypes.c_char_p(packed), ctypes.c_void_p).value,
        _anonymous_memory(_THREADS * _STACK),
        _anonymous_memory(_SHARED),
        _STACK,
        ctypes.cast(message, ctypes.c_char_p),
        _MESSAGE,
    )
    if entry(ctypes.byref(launch)):
        raise InternalError(None, None, message.value.decode())


@cache
def _anonymous_memory(nbytes: int) -> int:
    """The address of memory that the process has from now on, and only uses where it is touched."""
    memory = mmap.mmap(-1, nbytes, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    _HELD.append(memory)
    return ctypes.addressof(ctypes.c_char.from_buffer(memory))


_HELD: list[mmap.mmap] = []


@cache
def _library(path: str) -> ctypes.PyDLL:
    # Keeps the interpreter's lock: what a running block knows is the library's, not a thread's.
    return ctypes.PyDLL(path)


def _entry(library: ctypes.PyDLL, name: str) -> Callable[[Any], int]:
    function = library[f"{name}__launch"]
    function.restype = ctypes.c_int
    return function
