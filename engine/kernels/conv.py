"""Convolution and its two gradients on NumPy and BLAS, channels-last, for any spatial rank.

Columns of a few images at a time go into one reused workspace and from there into one matrix
product with `out=`, so that memory stays bounded and the columns stay in cache.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..errors import InvalidArgumentError
from .results import compute_dtype, result_array, volume
from .scratch import scratch
from .windows import Array, Pads, Sizes, cut, output_sizes, sliding

# Bytes of columns made at a time: inside the second-level cache, yet enough rows for BLAS.
_CHUNK_BYTES = 1 << 21
# Runs of fewer contiguous elements than this are copied faster with the pixels innermost.
_SHORT_RUN = 12
# With fewer input channels than this a product with `channels` columns wastes most of BLAS.
_FEW_CHANNELS = 5


def conv2d(
    x: Array,
    filters: Array,
    strides: Sizes,
    pads: Pads,
    dilations: Sizes | None = None,
    out: Array | None = None,
) -> Array:
    """Returns the correlation of `x` with `filters`, TF 1.15's Conv2D (and Conv3D).

    Float16 and bfloat16 are calculated in float32 and rounded once.

    Args:
        x: `[batch, *spatial, in_channels]`.
        filters: `[*window, in_channels, out_channels]`, of the dtype of x.
        strides: one step a spatial dimension.
        pads: zeros before and after each spatial dimension, see `padding_of`.
        dilations: spacing of the taps; 1 where left out.
        out: an array `[batch, *outputs, out_channels]` to fill instead of a new one.

    Raises:
        InvalidArgumentError: when the channels differ or a window does not fit.

    >>> x = np.arange(4.0).reshape(1, 4, 1, 1)
    >>> conv2d(x, np.ones((2, 1, 1, 1)), (1, 1), ((0, 0), (0, 0))).ravel().tolist()
    [1.0, 3.0, 5.0]
    """
    window, spread = filters.shape[:-2], dilations or (1,) * len(strides)
    _check_channels(x, filters)
    outputs = output_sizes(x.shape[1:-1], window, strides, pads, spread)
    result = result_array((x.shape[0], *outputs, filters.shape[-1]), x.dtype, out)
    _correlate(x, filters, strides, pads, spread, result)
    return result


def conv2d_backprop_input(
    input_shape: Sizes,
    filters: Array,
    dy: Array,
    strides: Sizes,
    pads: Pads,
    dilations: Sizes | None = None,
    out: Array | None = None,
) -> Array:
    """Returns the gradient of `conv2d` with respect to its input, `[batch, *spatial, in_channels]`.

    Each of the strides' phases is a correlation of `dy` with a flipped part of the filters, so that
    no zeros are multiplied and no columns scattered; an input of very few channels is scattered to.

    Raises:
        InvalidArgumentError: when `dy` is not what `conv2d` would have given.
    """
    spread = dilations or (1,) * len(strides)
    _check_output(input_shape, filters.shape, dy, strides, pads, spread)
    result = result_array(tuple(input_shape), dy.dtype, out)
    if dy.size == 0:
        result[...] = 0
        return result
    if filters.shape[-2] < _FEW_CHANNELS and volume(filters.shape[:-2]) > 1:
        _scatter(dy, filters, strides, pads, spread, result)
        return result
    dy, strides = _without_mixed(dy, strides, spread)
    for phase in itertools.product(*map(range, strides)):
        _backprop_phase(phase, filters, dy, strides, pads, spread, result)
    return result


def conv2d_backprop_filter(
    x: Array,
    filter_shape: Sizes,
    dy: Array,
    strides: Sizes,
    pads: Pads,
    dilations: Sizes | None = None,
    out: Array | None = None,
) -> Array:
    """Returns the gradient of `conv2d` with respect to its filters, `[*window, in, out]`.

    Raises:
        InvalidArgumentError: when `dy` is not what `conv2d` would have given.
    """
    spread = dilations or (1,) * len(strides)
    _check_output(x.shape, filter_shape, dy, strides, pads, spread)
    result = result_array(tuple(filter_shape), x.dtype, out)
    dtype = compute_dtype(x.dtype)
    rows = volume(filter_shape[:-1])
    total = scratch("filter_total", (rows, filter_shape[-1]), dtype)
    total[...] = 0
    part = scratch("filter_part", total.shape, dtype)
    for images, lines, columns in _columns(x, filter_shape[:-2], strides, pads, spread, dy.shape[1:-1]):
        rhs = _rows(dy[images, lines], "dy_rows", dtype)
        np.matmul(columns.T, rhs, out=part)
        np.add(total, part, out=total)
    result[...] = total.reshape(filter_shape)
    return result


# The functions above take the spatial rank from their arguments.
conv3d = conv2d
conv3d_backprop_input = conv2d_backprop_input
conv3d_backprop_filter = conv2d_backprop_filter


def _correlate(x: Array, filters: Array, strides: Sizes, pads: Pads, dilations: Sizes, out: Array) -> None:
    dtype = compute_dtype(x.dtype)
    weights = filters.reshape(-1, filters.shape[-1]).astype(dtype, copy=False)
    for images, lines, columns in _columns(x, filters.shape[:-2], strides, pads, dilations, out.shape[1:-1]):
        target = out[images, lines]
        if target.flags.c_contiguous and out.dtype == dtype:
            np.matmul(columns, weights, out=target.reshape(-1, target.shape[-1]))
        else:
            product = scratch("product", (columns.shape[0], weights.shape[1]), dtype)
            np.matmul(columns, weights, out=product)
            target[...] = product.reshape(target.shape)


def _columns(
    x: Array, window: Sizes, strides: Sizes, pads: Pads, dilations: Sizes, outputs: Sizes
) -> Iterator[tuple[slice, slice, Array]]:
    """Yields runs of images, runs of output lines in them, and their windows as matrix rows."""
    dtype = compute_dtype(x.dtype)
    if volume(outputs) * x.shape[0] == 0:
        return
    rows = _windows_as_they_lie(x, window, strides, pads, outputs)
    if rows is not None:
        yield slice(None), slice(None), _rows(rows, "rows", dtype)
        return
    line = volume(window) * x.shape[-1] * volume(outputs[1:]) * dtype.itemsize
    for images, lines in _pieces(x.shape[0], outputs[0], line):
        padded = _padded(x[images], lines, window[0], strides[0], pads, dilations[0], dtype)
        yield images, lines, _gathered(sliding(padded, window, strides, dilations))


def _windows_as_they_lie(x: Array, window: Sizes, strides: Sizes, pads: Pads, outputs: Sizes) -> Array | None:
    """Returns x where every window is one pixel or all of an image: no columns are needed."""
    if any(itertools.chain.from_iterable(pads)):
        return None
    if volume(window) == 1:
        return x[(slice(None), *(slice(None, None, stride) for stride in strides))]
    if window == x.shape[1:-1]:
        return x.reshape(x.shape[0], -1)
    return None


def _pieces(batch: int, lines: int, line_bytes: int) -> Iterator[tuple[slice, slice]]:
    image_bytes = max(1, line_bytes * lines)
    if image_bytes <= _CHUNK_BYTES:
        step = _CHUNK_BYTES // image_bytes
        for start in range(0, batch, step):
            yield slice(start, min(batch, start + step)), slice(0, lines)
        return
    step = max(1, _CHUNK_BYTES // line_bytes)
    for image in range(batch):
        for start in range(0, lines, step):
            yield slice(image, image + 1), slice(start, min(lines, start + step))


def _padded(
    x: Array,
    lines: slice,
    window: int,
    stride: int,
    pads: Pads,
    dilation: int,
    dtype: np.dtype[Any],
) -> Array:
    """Returns the part of the padded input that the output lines see; negative padding crops."""
    first = lines.start * stride - pads[0][0]
    last = (lines.stop - 1) * stride - pads[0][0] + (window - 1) * dilation + 1
    ranges = [(first, last)]
    for size, (before, after) in zip(x.shape[2:-1], pads[1:], strict=True):
        ranges.append((-before, size + after))
    return cut(x, ranges, dtype)


def _gathered(windows: Array) -> Array:
    """Copies windows into the workspace and returns them as `[pixels, taps * channels]`."""
    rank = (windows.ndim - 2) // 2
    pixels, taps = windows.shape[: rank + 1], windows.shape[rank + 1 :]
    if taps[-1] * taps[-2] >= _SHORT_RUN:
        columns = scratch("columns", windows.shape, windows.dtype)
        np.copyto(columns, windows)
        return columns.reshape(volume(pixels), volume(taps))
    columns = scratch("columns", (*taps, *pixels), windows.dtype)
    axes = (*range(rank + 1, windows.ndim), *range(rank + 1))
    np.copyto(columns, windows.transpose(axes))
    return columns.reshape(volume(taps), volume(pixels)).T


def _rows(x: Array, purpose: str, dtype: np.dtype[Any]) -> Array:
    """Returns x as a matrix `[pixels, channels]` of the dtype, copied only where it must be."""
    shape = (volume(x.shape[:-1]), x.shape[-1])
    if x.dtype == dtype and x.flags.c_contiguous:
        return x.reshape(shape)
    buffer = scratch(purpose, x.shape, dtype)
    np.copyto(buffer, x)
    return buffer.reshape(shape)


def _backprop_phase(
    phase: Sizes,
    filters: Array,
    dy: Array,
    strides: Sizes,
    pads: Pads,
    dilations: Sizes,
    out: Array,
) -> None:
    parts = [_phase(axis, phase, out.shape, filters, dy, strides, pads, dilations) for axis in range(len(strides))]
    target = out[(slice(None), *(part[0] for part in parts))]
    taps = filters[tuple(part[1] for part in parts)]
    if taps.size == 0:
        target[...] = 0
        return
    flipped = np.ascontiguousarray(taps.swapaxes(-1, -2))
    borders = tuple(part[2] for part in parts)
    _correlate(dy, flipped, (1,) * len(strides), borders, dilations, target)


def _scatter(dy: Array, filters: Array, strides: Sizes, pads: Pads, dilations: Sizes, out: Array) -> None:
    """Adds up the taps' shares of the input gradient, channels first for the sake of long runs."""
    dtype = compute_dtype(dy.dtype)
    weights = filters.reshape(-1, filters.shape[-1]).astype(dtype, copy=False)
    window, outputs = filters.shape[:-2], dy.shape[1:-1]
    line = weights.shape[0] * volume(outputs[1:]) * dtype.itemsize
    for images, lines in _pieces(dy.shape[0], outputs[0], line):
        rows = _rows(dy[images, lines], "dy_rows", dtype)
        shares = scratch("columns", (weights.shape[0], rows.shape[0]), dtype)
        np.matmul(weights, rows.T, out=shares)
        if lines.start == 0:
            total = _accumulator(out[images], pads, dtype)
        shape = (*window, filters.shape[-2], images.stop - images.start, lines.stop - lines.start)
        _add_shares(total, shares.reshape(*shape, *outputs[1:]), lines.start, strides, dilations)
        if lines.stop == outputs[0]:
            out[images] = np.moveaxis(_uncovered(total, pads), 0, -1)


def _accumulator(images: Array, pads: Pads, dtype: np.dtype[Any]) -> Array:
    sizes = (size + sum(pad) for size, pad in zip(images.shape[1:-1], pads, strict=True))
    total = scratch("padded", (images.shape[-1], images.shape[0], *sizes), dtype)
    total[...] = 0
    return total


def _add_shares(total: Array, shares: Array, line: int, strides: Sizes, dilations: Sizes) -> None:
    rank = len(strides)
    starts = (line * strides[0], *(0,) * (rank - 1))
    for tap in itertools.product(*map(range, shares.shape[:rank])):
        share, place = shares[tap], []
        for axis, (start, stride, dilation) in enumerate(zip(starts, strides, dilations, strict=True)):
            first = start + tap[axis] * dilation
            place.append(slice(first, first + (share.shape[axis + 2] - 1) * stride + 1, stride))
        total[(slice(None), slice(None), *place)] += share


def _uncovered(total: Array, pads: Pads) -> Array:
    inside = (slice(a, size - b) for (a, b), size in zip(pads, total.shape[2:], strict=True))
    return total[(slice(None), slice(None), *inside)]


def _phase(
    axis: int,
    phase: Sizes,
    input_shape: Sizes,
    filters: Array,
    dy: Array,
    strides: Sizes,
    pads: Pads,
    dilations: Sizes,
) -> tuple[slice, slice, tuple[int, int]]:
    """Along one axis: the inputs of a phase, their taps (last first), and the padding of dy.

    Input i meets tap k at output (i + pad - dilation * k) / stride, so the inputs whose i + pad
    leaves the same remainder see only every stride-th tap.
    """
    size, stride, before = input_shape[axis + 1], strides[axis], pads[axis][0]
    first = (phase[axis] - before) % stride
    count = len(range(first, size, stride))
    taps = len(range(phase[axis], filters.shape[axis], stride))
    meets = (first + before - phase[axis]) // stride
    reach = (taps - 1) * dilations[axis]
    left = reach - meets
    right = count + reach - left - dy.shape[axis + 1]
    last = phase[axis] + (taps - 1) * stride
    backwards = slice(last, phase[axis] - stride if phase[axis] >= stride else None, -stride)
    if taps == 0:
        backwards = slice(0, 0)
    return slice(first, None, stride), backwards, (left, right)


def _without_mixed(dy: Array, strides: Sizes, dilations: Sizes) -> tuple[Array, Sizes]:
    """Spreads dy with zeros along axes that have both a stride and a dilation: a rare mixture."""
    mixed = [s > 1 and d > 1 for s, d in zip(strides, dilations, strict=True)]
    if not any(mixed):
        return dy, strides
    steps = tuple(s if both else 1 for s, both in zip(strides, mixed, strict=True))
    sizes = ((size - 1) * step + 1 for size, step in zip(dy.shape[1:-1], steps, strict=True))
    spread = np.zeros((dy.shape[0], *sizes, dy.shape[-1]), dy.dtype)
    spread[(slice(None), *(slice(None, None, step) for step in steps))] = dy
    return spread, tuple(1 if both else s for s, both in zip(strides, mixed, strict=True))


def _check_channels(x: Array, filters: Array) -> None:
    if x.shape[-1] != filters.shape[-2]:
        raise InvalidArgumentError(
            None,
            None,
            f"input and filter must have the same depth: {x.shape[-1]} vs {filters.shape[-2]}",
        )


def _check_output(
    input_shape: Sizes, filter_shape: Sizes, dy: Array, strides: Sizes, pads: Pads, dilations: Sizes
) -> None:
    outputs = output_sizes(input_shape[1:-1], filter_shape[:-2], strides, pads, dilations)
    expected = (input_shape[0], *outputs, filter_shape[-1])
    if dy.shape != expected or input_shape[-1] != filter_shape[-2]:
        raise InvalidArgumentError(
            None,
            None,
            f"out_backprop: expected shape {list(expected)} for input {list(input_shape)} and "
            f"filter {list(filter_shape)}, got {list(dy.shape)}",
        )
