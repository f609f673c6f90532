"""Sums along the rows of matrices, which gradients of biases, scales and filters are; their order is always the same."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..calls import Bound, DeviceArray
from ..device import Dimensions
from ..template import template
from ..text import computed

# As in columns.cuh.
BLOCK: Dimensions = (32, 8, 1)
_FILE = "columns.cuh"
# Blocks that a card is filled with, and rows that a slice has at least.
_BLOCKS, _ROWS = 512, 64


def wide(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """What sums of a dtype are kept in."""
    return np.dtype(np.float32) if computed(dtype) == "float" else dtype


def slices_of(rows: int, columns: int) -> tuple[int, int]:
    """(rows a slice, slices) of a matrix."""
    blocks = -(-columns // 32)
    share = max(_ROWS, -(-rows * blocks // _BLOCKS))
    return share, max(1, -(-rows // share))


def column_sums(
    bound: Bound,
    x: DeviceArray | int,
    rows: int,
    columns: int,
    out: DeviceArray,
    factor: DeviceArray | int = 0,
    steps: tuple[int, int] | None = None,
    adds: bool = False,
) -> None:
    """Sums over rows of x, or of x * factor, written or added to `out`; `steps` are the elements from row to row."""
    dtype = out.dtype
    share, slices = slices_of(rows, columns)
    parts = bound.scratch((slices, columns), wide(dtype))
    places = (
        "const T* x, long long x_step, const T* factor, long long factor_step, long long rows, long long columns, "
        f"long long share, {computed(dtype)}* parts"
    )
    kernel = template("column_parts", _FILE, places, dtype, synchronizes=True)
    x_step, factor_step = steps or (columns, columns)
    grid = (-(-columns // 32), slices, 1)
    bound.launch(kernel, grid, BLOCK, x, x_step, factor, factor_step, rows, columns, share, parts)
    add_parts(bound, parts, out, adds=adds)


def add_parts(bound: Bound, parts: DeviceArray, out: DeviceArray, *, adds: bool = False) -> None:
    """Sums over the first axis of parts."""
    places = "const T* parts, long long rows, long long columns, U* out, int adds"
    kernel = template("add_parts", _FILE, places, parts.dtype, out.dtype, synchronizes=True)
    bound.launch(kernel, -(-out.size // 32), BLOCK, parts, parts.shape[0], out.size, out, int(adds))
