"""Convolutions of channels-last images and their two gradients."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np

from ...kernels.windows import padding_of
from ..calls import Array, Bound, Scratch, chunks_of, native

# Multiply-adds that are worth a chunk of their own: some 20 microseconds.
_CHUNK = 1_000_000
# As many channels as a panel of filters may be filled up to with zeros.
_PANEL = 32
# Sums of the filters' gradient that are kept apart, in bytes all together.
_SUMS = 8 << 20


@dataclass(frozen=True)
class Geometry:
    """The struct hr_conv: images, filters and how windows lie over them; pads are those before."""

    images: int
    in_h: int
    in_w: int
    in_c: int
    out_h: int
    out_w: int
    out_c: int
    taps_h: int
    taps_w: int
    stride_h: int
    stride_w: int
    dilation_h: int
    dilation_w: int
    pad_h: int
    pad_w: int

    @property
    def line(self) -> int:
        """Multiply-adds of a row of windows."""
        return self.out_w * self.out_c * self.taps_h * self.taps_w * self.in_c


def geometry_of(bound: Bound, x: tuple[int, ...], filters: tuple[int, ...], y: tuple[int, ...]) -> Geometry:
    """The geometry of a node's convolution from x to y; UnsupportedError for what has no native kernel."""
    for array in (*bound.inputs, *bound.outputs):
        shapes = array.dtype == np.int32 and array.ndim == 1
        bound.require(shapes or array.dtype == np.float32, f"{array.dtype}")
        bound.require(array.flags.c_contiguous, "strided memory")
    bound.require(bound.attrs["data_format"] == "NHWC", "channels before the image")
    bound.require(0 not in (*x, *filters, *y), "an empty array")
    strides, dilations = bound.attrs["strides"][1:3], (bound.attrs.get("dilations") or (1, 1, 1, 1))[1:3]
    (top, _), (left, _) = padding_of(paddings_of(bound), x[1:3], filters[:2], strides, dilations)
    return Geometry(*(*x, *y[1:], *filters[:2], *strides, *dilations, top, left))


def paddings_of(bound: Bound) -> str | list[tuple[int, int]]:
    """SAME, VALID, or the pairs of the image's dimensions."""
    explicit = bound.attrs.get("explicit_paddings")
    if bound.attrs["padding"] != "EXPLICIT" or not explicit:
        return str(bound.attrs["padding"])
    return [(explicit[2], explicit[3]), (explicit[4], explicit[5])]


@native("Conv2D", "_FusedConv2D")
def conv2d(bound: Bound) -> None:
    """Tiles of windows by channels, read from the image; a bias is added and a relu taken in the registers."""
    x, filters, *bias = bound.inputs
    out = bound.outputs[0]
    g = geometry_of(bound, x.shape, filters.shape, out.shape)
    steps = (g.taps_w * g.in_c * g.out_c, g.in_c * g.out_c, g.out_c, 1)
    convolve(bound, g, x, pack(bound, g, filters, steps), out, bias=bias[0] if bias else None)


def pack(bound: Bound, g: Geometry, filters: Array, steps: tuple[int, ...]) -> Scratch:
    """Panels of the filters [taps_h, taps_w, in_c, out_c] that lie `steps` numbers apart."""
    count = g.taps_h * g.taps_w * g.in_c
    packed = bound.scratch(count * -(-g.out_c // _PANEL) * _PANEL * 4)
    bound.call("pack_filters_f32", g.taps_h, g.taps_h, g.taps_w, g.in_c, g.out_c, *steps, packed, filters)
    return packed


def convolve(
    bound: Bound,
    g: Geometry,
    x: Array,
    packed: Scratch,
    out: Array,
    steps: tuple[int, int, int] | None = None,
    bias: Array | None = None,
    features: Array | None = None,
) -> None:
    """Out, whose images, rows and pixels lie `steps` numbers apart, is the convolution of x, plus bias.

    It goes through a relu if the node says so, and is 0 where `features`, which lie as out does, are not positive.
    """
    row = g.out_w * g.out_c
    lines = g.images * g.out_h
    rows = min(max(1, -(-_CHUNK // g.line), -(-lines // 256)), lines)
    if rows > g.out_h // 2:
        # Whole images: no row is copied twice for windows of two chunks.
        rows = -(-rows // g.out_h) * g.out_h
    steps = steps or (g.out_h * row, row, g.out_c)
    relu = "Relu" in bound.attrs.get("fused_ops", ())
    bound.call("conv_f32", -(-lines // rows), *astuple(g), *steps, rows, out, x, packed, bias, features, relu)


@native("Conv2DBackpropInput", "_Conv2DBackpropInputReluGrad")
def conv2d_backprop_input(bound: Bound) -> None:
    """A convolution of the gradient with turned filters, one for each remainder of the places by the strides."""
    _, filters, dy, *features = bound.inputs
    out = bound.outputs[0]
    g = geometry_of(bound, out.shape, filters.shape, dy.shape)
    dilated = (g.dilation_h, g.dilation_w) != (1, 1)
    bound.require(not dilated or (g.stride_h, g.stride_w) == (1, 1), "strides and dilations")
    if g.stride_h > g.taps_h or g.stride_w > g.taps_w:
        size, chunks = chunks_of(out.size)
        bound.call("fill_f32", chunks, out.size, size, out, 0.0)
    rows, tap = g.taps_w * g.in_c * g.out_c, g.in_c * g.out_c
    steps = (-g.stride_h * rows, -g.stride_w * tap, 1, g.out_c)
    places = (g.in_h * g.in_w * g.in_c, g.stride_h * g.in_w * g.in_c, g.stride_w * g.in_c)
    for part, last, first in phases(g):
        packed = pack(bound, part, filters.reshape(-1)[last[0] * rows + last[1] * tap :], steps)
        start = (first[0] * g.in_w + first[1]) * g.in_c
        mask = features[0].reshape(-1)[start:] if features else None
        convolve(bound, part, dy, packed, out.reshape(-1)[start:], places, features=mask)


def phases(g: Geometry) -> Iterator[tuple[Geometry, tuple[int, int], tuple[int, int]]]:
    """For each part of the input's gradient: the convolution of dy that it is, its last tap and its first place.

    Taps go backwards from the last one by strides, places forwards from the first.
    """
    for taps_h, last_h, pad_h, first_h, count_h in _axis(g.in_h, g.taps_h, g.stride_h, g.dilation_h, g.pad_h):
        for taps_w, last_w, pad_w, first_w, count_w in _axis(g.in_w, g.taps_w, g.stride_w, g.dilation_w, g.pad_w):
            part = Geometry(
                *(g.images, g.out_h, g.out_w, g.out_c, count_h, count_w, g.in_c, taps_h, taps_w, 1, 1),
                *(g.dilation_h, g.dilation_w, pad_h, pad_w),
            )
            yield part, (last_h, last_w), (first_h, first_w)


def _axis(size: int, taps: int, stride: int, dilation: int, pad: int) -> Iterator[tuple[int, int, int, int, int]]:
    # Input place p meets output o by tap k where p + pad = o * stride + k: the taps of a place have one remainder.
    for remainder in range(stride):
        count = -(-(taps - remainder) // stride)
        first = (remainder - pad) % stride
        places = -(-(size - first) // stride)
        if count > 0 and places > 0:
            last = remainder + (count - 1) * stride
            yield count, last, (count - 1) * dilation - (first + pad - remainder) // stride, first, places


@native("Conv2DBackpropFilter")
def conv2d_backprop_filter(bound: Bound) -> None:
    """Sums over runs of images, added up in order."""
    x, _, dy = bound.inputs
    out = bound.outputs[0]
    g = geometry_of(bound, x.shape, out.shape, dy.shape)
    work = g.images * g.out_h * g.line
    groups = max(1, min(g.images, 16, work // _CHUNK, _SUMS // out.nbytes))
    group = -(-g.images // groups)
    groups = -(-g.images // group)
    slices = 1 if groups > 4 else max(1, min(g.taps_h, work // groups // _CHUNK))
    sums: Any = out if groups == 1 else bound.scratch(groups * out.nbytes)
    bound.call("conv_filters_f32", groups * slices, *astuple(g), group, slices, sums, x, dy)
    if groups > 1:
        size, chunks = chunks_of(out.size, groups)
        bound.call("add_parts_f32", chunks, out.size, size, groups, out, sums)
