"""Resizing of image batches `[batch, height, width, channels]` with TF 1.15's three conventions.

Pixels are found as in the float32 arithmetic there: `align_corners`, `half_pixel_centers`, or by
default neither. Each axis is resampled on its own; gradients are the exact transposes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidArgumentError
from .results import compute_dtype, result_array, volume
from .windows import image_chunks

Array = NDArray[Any]
Size = tuple[int, int]
# For every output pixel of an axis: the inputs that it takes, and their weights.
Taps = list[tuple[NDArray[np.intp], NDArray[np.float32]]]
TapsOf = Callable[[int, int, bool, bool], Taps]

_FLOAT = np.dtype(np.float32)
_CHUNK_BYTES = 1 << 20
# Bicubic weights come from a table of this many steps, as in TF.
_STEPS = 1024


def resize_bilinear(
    images: Array,
    size: Size,
    align_corners: bool = False,
    half_pixel_centers: bool = False,
    out: Array | None = None,
) -> Array:
    """Returns the images resized to `size` (height, width) by linear interpolation, as float32.

    Raises:
        InvalidArgumentError: when a size is not positive, the rank is not 4, or both conventions
            are asked for.

    >>> resize_bilinear(np.array([[[[0.0], [2.0]]]]), (1, 4)).ravel().tolist()
    [0.0, 1.0, 2.0, 2.0]
    """
    return _resize(_linear_taps, images, size, align_corners, half_pixel_centers, out)


def resize_bicubic(
    images: Array,
    size: Size,
    align_corners: bool = False,
    half_pixel_centers: bool = False,
    out: Array | None = None,
) -> Array:
    """Returns the images resized by cubic interpolation, as float32; see `resize_bilinear`."""
    return _resize(_cubic_taps, images, size, align_corners, half_pixel_centers, out)


def resize_area(images: Array, size: Size, align_corners: bool = False, out: Array | None = None) -> Array:
    """Returns the images resized to means over the area of each new pixel, as float32."""
    _check(images.shape, size, align_corners, False)
    result = result_array((images.shape[0], *size, images.shape[3]), _FLOAT, out)
    rows = _area_weights(images.shape[1], size[0], align_corners)
    columns = _area_weights(images.shape[2], size[1], align_corners)
    for some in _images(images):
        pixels = images[some].astype(np.float32, copy=False)
        lines = np.matmul(rows, pixels.reshape(*pixels.shape[:2], -1))
        lines = lines.reshape(len(pixels), size[0], *pixels.shape[2:])
        result[some] = np.matmul(columns, lines)
    return result


def resize_nearest(
    images: Array,
    size: Size,
    align_corners: bool = False,
    half_pixel_centers: bool = False,
    out: Array | None = None,
) -> Array:
    """Returns the images resized by taking the nearest pixel, in their own dtype."""
    _check(images.shape, size, align_corners, half_pixel_centers)
    result = result_array((images.shape[0], *size, images.shape[3]), images.dtype, out)
    rows = _nearest(images.shape[1], size[0], align_corners, half_pixel_centers)
    columns = _nearest(images.shape[2], size[1], align_corners, half_pixel_centers)
    result[...] = images[:, rows[:, None], columns[None, :]]
    return result


def resize_bilinear_grad(
    dy: Array,
    input_shape: tuple[int, ...],
    dtype: np.dtype[Any] = _FLOAT,
    align_corners: bool = False,
    half_pixel_centers: bool = False,
    out: Array | None = None,
) -> Array:
    """Returns the gradient of `resize_bilinear` for images of the given shape, in `dtype`."""
    how = (align_corners, half_pixel_centers)
    return _resize_grad(_linear_taps, dy, input_shape, dtype, how, out)


def resize_bicubic_grad(
    dy: Array,
    input_shape: tuple[int, ...],
    dtype: np.dtype[Any] = _FLOAT,
    align_corners: bool = False,
    half_pixel_centers: bool = False,
    out: Array | None = None,
) -> Array:
    """Returns the gradient of `resize_bicubic` for images of the given shape, in `dtype`."""
    how = (align_corners, half_pixel_centers)
    return _resize_grad(_cubic_taps, dy, input_shape, dtype, how, out)


def resize_nearest_grad(
    dy: Array,
    size: Size,
    align_corners: bool = False,
    half_pixel_centers: bool = False,
    out: Array | None = None,
) -> Array:
    """Returns the gradient of `resize_nearest` for images of `size` (height, width)."""
    shape = (dy.shape[0], *size, dy.shape[3])
    _check(shape, dy.shape[1:3], align_corners, half_pixel_centers)
    result = result_array(shape, dy.dtype, out)
    dtype = compute_dtype(dy.dtype)
    rows = _nearest(size[0], dy.shape[1], align_corners, half_pixel_centers)
    columns = _nearest(size[1], dy.shape[2], align_corners, half_pixel_centers)
    for some in _images(dy):
        lines = _sum_along(dy[some].astype(dtype, copy=False), rows, size[0], 1)
        result[some] = _sum_along(lines, columns, size[1], 2)
    return result


def resized_from(
    kind: str, inputs: int, outputs: int, align_corners: bool = False, half_pixel_centers: bool = False
) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float32]]:
    """Returns what an axis is resized by: (outputs, inputs, weights), each output a sum of inputs times weights.

    `kind` is "nearest", "bilinear", "bicubic" or "area"; the last knows no half pixels.

    >>> [a.tolist() for a in resized_from("nearest", 2, 3)]
    [[0, 1, 2], [0, 0, 1], [1.0, 1.0, 1.0]]
    """
    how = inputs, outputs, align_corners, half_pixel_centers
    if kind == "area":
        weights = _area_weights(inputs, outputs, align_corners)
        rows, columns = np.nonzero(weights)
        return rows, columns, weights[rows, columns]
    if kind == "nearest":
        return np.arange(outputs), _nearest(*how), np.ones(outputs, np.float32)
    taps = _linear_taps(*how) if kind == "bilinear" else _cubic_taps(*how)
    places, parts = (np.stack(np.broadcast_arrays(*values), 1) for values in zip(*taps, strict=True))
    return np.repeat(np.arange(outputs), len(taps)), places.reshape(-1), parts.reshape(-1)


def _resize(
    taps_of: TapsOf,
    images: Array,
    size: Size,
    align_corners: bool,
    half_pixel_centers: bool,
    out: Array | None,
) -> Array:
    _check(images.shape, size, align_corners, half_pixel_centers)
    result = result_array((images.shape[0], *size, images.shape[3]), _FLOAT, out)
    rows = taps_of(images.shape[1], size[0], align_corners, half_pixel_centers)
    columns = taps_of(images.shape[2], size[1], align_corners, half_pixel_centers)
    needed, rows = _only_needed(rows)
    for some in _images(images):
        lines = _resample(images[some][:, needed], columns, 2)
        result[some] = _resample(lines, rows, 1)
    return result


def _resize_grad(
    taps_of: TapsOf,
    dy: Array,
    input_shape: tuple[int, ...],
    dtype: np.dtype[Any],
    how: tuple[bool, bool],
    out: Array | None,
) -> Array:
    _check(input_shape, dy.shape[1:3], *how)
    _check_grad(dy, input_shape)
    result = result_array(tuple(input_shape), dtype, out)
    rows = taps_of(input_shape[1], dy.shape[1], *how)
    columns = taps_of(input_shape[2], dy.shape[2], *how)
    wide = compute_dtype(dtype)
    for some in _images(dy):
        lines = _spread(dy[some].astype(wide, copy=False), rows, input_shape[1], 1)
        result[some] = _spread(lines, columns, input_shape[2], 2)
    return result


def _images(images: Array) -> Any:
    return image_chunks(images.shape[0], volume(images.shape[1:]) * 4, _CHUNK_BYTES)


def _scale(inputs: int, outputs: int, align_corners: bool) -> np.float32:
    if align_corners and outputs > 1:
        return np.float32(inputs - 1) / np.float32(outputs - 1)
    return np.float32(inputs) / np.float32(outputs)


def _positions(inputs: int, outputs: int, align_corners: bool, half_pixel_centers: bool) -> NDArray[np.float32]:
    scale = _scale(inputs, outputs, align_corners)
    pixels = np.arange(outputs, dtype=np.float32)
    half = np.float32(0.5)
    return (pixels + half) * scale - half if half_pixel_centers else pixels * scale


def _linear_taps(inputs: int, outputs: int, align: bool, half: bool) -> Taps:
    position = _positions(inputs, outputs, align, half)
    below = np.floor(position)
    low = np.maximum(below, 0).astype(np.intp)
    high = np.minimum(np.ceil(position), inputs - 1).astype(np.intp)
    part = (position - below).astype(np.float32)
    # On the very edge `low` may lie past `high`: both are then the last pixel.
    return [(np.minimum(low, inputs - 1), np.float32(1) - part), (high, part)]


def _cubic_taps(inputs: int, outputs: int, align: bool, half: bool) -> Taps:
    position = _positions(inputs, outputs, align, half)
    below = np.floor(position)
    steps = np.rint((position - below) * np.float32(_STEPS)).astype(np.intp)
    near, far = _cubic_table(-0.5 if half else -0.75)
    weights = np.stack([far[steps], near[steps], near[_STEPS - steps], far[_STEPS - steps]])
    wanted = below.astype(np.intp) + np.arange(-1, 3)[:, None]
    places = np.clip(wanted, 0, inputs - 1)
    if half:
        # Beyond the edge a pixel has no weight, and the others share it.
        weights = np.where(places == wanted, weights, np.float32(0))
        weights = weights / weights.sum(axis=0)
    return list(zip(places, weights.astype(np.float32), strict=True))


def _cubic_table(a: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Returns Keys' kernel at distances 0 .. 1 and 1 .. 2."""
    x = np.arange(_STEPS + 1, dtype=np.float64) / _STEPS
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    x = x + 1
    far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return near.astype(np.float32), far.astype(np.float32)


def _nearest(inputs: int, outputs: int, align: bool, half: bool) -> NDArray[np.intp]:
    scale = _scale(inputs, outputs, align)
    pixels = np.arange(outputs, dtype=np.float32)
    position = (pixels + np.float32(0.5)) * scale if half else pixels * scale
    # Half away from zero, where np.rint would go to the even neighbour.
    whole = np.floor(position + np.float32(0.5)) if align else np.floor(position)
    return np.asarray(np.clip(whole, 0, inputs - 1), dtype=np.intp)


def _area_weights(inputs: int, outputs: int, align: bool) -> NDArray[np.float32]:
    """Returns the share of each input in each output, `[outputs, inputs]`."""
    scale = float(_scale(inputs, outputs, align))
    start = np.arange(outputs)[:, None] * scale
    pixel = np.arange(int(np.ceil(outputs * scale)) + 1)
    shares = np.minimum(pixel + 1, start + scale) - np.maximum(pixel, start)
    # What would lie past the edge counts as the last pixel.
    place = np.eye(inputs)[np.minimum(pixel, inputs - 1)]
    weights = np.maximum(shares, 0.0) / scale @ place
    return np.asarray(weights, dtype=np.float32)


def _only_needed(taps: Taps) -> tuple[NDArray[np.intp], Taps]:
    """Returns the input lines that any tap takes, and the taps counted among them."""
    needed, places = np.unique(np.stack([place for place, _ in taps]), return_inverse=True)
    places = places.reshape(len(taps), -1)
    return needed, [(place, tap[1]) for place, tap in zip(places, taps, strict=True)]


def _resample(x: Array, taps: Taps, axis: int) -> Array:
    shape = (1, -1, 1, 1) if axis == 1 else (1, 1, -1, 1)
    if len(taps) == 2:
        # low + (high - low) * part, in that order, is TF's rounding.
        (low, _), (high, part) = taps
        first = x.take(low, axis).astype(np.float32, copy=False)
        return first + (x.take(high, axis) - first) * part.reshape(shape)
    parts = (x.take(p, axis).astype(np.float32, copy=False) * w.reshape(shape) for p, w in taps)
    return np.asarray(sum(parts, start=np.float32(0)))


def _spread(dy: Array, taps: Taps, size: int, axis: int) -> Array:
    shape = (1, -1, 1, 1) if axis == 1 else (1, 1, -1, 1)
    parts = [_sum_along(dy * w.astype(dy.dtype).reshape(shape), p, size, axis) for p, w in taps]
    return np.asarray(sum(parts[1:], start=parts[0]))


def _sum_along(dy: Array, places: NDArray[np.intp], size: int, axis: int) -> Array:
    """Adds up the lines of an axis that go to equal places; the places do not decrease."""
    starts = np.flatnonzero(np.diff(places, prepend=-1))
    shape = (*dy.shape[:axis], size, *dy.shape[axis + 1 :])
    result = np.zeros(shape, dy.dtype)
    if dy.size:
        target = (slice(None),) * axis + (places[starts],)
        result[target] = np.add.reduceat(dy, starts, axis=axis)
    return result


def _check(shape: tuple[int, ...], size: tuple[int, ...], align_corners: bool, half_pixel_centers: bool) -> None:
    if len(shape) != 4:
        raise InvalidArgumentError(
            None, None, f"input must be 4-dimensional [batch, height, width, channels]: got {shape}"
        )
    if len(size) != 2 or min(size) <= 0:
        raise InvalidArgumentError(None, None, f"output dimensions must be two positive sizes, got {size}")
    if min(shape[1:3]) <= 0:
        raise InvalidArgumentError(None, None, f"input image must be of non-zero size, got {shape}")
    if align_corners and half_pixel_centers:
        raise InvalidArgumentError(None, None, "If half_pixel_centers is True, align_corners must be False.")


def _check_grad(dy: Array, input_shape: tuple[int, ...]) -> None:
    if dy.ndim != 4 or (dy.shape[0], dy.shape[3]) != (input_shape[0], input_shape[3]):
        raise InvalidArgumentError(
            None,
            None,
            f"grads: expected [{input_shape[0]}, height, width, {input_shape[3]}], got {list(dy.shape)}",
        )
