"""Sums over the GPUs of several processes by NCCL: calls in the device's stream, which can be captured with a step."""

from __future__ import annotations

import ctypes
import weakref
from collections.abc import Callable
from ctypes import POINTER, byref, c_char_p, c_int, c_size_t, c_void_p
from typing import Any, Protocol

import numpy as np

from ...errors import InternalError, InvalidArgumentError
from ...unsupported import UnsupportedError
from ..device import Call, Device
from .library import NCCL, load

Array = np.ndarray[Any, Any]
_ID_BYTES = 128
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
    "ncclCommDestroy": (c_void_p,),
    "ncclAllReduce": (c_void_p, c_void_p, c_size_t, c_int, c_int, c_void_p, c_void_p),
    "ncclGroupStart": (),
    "ncclGroupEnd": (),
}


class Ranks(Protocol):
    """What is asked of a communicator of processes: engine/communicator.py has it whole."""

    rank: int
    size: int

    def broadcast(self, name: str, array: Array, root: int = 0) -> Array:
        """`array` as it is on the rank `root`, written in place."""

    def all_reduce(self, name: str, array: Array, merge: str = "Add") -> Array:
        """The arrays of all ranks made one."""


def declare(library: Any) -> Any:
    """Gives the functions of a library their types; returns it."""
    for name, arguments in _SIGNATURES.items():
        function = getattr(library, name)
        function.argtypes, function.restype = arguments, c_int
    library.ncclGetErrorString.argtypes, library.ncclGetErrorString.restype = (c_int,), c_char_p
    return library


class Sums:
    """NCCL among ranks, each with a GPU of its own; all ranks make it, and make the same calls in the same order.

    Raises:
        UnsupportedError: NCCL is not installed; the text says what to install.
    """

    def __init__(self, ranks: Ranks, stream: int, cuda: int, library: Any = None) -> None:
        self._library = declare(load(NCCL, cuda) if library is None else library)
        self._stream = stream
        self.size = ranks.size
        own = UniqueId()
        if ranks.rank == 0:
            self._check(self._library.ncclGetUniqueId(byref(own)), "ncclGetUniqueId")
        shared = ranks.broadcast("NCCL's id", np.frombuffer(bytes(own), np.uint8).copy())
        self._communicator = c_void_p()
        given = UniqueId.from_buffer_copy(shared.tobytes())
        status = self._library.ncclCommInitRank(byref(self._communicator), ranks.size, given, ranks.rank)
        self._check(status, "ncclCommInitRank")
        weakref.finalize(self, self._library.ncclCommDestroy, self._communicator).atexit = False

    def all_reduce(self, address: int, to: int, count: int, dtype: Any, merge: str = "Add") -> Call:
        """What makes `count` elements of all ranks one; `to` may be `address`."""
        name = np.dtype(dtype).name
        if name not in _DTYPES:
            raise UnsupportedError(f"NCCL does not add up {name}")
        if merge not in _MERGES:
            raise InvalidArgumentError(None, None, f"merge must be one of {', '.join(_MERGES)}, got {merge!r}")
        arguments = (address, to, count, _DTYPES[name], _MERGES[merge], self._communicator, self._stream)

        def call() -> None:
            if status := self._library.ncclAllReduce(*arguments):
                self._check(status, "ncclAllReduce")

        return call

    def together(self, calls: list[Call]) -> Call:
        """Several of these calls as one operation of NCCL's."""

        def call() -> None:
            self._check(self._library.ncclGroupStart(), "ncclGroupStart")
            try:
                for one in calls:
                    one()
            finally:
                status = self._library.ncclGroupEnd()
            self._check(status, "ncclGroupEnd")

        return call

    def _check(self, status: int, what: str) -> None:
        if status:
            text: bytes = self._library.ncclGetErrorString(status) or b""
            words = f"{what} failed: {text.decode(errors='replace')} ({status}); NCCL_DEBUG=INFO says more"
            raise InternalError(None, None, words)


def staged(device: Device, ranks: Ranks, name: str, address: int, count: int, dtype: Any) -> Callable[[], None]:
    """The same sum without NCCL, through the host; it waits, and cannot be captured."""
    host = np.empty(count, dtype)

    def call() -> None:
        device.download(host, address)
        device.upload(address, np.ascontiguousarray(ranks.all_reduce(name, host)))

    return call
