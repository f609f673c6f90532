"""Pools of channels-last images and their gradients: by the device's library where it has the same, else by kernels."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...kernels.windows import padding_of
from ...unsupported import UnsupportedError
from ..calls import Bound, DeviceArray, gpu
from ..device import Pooling
from ..source import Kernel
from ..template import template
from ..text import is_float, is_small
from .columns import column_sums
from .compact import channels_last, compact

_FILE = "pooling.cuh"
# images, height, width, channels, output height and width, window, strides and the pads before.
_SIZES = (
    "int images, int in_h, int in_w, int channels, int out_h, int out_w, int size_h, int size_w, int stride_h, "
    "int stride_w, int pad_h, int pad_w"
)


def windows_of(bound: Bound, x: tuple[int, ...], y: tuple[int, ...]) -> tuple[int, ...]:
    """The windows of a node's pool from x to y; UnsupportedError for what has no kernel."""
    for array in (*bound.inputs, *bound.outputs):
        bound.require(array.contiguous, "strided memory")
    bound.require(is_float(bound.outputs[0].dtype), f"{bound.outputs[0].dtype}")
    bound.require(bound.attrs["data_format"] == "NHWC", "channels before the image")
    size, strides = bound.attrs["ksize"][1:3], bound.attrs["strides"][1:3]
    (top, _), (left, _) = padding_of(bound.attrs["padding"], x[1:3], size, strides)
    return (*x, *y[1:3], *size, *strides, top, left)


def _kernel(name: str, places: str, images: DeviceArray, *words: str) -> Kernel:
    """Of pools of images, whose outputs are not many more than they."""
    counter = "int" if is_small(4 * images.size) else "int64"
    return template(name, _FILE, places, images.dtype, counter, *words)


def by_library(bound: Bound, kind: str, x: DeviceArray, y: DeviceArray, windows: tuple[int, ...]) -> bool:
    """Whether the device's library does it.

    It has no part in gradients of the largest number: which of several equal ones a library takes is its own affair.
    """
    if not (x.size and y.size):
        return False
    window, strides, padding = windows[6:8], windows[8:10], windows[10:12]
    arguments: Any = (kind, x.address, y.address, x.dtype, x.shape, y.shape, window, strides, padding)
    try:
        bound.pooling(Pooling(*arguments))
    except UnsupportedError:
        return False
    return True


@gpu("MaxPool", "AvgPool")
@channels_last(0)
@compact
def pool(bound: Bound) -> None:
    """The largest number, or the mean, of each window."""
    x, out = bound.inputs[0], bound.outputs[0]
    windows = windows_of(bound, x.shape, out.shape)
    kind = "max" if bound.type == "MaxPool" else "mean"
    if by_library(bound, kind, x, out, windows):
        return
    name = f"{kind}_pool"
    bound.for_each(_kernel(name, f"const T* in, T* out, {_SIZES}", x), out.size, x, out, *windows)


@gpu("MaxPoolGrad", "_MaxPoolGradReluGrad")
@channels_last(0, 1, 2)
@compact
def max_pool_grad(bound: Bound) -> None:
    """Each number to the first maximum of its window; with the gradient of a relu before the pool, sums by channel too."""
    x, y, dy = bound.inputs
    dx, *bias = bound.outputs
    windows = windows_of(bound, x.shape, y.shape)
    places = f"const T* in, const T* pooled, const T* dy, T* dx, {_SIZES}"
    kernel = _kernel("max_pool_gradient", places, x, "true" if bias else "false")
    bound.for_each(kernel, dx.size, x, y, dy, dx, *windows)
    if bias:
        channels = x.shape[3]
        column_sums(bound, dx, dx.size // max(channels, 1), channels, bias[0])


@gpu("MaxPoolGradGrad")
@channels_last(0, 1, 2)
@compact
def max_pool_grad_grad(bound: Bound) -> None:
    """What is at the first maximum of each window."""
    x, y, ddx = bound.inputs
    out = bound.outputs[0]
    windows = windows_of(bound, x.shape, y.shape)
    places = f"const T* in, const T* pooled, const T* ddx, T* out, {_SIZES}"
    bound.for_each(_kernel("max_pool_second", places, x), out.size, x, y, ddx, out, *windows)


@gpu("AvgPoolGrad")
@channels_last(1)
@compact
def avg_pool_grad(bound: Bound) -> None:
    """Each number in equal parts to its window."""
    dy, dx = bound.inputs[1], bound.outputs[0]
    bound.require(bound.inputs[0].dtype == np.int32, "sizes of another dtype")
    windows = windows_of(bound, dx.shape, dy.shape)
    if by_library(bound, "mean gradient", dx, dy, windows):
        return
    kernel = _kernel("mean_pool_gradient", f"const T* dy, T* dx, {_SIZES}", dx)
    bound.for_each(kernel, dx.size, dy, dx, *windows)
