"""Windows of images laid out as channels, and their gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidArgumentError
from .results import compute_dtype, result_array
from .windows import Sizes, cut, output_sizes, padding_of, sliding

Array = NDArray[Any]


def extract_image_patches(
    images: Array,
    window: Sizes,
    strides: Sizes,
    rates: Sizes,
    padding: str,
    out: Array | None = None,
) -> Array:
    """Returns each window of `[batch, height, width, channels]` as one pixel of many channels.

    The result is `[batch, rows, columns, height * width * channels of the window]`, zeros where the
    window leaves the image; as TF 1.15's ExtractImagePatches.

    Args:
        images: any dtype.
        window: height and width.
        strides: steps between windows.
        rates: spacing of the pixels within a window.
        padding: "SAME" or "VALID".
        out: an array of the result's shape and dtype to fill instead of a new one.
    """
    pads = padding_of(padding, images.shape[1:3], window, strides, rates)
    outputs = output_sizes(images.shape[1:3], window, strides, pads, rates)
    depth = window[0] * window[1] * images.shape[3]
    result = result_array((images.shape[0], *outputs, depth), images.dtype, out)
    if not result.size:
        return result
    ranges = [(-a, size + b) for size, (a, b) in zip(images.shape[1:3], pads, strict=True)]
    views = sliding(cut(images, ranges, images.dtype), window, strides, rates)
    result[...] = views.reshape(result.shape)
    return result


def extract_image_patches_grad(
    input_shape: Sizes,
    dy: Array,
    window: Sizes,
    strides: Sizes,
    rates: Sizes,
    padding: str,
    out: Array | None = None,
) -> Array:
    """Returns the gradient of `extract_image_patches`: patches added up where they came from.

    Raises:
        InvalidArgumentError: when `dy` has another shape than the patches.
    """
    pads = padding_of(padding, input_shape[1:3], window, strides, rates)
    outputs = output_sizes(input_shape[1:3], window, strides, pads, rates)
    expected = (input_shape[0], *outputs, window[0] * window[1] * input_shape[3])
    if dy.shape != expected:
        raise InvalidArgumentError(None, None, f"grad: expected shape {list(expected)}, got {list(dy.shape)}")
    result = result_array(tuple(input_shape), dy.dtype, out)
    (top, bottom), (left, right) = pads
    height, width = input_shape[1:3]
    sizes = (input_shape[0], height + top + bottom, width + left + right, input_shape[3])
    total = np.zeros(sizes, compute_dtype(dy.dtype))
    parts = dy.reshape(*dy.shape[:3], *window, input_shape[3])
    for row in range(window[0] if dy.size else 0):
        for column in range(window[1]):
            rows = slice(row * rates[0], row * rates[0] + (outputs[0] - 1) * strides[0] + 1, strides[0])
            first = column * rates[1]
            columns = slice(first, first + (outputs[1] - 1) * strides[1] + 1, strides[1])
            total[:, rows, columns] += parts[:, :, :, row, column]
    result[...] = total[:, top : top + height, left : left + width]
    return result
