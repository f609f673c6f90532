"""One of two values by a condition, and values brought into a range."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dtypes import NUMERIC
from ..graph import Operation, Sizes, Tensor, get_default_graph
from ..inference import InferenceContext, broadcast, show
from ..registry import op
from ..samples import Failure, Sample
from ..scalar import Scalar, where as scalar_where
from ..shapes import merge_sizes
from ..tensor_types import IndexedSlices
from .broadcasting import unbroadcast
from .elementwise import pairs, unlike
from .guards import zeros_like_op

Gradients = list[Any]


@op("Select", "condition: bool, t: T, e: T", "output: T")
def select_op(condition: Any, t: Any, e: Any, *, name: str | None = None) -> Tensor:
    """`t` where the condition holds, `e` elsewhere: of one shape; the condition may be a scalar or choose rows."""


@select_op.shape
def select_shape(context: InferenceContext) -> list[Sizes]:
    condition = context.sizes[0]
    result = merge_sizes(context.sizes[1], context.sizes[2])
    if condition is None or result is None or condition == ():
        return [result]
    if len(condition) == 1 and len(result) > 1:
        return [merge_sizes(result, (condition[0], *(None for _ in result[1:])))]
    try:
        return [merge_sizes(result, condition)]
    except ValueError:
        raise ValueError(f"condition of shape {show(condition)} does not choose among {show(result)}") from None


@select_op.kernel
def select_kernel(xp: Any, condition: Any, t: Any, e: Any) -> Any:
    return xp.where(_aligned(condition, t), t, e)


@select_op.into
def select_into(xp: Any, out: Any, condition: Any, t: Any, e: Any) -> None:
    xp.copyto(out, e)
    xp.copyto(out, t, where=_aligned(condition, t))


def _aligned(condition: Any, t: Any) -> Any:
    if condition.shape == t.shape or not condition.ndim:
        return condition
    if condition.ndim != 1 or not t.ndim or len(condition) != len(t):
        raise ValueError(f"condition of shape {list(condition.shape)} does not choose among {list(t.shape)}")
    return condition.reshape(-1, *(1,) * (t.ndim - 1))


@select_op.gradient
def select_gradient(op: Operation, dz: Tensor) -> Gradients:
    condition, t, _ = op.inputs
    zeros = zeros_like_op(t)
    return [None, select_op(condition, dz, zeros), select_op(condition, zeros, dz)]


@select_op.samples
def select_samples(rng: np.random.Generator) -> list[Sample]:
    t, e = rng.normal(size=(2, 3)), rng.normal(size=(2, 3))
    return [
        Sample((rng.random((2, 3)) < 0.5, t, e)),
        Sample((np.array([True, False]), t, e)),
        Sample((np.bool_(False), t, e)),
        Sample((np.array([True]), np.array([1]), np.array([2]))),
    ]


@select_op.failing
def select_failing(rng: np.random.Generator) -> list[Failure]:
    condition = np.array([True, False])
    return [
        Failure((condition, np.ones((3, 2)), np.ones((3, 2))), ValueError, "2|3"),
        Failure((condition, np.ones(2), np.ones(3)), ValueError, "2|3"),
    ]


@op("SelectV2", "condition: bool, t: T, e: T", "output: T", shape=broadcast)
def select_v2_op(condition: Any, t: Any, e: Any, *, name: str | None = None) -> Tensor:
    """`t` where the condition holds, `e` elsewhere, all three broadcast together."""


@select_v2_op.scalar
def select_v2_scalar(condition: Scalar, t: Scalar, e: Scalar) -> Scalar:
    return scalar_where(condition, t, e)


@select_v2_op.gradient
def select_v2_gradient(op: Operation, dz: Tensor) -> Gradients:
    condition, t, e = op.inputs
    zero = zeros_like_op(dz)
    return [
        None,
        unbroadcast(select_v2_op(condition, dz, zero), t),
        unbroadcast(select_v2_op(condition, zero, dz), e),
    ]


@select_v2_op.samples
def select_v2_samples(rng: np.random.Generator) -> list[Sample]:
    condition = np.array([[True], [False]])
    return [Sample((condition, *s.inputs)) for s in pairs(rng)[:2]]


@op("ClipByValue", "t: T, clip_value_min: T, clip_value_max: T", "output: T", T=NUMERIC)
def clip_by_value_op(t: Any, clip_value_min: Any, clip_value_max: Any, *, name: str | None = None) -> Tensor:
    """`t` brought into [clip_value_min, clip_value_max], which are scalars or of its shape."""


@clip_by_value_op.shape
def clip_by_value_shape(context: InferenceContext) -> list[Sizes]:
    for bound in context.sizes[1:]:
        if bound not in (None, ()):
            merge_sizes(context.sizes[0], bound)
    return [context.sizes[0]]


@clip_by_value_op.kernel
def clip_by_value_kernel(xp: Any, t: Any, low: Any, high: Any) -> Any:
    return xp.maximum(xp.minimum(t, high), low)


@clip_by_value_op.into
def clip_by_value_into(xp: Any, out: Any, t: Any, low: Any, high: Any) -> None:
    xp.minimum(t, high, out=out)
    xp.maximum(out, low, out=out)


@clip_by_value_op.gradient
def clip_by_value_gradient(op: Operation, dz: Tensor) -> Gradients:
    x, low, high = op.inputs
    zeros = zeros_like_op(dz)
    below, above = x < low, x > high
    inside = select_v2_op(below, zeros, select_v2_op(above, zeros, dz))
    dlow = unbroadcast(select_v2_op(below, dz, zeros), low)
    return [inside, dlow, unbroadcast(select_v2_op(above, dz, zeros), high)]


@clip_by_value_op.samples
def clip_by_value_samples(rng: np.random.Generator) -> list[Sample]:
    x = np.array([[-2.0, -0.3, 0.4], [0.9, 1.7, 5]])
    return [
        Sample((x, np.float64(-1), np.float64(1.5))),
        Sample((x, x - 1, x - 0.5)),
        Sample((np.array([1, 5], np.int32), np.int32(2), np.int32(3))),
    ]


@clip_by_value_op.failing
def clip_by_value_failing(rng: np.random.Generator) -> list[Failure]:
    return [Failure((np.ones(2), np.ones(3), np.float64(2)), ValueError, "2|3")]


select_v2_op.failing(lambda rng: [Failure((np.array([True]), *f.inputs), f.error, f.match) for f in unlike(rng)])


# TensorFlow's names


def select(condition: Any, x: Any, y: Any, name: str | None = None) -> Tensor:
    """`x` where the condition holds, `y` elsewhere, under its old name."""
    return select_op(condition, x, y, name=name)


def where(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Tensor:
    """`x` where the condition holds, `y` elsewhere; without both, the places where the condition holds.

    Args:
        condition: bool; a scalar, the shape of x, or a vector that chooses rows of x.
        x: any dtype.
        y: the dtype and shape of x.

    Returns:
        A tensor like x, or int64 [n, rank of condition], in row-major order.

    Raises:
        ValueError: just one of x and y is given, or shapes do not fit.
    """
    if x is None and y is None:
        from .indexing import where_op  # places are an op of arrays

        return where_op(condition, name=name)
    if x is None or y is None:
        raise ValueError("x and y must both be non-None or both be None.")
    return select_op(condition, x, y, name=name)


def where_v2(condition: Any, x: Any = None, y: Any = None, name: str | None = None) -> Tensor:
    """As `where`, with the condition, x and y broadcast together, as TensorFlow 2's `tf.where`."""
    if x is None or y is None:
        return where(condition, x, y, name)
    return select_v2_op(condition, x, y, name=name or "SelectV2")


def clip_by_value(t: Any, clip_value_min: Any, clip_value_max: Any, name: str | None = None) -> Any:
    """`t` with smaller elements replaced by clip_value_min and larger ones by clip_value_max.

    Args:
        t: a Tensor or IndexedSlices.
        clip_value_min: a scalar, or a tensor that broadcasts to the shape of t.
        clip_value_max: the same.

    Raises:
        ValueError: the bounds do not broadcast to the shape of t.
    """
    from .binary import maximum_op, minimum_op

    values = t.values if isinstance(t, IndexedSlices) else t
    with get_default_graph().name_scope(name or "clip_by_value") as scope:
        low = minimum_op(values, clip_value_max)
        clipped = maximum_op(low, clip_value_min, name=scope)
    if isinstance(t, IndexedSlices):
        return IndexedSlices(clipped, t.indices, t.dense_shape)
    clipped.shape.assert_is_compatible_with(low.shape)
    return clipped
