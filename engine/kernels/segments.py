"""Reductions of rows by segment: sorted, unsorted, and of gathered (sparse) rows, as TF 1.15's.

Sums of 16-bit floats are kept in float32 and rounded once.
"""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidArgumentError
from .bounds import brackets, check_indices, first_place
from .results import compute_dtype, result_array, volume
from .scatter import accumulate

Array = NDArray[Any]


def unsorted_segment_sum(data: Array, segment_ids: Array, num_segments: int, out: Array | None = None) -> Array:
    """Returns the sums of the slices of `data` that share a segment number.

    Args:
        data: `segment_ids.shape + inner`.
        segment_ids: integers below `num_segments`; slices with a negative number are left out.
        num_segments: the first dimension of the result `[num_segments, *inner]`.
        out: an array of that shape and the dtype of data to fill instead of a new one.

    Raises:
        InvalidArgumentError: when a number is too large or the shapes do not fit.

    >>> unsorted_segment_sum(np.array([1, 2, 4]), np.array([2, -1, 2]), 3).tolist()
    [0, 0, 5]
    """
    return _unsorted(np.add, 0, data, segment_ids, num_segments, out)


def unsorted_segment_prod(data: Array, segment_ids: Array, num_segments: int, out: Array | None = None) -> Array:
    """Returns the products by segment, 1 for an empty one; see `unsorted_segment_sum`."""
    return _unsorted(np.multiply, 1, data, segment_ids, num_segments, out)


def unsorted_segment_max(data: Array, segment_ids: Array, num_segments: int, out: Array | None = None) -> Array:
    """Returns the maxima by segment, the dtype's lowest finite number for an empty one."""
    return _unsorted(np.maximum, limits(data.dtype)[0], data, segment_ids, num_segments, out)


def unsorted_segment_min(data: Array, segment_ids: Array, num_segments: int, out: Array | None = None) -> Array:
    """Returns the minima by segment, the dtype's highest finite number for an empty one."""
    return _unsorted(np.minimum, limits(data.dtype)[1], data, segment_ids, num_segments, out)


def unsorted_segment_mean(data: Array, segment_ids: Array, num_segments: int, out: Array | None = None) -> Array:
    """Returns the means by segment, 0 for an empty one; see `unsorted_segment_sum`."""
    return _unsorted_scaled(data, segment_ids, num_segments, 1.0, out)


def unsorted_segment_sqrt_n(data: Array, segment_ids: Array, num_segments: int, out: Array | None = None) -> Array:
    """Returns sums by segment over the square root of its size; see `unsorted_segment_sum`."""
    return _unsorted_scaled(data, segment_ids, num_segments, 0.5, out)


def segment_sum(data: Array, segment_ids: Array, out: Array | None = None) -> Array:
    """Returns the sums of the rows of `data` by segment, the numbers being sorted.

    Args:
        data: `[n, *inner]`.
        segment_ids: `[n]`, not negative and not decreasing; gaps give zeros.
        out: an array `[segment_ids[-1] + 1, *inner]` to fill instead of a new one.

    Raises:
        InvalidArgumentError: when the numbers are not sorted, negative or too few.
    """
    return _sorted(np.add, 0, 0, data, segment_ids, out)


def segment_prod(data: Array, segment_ids: Array, out: Array | None = None) -> Array:
    """Returns the products by segment, 1 in gaps; see `segment_sum`."""
    return _sorted(np.multiply, 1, 1, data, segment_ids, out)


def segment_max(data: Array, segment_ids: Array, out: Array | None = None) -> Array:
    """Returns the maxima by segment, 0 in gaps; see `segment_sum`."""
    return _sorted(np.maximum, limits(data.dtype)[0], 0, data, segment_ids, out)


def segment_min(data: Array, segment_ids: Array, out: Array | None = None) -> Array:
    """Returns the minima by segment, 0 in gaps; see `segment_sum`."""
    return _sorted(np.minimum, limits(data.dtype)[1], 0, data, segment_ids, out)


def segment_mean(data: Array, segment_ids: Array, out: Array | None = None) -> Array:
    """Returns the means by segment, 0 in gaps; see `segment_sum`."""
    number = _checked_sorted(data, segment_ids)
    return _unsorted_scaled(data, segment_ids, number, 1.0, out)


def sparse_segment_sum(
    data: Array,
    indices: Array,
    segment_ids: Array,
    num_segments: int | None = None,
    out: Array | None = None,
) -> Array:
    """Returns `segment_sum` of the rows `data[indices]`.

    Args:
        data: `[rows, *inner]`.
        indices: `[n]` rows of data.
        segment_ids: `[n]`, sorted.
        num_segments: rows of the result; one more than the last number where left out.
        out: an array of the result's shape and dtype to fill instead of a new one.

    Raises:
        InvalidArgumentError: when an index or a number is out of range or not sorted.
    """
    return _sparse(data, indices, segment_ids, num_segments, 0.0, out)


def sparse_segment_mean(
    data: Array,
    indices: Array,
    segment_ids: Array,
    num_segments: int | None = None,
    out: Array | None = None,
) -> Array:
    """Returns the means of the rows `data[indices]` by segment; see `sparse_segment_sum`."""
    return _sparse(data, indices, segment_ids, num_segments, 1.0, out)


def sparse_segment_sqrt_n(
    data: Array,
    indices: Array,
    segment_ids: Array,
    num_segments: int | None = None,
    out: Array | None = None,
) -> Array:
    """Returns sums over the square root of the segment's size; see `sparse_segment_sum`."""
    return _sparse(data, indices, segment_ids, num_segments, 0.5, out)


def sparse_segment_sum_grad(
    grad: Array, indices: Array, segment_ids: Array, rows: int, out: Array | None = None
) -> Array:
    """Returns the gradient of `sparse_segment_sum` with respect to its data `[rows, *inner]`."""
    return _sparse_grad(grad, indices, segment_ids, rows, 0.0, out)


def sparse_segment_mean_grad(
    grad: Array, indices: Array, segment_ids: Array, rows: int, out: Array | None = None
) -> Array:
    """Returns the gradient of `sparse_segment_mean` with respect to its data `[rows, *inner]`."""
    return _sparse_grad(grad, indices, segment_ids, rows, 1.0, out)


def sparse_segment_sqrt_n_grad(
    grad: Array, indices: Array, segment_ids: Array, rows: int, out: Array | None = None
) -> Array:
    """Returns the gradient of `sparse_segment_sqrt_n` with respect to its data."""
    return _sparse_grad(grad, indices, segment_ids, rows, 0.5, out)


def limits(dtype: np.dtype[Any]) -> tuple[Any, Any]:
    """Returns the lowest and the highest finite number of a dtype."""
    if dtype.kind in "iu":
        return np.iinfo(dtype).min, np.iinfo(dtype).max
    info = ml_dtypes.finfo(dtype)  # type: ignore[no-untyped-call]
    return info.min, info.max


def _unsorted(
    ufunc: np.ufunc,
    neutral: Any,
    data: Array,
    segment_ids: Array,
    num_segments: int,
    out: Array | None,
) -> Array:
    rows, values = _kept_rows(data, segment_ids, num_segments)
    result = result_array((num_segments, *data.shape[segment_ids.ndim :]), data.dtype, out)
    result[...] = _totals(ufunc, neutral, values, rows, num_segments).reshape(result.shape)
    return result


def _unsorted_scaled(data: Array, segment_ids: Array, num_segments: int, power: float, out: Array | None) -> Array:
    rows, values = _kept_rows(data, segment_ids, num_segments)
    result = result_array((num_segments, *data.shape[segment_ids.ndim :]), data.dtype, out)
    totals = _totals(np.add, 0, values, rows, num_segments)
    sizes = np.maximum(np.bincount(rows, minlength=num_segments), 1).astype(totals.dtype)
    totals = totals / (sizes**power)[:, None]
    result[...] = totals.reshape(result.shape)
    return result


def _sorted(ufunc: np.ufunc, neutral: Any, gap: Any, data: Array, segment_ids: Array, out: Array | None) -> Array:
    number = _checked_sorted(data, segment_ids)
    result = result_array((number, *data.shape[1:]), data.dtype, out)
    rows = segment_ids.astype(np.intp, copy=False)
    totals = _totals(ufunc, neutral, _flat(data), rows, number)
    if gap != neutral:
        totals[np.bincount(rows, minlength=number) == 0] = gap
    result[...] = totals.reshape(result.shape)
    return result


def _totals(ufunc: np.ufunc, neutral: Any, values: Array, rows: Array, number: int) -> Array:
    wide = compute_dtype(values.dtype)
    totals = np.full((number, values.shape[1]), neutral, wide)
    accumulate(ufunc, totals, rows, values.astype(wide, copy=False))
    return totals


def _kept_rows(data: Array, segment_ids: Array, num_segments: int) -> tuple[Array, Array]:
    """Checks everything and returns the row numbers that are not negative, and their rows."""
    _check_unsorted(data, segment_ids, num_segments)
    rows = segment_ids.reshape(-1).astype(np.intp, copy=False)
    values = data.reshape(len(rows), volume(data.shape[segment_ids.ndim :]))
    if len(rows) and rows.min() < 0:
        kept = rows >= 0
        return rows[kept], values[kept]
    return rows, values


def _check_unsorted(data: Array, segment_ids: Array, num_segments: int) -> None:
    if num_segments < 0:
        raise InvalidArgumentError(None, None, f"Input num_segments == {num_segments} must not be negative.")
    if data.shape[: segment_ids.ndim] != segment_ids.shape:
        raise InvalidArgumentError(
            None,
            None,
            f"data.shape = {list(data.shape)} does not start with segment_ids.shape = {list(segment_ids.shape)}",
        )
    if segment_ids.size and int(segment_ids.max()) >= num_segments:
        place = first_place(segment_ids >= num_segments)
        raise InvalidArgumentError(
            None,
            None,
            f"segment_ids{brackets(place)} = {segment_ids[place]} is out of range [0, {num_segments})",
        )


def _checked_sorted(data: Array, segment_ids: Array) -> int:
    """Returns the number of segments once the numbers are known to be right."""
    if segment_ids.ndim != 1 or data.ndim == 0 or len(data) != len(segment_ids):
        raise InvalidArgumentError(
            None,
            None,
            "segment_ids should be the same size as dimension 0 of input: got "
            f"{list(segment_ids.shape)} and {list(data.shape)}",
        )
    return _segments_of(segment_ids)


def _segments_of(segment_ids: Array) -> int:
    if not len(segment_ids):
        return 0
    if segment_ids[0] < 0:
        raise InvalidArgumentError(None, None, "segment ids must be >= 0")
    if np.any(segment_ids[1:] < segment_ids[:-1]):
        raise InvalidArgumentError(None, None, "segment ids are not increasing")
    return int(segment_ids[-1]) + 1


def _sparse(
    data: Array,
    indices: Array,
    segment_ids: Array,
    num_segments: int | None,
    power: float,
    out: Array | None,
) -> Array:
    number = _checked_sparse(indices, segment_ids, num_segments)
    check_indices(indices, len(data))
    result = result_array((number, *data.shape[1:]), data.dtype, out)
    rows = segment_ids.astype(np.intp, copy=False)
    picked = _flat(data)[indices]
    totals = _totals(np.add, 0, picked, rows, number)
    totals *= _scales(rows, number, power, totals.dtype)[:, None]
    result[...] = totals.reshape(result.shape)
    return result


def _sparse_grad(grad: Array, indices: Array, segment_ids: Array, rows: int, power: float, out: Array | None) -> Array:
    _checked_sparse(indices, segment_ids, len(grad))
    check_indices(indices, rows)
    result = result_array((rows, *grad.shape[1:]), grad.dtype, out)
    segments = segment_ids.astype(np.intp, copy=False)
    flat = _flat(grad).astype(compute_dtype(grad.dtype))
    shares = flat * _scales(segments, len(grad), power, flat.dtype)[:, None]
    totals = _totals(np.add, 0, shares[segments], indices.astype(np.intp, copy=False), rows)
    result[...] = totals.reshape(result.shape)
    return result


def _checked_sparse(indices: Array, segment_ids: Array, num_segments: int | None) -> int:
    if indices.ndim != 1 or indices.shape != segment_ids.shape:
        raise InvalidArgumentError(
            None,
            None,
            "segment_ids and indices should be vectors of the same size: got "
            f"{list(segment_ids.shape)} and {list(indices.shape)}",
        )
    number = _segments_of(segment_ids)
    if num_segments is not None and number > num_segments:
        raise InvalidArgumentError(None, None, f"segment ids must be < num_segments: got {number - 1}, {num_segments}")
    return number if num_segments is None else num_segments


def _flat(x: Array) -> Array:
    return x.reshape(len(x), volume(x.shape[1:]))


def _scales(rows: Array, number: int, power: float, dtype: np.dtype[Any]) -> Array:
    if power == 0:
        return np.ones(number, dtype)
    result: Array = np.maximum(np.bincount(rows, minlength=number), 1) ** -power
    return result.astype(dtype)
