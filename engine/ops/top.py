"""The largest of the last axis, and whether a target is among them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..dtypes import INDEX, REAL
from ..graph import Operation, Sizes, Tensor
from ..inference import InferenceContext
from ..kernels import selection
from ..registry import op
from ..samples import Failure, Sample

Gradients = list[Any]


class TopK(NamedTuple):
    """The largest elements and their places."""

    values: Tensor
    indices: Tensor


@op("TopKV2", "input: T, k: int32", "values: T, indices: int32", T=REAL)
def top_k_v2_op(input: Any, k: Any, *, sorted: bool = True, name: str | None = None) -> TopK:
    """The k largest elements along the last axis, largest first, and their places."""


@op("TopK", "input: T", "values: T, indices: int32", T=REAL)
def top_k_v1_op(input: Any, *, k: int, sorted: bool = True, name: str | None = None) -> TopK:
    """As TopKV2, with k fixed."""


def _top_sizes(context: InferenceContext, k: int | None) -> list[Sizes]:
    sizes = context.with_rank_at_least(0, 1)
    if k is not None and k < 0:
        raise ValueError(f"Need k >= 0, got {k}")
    if sizes is None:
        return [None, None]
    if k is not None and sizes[-1] is not None and sizes[-1] < k:
        raise ValueError(f"input must have last dimension >= k = {k} but is {sizes[-1]}")
    return [(*sizes[:-1], k)] * 2


@top_k_v2_op.shape
def top_k_v2_shape(context: InferenceContext) -> list[Sizes]:
    context.with_rank(1, 0)
    k = context.value(1)
    return _top_sizes(context, None if k is None else int(k))


@top_k_v1_op.shape
def top_k_v1_shape(context: InferenceContext) -> list[Sizes]:
    return _top_sizes(context, context["k"])


@top_k_v2_op.kernel
def top_k_v2_kernel(xp: Any, x: Any, k: Any, *, sorted: bool) -> Any:
    return selection.top_k(x, int(k))


@top_k_v2_op.into
def top_k_v2_into(xp: Any, out: Any, x: Any, k: Any, *, sorted: bool) -> None:
    selection.top_k(x, int(k), out)


@top_k_v1_op.kernel
def top_k_v1_kernel(xp: Any, x: Any, *, k: int, sorted: bool) -> Any:
    return selection.top_k(x, k)


@top_k_v2_op.gradient
def top_k_v2_gradient(op: Operation, dvalues: Tensor | None, dindices: Tensor | None) -> Gradients:
    return [_scattered(op, dvalues), None]


@top_k_v1_op.gradient
def top_k_v1_gradient(op: Operation, dvalues: Tensor | None, dindices: Tensor | None) -> Gradients:
    return [_scattered(op, dvalues)]


def _scattered(op: Operation, dvalues: Tensor | None) -> Any:
    """The gradients of the values, put back where they came from."""
    from .array import reshape, shape
    from .array_shape import size
    from .ranges import range as range_of
    from .segments import unsorted_segment_sum

    if dvalues is None:
        return None
    x, places = op.inputs[0], op.outputs[1]
    columns, k = shape(x)[-1], shape(places)[-1]
    flat = reshape(places, [-1])
    # The row of an element is its number over k; an empty k leaves nothing to divide.
    starts = range_of(size(places)) // (k + _is_zero(k)) * columns
    return reshape(unsorted_segment_sum(reshape(dvalues, [-1]), starts + flat, size(x)), shape(x))


def _is_zero(number: Tensor) -> Tensor:
    from .casting import to_int32
    from .comparison import equal

    return to_int32(equal(number, 0))  # type: ignore[no-any-return]


@top_k_v2_op.samples
def top_k_v2_samples(rng: np.random.Generator) -> list[Sample]:
    x = rng.permutation(12).astype(float).reshape(3, 4)
    return [
        Sample((x, np.int32(2)), gradients=(0,)),
        Sample((x[0], np.int32(4)), gradients=(0,)),
        Sample((np.array([1, 3, 3, 2], np.int32), np.int32(3))),
        Sample((x, np.int32(0)), gradients=(0,)),
    ]


@top_k_v1_op.samples
def top_k_v1_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((np.array([[1.0, 4, 2], [6, 5, 7]]),), {"k": 2})]


@top_k_v2_op.failing
def top_k_v2_failing(rng: np.random.Generator) -> list[Failure]:
    return [
        Failure((np.ones((2, 3)), np.int32(4)), ValueError, "last dimension >= k"),
        Failure((np.float64(1), np.int32(1)), ValueError, "rank at least 1"),
    ]


_CLASSES: dict[str, Any] = {"T": INDEX}


@op("InTopK", "predictions: float32, targets: T", "precision: bool", **_CLASSES)
def in_top_k_v1_op(predictions: Any, targets: Any, *, k: int, name: str | None = None) -> Tensor:
    """Whether each target is among the k largest predictions of its row; ties count."""


@op("InTopKV2", "predictions: float32, targets: T, k: T", "precision: bool", **_CLASSES)
def in_top_k_v2_op(predictions: Any, targets: Any, k: Any, *, name: str | None = None) -> Tensor:
    """Whether each target is among the k largest predictions of its row; ties count."""


@in_top_k_v1_op.shape
@in_top_k_v2_op.shape
def in_top_k_shape(context: InferenceContext) -> list[Sizes]:
    predictions, targets = context.with_rank(0, 2), context.with_rank(1, 1)
    if None not in (predictions[0], targets[0]) and predictions[0] != targets[0]:
        raise ValueError(f"First dimension of predictions {predictions[0]} must match length of targets {targets[0]}")
    return [(targets[0] if predictions[0] is None else predictions[0],)]


@in_top_k_v1_op.kernel
def in_top_k_v1_kernel(xp: Any, predictions: Any, targets: Any, *, k: int) -> Any:
    return selection.in_top_k(predictions, targets, k)


@in_top_k_v2_op.kernel
def in_top_k_v2_kernel(xp: Any, predictions: Any, targets: Any, k: Any) -> Any:
    return selection.in_top_k(predictions, targets, int(k))


in_top_k_v1_op.not_differentiable = in_top_k_v2_op.not_differentiable = True
_PREDICTIONS = np.array([[0.1, 0.9, 0.3], [0.5, 0.5, 0.2], [np.nan, 1, 2]], np.float32)
_TARGETS = np.array([2, 1, 2], np.int32)


@in_top_k_v1_op.samples
def in_top_k_v1_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((_PREDICTIONS, _TARGETS), {"k": 1}, differentiable=False)]


@in_top_k_v2_op.samples
def in_top_k_v2_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((_PREDICTIONS, _TARGETS, np.int32(2)), differentiable=False)]


@in_top_k_v2_op.failing
def in_top_k_v2_failing(rng: np.random.Generator) -> list[Failure]:
    return [Failure((_PREDICTIONS, _TARGETS[:2], np.int32(2)), ValueError, "must match length")]


# TensorFlow's names


def top_k(input: Any, k: Any = 1, sorted: bool = True, name: str | None = None) -> TopK:
    """The k largest elements along the last axis, largest first, and their places as int32.

    Of equal elements the one at the lower place comes first. As `tf.nn.top_k`.

    Returns:
        A named tuple (values, indices), each [..., k].

    Raises:
        ValueError: the last axis has fewer than k elements.
    """
    return top_k_v2_op(input, k, sorted=sorted, name=name)


def in_top_k(predictions: Any, targets: Any, k: Any, name: str | None = None) -> Tensor:
    """Whether each target is among the k largest predictions of its row, as `tf.nn.in_top_k`.

    Args:
        predictions: float32 [batch, classes].
        targets: class numbers [batch].
        k: how many.
    """
    with_name = name or "in_top_k"
    return in_top_k_v2_op(predictions, targets, k, name=with_name)
