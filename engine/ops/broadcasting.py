"""The way back from a broadcast: sums of a gradient over the axes along which an input was repeated."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dtypes import INDEX
from ..graph import Sizes, Tensor
from ..inference import InferenceContext
from ..registry import op
from ..samples import Sample


@op("BroadcastGradientArgs", "s0: T, s1: T", "r0: T, r1: T", T=INDEX)
def broadcast_gradient_args_op(s0: Any, s1: Any, *, name: str | None = None) -> tuple[Tensor, Tensor]:
    """The axes over which gradients must be summed for inputs of shapes s0 and s1 that were broadcast together."""


@broadcast_gradient_args_op.shape
def broadcast_gradient_args_shape(context: InferenceContext) -> list[Sizes]:
    return [(None,), (None,)]


@broadcast_gradient_args_op.kernel
def broadcast_gradient_args_kernel(xp: Any, s0: Any, s1: Any) -> Any:
    shape = np.broadcast_shapes(tuple(s0), tuple(s1))
    return tuple(np.array(repeated_axes(tuple(s), shape), s0.dtype) for s in (s0, s1))


@broadcast_gradient_args_op.samples
def broadcast_gradient_args_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((np.array([2, 1, 3]), np.array([4, 1])), differentiable=False)]


def repeated_axes(sizes: tuple[int, ...], shape: tuple[int, ...]) -> list[int]:
    """The axes of `shape` along which an array of `sizes` is repeated."""
    padded = (1,) * (len(shape) - len(sizes)) + sizes
    missing = len(shape) - len(sizes)
    return [i for i, (a, b) in enumerate(zip(padded, shape, strict=True)) if i < missing or (a == 1 and b != 1)]


def unbroadcast(gradient: Tensor, x: Tensor) -> Tensor:
    """`gradient` summed to the shape of `x`, which was broadcast to the gradient's shape."""
    from .array import reshape, shape  # arrays build on arithmetic
    from .reduction import sum_op

    if x.sizes is not None and None not in x.sizes:
        if x.sizes == gradient.sizes:
            return gradient
        if gradient.sizes is not None and None not in gradient.sizes:
            axes = repeated_axes(x.sizes, gradient.sizes)  # type: ignore[arg-type]
            summed = sum_op(gradient, np.array(axes, np.int32), keep_dims=False)
            return reshape(summed, x.sizes)
    own, _ = broadcast_gradient_args_op(shape(x), shape(gradient))
    return reshape(sum_op(gradient, own, keep_dims=False), shape(x))
