"""The simulated device's memory: blocks of the process whose bytes are all ones before they are written and when freed."""

from __future__ import annotations

import ctypes
from bisect import bisect_right, insort
from collections import deque

from ...errors import InternalError, ResourceExhaustedError
from ..device import ALIGNMENT

# 0xff in every byte is NaN in all float types, and -1.
_POISON = 0xFF
# Freed blocks are kept for a while, so that what still reads them reads NaN.
_KEPT_BYTES = 1 << 26


class Memory:
    """Blocks by address, at most `limit` bytes at once."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0
        self._sizes: dict[int, int] = {}
        self._starts: list[int] = []
        self._freed: deque[tuple[int, int]] = deque()
        self._freed_bytes = 0
        self._library = ctypes.CDLL(None)
        self._library.posix_memalign.argtypes = [ctypes.POINTER(ctypes.c_void_p), ctypes.c_size_t, ctypes.c_size_t]
        self._library.free.argtypes = [ctypes.c_void_p]

    def allocate(self, nbytes: int) -> int:
        """The address of a block full of NaN; ResourceExhaustedError over the limit."""
        size = max(nbytes, 1)
        if self.used + size > self.limit:
            raise ResourceExhaustedError(
                None, None, f"the simulated GPU has {self.limit - self.used} of {self.limit} bytes left, not {nbytes}"
            )
        address = self._block(size)
        ctypes.memset(address, _POISON, size)
        self._sizes[address] = size
        insort(self._starts, address)
        self.used += size
        return address

    def release(self, address: int) -> None:
        """Poisons a block and frees it; InternalError if it is none."""
        size = self._sizes.pop(address, None)
        if size is None:
            raise InternalError(None, None, f"{address:#x} was not allocated, or is released already")
        del self._starts[bisect_right(self._starts, address) - 1]
        self.used -= size
        ctypes.memset(address, _POISON, size)
        self._freed.append((address, size))
        self._freed_bytes += size
        while self._freed_bytes > _KEPT_BYTES:
            self._free_oldest()

    def check(self, what: str, address: int, nbytes: int = 0) -> None:
        """InternalError unless these bytes lie in one block."""
        place = bisect_right(self._starts, address) - 1
        start = self._starts[place] if place >= 0 else 0
        if place < 0 or address + nbytes > start + self._sizes[start]:
            raise InternalError(None, None, f"{what}: {nbytes} bytes at {address:#x} are not in any block of memory")

    def close(self) -> None:
        """Frees all."""
        for address in list(self._sizes):
            self.release(address)
        while self._freed:
            self._free_oldest()

    def _free_oldest(self) -> None:
        address, size = self._freed.popleft()
        self._freed_bytes -= size
        self._library.free(address)

    def _block(self, size: int) -> int:
        address = ctypes.c_void_p()
        if self._library.posix_memalign(ctypes.byref(address), ALIGNMENT, size) or not address.value:
            raise ResourceExhaustedError(None, None, f"the process has no {size} bytes for the simulated GPU")
        return address.value
