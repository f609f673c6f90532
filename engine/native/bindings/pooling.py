"""Pools of channels-last images and their gradients."""

from __future__ import annotations

import numpy as np

from ...kernels.windows import padding_of
from ..calls import SMALL_WORK, Bound, chunks_of, native

# images, height, width, channels, output height and width, window, strides and the pads before: the kernels' struct.
Windows = tuple[int, ...]


def windows_of(bound: Bound, x: tuple[int, ...], y: tuple[int, ...]) -> Windows:
    """The windows of a node's pool from x to y; UnsupportedError for what has no native kernel."""
    for array in (*bound.inputs, *bound.outputs):
        bound.require(array.dtype in (np.float32, np.int32), f"{array.dtype}")
        bound.require(array.flags.c_contiguous, "strided memory")
    bound.require(bound.outputs[0].dtype == np.float32, f"{bound.outputs[0].dtype}")
    bound.require(bound.attrs["data_format"] == "NHWC", "channels before the image")
    bound.require(0 not in (*x, *y), "an empty array")
    size, strides = bound.attrs["ksize"][1:3], bound.attrs["strides"][1:3]
    (top, _), (left, _) = padding_of(bound.attrs["padding"], x[1:3], size, strides)
    return (*x, *y[1:3], *size, *strides, top, left)


def _forward(kernel: str, bound: Bound) -> None:
    x, out = bound.inputs[0], bound.outputs[0]
    windows = windows_of(bound, x.shape, out.shape)
    row = out.shape[2] * out.shape[3] * windows[6] * windows[7]
    size, chunks = chunks_of(out.shape[0] * out.shape[1], row, 4 * SMALL_WORK)
    bound.call(kernel, chunks, *windows, size, out, x)


@native("MaxPool")
def max_pool(bound: Bound) -> None:
    """The largest number of each window."""
    _forward("max_pool_f32", bound)


@native("AvgPool")
def avg_pool(bound: Bound) -> None:
    """The mean of each window."""
    _forward("mean_pool_f32", bound)


def covers(windows: Windows) -> bool:
    """Whether each place of the image belongs to exactly one window."""
    _, in_h, in_w, _, out_h, out_w, size_h, size_w, stride_h, stride_w, top, left = windows
    return (size_h, size_w, top, left) == (stride_h, stride_w, 0, 0) and (out_h * size_h, out_w * size_w) == (
        in_h,
        in_w,
    )


def images_a_chunk(windows: Windows, images: int) -> tuple[int, int]:
    """(images a chunk, chunks) for a gradient over `images` images."""
    return chunks_of(images, windows[1] * windows[2] * windows[3], 4 * SMALL_WORK)


@native("MaxPoolGrad", "_MaxPoolGradReluGrad")
def max_pool_grad(bound: Bound) -> None:
    """Each number to the first maximum of its window; with the gradient of a relu before the pool, sums by channel too."""
    x, y, dy = bound.inputs
    out, *bias = bound.outputs
    windows = windows_of(bound, x.shape, y.shape)
    group, chunks = images_a_chunk(windows, x.shape[0])
    sums = bound.scratch(chunks * x.shape[3] * 4) if bias else None
    bound.call("max_pool_gradient_f32", chunks, *windows, group, covers(windows), bool(bias), out, sums, x, y, dy)
    if bias:
        bound.call("add_parts_f32", 1, x.shape[3], x.shape[3], chunks, bias[0], sums)


@native("AvgPoolGrad")
def avg_pool_grad(bound: Bound) -> None:
    """Each number in equal parts to its window."""
    dy, out = bound.inputs[1], bound.outputs[0]
    windows = windows_of(bound, out.shape, dy.shape)
    group, chunks = images_a_chunk(windows, out.shape[0])
    bound.call("mean_pool_gradient_f32", chunks, *windows, group, covers(windows), 0, out, None, None, None, dy)
