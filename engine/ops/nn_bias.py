"""Adding a bias to each channel, the affine layers of TensorFlow 1 built on it, and l2_loss."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dtypes import FLOATING, NUMERIC
from ..graph import Operation, Sizes, Tensor, get_default_graph
from ..inference import InferenceContext, scalar_shape
from ..registry import op
from ..samples import Failure, Sample
from .linalg import matmul_op
from .nn_activations import relu_op

Gradients = list[Any]


def check_format(data_format: str) -> str:
    """The data format, where it is one; ValueError otherwise."""
    if data_format not in ("NHWC", "NCHW"):
        raise ValueError(f"data_format must be 'NHWC' or 'NCHW', got {data_format!r}")
    return data_format


def channel_axis(data_format: str) -> int:
    """Which axis holds the channels."""
    return 1 if data_format.startswith("NC") else -1


def _by_channel(bias: Any, rank: int, data_format: str) -> Any:
    return bias.reshape(-1, *(1,) * (rank - 2)) if channel_axis(data_format) == 1 else bias


@op("BiasAdd", "value: T, bias: T", "output: T", T=NUMERIC)
def bias_add_op(value: Any, bias: Any, *, data_format: str = "NHWC", name: str | None = None) -> Tensor:
    """Value + bias, a vector with one number a channel."""


@op("BiasAddV1", "value: T, bias: T", "output: T", T=NUMERIC)
def bias_add_v1_op(value: Any, bias: Any, *, name: str | None = None) -> Tensor:
    """Value + bias, a vector with one number for each place along the last axis."""


@bias_add_op.shape
@bias_add_v1_op.shape
def bias_add_shape(context: InferenceContext) -> list[Sizes]:
    data_format = check_format(context.attrs.get("data_format", "NHWC"))
    value = context.with_rank_at_least(0, 3 if data_format == "NCHW" else 2)
    (size,) = context.with_rank(1, 1)
    if value is None:
        return [None]
    axis = channel_axis(data_format) % len(value)
    channels = value[axis]
    if size is not None and channels is not None and size != channels:
        raise ValueError(f"Dimensions must be equal, but are {channels} channels and a bias of {size}")
    return [(*value[:axis], size if channels is None else channels, *value[axis + 1 :])]


@bias_add_op.scalar
def bias_add_scalar(value: Any, bias: Any, *, data_format: str) -> Any:
    return value + bias


bias_add_op.scalar_when = lambda attrs: attrs["data_format"] == "NHWC"


@bias_add_v1_op.scalar
def bias_add_v1_scalar(value: Any, bias: Any) -> Any:
    return value + bias


@bias_add_op.kernel
def bias_add_kernel(xp: Any, value: Any, bias: Any, *, data_format: str) -> Any:
    return value + _by_channel(bias, value.ndim, data_format)


@bias_add_op.into
def bias_add_into(xp: Any, out: Any, value: Any, bias: Any, *, data_format: str) -> None:
    xp.add(value, _by_channel(bias, value.ndim, data_format), out)


@bias_add_op.gradient
def bias_add_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [dy, bias_add_grad_op(dy, data_format=op.attrs["data_format"])]


@bias_add_v1_op.gradient
def bias_add_v1_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [dy, bias_add_grad_op(dy)]


@bias_add_op.samples
def bias_add_samples(rng: np.random.Generator) -> list[Sample]:
    return [
        Sample((rng.normal(size=(2, 3)), rng.normal(size=3))),
        Sample((rng.normal(size=(2, 2, 2, 3)), rng.normal(size=3))),
        Sample((rng.normal(size=(2, 3, 2, 4)), rng.normal(size=3)), {"data_format": "NCHW"}),
        Sample((rng.normal(size=(0, 3)), rng.normal(size=3))),
    ]


@bias_add_v1_op.samples
def bias_add_v1_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((rng.normal(size=(2, 3)), rng.normal(size=3)))]


@bias_add_op.failing
def bias_add_failing(rng: np.random.Generator) -> list[Failure]:
    return [
        Failure((np.ones((2, 3)), np.ones(4)), ValueError, "3 channels.*4"),
        Failure((np.ones((2, 3)), np.ones((1, 3))), ValueError, "rank 1"),
        Failure((np.ones(3), np.ones(3)), ValueError, "rank at least 2"),
        Failure((np.ones((2, 3)), np.ones(3)), ValueError, "data_format", {"data_format": "NWHC"}),
    ]


@bias_add_v1_op.failing
def bias_add_v1_failing(rng: np.random.Generator) -> list[Failure]:
    return [Failure((np.ones((2, 3)), np.ones(4)), ValueError, "3 channels.*4")]


@op("BiasAddGrad", "out_backprop: T", "output: T", T=NUMERIC)
def bias_add_grad_op(out_backprop: Any, *, data_format: str = "NHWC", name: str | None = None) -> Tensor:
    """The sum over all axes but the channels'."""


@bias_add_grad_op.shape
def bias_add_grad_shape(context: InferenceContext) -> list[Sizes]:
    data_format = check_format(context["data_format"])
    sizes = context.with_rank_at_least(0, 3 if data_format == "NCHW" else 2)
    return [(None if sizes is None else sizes[channel_axis(data_format)],)]


def _other_axes(x: Any, data_format: str) -> tuple[int, ...]:
    axis = channel_axis(data_format) % x.ndim
    return tuple(i for i in range(x.ndim) if i != axis)


@bias_add_grad_op.kernel
def bias_add_grad_kernel(xp: Any, dy: Any, *, data_format: str) -> Any:
    return xp.sum(dy, _other_axes(dy, data_format), dtype=dy.dtype)


@bias_add_grad_op.into
def bias_add_grad_into(xp: Any, out: Any, dy: Any, *, data_format: str) -> None:
    if data_format == "NHWC" and dy.dtype.kind == "f" and dy.flags.c_contiguous and dy.size:
        # A product with ones runs in BLAS; a sum over the first axis does not.
        rows = dy.reshape(-1, dy.shape[-1])
        xp.matmul(xp.ones(len(rows), dy.dtype), rows, out)
    else:
        xp.sum(dy, _other_axes(dy, data_format), dy.dtype, out)


@bias_add_grad_op.gradient
def bias_add_grad_gradient(op: Operation, dy: Tensor) -> Gradients:
    from .array import fill_op, shape

    zeros = fill_op(shape(op.inputs[0]), np.zeros((), dy.dtype.numpy))
    return [bias_add_op(zeros, dy, data_format=op.attrs["data_format"])]


@bias_add_grad_op.samples
def bias_add_grad_samples(rng: np.random.Generator) -> list[Sample]:
    return [
        Sample((rng.normal(size=(2, 3)),)),
        Sample((rng.normal(size=(2, 3, 2, 4)),)),
        Sample((rng.normal(size=(2, 3, 2, 4)),), {"data_format": "NCHW"}),
        Sample((rng.normal(size=(0, 3)),)),
    ]


@bias_add_grad_op.failing
def bias_add_grad_failing(rng: np.random.Generator) -> list[Failure]:
    return [Failure((np.ones(3),), ValueError, "rank at least 2")]


@op("L2Loss", "t: T", "output: T", shape=scalar_shape, T=FLOATING)
def l2_loss_op(t: Any, *, name: str | None = None) -> Tensor:
    """Half the sum of squares."""


@l2_loss_op.kernel
def l2_loss_kernel(xp: Any, t: Any) -> Any:
    flat = t.reshape(-1)
    if t.dtype.itemsize == 2:
        flat = flat.astype(np.float32)
    return (xp.dot(flat, flat) / 2).astype(t.dtype)


@l2_loss_op.gradient
def l2_loss_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [op.inputs[0] * dy]


@l2_loss_op.samples
def l2_loss_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((rng.normal(size=(2, 3)),)), Sample((np.array(2.0),)), Sample((np.ones((0, 2)),))]


# TensorFlow's names


def bias_add(value: Any, bias: Any, data_format: str | None = None, name: str | None = None) -> Tensor:
    """`value` plus a bias for each channel.

    Args:
        value: at least 2-D; the channels lie along the last axis, or along axis 1 for "NCHW".
        bias: a vector with one element a channel, of the dtype of `value`.
        data_format: "NHWC" (also "N...C") or "NCHW" ("NC...").

    Raises:
        ValueError: the bias does not fit, or the data format is not known.
    """
    if data_format is not None:
        data_format = "NCHW" if data_format.startswith("NC") else "NHWC" if data_format[-1:] == "C" else data_format
    with get_default_graph().name_scope(name or "BiasAdd") as scope:
        return bias_add_op(value, bias, data_format=data_format or "NHWC", name=scope)


def bias_add_v1(value: Any, bias: Any, name: str | None = None) -> Tensor:
    """`value` plus a bias along the last axis, as TensorFlow's first releases had it."""
    return bias_add_v1_op(value, bias, name=name or "BiasAddV1")


def l2_loss(t: Any, name: str | None = None) -> Tensor:
    """Half the sum of the squares of `t`: `sum(t ** 2) / 2`."""
    return l2_loss_op(t, name=name)


def xw_plus_b(x: Any, weights: Any, biases: Any, name: str | None = None) -> Tensor:
    """`matmul(x, weights) + biases` for x [batch, in], weights [in, out] and biases [out]."""
    with get_default_graph().name_scope(name or "xw_plus_b") as scope:
        return bias_add_op(matmul_op(x, weights), biases, name=scope)


def relu_layer(x: Any, weights: Any, biases: Any, name: str | None = None) -> Tensor:
    """`relu(matmul(x, weights) + biases)`."""
    with get_default_graph().name_scope(name or "relu_layer") as scope:
        return relu_op(bias_add_op(matmul_op(x, weights), biases), name=scope)
