"""The gradient of the gradient of batch normalisation, of which TensorFlow has an op too few: built from plain ops."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..graph import Operation, Tensor
from .array import reshape, shape
from .casting import cast
from .guards import zeros_like_op
from .nn_geometry import channels_first
from .nn_norm import (
    fused_batch_norm_grad_op,
    fused_batch_norm_grad_v2_op,
    fused_batch_norm_grad_v3_op,
)
from .reduce import reduce_prod
from .reduction import sum_op
from .unary import rsqrt_op, square_op

Gradients = list[Any]


class _Parts:
    """The inputs of a gradient op and the gradients of its outputs, with channels laid out to broadcast."""

    def __init__(self, op: Operation, dys: tuple[Tensor | None, ...]) -> None:
        first = channels_first(op.attrs["data_format"])
        self.axes = np.array([0, 2, 3] if first else [0, 1, 2], np.int32)
        self.layout = [1, -1, 1, 1] if first else [1, 1, 1, -1]
        dy, x, scale, mean, variance = op.inputs[:5]
        dtype = scale.dtype.base_dtype
        self.dy, self.scale = cast(dy, dtype), reshape(scale, self.layout)
        self.inverse = rsqrt_op(reshape(variance, self.layout) + op.attrs["epsilon"])
        self.unit = (cast(x, dtype) - reshape(mean, self.layout)) * self.inverse
        self.a = cast(dys[0], dtype) if dys[0] is not None else zeros_like_op(self.dy)
        self.b, self.c = (self._channels(d, scale) for d in dys[1:3])
        self.count = self._count(x, dtype)

    def _channels(self, gradient: Tensor | None, scale: Tensor) -> Tensor:
        return reshape(zeros_like_op(scale) if gradient is None else gradient, self.layout)

    def _count(self, x: Tensor, dtype: Any) -> Any:
        sizes = None if x.sizes is None else [x.sizes[i] for i in self.axes]
        if sizes is not None and None not in sizes:
            return float(math.prod(sizes))
        channels = self.layout.index(-1)
        return cast(reduce_prod(shape(x)) // shape(x)[channels], dtype)

    def total(self, x: Tensor) -> Tensor:
        """The sum over all but the channels."""
        return sum_op(x, self.axes, keep_dims=True)

    def mean(self, x: Tensor) -> Tensor:
        """The mean over all but the channels."""
        result: Tensor = self.total(x) / self.count
        return result

    def centered(self, x: Tensor) -> Tensor:
        """What is left of `x` where neither its mean nor its part along the normalised input counts."""
        result: Tensor = x - self.mean(x) - self.unit * self.mean(x * self.unit)
        return result


@fused_batch_norm_grad_op.gradient
@fused_batch_norm_grad_v2_op.gradient
@fused_batch_norm_grad_v3_op.gradient
def fused_batch_norm_grad_gradient(op: Operation, *dys: Tensor | None) -> Gradients:
    parts = _Parts(op, dys)
    results = _training(parts) if op.attrs["is_training"] else _inference(parts)
    shaped = [cast(g, t.dtype.base_dtype) for g, t in zip(results[:2], op.inputs[:2], strict=True)]
    shaped += [reshape(g, [-1]) for g in results[2:]]
    return [*shaped, *[None] * (len(op.inputs) - len(shaped))]


def _training(p: _Parts) -> list[Tensor]:
    # The moments are those of x: they are differentiated here, and their inputs get no gradient.
    slope = p.scale * p.inverse
    to_dy = slope * p.centered(p.a) + p.b * p.unit + p.c
    quantity = p.total(p.a * p.centered(p.dy))
    to_unit = p.b * p.dy - slope * (p.a * p.mean(p.dy * p.unit) + p.dy * p.mean(p.a * p.unit))
    by_inverse = p.scale * quantity * square_op(p.inverse) * p.unit / p.count
    to_x = p.inverse * p.centered(to_unit) - by_inverse
    return [to_dy, to_x, p.inverse * quantity]


def _inference(p: _Parts) -> list[Tensor]:
    to_dy = p.a * p.scale * p.inverse + p.b * p.unit + p.c
    to_x = p.b * p.dy * p.inverse
    products = p.total(p.a * p.dy)
    to_mean = -p.inverse * p.b * p.total(p.dy)
    by_inverse = p.scale * products * p.inverse + p.b * p.total(p.dy * p.unit)
    return [to_dy, to_x, p.inverse * products, to_mean, by_inverse * square_op(p.inverse) * -0.5]
