"""Depthwise convolution and its two gradients: one product and one sum a tap of the filter.

Channels are repeated `multiplier` times first, so that every tap is an element-wise product of
rows as long as the line where the stride allows.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..errors import InvalidArgumentError
from .results import compute_dtype, result_array, volume
from .scratch import scratch
from .windows import Array, Pads, Sizes, cut, image_chunks, output_sizes

_CHUNK_BYTES = 1 << 19


def depthwise_conv2d(
    x: Array,
    filters: Array,
    strides: Sizes,
    pads: Pads,
    dilations: Sizes | None = None,
    out: Array | None = None,
) -> Array:
    """Returns TF 1.15's DepthwiseConv2dNative of `x`, `[batch, *outputs, channels * multiplier]`.

    Args:
        x: `[batch, height, width, channels]`.
        filters: `[height, width, channels, multiplier]`; channel c gives outputs c * multiplier
            and following.
        strides: steps of the two spatial dimensions.
        pads: zeros before and after each, see `padding_of`.
        dilations: spacing of the taps; 1 where left out.
        out: an array to fill instead of a new one.

    Raises:
        InvalidArgumentError: when the channels differ or the window does not fit.
    """
    spread = dilations or (1,) * len(strides)
    outputs = _outputs(x.shape, filters.shape, strides, pads, spread)
    result = result_array((x.shape[0], *outputs, volume(filters.shape[-2:])), x.dtype, out)
    dtype = compute_dtype(x.dtype)
    for images, padded in _chunks(x, filters.shape[-1], pads, dtype):
        total = scratch("total", result[images].shape, dtype)
        total[...] = 0
        term = scratch("term", total.shape, dtype)
        for tap, place in _taps(filters.shape[:-2], outputs, strides, spread):
            weights = filters[tap].reshape(-1).astype(dtype, copy=False)
            _multiply(padded[place], weights, term)
            np.add(total, term, out=total)
        result[images] = total
    return result


def depthwise_conv2d_backprop_input(
    input_shape: Sizes,
    filters: Array,
    dy: Array,
    strides: Sizes,
    pads: Pads,
    dilations: Sizes | None = None,
    out: Array | None = None,
) -> Array:
    """Returns the gradient of `depthwise_conv2d` with respect to its input."""
    spread = dilations or (1,) * len(strides)
    _check_output(input_shape, filters.shape, dy, strides, pads, spread)
    result = result_array(tuple(input_shape), dy.dtype, out)
    dtype = compute_dtype(dy.dtype)
    inside = (
        slice(None),
        *(slice(a, a + n) for (a, _), n in zip(pads, input_shape[1:-1], strict=True)),
    )
    for images in image_chunks(dy.shape[0], volume(dy.shape[1:]) * dtype.itemsize, _CHUNK_BYTES):
        some = dy[images].astype(dtype, copy=False)
        sizes = (n + sum(pad) for n, pad in zip(input_shape[1:-1], pads, strict=True))
        total = scratch("total", (len(some), *sizes, dy.shape[-1]), dtype)
        total[...] = 0
        term = scratch("term", some.shape, dtype)
        for tap, place in _taps(filters.shape[:-2], dy.shape[1:-1], strides, spread):
            _multiply(some, filters[tap].reshape(-1).astype(dtype, copy=False), term)
            total[place] += term
        _fold(total[inside], filters.shape[-1], result[images])
    return result


def depthwise_conv2d_backprop_filter(
    x: Array,
    filter_shape: Sizes,
    dy: Array,
    strides: Sizes,
    pads: Pads,
    dilations: Sizes | None = None,
    out: Array | None = None,
) -> Array:
    """Returns the gradient of `depthwise_conv2d` with respect to its filters."""
    spread = dilations or (1,) * len(strides)
    _check_output(x.shape, filter_shape, dy, strides, pads, spread)
    result = result_array(tuple(filter_shape), x.dtype, out)
    dtype = compute_dtype(x.dtype)
    total = np.zeros((*filter_shape[:-2], dy.shape[-1]), dtype)
    for images, padded in _chunks(x, filter_shape[-1], pads, dtype):
        some = dy[images].astype(dtype, copy=False)
        term = scratch("term", some.shape, dtype)
        ones = np.ones(volume(some.shape[:-1]), dtype)
        for tap, place in _taps(filter_shape[:-2], dy.shape[1:-1], strides, spread):
            np.multiply(padded[place], some, out=term)
            total[tap] += ones @ term.reshape(-1, term.shape[-1])
    result[...] = total.reshape(filter_shape)
    return result


def _outputs(input_shape: Sizes, filter_shape: Sizes, strides: Sizes, pads: Pads, dilations: Sizes) -> Sizes:
    if input_shape[-1] != filter_shape[-2]:
        raise InvalidArgumentError(
            None,
            None,
            f"input and filter must have the same depth: {input_shape[-1]} vs {filter_shape[-2]}",
        )
    return output_sizes(input_shape[1:-1], filter_shape[:-2], strides, pads, dilations)


def _check_output(
    input_shape: Sizes, filter_shape: Sizes, dy: Array, strides: Sizes, pads: Pads, dilations: Sizes
) -> None:
    outputs = _outputs(input_shape, filter_shape, strides, pads, dilations)
    expected = (input_shape[0], *outputs, volume(filter_shape[-2:]))
    if dy.shape != expected:
        raise InvalidArgumentError(None, None, f"out_backprop: expected shape {list(expected)}, got {list(dy.shape)}")


def _chunks(x: Array, multiplier: int, pads: Pads, dtype: np.dtype[Any]) -> Iterator[tuple[slice, Array]]:
    """Yields runs of images, padded and with every channel `multiplier` times."""
    ranges = [(-a, size + b) for size, (a, b) in zip(x.shape[1:-1], pads, strict=True)]
    image = volume([b - a for a, b in ranges]) * x.shape[-1] * multiplier * dtype.itemsize
    for images in image_chunks(x.shape[0], image, _CHUNK_BYTES):
        some = x[images] if multiplier == 1 else np.repeat(x[images], multiplier, axis=-1)
        yield images, cut(some, ranges, dtype)


def _taps(window: Sizes, outputs: Sizes, strides: Sizes, dilations: Sizes) -> Iterator[tuple[Sizes, tuple[slice, ...]]]:
    """Yields each tap with the place in the padded input of the pixels that it meets."""
    for tap in itertools.product(*map(range, window)):
        starts = (i * dilation for i, dilation in zip(tap, dilations, strict=True))
        places = (
            slice(start, start + (size - 1) * stride + 1 if size else start, stride)
            for start, size, stride in zip(starts, outputs, strides, strict=True)
        )
        yield tap, (slice(None), *places)


def _multiply(pixels: Array, weights: Array, out: Array) -> None:
    line = pixels.shape[-2] * pixels.shape[-1]
    if pixels.strides[-2] == pixels.shape[-1] * pixels.itemsize and pixels.size:
        # Lines of pixels lie together: one long run each, with the weights repeated along it.
        rows = np.lib.stride_tricks.as_strided(
            pixels, (*pixels.shape[:-2], line), (*pixels.strides[:-2], pixels.itemsize)
        )
        np.multiply(rows, np.tile(weights, pixels.shape[-2]), out=out.reshape(rows.shape))
    else:
        np.multiply(pixels, weights, out=out)


def _fold(total: Array, multiplier: int, out: Array) -> None:
    if multiplier == 1:
        out[...] = total
    else:
        out[...] = total.reshape(*total.shape[:-1], -1, multiplier).sum(axis=-1)
