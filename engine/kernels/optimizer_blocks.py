"""Carries out an optimizer's step on whole variables or on some of their rows, in blocks that stay in cache.

Measured: Adam on 3.2 million numbers takes half the time in blocks of 16384 that it takes on whole arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidArgumentError
from .bounds import check_indices
from .scratch import scratch
from .segments import unsorted_segment_sum
from .selection import unique

Array = NDArray[Any]
Step = Callable[..., None]

BLOCK = 16384
# How many scratch arrays a step may use.
SCRATCH = 4


def apply_dense(
    xp: Any, step: Step, arrays: Sequence[Array], gradient: Any, numbers: dict[str, Any], options: dict[str, Any]
) -> None:
    """Runs `step` on all elements of the variables `arrays`, which are contiguous and change in place.

    Raises:
        InvalidArgumentError: the variables and the gradient have different shapes; nothing is written then.
    """
    var = arrays[0]
    gradient = np.asarray(gradient)
    if any(a.shape != gradient.shape for a in arrays):
        shapes = [list(a.shape) for a in arrays]
        raise InvalidArgumentError(
            None, None, f"var, slots and grad do not have the same shape: {shapes} and {list(gradient.shape)}"
        )
    if var.dtype.itemsize < 4:
        _apply_wide(xp, step, arrays, gradient, numbers, options)
        return
    numbers = _as_numbers(numbers, var.dtype)
    if var.size <= BLOCK:
        step(xp, _scratch(var.shape, var.dtype), arrays, gradient, **numbers, **options)
        return
    flat = [a.reshape(-1) for a in arrays]
    g = gradient.reshape(-1)
    for start in range(0, var.size, BLOCK):
        part = slice(start, start + BLOCK)
        parts = [a[part] for a in flat]
        step(xp, _scratch(parts[0].shape, var.dtype), parts, g[part], **numbers, **options)


def _apply_wide(
    xp: Any, step: Step, arrays: Sequence[Array], gradient: Array, numbers: dict[str, Any], options: dict[str, Any]
) -> None:
    # Half precision is computed in single: NumPy is slow at it, and sums of squares would overflow.
    flat = [a.reshape(-1) for a in arrays]
    g = gradient.reshape(-1)
    numbers = _as_numbers(numbers, np.dtype(np.float32))
    for start in range(0, g.size, BLOCK):
        part = slice(start, start + BLOCK)
        wide = [a[part].astype(np.float32) for a in flat]
        step(xp, _scratch(wide[0].shape, wide[0].dtype), wide, g[part].astype(np.float32), **numbers, **options)
        for a, w in zip(flat, wide, strict=True):
            a[part] = w


def _as_numbers(numbers: dict[str, Any], dtype: np.dtype[Any]) -> dict[str, Any]:
    return {k: v if getattr(v, "dtype", None) == dtype else np.asarray(v).astype(dtype) for k, v in numbers.items()}


def _scratch(shape: tuple[int, ...], dtype: np.dtype[Any]) -> list[Array]:
    whole = scratch("optimizer", (SCRATCH, *shape), dtype)
    # The ellipsis keeps the parts of a vector arrays.
    return [whole[i, ...] for i in range(SCRATCH)]


def apply_sparse(
    xp: Any, step: Step, arrays: Sequence[Array], gradient: Any, indices: Any, numbers: dict[str, Any],
    options: dict[str, Any],
) -> None:  # fmt: skip
    """Runs `step` on the rows `indices` of the variables, with one row of the gradient each.

    Equal indices make one step after the other, as in TensorFlow; optimizers add their rows up before.

    Raises:
        InvalidArgumentError: an index is out of range or shapes do not fit; nothing is written then.
    """
    gradient, indices = np.asarray(gradient), np.asarray(indices)
    _check_rows(arrays, gradient, indices)
    if not indices.size:
        return
    compute = np.dtype(np.float32) if arrays[0].dtype.itemsize < 4 else arrays[0].dtype
    numbers = _as_numbers(numbers, compute)
    for rows in _row_blocks(indices, arrays[0]):
        places = indices[rows]
        parts = [a[places].astype(compute, copy=False) for a in arrays]
        g = gradient[rows].astype(compute, copy=False)
        step(xp, _scratch(g.shape, compute), parts, g, **numbers, **options)
        for a, part in zip(arrays, parts, strict=True):
            a[places] = part


def _row_blocks(indices: Array, var: Array) -> list[slice]:
    ordered = np.sort(indices)
    inner = max(1, var.size // max(len(var), 1))
    count = 1 if (ordered[1:] == ordered[:-1]).any() else max(1, BLOCK // inner)
    return [slice(start, start + count) for start in range(0, len(indices), count)]


def _check_rows(arrays: Sequence[Array], gradient: Array, indices: Array) -> None:
    var = arrays[0]
    if any(a.shape != var.shape for a in arrays):
        raise InvalidArgumentError(
            None, None, f"var and slots do not have the same shape: {[list(a.shape) for a in arrays]}"
        )
    if var.ndim == 0 or indices.ndim != 1:
        raise InvalidArgumentError(
            None,
            None,
            f"var must have rows and indices be a vector: got shapes {list(var.shape)}, {list(indices.shape)}",
        )
    if gradient.shape != (len(indices), *var.shape[1:]):
        raise InvalidArgumentError(
            None,
            None,
            f"grad must have a row an index: expected shape {[len(indices), *var.shape[1:]]}, got {list(gradient.shape)}",
        )
    check_indices(indices, len(var))


def update_summed(
    update: Callable[..., None], gradient: int, indices: int, xp: Any, *inputs: Any, **attributes: Any
) -> None:
    """Runs an update of rows with the gradients of equal rows added up; both places are numbers of inputs."""
    values = list(inputs)
    rows, places, _ = unique(values[indices], np.dtype(np.int32))
    values[gradient] = unsorted_segment_sum(values[gradient], places, len(rows))
    values[indices] = rows
    update(xp, *values, **attributes)


def summed_rows(values: Array, indices: Array) -> Array:
    """Zeros like `values`, but for the first row of each index, which is the sum of all rows of that index.

    >>> summed_rows(np.array([[1], [2], [4]]), np.array([7, 3, 7])).tolist()
    [[5], [2], [0]]
    """
    rows, places, _ = unique(indices, np.dtype(np.int32))
    result = np.zeros_like(values)
    first = np.full(len(rows), len(indices), np.int64)
    np.minimum.at(first, places, np.arange(len(indices)))
    result[first] = unsorted_segment_sum(values, places, len(rows))
    return result
