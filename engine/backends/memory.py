"""Memory of programs on the host: aligned, given back to the system when it is large, and windows on constants."""

from __future__ import annotations

import contextlib
import mmap
from typing import Any

import numpy as np

from ..errors import ResourceExhaustedError
from ..plan.buffers import ALIGNMENT, View

_MAPPED_FROM, _LARGE_PAGES_FROM = 1 << 20, 1 << 22


def arena(nbytes: int) -> np.ndarray[Any, Any]:
    """Bytes for a step's arena; ResourceExhaustedError if there are not so many."""
    try:
        return aligned(nbytes)
    except MemoryError:
        raise ResourceExhaustedError(
            None, None, f"A step needs {nbytes} bytes of memory, more than there are"
        ) from None


def aligned(nbytes: int) -> np.ndarray[Any, Any]:
    """Bytes that begin where the widest loads want; ResourceExhaustedError if there are not so many."""
    try:
        if nbytes >= _MAPPED_FROM:
            return _mapped(nbytes)
        memory = np.zeros(max(nbytes, 1) + ALIGNMENT, np.uint8)
    except (MemoryError, OSError, OverflowError):
        raise ResourceExhaustedError(None, None, f"The step needs {nbytes} bytes, more than can be had") from None
    start = -memory.__array_interface__["data"][0] % ALIGNMENT
    return memory[start : start + max(nbytes, 1)]


def _mapped(nbytes: int) -> np.ndarray[Any, Any]:
    """Memory of its own, which the system has again when it is not needed, and not only the allocator."""
    memory = mmap.mmap(-1, nbytes, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if hasattr(mmap, "MADV_HUGEPAGE") and nbytes >= _LARGE_PAGES_FROM:
        # As NumPy does for arrays of that size; a system without large pages refuses.
        with contextlib.suppress(OSError):
            memory.madvise(mmap.MADV_HUGEPAGE)
    return np.frombuffer(memory, np.uint8)


def constant_array(view: View) -> np.ndarray[Any, Any]:
    """The array that a view of a constant sees."""
    base = view.buffer.array
    if base is None:
        raise TypeError(f"the constant {view.buffer.key} has no array")
    if view.sizes == base.shape and view.strides == base.strides and view.offset == 0:
        return base
    data = np.ascontiguousarray(base) if base.flags.c_contiguous else base
    return np.ndarray(view.sizes, data.dtype, data, view.offset, view.strides)
