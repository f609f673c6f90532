"""Picking and counting values: the k largest, the distinct ones, how often each occurs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..errors import InvalidArgumentError
from .results import result_array
from .scatter import accumulate

Array = NDArray[Any]

# A table from value to place is worth it while it is not much longer than the input.
_TABLE_FACTOR = 4
_TABLE_EXTRA = 1024
# Below this length sorting all is quicker than looking for the k-th first.
_SHORT = 64


def top_k(x: Array, k: int, out: tuple[Array, Array] | None = None) -> tuple[Array, Array]:
    """Returns the k largest of the last axis, largest first, and their places as int32.

    Of equal values the one at the lower place comes first, as in TF 1.15; NaN counts as largest.

    Args:
        x: `[..., n]`, any real dtype.
        k: how many.
        out: arrays `[..., k]` of the dtype of x and of int32 to fill instead of new ones.

    Raises:
        InvalidArgumentError: when x is a scalar, k is negative or larger than n.

    >>> [a.tolist() for a in top_k(np.array([1, 3, 3, 2]), 2)]
    [[3, 3], [1, 2]]
    """
    _check_top_k(x, k)
    shape = (*x.shape[:-1], k)
    values = result_array(shape, x.dtype, out and out[0])
    places = result_array(shape, np.dtype(np.int32), out and out[1])
    if not values.size:
        return values, places
    rows = x.reshape(-1, x.shape[-1])
    best = _largest_places(rows, k)
    values[...] = np.take_along_axis(rows, best, axis=1).reshape(shape)
    places[...] = best.reshape(shape)
    return values, places


def in_top_k(predictions: Array, targets: Array, k: int, out: Array | None = None) -> Array:
    """Returns whether each target is among the k classes of the largest predictions.

    As in TF 1.15 ties count for the target, and a row with a prediction that is not finite, or a
    target that is no class, gives False.

    Args:
        predictions: `[batch, classes]`.
        targets: class numbers `[batch]`.
        k: how many classes count as top.
        out: a bool array `[batch]` to fill instead of a new one.

    Raises:
        InvalidArgumentError: when the shapes do not fit.
    """
    if predictions.ndim != 2 or targets.shape != predictions.shape[:1]:
        raise InvalidArgumentError(
            None,
            None,
            "in_top_k: expected predictions [batch, classes] and targets [batch], got "
            f"{list(predictions.shape)} and {list(targets.shape)}",
        )
    result = result_array(targets.shape, np.dtype(np.bool_), out)
    classes = predictions.shape[1]
    if classes == 0:
        result[...] = False
        return result
    valid = (targets >= 0) & (targets < classes)
    chosen = np.take_along_axis(predictions, np.where(valid, targets, 0)[:, None], axis=1)
    above = np.count_nonzero(predictions > chosen, axis=1)
    result[...] = valid & np.isfinite(predictions).all(axis=1) & (above < k)
    return result


def unique(x: Array, index_dtype: DTypeLike = np.int32) -> tuple[Array, Array, Array]:
    """Returns the distinct values of a vector in the order they first occur.

    With them come, as `index_dtype`, the place of each element of x among them and how often each
    occurs. Every NaN is distinct. Strings are object arrays of bytes.

    Raises:
        InvalidArgumentError: when x is not a vector.

    >>> [a.tolist() for a in unique(np.array([7, 3, 7, 7]))]
    [[7, 3], [0, 1, 0, 0], [3, 1]]
    """
    if x.ndim != 1:
        raise InvalidArgumentError(None, None, f"unique expects a 1D vector, got shape {list(x.shape)}")
    firsts, inverse = _first_occurrences(x)
    counts = np.bincount(inverse, minlength=len(firsts))
    return x[firsts], inverse.astype(index_dtype), counts.astype(index_dtype)


def unique_slices(x: Array, axis: int, index_dtype: DTypeLike = np.int32) -> tuple[Array, Array, Array]:
    """Returns the distinct slices of x along an axis, as `unique` does the values of a vector."""
    rows = np.moveaxis(x, axis, 0)
    flat = rows.reshape(len(rows), -1)
    if flat.size == 0:
        number = min(len(rows), 1)
        inverse = np.zeros(len(rows), np.intp)
        firsts = np.arange(number)
    else:
        _, firsts, inverse = np.unique(flat, axis=0, return_index=True, return_inverse=True)
        firsts, inverse = _in_order_of_occurrence(firsts, inverse.reshape(-1))
    counts = np.bincount(inverse, minlength=len(firsts))
    values = np.take(x, firsts, axis=axis)
    return values, inverse.astype(index_dtype), counts.astype(index_dtype)


def bincount(
    x: Array,
    size: int,
    weights: Array | None = None,
    dtype: DTypeLike = np.int32,
    out: Array | None = None,
) -> Array:
    """Returns how often each of 0 .. size - 1 occurs in x, or the sum of its weights.

    Larger values are left out. The result is `[size]`, of the dtype of the weights where given.

    Raises:
        InvalidArgumentError: for a negative value or size, or weights of another shape.

    >>> bincount(np.array([1, 1, 9]), 3).tolist()
    [0, 2, 0]
    """
    _check_bincount(x, size, weights)
    flat = x.reshape(-1)
    kept = flat < size
    if weights is None:
        result = result_array((size,), np.dtype(dtype), out)
        result[...] = np.bincount(flat[kept], minlength=size)
        return result
    result = result_array((size,), weights.dtype, out)
    result[...] = 0
    if result.flags.c_contiguous:
        accumulate(np.add, result[:, None], flat[kept], weights.reshape(-1)[kept][:, None])
    else:
        np.add.at(result, flat[kept], weights.reshape(-1)[kept])
    return result


def _check_top_k(x: Array, k: int) -> None:
    if x.ndim == 0:
        raise InvalidArgumentError(None, None, "input must be >= 1-D, got shape []")
    if k < 0:
        raise InvalidArgumentError(None, None, f"Need k >= 0, got {k}")
    if x.shape[-1] < k:
        raise InvalidArgumentError(
            None,
            None,
            f"input must have at least k columns. Had {x.shape[-1]}, needed {k}",
        )


def _largest_places(rows: Array, k: int) -> Array:
    columns = rows.shape[1]
    if k == 1:
        return np.asarray(np.argmax(rows, axis=1))[:, None]
    if columns <= _SHORT or 4 * k > columns or _has_nan(rows):
        return _descending(rows)[:, :k]
    limit = np.partition(rows, columns - k, axis=1)[:, columns - k, None]
    above = rows > limit
    wanted = k - np.count_nonzero(above, axis=1)[:, None]
    equal = rows == limit
    taken = above | (equal & (np.cumsum(equal, axis=1) <= wanted))
    places = np.nonzero(taken)[1].reshape(len(rows), k)
    order = _descending(np.take_along_axis(rows, places, axis=1))
    result: Array = np.take_along_axis(places, order, axis=1)
    return result


def _descending(rows: Array) -> Array:
    """Returns the places from the largest value down, equal ones in their order."""
    order = np.argsort(rows[:, ::-1], axis=1, kind="stable")
    result: Array = (rows.shape[1] - 1 - order)[:, ::-1]
    return result


def _has_nan(rows: Array) -> bool:
    return rows.dtype.kind not in "iub" and bool(np.isnan(rows).any())


def _first_occurrences(x: Array) -> tuple[Array, Array]:
    """Returns the place of each value's first occurrence, in order, and each element's value."""
    if x.dtype == object:
        return _first_objects(x)
    if x.dtype.kind in "iu" and len(x):
        low, high = int(x.min()), int(x.max())
        if high - low < _TABLE_FACTOR * len(x) + _TABLE_EXTRA:
            return _first_in_table((x.astype(np.int64) - low), high - low + 1)
    _, firsts, inverse = np.unique(x, return_index=True, return_inverse=True, equal_nan=False)
    return _in_order_of_occurrence(firsts, inverse)


def _first_objects(x: Array) -> tuple[Array, Array]:
    seen: dict[object, int] = {}
    inverse = np.array([seen.setdefault(value, len(seen)) for value in x.tolist()], dtype=np.intp)
    return _firsts_of(inverse, len(seen)), inverse


def _first_in_table(x: Array, size: int) -> tuple[Array, Array]:
    table = np.full(size, -1, dtype=np.intp)
    # Written backwards, so that the first occurrence is what stays.
    table[x[::-1]] = np.arange(len(x) - 1, -1, -1)
    firsts = np.sort(table[table >= 0])
    table[x[firsts]] = np.arange(len(firsts))
    return firsts, table[x]


def _firsts_of(inverse: Array, number: int) -> Array:
    firsts = np.empty(number, dtype=np.intp)
    firsts[inverse[::-1]] = np.arange(len(inverse) - 1, -1, -1)
    return firsts


def _in_order_of_occurrence(firsts: Array, inverse: Array) -> tuple[Array, Array]:
    order = np.argsort(firsts)
    rank = np.empty(len(order), dtype=np.intp)
    rank[order] = np.arange(len(order))
    return firsts[order], rank[inverse]


def _check_bincount(x: Array, size: int, weights: Array | None) -> None:
    if size < 0:
        raise InvalidArgumentError(None, None, f"size ({size}) must be non-negative")
    if x.size and int(x.min()) < 0:
        raise InvalidArgumentError(None, None, "Input arr must be non-negative!")
    if weights is not None and weights.shape != x.shape:
        raise InvalidArgumentError(
            None,
            None,
            f"weights: expected shape {list(x.shape)}, as the values, got {list(weights.shape)}",
        )
