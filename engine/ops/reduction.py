"""Reductions over axes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..dtypes import INDEX, NUMERIC, DType, int32
from ..graph import Operation, Sizes, Tensor
from ..inference import InferenceContext, reduced_sizes
from ..registry import op
from ..samples import Failure, Sample
from ..static import constant_value
from .array import rank_op, reshape, shape, stack

Gradients = list[Any]


def reduction_shape(context: InferenceContext) -> list[Sizes]:
    """The input's shape without the axes that input 1 names."""
    return [reduced_sizes(context.sizes[0], context.value(1), context["keep_dims"])]


def axes_of(indices: Any) -> tuple[int, ...]:
    """Reduction indices as a tuple that NumPy takes."""
    return tuple(int(i) for i in np.ravel(indices))


def reduction_samples(rng: np.random.Generator) -> list[Sample]:
    """Shapes and axes that every reduction must take."""
    x = rng.normal(size=(2, 3, 4))
    return [
        Sample((x, np.array([1], np.int32)), {"keep_dims": False}, gradients=(0,)),
        Sample((x, np.array([0, -1], np.int32)), {"keep_dims": True}, gradients=(0,)),
        Sample((x, np.array(0, np.int32)), {"keep_dims": False}, gradients=(0,)),
        Sample((x, np.array([], np.int32)), {"keep_dims": False}, gradients=(0,)),
    ]


def reduction_failing(rng: np.random.Generator) -> list[Failure]:
    """Axes that no reduction may take."""
    return [Failure((np.ones((2, 3)), np.array([2], np.int32)), ValueError, "2 is out of range", {"keep_dims": False})]


@op("Sum", "input: T, reduction_indices: Tidx", "output: T", shape=reduction_shape, T=NUMERIC, Tidx=INDEX)
def sum_op(input: Any, reduction_indices: Any, *, keep_dims: bool = False, name: str | None = None) -> Tensor:
    """The sum over the given axes."""


@sum_op.kernel
def sum_kernel(xp: Any, x: Any, indices: Any, *, keep_dims: bool) -> Any:
    return xp.sum(x, axes_of(indices), dtype=accumulator(x.dtype), keepdims=keep_dims)


@sum_op.into
def sum_into(xp: Any, out: Any, x: Any, indices: Any, *, keep_dims: bool) -> None:
    wide = accumulator(x.dtype)
    if wide == x.dtype:
        xp.add.reduce(x, axes_of(indices), wide, out, keep_dims)
    else:
        out[...] = xp.add.reduce(x, axes_of(indices), wide, None, keep_dims)


def accumulator(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype that sums and products of `dtype` are taken in: float32 for the two halves."""
    is_half = dtype.itemsize == 2 and dtype.kind not in "iu"
    return np.dtype(np.float32) if is_half else dtype


@sum_op.gradient
def sum_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [spread(dy, op.inputs[0], op.inputs[1]), None]


def spread(dy: Tensor, x: Tensor, indices: Tensor) -> Tensor:
    """A reduction's gradient repeated over the axes that were reduced."""
    from .array_parts import broadcast_to

    return broadcast_to(reshape(dy, kept_sizes(x, indices)), shape(x))


def kept_sizes(x: Tensor, indices: Tensor) -> Any:
    """The shape of `x` with 1 for the reduced axes: static where possible."""
    from .array_parts import reduced_shape_op

    axes = constant_value(indices)
    if axes is not None and x.sizes is not None and None not in x.sizes:
        return list(reduced_sizes(x.sizes, axes, True) or ())
    return reduced_shape_op(shape(x), indices)


@op("Mean", "input: T, reduction_indices: Tidx", "output: T", shape=reduction_shape, T=NUMERIC, Tidx=INDEX)
def mean_op(input: Any, reduction_indices: Any, *, keep_dims: bool = False, name: str | None = None) -> Tensor:
    """The mean over the given axes; of integers truncated towards zero; NaN of nothing."""


@mean_op.kernel
def mean_kernel(xp: Any, x: Any, indices: Any, *, keep_dims: bool) -> Any:
    axes = axes_of(indices)
    count = math.prod(x.shape[a] for a in axes)
    if x.dtype.kind in "iu":
        total = xp.sum(x, axes, dtype=np.float64, keepdims=keep_dims)
        return xp.trunc(total / max(count, 1)).astype(x.dtype)
    total = xp.sum(x, axes, dtype=accumulator(x.dtype), keepdims=keep_dims)
    with np.errstate(all="ignore"):
        return xp.divide(total, total.dtype.type(count))


@mean_op.into
def mean_into(xp: Any, out: Any, x: Any, indices: Any, *, keep_dims: bool) -> None:
    if x.dtype.kind in "iu":
        out[...] = mean_kernel(xp, x, indices, keep_dims=keep_dims)
        return
    axes = axes_of(indices)
    sum_into(xp, out, x, indices, keep_dims=keep_dims)
    with np.errstate(all="ignore"):
        xp.divide(out, out.dtype.type(math.prod(x.shape[a] for a in axes)), out)


@mean_op.gradient
def mean_gradient(op: Operation, dy: Tensor) -> Gradients:
    x, y = op.inputs[0], op.outputs[0]
    whole = spread(dy, x, op.inputs[1])
    return [whole / _repeats(x, y, dy.dtype.base_dtype), None]


def _repeats(x: Tensor, y: Tensor, dtype: DType) -> Any:
    from .array_shape import size
    from .casting import cast
    from .division import floordiv

    if x.sizes is not None and None not in x.sizes and y.sizes is not None and None not in y.sizes:
        count = math.prod(x.sizes) // max(math.prod(y.sizes), 1)  # type: ignore[arg-type]
        return np.array(count, dtype.numpy)
    outputs = size(y)
    # An empty result has no gradient to divide: 1 keeps the division legal.
    return cast(floordiv(size(x), outputs + cast(outputs < 1, int32)), dtype)


@op("Prod", "input: T, reduction_indices: Tidx", "output: T", shape=reduction_shape, T=NUMERIC, Tidx=INDEX)
def prod_op(input: Any, reduction_indices: Any, *, keep_dims: bool = False, name: str | None = None) -> Tensor:
    """The product over the given axes; 1 of nothing."""


@prod_op.kernel
def prod_kernel(xp: Any, x: Any, indices: Any, *, keep_dims: bool) -> Any:
    return xp.prod(x, axes_of(indices), dtype=accumulator(x.dtype), keepdims=keep_dims)


@prod_op.gradient
def prod_gradient(op: Operation, dy: Tensor) -> Gradients:
    from .array_order import invert_permutation, transpose
    from .complex_parts import conjugate
    from .scans import cumprod

    x, axes = op.inputs
    order, reduced = _reduced_first(x, axes)
    turned = transpose(x, order)
    sizes = shape(x)
    flat = reshape(
        turned, stack([_product(sizes * reduced + (1 - reduced)), _product(sizes * (1 - reduced) + reduced)])
    )
    others = cumprod(flat, 0, exclusive=True) * cumprod(flat, 0, exclusive=True, reverse=True)
    back = transpose(reshape(others, shape(turned)), invert_permutation(order))
    return [spread(dy, x, axes) * conjugate(back), None]


def _product(vector: Tensor) -> Tensor:
    return prod_op(vector, np.int32(0))


def _reduced_first(x: Tensor, indices: Tensor) -> tuple[Any, Any]:
    """An order of the axes of x with the reduced ones first, and 1 for the reduced ones, 0 for the others."""
    axes = constant_value(indices)
    if axes is None or x.sizes is None:
        return _reduced_first_at_run(x, indices)
    reduced = np.zeros(len(x.sizes), np.int32)
    reduced[[int(a) for a in np.ravel(axes)]] = 1
    return np.argsort(-reduced, kind="stable").astype(np.int32), reduced


def _reduced_first_at_run(x: Tensor, indices: Tensor) -> tuple[Tensor, Tensor]:
    from .binary import minimum
    from .casting import cast
    from .ranges import range as range_of
    from .segments import unsorted_segment_sum
    from .top import top_k

    count = rank_op(x)
    axes = cast(reshape(indices, [-1]), int32) % count
    reduced = minimum(unsorted_segment_sum(axes * 0 + 1, axes, count), 1)
    return top_k(reduced * count - range_of(count), count)[1], reduced


@op("EuclideanNorm", "input: T, reduction_indices: Tidx", "output: T", shape=reduction_shape, T=NUMERIC, Tidx=INDEX)
def euclidean_norm_op(
    input: Any, reduction_indices: Any, *, keep_dims: bool = False, name: str | None = None
) -> Tensor:
    """The square root of the sum of squares over the given axes."""


@euclidean_norm_op.kernel
def euclidean_norm_kernel(xp: Any, x: Any, indices: Any, *, keep_dims: bool) -> Any:
    wide = x.astype(np.float64) if x.dtype.kind in "iu" else x.astype(accumulator(x.dtype), copy=False)
    squares = xp.square(xp.abs(wide))
    return xp.sqrt(xp.sum(squares, axes_of(indices), keepdims=keep_dims)).astype(x.dtype)


@euclidean_norm_op.gradient
def euclidean_norm_gradient(op: Operation, dy: Tensor) -> Gradients:
    x, axes = op.inputs
    return [x / spread(op.outputs[0], x, axes) * spread(dy, x, axes), None]


for _definition in (sum_op, mean_op, euclidean_norm_op):
    _definition.samples(reduction_samples)


@prod_op.samples
def prod_samples(rng: np.random.Generator) -> list[Sample]:
    zeros = np.array([[0.0, 2, 3], [0, 0, 4]])
    return [*reduction_samples(rng), Sample((zeros, np.array([1], np.int32)), gradients=(0,), second=False)]


for _definition in (sum_op, mean_op, euclidean_norm_op, prod_op):
    _definition.failing(reduction_failing)
