"""Sequences of numbers, and counts by value: range, linspace, bincount, histograms, buckets."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np

from ..conversion import convert_to_tensor
from ..dtypes import FLOATING, INDEX, DType, as_dtype, bfloat16, float32, float64, int32, int64
from ..errors import InvalidArgumentError
from ..graph import Operation, Sizes, Tensor, get_default_graph
from ..inference import InferenceContext, like_first
from ..kernels import selection
from ..registry import op
from ..samples import Failure, Sample
from .casting import cast

Gradients = list[Any]


@op("Range", "start: Tidx, limit: Tidx, delta: Tidx", "output: Tidx", Tidx=(bfloat16, float32, float64, int32, int64))
def range_op(start: Any, limit: Any, delta: Any, *, name: str | None = None) -> Tensor:
    """The numbers start, start + delta, ... before limit."""


@range_op.shape
def range_shape(context: InferenceContext) -> list[Sizes]:
    for index in (0, 1, 2):
        context.with_rank(index, 0)
    values = [context.value(i) for i in (0, 1, 2)]
    if any(v is None for v in values):
        return [(None,)]
    return [(_length(*(v.item() for v in values if v is not None)),)]


def _length(start: float, limit: float, delta: float) -> int:
    if delta == 0:
        raise ValueError("Requires delta != 0: 0")
    if (start > limit) == (delta > 0) and start != limit:
        sign = ("<=", ">") if delta > 0 else (">=", "<")
        raise ValueError(f"Requires start {sign[0]} limit when delta {'>' if delta > 0 else '<'} 0: {start}/{limit}")
    if isinstance(start, int):
        return int(-((start - limit) // delta))
    return math.ceil(abs((limit - start) / delta))


@range_op.kernel
def range_kernel(xp: Any, start: Any, limit: Any, delta: Any) -> Any:
    length = _length(start.item(), limit.item(), delta.item())
    if start.dtype.kind in "iu":
        return start + xp.arange(length, dtype=start.dtype) * delta
    wide = np.float64 if start.dtype == np.float64 else np.float32
    return (wide(start) + xp.arange(length, dtype=wide) * wide(delta)).astype(start.dtype)


@range_op.gradient
def range_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [None, None, None]


@range_op.samples
def range_samples(rng: np.random.Generator) -> list[Sample]:
    return [
        Sample((np.int32(3), np.int32(18), np.int32(4))),
        Sample((np.int64(3), np.int64(1), np.int64(-1))),
        Sample((np.float64(0), np.float64(1), np.float64(0.3)), differentiable=False),
        Sample((np.int32(2), np.int32(2), np.int32(1))),
    ]


@range_op.failing
def range_failing(rng: np.random.Generator) -> list[Failure]:
    one, five = np.int32(1), np.int32(5)
    return [
        Failure((one, five, np.int32(0)), ValueError, "delta != 0"),
        Failure((five, one, one), ValueError, "start <= limit"),
        Failure((np.ones(2, np.int32), five, one), ValueError, "rank 0"),
    ]


@op("LinSpace", "start: T, stop: T, num: Tidx", "output: T", T=FLOATING, Tidx=INDEX)
def lin_space_op(start: Any, stop: Any, num: Any, *, name: str | None = None) -> Tensor:
    """`num` numbers at equal distances from start to stop."""


@lin_space_op.shape
def lin_space_shape(context: InferenceContext) -> list[Sizes]:
    for index in (0, 1, 2):
        context.with_rank(index, 0)
    number = context.value(2)
    if number is not None and int(number) <= 0:
        raise ValueError(f"Requires num > 0: {int(number)}")
    return [(None if number is None else int(number),)]


@lin_space_op.kernel
def lin_space_kernel(xp: Any, start: Any, stop: Any, num: Any) -> Any:
    if int(num) <= 0:
        raise InvalidArgumentError(None, None, f"Requires num > 0: {int(num)}")
    return xp.linspace(np.float64(start), np.float64(stop), int(num)).astype(start.dtype)


@lin_space_op.gradient
def lin_space_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [None, None, None]


@lin_space_op.samples
def lin_space_samples(rng: np.random.Generator) -> list[Sample]:
    return [
        Sample((np.float32(10), np.float32(12), np.int32(3)), differentiable=False),
        Sample((np.float64(1), np.float64(-1), np.int64(1)), differentiable=False),
    ]


@lin_space_op.failing
def lin_space_failing(rng: np.random.Generator) -> list[Failure]:
    return [Failure((np.float32(0), np.float32(1), np.int32(0)), ValueError, "num > 0")]


@op("Bincount", "arr: int32, size: int32, weights: T", "bins: T", T=(int32, int64, float32, float64))
def bincount_op(arr: Any, size: Any, weights: Any, *, name: str | None = None) -> Tensor:
    """How often each number below `size` occurs, or the sums of its weights; larger numbers are left out."""


@bincount_op.shape
def bincount_shape(context: InferenceContext) -> list[Sizes]:
    context.with_rank(1, 0)
    size = context.value(1)
    if size is not None and int(size) < 0:
        raise ValueError(f"size ({int(size)}) must be non-negative")
    return [(None if size is None else int(size),)]


@bincount_op.kernel
def bincount_kernel(xp: Any, arr: Any, size: Any, weights: Any) -> Any:
    given = weights if weights.size or not arr.size else None
    return selection.bincount(arr, int(size), given).astype(weights.dtype)


bincount_op.not_differentiable = True


@bincount_op.samples
def bincount_samples(rng: np.random.Generator) -> list[Sample]:
    arr = np.array([1, 1, 0, 3, 7], np.int32)
    return [
        Sample((arr, np.int32(5), np.zeros(0, np.int32))),
        Sample((arr, np.int32(8), np.arange(5.0)), differentiable=False),
        Sample((np.zeros(0, np.int32), np.int32(2), np.zeros(0, np.int64))),
    ]


@bincount_op.failing
def bincount_failing(rng: np.random.Generator) -> list[Failure]:
    bad = (np.array([-1, 2], np.int32), np.int32(3), np.zeros(0, np.int32))
    return [Failure(bad, InvalidArgumentError, "negative|non-negative", at_run=True)]


@op(
    "HistogramFixedWidth", "values: T, value_range: T, nbins: int32", "out: dtype", T=(int32, int64, float32, float64),
    dtype=INDEX,
)  # fmt: skip
def histogram_fixed_width_op(
    values: Any, value_range: Any, nbins: Any, *, dtype: DType = int32, name: str | None = None
) -> Tensor:
    """How many values fall into each of nbins equal parts of a range; those outside go to the first and last."""


@histogram_fixed_width_op.shape
def histogram_fixed_width_shape(context: InferenceContext) -> list[Sizes]:
    number = context.value(2)
    context.with_rank(1, 1)
    if number is not None and int(number) <= 0:
        raise ValueError(f"nbins should be a positive number, but got '{int(number)}'")
    return [(None if number is None else int(number),)]


@histogram_fixed_width_op.kernel
def histogram_fixed_width_kernel(xp: Any, values: Any, value_range: Any, nbins: Any, *, dtype: DType) -> Any:
    if value_range.shape != (2,) or int(nbins) <= 0 or not value_range[0] < value_range[1]:
        given = f"{list(value_range)} and {int(nbins)} bins"
        raise InvalidArgumentError(
            None, None, f"value_range should satisfy value_range[0] < value_range[1], got {given}"
        )
    low, high = (float(v) for v in value_range)
    width = (high - low) / int(nbins)
    places = xp.nan_to_num((values.reshape(-1).astype(np.float64) - low) / width)
    bins = xp.clip(xp.floor(places), 0, int(nbins) - 1).astype(np.intp)
    return xp.bincount(bins, minlength=int(nbins)).astype(dtype.numpy)


histogram_fixed_width_op.not_differentiable = True


@histogram_fixed_width_op.samples
def histogram_fixed_width_samples(rng: np.random.Generator) -> list[Sample]:
    values = np.array([-1.0, 0, 1.5, 2, 5, 15])
    return [
        Sample((values, np.array([0.0, 5]), np.int32(5)), differentiable=False),
        Sample((np.zeros(0), np.array([0.0, 5]), np.int32(2)), {"dtype": int64}, differentiable=False),
    ]


@histogram_fixed_width_op.failing
def histogram_fixed_width_failing(rng: np.random.Generator) -> list[Failure]:
    bad = (np.ones(2), np.array([1.0, 1.0]), np.int32(2))
    return [Failure(bad, InvalidArgumentError, "value_range", at_run=True)]


@op("Bucketize", "input: T", "output: int32", shape=like_first, T=(int32, int64, float32, float64))
def bucketize_op(input: Any, *, boundaries: list[float], name: str | None = None) -> Tensor:
    """How many of the sorted boundaries are not above each element."""


@bucketize_op.kernel
def bucketize_kernel(xp: Any, x: Any, *, boundaries: list[float]) -> Any:
    if any(a > b for a, b in pairwise(boundaries)):
        raise InvalidArgumentError(None, None, f"Expected sorted boundaries, got {boundaries}")
    return xp.searchsorted(xp.array(boundaries, np.float32), x, side="right").astype(np.int32)


bucketize_op.not_differentiable = True


@bucketize_op.samples
def bucketize_samples(rng: np.random.Generator) -> list[Sample]:
    x = np.array([[-5.0, 10000], [150, 10], [5, 100]])
    return [Sample((x,), {"boundaries": [0.0, 10, 100]}, differentiable=False)]


@bucketize_op.failing
def bucketize_failing(rng: np.random.Generator) -> list[Failure]:
    return [Failure((np.ones(2),), InvalidArgumentError, "sorted", {"boundaries": [1.0, 0]}, at_run=True)]


# TensorFlow's names

_HIERARCHY = (int32, int64, float32, float64)


def range(start: Any, limit: Any = None, delta: Any = 1, dtype: Any = None, name: str = "range") -> Tensor:
    """The numbers start, start + delta, ... before limit; with one argument from 0.

    Args:
        start: a scalar number; the limit if it is the only one.
        limit: a scalar, not itself in the result.
        delta: the distance, not 0.
        dtype: of the result; by default the widest of the arguments' in int32, int64, float32, float64.

    Raises:
        ValueError: delta is 0 or leads away from limit.

    Example:
        >>> import headrace as tf
        >>> tf.Session().run(tf.range(3, 18, 3)).tolist()
        [3, 6, 9, 12, 15]
    """
    start, limit = (0, start) if limit is None else (start, limit)
    with get_default_graph().name_scope(name or "Range") as scope:
        wanted = None if dtype is None else as_dtype(dtype)
        parts = [convert_to_tensor(v, None if isinstance(v, Tensor) else wanted) for v in (start, limit, delta)]
        if wanted is None:
            wanted = _widest([p.dtype.base_dtype for p in parts])
        return range_op(*(cast(p, wanted) for p in parts), name=scope)


def _widest(dtypes: list[DType]) -> DType:
    for dtype in dtypes:
        if dtype not in _HIERARCHY:
            raise TypeError(f"range takes dtypes among {[d.name for d in _HIERARCHY]}, got {dtype.name}")
    return max(dtypes, key=_HIERARCHY.index)


def linspace(start: Any, stop: Any, num: Any, name: str | None = None) -> Tensor:
    """`num` floating numbers at equal distances from start to stop, both included.

    Raises:
        ValueError: num is not positive.
    """
    return lin_space_op(start, stop, num, name=name)


def bincount(
    arr: Any, weights: Any = None, minlength: Any = None, maxlength: Any = None, dtype: Any = int32,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """How often each number occurs in an int32 tensor, as a vector from 0 to the largest.

    Args:
        arr: non-negative numbers.
        weights: of the shape of arr: added up instead of counting; they give the dtype of the result.
        minlength: the least length of the result, filled up with 0.
        maxlength: the greatest; larger numbers are left out.
        dtype: of the counts without weights.

    Raises:
        InvalidArgumentError: a number is negative, when run.
    """
    from .array_shape import size
    from .binary import maximum, minimum
    from .reduce import reduce_max

    with get_default_graph().name_scope(name or "bincount"):
        numbers = convert_to_tensor(arr, int32, "arr")
        length = cast(size(numbers) > 0, int32) * (reduce_max(numbers) + 1)
        if minlength is not None:
            length = maximum(convert_to_tensor(minlength, int32), length)
        if maxlength is not None:
            length = minimum(convert_to_tensor(maxlength, int32), length)
        given = np.zeros(0, as_dtype(dtype).numpy) if weights is None else weights
        return bincount_op(numbers, length, given)


def histogram_fixed_width(
    values: Any, value_range: Any, nbins: Any = 100, dtype: Any = int32, name: str | None = None
) -> Tensor:
    """How many values fall into each of `nbins` equal parts of `value_range`.

    Values outside the range are counted in the first or the last part.

    Raises:
        InvalidArgumentError: the range is empty or nbins is not positive, when run.
    """
    return histogram_fixed_width_op(values, value_range, nbins, dtype=as_dtype(dtype), name=name)


lin_space = linspace
