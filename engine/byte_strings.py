"""Text as tensors hold it: object arrays of bytes."""

from __future__ import annotations

from typing import Any

import numpy as np


def string_array(value: Any) -> np.ndarray[Any, Any]:
    """Nested lists of str or bytes as an object array of bytes."""
    array = np.array(value, dtype=object) if not isinstance(value, np.ndarray) else value.astype(object)
    flat = array.reshape(-1).tolist()
    if set(map(type, flat)) <= {bytes}:
        return array
    encoded = np.empty(len(flat), object)
    encoded[:] = [_bytes_of(item) for item in flat]
    return encoded.reshape(array.shape)


def _bytes_of(item: Any) -> bytes:
    if isinstance(item, bytes):
        return bytes(item)
    if isinstance(item, str):
        return item.encode()
    raise TypeError(f"Expected a string, got {item!r} of type {type(item).__name__}")
