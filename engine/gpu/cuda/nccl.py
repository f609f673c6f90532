"""Sums over the GPUs of several processes by NCCL: in a stream beside the device's own, and captured with its steps."""

from __future__ import annotations

import ctypes
import os
import threading
import time
from collections.abc import Callable, Sequence
from ctypes import POINTER, byref, c_char_p, c_int, c_size_t, c_void_p
from typing import Any

import numpy as np

from ...errors import AbortedError, InternalError, InvalidArgumentError
from ...unsupported import UnsupportedError
from ..device import Call
from ..sums import FRESH, Ranks
from .failures import explained
from .library import NCCL, load

_ID_BYTES = 128
# Of ncclResult_t and cudaError_t.
_IN_PROGRESS, _NOT_READY = 7, 600
# Looks at a stream before the processor is given up between them, and for how long then.
_LOOKS, _PAUSE = 1000, 5e-5
# What is set stays. NCCL would map captured arrays for the other ranks, and wants them to be there until the capture is
# gone; here both may go in any order.
_DEFAULTS = {"NCCL_GRAPH_REGISTER": "0"}
# ncclDataType_t and ncclRedOp_t.
_DTYPES = {
    "int8": 0,
    "uint8": 1,
    "int32": 2,
    "uint32": 3,
    "int64": 4,
    "uint64": 5,
    "float16": 6,
    "float32": 7,
    "float64": 8,
}
_DTYPES["bfloat16"] = 9
_MERGES = {"Add": 0, "Mul": 1, "Max": 2, "Min": 3}


class UniqueId(ctypes.Structure):
    """ncclUniqueId: what processes of one communicator share before they know each other."""

    _fields_ = (("bytes", ctypes.c_char * _ID_BYTES),)


_SIGNATURES: dict[str, tuple[Any, ...]] = {
    "ncclGetUniqueId": (POINTER(UniqueId),),
    # The id goes by value.
    "ncclCommInitRank": (POINTER(c_void_p), c_int, UniqueId, c_int),
    "ncclCommAbort": (c_void_p,),
    "ncclCommGetAsyncError": (c_void_p, POINTER(c_int)),
    "ncclAllReduce": (c_void_p, c_void_p, c_size_t, c_int, c_int, c_void_p, c_void_p),
    "ncclGroupStart": (),
    "ncclGroupEnd": (),
}


def declare(library: Any) -> Any:
    """Gives the functions of a library their types; returns it."""
    for name, arguments in _SIGNATURES.items():
        function = getattr(library, name)
        function.argtypes, function.restype = arguments, c_int
    library.ncclGetErrorString.argtypes, library.ncclGetErrorString.restype = (c_int,), c_char_p
    return library


class NcclSums:
    """NCCL among ranks, each with a GPU of its own; all ranks make the same calls in the same order.

    Sums are done in a stream of their own: the device's work until then comes before them, what it is asked for after
    `join` behind them. Work between is done meanwhile, in a captured step too.

    Args:
        ranks: those that take part.
        runtime: CuPy's `cupy.cuda.runtime`, or what stands for it.
        stream: the device's.
        cuda: the CUDA whose NCCL is loaded.
        library: NCCL itself, if it is loaded already.

    Raises:
        UnsupportedError: NCCL is not installed; the text says what to install.
    """

    name = "NCCL"

    def __init__(self, ranks: Ranks, runtime: Any, stream: int, cuda: int, library: Any = None) -> None:
        self._library = declare(load(NCCL, cuda) if library is None else library)
        self._runtime, self._stream = runtime, stream
        self.ranks = ranks
        self.captures = FRESH
        self._communicator = c_void_p()
        self._ended = ""
        self.aborting: threading.Thread | None = None
        # Whether the stream of sums has work that the device's does not wait for yet.
        self._is_open = False
        self._side: int = self._asked("a stream", runtime.streamCreateWithFlags, runtime.streamNonBlocking)
        flags = runtime.eventDisableTiming
        self._forked, self._joined = (self._asked("an event", runtime.eventCreateWithFlags, flags) for _ in range(2))

    def connect(self) -> None:
        """Makes the communicator when all ranks are here; later, asks it whether something went wrong.

        Raises:
            AbortedError: a rank has ended, or the network between them failed.
            InternalError: NCCL could not start.
        """
        if self._ended:
            raise AbortedError(None, None, f"Ranks no longer add up by NCCL: {self._ended}")
        # Whoever began a sum has waited for it, but for a run that failed.
        self._is_open = False
        if self._communicator.value:
            self._look()
            return
        for name, value in _DEFAULTS.items():
            os.environ.setdefault(name, value)
        own, status = UniqueId(), 0
        if self.ranks.rank == 0 and (status := self._library.ncclGetUniqueId(byref(own))):
            own = UniqueId()
        shared = self.ranks.broadcast("NCCL's id", np.frombuffer(bytes(own), np.uint8).copy())
        self._check(status, "ncclGetUniqueId")
        if not shared.any():
            raise InternalError(None, None, "rank 0 could not start NCCL: its error says why")
        given = UniqueId.from_buffer_copy(shared.tobytes())
        status = self._library.ncclCommInitRank(byref(self._communicator), self.ranks.size, given, self.ranks.rank)
        if status:
            self._communicator.value = None
        self._check(status, "ncclCommInitRank")

    def all_reduce(self, places: Sequence[tuple[int, int]], dtype: Any, merge: str = "Add") -> Call:
        """What begins to make arrays of all ranks one, in place, as one operation of NCCL's.

        Raises:
            InvalidArgumentError: there is no such `merge`.
            UnsupportedError: NCCL knows no such dtype.
        """
        name = np.dtype(dtype).name
        if name not in _DTYPES:
            raise UnsupportedError(f"NCCL does not add up {name}")
        if merge not in _MERGES:
            raise InvalidArgumentError(None, None, f"merge must be one of {', '.join(_MERGES)}, got {merge!r}")
        kind, how = _DTYPES[name], _MERGES[merge]
        arguments = [(address, address, count, kind, how, self._communicator, self._side) for address, count in places]

        def call() -> None:
            self._fork()
            self._grouped(arguments)

        return call

    def _fork(self) -> None:
        self._asked("an event", self._runtime.eventRecord, self._forked, self._stream)
        self._asked("an event", self._runtime.streamWaitEvent, self._side, self._forked)
        self._is_open = True

    def _grouped(self, arguments: Sequence[tuple[Any, ...]]) -> None:
        self._check(self._library.ncclGroupStart(), "ncclGroupStart")
        try:
            for one in arguments:
                self._check(self._library.ncclAllReduce(*one), "ncclAllReduce")
        finally:
            status = self._library.ncclGroupEnd()
        self._check(status, "ncclGroupEnd")

    def join(self) -> None:
        """Lets the device's stream wait for all sums that were begun; nothing if it does already."""
        if self._is_open:
            self._is_open = False
            self._asked("an event", self._runtime.eventRecord, self._joined, self._side)
            self._asked("an event", self._runtime.streamWaitEvent, self._stream, self._joined)

    def wait(self) -> None:
        """Returns when the device's stream has done its work; AbortedError where a sum in it cannot end."""
        looks = 0
        while self._runtime.streamQuery(self._stream) == _NOT_READY:
            looks += 1
            if looks > _LOOKS:
                self._look()
                time.sleep(_PAUSE)

    def _look(self) -> None:
        """Raises AbortedError, and ends what is under way, where NCCL found something wrong."""
        found = c_int()
        self._check(self._library.ncclCommGetAsyncError(self._communicator, byref(found)), "ncclCommGetAsyncError")
        if found.value not in (0, _IN_PROGRESS):
            self.end(f"{self._text(found.value)}; has a rank ended?")
            # The sums under way give up at once. The rest of the call waits for all captures to go.
            abort, arguments = self._library.ncclCommAbort, (self._communicator,)
            self.aborting = threading.Thread(target=abort, args=arguments, name="headrace-nccl-abort", daemon=True)
            self.aborting.start()
            raise AbortedError(None, None, f"Sums of {self.ranks.size} ranks by NCCL have failed: {self._ended}")

    def end(self, why: str) -> None:
        """Lets no sum begin from now on."""
        self._ended = self._ended or why

    def close(self) -> None:
        """Waits for the sums that were begun.

        NCCL's memory goes with the process: to destroy a communicator waits until all captures that use it are gone.
        """
        if self._communicator.value and not self._ended:
            # What is replayed is in the device's stream.
            for stream in (self._stream, self._side):
                self._asked("a wait for the GPU", self._runtime.streamSynchronize, stream)
        self.end("this rank has left")

    def _check(self, status: int, what: str) -> None:
        if status:
            raise InternalError(None, None, f"{what} failed: {self._text(status)}; NCCL_DEBUG=INFO says more")

    def _text(self, status: int) -> str:
        text: bytes = self._library.ncclGetErrorString(status) or b""
        return f"{text.decode(errors='replace')} ({status})"

    def _asked(self, what: str, function: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return function(*arguments)
        except RuntimeError as error:
            raise explained(error, f"{what} of sums over ranks") from error


def require_nccl(cuda: int) -> None:
    """Raises UnsupportedError, which says what to install, unless there is NCCL for CUDA `cuda`."""
    load(NCCL, cuda)
