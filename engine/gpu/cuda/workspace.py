"""Memory that the libraries write to while they work: one block for all of a device's calls, which run one by one."""

from __future__ import annotations

import weakref
from collections.abc import Callable


class Block:
    """Memory that is given back with its last user."""

    __slots__ = ("__weakref__", "address", "nbytes")

    def __init__(self, nbytes: int, allocate: Callable[[int], int], release: Callable[[int], None]) -> None:
        self.nbytes = nbytes
        self.address = allocate(nbytes) if nbytes else 0
        if nbytes:
            # When the process ends, the driver gives everything back.
            weakref.finalize(self, release, self.address).atexit = False


class Workspace:
    """The block that calls use: `block` is read by each call, since it grows while calls are prepared.

    What was captured has the block's address in it, and must keep the block.
    """

    def __init__(self, allocate: Callable[[int], int], release: Callable[[int], None]) -> None:
        self._allocate, self._release = allocate, release
        self.block = Block(0, allocate, release)

    def own(self, nbytes: int) -> Block:
        """Other memory, which is given back with its last user."""
        return Block(nbytes, self._allocate, self._release)

    def reserve(self, nbytes: int) -> None:
        """Makes the block at least so large."""
        if nbytes > self.block.nbytes:
            self.block = Block(nbytes, self._allocate, self._release)
