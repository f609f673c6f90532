"""Normalisation ops: local response normalisation, and batch normalisation in one op with its gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dtypes import FLOATING, bfloat16, float16, float32, float64
from ..graph import Operation, Sizes, Tensor
from ..inference import InferenceContext, all_alike
from ..kernels import lrn as lrn_kernels
from ..registry import Op, op
from ..samples import Failure, Sample
from ..shapes import merge_sizes
from .nn_bias import check_format
from .nn_geometry import channels_first, channels_last_view, in_format
from .unary import rsqrt_op

Gradients = list[Any]
_PARAMETERS = (float32, float64)


# Local response normalisation


def _rank_four(context: InferenceContext) -> list[Sizes]:
    return [context.with_rank(0, 4)]


def _all_rank_four(context: InferenceContext) -> list[Sizes]:
    context.with_rank(0, 4)
    return all_alike(context)


@op("LRN", "input: T", "output: T", shape=_rank_four, T=(float16, bfloat16, float32, float64))
def lrn_op(
    input: Any,
    *,
    depth_radius: int = 5,
    bias: float = 1.0,
    alpha: float = 1.0,
    beta: float = 0.5,
    name: str | None = None,
) -> Tensor:
    """X / (bias + alpha * s) ** beta, where s adds up the squares within `depth_radius` channels."""


@op(
    "LRNGrad",
    "input_grads: T, input_image: T, output_image: T",
    "output: T",
    shape=_all_rank_four,
    T=(float16, bfloat16, float32, float64),
)
def lrn_grad_op(
    input_grads: Any,
    input_image: Any,
    output_image: Any,
    *,
    depth_radius: int = 5,
    bias: float = 1.0,
    alpha: float = 1.0,
    beta: float = 0.5,
    name: str | None = None,
) -> Tensor:
    """The gradient of LRN."""


@lrn_op.kernel
def lrn_kernel(xp: Any, x: Any, **attrs: Any) -> Any:
    return lrn_kernels.lrn(x, **attrs)


@lrn_op.into
def lrn_into(xp: Any, out: Any, x: Any, **attrs: Any) -> None:
    lrn_kernels.lrn(x, **attrs, out=out)


@lrn_grad_op.kernel
def lrn_grad_kernel(xp: Any, dy: Any, x: Any, y: Any, **attrs: Any) -> Any:
    return lrn_kernels.lrn_grad(dy, x, y, **attrs)


@lrn_grad_op.into
def lrn_grad_into(xp: Any, out: Any, dy: Any, x: Any, y: Any, **attrs: Any) -> None:
    lrn_kernels.lrn_grad(dy, x, y, **attrs, out=out)


@lrn_op.gradient
def lrn_gradient(op: Operation, dy: Tensor) -> Gradients:
    attrs = {name: op.attrs[name] for name in ("depth_radius", "bias", "alpha", "beta")}
    return [lrn_grad_op(dy, op.inputs[0], op.outputs[0], **attrs)]


@lrn_op.samples
def lrn_samples(rng: np.random.Generator) -> list[Sample]:
    x = rng.normal(size=(1, 2, 2, 5))
    return [
        Sample((x,), {"depth_radius": 1, "bias": 2.0, "alpha": 0.5, "beta": 0.75}, second=False),
        Sample((x,), second=False),
    ]


@lrn_op.failing
def lrn_failing(rng: np.random.Generator) -> list[Failure]:
    return [Failure((np.ones((2, 3)),), ValueError, "rank 4")]


@lrn_grad_op.samples
def lrn_grad_samples(rng: np.random.Generator) -> list[Sample]:
    x = rng.normal(size=(1, 2, 2, 5))
    return [Sample((rng.normal(size=x.shape), x, lrn_kernels.lrn(x)), differentiable=False)]


# Batch normalisation

_OUTPUTS = "y: T, batch_mean: U, batch_variance: U, reserve_space_1: U, reserve_space_2: U"
_GRAD_INPUTS = "y_backprop: T, x: T, scale: float32, reserve_space_1: U, reserve_space_2: U"
_GRAD_OUTPUTS = "x_backprop: T, scale_backprop: U, offset_backprop: U, reserve_space_3: U, reserve_space_4: U"


@op(
    "FusedBatchNorm",
    "x: T, scale: T, offset: T, mean: T, variance: T",
    _OUTPUTS.replace("U", "T"),
    T=_PARAMETERS,
)
def fused_batch_norm_op(
    x: Any,
    scale: Any,
    offset: Any,
    mean: Any,
    variance: Any,
    *,
    epsilon: float = 0.0001,
    data_format: str = "NHWC",
    is_training: bool = True,
    name: str | None = None,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Batch normalisation by the batch's moments, or by the given ones if not training."""


@op(
    "FusedBatchNormV2",
    "x: T, scale: U, offset: U, mean: U, variance: U",
    _OUTPUTS,
    T=FLOATING,
    U=_PARAMETERS,
)
def fused_batch_norm_v2_op(
    x: Any,
    scale: Any,
    offset: Any,
    mean: Any,
    variance: Any,
    *,
    epsilon: float = 0.0001,
    data_format: str = "NHWC",
    is_training: bool = True,
    name: str | None = None,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """The same with parameters of a dtype of their own."""


@op(
    "FusedBatchNormV3",
    "x: T, scale: U, offset: U, mean: U, variance: U",
    _OUTPUTS + ", reserve_space_3: U",
    T=FLOATING,
    U=_PARAMETERS,
)
def fused_batch_norm_v3_op(
    x: Any,
    scale: Any,
    offset: Any,
    mean: Any,
    variance: Any,
    *,
    epsilon: float = 0.0001,
    data_format: str = "NHWC",
    is_training: bool = True,
    name: str | None = None,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
    """The same with a third reserve, which stays empty."""


@op(
    "FusedBatchNormGrad",
    "y_backprop: T, x: T, scale: T, reserve_space_1: T, reserve_space_2: T",
    _GRAD_OUTPUTS.replace("U", "T"),
    T=_PARAMETERS,
)
def fused_batch_norm_grad_op(
    y_backprop: Any,
    x: Any,
    scale: Any,
    reserve_space_1: Any,
    reserve_space_2: Any,
    *,
    epsilon: float = 0.0001,
    data_format: str = "NHWC",
    is_training: bool = True,
    name: str | None = None,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """The gradient of FusedBatchNorm for x, scale and offset."""


@op(
    "FusedBatchNormGradV2",
    _GRAD_INPUTS.replace("float32", "U"),
    _GRAD_OUTPUTS,
    T=FLOATING,
    U=_PARAMETERS,
)
def fused_batch_norm_grad_v2_op(
    y_backprop: Any,
    x: Any,
    scale: Any,
    reserve_space_1: Any,
    reserve_space_2: Any,
    *,
    epsilon: float = 0.0001,
    data_format: str = "NHWC",
    is_training: bool = True,
    name: str | None = None,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """The gradient of FusedBatchNormV2."""


@op(
    "FusedBatchNormGradV3",
    _GRAD_INPUTS.replace("float32", "U") + ", reserve_space_3: U",
    _GRAD_OUTPUTS.replace("reserve_space_4", "reserve_space_5").replace("reserve_space_3", "reserve_space_4"),
    T=FLOATING,
    U=_PARAMETERS,
)
def fused_batch_norm_grad_v3_op(
    y_backprop: Any,
    x: Any,
    scale: Any,
    reserve_space_1: Any,
    reserve_space_2: Any,
    reserve_space_3: Any,
    *,
    epsilon: float = 0.0001,
    data_format: str = "NHWC",
    is_training: bool = True,
    name: str | None = None,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """The gradient of FusedBatchNormV3."""


@fused_batch_norm_op.shape
@fused_batch_norm_v2_op.shape
@fused_batch_norm_v3_op.shape
def fused_batch_norm_shape(context: InferenceContext) -> list[Sizes]:
    x, channels = _checked(context, 0, range(1, 5 if not context["is_training"] else 3))
    rest: list[Sizes] = [(0,)] if len(context.definition.outputs) == 6 else []
    return [x, *[(channels,)] * 4, *rest]


@fused_batch_norm_grad_op.shape
@fused_batch_norm_grad_v2_op.shape
@fused_batch_norm_grad_v3_op.shape
def fused_batch_norm_grad_shape(context: InferenceContext) -> list[Sizes]:
    x, channels = _checked(context, 1, range(2, 5))
    return [merge_sizes(x, context.sizes[0]), (channels,), (channels,), (0,), (0,)]


def _checked(context: InferenceContext, index: int, parameters: range) -> tuple[Sizes, int | None]:
    """The shape of the images and the number of channels, on which all parameters agree."""
    axis = 1 if channels_first(check_format(context["data_format"])) else 3
    x = context.with_rank(index, 4)
    channels = x[axis]
    for i in parameters:
        (size,) = context.with_rank(i, 1)
        if size is not None and channels is not None and size != channels:
            raise ValueError(
                f"Dimensions must be equal, but are {channels} channels and {size} of {context.input_name(i)}"
            )
        channels = size if channels is None else channels
    return (*x[:axis], channels, *x[axis + 1 :]), channels


def _rows(x: Any, data_format: str, dtype: Any) -> Any:
    """The pixels of images as a matrix [pixels, channels]."""
    x = channels_last_view(x, data_format)
    return x.reshape(-1, x.shape[-1]).astype(dtype, copy=False)


def _images(rows: Any, like: Any, data_format: str) -> Any:
    shape = channels_last_view(like, data_format).shape
    return in_format(rows.reshape(shape).astype(like.dtype, copy=False), data_format)


@fused_batch_norm_op.kernel
@fused_batch_norm_v2_op.kernel
def fused_batch_norm_kernel(
    xp: Any,
    x: Any,
    scale: Any,
    offset: Any,
    mean: Any,
    variance: Any,
    *,
    epsilon: float,
    data_format: str,
    is_training: bool,
) -> Any:
    rows = _rows(x, data_format, scale.dtype)
    if is_training:
        count = max(len(rows), 1)
        mean = xp.mean(rows, 0) if len(rows) else xp.zeros_like(scale)
        centered = rows - mean
        variance = xp.einsum("ij,ij->j", centered, centered) / scale.dtype.type(count)
        reported = variance * scale.dtype.type(count / max(count - 1, 1))
    else:
        centered, reported = rows - mean, variance
    factor = scale / xp.sqrt(variance + scale.dtype.type(epsilon))
    xp.multiply(centered, factor, centered)
    xp.add(centered, offset, centered)
    return _images(centered, x, data_format), mean, reported, mean, variance


@fused_batch_norm_v3_op.kernel
def fused_batch_norm_v3_kernel(xp: Any, x: Any, scale: Any, *rest: Any, **attrs: Any) -> Any:
    return (*fused_batch_norm_kernel(xp, x, scale, *rest, **attrs), xp.zeros(0, scale.dtype))


@fused_batch_norm_grad_op.kernel
@fused_batch_norm_grad_v2_op.kernel
@fused_batch_norm_grad_v3_op.kernel
def fused_batch_norm_grad_kernel(
    xp: Any,
    dy: Any,
    x: Any,
    scale: Any,
    mean: Any,
    variance: Any,
    *reserve: Any,
    epsilon: float,
    data_format: str,
    is_training: bool,
) -> Any:
    rows, grads = _rows(x, data_format, scale.dtype), _rows(dy, data_format, scale.dtype)
    inverse = 1 / xp.sqrt(variance + scale.dtype.type(epsilon))
    unit = (rows - mean) * inverse
    doffset = xp.sum(grads, 0)
    dscale = xp.einsum("ij,ij->j", grads, unit)
    if is_training:
        count = scale.dtype.type(max(len(rows), 1))
        xp.multiply(unit, dscale / count, unit)
        xp.subtract(grads - doffset / count, unit, unit)
        xp.multiply(unit, scale * inverse, unit)
    else:
        unit = grads * (scale * inverse)
    empty = xp.zeros(0, scale.dtype)
    return _images(unit, x, data_format), dscale, doffset, empty, empty


def _batch_norm_gradient(grad: Op[..., Any], op: Operation, dys: tuple[Tensor | None, ...]) -> Gradients:
    if dys[0] is None:
        return [None] * 5
    x, scale, _, mean, variance = op.inputs
    # Not training, the given moments are what x was normalised by.
    moments = list(op.outputs[3:]) if op.attrs["is_training"] else [mean, variance, *op.outputs[5:]]
    attrs = {name: op.attrs[name] for name in ("epsilon", "data_format", "is_training")}
    results = grad(dys[0], x, scale, *moments, **attrs)
    if op.attrs["is_training"]:
        return [*results[:3], None, None]
    inverse = rsqrt_op(variance + op.attrs["epsilon"])
    factor = scale * inverse
    dmean = -(results[2] * factor)
    return [*results[:3], dmean, results[1] * factor * inverse * -0.5]


@fused_batch_norm_op.gradient
def fused_batch_norm_gradient(op: Operation, *dys: Tensor | None) -> Gradients:
    return _batch_norm_gradient(fused_batch_norm_grad_op, op, dys)


@fused_batch_norm_v2_op.gradient
def fused_batch_norm_v2_gradient(op: Operation, *dys: Tensor | None) -> Gradients:
    return _batch_norm_gradient(fused_batch_norm_grad_v2_op, op, dys)


@fused_batch_norm_v3_op.gradient
def fused_batch_norm_v3_gradient(op: Operation, *dys: Tensor | None) -> Gradients:
    return _batch_norm_gradient(fused_batch_norm_grad_v3_op, op, dys)


_FORWARD: tuple[Op[..., Any], ...] = (fused_batch_norm_op, fused_batch_norm_v2_op, fused_batch_norm_v3_op)
_GRAD: tuple[Op[..., Any], ...] = (fused_batch_norm_grad_op, fused_batch_norm_grad_v2_op, fused_batch_norm_grad_v3_op)


def _forward_samples(rng: np.random.Generator) -> list[Sample]:
    # Only y is differentiated, as in TensorFlow: the moments that come with it are not.
    x = rng.normal(size=(2, 3, 2, 3))
    first = (x, rng.normal(size=3), rng.normal(size=3), np.ones(3), np.full(3, 2.0))
    second = (x, rng.normal(size=3), rng.normal(size=3), np.ones(3), np.full(3, 2.0))
    return [
        Sample(first, differentiable=False),
        Sample(first, {"is_training": False, "epsilon": 0.1}, differentiable=False),
        Sample(second, {"data_format": "NCHW"}, differentiable=False),
    ]


def _grad_samples(count: int) -> Any:
    def samples(rng: np.random.Generator) -> list[Sample]:
        x, dy = rng.normal(size=(2, 3, 2, 3)), rng.normal(size=(2, 3, 2, 3))
        inputs = (dy, x, rng.normal(size=3), rng.normal(size=3), rng.uniform(1, 2, size=3), np.zeros(0))[:count]
        # In training the moments are those of x, which finite differences of x alone do not see.
        return [
            Sample(inputs, {}, gradients=(0, 2), second=False),
            Sample(inputs, {"is_training": False}, gradients=(0, 1, 2, 3, 4), second=False),
            Sample(inputs, {"data_format": "NCHW", "epsilon": 0.01}, gradients=(0, 2), second=False),
        ]

    return samples


def _forward_failing(rng: np.random.Generator) -> list[Failure]:
    ones = np.ones(3)
    return [
        Failure((np.ones((2, 3, 3)), ones, ones, ones, ones), ValueError, "rank 4"),
        Failure((np.ones((1, 2, 2, 4)), ones, ones, ones, ones), ValueError, "4 channels and 3 of scale"),
    ]


for _definition in _FORWARD:
    _definition.samples(_forward_samples)
    _definition.failing(_forward_failing)
for _definition in _GRAD:
    _definition.samples(_grad_samples(len(_definition.inputs)))
