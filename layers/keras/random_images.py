"""Layers that change images at random while training: flips, crops, brightness, contrast, and moves of the pixels."""

from __future__ import annotations

import math
from typing import Any

from ...engine.ops.array import identity, shape as shape_of
from ...engine.ops.array_order import reverse, transpose
from ...engine.ops.array_shape import expand_dims, squeeze
from ...engine.ops.casting import cast
from ...engine.ops.choice import clip_by_value, select_op, where
from ...engine.ops.cond import smart_cond
from ...engine.ops.random import random_uniform
from ...engine.ops.reduce import reduce_mean
from ...engine.ops.trigonometric import cos, sin, tan
from .base import Layer
from .checks import one_of, positive
from .data_format import data_format_of, spatial_axes
from .images import cut_to_ratio, resized
from .input_spec import InputSpec
from .pixel_moves import FILLS, moved
from .serialization import registered


def factor_of(layer: str, name: str, value: Any, least: float, symmetric: bool = True) -> tuple[float, float]:
    """The bounds that a factor means: a number for both sides, or a pair.

    Raises:
        ValueError: it is neither, or a bound is below `least` or above the other.
    """
    pair = (-value if symmetric else 0.0, value) if isinstance(value, int | float) else value
    numbers = isinstance(pair, list | tuple) and len(pair) == 2 and all(isinstance(v, int | float) for v in pair)
    if not numbers or pair[0] > pair[1] or pair[0] < least or (isinstance(value, int | float) and value < 0):
        raise ValueError(f"The `{name}` of {layer} must be a number from 0 on or two ascending ones, got {value!r}")
    return float(pair[0]), float(pair[1])


class RandomImages(Layer):
    """What the random layers share: images [height, width, channels] or batches of them, changed while training."""

    casts_integers = True
    seed: int | None

    def set_up(self, seed: int | None, data_format: str | None = None) -> None:
        """Keeps what all of them are given."""
        self.seed, self.data_format = seed, data_format_of(data_format)
        self.input_spec = InputSpec(min_ndim=3, max_ndim=4)

    def call(self, inputs: Any, training: Any = None) -> Any:
        """The images, changed while training."""
        alone, first = len(inputs.sizes) == 3, self.data_format == "channels_first"
        images = expand_dims(inputs, 0) if alone else inputs
        images = transpose(images, [0, 2, 3, 1]) if first else images
        result = smart_cond(training, lambda: self.changed(images), lambda: self.kept(images))
        result = transpose(result, [0, 3, 1, 2]) if first else result
        result = squeeze(result, [0]) if alone else result
        result.set_shape(self.compute_output_shape(inputs.sizes))
        return result

    def changed(self, images: Any) -> Any:
        """Images [batch, height, width, channels] as training sees them."""
        raise NotImplementedError

    def kept(self, images: Any) -> Any:
        """Images as others see them."""
        return identity(images)

    def drawn(self, images: Any, bounds: tuple[float, float], salt: int = 0) -> Any:
        """A number within bounds for each image, [batch]."""
        seed = None if self.seed is None else self.seed + salt
        low, high = bounds
        # Equal bounds are a number, not an empty range.
        return low + (high - low) * random_uniform(shape_of(images)[:1], dtype=images.dtype.base_dtype, seed=seed)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return tuple(input_shape)


def spread(numbers: Any) -> Any:
    """[batch] as [batch, 1, 1, 1]."""
    return numbers[:, None, None, None]


@registered("layers")
class RandomFlip(RandomImages):
    """Mirrors each image with a chance of one half: mode "horizontal", "vertical" or "horizontal_and_vertical"."""

    def __init__(
        self,
        mode: str = "horizontal_and_vertical",
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.set_up(seed, data_format)
        self.mode = one_of("RandomFlip", "mode", mode, ("horizontal", "vertical", "horizontal_and_vertical"))

    def changed(self, images: Any) -> Any:
        """Images that may be mirrored."""
        for salt, (name, axis) in enumerate((("horizontal", 2), ("vertical", 1))):
            if name in self.mode:
                images = select_op(self.drawn(images, (0.0, 1.0), salt) < 0.5, reverse(images, [axis]), images)
        return images


@registered("layers")
class RandomBrightness(RandomImages):
    """Adds a number to each image: a share within `factor` (or plus or minus it) of the range of values, which stays."""

    def __init__(self, factor: Any, value_range: Any = (0, 255), seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.set_up(seed, "channels_last")
        self.factor, self.value_range = factor, tuple(value_range)
        self._bounds = factor_of("RandomBrightness", "factor", factor, -1.0)

    def changed(self, images: Any) -> Any:
        """Images of another brightness."""
        low, high = self.value_range
        return clip_by_value(images + spread(self.drawn(images, self._bounds)) * float(high - low), low, high)


@registered("layers")
class RandomContrast(RandomImages):
    """Brings the values of each channel nearer to their mean or farther from it, by a factor within `factor` of one."""

    def __init__(self, factor: Any, value_range: Any = (0, 255), seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.set_up(seed, "channels_last")
        self.factor, self.value_range = factor, tuple(value_range)
        if isinstance(factor, list | tuple):
            self._bounds = 1.0 - factor[0], 1.0 + factor[1]
        else:
            low, high = factor_of("RandomContrast", "factor", factor, -1.0)
            self._bounds = 1.0 + low, 1.0 + high

    def changed(self, images: Any) -> Any:
        """Images of another contrast."""
        mean = reduce_mean(images, axis=[1, 2], keepdims=True)
        result = mean + (images - mean) * spread(self.drawn(images, self._bounds))
        return clip_by_value(result, *self.value_range)


@registered("layers")
class RandomGrayscale(RandomImages):
    """Takes the colours out of a share `factor` of the images, which have three channels."""

    def __init__(
        self, factor: float = 0.5, data_format: str | None = None, seed: int | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.set_up(seed, data_format)
        factor_of("RandomGrayscale", "factor", factor, 0.0, False)
        self.factor = factor

    def changed(self, images: Any) -> Any:
        """Images that may be grey."""
        red, green, blue = (images[..., i : i + 1] for i in range(3))
        grey = 0.2989 * red + 0.587 * green + 0.114 * blue + 0.0 * images
        return select_op(self.drawn(images, (0.0, 1.0)) < self.factor, grey, images)


@registered("layers")
class RandomInvert(RandomImages):
    """Turns a share `factor` of the images into their negatives."""

    def __init__(
        self,
        factor: float = 1.0,
        value_range: Any = (0, 255),
        seed: int | None = None,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.set_up(seed, data_format)
        factor_of("RandomInvert", "factor", factor, 0.0, False)
        self.factor, self.value_range = factor, tuple(value_range)

    def changed(self, images: Any) -> Any:
        """Images that may be negatives."""
        high = float(self.value_range[1])
        return select_op(self.drawn(images, (0.0, 1.0)) * 0.9999 < self.factor, high - images, images)


@registered("layers")
class RandomCrop(RandomImages):
    """A part of the images, at one place for a batch; the largest middle part, resized, while not training.

    Raises:
        ValueError: the images are smaller than the part, or of unknown size.
    """

    def __init__(
        self,
        height: int,
        width: int,
        seed: int | None = None,
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.set_up(seed, data_format)
        self.height, self.width = positive("RandomCrop", "height", height), positive("RandomCrop", "width", width)

    def changed(self, images: Any) -> Any:
        """A part at random."""
        places = []
        for axis, wanted in ((1, self.height), (2, self.width)):
            size = images.sizes[axis]
            if size is None or size < wanted:
                raise ValueError(
                    f"RandomCrop {self.name!r} takes images of at least {self.height} by {self.width}, got {images.shape}"
                )
            seed = None if self.seed is None else self.seed + axis
            places.append(random_uniform([], 0, size - wanted + 1, "int32", seed))
        top, left = places
        return images[:, top : top + self.height, left : left + self.width]

    def kept(self, images: Any) -> Any:
        """The largest middle part at the wanted size."""
        part = cut_to_ratio(images, self.height, self.width, "channels_last")
        return resized(part, [self.height, self.width], "bilinear", "channels_last")

    def compute_output_shape(self, input_shape: Any) -> Any:
        sizes = list(input_shape)
        rows, columns = spatial_axes(self.data_format, 2)
        offset = len(sizes) - 4
        sizes[rows + offset], sizes[columns + offset] = self.height, self.width
        return tuple(sizes)


class _Moved(RandomImages):
    """Layers that move pixels; subclasses say where each is taken from."""

    def set_moves(
        self, fill_mode: str, interpolation: str, seed: int | None, fill_value: float, data_format: str | None
    ) -> None:
        """Checks and keeps what all of them are given."""
        kind = type(self).__name__
        self.set_up(seed, data_format)
        self.fill_mode = one_of(kind, "fill_mode", fill_mode, FILLS)
        self.interpolation = one_of(kind, "interpolation", interpolation, ("nearest", "bilinear"))
        self.fill_value = fill_value

    def changed(self, images: Any) -> Any:
        """Images whose pixels are moved."""
        sizes = shape_of(images)
        height, width = (cast(sizes[axis], images.dtype.base_dtype) for axis in (1, 2))
        matrix = self.matrix(images, height, width)
        return moved(images, matrix, self.fill_mode, self.fill_value, self.interpolation)

    def matrix(self, images: Any, height: Any, width: Any) -> tuple[Any, ...]:
        """Six numbers a, b, c, d, e, f, [batch] each: the pixel at x, y comes from a x + b y + c, d x + e y + f."""
        raise NotImplementedError


@registered("layers")
class RandomRotation(_Moved):
    """Turns each image about its middle.

    Args:
        factor: of a whole turn, to either side; or a pair of bounds, positive against the clock.
        fill_mode: what lies outside: "reflect", "constant", "wrap" or "nearest".
        interpolation: "bilinear" or "nearest".
        seed: of the turns.
        fill_value: for "constant".
        data_format: "channels_last" or "channels_first"; that of the settings by default.
    """

    def __init__(
        self,
        factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.set_moves(fill_mode, interpolation, seed, fill_value, data_format)
        self.factor = factor
        self._bounds = factor_of("RandomRotation", "factor", factor, -math.inf)

    def matrix(self, images: Any, height: Any, width: Any) -> tuple[Any, ...]:
        """A turn about the middle."""
        angle = self.drawn(images, self._bounds) * (2 * math.pi)
        c, s, x, y = cos(angle), sin(angle), (width - 1.0) / 2.0, (height - 1.0) / 2.0
        return c, -s, x - c * x + s * y, s, c, y - s * x - c * y


@registered("layers")
class RandomTranslation(_Moved):
    """Moves each image by shares of its height and width, each to either side or within a pair of bounds.

    Positive is down and to the right. See RandomRotation for the other arguments.
    """

    def __init__(
        self,
        height_factor: Any,
        width_factor: Any,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.set_moves(fill_mode, interpolation, seed, fill_value, data_format)
        self.height_factor, self.width_factor = height_factor, width_factor
        self._down = factor_of("RandomTranslation", "height_factor", height_factor, -1.0)
        self._right = factor_of("RandomTranslation", "width_factor", width_factor, -1.0)

    def matrix(self, images: Any, height: Any, width: Any) -> tuple[Any, ...]:
        """A shift."""
        down, right = self.drawn(images, self._down) * height, self.drawn(images, self._right, 1) * width
        one = down * 0.0 + 1.0
        return one, one - 1.0, -right, one - 1.0, one, -down


@registered("layers")
class RandomZoom(_Moved):
    """Makes each image smaller (positive) or larger (negative) by shares of height and width.

    Args:
        height_factor: to either side, or a pair of bounds.
        width_factor: the same for the width; by default images keep their proportions.

    See RandomRotation for the other arguments.
    """

    def __init__(
        self,
        height_factor: Any,
        width_factor: Any = None,
        fill_mode: str = "reflect",
        interpolation: str = "bilinear",
        seed: int | None = None,
        fill_value: float = 0.0,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.set_moves(fill_mode, interpolation, seed, fill_value, data_format)
        self.height_factor, self.width_factor = height_factor, width_factor
        self._high = factor_of("RandomZoom", "height_factor", height_factor, -1.0)
        self._wide = None if width_factor is None else factor_of("RandomZoom", "width_factor", width_factor, -1.0)

    def matrix(self, images: Any, height: Any, width: Any) -> tuple[Any, ...]:
        """A scale about the middle."""
        high = 1.0 + self.drawn(images, self._high)
        wide = high if self._wide is None else 1.0 + self.drawn(images, self._wide, 1)
        none = high * 0.0
        return wide, none, (width - 1.0) / 2.0 * (1.0 - wide), none, high, (height - 1.0) / 2.0 * (1.0 - high)


@registered("layers")
class RandomShear(_Moved):
    """Slants each image: shares of `x_factor` and `y_factor`, numbers or pairs of bounds within 0 and 1.

    See RandomRotation for the other arguments.
    """

    def __init__(
        self,
        x_factor: Any = 0.0,
        y_factor: Any = 0.0,
        interpolation: str = "bilinear",
        fill_mode: str = "reflect",
        fill_value: float = 0.0,
        data_format: str | None = None,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.set_moves(fill_mode, interpolation, seed, fill_value, data_format)
        self.x_factor, self.y_factor = x_factor, y_factor
        self._across = factor_of("RandomShear", "x_factor", x_factor, 0.0, False)
        self._along = factor_of("RandomShear", "y_factor", y_factor, 0.0, False)

    def matrix(self, images: Any, height: Any, width: Any) -> tuple[Any, ...]:
        """A slant about the middle, to either side."""
        across, along = (
            tan(self.drawn(images, bounds, salt) * where(self.drawn(images, (0.0, 1.0), salt + 2) < 0.5, one, -one))
            for salt, bounds in enumerate((self._across, self._along))
            for one in [self.drawn(images, (1.0, 1.0))]
        )
        one = across * 0.0 + 1.0
        return one, across, -across * (height - 1.0) / 2.0, along, one, -along * (width - 1.0) / 2.0
