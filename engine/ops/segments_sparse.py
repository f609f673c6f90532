"""Sums and means by segment of chosen rows, as embeddings look them up."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dtypes import FLOATING, INDEX, REAL
from ..errors import InvalidArgumentError
from ..graph import Operation, Sizes, Tensor
from ..inference import InferenceContext
from ..kernels import segments as kernels
from ..registry import op
from ..samples import Failure, Sample
from .array import shape

Gradients = list[Any]
_INPUTS = "data: T, indices: Tidx, segment_ids: int32"
_COUNTED = "data: T, indices: Tidx, segment_ids: int32, num_segments: Tnumsegments"
_ROWS: dict[str, Any] = {"Tidx": INDEX}
_COUNTED_ROWS: dict[str, Any] = {"Tidx": INDEX, "Tnumsegments": INDEX}


def _pairs_fit(context: InferenceContext) -> None:
    indices, ids = context.with_rank(1, 1), context.with_rank(2, 1)
    if None not in (indices[0], ids[0]) and indices[0] != ids[0]:
        raise ValueError(f"segment_ids and indices should have same size, got {ids[0]} and {indices[0]}")


def sparse_shape(context: InferenceContext) -> list[Sizes]:
    """Rows by segment, their number not known before the last segment number is."""
    _pairs_fit(context)
    data, known = context.with_rank_at_least(0, 1), context.value(2)
    rows = None if known is None else int(known[-1]) + 1 if len(known) else 0
    return [None if data is None else (None if rows is None or rows < 0 else rows, *data[1:])]


def counted_shape(context: InferenceContext) -> list[Sizes]:
    """Rows by segment, of the number that input 3 says."""
    _pairs_fit(context)
    context.with_rank(3, 0)
    data, number = context.with_rank_at_least(0, 1), context.value(3)
    if number is not None and int(number) < 0:
        raise ValueError(f"num_segments must not be negative, got {int(number)}")
    return [None if data is None else (None if number is None else int(number), *data[1:])]


@op("SparseSegmentSum", _INPUTS, "output: T", shape=sparse_shape, T=REAL, **_ROWS)
def sparse_segment_sum_op(data: Any, indices: Any, segment_ids: Any, *, name: str | None = None) -> Tensor:
    """The sums by segment of the rows data[indices]."""


@op("SparseSegmentMean", _INPUTS, "output: T", shape=sparse_shape, T=FLOATING, **_ROWS)
def sparse_segment_mean_op(data: Any, indices: Any, segment_ids: Any, *, name: str | None = None) -> Tensor:
    """The means by segment of the rows data[indices]."""


@op("SparseSegmentSqrtN", _INPUTS, "output: T", shape=sparse_shape, T=FLOATING, **_ROWS)
def sparse_segment_sqrt_n_op(data: Any, indices: Any, segment_ids: Any, *, name: str | None = None) -> Tensor:
    """The sums by segment of the rows data[indices], over the square root of their number."""


@op("SparseSegmentSumWithNumSegments", _COUNTED, "output: T", shape=counted_shape, T=REAL, **_COUNTED_ROWS)
def sparse_segment_sum_with_op(
    data: Any, indices: Any, segment_ids: Any, num_segments: Any, *, name: str | None = None
) -> Tensor:
    """The sums by segment of the rows data[indices], for a given number of segments."""


@op("SparseSegmentMeanWithNumSegments", _COUNTED, "output: T", shape=counted_shape, T=FLOATING, **_COUNTED_ROWS)
def sparse_segment_mean_with_op(
    data: Any, indices: Any, segment_ids: Any, num_segments: Any, *, name: str | None = None
) -> Tensor:
    """The means by segment of the rows data[indices], for a given number of segments."""


@op("SparseSegmentSqrtNWithNumSegments", _COUNTED, "output: T", shape=counted_shape, T=FLOATING, **_COUNTED_ROWS)
def sparse_segment_sqrt_n_with_op(
    data: Any, indices: Any, segment_ids: Any, num_segments: Any, *, name: str | None = None
) -> Tensor:
    """The sums by segment of the rows data[indices] over the root of their number, for a given number of segments."""


_GRADIENT = "grad: T, indices: Tidx, segment_ids: int32, output_dim0: int32"


def gradient_shape(context: InferenceContext) -> list[Sizes]:
    """The shape of the data: as many rows as input 3 says."""
    _pairs_fit(context)
    context.with_rank(3, 0)
    grad, rows = context.with_rank_at_least(0, 1), context.value(3)
    if rows is not None and int(rows) < 0:
        raise ValueError(f"output_dim0 must not be negative, got {int(rows)}")
    return [None if grad is None else (None if rows is None else int(rows), *grad[1:])]


@op("SparseSegmentSumGrad", _GRADIENT, "output: T", shape=gradient_shape, T=FLOATING, Tidx=INDEX)
def sparse_segment_sum_grad_op(
    grad: Any, indices: Any, segment_ids: Any, output_dim0: Any, *, name: str | None = None
) -> Tensor:
    """The gradient of SparseSegmentSum by its data, dense."""


@op("SparseSegmentMeanGrad", _GRADIENT, "output: T", shape=gradient_shape, T=FLOATING, Tidx=INDEX)
def sparse_segment_mean_grad_op(
    grad: Any, indices: Any, segment_ids: Any, output_dim0: Any, *, name: str | None = None
) -> Tensor:
    """The gradient of SparseSegmentMean by its data, dense."""


@op("SparseSegmentSqrtNGrad", _GRADIENT, "output: T", shape=gradient_shape, T=FLOATING, Tidx=INDEX)
def sparse_segment_sqrt_n_grad_op(
    grad: Any, indices: Any, segment_ids: Any, output_dim0: Any, *, name: str | None = None
) -> Tensor:
    """The gradient of SparseSegmentSqrtN by its data, dense."""


def _plain_kernel(function: Any) -> Any:
    return lambda xp, data, indices, ids: function(data, indices, ids)


def _counted_kernel(function: Any) -> Any:
    return lambda xp, data, indices, ids, number: function(data, indices, ids, _count(number))


def _counted_into(function: Any) -> Any:
    return lambda xp, out, data, indices, ids, number: function(data, indices, ids, _count(number), out)


def _count(number: Any) -> int:
    if number < 0:
        raise InvalidArgumentError(None, None, f"A number of rows must not be negative, got {int(number)}")
    return int(number)


_FAMILIES = (
    (kernels.sparse_segment_sum, sparse_segment_sum_op, sparse_segment_sum_with_op),
    (kernels.sparse_segment_mean, sparse_segment_mean_op, sparse_segment_mean_with_op),
    (kernels.sparse_segment_sqrt_n, sparse_segment_sqrt_n_op, sparse_segment_sqrt_n_with_op),
)
for _function, _plain, _with in _FAMILIES:
    _plain.kernel(_plain_kernel(_function))
    _with.kernel(_counted_kernel(_function))
    _with.into(_counted_into(_function))
_GRADIENTS = (
    (kernels.sparse_segment_sum_grad, sparse_segment_sum_grad_op, sparse_segment_sum_with_op),
    (kernels.sparse_segment_mean_grad, sparse_segment_mean_grad_op, sparse_segment_mean_with_op),
    (kernels.sparse_segment_sqrt_n_grad, sparse_segment_sqrt_n_grad_op, sparse_segment_sqrt_n_with_op),
)
for _back, _grad, _forward in _GRADIENTS:
    _grad.kernel(_counted_kernel(_back))
    _grad.into(_counted_into(_back))


def _data_gradient(back: Any) -> Any:
    def gradient(op: Operation, dy: Tensor) -> Gradients:
        data, indices, ids = op.inputs[:3]
        return [back(dy, indices, ids, shape(data)[0]), *(None for _ in op.inputs[1:])]

    return gradient


def _second_gradient(forward: Any) -> Any:
    def gradient(op: Operation, dz: Tensor) -> Gradients:
        grad, indices, ids, _ = op.inputs
        return [forward(dz, indices, ids, shape(grad)[0]), None, None, None]

    return gradient


for (_kernel, _plain, _with), (_back_kernel, _grad, _forward) in zip(_FAMILIES, _GRADIENTS, strict=True):
    _plain.gradient(_data_gradient(_grad))
    _with.gradient(_data_gradient(_grad))
    _grad.gradient(_second_gradient(_forward))

_IDS = np.array([0, 0, 2], np.int32)


def chosen_samples(rng: np.random.Generator) -> list[Sample]:
    """Rows taken twice, and a gap."""
    data = rng.normal(size=(4, 3))
    return [
        Sample((data, np.array([3, 0, 3], np.int32), _IDS), gradients=(0,)),
        Sample((data.astype(np.float32), np.array([1, 0, 2]), _IDS), differentiable=False),
    ]


def counted_samples(rng: np.random.Generator) -> list[Sample]:
    """Rows taken twice, a gap, and more segments than are used."""
    return [
        Sample((*s.inputs, np.int32(5)), differentiable=s.differentiable, gradients=(0,)) for s in chosen_samples(rng)
    ]


def gradient_samples(rng: np.random.Generator) -> list[Sample]:
    """Gradients of rows by segment."""
    indices = np.array([3, 0, 3], np.int32)
    return [Sample((rng.normal(size=(3, 2)), indices, _IDS, np.int32(4)), gradients=(0,))]


def chosen_failing(rng: np.random.Generator) -> list[Failure]:
    """Rows that are not there, numbers out of order, and vectors of two lengths."""
    data = np.ones((4, 3))
    return [
        Failure((data, np.array([0, 4, 1], np.int32), _IDS), InvalidArgumentError, "4", at_run=True),
        Failure(
            (data, np.array([0, 1, 1], np.int32), _IDS[::-1].copy()), InvalidArgumentError, "increasing", at_run=True
        ),
        Failure((data, np.array([0], np.int32), _IDS), ValueError, "same size"),
    ]


for _unused, _plain, _with in _FAMILIES:
    _plain.samples(chosen_samples)
    _plain.failing(chosen_failing)
    _with.samples(counted_samples)
for _unused_back, _grad, _forward in _GRADIENTS:
    _grad.samples(gradient_samples)


# TensorFlow's names


def _build(family: int, data: Any, indices: Any, segment_ids: Any, num_segments: Any, name: str | None) -> Tensor:
    _, plain, counted = _FAMILIES[family]
    if num_segments is None:
        return plain(data, indices, segment_ids, name=name)
    return counted(data, indices, segment_ids, num_segments, name=name)


def sparse_segment_sum(
    data: Any, indices: Any, segment_ids: Any, name: str | None = None, num_segments: Any = None
) -> Tensor:
    """The sums by segment of the rows data[indices].

    Args:
        data: numbers [rows, ...].
        indices: int32 or int64 [n].
        segment_ids: int32 [n], sorted.
        num_segments: rows of the result; one more than the last segment number where left out.

    Raises:
        InvalidArgumentError: an index or segment number is out of range, when run.
    """
    return _build(0, data, indices, segment_ids, num_segments, name)


def sparse_segment_mean(
    data: Any, indices: Any, segment_ids: Any, name: str | None = None, num_segments: Any = None
) -> Tensor:
    """The means by segment of the rows data[indices]; see `sparse_segment_sum`."""
    return _build(1, data, indices, segment_ids, num_segments, name)


def sparse_segment_sqrt_n(
    data: Any, indices: Any, segment_ids: Any, name: str | None = None, num_segments: Any = None
) -> Tensor:
    """The sums by segment of data[indices] over the root of their number; see `sparse_segment_sum`."""
    return _build(2, data, indices, segment_ids, num_segments, name)
