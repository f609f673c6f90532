"""Sums, means, products and extrema of rows that share a segment number."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dtypes import INDEX, NUMERIC, REAL
from ..errors import InvalidArgumentError
from ..graph import Operation, Sizes, Tensor
from ..inference import InferenceContext, show
from ..kernels import segments as kernels
from ..registry import op
from ..samples import Failure, Sample
from .array import reshape, shape
from .binary import maximum
from .casting import cast_op
from .choice import select_v2_op
from .comparison import equal_op, greater_equal_op
from .guards import ones_like_op, zeros_like_op

Gradients = list[Any]
_REAL_INDEX: dict[str, Any] = {"T": REAL, "Tindices": INDEX}
_ANY_INDEX: dict[str, Any] = {"T": NUMERIC, "Tindices": INDEX}


def sorted_shape(context: InferenceContext) -> list[Sizes]:
    """Rows by segment: their number is one more than the last segment's."""
    data, ids = context.with_rank_at_least(0, 1), context.with_rank(1, 1)
    if data is None:
        return [None]
    if None not in (data[0], ids[0]) and data[0] != ids[0]:
        raise ValueError(f"segment_ids should be the same size as dimension 0 of input: {show(ids)}, {show(data)}")
    known = context.value(1)
    rows = None if known is None else int(known[-1]) + 1 if len(known) else 0
    return [(None if rows is None or rows < 0 else rows, *data[1:])]


def unsorted_shape(context: InferenceContext) -> list[Sizes]:
    """Rows by segment, of the number that input 2 says."""
    data, ids = context.sizes[:2]
    context.with_rank(2, 0)
    number = context.value(2)
    if number is not None and int(number) < 0:
        raise ValueError(f"num_segments must not be negative, got {int(number)}")
    if data is None or ids is None:
        return [None]
    fits = len(ids) <= len(data) and all(None in (a, b) or a == b for a, b in zip(data, ids, strict=False))
    if not fits:
        raise ValueError(f"data.shape = {show(data)} does not start with segment_ids.shape = {show(ids)}")
    return [(None if number is None else int(number), *data[len(ids) :])]


@op("SegmentSum", "data: T, segment_ids: Tindices", "output: T", shape=sorted_shape, **_ANY_INDEX)
def segment_sum_op(data: Any, segment_ids: Any, *, name: str | None = None) -> Tensor:
    """The sums of rows by sorted segment numbers; 0 in gaps."""


@op("SegmentMean", "data: T, segment_ids: Tindices", "output: T", shape=sorted_shape, **_ANY_INDEX)
def segment_mean_op(data: Any, segment_ids: Any, *, name: str | None = None) -> Tensor:
    """The means of rows by sorted segment numbers; 0 in gaps."""


@op("SegmentProd", "data: T, segment_ids: Tindices", "output: T", shape=sorted_shape, **_ANY_INDEX)
def segment_prod_op(data: Any, segment_ids: Any, *, name: str | None = None) -> Tensor:
    """The products of rows by sorted segment numbers; 1 in gaps."""


@op("SegmentMax", "data: T, segment_ids: Tindices", "output: T", shape=sorted_shape, **_REAL_INDEX)
def segment_max_op(data: Any, segment_ids: Any, *, name: str | None = None) -> Tensor:
    """The maxima of rows by sorted segment numbers; 0 in gaps."""


@op("SegmentMin", "data: T, segment_ids: Tindices", "output: T", shape=sorted_shape, **_REAL_INDEX)
def segment_min_op(data: Any, segment_ids: Any, *, name: str | None = None) -> Tensor:
    """The minima of rows by sorted segment numbers; 0 in gaps."""


_UNSORTED = "data: T, segment_ids: Tindices, num_segments: Tnumsegments"
_ANY_UNSORTED: dict[str, Any] = {**_ANY_INDEX, "Tnumsegments": INDEX}
_REAL_UNSORTED: dict[str, Any] = {**_REAL_INDEX, "Tnumsegments": INDEX}


@op("UnsortedSegmentSum", _UNSORTED, "output: T", shape=unsorted_shape, **_ANY_UNSORTED)
def unsorted_segment_sum_op(data: Any, segment_ids: Any, num_segments: Any, *, name: str | None = None) -> Tensor:
    """The sums of slices by segment numbers in any order; negative numbers are left out."""


@op("UnsortedSegmentProd", _UNSORTED, "output: T", shape=unsorted_shape, **_ANY_UNSORTED)
def unsorted_segment_prod_op(data: Any, segment_ids: Any, num_segments: Any, *, name: str | None = None) -> Tensor:
    """The products of slices by segment; 1 for an empty one."""


@op("UnsortedSegmentMax", _UNSORTED, "output: T", shape=unsorted_shape, **_REAL_UNSORTED)
def unsorted_segment_max_op(data: Any, segment_ids: Any, num_segments: Any, *, name: str | None = None) -> Tensor:
    """The maxima of slices by segment; the lowest number for an empty one."""


@op("UnsortedSegmentMin", _UNSORTED, "output: T", shape=unsorted_shape, **_REAL_UNSORTED)
def unsorted_segment_min_op(data: Any, segment_ids: Any, num_segments: Any, *, name: str | None = None) -> Tensor:
    """The minima of slices by segment; the highest number for an empty one."""


def _sorted_kernel(function: Any) -> Any:
    return lambda xp, data, ids: function(data, ids)


def _unsorted_kernel(function: Any) -> Any:
    return lambda xp, data, ids, number: function(data, ids, int(number))


def _unsorted_into(function: Any) -> Any:
    return lambda xp, out, data, ids, number: function(data, ids, int(number), out)


for _definition, _function in (
    (segment_sum_op, kernels.segment_sum),
    (segment_mean_op, kernels.segment_mean),
    (segment_prod_op, kernels.segment_prod),
    (segment_max_op, kernels.segment_max),
    (segment_min_op, kernels.segment_min),
):
    _definition.kernel(_sorted_kernel(_function))
for _other, _unsorted in (
    (unsorted_segment_sum_op, kernels.unsorted_segment_sum),
    (unsorted_segment_prod_op, kernels.unsorted_segment_prod),
    (unsorted_segment_max_op, kernels.unsorted_segment_max),
    (unsorted_segment_min_op, kernels.unsorted_segment_min),
):
    _other.kernel(_unsorted_kernel(_unsorted))
    _other.into(_unsorted_into(_unsorted))


def _gathered(rows: Tensor, ids: Tensor) -> Tensor:
    from .indexing import gather  # arrays build on arithmetic

    return gather(rows, ids)


def _wide(condition: Tensor, like: Tensor) -> Tensor:
    """A condition a segment number, repeated over the inner axes of `like`."""
    from .array_parts import concat
    from .array_shape import rank

    if like.sizes is not None and condition.sizes is not None:
        extra: Any = [1] * (len(like.sizes) - len(condition.sizes))
    else:
        from .array import fill_op

        extra = fill_op(reshape(rank(like) - rank(condition), [1]), np.int32(1))
    return reshape(
        condition, concat([shape(condition), np.array(extra, np.int32) if isinstance(extra, list) else extra], 0)
    )


@segment_sum_op.gradient
def segment_sum_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [_gathered(dy, op.inputs[1]), None]


@segment_mean_op.gradient
def segment_mean_gradient(op: Operation, dy: Tensor) -> Gradients:
    data, ids = op.inputs
    ones = ones_like_op(data)
    return [_gathered(dy / maximum(segment_sum_op(ones, ids), np.ones((), dy.dtype.numpy)), ids), None]


@segment_max_op.gradient
@segment_min_op.gradient
def segment_extremum_gradient(op: Operation, dy: Tensor) -> Gradients:
    data, ids = op.inputs
    chosen = equal_op(data, _gathered(op.outputs[0], ids))
    # Equal extrema share the gradient.
    number = segment_sum_op(cast_op(chosen, DstT=dy.dtype.base_dtype), ids)
    shares = _gathered(dy / number, ids)
    return [select_v2_op(chosen, shares, zeros_like_op(shares)), None]


def _taken(rows: Tensor, ids: Tensor) -> Tensor:
    """Rows by segment number, zeros where it is negative."""
    present = greater_equal_op(ids, zeros_like_op(ids))
    found = _gathered(rows, maximum(ids, zeros_like_op(ids)))
    return select_v2_op(_wide(present, found), found, zeros_like_op(found))


@unsorted_segment_sum_op.gradient
def unsorted_segment_sum_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [_taken(dy, op.inputs[1]), None, None]


@unsorted_segment_max_op.gradient
@unsorted_segment_min_op.gradient
def unsorted_segment_extremum_gradient(op: Operation, dy: Tensor) -> Gradients:
    data, ids, number = op.inputs
    chosen = equal_op(data, _taken(op.outputs[0], ids))
    present = _wide(greater_equal_op(ids, zeros_like_op(ids)), data)
    chosen = select_v2_op(present, chosen, zeros_like_op(chosen))
    count = unsorted_segment_sum_op(cast_op(chosen, DstT=dy.dtype.base_dtype), ids, number)
    shares = _taken(dy / count, ids)
    return [select_v2_op(chosen, shares, zeros_like_op(shares)), None, None]


@unsorted_segment_prod_op.gradient
def unsorted_segment_prod_gradient(op: Operation, dy: Tensor) -> Gradients:
    data, ids, number = op.inputs
    is_zero = equal_op(data, zeros_like_op(data))
    zeros = unsorted_segment_sum_op(cast_op(is_zero, DstT=dy.dtype.base_dtype), ids, number)
    # With two zeros or more in a segment no element changes the product; with one only that zero does.
    two = zeros > np.ones((), dy.dtype.numpy)
    dy = select_v2_op(two, zeros_like_op(dy), dy)
    others = unsorted_segment_prod_op(select_v2_op(is_zero, ones_like_op(data), data), ids, number)
    safe = select_v2_op(is_zero, ones_like_op(data), data)
    by_zero, by_others = _taken(others, ids), _taken(op.outputs[0], ids) / safe
    return [_taken(dy, ids) * select_v2_op(is_zero, by_zero, by_others), None, None]


def sorted_samples(rng: np.random.Generator) -> list[Sample]:
    """Sorted numbers with a gap, matrices and integers."""
    ids = np.array([0, 0, 2, 2, 2], np.int32)
    return [
        Sample((rng.normal(size=(5, 3)), ids), gradients=(0,)),
        Sample((np.arange(5, dtype=np.int32), ids.astype(np.int64))),
        Sample((rng.normal(size=5), ids), gradients=(0,)),
        Sample((np.zeros((0, 2)), np.zeros(0, np.int32)), gradients=(0,)),
    ]


def sorted_failing(rng: np.random.Generator) -> list[Failure]:
    """Numbers out of order, and too few of them."""
    return [
        Failure((np.ones(2), np.array([1, 0], np.int32)), InvalidArgumentError, "not increasing", at_run=True),
        Failure((np.ones(3), np.array([0, 1], np.int32)), ValueError, "same size"),
    ]


def unsorted_samples(rng: np.random.Generator) -> list[Sample]:
    """Numbers in any order, negative ones, matrices of numbers and integers."""
    ids = np.array([2, 0, -1, 2], np.int32)
    return [
        Sample((rng.normal(size=(4, 3)), ids, np.int32(4)), gradients=(0,)),
        Sample((rng.normal(size=(2, 2, 3)), ids.reshape(2, 2), np.int32(3)), gradients=(0,)),
        Sample((np.arange(4, dtype=np.int32), ids, np.int64(3))),
        Sample((rng.normal(size=4), ids.astype(np.int64), np.int32(3)), gradients=(0,)),
    ]


def unsorted_failing(rng: np.random.Generator) -> list[Failure]:
    """Numbers out of range, and shapes that do not fit."""
    return [
        Failure((np.ones(2), np.array([0, 3], np.int32), np.int32(3)), InvalidArgumentError, "3", at_run=True),
        Failure((np.ones(3), np.array([0, 1], np.int32), np.int32(3)), ValueError, "does not start with"),
    ]


for _definition in (segment_sum_op, segment_mean_op, segment_prod_op, segment_max_op, segment_min_op):
    _definition.samples(sorted_samples)
    _definition.failing(sorted_failing)


def filled_samples(rng: np.random.Generator) -> list[Sample]:
    """As `unsorted_samples`, but differences are taken only where no segment is empty: there the result is huge."""
    ids = np.array([1, 0, -1, 1], np.int32)
    rest = [Sample(s.inputs, differentiable=False) for s in unsorted_samples(rng)]
    return [Sample((rng.normal(size=(4, 3)), ids, np.int32(2)), gradients=(0,)), *rest]


for _other in (unsorted_segment_sum_op, unsorted_segment_prod_op):
    _other.samples(unsorted_samples)
for _other in (unsorted_segment_max_op, unsorted_segment_min_op):
    _other.samples(filled_samples)
for _other in (unsorted_segment_sum_op, unsorted_segment_prod_op, unsorted_segment_max_op, unsorted_segment_min_op):
    _other.failing(unsorted_failing)


@segment_prod_op.gradient
def segment_prod_gradient(op: Operation, dy: Tensor) -> Gradients:
    from .array import shape as shape_of

    data, ids = op.inputs
    # The rule of the unsorted product; TensorFlow has none here.
    number = shape_of(dy)[0]
    again = unsorted_segment_prod_op(data, ids, number)
    return [unsorted_segment_prod_gradient(again.op, dy)[0], None]


# TensorFlow's names


def segment_sum(data: Any, segment_ids: Any, name: str | None = None) -> Tensor:
    """The sums of the rows of `data` by segment.

    Args:
        data: numbers [n, ...].
        segment_ids: int32 or int64 [n], sorted, not negative; gaps give 0.

    Returns:
        [last segment number + 1, ...].

    Raises:
        InvalidArgumentError: the numbers are not sorted, when run.
    """
    return segment_sum_op(data, segment_ids, name=name)


def segment_mean(data: Any, segment_ids: Any, name: str | None = None) -> Tensor:
    """The means of the rows of `data` by sorted segment numbers; see `segment_sum`."""
    return segment_mean_op(data, segment_ids, name=name)


def segment_prod(data: Any, segment_ids: Any, name: str | None = None) -> Tensor:
    """The products of the rows of `data` by sorted segment numbers, 1 in gaps; see `segment_sum`."""
    return segment_prod_op(data, segment_ids, name=name)


def segment_max(data: Any, segment_ids: Any, name: str | None = None) -> Tensor:
    """The maxima of the rows of `data` by sorted segment numbers; see `segment_sum`."""
    return segment_max_op(data, segment_ids, name=name)


def segment_min(data: Any, segment_ids: Any, name: str | None = None) -> Tensor:
    """The minima of the rows of `data` by sorted segment numbers; see `segment_sum`."""
    return segment_min_op(data, segment_ids, name=name)


def unsorted_segment_sum(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Tensor:
    """The sums of slices of `data` by segment, in any order.

    Args:
        data: numbers whose shape starts with that of segment_ids.
        segment_ids: int32 or int64; slices with a negative number are left out.
        num_segments: a scalar, the first size of the result.

    Raises:
        InvalidArgumentError: a number is not below num_segments, when run.
    """
    return unsorted_segment_sum_op(data, segment_ids, num_segments, name=name)


def unsorted_segment_prod(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Tensor:
    """The products of slices of `data` by segment, 1 for an empty one; see `unsorted_segment_sum`."""
    return unsorted_segment_prod_op(data, segment_ids, num_segments, name=name)


def unsorted_segment_max(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Tensor:
    """The maxima of slices of `data` by segment; see `unsorted_segment_sum`."""
    return unsorted_segment_max_op(data, segment_ids, num_segments, name=name)


def unsorted_segment_min(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Tensor:
    """The minima of slices of `data` by segment; see `unsorted_segment_sum`."""
    return unsorted_segment_min_op(data, segment_ids, num_segments, name=name)


def unsorted_segment_mean(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Tensor:
    """The means of slices of `data` by segment, 0 for an empty one; see `unsorted_segment_sum`."""
    return unsorted_segment_sum(data, segment_ids, num_segments) / _sizes(data, segment_ids, num_segments)


def unsorted_segment_sqrt_n(data: Any, segment_ids: Any, num_segments: Any, name: str | None = None) -> Tensor:
    """The sums of slices of `data` by segment over the square root of its size; see `unsorted_segment_sum`."""
    from .unary import sqrt

    result: Tensor = unsorted_segment_sum(data, segment_ids, num_segments) / sqrt(
        _sizes(data, segment_ids, num_segments)
    )
    return result


def _sizes(data: Any, segment_ids: Any, num_segments: Any) -> Tensor:
    from ..conversion import convert_to_tensor

    tensor = convert_to_tensor(data, name="data")
    number = unsorted_segment_sum_op(ones_like_op(tensor), segment_ids, num_segments)
    return maximum(number, np.ones((), tensor.dtype.base_dtype.numpy))
