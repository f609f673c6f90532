"""Images in other dtypes, grey or coloured, brighter, with more contrast, another hue or saturation, also at random."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..conversion import convert_to_tensor
from ..dtypes import DType, as_dtype, float16, float32
from ..graph import Tensor, get_default_graph
from ..static import constant_value
from .array import identity
from .array_parts import concat
from .array_shape import size as size_of
from .binary import maximum, pow as power
from .casting import cast, saturate_cast
from .checking import Assert
from .comparison import greater_equal
from .division import div
from .grouping import value_after
from .image_color import adjust_contrast_op, adjust_hue_op, adjust_saturation_op
from .random import random_uniform
from .reduce import reduce_mean, reduce_std, reduce_sum
from .unary import rsqrt

_GREY_WEIGHTS = (0.2989, 0.5870, 0.1140)


def convert_image_dtype(image: Any, dtype: Any, saturate: bool = False, name: str | None = None) -> Tensor:
    """`image` in another dtype and its range: floats lie in [0, 1], integers between 0 and their largest.

    Args:
        image: of a floating or integer dtype.
        dtype: of the result.
        saturate: values beyond the range of `dtype` become its bounds instead of anything.

    Raises:
        TypeError: a dtype is neither floating nor integer.

    Example:
        >>> import headrace as tf
        >>> with tf.Session() as sess:
        ...     print(sess.run(tf.image.convert_image_dtype([0.0, 0.5, 1.0], tf.uint8)))
        [  0 127 255]
    """
    tensor = convert_to_tensor(image, None, "image")
    wanted, own = as_dtype(dtype), tensor.dtype.base_dtype
    for item in (own, wanted):
        if not (item.is_floating or item.is_integer):
            raise TypeError(f"convert_image_dtype takes floating and integer dtypes, got {item.name}")
    if wanted == own:
        return identity(tensor, name=name)
    convert = saturate_cast if saturate else cast
    with get_default_graph().name_scope(name or "convert_image"):
        return _converted(tensor, own, wanted, convert)


def _converted(tensor: Tensor, own: DType, wanted: DType, convert: Callable[..., Any]) -> Tensor:
    result: Tensor
    if own.is_floating and wanted.is_floating:
        result = cast(tensor, wanted)
    elif own.is_floating:
        result = convert(tensor * (wanted.max + 0.5), wanted)
    elif wanted.is_floating:
        result = cast(tensor, wanted) * (1.0 / own.max)
    elif own.max > wanted.max:
        result = convert(div(tensor, (own.max + 1) // (wanted.max + 1)), wanted)
    else:
        result = convert(tensor, wanted) * ((wanted.max + 1) // (own.max + 1))
    return result


def _on_floats(default_name: str, image: Any, change: Callable[[Tensor], Tensor], saturate: bool = False) -> Tensor:
    """`change` of the image as float32 (or float16), in the image's own dtype."""
    with get_default_graph().name_scope(default_name):
        tensor = convert_to_tensor(image, None, "image")
        own = tensor.dtype.base_dtype
        floats = tensor if own in (float16, float32) else convert_image_dtype(tensor, float32)
        return convert_image_dtype(change(floats), own, saturate=saturate)


def adjust_brightness(image: Any, delta: Any) -> Tensor:
    """`image` with `delta`, in the range of floats [0, 1], added to all pixels."""
    return _on_floats(
        "adjust_brightness", image, lambda x: x + cast(convert_to_tensor(delta), x.dtype.base_dtype), saturate=True
    )


def adjust_contrast(images: Any, contrast_factor: Any) -> Tensor:
    """`(x - mean) * contrast_factor + mean`, the mean being that of each image's channel."""
    factor = convert_to_tensor(contrast_factor, float32, "contrast_factor")
    return _on_floats("adjust_contrast", images, lambda x: adjust_contrast_op(x, factor), saturate=True)


def adjust_gamma(image: Any, gamma: Any = 1, gain: Any = 1) -> Tensor:
    """`gain * x ** gamma` of pixels in [0, 1].

    Raises:
        ValueError: gamma is negative.
        InvalidArgumentError: (when run) gamma is a tensor and negative.
    """
    text = "Gamma should be a non-negative real number."
    if not isinstance(gamma, Tensor) and gamma < 0:
        raise ValueError(text)

    def change(x: Tensor) -> Tensor:
        exponent = convert_to_tensor(gamma, None if isinstance(gamma, Tensor) else x.dtype.base_dtype, "gamma")
        if constant_value(exponent) is None:
            exponent = value_after([Assert(greater_equal(exponent, 0), [text])], exponent)
        result: Tensor = power(x, cast(exponent, x.dtype.base_dtype)) * gain
        return result

    return _on_floats("adjust_gamma", image, change, saturate=True)


def adjust_hue(image: Any, delta: Any, name: str | None = None) -> Tensor:
    """RGB `image` with `delta` in [-1, 1] added to its hue; pixels of integer dtypes keep their dtype."""
    amount = convert_to_tensor(delta, float32, "delta")
    return _on_floats(name or "adjust_hue", image, lambda x: adjust_hue_op(x, amount))


def adjust_saturation(image: Any, saturation_factor: Any, name: str | None = None) -> Tensor:
    """RGB `image` with its saturation multiplied by `saturation_factor`."""
    factor = convert_to_tensor(saturation_factor, float32, "saturation_factor")
    return _on_floats(name or "adjust_saturation", image, lambda x: adjust_saturation_op(x, factor))


def random_brightness(image: Any, max_delta: float, seed: int | None = None) -> Tensor:
    """`adjust_brightness` by a random delta in [-max_delta, max_delta); ValueError for a negative bound."""
    if max_delta < 0:
        raise ValueError(f"max_delta must be non-negative, got {max_delta}")
    return adjust_brightness(image, random_uniform([], -max_delta, max_delta, seed=seed))


def _check_range(lower: float, upper: float) -> None:
    if upper <= lower:
        raise ValueError(f"upper must be > lower, got {upper} and {lower}")
    if lower < 0:
        raise ValueError(f"lower must be non-negative, got {lower}")


def random_contrast(image: Any, lower: float, upper: float, seed: int | None = None) -> Tensor:
    """`adjust_contrast` by a random factor in [lower, upper); ValueError unless 0 <= lower < upper."""
    _check_range(lower, upper)
    return adjust_contrast(image, random_uniform([], lower, upper, seed=seed))


def random_hue(image: Any, max_delta: float, seed: int | None = None) -> Tensor:
    """`adjust_hue` by a random delta in [-max_delta, max_delta); ValueError unless 0 <= max_delta <= 0.5."""
    if not 0 <= max_delta <= 0.5:
        raise ValueError(f"max_delta must be in [0, 0.5], got {max_delta}")
    return adjust_hue(image, random_uniform([], -max_delta, max_delta, seed=seed))


def random_saturation(image: Any, lower: float, upper: float, seed: int | None = None) -> Tensor:
    """`adjust_saturation` by a random factor in [lower, upper); ValueError unless 0 <= lower < upper."""
    _check_range(lower, upper)
    return adjust_saturation(image, random_uniform([], lower, upper, seed=seed))


def rgb_to_grayscale(images: Any, name: str | None = None) -> Tensor:
    """The luma of RGB `images` in their own dtype; the last dimension becomes 1."""
    with get_default_graph().name_scope(name or "rgb_to_grayscale"):
        tensor = convert_to_tensor(images, None, "images")
        _check_channels(tensor, 3, "rgb_to_grayscale")
        grey = reduce_sum(convert_image_dtype(tensor, float32) * _GREY_WEIGHTS, -1, keepdims=True)
        return convert_image_dtype(grey, tensor.dtype.base_dtype)


def grayscale_to_rgb(images: Any, name: str | None = None) -> Tensor:
    """Grey `images` with their one channel three times.

    Raises:
        ValueError: the last dimension is not 1.
    """
    with get_default_graph().name_scope(name or "grayscale_to_rgb"):
        tensor = convert_to_tensor(images, None, "images")
        _check_channels(tensor, 1, "grayscale_to_rgb")
        return concat([tensor] * 3, -1)


def _check_channels(images: Tensor, channels: int, what: str) -> None:
    if images.sizes is not None and (not images.sizes or images.sizes[-1] not in (None, channels)):
        raise ValueError(f"{what} takes images whose last dimension is {channels}, got shape {images.shape}")


def per_image_standardization(image: Any) -> Tensor:
    """Each image, the last three dimensions, with mean 0 and deviation 1: `(x - mean) / adjusted_stddev`.

    The divisor is at least 1 / sqrt(number of elements), so that even images become 0.

    Raises:
        ValueError: fewer than three dimensions.
    """
    with get_default_graph().name_scope("per_image_standardization"):
        tensor = convert_to_tensor(image, None, "image")
        if tensor.sizes is not None and len(tensor.sizes) < 3:
            raise ValueError(f"'image' must be at least three-dimensional, got shape {tensor.shape}")
        floats = tensor if tensor.dtype.base_dtype == float16 else cast(tensor, float32)
        axes = [-1, -2, -3]
        mean = reduce_mean(floats, axes, keepdims=True)
        deviation = reduce_std(floats, axes, keepdims=True)
        least = rsqrt(cast(_count(floats, deviation), floats.dtype.base_dtype))
        result: Tensor = (floats - mean) / maximum(deviation, least)
        return result


def _count(images: Tensor, means: Tensor) -> Any:
    """How many elements one image has."""
    if images.sizes is not None and None not in images.sizes[-3:]:
        return convert_to_tensor(images.sizes[-3] * images.sizes[-2] * images.sizes[-1])  # type: ignore[operator]
    return div(size_of(images), maximum(size_of(means), 1))


def per_image_whitening(image: Any) -> Tensor:
    """`per_image_standardization` under its name before TensorFlow 1.0."""
    return per_image_standardization(image)
