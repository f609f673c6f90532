"""Batch and layer normalisation and their gradients, with the relu beside them where a pass joined them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..calls import Bound, DeviceArray, gpu
from ..source import Kernel
from ..template import template
from ..text import is_float, is_small
from .columns import BLOCK, add_parts, slices_of
from .compact import channels_last, compact
from .softmax import by_rows

_THREADS = 256
_GRADIENTS = ("FusedBatchNormGrad", "FusedBatchNormGradV2", "FusedBatchNormGradV3")


def _kernel(name: str, places: str, *types: np.dtype[Any] | str, synchronizes: bool = False) -> Kernel:
    return template(name, "norm.cuh", places, *types, synchronizes=synchronizes, files=("columns.cuh",))


def _counter(x: DeviceArray) -> str:
    """The type that counts elements."""
    return "int" if is_small(x.size) else "int64"


def _check(bound: Bound, x: DeviceArray, scale: DeviceArray) -> tuple[int, int]:
    """Rows and channels of the images."""
    bound.require(bound.attrs["data_format"] == "NHWC", "channels before the image")
    for array in (*bound.inputs, *bound.outputs):
        bound.require(array.contiguous, "strided memory")
    bound.require(is_float(x.dtype) and x.size > 0, "no images")
    bound.require(scale.dtype in (np.float32, np.float64), f"parameters of {scale.dtype}")
    return x.size // x.shape[-1], x.shape[-1]


@gpu("FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3", "_FusedBatchNormEx")
@channels_last(0, 5)
@compact
def batch_norm(bound: Bound) -> None:
    """Moments slice by slice, what they add up to, and the normalised images."""
    x, scale, offset, *moments = bound.inputs[:5]
    added = bound.inputs[5:]
    bound.require(len(added) < 2, "more than one side input")
    rows, channels = _check(bound, x, scale)
    factor = bound.scratch((channels,), scale.dtype)
    if bound.attrs["is_training"]:
        _batch_moments(bound, x, rows, channels, factor)
    else:
        places = (
            "const T* given_mean, const T* given_variance, long long channels, double epsilon, const T* scale, T* mean, "
            "T* reported, T* saved_mean, T* saved_variance, T* factor"
        )
        numbers = channels, float(bound.attrs["epsilon"]), scale
        kernel = _kernel("given_statistics", places, scale.dtype)
        bound.for_each(kernel, channels, *moments, *numbers, *bound.outputs[1:5], factor)
    places = (
        "const T* x, const U* mean, const U* factor, const U* offset, const T* added, T* y, long long n, int channels, "
        "int relu"
    )
    kernel = _kernel("batch_normalize", places, x.dtype, scale.dtype, _counter(x))
    side: DeviceArray | int = added[0] if added else 0
    relu = int(bound.type == "_FusedBatchNormEx")
    arguments = x, bound.outputs[1], factor, offset, side, bound.outputs[0], x.size, channels, relu
    bound.for_each(kernel, x.size, *arguments)


def _batch_moments(bound: Bound, x: DeviceArray, rows: int, channels: int, factor: DeviceArray) -> None:
    scale = bound.inputs[1]
    share, slices = slices_of(rows, channels)
    parts = bound.scratch((slices, 2, channels), scale.dtype)
    places = "const T* x, long long rows, long long columns, long long share, U* parts"
    kernel = _kernel("moment_parts", places, x.dtype, scale.dtype, synchronizes=True)
    bound.launch(kernel, (-(-channels // 32), slices, 1), BLOCK, x, rows, channels, share, parts)
    sums = _summed(bound, parts)
    places = (
        "const T* x, const U* sums, long long rows, long long channels, double epsilon, const U* scale, U* mean, "
        "U* reported, U* saved_mean, U* saved_variance, U* factor"
    )
    kernel = _kernel("batch_statistics", places, x.dtype, scale.dtype)
    numbers = rows, channels, float(bound.attrs["epsilon"])
    bound.for_each(kernel, channels, x, sums, *numbers, scale, *bound.outputs[1:5], factor)


def _summed(bound: Bound, parts: DeviceArray) -> DeviceArray:
    """The sums over slices."""
    sums = bound.scratch(parts.shape[1:], parts.dtype)
    add_parts(bound, parts, sums)
    return sums


@gpu(*_GRADIENTS)
@channels_last(0, 1)
@compact
def batch_norm_gradient(bound: Bound) -> None:
    """Sums slice by slice, from which one pass makes the gradient of the images."""
    dy, *rest = bound.inputs[:5]
    _gradient(bound, dy, 0, 0, rest, bound.outputs[:3])


@gpu("_ReluGradFusedBatchNormGrad")
@channels_last(0, 1, 2, outputs=(0, 1))
@compact
def relu_gradient(bound: Bound) -> None:
    """The same where the gradient counts only where the relu let its argument through."""
    dy, features, *rest = bound.inputs
    masked = bound.outputs[0] if bound.attrs["keep_masked"] else 0
    _gradient(bound, dy, features, masked, rest, bound.outputs[1:])


def _gradient(
    bound: Bound,
    dy: DeviceArray,
    features: DeviceArray | int,
    masked: DeviceArray | int,
    rest: Sequence[DeviceArray],
    outputs: Sequence[DeviceArray],
) -> None:
    x, scale, mean, variance = rest
    dx, dscale, doffset = outputs
    rows, channels = _check(bound, x, scale)
    share, slices = slices_of(rows, channels)
    epsilon = float(bound.attrs["epsilon"])
    parts = bound.scratch((slices, 2, channels), scale.dtype)
    factors = bound.scratch((3, channels), scale.dtype)
    places = (
        "const T* dy, const T* x, const T* features, T* masked, const U* mean, const U* variance, double epsilon, "
        "long long rows, long long columns, long long share, U* parts"
    )
    kernel = _kernel("gradient_parts", places, x.dtype, scale.dtype, synchronizes=True)
    given = dy, x, features, masked, mean, variance, epsilon
    bound.launch(kernel, (-(-channels // 32), slices, 1), BLOCK, *given, rows, channels, share, parts)
    places = (
        "const T* sums, long long rows, long long channels, double epsilon, int training, const T* scale, "
        "const T* variance, T* dscale, T* doffset, T* factors"
    )
    kernel = _kernel("gradient_factors", places, scale.dtype)
    numbers = rows, channels, epsilon, int(bound.attrs["is_training"])
    bound.for_each(kernel, channels, _summed(bound, parts), *numbers, scale, variance, dscale, doffset, factors)
    places = (
        "const T* dy, const T* x, const T* features, const U* mean, const U* factors, T* dx, long long n, int channels"
    )
    kernel = _kernel("batch_gradient", places, x.dtype, scale.dtype, _counter(x))
    bound.for_each(kernel, x.size, dy, x, features, mean, factors, dx, x.size, channels)


@gpu("LayerNormalization")
@compact
def layer_norm(bound: Bound) -> None:
    """A row at a time; the result may have 16 bits."""
    bound.require_contiguous()
    x, scale, offset = bound.inputs
    y = _require_rows(bound, x, bound.outputs[0])
    n = x.shape[-1]
    rows = x.size // max(n, 1)
    wide, blocks = by_rows(bound, rows, n)
    places = "const T* x, const T* scale, const T* offset, U* y, T* means, T* inverses, double epsilon, long long rows, int n"
    kernel = _kernel("layer_norm", places, x.dtype, y.dtype, wide, synchronizes=True)
    arguments = x, scale, offset, *bound.outputs, float(bound.attrs["epsilon"]), rows, n
    bound.launch(kernel, blocks, _THREADS, *arguments)


@gpu("LayerNormalizationGrad")
@compact
def layer_norm_gradient(bound: Bound) -> None:
    """Rows, and sums of columns slice by slice; what is given may have 16 bits."""
    bound.require_contiguous()
    dy, x, scale, mean, inverse = bound.inputs
    _require_rows(bound, x, dy)
    dx, dscale, doffset = bound.outputs
    n = x.shape[-1]
    rows = x.size // max(n, 1)
    wide, blocks = by_rows(bound, rows, n)
    places = "const U* dy, const T* x, const T* scale, const T* means, const T* inverses, T* dx, long long rows, int n"
    kernel = _kernel("layer_norm_gradient", places, x.dtype, dy.dtype, wide, synchronizes=True)
    bound.launch(kernel, blocks, _THREADS, dy, x, scale, mean, inverse, dx, rows, n)
    share, slices = slices_of(rows, n)
    parts = bound.scratch((slices, 2 * n), x.dtype)
    places = (
        "const U* dy, const T* x, const T* means, const T* inverses, long long rows, long long columns, long long share, "
        "T* parts"
    )
    kernel = _kernel("layer_norm_parts", places, x.dtype, dy.dtype, synchronizes=True)
    bound.launch(kernel, (-(-n // 32), slices, 1), BLOCK, dy, x, mean, inverse, rows, n, share, parts)
    places = "const T* parts, long long rows, long long n, T* dscale, T* doffset"
    kernel = _kernel("add_layer_norm_parts", places, x.dtype, synchronizes=True)
    bound.launch(kernel, -(-2 * n // 32), BLOCK, parts, slices, n, dscale, doffset)


def _require_rows(bound: Bound, x: DeviceArray, other: DeviceArray) -> DeviceArray:
    """Rows of float32 or float64; the result, or its gradient, may be narrower than float32."""
    bound.require(x.dtype in (np.dtype(np.float32), np.dtype(np.float64)), f"{x.dtype}")
    narrow = x.dtype == np.float32 and is_float(other.dtype) and other.dtype.itemsize == 2
    bound.require(other.dtype == x.dtype or narrow, f"{other.dtype}")
    return other
