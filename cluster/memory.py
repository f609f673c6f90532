"""Memory of a file without a name that several processes of one host map."""

from __future__ import annotations

import ctypes
import mmap
import os
import weakref

import numpy as np


def mapped(descriptor: int, size: int) -> memoryview:
    """A file in memory until the last reference is gone; Python's own mmap would keep a descriptor as long.

    Raises:
        OSError: it cannot be mapped.
    """
    library = ctypes.CDLL(None, use_errno=True)
    library.mmap.restype = ctypes.c_void_p
    library.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
    library.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
    place = library.mmap(None, size, mmap.PROT_READ | mmap.PROT_WRITE, mmap.MAP_SHARED, descriptor, 0)
    if place in (None, ctypes.c_void_p(-1).value):
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    whole = (ctypes.c_ubyte * size).from_address(place)
    # At the end of the program a thread may still use it.
    weakref.finalize(whole, library.munmap, place, size).atexit = False
    memory: memoryview = np.ctypeslib.as_array(whole).data
    return memory


def nameless() -> tuple[int, str]:
    """A new file in memory, and how other processes of this host open it while it is open here."""
    descriptor = os.memfd_create("headrace")
    return descriptor, f"/proc/{os.getpid()}/fd/{descriptor}"
