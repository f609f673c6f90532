"""Colours of images: RGB to HSV and back, and the ops that change hue, saturation and contrast."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..conversion import convert_to_tensor
from ..dtypes import FLOATING, float16, float32
from ..errors import InvalidArgumentError
from ..graph import Sizes, Tensor
from ..inference import InferenceContext, show
from ..kernels import image_color as kernels
from ..registry import Op, op
from ..samples import Failure, Sample
from .products import tensordot


@op("RGBToHSV", "images: T", "output: T", T=FLOATING)
def rgb_to_hsv_op(images: Any, *, name: str | None = None) -> Tensor:
    """Hue, saturation and value of pixels whose red, green and blue lie in [0, 1]."""


@op("HSVToRGB", "images: T", "output: T", T=FLOATING)
def hsv_to_rgb_op(images: Any, *, name: str | None = None) -> Tensor:
    """Red, green and blue of pixels whose hue, saturation and value lie in [0, 1]."""


@op("AdjustContrastv2", "images: T, contrast_factor: float32", "output: T", T=(float16, float32))
def adjust_contrast_op(images: Any, contrast_factor: Any, *, name: str | None = None) -> Tensor:
    """`(x - mean) * contrast_factor + mean` with the mean of each channel of each image."""


@op("AdjustHue", "images: T, delta: float32", "output: T", T=(float16, float32))
def adjust_hue_op(images: Any, delta: Any, *, name: str | None = None) -> Tensor:
    """The RGB images with `delta` added to the hue, which goes round from 1 to 0."""


@op("AdjustSaturation", "images: T, scale: float32", "output: T", T=(float16, float32))
def adjust_saturation_op(images: Any, scale: Any, *, name: str | None = None) -> Tensor:
    """The RGB images with the saturation multiplied by `scale` and kept in [0, 1]."""


def _coloured(lowest: int) -> Callable[[InferenceContext], list[Sizes]]:
    def rule(context: InferenceContext) -> list[Sizes]:
        sizes = context.with_rank_at_least(0, lowest)
        if sizes is not None and sizes[-1] not in (None, 3):
            raise ValueError(f"the last dimension must be 3 channels, got shape {show(sizes)}")
        _check_scalar(context)
        return [sizes]

    return rule


def _check_scalar(context: InferenceContext) -> None:
    if len(context.sizes) > 1 and context.sizes[1]:
        raise ValueError(f"{context.input_name(1)} must be a scalar, got shape {show(context.sizes[1])}")


@adjust_contrast_op.shape
def adjust_contrast_shape(context: InferenceContext) -> list[Sizes]:
    _check_scalar(context)
    return [context.with_rank_at_least(0, 3)]


def _define_conversion(definition: Op[..., Any], function: Callable[..., Any]) -> None:
    def kernel(xp: Any, images: Any) -> Any:
        return function(images)

    def into(xp: Any, out: Any, images: Any) -> None:
        function(images, out)

    def samples(rng: np.random.Generator) -> list[Sample]:
        sizes = ((2, 3, 2, 3), (3,), (0, 3))
        values = [rng.uniform(size=s) for s in sizes]
        grey = np.full((2, 3), 0.5)
        return [Sample((v,), differentiable=False) for v in (*values, grey, grey * 0)]

    def failing(rng: np.random.Generator) -> list[Failure]:
        return [
            Failure((np.ones((2, 4)),), ValueError, "3 channels"),
            Failure((np.array(1.0),), ValueError, "rank at least 1"),
        ]

    definition.shape(_coloured(1))
    definition.kernel(kernel)
    definition.into(into)
    definition.samples(samples)
    definition.failing(failing)


def _scalar(value: Any) -> float:
    if np.ndim(value):
        raise InvalidArgumentError(None, None, f"expected a scalar, got shape {np.shape(value)}")
    return float(value)


def _define_adjustment(definition: Op[..., Any], function: Callable[..., Any], amounts: tuple[float, ...]) -> None:
    def kernel(xp: Any, images: Any, amount: Any) -> Any:
        return function(images, _scalar(amount))

    def into(xp: Any, out: Any, images: Any, amount: Any) -> None:
        function(images, _scalar(amount), out)

    def samples(rng: np.random.Generator) -> list[Sample]:
        images = [rng.uniform(size=size).astype(np.float32) for size in ((2, 2, 3, 3), (1, 2, 3), (0, 2, 2, 3))]
        return [Sample((x, np.float32(a)), differentiable=False) for x, a in zip(images, amounts, strict=True)]

    def failing(rng: np.random.Generator) -> list[Failure]:
        images = np.ones((2, 2, 3), np.float32)
        return [
            Failure((images[0], np.float32(1)), ValueError, "rank at least 3"),
            Failure((images, np.ones(2, np.float32)), ValueError, "must be a scalar"),
        ]

    definition.kernel(kernel)
    definition.into(into)
    definition.samples(samples)
    definition.failing(failing)


_define_conversion(rgb_to_hsv_op, kernels.rgb_to_hsv)
_define_conversion(hsv_to_rgb_op, kernels.hsv_to_rgb)
adjust_hue_op.shape(_coloured(3))
adjust_saturation_op.shape(_coloured(3))
_define_adjustment(adjust_contrast_op, kernels.adjust_contrast, (2.0, 0.5, 1.0))
_define_adjustment(adjust_hue_op, kernels.adjust_hue, (0.3, -0.6, 0.0))
_define_adjustment(adjust_saturation_op, kernels.adjust_saturation, (1.7, 0.2, 1.0))


# TensorFlow's names


def rgb_to_hsv(images: Any, name: str | None = None) -> Tensor:
    """Hue, saturation and value of RGB pixels, all in [0, 1]; the last dimension is 3.

    Example:
        >>> import headrace as tf
        >>> with tf.Session() as sess:
        ...     print(sess.run(tf.image.rgb_to_hsv([0.0, 0.5, 0.0])).round(2))
        [0.33 1.   0.5 ]
    """
    return rgb_to_hsv_op(convert_to_tensor(images, None, "images"), name=name)


def hsv_to_rgb(images: Any, name: str | None = None) -> Tensor:
    """Red, green and blue of HSV pixels, all in [0, 1]; the last dimension is 3."""
    return hsv_to_rgb_op(convert_to_tensor(images, None, "images"), name=name)


# Rows give what one of red, green, blue (or Y and so on) adds to each channel of the result.
_RGB_TO_YIQ = [
    [0.299, 0.59590059, 0.2115],
    [0.587, -0.27455667, -0.52273617],
    [0.114, -0.32134392, 0.31119955],
]
_YIQ_TO_RGB = [
    [1.0, 1.0, 1.0],
    [0.95598634, -0.27201283, -1.10674021],
    [0.6208248, -0.64720424, 1.70423049],
]
_RGB_TO_YUV = [
    [0.299, -0.14714119, 0.61497538],
    [0.587, -0.28886916, -0.51496512],
    [0.114, 0.43601035, -0.10001026],
]
_YUV_TO_RGB = [
    [1.0, 1.0, 1.0],
    [0.0, -0.394642334, 2.03206185],
    [1.13988303, -0.58062185, 0.0],
]


def _mixed(images: Any, weights: list[list[float]]) -> Tensor:
    tensor = convert_to_tensor(images, None, "images")
    kernel = convert_to_tensor(weights, tensor.dtype.base_dtype, "kernel")
    rank = tensor.shape.ndims
    if rank is None:
        raise ValueError("images must have a known rank")
    return tensordot(tensor, kernel, axes=[[rank - 1], [0]])


def rgb_to_yiq(images: Any) -> Tensor:
    """Luma and the two chroma values of NTSC television of RGB pixels; the last dimension is 3."""
    return _mixed(images, _RGB_TO_YIQ)


def yiq_to_rgb(images: Any) -> Tensor:
    """The inverse of `rgb_to_yiq`."""
    return _mixed(images, _YIQ_TO_RGB)


def rgb_to_yuv(images: Any) -> Tensor:
    """Luma and the two chroma values of PAL television of RGB pixels; the last dimension is 3."""
    return _mixed(images, _RGB_TO_YUV)


def yuv_to_rgb(images: Any) -> Tensor:
    """The inverse of `rgb_to_yuv`."""
    return _mixed(images, _YUV_TO_RGB)
