"""Layer normalisation along the last axis in one op, with its gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dtypes import float32, float64
from ..graph import Operation, Sizes, Tensor
from ..inference import InferenceContext
from ..registry import op
from ..samples import Failure, Sample
from .array_parts import zeros_like

Gradients = list[Any]


@op(
    "LayerNormalization",
    "x: T, scale: T, offset: T",
    "y: T, mean: T, inverse: T",
    T=(float32, float64),
)
def layer_normalization_op(
    x: Any, scale: Any, offset: Any, *, epsilon: float = 1e-3, name: str | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Each row (along the last axis) less its mean, times 1 / sqrt(its variance + epsilon) times `scale`, plus `offset`.

    Gives the rows' means and those factors without the scale too, in the shape of x without its last axis.
    """


@op(
    "LayerNormalizationGrad",
    "y_grad: T, x: T, scale: T, mean: T, inverse: T",
    "x_grad: T, scale_grad: T, offset_grad: T",
    T=(float32, float64),
)
def layer_normalization_grad_op(
    y_grad: Any, x: Any, scale: Any, mean: Any, inverse: Any, *, name: str | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradient of LayerNormalization from that of y."""


def _checked(context: InferenceContext, index: int, parameters: range) -> tuple[Sizes, int | None]:
    x = context.with_rank_at_least(index, 1)
    size = x[-1] if x is not None else None
    for i in parameters:
        (given,) = context.with_rank(i, 1)
        if given is not None and size is not None and given != size:
            raise ValueError(
                f"Dimensions must be equal, but are {size} elements of a row and {given} of {context.input_name(i)}"
            )
        size = given if size is None else size
    return (None if x is None else (*x[:-1], size)), size


@layer_normalization_op.shape
def layer_normalization_shape(context: InferenceContext) -> list[Sizes]:
    x, _ = _checked(context, 0, range(1, 3))
    rows = None if x is None else x[:-1]
    return [x, rows, rows]


@layer_normalization_grad_op.shape
def layer_normalization_grad_shape(context: InferenceContext) -> list[Sizes]:
    x, size = _checked(context, 1, range(2, 3))
    return [x, (size,), (size,)]


@layer_normalization_op.kernel
def layer_normalization_kernel(xp: Any, x: Any, scale: Any, offset: Any, *, epsilon: float) -> Any:
    size = x.dtype.type(max(x.shape[-1], 1))
    mean = xp.sum(x, -1, keepdims=True) / size
    centered = x - mean
    variance = xp.einsum("...i,...i->...", centered, centered) / size
    inverse = 1 / xp.sqrt(variance + x.dtype.type(epsilon))
    centered *= inverse[..., None]
    centered *= scale
    centered += offset
    return centered, mean[..., 0], inverse


@layer_normalization_grad_op.kernel
def layer_normalization_grad_kernel(xp: Any, dy: Any, x: Any, scale: Any, mean: Any, inverse: Any) -> Any:
    size = x.dtype.type(max(x.shape[-1], 1))
    unit = (x - mean[..., None]) * inverse[..., None]
    axes = tuple(range(x.ndim - 1))
    dscale, doffset = xp.sum(dy * unit, axes), xp.sum(dy, axes)
    scaled = dy * scale
    slope = xp.einsum("...i,...i->...", scaled, unit)[..., None] / size
    scaled -= xp.sum(scaled, -1, keepdims=True) / size
    scaled -= unit * slope
    scaled *= inverse[..., None]
    return scaled, dscale, doffset


@layer_normalization_op.gradient
def layer_normalization_gradient(op: Operation, *dys: Tensor | None) -> Gradients:
    if dys[1] is not None or dys[2] is not None:
        return _late("layer_normalization_gradient", op, dys)
    dy = zeros_like(op.outputs[0]) if dys[0] is None else dys[0]
    return list(layer_normalization_grad_op(dy, *op.inputs[:2], *op.outputs[1:]))


@layer_normalization_grad_op.gradient
def layer_normalization_grad_gradient(op: Operation, *dys: Tensor | None) -> Gradients:
    return _late("layer_normalization_grad_gradient", op, dys)


def _late(rule: str, op: Operation, dys: Any) -> Gradients:
    """What a rule of layer_norm_gradients.py says, which needs differentiation."""
    from .. import layer_norm_gradients

    result: Gradients = getattr(layer_norm_gradients, rule)(op, dys)
    return result


def _inputs(rng: np.random.Generator) -> list[Any]:
    return [rng.normal(size=(2, 3, 4)), rng.normal(size=4), rng.normal(size=4)]


@layer_normalization_op.samples
def layer_normalization_samples(rng: np.random.Generator) -> list[Sample]:
    row = (rng.normal(size=5), rng.normal(size=5), rng.normal(size=5))
    return [
        Sample(tuple(_inputs(rng))),
        Sample(row, {"epsilon": 0.1}),
        Sample((np.ones((0, 3)), np.ones(3), np.ones(3)), differentiable=False),
    ]


@layer_normalization_grad_op.samples
def layer_normalization_grad_samples(rng: np.random.Generator) -> list[Sample]:
    x, scale, offset = _inputs(rng)
    _, mean, inverse = layer_normalization_kernel(np, x, scale, offset, epsilon=0.1)
    return [Sample((rng.normal(size=x.shape), x, scale, mean, inverse), second=False)]


@layer_normalization_op.failing
def layer_normalization_failing(rng: np.random.Generator) -> list[Failure]:
    return [
        Failure((np.ones((2, 3)), np.ones(4), np.ones(3)), ValueError, "3 elements of a row and 4 of scale"),
        Failure((np.array(1.0), np.ones(1), np.ones(1)), ValueError, "rank at least 1"),
    ]
