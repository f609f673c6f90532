"""A GPU of NVIDIA's through CuPy: memory, one stream of work, kernels, and whole steps as CUDA graphs."""

from __future__ import annotations

import ctypes
import logging
import os
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

from ...errors import InternalError
from ...unsupported import UnsupportedError
from ..cache import Unit, UnitCache
from ..device import ALIGNMENT, Call, Convolution, Dimensions, Pooling, Product, Recurrent
from ..source import Kernel
from ..sums import Ranks
from . import library
from .cublaslt import Products, workspace_bytes
from .cudnn import Cudnn, uses
from .cudnn_convolution import Convolutions
from .cudnn_pooling import Pools
from .cudnn_recurrent import CudnnLayer, RecurrentLayers
from .driver import NEWEST_CUDA, Card, check_packages, check_process, cuda_of_cupy, find
from .failures import LOST, explained
from .nccl import NcclSums
from .nvrtc import Nvrtc, NvrtcCompiler
from .transfers import Downloads, Uploads
from .workspace import Workspace

logger = logging.getLogger("headrace")

Array = np.ndarray[Any, Any]
# What a block may have of shared memory, its own and what a launch adds, without asking.
_SHARED_UNASKED = 48 << 10
_C_TYPES: dict[str, Any] = {
    "int": ctypes.c_int,
    "long long": ctypes.c_longlong,
    "float": ctypes.c_float,
    "double": ctypes.c_double,
    "unsigned": ctypes.c_uint,
}


@dataclass(frozen=True, slots=True)
class Function:
    """A loaded kernel and its handle."""

    kernel: Kernel
    handle: int


class CudaDevice:
    """One GPU. All its work is done in one stream, in the order of asking.

    A thread calls `activate` before it uses the device. Only one thread at a time may use it.
    """

    def __init__(self, card: Card, cuda: int) -> None:
        try:
            from cupy.cuda import driver, runtime
        except ImportError as error:
            raise UnsupportedError(f"CuPy cannot be imported: {error}") from error
        self.name = card.name
        self.architecture = card.architecture
        self.index = card.index
        self.cuda = cuda
        self._driver, self._runtime = driver, runtime
        self._process = os.getpid()
        self.activate()
        # Makes the driver's context now: it is slow, and errors belong here.
        self._asked("the GPU's start", runtime.free, 0)
        # Other streams' work, the legacy default stream's too, never waits for this one's.
        self.stream: int = self._asked("a stream", runtime.streamCreateWithFlags, runtime.streamNonBlocking)
        self._waste = Waste()
        self._workspace = Workspace(self.allocate, partial(self._waste.take, self.release))
        self._functions: dict[str, Function] = {}
        # The units that the functions are in, by the hash in their name.
        self._modules: dict[str, int] = {}
        # The most dynamic shared memory that each function was granted, by its handle.
        self._granted: dict[int, int] = {}

    def __repr__(self) -> str:
        return f"<GPU {self.index}: {self.name}, {self.architecture}>"

    def activate(self) -> None:
        """Makes this device the one that the thread's calls go to; FailedPreconditionError in a forked process."""
        if self._process != os.getpid():
            check_process()
        # Always: another device of ours, or a program that uses CuPy, may have chosen another one for this thread.
        self._asked("the GPU's choice", self._runtime.setDevice, self.index)

    def memory(self) -> tuple[int, int]:
        self.activate()
        free, total = self._asked("a look at the memory", self._runtime.memGetInfo)
        return free, total

    def allocate(self, nbytes: int) -> int:
        self.activate()
        address: int = self._asked(f"an allocation of {nbytes} bytes", self._runtime.malloc, max(nbytes, 1))
        if address % ALIGNMENT:
            raise ValueError(f"the driver gave memory at {address:#x}, which is not a multiple of {ALIGNMENT}")
        return address

    def release(self, address: int) -> None:
        # The driver waits until nothing uses the memory, and knows whose it is. In a forked process it is the parent's; after
        # an error that ends all work there is nothing to give back, and whoever asked for that work has the error.
        if self._process == os.getpid():
            try:
                self._runtime.free(address)
            except RuntimeError as error:
                if getattr(error, "status", None) not in LOST:
                    raise explained(error, f"{self.name}: a release of memory") from error

    def upload(self, address: int, host: Array) -> None:
        self.activate()
        self._asked("a copy to the GPU", lambda: self._uploads.start(address, host))

    def download(self, host: Array, address: int) -> None:
        self.activate()
        self._asked("a copy from the GPU", lambda: self._downloads.fill(host, address))

    def load(self, kernels: Sequence[Kernel]) -> Mapping[str, Function]:
        """Compiled kernels by their names; what was compiled before comes from the cache."""
        self.activate()
        missing = {k.name: k for k in kernels if k.name not in self._functions or self._functions[k.name].kernel != k}
        if missing:
            units = self._cache.load(list(missing.values()), self._compiler)
            for name, kernel in missing.items():
                handle = self._asked("a load", self._driver.moduleGetFunction, self._module(units[name]), name)
                self._functions[name] = Function(kernel, handle)
        return {kernel.name: self._functions[kernel.name] for kernel in kernels}

    def _module(self, unit: Unit) -> int:
        if unit.path.name not in self._modules:
            self._modules[unit.path.name] = self._asked("a load", self._driver.moduleLoadData, unit.data)
        return self._modules[unit.path.name]

    def launch(
        self, function: Function, grid: Dimensions, block: Dimensions, shared: int, arguments: Sequence[int | float]
    ) -> Call:
        if shared:
            self._grant(function, shared)
        return Launch(self._driver.launchKernel, self.stream, function, grid, block, shared, arguments)

    def _grant(self, function: Function, shared: int) -> None:
        """Lets a function have more shared memory than all may; what it was granted for another launch is not taken away."""
        driver, handle = self._driver, function.handle
        what = f"{shared} bytes of shared memory for {function.kernel.name}"
        own = self._asked(what, driver.funcGetAttribute, driver.CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES, handle)
        if own + shared > _SHARED_UNASKED and shared > self._granted.get(handle, 0):
            attribute = driver.CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES
            self._asked(what, driver.funcSetAttribute, handle, attribute, shared)
            self._granted[handle] = shared

    def product(self, product: Product) -> Call:
        return self._products.prepare(product)

    def convolution(self, convolution: Convolution) -> Call:
        return self._convolutions.prepare(convolution)

    def pooling(self, pooling: Pooling) -> Call:
        return self._pools.prepare(pooling)

    def has_recurrent(self) -> bool:
        try:
            return bool(self._recurrent)
        except UnsupportedError:
            return False

    def recurrent(self, recurrent: Recurrent) -> CudnnLayer:
        return self._recurrent.prepare(recurrent)

    def sums(self, ranks: Ranks) -> NcclSums:
        self.activate()
        return NcclSums(ranks, self._runtime, self.stream, self.cuda)

    def copy(self, to: int, source: int, nbytes: int) -> Call:
        kind = self._runtime.memcpyDeviceToDevice
        return Asked("a copy on the GPU", partial(self._runtime.memcpyAsync, to, source, nbytes, kind, self.stream))

    def fill(self, address: int, nbytes: int, byte: int) -> Call:
        return Asked("a fill", partial(self._runtime.memsetAsync, address, byte, nbytes, self.stream))

    def capture(self, calls: Sequence[Call]) -> Call:
        """All these calls as one CUDA graph. They must have run before: what loads or allocates at first use would fail.

        Where CUDA or a library refuses to be captured, a warning says why, and the calls are made one by one.
        """
        self.activate()
        try:
            with self._waste.held_back():
                graph = self._recorded(calls)
            return Graph(self._runtime, graph, self.stream, (*calls, self._workspace.block), self._waste)
        except InternalError as error:
            if getattr(error.__cause__, "status", None) in LOST:
                raise
            logger.warning("A step of %d calls is not captured, and runs call by call: %s", len(calls), error.message)
            return CallByCall(calls)

    def _recorded(self, calls: Sequence[Call]) -> int:
        runtime = self._runtime
        self._asked("a capture", runtime.streamBeginCapture, self.stream, runtime.streamCaptureModeRelaxed)
        try:
            for call in calls:
                call()
        except BaseException:
            self._abandon_capture()
            raise
        graph: int = self._asked("a capture", runtime.streamEndCapture, self.stream)
        return graph

    def synchronize(self) -> None:
        self.activate()
        self._asked("a wait for the GPU", self._runtime.streamSynchronize, self.stream)

    def _abandon_capture(self) -> None:
        try:
            self._runtime.graphDestroy(self._runtime.streamEndCapture(self.stream))
        except RuntimeError:
            # What broke the capture was an error of its own, and that one is raised.
            return

    def _asked(self, what: str, function: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return function(*arguments)
        except RuntimeError as error:
            raise explained(error, f"{self.name}: {what}") from error

    @cached_property
    def _uploads(self) -> Uploads:
        return Uploads(self._runtime, self.stream, self.allocate)

    @cached_property
    def _downloads(self) -> Downloads:
        return Downloads(self._runtime, self.stream)

    @cached_property
    def _cache(self) -> UnitCache:
        return UnitCache()

    @cached_property
    def _compiler(self) -> NvrtcCompiler:
        return NvrtcCompiler(self.architecture, Nvrtc(self.cuda))

    @cached_property
    def _products(self) -> Products:
        found = library.load(library.CUBLASLT, self.cuda, everywhere=True)
        return Products(found, self.stream, self._workspace, workspace_bytes(self.architecture))

    @cached_property
    def _convolutions(self) -> Convolutions:
        return Convolutions(self._cudnn_for("convolutions"))

    @cached_property
    def _pools(self) -> Pools:
        return Pools(self._cudnn_for("pools"))

    @cached_property
    def _recurrent(self) -> RecurrentLayers:
        return RecurrentLayers(self._cudnn_for("recurrent"))

    def _cudnn_for(self, use: str) -> Cudnn:
        """cuDNN; UnsupportedError where it is not there, or not wanted."""
        if use not in uses():
            raise UnsupportedError(f"HEADRACE_CUDNN has no {use}")
        if isinstance(self._cudnn, str):
            raise UnsupportedError(self._cudnn)
        return self._cudnn

    @cached_property
    def _cudnn(self) -> Cudnn | str:
        # cuDNN opens these by name: those in wheels are found if they are there first.
        for needed in (library.CUBLASLT, library.CUBLAS, library.NVRTC):
            with suppress(UnsupportedError):
                library.load(needed, self.cuda, everywhere=True)
        try:
            found = library.load(library.CUDNN, self.cuda)
        except UnsupportedError as error:
            return str(error)
        return Cudnn(found, self, self.stream, self._workspace)


class CallByCall:
    """Calls that could not be captured."""

    __slots__ = ("_calls",)

    def __init__(self, calls: Sequence[Call]) -> None:
        self._calls = tuple(calls)

    def __call__(self) -> None:
        for call in self._calls:
            call()


class Waste:
    """What is given back when nobody has it any more, but not while a step is captured: that would end the capture."""

    def __init__(self) -> None:
        # Python's collector may give something back while this very thread does.
        self._lock = threading.RLock()
        self._capturing = False
        self._waiting: list[Call] = []
        self._process = os.getpid()

    def take(self, function: Callable[..., Any], *arguments: Any) -> None:
        """Calls a function, now or when the capture has ended; not in a forked process, whose parent has what is given back."""
        if self._process != os.getpid():
            return
        with self._lock:
            if self._capturing:
                self._waiting.append(partial(function, *arguments))
            else:
                function(*arguments)

    @contextmanager
    def held_back(self) -> Iterator[None]:
        """Nothing is given back inside."""
        with self._lock:
            self._capturing = True
        try:
            yield
        finally:
            with self._lock:
                self._capturing = False
                waiting, self._waiting = self._waiting, []
                for call in waiting:
                    call()


class Asked:
    """A call of CUDA's whose error is explained."""

    __slots__ = ("_call", "_what")

    def __init__(self, what: str, call: Call) -> None:
        self._what, self._call = what, call

    def __call__(self) -> None:
        try:
            self._call()
        except RuntimeError as error:
            raise explained(error, self._what) from error


class Launch:
    """A launch whose arguments were packed once: the call is one of the driver's and nothing else."""

    __slots__ = ("_arguments", "_function", "_keeps", "_launch")

    def __init__(
        self,
        launch: Callable[..., None],
        stream: int,
        function: Function,
        grid: Dimensions,
        block: Dimensions,
        shared: int,
        arguments: Sequence[int | float],
    ) -> None:
        self._launch, self._function = launch, function
        values, addresses = packed(function.kernel, arguments)
        self._keeps = values, addresses, function
        self._arguments = function.handle, *grid, *block, shared, stream, ctypes.addressof(addresses), 0

    def __call__(self) -> None:
        try:
            self._launch(*self._arguments)
        except RuntimeError as error:
            raise explained(error, f"kernel {self._function.kernel.name}") from error


def packed(kernel: Kernel, arguments: Sequence[int | float]) -> tuple[list[Any], Any]:
    """The arguments as C values, and the array of their addresses that the driver reads."""
    values = [_c_type(kind)(value) for (kind, _), value in zip(kernel.parameters, arguments, strict=True)]
    # An array of no elements has no address that the driver would read.
    return values, (ctypes.c_void_p * max(len(values), 1))(*map(ctypes.addressof, values))


def _c_type(kind: str) -> Any:
    if kind.rstrip().endswith("*"):
        return ctypes.c_void_p
    if kind not in _C_TYPES:
        raise ValueError(f"a kernel's parameters are pointers, {', '.join(_C_TYPES)}, not {kind}")
    return _C_TYPES[kind]


class Graph:
    """A captured step: one launch. It owns what its work uses."""

    __slots__ = ("__weakref__", "_keeps", "_launch", "_ready", "_stream")

    def __init__(self, runtime: Any, graph: int, stream: int, keeps: tuple[Any, ...], waste: Waste) -> None:
        self._launch, self._stream, self._keeps = runtime.graphLaunch, stream, keeps
        try:
            self._ready: int = runtime.graphInstantiate(graph)
        except RuntimeError as error:
            runtime.graphDestroy(graph)
            raise explained(error, "a captured step") from error
        weakref.finalize(self, waste.take, _destroy, runtime, graph, self._ready, stream).atexit = False

    def __call__(self) -> None:
        try:
            self._launch(self._ready, self._stream)
        except RuntimeError as error:
            raise explained(error, "a captured step") from error


def _destroy(runtime: Any, graph: int, ready: int, stream: int) -> None:
    runtime.streamSynchronize(stream)
    runtime.graphExecDestroy(ready)
    runtime.graphDestroy(graph)


_devices: dict[int, CudaDevice] = {}
_lock = threading.Lock()


def open_device(index: int = 0) -> CudaDevice:
    """The GPU of this number, opened once a process.

    Raises:
        UnsupportedError: there is none, or a package lacks; the text says what to do.
        FailedPreconditionError: this process was forked after the driver had been started.
    """
    check_process()
    found = find()
    check_packages(found)
    if not 0 <= index < len(found.cards):
        raise UnsupportedError(f"there is no GPU {index}: there are {len(found.cards)}")
    with _lock:
        if index not in _devices:
            _devices[index] = CudaDevice(found.cards[index], cuda_of_cupy() or min(found.cuda, NEWEST_CUDA))
        return _devices[index]
