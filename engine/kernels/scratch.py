"""Memory that kernels use again and again within a call, one set a thread."""

from __future__ import annotations

import math
import threading
from typing import Any

import numpy as np
from numpy.typing import NDArray

_store = threading.local()


def scratch(purpose: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Returns an array of unspecified contents, valid until this thread asks for the purpose again.

    The buffer grows to the largest size asked for: callers keep that bounded by working in chunks.
    """
    size = math.prod(shape) * dtype.itemsize
    buffers: dict[str, NDArray[np.uint8]] = _store.__dict__.setdefault("buffers", {})
    if (buffer := buffers.get(purpose)) is None or buffer.size < size:
        buffer = buffers[purpose] = np.empty(max(size, 1), dtype=np.uint8)
    return buffer[:size].view(dtype).reshape(shape)


def clear_scratch() -> None:
    """Gives back the memory that this thread's kernels hold."""
    _store.__dict__.pop("buffers", None)
