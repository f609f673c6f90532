"""Reductions over axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dtypes import INDEX, NUMERIC
from ..graph import Operation, Sizes, Tensor
from ..inference import InferenceContext, reduced_sizes
from ..registry import op
from ..samples import Failure, Sample
from .array import reshape, shape

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
    return xp.sum(x, axes_of(indices), dtype=x.dtype, keepdims=keep_dims)


@sum_op.into
def sum_into(xp: Any, out: Any, x: Any, indices: Any, *, keep_dims: bool) -> None:
    xp.add.reduce(x, axes_of(indices), x.dtype, out, keep_dims)


@sum_op.gradient
def sum_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [spread(dy, op.inputs[0], op.inputs[1]), None]


def spread(dy: Tensor, x: Tensor, indices: Tensor) -> Tensor:
    """A reduction's gradient repeated over the axes that were reduced."""
    from .array_parts import broadcast_to

    return broadcast_to(reshape(dy, kept_sizes(x, indices)), shape(x))


def kept_sizes(x: Tensor, indices: Tensor) -> Any:
    """The shape of `x` with 1 for the reduced axes: static where possible."""
    from ..static import constant_value
    from .array_parts import reduced_shape_op

    axes = constant_value(indices)
    if axes is not None and x.sizes is not None and None not in x.sizes:
        return list(reduced_sizes(x.sizes, axes, True) or ())
    return reduced_shape_op(shape(x), indices)


sum_op.samples(reduction_samples)
sum_op.failing(reduction_failing)
