"""Gradients of layer normalisation beyond the usual one: of its moments, and of its gradient.

They are differentiated through elementary operations that compute the same; a plain training step needs none of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .graph import Operation, Tensor
from .ops.array_shape import expand_dims
from .ops.reduce import reduce_mean, reduce_sum
from .ops.unary import rsqrt, square
from .recurrent_gradients import differentiated

Gradients = list[Any]


def layer_normalization_gradient(op: Operation, dys: Sequence[Tensor | None]) -> Gradients:
    """The gradients of x, scale and offset by those of y, the means and the factors."""

    def compute(x: Any, scale: Any, offset: Any) -> list[Any]:
        mean = reduce_mean(x, -1, keepdims=True)
        inverse = rsqrt(reduce_mean(square(x - mean), -1, keepdims=True) + op.attrs["epsilon"])
        return [(x - mean) * inverse * scale + offset, mean[..., 0], inverse[..., 0]]

    return differentiated(op, dys, compute)


def layer_normalization_grad_gradient(op: Operation, dys: Sequence[Tensor | None]) -> Gradients:
    """The gradients of the inputs of LayerNormalizationGrad."""

    def compute(dy: Any, x: Any, scale: Any, mean: Any, inverse: Any) -> list[Any]:
        factor = expand_dims(inverse, -1)
        unit = (x - expand_dims(mean, -1)) * factor
        scaled = dy * scale
        average, slope = (reduce_mean(v, -1, keepdims=True) for v in (scaled, scaled * unit))
        axes = list(range(len(x.sizes) - 1))
        return [(scaled - average - unit * slope) * factor, reduce_sum(dy * unit, axes), reduce_sum(dy, axes)]

    return differentiated(op, dys, compute)
