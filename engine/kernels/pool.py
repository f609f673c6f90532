"""Max and average pooling with their gradients, channels-last, for any spatial rank.

Forward and average gradients go one spatial axis at a time (a window of k by k costs 2 k passes);
gradients of the maximum go tap by tap, because the first maximum of a window gets all of it.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from ..errors import InvalidArgumentError
from .results import compute_dtype, result_array, volume
from .scratch import scratch
from .windows import Array, Pads, Sizes, image_chunks, output_sizes

_CHUNK_BYTES = 1 << 19


def max_pool(x: Array, window: Sizes, strides: Sizes, pads: Pads, out: Array | None = None) -> Array:
    """Returns the largest value of each window; padding never wins. NaN wins always.

    Args:
        x: `[batch, *spatial, channels]`, any real dtype.
        window: sizes of the window along the spatial dimensions.
        strides: steps of the window.
        pads: elements before and after each spatial dimension, see `padding_of`.
        out: an array `[batch, *outputs, channels]` to fill instead of a new one.

    >>> max_pool(np.arange(4.0).reshape(1, 4, 1), (2,), (2,), ((0, 0),)).ravel().tolist()
    [1.0, 3.0]
    """
    outputs = output_sizes(x.shape[1:-1], window, strides, pads)
    result = result_array((x.shape[0], *outputs, x.shape[-1]), x.dtype, out)
    for images in _images(x):
        _reduce(np.maximum, _lowest(x.dtype), x[images], window, strides, pads, result[images])
    return result


def max_pool_grad(
    x: Array,
    y: Array,
    dy: Array,
    window: Sizes,
    strides: Sizes,
    pads: Pads,
    out: Array | None = None,
) -> Array:
    """Returns the gradient of `max_pool`: each dy goes to the first maximum of its window.

    So does TF's MaxPoolGrad; its MaxPool3DGrad gives dy to every maximum, this one does not.

    Args:
        x: the input of the forward pool.
        y: its output.
        dy: the gradient of its output.
        window: as in the forward pool.
        strides: as in the forward pool.
        pads: as in the forward pool.
        out: an array of the shape and dtype of x to fill instead of a new one.
    """
    _check_outputs(x, {"orig_output": y, "out_backprop": dy}, window, strides, pads)
    result = result_array(x.shape, dy.dtype, out)
    bits = _bits(dy.dtype)
    for images in _images(x):
        target, largest = result[images], y[images]
        target[...] = 0
        rest = scratch("rest", largest.shape, dy.dtype)
        np.copyto(rest, dy[images])
        hit, share = scratch("hit", rest.shape, _BOOL), scratch("share", rest.shape, bits)
        for inside, outside in _taps(x.shape, largest.shape, window, strides, pads):
            np.equal(x[images][inside], largest[outside], out=hit[outside])
            # As integers, because 0 times infinity is not 0.
            rest_bits = rest[outside].view(bits)
            np.multiply(rest_bits, hit[outside], out=share[outside])
            np.subtract(rest_bits, share[outside], out=rest_bits)
            target[inside] += share[outside].view(dy.dtype)
    return result


def max_pool_grad_grad(
    x: Array,
    y: Array,
    ddx: Array,
    window: Sizes,
    strides: Sizes,
    pads: Pads,
    out: Array | None = None,
) -> Array:
    """Returns the gradient of `max_pool_grad` with respect to its dy: ddx at the first maxima."""
    _check_outputs(x, {"orig_output": y}, window, strides, pads)
    _check_same("grad", ddx, x)
    result = result_array(y.shape, ddx.dtype, out)
    for images in _images(x):
        target, largest = result[images], y[images]
        target[...] = 0
        waiting = np.ones(largest.shape, dtype=np.bool_)
        for inside, outside in _taps(x.shape, largest.shape, window, strides, pads):
            hit = np.equal(x[images][inside], largest[outside]) & waiting[outside]
            np.copyto(target[outside], ddx[images][inside], where=hit)
            waiting[outside] ^= hit
    return result


def max_pool_with_argmax(
    x: Array,
    window: Sizes,
    strides: Sizes,
    pads: Pads,
    include_batch_in_index: bool = False,
    out: tuple[Array, Array] | None = None,
) -> tuple[Array, Array]:
    """Returns the maxima and the flat index into x of the first one of each window, as int64.

    The index counts within the image, or within the whole of x with `include_batch_in_index`.
    """
    outputs = output_sizes(x.shape[1:-1], window, strides, pads)
    shape = (x.shape[0], *outputs, x.shape[-1])
    largest = result_array(shape, x.dtype, out and out[0])
    where = result_array(shape, np.dtype(np.int64), out and out[1])
    largest[...] = _lowest(x.dtype)
    where[...] = -1
    index = np.arange(volume(x.shape[1:]), dtype=np.int64).reshape(1, *x.shape[1:])
    for inside, outside in _taps(x.shape, largest.shape, window, strides, pads):
        better = (x[inside] > largest[outside]) | (where[outside] < 0)
        np.copyto(largest[outside], x[inside], where=better)
        np.copyto(where[outside], np.broadcast_to(index[inside], better.shape), where=better)
    if include_batch_in_index:
        firsts = np.arange(x.shape[0], dtype=np.int64) * volume(x.shape[1:])
        where += firsts.reshape(-1, *(1,) * (x.ndim - 1))
    return largest, where


def max_pool_grad_with_argmax(
    input_shape: Sizes,
    dy: Array,
    argmax: Array,
    include_batch_in_index: bool = False,
    out: Array | None = None,
) -> Array:
    """Returns the gradient of `max_pool_with_argmax`: dy added up at the indices.

    Raises:
        InvalidArgumentError: when an index lies outside the input.
    """
    index = _flat_index(input_shape, argmax, include_batch_in_index)
    _check_same("grad", dy, argmax)
    result = result_array(tuple(input_shape), dy.dtype, out)
    total = np.zeros(volume(input_shape), compute_dtype(dy.dtype))
    np.add.at(total, index.reshape(-1), dy.reshape(-1).astype(total.dtype, copy=False))
    result[...] = total.reshape(input_shape)
    return result


def max_pool_grad_grad_with_argmax(
    ddx: Array, argmax: Array, include_batch_in_index: bool = False, out: Array | None = None
) -> Array:
    """Returns the values of `ddx` at the indices: the second gradient of the argmax pool.

    Raises:
        InvalidArgumentError: when an index lies outside `ddx`.
    """
    index = _flat_index(ddx.shape, argmax, include_batch_in_index)
    result = result_array(argmax.shape, ddx.dtype, out)
    result[...] = ddx.reshape(-1)[index]
    return result


def avg_pool(x: Array, window: Sizes, strides: Sizes, pads: Pads, out: Array | None = None) -> Array:
    """Returns the mean of each window over what lies inside the input; arguments as `max_pool`.

    >>> avg_pool(np.arange(4.0).reshape(1, 4, 1), (3,), (2,), ((1, 1),)).ravel().tolist()
    [0.5, 2.0]
    """
    outputs = output_sizes(x.shape[1:-1], window, strides, pads)
    result = result_array((x.shape[0], *outputs, x.shape[-1]), x.dtype, out)
    dtype = compute_dtype(x.dtype)
    scale = _reciprocal_counts(x.shape, outputs, window, strides, pads, dtype)
    for images in _images(x):
        total = scratch("total", result[images].shape, dtype)
        some = x[images].astype(dtype, copy=False)
        _reduce(np.add, dtype.type(0), some, window, strides, pads, total)
        np.multiply(total, scale, out=result[images], casting="same_kind")
    return result


def avg_pool_grad(
    input_shape: Sizes,
    dy: Array,
    window: Sizes,
    strides: Sizes,
    pads: Pads,
    out: Array | None = None,
) -> Array:
    """Returns the gradient of `avg_pool`: each dy in equal parts to its window."""
    outputs = output_sizes(input_shape[1:-1], window, strides, pads)
    expected = (input_shape[0], *outputs, input_shape[-1])
    if dy.shape != expected:
        raise InvalidArgumentError(None, None, f"grad: expected shape {list(expected)}, got {list(dy.shape)}")
    result = result_array(tuple(input_shape), dy.dtype, out)
    dtype = compute_dtype(dy.dtype)
    scale = _reciprocal_counts(tuple(input_shape), outputs, window, strides, pads, dtype)
    for images in _images(result):
        share = dy[images].astype(dtype, copy=False) * scale
        for axis in reversed(range(len(window))):
            share = _spread_axis(share, axis + 1, input_shape, window[axis], strides[axis], pads[axis])
        result[images] = share
    return result


_BOOL = np.dtype(np.bool_)


def _images(x: Array) -> Iterator[slice]:
    return image_chunks(x.shape[0], volume(x.shape[1:]) * x.itemsize, _CHUNK_BYTES)


def _reduce(
    ufunc: np.ufunc,
    neutral: Any,
    x: Array,
    window: Sizes,
    strides: Sizes,
    pads: Pads,
    out: Array,
) -> None:
    last = len(window) - 1
    for axis in range(last + 1):
        shape = (*x.shape[: axis + 1], out.shape[axis + 1], *x.shape[axis + 2 :])
        target = out if axis == last else scratch(f"pooled{axis % 2}", shape, x.dtype)
        _reduce_axis(ufunc, neutral, x, axis + 1, window[axis], strides[axis], pads[axis], target)
        x = target


def _reduce_axis(
    ufunc: np.ufunc,
    neutral: Any,
    x: Array,
    axis: int,
    window: int,
    stride: int,
    pad: tuple[int, int],
    out: Array,
) -> None:
    before = (slice(None),) * axis
    ranges = [_range(tap, x.shape[axis], out.shape[axis], stride, pad[0]) for tap in range(window)]
    whole = slice(0, out.shape[axis])
    full = [i for i, (_, outside) in enumerate(ranges) if outside == whole]
    if full:
        np.copyto(out, x[(*before, ranges.pop(full[0])[0])])
    else:
        out[...] = neutral
    for inside, outside in ranges:
        target = out[(*before, outside)]
        ufunc(target, x[(*before, inside)], out=target)


def _spread_axis(dy: Array, axis: int, input_shape: Sizes, window: int, stride: int, pad: tuple[int, int]) -> Array:
    before = (slice(None),) * axis
    shape = (*dy.shape[:axis], input_shape[axis], *dy.shape[axis + 1 :])
    result = np.zeros(shape, dy.dtype)
    for tap in range(window):
        inside, outside = _range(tap, input_shape[axis], dy.shape[axis], stride, pad[0])
        result[(*before, inside)] += dy[(*before, outside)]
    return result


def _range(tap: int, size: int, outputs: int, stride: int, before: int) -> tuple[slice, slice]:
    """Returns the inputs that a tap of the window meets, and the outputs that they belong to."""
    first = max(0, -((tap - before) // stride))
    last = min(outputs - 1, (size - 1 - tap + before) // stride)
    if last < first:
        return slice(0, 0), slice(0, 0)
    start = first * stride + tap - before
    return slice(start, last * stride + tap - before + 1, stride), slice(first, last + 1)


def _taps(
    input_shape: Sizes, output_shape: Sizes, window: Sizes, strides: Sizes, pads: Pads
) -> Iterator[tuple[tuple[slice, ...], tuple[slice, ...]]]:
    """Yields for each tap, first to last, its places in the input and in the output."""
    for tap in itertools.product(*map(range, window)):
        pairs = [
            _range(i, size, outputs, stride, pad[0])
            for i, size, outputs, stride, pad in zip(
                tap, input_shape[1:-1], output_shape[1:-1], strides, pads, strict=True
            )
        ]
        yield (
            (slice(None), *(inside for inside, _ in pairs)),
            (slice(None), *(outside for _, outside in pairs)),
        )


def _reciprocal_counts(
    input_shape: Sizes,
    outputs: Sizes,
    window: Sizes,
    strides: Sizes,
    pads: Pads,
    dtype: np.dtype[Any],
) -> Array:
    """Returns one over the number of inputs in each window, `[*outputs, 1]`."""
    counts = np.ones((), dtype=np.float64)
    for size, number, k, stride, pad in zip(input_shape[1:-1], outputs, window, strides, pads, strict=True):
        start = np.arange(number) * stride - pad[0]
        inside = np.minimum(start + k, size) - np.maximum(start, 0)
        counts = counts[..., None] * np.maximum(inside, 1)
    return (1.0 / counts[..., None]).astype(dtype)


def _flat_index(shape: Sizes, argmax: Array, include_batch: bool) -> Array:
    image = volume(shape[1:])
    limit = image * shape[0] if include_batch else image
    if argmax.size and (argmax.min() < 0 or argmax.max() >= limit):
        bad = argmax[(argmax < 0) | (argmax >= limit)].flat[0]
        raise InvalidArgumentError(None, None, f"argmax index {bad} is not in [0, {limit})")
    if include_batch:
        return argmax
    firsts = np.arange(shape[0], dtype=np.int64) * image
    result: Array = argmax + firsts.reshape(-1, *(1,) * (argmax.ndim - 1))
    return result


def _lowest(dtype: np.dtype[Any]) -> Any:
    return np.iinfo(dtype).min if dtype.kind in "iu" else dtype.type(-np.inf)


def _bits(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return np.dtype(f"i{dtype.itemsize}")


def _check_outputs(x: Array, arrays: dict[str, Array], window: Sizes, strides: Sizes, pads: Pads) -> None:
    outputs = output_sizes(x.shape[1:-1], window, strides, pads)
    expected = (x.shape[0], *outputs, x.shape[-1])
    for name, array in arrays.items():
        if array.shape != expected:
            raise InvalidArgumentError(None, None, f"{name}: expected shape {list(expected)}, got {list(array.shape)}")


def _check_same(name: str, array: Array, other: Array) -> None:
    if array.shape != other.shape:
        raise InvalidArgumentError(None, None, f"{name}: expected shape {list(other.shape)}, got {list(array.shape)}")
