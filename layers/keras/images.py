"""Layers that resize and cut images: UpSampling1D to 3D, Resizing, CenterCrop."""

from __future__ import annotations

from typing import Any

from ...engine.ops.array import reshape, shape as shape_of
from ...engine.ops.array_order import transpose
from ...engine.ops.array_pad import tile
from ...engine.ops.array_shape import expand_dims, squeeze
from ...engine.ops.casting import cast
from ...engine.ops.image_resize import resize_bicubic, resize_bilinear, resize_nearest_neighbor
from ..convolutional import as_tuple
from .base import Layer
from .checks import one_of, positive
from .data_format import data_format_of, spatial_axes
from .input_spec import InputSpec
from .serialization import registered
from .wrappers import sizes_after

_RESIZERS: dict[str, Any] = {
    "nearest": resize_nearest_neighbor, "bilinear": resize_bilinear, "bicubic": resize_bicubic,
}  # fmt: skip


def repeated(x: Any, times: int, axis: int) -> Any:
    """Each slice along an axis `times` times."""
    if times == 1:
        return x
    rank = len(x.sizes)
    wide = tile(expand_dims(x, axis + 1), [times if i == axis + 1 else 1 for i in range(rank + 1)])
    sizes = sizes_after(x, 0)
    result = reshape(wide, [*sizes[:axis], sizes[axis] * times, *sizes[axis + 1 :]])
    known = list(x.sizes)
    known[axis] = None if known[axis] is None else known[axis] * times
    result.set_shape(known)
    return result


def resized(images: Any, size: Any, interpolation: str, data_format: str) -> Any:
    """Images [batch, height, width, channels] (or channels first) at another size, in their own float dtype."""
    first = data_format == "channels_first"
    values = transpose(images, [0, 2, 3, 1]) if first else images
    result = cast(_RESIZERS[interpolation](values, size, half_pixel_centers=True), images.dtype.base_dtype)
    return transpose(result, [0, 3, 1, 2]) if first else result


class _UpSampling(Layer):
    rank: int

    def set_up(self, size: Any, data_format: str | None) -> None:
        """Checks and keeps the arguments."""
        numbers = as_tuple(size, self.rank, "size")
        self._factors = numbers
        self.size = numbers[0] if self.rank == 1 else numbers
        self.data_format = data_format_of(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs: Any) -> Any:
        """The inputs with each place repeated."""
        for axis, times in zip(spatial_axes(self.data_format, self.rank), self._factors, strict=True):
            inputs = repeated(inputs, times, axis)
        return inputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        sizes = list(input_shape)
        for axis, times in zip(spatial_axes(self.data_format, self.rank), self._factors, strict=True):
            sizes[axis] = None if sizes[axis] is None else sizes[axis] * times
        return tuple(sizes)


@registered("layers")
class UpSampling1D(_UpSampling):
    """Each step of sequences `size` times."""

    rank = 1

    def __init__(self, size: int = 2, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.set_up(size, "channels_last")


@registered("layers")
class UpSampling2D(_UpSampling):
    """Images larger by whole factors.

    Args:
        size: the factor, or one for height and one for width.
        data_format: "channels_last" or "channels_first"; that of the settings by default.
        interpolation: "nearest", "bilinear" or "bicubic".

    Raises:
        ValueError: an argument is none of these.
    """

    rank = 2

    def __init__(
        self, size: Any = (2, 2), data_format: str | None = None, interpolation: str = "nearest", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        self.set_up(size, data_format)
        self.interpolation = one_of("UpSampling2D", "interpolation", interpolation.lower(), tuple(_RESIZERS))

    def call(self, inputs: Any) -> Any:
        if self.interpolation == "nearest":
            return super().call(inputs)
        axes = spatial_axes(self.data_format, 2)
        sizes = sizes_after(inputs, 0)
        wanted = [sizes[axis] * times for axis, times in zip(axes, self._factors, strict=True)]
        result = resized(inputs, wanted, self.interpolation, self.data_format)
        result.set_shape(self.compute_output_shape(inputs.sizes))
        return result


@registered("layers")
class UpSampling3D(_UpSampling):
    """Each place of volumes `size` times along each axis."""

    rank = 3

    def __init__(self, size: Any = (2, 2, 2), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.set_up(size, data_format)


class _Sized(Layer):
    """Images [height, width, channels] or batches of them at `height` and `width`."""

    def set_up(self, height: int, width: int, data_format: str | None) -> None:
        """Checks and keeps the arguments."""
        kind = type(self).__name__
        self.height, self.width = positive(kind, "height", height), positive(kind, "width", width)
        self.data_format = data_format_of(data_format)
        self.input_spec = InputSpec(min_ndim=3, max_ndim=4)

    def call(self, inputs: Any) -> Any:
        """The images at the wanted size."""
        alone = len(inputs.sizes) == 3
        result = self.changed(expand_dims(inputs, 0) if alone else inputs)
        result = squeeze(result, [0]) if alone else result
        result.set_shape(self.compute_output_shape(inputs.sizes))
        return result

    def changed(self, images: Any) -> Any:
        """A batch of images at the wanted size."""
        raise NotImplementedError

    def compute_output_shape(self, input_shape: Any) -> Any:
        sizes = list(input_shape)
        last = len(sizes) - (2 if self.data_format == "channels_first" else 3)
        sizes[last], sizes[last + 1] = self.height, self.width
        return tuple(sizes)


@registered("layers")
class Resizing(_Sized):
    """Images at another size.

    Args:
        height, width: the new size.
        interpolation: "bilinear", "nearest" or "bicubic".
        crop_to_aspect_ratio: whether images keep their proportions, and what is too long is cut on both sides.
        antialias: False.
        data_format: "channels_last" or "channels_first"; that of the settings by default.

    Raises:
        ValueError: an argument is none of these.
    """

    def __init__(
        self,
        height: int,
        width: int,
        interpolation: str = "bilinear",
        crop_to_aspect_ratio: bool = False,
        pad_to_aspect_ratio: bool = False,
        fill_mode: str = "constant",
        fill_value: float = 0.0,
        antialias: bool = False,
        data_format: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.set_up(height, width, data_format)
        self.interpolation = one_of("Resizing", "interpolation", interpolation, tuple(_RESIZERS))
        self.crop_to_aspect_ratio = crop_to_aspect_ratio
        if pad_to_aspect_ratio or antialias:
            raise ValueError(
                f"Resizing {self.name!r} has neither pad_to_aspect_ratio nor antialias here: leave them out"
            )

    def changed(self, images: Any) -> Any:
        """A batch of images at the wanted size."""
        if self.crop_to_aspect_ratio:
            images = cut_to_ratio(images, self.height, self.width, self.data_format)
        return resized(images, [self.height, self.width], self.interpolation, self.data_format)


def cut_to_ratio(images: Any, height: int, width: int, data_format: str) -> Any:
    """The largest part in the middle of images that has the proportions of a size; the images' size must be known."""
    rows, columns = spatial_axes(data_format, 2)
    known = images.sizes[rows], images.sizes[columns]
    if None in known:
        raise ValueError(f"Images of a known size are needed to keep their proportions, got shape {images.shape}")
    wanted = min(known[0], int(known[1] * height / width)), min(known[1], int(known[0] * width / height))
    return middle(images, wanted, (rows, columns))


def middle(images: Any, wanted: tuple[int, int], axes: tuple[int, int]) -> Any:
    """The part in the middle that has the wanted height and width."""
    parts: list[Any] = [slice(None)] * 4
    sizes = shape_of(images)
    for axis, size in zip(axes, wanted, strict=True):
        whole = images.sizes[axis] if images.sizes[axis] is not None else sizes[axis]
        start = (whole - size) // 2
        parts[axis] = slice(start, start + size)
    return images[tuple(parts)]


@registered("layers")
class CenterCrop(_Sized):
    """The middle of images; images that are too small are made larger first, and keep their proportions.

    Args:
        height, width: the size of the part.
        data_format: "channels_last" or "channels_first"; that of the settings by default.
    """

    def __init__(self, height: int, width: int, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.set_up(height, width, data_format)

    def changed(self, images: Any) -> Any:
        """The middle of a batch of images."""
        rows, columns = spatial_axes(self.data_format, 2)
        known = images.sizes[rows], images.sizes[columns]
        if any(
            size is not None and size < wanted for size, wanted in zip(known, (self.height, self.width), strict=True)
        ):
            part = cut_to_ratio(images, self.height, self.width, self.data_format)
            return resized(part, [self.height, self.width], "bilinear", self.data_format)
        return middle(images, (self.height, self.width), (rows, columns))
