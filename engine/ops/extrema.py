"""Largest and smallest elements and their places; whether all or any hold."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dtypes import INDEX, NUMERIC, REAL, DType, int64
from ..graph import Operation, Sizes, Tensor
from ..inference import InferenceContext, axis_of
from ..kernels.segments import limits
from ..registry import op
from ..samples import Failure, Sample
from .array import reshape
from .casting import cast_op
from .comparison import equal_op
from .reduction import (
    accumulator,
    axes_of,
    kept_sizes,
    reduction_failing,
    reduction_samples,
    reduction_shape,
    spread,
    sum_op,
)

Gradients = list[Any]


@op("Max", "input: T, reduction_indices: Tidx", "output: T", shape=reduction_shape, T=REAL, Tidx=INDEX)
def max_op(input: Any, reduction_indices: Any, *, keep_dims: bool = False, name: str | None = None) -> Tensor:
    """The largest element over the given axes; -inf or the lowest number of nothing."""


@op("Min", "input: T, reduction_indices: Tidx", "output: T", shape=reduction_shape, T=REAL, Tidx=INDEX)
def min_op(input: Any, reduction_indices: Any, *, keep_dims: bool = False, name: str | None = None) -> Tensor:
    """The smallest element over the given axes; inf or the highest number of nothing."""


def _reduce(function: Any, x: Any, indices: Any, keep_dims: bool, bound: int, out: Any = None) -> Any:
    axes = axes_of(indices)
    if x.size:
        return function.reduce(x, axes, None, out, keep_dims)
    # Of no elements the result is what any element would replace.
    inexact = x.dtype.kind not in "iu"
    edge = x.dtype.type((-np.inf, np.inf)[bound]) if inexact else limits(x.dtype)[bound]
    return function.reduce(x, axes, None, out, keep_dims, edge)


@max_op.kernel
def max_kernel(xp: Any, x: Any, indices: Any, *, keep_dims: bool) -> Any:
    return _reduce(xp.maximum, x, indices, keep_dims, 0)


@max_op.into
def max_into(xp: Any, out: Any, x: Any, indices: Any, *, keep_dims: bool) -> None:
    _reduce(xp.maximum, x, indices, keep_dims, 0, out)


@min_op.kernel
def min_kernel(xp: Any, x: Any, indices: Any, *, keep_dims: bool) -> Any:
    return _reduce(xp.minimum, x, indices, keep_dims, 1)


@min_op.into
def min_into(xp: Any, out: Any, x: Any, indices: Any, *, keep_dims: bool) -> None:
    _reduce(xp.minimum, x, indices, keep_dims, 1, out)


@max_op.gradient
@min_op.gradient
def extremum_gradient(op: Operation, dy: Tensor) -> Gradients:
    x, axes = op.inputs
    kept = kept_sizes(x, axes)
    chosen = cast_op(equal_op(reshape(op.outputs[0], kept), x), DstT=dy.dtype.base_dtype)
    # Equal extrema share the gradient.
    number = reshape(sum_op(chosen, axes, keep_dims=False), kept)
    return [chosen / number * spread(dy, x, axes), None]


for _definition in (max_op, min_op):
    _definition.failing(reduction_failing)


@max_op.samples
@min_op.samples
def extremum_samples(rng: np.random.Generator) -> list[Sample]:
    """As every reduction, with ties, no elements and integers."""
    ties = np.array([[1.0, 2, 2], [3, 3, 1]])
    return [
        *reduction_samples(rng),
        Sample((ties, np.array([1], np.int32)), differentiable=False),
        Sample((np.zeros((2, 0), np.float32), np.array([1], np.int32)), differentiable=False),
        Sample((np.zeros((0, 2), np.int32), np.array([0], np.int32))),
    ]


@op("All", "input: bool, reduction_indices: Tidx", "output: bool", shape=reduction_shape, Tidx=INDEX)
def all_op(input: Any, reduction_indices: Any, *, keep_dims: bool = False, name: str | None = None) -> Tensor:
    """Whether all elements over the given axes hold."""


@op("Any", "input: bool, reduction_indices: Tidx", "output: bool", shape=reduction_shape, Tidx=INDEX)
def any_op(input: Any, reduction_indices: Any, *, keep_dims: bool = False, name: str | None = None) -> Tensor:
    """Whether any element over the given axes holds."""


@all_op.kernel
def all_kernel(xp: Any, x: Any, indices: Any, *, keep_dims: bool) -> Any:
    return xp.all(x, axes_of(indices), keepdims=keep_dims)


@all_op.into
def all_into(xp: Any, out: Any, x: Any, indices: Any, *, keep_dims: bool) -> None:
    xp.logical_and.reduce(x, axes_of(indices), None, out, keep_dims)


@any_op.kernel
def any_kernel(xp: Any, x: Any, indices: Any, *, keep_dims: bool) -> Any:
    return xp.any(x, axes_of(indices), keepdims=keep_dims)


@any_op.into
def any_into(xp: Any, out: Any, x: Any, indices: Any, *, keep_dims: bool) -> None:
    xp.logical_or.reduce(x, axes_of(indices), None, out, keep_dims)


@all_op.samples
@any_op.samples
def truth_samples(rng: np.random.Generator) -> list[Sample]:
    """As every reduction, on bools."""
    return [Sample((s.inputs[0] > 0, *s.inputs[1:]), s.attrs) for s in reduction_samples(rng)]


@op("ArgMax", "input: T, dimension: Tidx", "output: output_type", T=NUMERIC, Tidx=INDEX, output_type=INDEX)
def arg_max_op(input: Any, dimension: Any, *, output_type: DType = int64, name: str | None = None) -> Tensor:
    """The place of the largest element along an axis: the first of equal ones, NaN last of all."""


@op("ArgMin", "input: T, dimension: Tidx", "output: output_type", T=NUMERIC, Tidx=INDEX, output_type=INDEX)
def arg_min_op(input: Any, dimension: Any, *, output_type: DType = int64, name: str | None = None) -> Tensor:
    """The place of the smallest element along an axis: the first of equal ones, NaN last of all."""


@arg_max_op.shape
@arg_min_op.shape
def arg_shape(context: InferenceContext) -> list[Sizes]:
    sizes, axis = context.with_rank_at_least(0, 1), context.value(1)
    if sizes is None:
        return [None]
    if axis is None:
        return [(None,) * (len(sizes) - 1)]
    index = axis_of(int(axis), len(sizes))
    if sizes[index] == 0:
        raise ValueError(f"Reduction axis {int(axis)} is empty in shape {list(sizes)}")
    return [tuple(s for i, s in enumerate(sizes) if i != index)]


def _place(xp: Any, function: Any, x: Any, axis: Any, worst: float, output_type: DType) -> Any:
    axis = int(axis)
    if x.shape[axis_of(axis, x.ndim)] == 0:
        raise ValueError(f"Reduction axis {axis} is empty in shape {list(x.shape)}")
    x = x.astype(accumulator(x.dtype), copy=False)
    places = function(x, axis)
    if x.dtype.kind in "fc":
        found = xp.take_along_axis(x, xp.expand_dims(places, axis), axis)
        if xp.isnan(found).any():
            places = function(xp.where(xp.isnan(x), worst, x), axis)
    return places.astype(output_type.numpy)


@arg_max_op.kernel
def arg_max_kernel(xp: Any, x: Any, axis: Any, *, output_type: DType) -> Any:
    return _place(xp, xp.argmax, x, axis, -np.inf, output_type)


@arg_min_op.kernel
def arg_min_kernel(xp: Any, x: Any, axis: Any, *, output_type: DType) -> Any:
    return _place(xp, xp.argmin, x, axis, np.inf, output_type)


@arg_max_op.samples
@arg_min_op.samples
def arg_samples(rng: np.random.Generator) -> list[Sample]:
    """Ties, NaN and integers, along several axes."""
    x = np.array([[1.0, 3, 3], [np.nan, 2, -1]])
    return [
        Sample((x, np.int32(1)), differentiable=False),
        Sample((x, np.int64(0)), differentiable=False),
        Sample((rng.normal(size=(2, 3, 4)), np.int32(-1)), differentiable=False),
        Sample((np.array([[3, 1, 3]], np.int32), np.int32(1))),
    ]


@arg_max_op.failing
@arg_min_op.failing
def arg_failing(rng: np.random.Generator) -> list[Failure]:
    """Axes that are not there, or empty."""
    return [
        Failure((np.ones((2, 3)), np.int32(2)), ValueError, "2 is out of range"),
        Failure((np.ones((2, 0)), np.int32(1)), ValueError, "empty"),
    ]


all_op.not_differentiable = any_op.not_differentiable = True
arg_max_op.not_differentiable = arg_min_op.not_differentiable = True


# TensorFlow's names


def argmax(
    input: Any, axis: Any = None, name: str | None = None, dimension: Any = None, output_type: DType = int64
) -> Tensor:
    """The place of the largest element along an axis, 0 by default; of equal elements the first.

    Args:
        input: numbers of rank 1 or more.
        axis: a scalar; its old name is `dimension`.
        output_type: int64 or int32.

    Raises:
        ValueError: both names are used, or the axis is out of range or empty.
    """
    return arg_max_op(input, _axis(axis, dimension), output_type=output_type, name=name)


def argmin(
    input: Any, axis: Any = None, name: str | None = None, dimension: Any = None, output_type: DType = int64
) -> Tensor:
    """The place of the smallest element along an axis; see `argmax`."""
    return arg_min_op(input, _axis(axis, dimension), output_type=output_type, name=name)


def _axis(axis: Any, dimension: Any) -> Any:
    if axis is not None and dimension is not None:
        raise ValueError("Cannot specify both 'axis' and 'dimension'")
    chosen = dimension if axis is None else axis
    return 0 if chosen is None else chosen


def arg_max(input: Any, dimension: Any, output_type: DType = int64, name: str | None = None) -> Tensor:
    """The place of the largest element along `dimension`, under its old name."""
    return arg_max_op(input, dimension, output_type=output_type, name=name)


def arg_min(input: Any, dimension: Any, output_type: DType = int64, name: str | None = None) -> Tensor:
    """The place of the smallest element along `dimension`, under its old name."""
    return arg_min_op(input, dimension, output_type=output_type, name=name)
