"""Colours of images whose last dimension is red, green, blue in [0, 1]: HSV, hue, contrast."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidArgumentError
from .results import compute_dtype, result_array

Array = NDArray[Any]


def rgb_to_hsv(images: Array, out: Array | None = None) -> Array:
    """Returns hue, saturation and value of each pixel, all in [0, 1].

    Raises:
        InvalidArgumentError: when the last dimension is not 3.

    >>> rgb_to_hsv(np.array([[0.0, 0.5, 0.0]])).round(3).tolist()
    [[0.333, 1.0, 0.5]]
    """
    result = result_array(images.shape, images.dtype, out)
    _check(images)
    pixels = images.astype(compute_dtype(images.dtype), copy=False)
    red, green, blue = np.moveaxis(pixels, -1, 0)
    value = pixels.max(axis=-1)
    spread = value - pixels.min(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        saturation = np.where(value > 0, spread / value, 0)
        norm = 1 / (6 * spread)
        hue = np.where(
            red == value,
            norm * (green - blue),
            np.where(green == value, norm * (blue - red) + 2 / 6, norm * (red - green) + 4 / 6),
        )
    hue = np.where(spread > 0, hue, 0)
    result[..., 0] = np.where(hue < 0, hue + 1, hue)
    result[..., 1] = saturation
    result[..., 2] = value
    return result


def hsv_to_rgb(images: Array, out: Array | None = None) -> Array:
    """Returns red, green and blue of each pixel; hue counts modulo nothing, it lies in [0, 1].

    Raises:
        InvalidArgumentError: when the last dimension is not 3.
    """
    result = result_array(images.shape, images.dtype, out)
    _check(images)
    pixels = images.astype(compute_dtype(images.dtype), copy=False)
    hue, saturation, value = pixels[..., 0] * 6, pixels[..., 1:2], pixels[..., 2:3]
    parts = (np.abs(hue - 3) - 1, 2 - np.abs(hue - 2), 2 - np.abs(hue - 4))
    colour = np.clip(np.stack(parts, axis=-1), 0, 1)
    result[...] = (1 - saturation + saturation * colour) * value
    return result


def adjust_hue(images: Array, delta: float, out: Array | None = None) -> Array:
    """Returns the images with `delta`, a part of the whole circle, added to the hue."""
    result = result_array(images.shape, images.dtype, out)
    hsv = _wide_hsv(images)
    hsv[..., 0] = np.mod(hsv[..., 0] + hsv.dtype.type(delta), 1)
    result[...] = hsv_to_rgb(hsv, hsv)
    return result


def adjust_saturation(images: Array, scale: float, out: Array | None = None) -> Array:
    """Returns the images with the saturation multiplied by `scale` and kept within [0, 1]."""
    result = result_array(images.shape, images.dtype, out)
    hsv = _wide_hsv(images)
    hsv[..., 1] = np.clip(hsv[..., 1] * hsv.dtype.type(scale), 0, 1)
    result[...] = hsv_to_rgb(hsv, hsv)
    return result


def adjust_contrast(images: Array, factor: float, out: Array | None = None) -> Array:
    """Returns `(x - mean) * factor + mean`, the mean being that of each image's channel.

    Raises:
        InvalidArgumentError: when there are fewer than three dimensions.
    """
    if images.ndim < 3:
        raise InvalidArgumentError(None, None, f"input must be at least 3-D, got shape {list(images.shape)}")
    result = result_array(images.shape, images.dtype, out)
    if not images.size:
        return result
    pixels = images.astype(compute_dtype(images.dtype), copy=False)
    mean = pixels.mean(axis=(-3, -2), keepdims=True)
    result[...] = (pixels - mean) * pixels.dtype.type(factor) + mean
    return result


def _wide_hsv(images: Array) -> Array:
    return rgb_to_hsv(images.astype(compute_dtype(images.dtype), copy=False))


def _check(images: Array) -> None:
    if images.ndim == 0 or images.shape[-1] != 3:
        raise InvalidArgumentError(None, None, f"input must have 3 channels but input has shape {list(images.shape)}")
