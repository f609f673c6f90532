"""Convolutions and pools with what follows them, as rewritten steps hold them; see rewriting/fuse_conv.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dtypes import FLOATING
from ..graph import Sizes, Tensor
from ..inference import InferenceContext
from ..registry import op
from .nn_conv import conv2d_backprop_input_op, conv2d_op
from .nn_geometry import NO_PADS, ONES_2D, convolved_sizes, given_sizes, pooled_sizes
from .nn_pool import max_pool_grad_op

# What may follow a convolution, in the words of TensorFlow's attribute.
FOLLOWERS = (["BiasAdd"], ["BiasAdd", "Relu"])


@op("_FusedConv2D", "input: T, filter: T, args: num_args * T", "output: T", T=FLOATING)
def fused_conv2d_op(
    input: Any,
    filter: Any,
    args: Any,
    *,
    fused_ops: list[str],
    strides: list[int],
    padding: str,
    use_cudnn_on_gpu: bool = True,
    explicit_paddings: list[int] = NO_PADS,
    data_format: str = "NHWC",
    dilations: list[int] = ONES_2D,
    name: str | None = None,
) -> Tensor:
    """Conv2D, plus a bias (`args`) by channel, through a relu where `fused_ops` says so; channels come last."""


@op(
    "_Conv2DBackpropInputReluGrad",
    "input_sizes: int32, filter: T, out_backprop: T, features: T",
    "output: T",
    T=FLOATING,
)
def conv2d_backprop_input_relu_grad_op(
    input_sizes: Any,
    filter: Any,
    out_backprop: Any,
    features: Any,
    *,
    strides: list[int],
    padding: str,
    use_cudnn_on_gpu: bool = True,
    explicit_paddings: list[int] = NO_PADS,
    data_format: str = "NHWC",
    dilations: list[int] = ONES_2D,
    name: str | None = None,
) -> Tensor:
    """ReluGrad of Conv2DBackpropInput: 0 where `features`, of the input's shape, are not positive."""


@op("_MaxPoolGradReluGrad", "orig_input: T, orig_output: T, grad: T", "output: T, bias: T", T=FLOATING)
def max_pool_grad_relu_grad_op(
    orig_input: Any,
    orig_output: Any,
    grad: Any,
    *,
    ksize: list[int],
    strides: list[int],
    padding: str,
    data_format: str = "NHWC",
    name: str | None = None,
) -> Tensor:
    """ReluGrad of MaxPoolGrad by the pool's input, and its sums by channel; channels come last."""


fused_conv2d_op.not_differentiable = True
conv2d_backprop_input_relu_grad_op.not_differentiable = True
max_pool_grad_relu_grad_op.not_differentiable = True


@fused_conv2d_op.shape
def fused_conv2d_shape(context: InferenceContext) -> list[Sizes]:
    if list(context["fused_ops"]) not in FOLLOWERS or len(context.sizes) != 3 or context["data_format"] != "NHWC":
        raise ValueError(f"fused_ops must be one of {FOLLOWERS} with one bias for NHWC, got {context['fused_ops']}")
    context.with_rank(2, 1)
    return [convolved_sizes(context, 4, explicit=True)]


@conv2d_backprop_input_relu_grad_op.shape
def conv2d_backprop_input_relu_grad_shape(context: InferenceContext) -> list[Sizes]:
    return [given_sizes(context, 0, 4)]


@max_pool_grad_relu_grad_op.shape
def max_pool_grad_relu_grad_shape(context: InferenceContext) -> list[Sizes]:
    pooled_sizes(context, 4)
    sizes = context.with_rank(0, 4)
    return [sizes, sizes[-1:]]


@fused_conv2d_op.kernel
def fused_conv2d_kernel(xp: Any, x: Any, filters: Any, args: Any, *, fused_ops: list[str], **attrs: Any) -> Any:
    result = conv2d_op.kernel_function(xp, x, filters, **attrs)  # type: ignore[misc]
    _follow(xp, result, args, fused_ops)
    return result


@fused_conv2d_op.into
def fused_conv2d_into(
    xp: Any, out: Any, x: Any, filters: Any, args: Any, *, fused_ops: list[str], **attrs: Any
) -> None:
    conv2d_op.into_function(xp, out, x, filters, **attrs)  # type: ignore[misc]
    _follow(xp, out, args, fused_ops)


def _follow(xp: Any, out: Any, args: Any, fused_ops: list[str]) -> None:
    xp.add(out, args[0], out=out)
    if "Relu" in fused_ops:
        xp.maximum(out, 0, out=out)


@conv2d_backprop_input_relu_grad_op.kernel
def conv2d_backprop_input_relu_grad_kernel(
    xp: Any, sizes: Any, filters: Any, dy: Any, features: Any, **attrs: Any
) -> Any:
    result = conv2d_backprop_input_op.kernel_function(xp, sizes, filters, dy, **attrs)  # type: ignore[misc]
    return np.where(features > 0, result, result.dtype.type(0))


@conv2d_backprop_input_relu_grad_op.into
def conv2d_backprop_input_relu_grad_into(
    xp: Any, out: Any, sizes: Any, filters: Any, dy: Any, features: Any, **attrs: Any
) -> None:
    conv2d_backprop_input_op.into_function(xp, out, sizes, filters, dy, **attrs)  # type: ignore[misc]
    np.copyto(out, 0, where=~(features > 0))


@max_pool_grad_relu_grad_op.kernel
def max_pool_grad_relu_grad_kernel(xp: Any, x: Any, y: Any, dy: Any, **attrs: Any) -> Any:
    result = max_pool_grad_op.kernel_function(xp, x, y, dy, **attrs)  # type: ignore[misc]
    result = np.where(x > 0, result, result.dtype.type(0))
    return result, result.sum((0, 1, 2))


@max_pool_grad_relu_grad_op.into
def max_pool_grad_relu_grad_into(xp: Any, out: Any, x: Any, y: Any, dy: Any, **attrs: Any) -> None:
    max_pool_grad_op.into_function(xp, out[0], x, y, dy, **attrs)  # type: ignore[misc]
    np.copyto(out[0], 0, where=~(x > 0))
    xp.sum(out[0], (0, 1, 2), out=out[1])
