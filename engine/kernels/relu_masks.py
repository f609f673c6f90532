"""Masks of relus, a bit an element: set where the element is positive, the first of a byte its lowest."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
# Rows of a mask begin at multiples of so many bits.
BITS = 128


def mask_bytes(columns: int) -> int:
    """The bytes of a row of a mask."""
    return -(-columns // BITS) * BITS // 8


def bits_of(x: Array) -> Array:
    """The mask of a matrix, as rows of bytes.

    >>> bits_of(np.array([[1.0, -1.0, 0.0, 2.0]]))[0, :2]
    array([9, 0], dtype=uint8)
    """
    signs = np.zeros((x.shape[0], mask_bytes(x.shape[1]) * 8), np.bool_)
    np.greater(x, 0, out=signs[:, : x.shape[1]])
    return np.packbits(signs, axis=1, bitorder="little")


def signs_of(mask: Array, columns: int) -> Array:
    """Which elements of rows of `columns` a mask calls positive."""
    return np.unpackbits(mask, axis=1, count=columns, bitorder="little").astype(np.bool_)
