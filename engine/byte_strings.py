"""Text as tensors hold it: object arrays of bytes."""

from __future__ import annotations

from typing import Any

import numpy as np


def string_array(value: Any) -> np.ndarray[Any, Any]:
    """Nested lists of str or bytes as an object array of bytes."""
    array = np.array(value, dtype=object) if not isinstance(value, np.ndarray) else value.astype(object)
    flat = array.reshape(-1)
    if all(type(item) is bytes for item in flat):
        return array
    encoded = np.empty(array.shape, object)
    for i, item in enumerate(flat):
        encoded.flat[i] = _bytes_of(item)
    return encoded


def _bytes_of(item: Any) -> bytes:
    if isinstance(item, bytes):
        return bytes(item)
    if isinstance(item, str):
        return item.encode()
    raise TypeError(f"Expected a string, got {item!r} of type {type(item).__name__}")
