"""Batch normalisation and cross entropy with what surrounds them, as rewritten steps hold them; see rewriting/fuse_norm.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..dtypes import FLOATING, INDEX, float32, float64
from ..graph import Sizes, Tensor
from ..inference import InferenceContext
from ..registry import op
from ..shapes import merge_sizes
from .nn_norm import fused_batch_norm_grad_kernel, fused_batch_norm_shape, fused_batch_norm_v3_kernel
from .nn_softmax import (
    softmax_cross_entropy_into,
    softmax_cross_entropy_shape,
    sparse_softmax_cross_entropy_into,
    sparse_softmax_cross_entropy_shape,
)

_PARAMETERS = (float32, float64)


@op(
    "_FusedBatchNormEx",
    "x: T, scale: U, offset: U, mean: U, variance: U, side_input: num_side_inputs * T",
    "y: T, batch_mean: U, batch_variance: U, reserve_space_1: U, reserve_space_2: U, reserve_space_3: U",
    T=FLOATING,
    U=_PARAMETERS,
)
def fused_batch_norm_ex_op(
    x: Any,
    scale: Any,
    offset: Any,
    mean: Any,
    variance: Any,
    side_input: Any,
    *,
    epsilon: float = 0.0001,
    data_format: str = "NHWC",
    is_training: bool = True,
    name: str | None = None,
) -> tuple[Tensor, ...]:
    """FusedBatchNormV3, plus the side input if there is one, through a relu."""


@op(
    "_ReluGradFusedBatchNormGrad",
    "gradients: T, features: T, x: T, scale: U, mean: U, variance: U",
    "masked: T, x_backprop: T, scale_backprop: U, offset_backprop: U",
    T=FLOATING,
    U=_PARAMETERS,
)
def relu_grad_batch_norm_grad_op(
    gradients: Any,
    features: Any,
    x: Any,
    scale: Any,
    mean: Any,
    variance: Any,
    *,
    epsilon: float = 0.0001,
    data_format: str = "NHWC",
    is_training: bool = True,
    keep_masked: bool = True,
    name: str | None = None,
) -> tuple[Tensor, ...]:
    """FusedBatchNormGradV3 of ReluGrad, and that gradient itself where others need it (else it is empty)."""


@op(
    "_ScaledSoftmaxCrossEntropyWithLogits",
    "features: T, labels: T, scale: T",
    "loss: T, backprop: T",
    T=FLOATING,
)
def scaled_cross_entropy_op(features: Any, labels: Any, scale: Any, *, name: str | None = None) -> tuple[Tensor, ...]:
    """SoftmaxCrossEntropyWithLogits whose gradient is multiplied by a number a row [batch, 1], or by one for all."""


@op(
    "_ScaledSparseSoftmaxCrossEntropyWithLogits",
    "features: T, labels: Tlabels, scale: T",
    "loss: T, backprop: T",
    T=FLOATING,
    Tlabels=INDEX,
)
def scaled_sparse_cross_entropy_op(
    features: Any, labels: Any, scale: Any, *, name: str | None = None
) -> tuple[Tensor, ...]:
    """The same of SparseSoftmaxCrossEntropyWithLogits."""


for _definition in (
    fused_batch_norm_ex_op,
    relu_grad_batch_norm_grad_op,
    scaled_cross_entropy_op,
    scaled_sparse_cross_entropy_op,
):
    _definition.not_differentiable = True


@fused_batch_norm_ex_op.shape
def fused_batch_norm_ex_shape(context: InferenceContext) -> list[Sizes]:
    x, *rest = fused_batch_norm_shape(context)
    return [merge_sizes(x, context.sizes[5]) if len(context.sizes) > 5 else x, *rest]


@relu_grad_batch_norm_grad_op.shape
def relu_grad_batch_norm_grad_shape(context: InferenceContext) -> list[Sizes]:
    x = merge_sizes(merge_sizes(context.with_rank(0, 4), context.sizes[1]), context.sizes[2])
    (channels,) = context.with_rank(3, 1)
    return [x if context["keep_masked"] else (0,), x, (channels,), (channels,)]


scaled_cross_entropy_op.shape(softmax_cross_entropy_shape)
scaled_sparse_cross_entropy_op.shape(sparse_softmax_cross_entropy_shape)


@fused_batch_norm_ex_op.kernel
def fused_batch_norm_ex_kernel(
    xp: Any, x: Any, scale: Any, offset: Any, mean: Any, variance: Any, side_input: Any, **attrs: Any
) -> Any:
    y, *rest = fused_batch_norm_v3_kernel(xp, x, scale, offset, mean, variance, **attrs)
    for added in side_input:
        y = xp.add(y, added)
    return (xp.maximum(y, 0), *rest)


@relu_grad_batch_norm_grad_op.kernel
def relu_grad_batch_norm_grad_kernel(
    xp: Any, dy: Any, features: Any, *values: Any, keep_masked: bool, **attrs: Any
) -> Any:
    masked = xp.where(features > 0, dy, dy.dtype.type(0))
    results = fused_batch_norm_grad_kernel(xp, masked, *values, **attrs)
    return (masked if keep_masked else xp.zeros(0, dy.dtype), *results[:3])


def _scaled(of: Any) -> tuple[Callable[..., None], Callable[..., Any]]:
    def into(xp: Any, out: Any, features: Any, labels: Any, scale: Any) -> None:
        of(xp, out, features, labels)
        xp.multiply(out[1], scale, out[1])

    def kernel(xp: Any, features: Any, labels: Any, scale: Any) -> Any:
        shape = np.broadcast_shapes(features.shape, labels.shape) if labels.ndim == 2 else features.shape
        out = (xp.empty(shape[:1], features.dtype), xp.empty(shape, features.dtype))
        into(xp, out, features, labels, scale)
        return out

    return into, kernel


for _definition, _of in (
    (scaled_cross_entropy_op, softmax_cross_entropy_into),
    (scaled_sparse_cross_entropy_op, sparse_softmax_cross_entropy_into),
):
    _into, _kernel = _scaled(_of)
    _definition.into(_into)
    _definition.kernel(_kernel)
