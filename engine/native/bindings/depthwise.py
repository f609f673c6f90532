"""Depthwise convolutions of channels-last images and their two gradients; channels with several filters are repeated."""

from __future__ import annotations

from dataclasses import astuple, replace
from typing import Any

from ..calls import SMALL_WORK, Array, Bound, Scratch, chunks_of, native
from .conv import Geometry, geometry_of, phases


@native("DepthwiseConv2dNative")
def depthwise(bound: Bound) -> None:
    """Sums over the taps, by vectors of channels."""
    x, filters = bound.inputs
    out = bound.outputs[0]
    g = _geometry(bound, x.shape, filters.shape, out.shape)
    places = (g.out_h * g.out_w * g.out_c, g.out_w * g.out_c, g.out_c)
    _convolve(bound, g, out, places, _repeated(bound, x, filters.shape[3]), filters, (g.taps_w * g.out_c, g.out_c))


@native("DepthwiseConv2dNativeBackpropInput")
def depthwise_backprop_input(bound: Bound) -> None:
    """Convolutions of the gradient with turned filters; the parts of a repeated channel are added up."""
    _, filters, dy = bound.inputs
    out = bound.outputs[0]
    g = _geometry(bound, out.shape, filters.shape, dy.shape)
    dilated = (g.dilation_h, g.dilation_w) != (1, 1)
    bound.require(not dilated or (g.stride_h, g.stride_w) == (1, 1), "strides and dilations")
    times = filters.shape[3]
    bound.require(times == 1 or (g.stride_h <= g.taps_h and g.stride_w <= g.taps_w), "strides longer than the filter")
    target: Any = out if times == 1 else bound.scratch(out.nbytes * times)
    if g.stride_h > g.taps_h or g.stride_w > g.taps_w:
        size, chunks = chunks_of(out.size)
        bound.call("fill_f32", chunks, out.size, size, out, 0.0)
    channels = g.out_c
    for part, last, first in phases(g):
        part = replace(part, in_c=channels, out_c=channels)
        places = tuple(s * channels for s in (g.in_h * g.in_w, g.stride_h * g.in_w, g.stride_w))
        turned = filters.reshape(-1)[(last[0] * g.taps_w + last[1]) * channels :]
        steps = (-g.stride_h * g.taps_w * channels, -g.stride_w * channels)
        _convolve(bound, part, _from(target, (first[0] * g.in_w + first[1]) * channels), places, dy, turned, steps)
    if times > 1:
        size, chunks = chunks_of(out.size, times)
        bound.call("fold_f32", chunks, out.size, size, times, out, target)


@native("DepthwiseConv2dNativeBackpropFilter")
def depthwise_backprop_filter(bound: Bound) -> None:
    """Sums over runs of images, added up in order."""
    x, _, dy = bound.inputs
    out = bound.outputs[0]
    g = _geometry(bound, x.shape, out.shape, dy.shape)
    work = g.out_h * g.out_w * g.taps_h * g.taps_w * g.out_c
    group, groups = chunks_of(g.images, work, 16 * SMALL_WORK)
    sums: Any = out if groups == 1 else bound.scratch(groups * out.nbytes)
    repeated = _repeated(bound, x, out.shape[3])
    bound.call("depthwise_filters_f32", groups, *astuple(g), group, sums, repeated, dy)
    if groups > 1:
        size, chunks = chunks_of(out.size, groups)
        bound.call("add_parts_f32", chunks, out.size, size, groups, out, sums)


def _geometry(bound: Bound, x: tuple[int, ...], filters: tuple[int, ...], y: tuple[int, ...]) -> Geometry:
    g = geometry_of(bound, x, filters, y)
    return replace(g, in_c=g.out_c)


def _from(memory: Any, start: int) -> Any:
    """What lies from number `start` on."""
    if isinstance(memory, Scratch):
        return Scratch(memory.offset + 4 * start, memory.nbytes - 4 * start)
    return memory.reshape(-1)[start:]


def _repeated(bound: Bound, x: Array, times: int) -> Any:
    """X with each channel `times` times."""
    if times == 1:
        return x
    repeated = bound.scratch(x.nbytes * times)
    size, chunks = chunks_of(x.size, times)
    bound.call("repeat_f32", chunks, x.size, size, times, repeated, x)
    return repeated


def _convolve(
    bound: Bound, g: Geometry, out: Any, places: tuple[int, ...], x: Any, filters: Array, steps: tuple[int, int]
) -> None:
    work = g.out_w * g.out_c * g.taps_h * g.taps_w
    rows, chunks = chunks_of(g.images * g.out_h, work, 16 * SMALL_WORK)
    bound.call("depthwise_f32", chunks, *astuple(g), *places, rows, *steps, out, x, filters)
