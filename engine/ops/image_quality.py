"""How alike two images are, and how an image varies: psnr, ssim, total variation, differences, Sobel filters."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..conversion import convert_to_tensor
from ..dtypes import float32
from ..graph import Tensor, get_default_graph
from .array import reshape, shape as shape_of, stack
from .array_pad import pad
from .array_parts import concat
from .array_slice import getitem
from .binary import pow as power, subtract
from .casting import cast
from .checking import Assert
from .comparison import equal
from .grouping import value_after
from .image_convert import convert_image_dtype
from .nn_activations import relu
from .nn_convolution import depthwise_conv2d
from .nn_pooling import avg_pool
from .reduce import reduce_all, reduce_mean, reduce_prod, reduce_sum
from .unary import abs as absolute, log, square

# Of the five scales of ssim_multiscale, from Wang, Simoncelli and Bovik, 2003.
_SCALE_WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)


def total_variation(images: Any, name: str | None = None) -> Tensor:
    """The sum of the absolute differences of neighbouring pixels, for each image of a batch.

    Raises:
        ValueError: the rank is not 3 or 4.
    """
    with get_default_graph().name_scope(name or "total_variation"):
        tensor = convert_to_tensor(images, None, "images")
        rank = tensor.shape.ndims
        if rank not in (3, 4):
            raise ValueError(f"'images' must be either 3 or 4-dimensional, got shape {tensor.shape}")
        rows, columns = _differences(tensor)
        axes = [1, 2, 3] if rank == 4 else None
        result: Tensor = reduce_sum(absolute(rows), axes) + reduce_sum(absolute(columns), axes)
        return result


def _differences(images: Tensor) -> tuple[Tensor, Tensor]:
    every = slice(None)
    rows = getitem(images, (..., slice(1, None), every, every)) - getitem(images, (..., slice(None, -1), every, every))
    columns = getitem(images, (..., slice(1, None), every)) - getitem(images, (..., slice(None, -1), every))
    return rows, columns


def image_gradients(image: Any) -> tuple[Tensor, Tensor]:
    """The differences to the pixel below and to the pixel at the right of `image` [batch, height, width, channels].

    The last row of the first and the last column of the second are 0.

    Raises:
        ValueError: the rank is not 4.
    """
    tensor = convert_to_tensor(image, None, "image")
    if tensor.shape.ndims != 4:
        raise ValueError(f"image_gradients expects a 4D tensor [batch, h, w, d], not {tensor.shape}")
    rows, columns = _differences(tensor)
    below = pad(rows, np.array([[0, 0], [0, 1], [0, 0], [0, 0]], np.int32))
    right = pad(columns, np.array([[0, 0], [0, 0], [0, 1], [0, 0]], np.int32))
    for result in (below, right):
        result.set_shape(tensor.shape)
    return below, right


_SOBEL = np.array([[[-1, -2, -1], [0, 0, 0], [1, 2, 1]], [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]], np.float32)


def sobel_edges(image: Any) -> Tensor:
    """Sobel's filters of rows and of columns: [batch, height, width, channels, 2] of [batch, height, width, channels]."""
    tensor = convert_to_tensor(image, None, "image")
    sizes = tensor.sizes
    if sizes is None or len(sizes) != 4 or sizes[3] is None:
        raise ValueError(f"sobel_edges expects [batch, height, width, channels] of known depth, not {tensor.shape}")
    filters = np.tile(_SOBEL.transpose(1, 2, 0)[:, :, None, :], (1, 1, sizes[3], 1))
    padded = pad(tensor, np.array([[0, 0], [1, 1], [1, 1], [0, 0]], np.int32), mode="REFLECT")
    filtered = depthwise_conv2d(padded, convert_to_tensor(filters, tensor.dtype.base_dtype), [1, 1, 1, 1], "VALID")
    result = reshape(filtered, concat([shape_of(tensor), np.array([2], np.int32)], 0))
    result.set_shape([*sizes, 2])
    return result


def _checked_pair(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Both images, which must have at least three dimensions and the last three of them in common."""
    for tensor in (first, second):
        if tensor.sizes is not None and len(tensor.sizes) < 3:
            raise ValueError(f"images must have at least 3 dimensions, got shape {tensor.shape}")
    if first.sizes is None or second.sizes is None:
        alike = reduce_all(equal(shape_of(first)[-3:], shape_of(second)[-3:]))
        check = [Assert(alike, [shape_of(first), shape_of(second)])]
        return value_after(check, first), value_after(check, second)
    pairs = list(zip(first.sizes[-3:], second.sizes[-3:], strict=True))
    if any(a is not None and b is not None and a != b for a, b in pairs):
        raise ValueError(f"The two sets of images are not of compatible shapes: {first.shape} and {second.shape}")
    if any(a is None or b is None for a, b in pairs):
        alike = reduce_all(equal(shape_of(first)[-3:], shape_of(second)[-3:]))
        check = [Assert(alike, [shape_of(first), shape_of(second)])]
        return value_after(check, first), value_after(check, second)
    return first, second


def _compared(first: Any, second: Any, max_val: Any) -> tuple[Tensor, Tensor, Tensor]:
    """Two images and their largest value as float32 of the range that their dtype stands for."""
    x, y = convert_to_tensor(first, None, "img1"), convert_to_tensor(second, None, "img2")
    limit = convert_image_dtype(cast(convert_to_tensor(max_val), x.dtype.base_dtype), float32)
    x, y = _checked_pair(x, y)
    return convert_image_dtype(x, float32), convert_image_dtype(y, float32), limit


def psnr(a: Any, b: Any, max_val: Any, name: str | None = None) -> Tensor:
    """The peak signal-to-noise ratio in decibels between images of one shape, [...] of [..., height, width, channels].

    Args:
        a: images.
        b: images of the same shape.
        max_val: the difference between the largest and the least value there may be (255 for bytes).

    Raises:
        ValueError: the shapes differ.
    """
    with get_default_graph().name_scope(name or "PSNR"):
        x, y, limit = _compared(a, b, max_val)
        error = reduce_mean(square(x - y), [-3, -2, -1])
        return subtract(log(limit) * (20 / math.log(10.0)), log(error) * (10 / math.log(10.0)), name="psnr")


def _gaussian(size: int, sigma: float) -> Any:
    places = np.arange(size, dtype=np.float32) - (size - 1) / 2
    weights = np.exp(-0.5 * np.square(places) / sigma**2)
    kernel = np.outer(weights, weights)
    return (kernel / kernel.sum()).astype(np.float32)


def _means(x: Tensor, kernel: Any) -> Tensor:
    """Weighted means of windows of each channel."""
    sizes = x.sizes
    if sizes is None or sizes[-1] is None:
        raise ValueError(f"ssim takes images of known depth, got shape {x.shape}")
    filters = np.tile(kernel[:, :, None, None], (1, 1, sizes[-1], 1))
    if len(sizes) == 4:
        return depthwise_conv2d(x, filters, [1, 1, 1, 1], "VALID")
    whole = shape_of(x)
    found = depthwise_conv2d(reshape(x, concat([[-1], whole[-3:]], 0)), filters, [1, 1, 1, 1], "VALID")
    return reshape(found, concat([whole[:-3], shape_of(found)[1:]], 0))


def _ssim_per_channel(
    x: Tensor, y: Tensor, limit: Tensor, filter_size: int, filter_sigma: float, k1: float, k2: float
) -> tuple[Tensor, Tensor]:
    """The index of each channel, and its part that is contrast and structure without luminance."""
    for tensor in (x, y):
        known = None if tensor.sizes is None else tensor.sizes[-3:-1]
        if known is not None and any(s is not None and s < filter_size for s in known):
            raise ValueError(f"ssim needs images of at least {filter_size} pixels a side, got shape {tensor.shape}")
    kernel = _gaussian(filter_size, filter_sigma)
    c1, c2 = square(limit * k1), square(limit * k2)
    mean_x, mean_y = _means(x, kernel), _means(y, kernel)
    shared = mean_x * mean_y * 2.0
    squares = square(mean_x) + square(mean_y)
    luminance = (shared + c1) / (squares + c1)
    structure = (_means(x * y, kernel) * 2.0 - shared + c2) / (_means(square(x) + square(y), kernel) - squares + c2)
    axes = [-3, -2]
    return reduce_mean(luminance * structure, axes), reduce_mean(structure, axes)


def ssim(
    img1: Any,
    img2: Any,
    max_val: Any,
    filter_size: int = 11,
    filter_sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
) -> Tensor:
    """The index of structural similarity in [-1, 1] of images of one shape, [...] of [..., height, width, channels].

    Args:
        img1: images.
        img2: images of the same shape.
        max_val: the difference between the largest and the least value there may be.
        filter_size: pixels a side of the Gaussian window.
        filter_sigma: deviation of the window.
        k1: steadies the quotient of means.
        k2: steadies the quotient of variances.

    Raises:
        ValueError: the shapes differ, or the images are smaller than the window.
    """
    with get_default_graph().name_scope("SSIM"):
        x, y, limit = _compared(img1, img2, max_val)
        index, _ = _ssim_per_channel(x, y, limit, filter_size, filter_sigma, k1, k2)
        return reduce_mean(index, [-1])


def ssim_multiscale(
    img1: Any,
    img2: Any,
    max_val: Any,
    power_factors: Sequence[float] = _SCALE_WEIGHTS,
    filter_size: int = 11,
    filter_sigma: float = 1.5,
    k1: float = 0.01,
    k2: float = 0.03,
) -> Tensor:
    """The product of `ssim` at several scales, each half as large as the one before, raised to `power_factors`.

    Images have rank 4; the other arguments are those of `ssim`.
    """
    with get_default_graph().name_scope("MS-SSIM"):
        x, y, limit = _compared(img1, img2, max_val)
        parts: list[Tensor] = []
        index = None
        for scale in range(len(power_factors)):
            if scale:
                x, y = _halved(x), _halved(y)
            index, structure = _ssim_per_channel(x, y, limit, filter_size, filter_sigma, k1, k2)
            parts.append(relu(structure))
        if index is None:
            raise ValueError("power_factors must not be empty")
        stacked = stack([*parts[:-1], relu(index)], axis=-1)
        result = reduce_prod(power(stacked, convert_to_tensor(list(power_factors), float32)), [-1])
        return reduce_mean(result, [-1])


def _halved(images: Tensor) -> Tensor:
    """Means of two by two pixels; a last odd row or column counts twice."""
    sizes = images.sizes
    if sizes is None or len(sizes) != 4 or sizes[1] is None or sizes[2] is None:
        raise ValueError(f"ssim_multiscale takes images of rank 4 and known size, got shape {images.shape}")
    odd = [[0, 0], [0, sizes[1] % 2], [0, sizes[2] % 2], [0, 0]]
    padded = pad(images, np.array(odd, np.int32), mode="SYMMETRIC") if sizes[1] % 2 or sizes[2] % 2 else images
    return avg_pool(padded, [1, 2, 2, 1], [1, 2, 2, 1], "VALID")
