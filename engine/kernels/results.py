"""The arrays that kernels return: of which shape and dtype, new or given, calculated in which dtype."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def compute_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Returns the dtype to calculate in: float32 for the 16-bit floats, else the dtype itself."""
    is_short_float = dtype.itemsize == 2 and dtype.kind not in "iu"
    return np.dtype(np.float32) if is_short_float else dtype


def result_array(shape: tuple[int, ...], dtype: np.dtype[Any], out: Array | None) -> Array:
    """Returns `out` once it is known to fit, or a new array.

    Raises:
        ValueError: when the shape or dtype of `out` is another.
    """
    if out is None:
        return np.empty(shape, dtype)
    if out.shape != tuple(shape) or out.dtype != dtype:
        raise ValueError(f"out: expected {dtype} of shape {tuple(shape)}, got {out.dtype} of shape {out.shape}")
    return out


def volume(sizes: Sequence[int]) -> int:
    """Returns the number of elements of a shape."""
    return math.prod(sizes)
