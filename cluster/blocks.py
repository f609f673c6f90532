"""What goes between processes of one host lies in memory that both map: written once, read where it is, given back.

Each process has a file in memory without a name, which ends with the process. It begins with what tells it from other
files and a byte a rank, in which a rank that has opened it writes that it did. Then come blocks; the first byte of each
says whether somebody still reads it.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import struct
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from .memory import mapped, nameless
from .messages import ALIGNMENT, Bytes

_TOKEN = 8
# The file grows by so many bytes at a time.
_MORE = 1 << 22
# Which file, where in it, and how many bytes.
_PLACE = struct.Struct(f"<{_TOKEN}sQQ")


class Blocks:
    """The memory of this process that others read.

    Args:
        ranks: how many processes there are.
        limit: how many bytes there may be.

    Attributes:
        address: what others open it by; empty where this system has no such memory.
    """

    def __init__(self, ranks: int, limit: int) -> None:
        self.address = ""
        self._first = self._there = _aligned(_TOKEN + ranks)
        self._limit = max(limit, self._first)
        self._taken: list[tuple[int, int]] = []
        self._lock = threading.Lock()
        self._file = -1
        with contextlib.suppress(OSError, AttributeError):
            self._open()

    def _open(self) -> None:
        if not self._limit > self._first:
            return
        self._file, name = nameless()
        os.ftruncate(self._file, self._limit)
        os.posix_fallocate(self._file, 0, self._first)
        self._memory = mapped(self._file, self._limit)
        self._bytes = np.frombuffer(self._memory, np.uint8)
        self._token = secrets.token_bytes(_TOKEN)
        self._memory[:_TOKEN] = self._token
        self.address = f"{name}:{self._token.hex()}:{self._limit}"

    def take(self, rank: int, nbytes: int) -> tuple[Bytes, bytes] | None:
        """A block that a rank will read, and what to tell it; None if it cannot, or there is no room."""
        if not self.address or not self._memory[_TOKEN + rank]:
            return None
        with self._lock:
            start = self._place(ALIGNMENT + _aligned(nbytes))
            if start is None:
                return None
            self._memory[start] = 1
        begin = start + ALIGNMENT
        return self._bytes[begin : begin + nbytes], _PLACE.pack(self._token, begin, nbytes)

    def _place(self, size: int) -> int | None:
        """The lowest place with room: what was used last is still in the processor's caches."""
        memory, start = self._memory, self._first
        self._taken = [pair for pair in self._taken if memory[pair[0]]]
        place = len(self._taken)
        for i, (low, high) in enumerate(self._taken):
            if low - start >= size:
                place = i
                break
            start = high
        if not self._grown(start + size):
            return None
        self._taken.insert(place, (start, start + size))
        return start

    def _grown(self, end: int) -> bool:
        if end > self._limit:
            return False
        if end > self._there:
            wanted = min(self._limit, max(end, self._there + _MORE))
            try:
                # Memory that is promised but not there would end the process when it is written.
                os.posix_fallocate(self._file, self._there, wanted - self._there)
            except OSError:
                return False
            self._there = wanted
        return True

    def close(self) -> None:
        """Nobody opens it any more; who has it open keeps it."""
        # Not while another thread has it grow: the number may soon be another file's.
        with self._lock:
            if self._file >= 0:
                os.close(self._file)
            self._file, self.address = -1, ""


class Borrowed:
    """The memory of another process.

    Args:
        address: its Blocks' address.
        rank: the number of this process.

    Raises:
        OSError: it cannot be opened: it is on another host, or gone.
    """

    def __init__(self, address: str, rank: int) -> None:
        name, token, size = address.split(":")
        self.token = bytes.fromhex(token)
        descriptor = os.open(name, os.O_RDWR)
        try:
            if os.fstat(descriptor).st_size != int(size):
                raise OSError(f"{name} is another file")
            self.memory = mapped(descriptor, int(size))
        finally:
            os.close(descriptor)
        # In a container of its own this process could have found another one's file.
        if self.memory[:_TOKEN] != self.token:
            raise OSError(f"{name} is another file")
        self._start: int = np.frombuffer(self.memory, np.uint8).__array_interface__["data"][0]
        self.memory[_TOKEN + rank] = 1

    def block(self, place: bytes) -> Bytes:
        """The block of which the other process said where it is; it is given back when no array refers to it."""
        _, begin, nbytes = _PLACE.unpack(place)
        return np.asarray(Loan(self.memory, self._start, begin, nbytes))


class Loan:
    """A block of another process while arrays here refer to it."""

    def __init__(self, memory: memoryview, start: int, begin: int, nbytes: int) -> None:
        self._memory = memory
        self._process = os.getpid()
        self._state = begin - ALIGNMENT
        self.__array_interface__ = {
            "data": (start + begin, False),
            "shape": (nbytes,),
            "typestr": "|u1",
            "version": 3,
        }

    def __del__(self, process: Callable[[], int] = os.getpid) -> None:
        # What a copy of this process drops is still read here.
        if process() == self._process:
            self._memory[self._state] = 0


def token_of(place: bytes) -> bytes:
    """Which memory a place is in."""
    return place[:_TOKEN]


def kept(value: Any) -> Any:
    """A value that may be kept for long: what lies in another process's memory is copied."""
    base = value
    while isinstance(base, np.ndarray):
        base = base.base
    return value.copy() if isinstance(base, Loan) else value


def _aligned(count: int) -> int:
    return -(-count // ALIGNMENT) * ALIGNMENT
