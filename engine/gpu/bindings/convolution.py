"""Convolutions of channels-last images: by the device's library where it has one, else by columns and products.

Columns are made for a run of images at a time, so that they never take more than a bounded piece of memory.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ...kernels.windows import padding_of
from ...unsupported import UnsupportedError
from ..calls import Bound, DeviceArray, gpu
from ..device import Convolution, Product
from ..source import Kernel
from ..template import template
from ..text import computed, is_float, is_small
from .columns import BLOCK, add_parts, slices_of, wide
from .compact import channels_last, compact
from .products import added

# Bytes of columns at a time.
_COLUMNS = 64 << 20
_SIZES = (
    "int in_h, int in_w, int in_c, int out_h, int out_w, int taps_h, int taps_w, int stride_h, int stride_w, "
    "int dilation_h, int dilation_w, int pad_h, int pad_w"
)


@dataclass(frozen=True)
class Geometry:
    """Images, filters and how windows lie over them; `padding` is above, below, left and right."""

    x: tuple[int, ...]
    filters: tuple[int, ...]
    y: tuple[int, ...]
    strides: tuple[int, int]
    dilations: tuple[int, int]
    padding: tuple[int, int, int, int]
    dtype: np.dtype[Any]

    @property
    def sizes(self) -> tuple[int, ...]:
        """The kernels' last arguments."""
        return (
            *self.x[1:], *self.y[1:3], *self.filters[:2], *self.strides, *self.dilations, self.padding[0], self.padding[2],
        )  # fmt: skip

    @property
    def width(self) -> int:
        """The elements of a row of columns."""
        return math.prod(self.filters[:3])

    @property
    def pixels(self) -> int:
        """The windows of an image."""
        return self.y[1] * self.y[2]

    @property
    def is_product(self) -> bool:
        """Whether the images are their own columns."""
        return (*self.filters[:2], *self.strides) == (1, 1, 1, 1) and not any(self.padding)

    @property
    def counter(self) -> str:
        """The type that counts elements."""
        return (
            "int" if is_small(math.prod(self.x), math.prod(self.y), self.room * self.pixels * self.width) else "int64"
        )

    @property
    def room(self) -> int:
        """The images of a run."""
        return min(self.x[0], max(1, _COLUMNS // max(1, self.pixels * self.width * self.dtype.itemsize)))

    def runs(self) -> Iterator[tuple[int, int]]:
        """First image and number of images of each run."""
        step = self.x[0] if self.is_product else self.room
        for start in range(0, self.x[0], max(step, 1)):
            yield start, min(step, self.x[0] - start)


def geometry_of(bound: Bound, x: tuple[int, ...], filters: tuple[int, ...], y: tuple[int, ...]) -> Geometry:
    """The geometry of a node's convolution from x to y; UnsupportedError for what has no kernel."""
    dtype = bound.outputs[0].dtype
    for array in (*bound.inputs, *bound.outputs):
        bound.require(array.contiguous, "strided memory")
        bound.require(array.dtype in (dtype, np.dtype(np.int32)), f"{array.dtype}")
    bound.require(is_float(dtype), f"{dtype}")
    bound.require(bound.attrs["data_format"] == "NHWC", "channels before the image")
    bound.require(0 not in (*x, *filters, *y), "an empty array")
    strides, dilations = bound.attrs["strides"][1:3], (bound.attrs.get("dilations") or (1, 1, 1, 1))[1:3]
    explicit, padding = bound.attrs.get("explicit_paddings"), bound.attrs["padding"]
    if padding == "EXPLICIT" and explicit:
        padding = [(explicit[2], explicit[3]), (explicit[4], explicit[5])]
    (top, bottom), (left, right) = padding_of(padding, x[1:3], filters[:2], strides, dilations)
    return Geometry(x, filters, y, tuple(strides), tuple(dilations), (top, bottom, left, right), dtype)


def by_library(bound: Bound, kind: str, g: Geometry, x: DeviceArray, filters: DeviceArray, y: DeviceArray) -> bool:
    """Whether the device's library does it."""
    compute = bound.precision if g.dtype == np.float32 else g.dtype.name
    arguments: Any = (
        kind, x.address, filters.address, y.address, g.dtype, g.x, g.filters, g.y, g.strides, g.dilations, g.padding, compute,
    )  # fmt: skip
    try:
        bound.convolution(Convolution(*arguments))
    except UnsupportedError:
        return False
    return True


def part(array: DeviceArray, start: int) -> int:
    """The address of an array's row `start`."""
    return array.address + start * math.prod(array.shape[1:]) * array.dtype.itemsize


def _kernel(name: str, places: str, dtype: np.dtype[Any], *words: str, synchronizes: bool = False) -> Kernel:
    return template(name, "convolution.cuh", places, dtype, *words, synchronizes=synchronizes, files=("columns.cuh",))


def _product(bound: Bound, dtype: np.dtype[Any], *places: Any, **options: Any) -> None:
    compute = bound.precision if dtype == np.float32 else dtype.name
    a, b, c, rows, columns, depth, leading = places
    bound.product(Product(a, b, c, rows, columns, depth, dtype, leading, compute=compute, **options))


def _columns(bound: Bound, g: Geometry) -> DeviceArray | None:
    """Room for the columns of a run."""
    if g.is_product:
        return None
    count = next(count for _, count in g.runs())
    return bound.scratch((count * g.pixels, g.width), g.dtype)


def _im2col(bound: Bound, g: Geometry, x: DeviceArray, start: int, count: int, room: DeviceArray | None) -> int:
    """The address of the columns of some images."""
    if room is None:
        return part(x, start)
    kernel = _kernel("im2col", f"const T* x, T* columns, int images, {_SIZES}", g.dtype, g.counter)
    bound.for_each(kernel, count * g.pixels * g.width, part(x, start), room, count, *g.sizes)
    return room.address


@gpu("Conv2D", "_FusedConv2D")
@channels_last(0)
@compact
def conv2d(bound: Bound) -> None:
    """Columns times filters; a bias is added and a relu taken by the product."""
    x, filters, *bias = bound.inputs
    out = bound.outputs[0]
    g = geometry_of(bound, x.shape, filters.shape, out.shape)
    relu = "Relu" in bound.attrs.get("fused_ops", ())
    if not by_library(bound, "forward", g, x, filters, out):
        products = partial(_products, bound, g, x, filters, out)
        after = {"bias": bias[0].address, "activation": "relu" if relu else ""} if bias else {}
        if after and added(bound, partial(products, **after)):
            return
        products()
    if bias:
        kernel = _kernel("add_bias", "T* x, const T* bias, long long n, int channels, int relu", g.dtype, g.counter)
        bound.for_each(kernel, out.size, out, bias[0], out.size, g.y[3], int(relu))


def _products(bound: Bound, g: Geometry, x: DeviceArray, filters: DeviceArray, out: DeviceArray, **after: Any) -> None:
    """Columns times filters, a run of images at a time."""
    room, channels = _columns(bound, g), g.y[3]
    for start, count in g.runs():
        columns = _im2col(bound, g, x, start, count, room)
        sizes = count * g.pixels, channels, g.width, (g.width, channels, channels)
        _product(bound, g.dtype, columns, filters.address, part(out, start), *sizes, **after)


@gpu("Conv2DBackpropInput", "_Conv2DBackpropInputReluGrad")
@channels_last(2, 3)
@compact
def conv2d_backprop_input(bound: Bound) -> None:
    """The gradient of columns, of which each place of the images gathers its parts."""
    _, filters, dy, *features = bound.inputs
    dx = bound.outputs[0]
    g = geometry_of(bound, dx.shape, filters.shape, dy.shape)
    mask: DeviceArray | None = features[0] if features else None
    if by_library(bound, "data", g, dx, filters, dy):
        _mask(bound, mask, dx)
        return
    room, channels = _columns(bound, g), g.y[3]
    places = f"const T* columns, const T* features, T* dx, int images, {_SIZES}"
    kernel = _kernel("col2im", places, g.dtype, g.counter)
    for start, count in g.runs():
        columns = part(dx, start) if room is None else room.address
        sizes = count * g.pixels, g.width, channels, (channels, channels, g.width)
        _product(bound, g.dtype, part(dy, start), filters.address, columns, *sizes, transpose_b=True)
        if room is not None:
            own = part(mask, start) if mask else 0
            bound.for_each(kernel, count * math.prod(g.x[1:]), room, own, part(dx, start), count, *g.sizes)
    if room is None:
        _mask(bound, mask, dx)


def _mask(bound: Bound, features: DeviceArray | None, dx: DeviceArray) -> None:
    if features is not None:
        kernel = _kernel("mask_by_features", "const T* features, T* dx, long long n", dx.dtype)
        bound.for_each(kernel, dx.size, features, dx, dx.size)


@gpu("Conv2DBackpropFilter")
@channels_last(0, 2, outputs=())
@compact
def conv2d_backprop_filter(bound: Bound) -> None:
    """Turned columns times gradients, added up over runs of images in order."""
    x, _, dy = bound.inputs
    out = bound.outputs[0]
    g = geometry_of(bound, x.shape, out.shape, dy.shape)
    if by_library(bound, "filter", g, x, out, dy):
        return
    room, channels = _columns(bound, g), g.y[3]
    for start, count in g.runs():
        columns = _im2col(bound, g, x, start, count, room)
        sizes = g.width, channels, count * g.pixels, (g.width, channels, channels)
        beta = 1.0 if start else 0.0
        _product(bound, g.dtype, columns, part(dy, start), out.address, *sizes, transpose_a=True, beta=beta)


_DEPTHWISE = "int images, int times"


@gpu("DepthwiseConv2dNative")
@channels_last(0)
@compact
def depthwise(bound: Bound) -> None:
    """Sums over the taps."""
    x, filters = bound.inputs
    out = bound.outputs[0]
    g = geometry_of(bound, x.shape, filters.shape, out.shape)
    kernel = _kernel("depthwise", f"const T* x, const T* filters, T* out, {_DEPTHWISE}, {_SIZES}", g.dtype, g.counter)
    bound.for_each(kernel, out.size, x, filters, out, g.x[0], filters.shape[3], *g.sizes)


@gpu("DepthwiseConv2dNativeBackpropInput")
@channels_last(2)
@compact
def depthwise_backprop_input(bound: Bound) -> None:
    """Each place of the images gathers what it gave."""
    _, filters, dy = bound.inputs
    dx = bound.outputs[0]
    g = geometry_of(bound, dx.shape, filters.shape, dy.shape)
    places = f"const T* dy, const T* filters, T* dx, {_DEPTHWISE}, {_SIZES}"
    kernel = _kernel("depthwise_images", places, g.dtype, g.counter)
    bound.for_each(kernel, dx.size, dy, filters, dx, g.x[0], filters.shape[3], *g.sizes)


@gpu("DepthwiseConv2dNativeBackpropFilter")
@channels_last(0, 2, outputs=())
@compact
def depthwise_backprop_filter(bound: Bound) -> None:
    """Sums over slices of the pixels, added up in order."""
    x, _, dy = bound.inputs
    out = bound.outputs[0]
    g = geometry_of(bound, x.shape, out.shape, dy.shape)
    channels, taps, rows = g.y[3], math.prod(g.filters[:2]), g.x[0] * g.pixels
    share, slices = slices_of(rows, channels * taps)
    parts = bound.scratch((slices, taps * channels), wide(g.dtype))
    places = f"const T* x, const T* dy, {computed(g.dtype)}* parts, {_DEPTHWISE}, long long share, {_SIZES}"
    kernel = _kernel("depthwise_filters", places, g.dtype, synchronizes=True)
    grid = (-(-channels // 32), slices, taps)
    bound.launch(kernel, grid, BLOCK, x, dy, parts, g.x[0], out.shape[3], share, *g.sizes)
    add_parts(bound, parts, out)
