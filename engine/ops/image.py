"""Images flipped, turned, cropped, padded and resized by one method or another: `tf.image`'s functions of geometry.

An image is [height, width, channels]; all functions take batches [batch, height, width, channels] too.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..conversion import convert_to_tensor
from ..dtypes import float32, float64, int32
from ..graph import Tensor, get_default_graph
from ..static import constant_sizes, constant_value
from .array import shape as shape_of, stack
from .array_order import reverse, transpose
from .array_pad import pad
from .array_shape import expand_dims, squeeze
from .array_slice import slice_
from .binary import maximum, minimum
from .casting import cast
from .checking import Assert
from .choice import where
from .comparison import equal, greater, greater_equal, less
from .cond import case, cond
from .division import floordiv
from .grouping import value_after
from .image_resize import resize_area, resize_bicubic, resize_bilinear, resize_nearest_neighbor
from .random import random_uniform
from .rounding import floor, round as nearest_integer

_RANKS = "'image' must have either 3 or 4 dimensions"


def image_batch(image: Any, what: str = "image") -> tuple[Tensor, bool]:
    """`image` as a batch, and whether it was one; ValueError for other ranks or an unknown one."""
    tensor = convert_to_tensor(image, None, what)
    if tensor.sizes is None:
        raise ValueError(f"'{what}' contains no shape: its rank must be known")
    if len(tensor.sizes) not in (3, 4):
        raise ValueError(f"'{what}' must have either 3 or 4 dimensions, got shape {tensor.shape}")
    return (tensor, True) if len(tensor.sizes) == 4 else (expand_dims(tensor, 0), False)


def _like_given(images: Tensor, was_batch: bool) -> Tensor:
    return images if was_batch else squeeze(images, [0])


def _is_batch(tensor: Tensor) -> bool:
    """Whether the rank is 4; an unknown one counts as 3, as in TensorFlow."""
    if tensor.sizes is None or len(tensor.sizes) == 3:
        return False
    if len(tensor.sizes) == 4:
        return True
    raise ValueError(f"{_RANKS}, got shape {tensor.shape}")


def _size(images: Tensor, axis: int) -> Any:
    """The size of a batch along an axis: an int where known, else a scalar tensor."""
    known = None if images.sizes is None else images.sizes[axis]
    return shape_of(images)[axis] if known is None else known


# Flips and turns


def _flipped(image: Any, axis: int, scope: str) -> Tensor:
    with get_default_graph().name_scope(scope):
        tensor = convert_to_tensor(image, None, "image")
        result = reverse(tensor, [axis + 1 if _is_batch(tensor) else axis])
        if tensor.sizes is None:
            result.set_shape([None, None, None])
        return result


def flip_left_right(image: Any) -> Tensor:
    """`image` with its columns in reverse order.

    Example:
        >>> import headrace as tf
        >>> with tf.Session() as sess:
        ...     print(sess.run(tf.image.flip_left_right([[[1], [2]]])).ravel())
        [2 1]
    """
    return _flipped(image, 1, "flip_left_right")


def flip_up_down(image: Any) -> Tensor:
    """`image` with its rows in reverse order."""
    return _flipped(image, 0, "flip_up_down")


def _randomly_flipped(image: Any, axis: int, seed: int | None, scope: str) -> Tensor:
    with get_default_graph().name_scope(scope):
        tensor = convert_to_tensor(image, None, "image")
        if not _is_batch(tensor):
            mirrored = less(random_uniform([], 0, 1.0, seed=seed), 0.5)
            result: Tensor = cond(mirrored, lambda: reverse(tensor, [axis]), lambda: tensor)
            result.set_shape(tensor.shape if tensor.sizes is not None else [None, None, None])
            return result
        drawn = random_uniform([_size(tensor, 0)], seed=seed)
        return where(greater(drawn, 0.5), reverse(tensor, [axis + 1]), tensor)


def random_flip_left_right(image: Any, seed: int | None = None) -> Tensor:
    """`image` with its columns reversed with probability 1/2, drawn for each image of a batch."""
    return _randomly_flipped(image, 1, seed, "random_flip_left_right")


def random_flip_up_down(image: Any, seed: int | None = None) -> Tensor:
    """`image` with its rows reversed with probability 1/2, drawn for each image of a batch."""
    return _randomly_flipped(image, 0, seed, "random_flip_up_down")


def rot90(image: Any, k: Any = 1, name: str | None = None) -> Tensor:
    """`image` turned counter-clockwise by 90 degrees `k` times.

    Args:
        image: of rank 3 or 4.
        k: a scalar integer, also a tensor, also negative.
    """
    with get_default_graph().name_scope(name or "rot90"):
        tensor = convert_to_tensor(image, None, "image")
        batch = _is_batch(tensor)
        rows, order = (1, [0, 2, 1, 3]) if batch else (0, [1, 0, 2])
        turns: list[Callable[[], Tensor]] = [
            lambda: tensor,
            lambda: transpose(reverse(tensor, [rows + 1]), order),
            lambda: reverse(tensor, [rows, rows + 1]),
            lambda: reverse(transpose(tensor, order), [rows + 1]),
        ]
        times = convert_to_tensor(k, int32, "k")
        known = constant_value(times)
        if known is not None:
            return turns[int(known) % 4]()
        remainder = times % 4
        pairs = [(equal(remainder, i), turns[i]) for i in (1, 2, 3)]
        result: Tensor = case(pairs, default=turns[0], exclusive=True)
        result.set_shape([None] * 3 if not batch else [tensor.sizes[0] if tensor.sizes else None, None, None, None])
        return result


def transpose_image(image: Any, name: str | None = None) -> Tensor:
    """`image` with rows and columns exchanged."""
    with get_default_graph().name_scope(name or "transpose_image"):
        tensor = convert_to_tensor(image, None, "image")
        return transpose(tensor, [0, 2, 1, 3] if _is_batch(tensor) else [1, 0, 2])


# Crops and paddings


def _checked(images: Tensor, checks: list[tuple[Any, Any, str]]) -> Tensor:
    """`images` after checks `(value, least, text)`: ValueError now where the value is known, Assert where it is not."""
    asserts = []
    for value, least, text in checks:
        known = constant_value(value) if isinstance(value, Tensor) else value
        if known is None:
            asserts.append(Assert(greater_equal(value, least), [text]))
        elif known < least:
            raise ValueError(text)
    return value_after(asserts, images) if asserts else images


def pad_to_bounding_box(
    image: Any, offset_height: Any, offset_width: Any, target_height: Any, target_width: Any
) -> Any:
    """`image` with `offset_height` rows and `offset_width` columns of zeros before it, and more after it up to a size.

    Args:
        image: of rank 3 or 4.
        offset_height: rows of zeros above.
        offset_width: columns of zeros at the left.
        target_height: rows of the result.
        target_width: columns of the result.

    Raises:
        ValueError: the image does not fit, or an offset is negative.
        InvalidArgumentError: the same, where it is known only when run.
    """
    with get_default_graph().name_scope("pad_to_bounding_box"):
        images, was_batch = image_batch(image)
        after_height = target_height - offset_height - _size(images, 1)
        after_width = target_width - offset_width - _size(images, 2)
        images = _checked(
            images,
            [
                (offset_height, 0, "offset_height must be >= 0"),
                (offset_width, 0, "offset_width must be >= 0"),
                (after_width, 0, "width must be <= target - offset"),
                (after_height, 0, "height must be <= target - offset"),
            ],
        )
        rows = [[0, 0], [offset_height, after_height], [offset_width, after_width], [0, 0]]
        padded = pad(images, _integers(rows))
        channels = None if images.sizes is None else images.sizes[3]
        padded.set_shape([_known(_size(images, 0)), _known(target_height), _known(target_width), channels])
        return _like_given(padded, was_batch)


def _integers(rows: list[list[Any]]) -> Any:
    if not any(isinstance(item, Tensor) for row in rows for item in row):
        return np.array(rows, np.int32)
    return stack([stack([convert_to_tensor(item, int32) for item in row]) for row in rows])


def _known(value: Any) -> int | None:
    found = constant_value(value) if isinstance(value, Tensor) else value
    return None if found is None else int(found)


def crop_to_bounding_box(
    image: Any, offset_height: Any, offset_width: Any, target_height: Any, target_width: Any
) -> Any:
    """The part of `image` of `target_height` rows and `target_width` columns whose top left corner is at the offsets.

    Raises:
        ValueError: the part reaches beyond the image, or an argument is negative.
        InvalidArgumentError: the same, where it is known only when run.
    """
    with get_default_graph().name_scope("crop_to_bounding_box"):
        images, was_batch = image_batch(image)
        images = _checked(
            images,
            [
                (offset_width, 0, "offset_width must be >= 0."),
                (offset_height, 0, "offset_height must be >= 0."),
                (target_width, 1, "target_width must be > 0."),
                (target_height, 1, "target_height must be > 0."),
                (_size(images, 2) - (target_width + offset_width), 0, "width must be >= target + offset."),
                (_size(images, 1) - (target_height + offset_height), 0, "height must be >= target + offset."),
            ],
        )
        begin, size = _integers([[0, offset_height, offset_width, 0], [-1, target_height, target_width, -1]])
        cropped = slice_(images, begin, size)
        sizes = images.sizes or (None,) * 4
        cropped.set_shape([sizes[0], _known(target_height), _known(target_width), sizes[3]])
        return _like_given(cropped, was_batch)


def _larger(first: Any, second: Any) -> Any:
    tensors = isinstance(first, Tensor) or isinstance(second, Tensor)
    return maximum(first, second) if tensors else max(first, second)


def _smaller(first: Any, second: Any) -> Any:
    tensors = isinstance(first, Tensor) or isinstance(second, Tensor)
    return minimum(first, second) if tensors else min(first, second)


def _half(value: Any) -> Any:
    return floordiv(value, 2) if isinstance(value, Tensor) else value // 2


def resize_image_with_crop_or_pad(image: Any, target_height: Any, target_width: Any) -> Any:
    """The middle of `image`, or the image with zeros evenly around it: [target_height, target_width, channels].

    Raises:
        ValueError: a size is not positive, or the rank is not 3 or 4.

    Example:
        >>> import headrace as tf
        >>> with tf.Session() as sess:
        ...     print(sess.run(tf.image.resize_image_with_crop_or_pad([[[1], [2], [3]]], 1, 5)).ravel())
        [0 1 2 3 0]
    """
    with get_default_graph().name_scope("resize_image_with_crop_or_pad"):
        images, was_batch = image_batch(image)
        images = _checked(
            images,
            [
                (target_width, 1, "target_width must be > 0."),
                (target_height, 1, "target_height must be > 0."),
            ],
        )
        height, width = _size(images, 1), _size(images, 2)
        more_rows, more_columns = target_height - height, target_width - width
        cropped = crop_to_bounding_box(
            images,
            _larger(_half(-more_rows), 0),
            _larger(_half(-more_columns), 0),
            _smaller(target_height, height),
            _smaller(target_width, width),
        )
        padded = pad_to_bounding_box(
            cropped, _larger(_half(more_rows), 0), _larger(_half(more_columns), 0), target_height, target_width
        )
        return _like_given(padded, was_batch)


def central_crop(image: Any, central_fraction: float) -> Tensor:
    """The middle of `image`, `central_fraction` of its height and width.

    Raises:
        ValueError: the fraction is not in (0, 1], or the rank is not 3 or 4.
    """
    if not 0 < central_fraction <= 1:
        raise ValueError(f"central_fraction must be within (0, 1], got {central_fraction}")
    with get_default_graph().name_scope("central_crop"):
        images, was_batch = image_batch(image)
        if central_fraction == 1:
            return _like_given(images, was_batch)
        starts = [_start(_size(images, axis), central_fraction) for axis in (1, 2)]
        sizes = [_size(images, axis) - 2 * start for axis, start in zip((1, 2), starts, strict=True)]
        begin, size = _integers([[0, *starts, 0], [-1, *sizes, -1]])
        return _like_given(slice_(images, begin, size), was_batch)


def _start(size: Any, fraction: float) -> Any:
    if not isinstance(size, Tensor):
        return int((size - size * fraction) / 2)
    whole = cast(size, float64)
    return cast((whole - whole * fraction) / 2, int32)


# Sizes


class ResizeMethod:
    """The methods of `resize_images`."""

    BILINEAR = 0
    NEAREST_NEIGHBOR = 1
    BICUBIC = 2
    AREA = 3


_METHODS: dict[Any, Callable[..., Tensor]] = {
    ResizeMethod.BILINEAR: resize_bilinear,
    ResizeMethod.NEAREST_NEIGHBOR: resize_nearest_neighbor,
    ResizeMethod.BICUBIC: resize_bicubic,
    ResizeMethod.AREA: resize_area,
}


def _is_scalar(value: Any) -> bool:
    return value.sizes == () if isinstance(value, Tensor) else np.ndim(value) == 0


def _with_height_and_width(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """Lets `resize_images(images, new_height, new_width, ...)` of TensorFlow before 1.0 mean what it did."""

    @functools.wraps(function)
    def accept(images: Any, *args: Any, **kwargs: Any) -> Tensor:
        if "new_height" in kwargs:
            args = (kwargs.pop("new_height"), *args)
        if "new_width" in kwargs:
            args = (args[0], kwargs.pop("new_width"), *args[1:])
        if len(args) >= 2 and _is_scalar(args[0]):
            args = ([args[0], args[1]], *args[2:])
        return function(images, *args, **kwargs)

    return accept


@_with_height_and_width
def resize_images(
    images: Any,
    size: Any,
    method: Any = ResizeMethod.BILINEAR,
    align_corners: bool = False,
    preserve_aspect_ratio: bool = False,
    name: str | None = None,
) -> Tensor:
    """`images` at another size: float32, or for the nearest neighbour their own dtype.

    Images that have that size already come back as they are.

    Args:
        images: of rank 3 or 4.
        size: the new height and width; `resize_images(images, height, width)` is taken too.
        method: of `ResizeMethod`, or a function of a batch and a size.
        align_corners: the centres of the four corner pixels stay where they are.
        preserve_aspect_ratio: the largest size within `size` of the images' own shape.

    Raises:
        ValueError: the rank is not 3 or 4, the size is no pair, or there is no such method.

    Example:
        >>> import headrace as tf
        >>> tf.image.resize_images(tf.zeros([2, 8, 8, 3]), [4, 6]).shape
        TensorShape([Dimension(2), Dimension(4), Dimension(6), Dimension(3)])
    """
    with get_default_graph().name_scope(name or "resize"):
        batch, was_batch = image_batch(images, "images")
        wanted = _pair(size)
        if preserve_aspect_ratio:
            wanted = _fitting(batch, wanted)
        known = constant_sizes(wanted)
        if known is not None and batch.sizes is not None and None not in known and known == batch.sizes[1:3]:
            return _like_given(batch, was_batch)
        resize = method if callable(method) else _METHODS.get(method)
        if resize is None:
            raise ValueError(f"Resize method is not implemented: {method!r}")
        resized = resize(batch, wanted) if callable(method) else resize(batch, wanted, align_corners=align_corners)
        return _like_given(resized, was_batch)


def _pair(size: Any) -> Tensor:
    text = "'size' must be a 1-D Tensor of 2 elements: new_height, new_width"
    try:
        tensor = convert_to_tensor(size, int32, "size")
    except (TypeError, ValueError) as error:
        raise ValueError(f"{text}: {error}") from None
    if tensor.sizes is not None and (len(tensor.sizes) != 1 or tensor.sizes[0] not in (2, None)):
        raise ValueError(f"{text}, got shape {tensor.shape}")
    return tensor


def _fitting(images: Tensor, size: Tensor) -> Tensor:
    """The largest size within `size` with the proportions of the images."""
    own = stack([convert_to_tensor(_size(images, axis), int32) for axis in (1, 2)])
    floats = cast(own, float32)
    ratios = cast(size, float32) / floats
    scale = minimum(ratios[0], ratios[1])
    result: Tensor = cast(nearest_integer(scale * floats), int32)
    return result


def resize_image_with_pad(
    image: Any,
    target_height: Any,
    target_width: Any,
    method: Any = ResizeMethod.BILINEAR,
    align_corners: bool = False,
) -> Tensor:
    """`image` resized to fit within a size, and zeros evenly around it up to that size.

    Raises:
        ValueError: a size is not positive, or the rank is not 3 or 4.
    """
    with get_default_graph().name_scope("resize_image_with_pad"):
        images, was_batch = image_batch(image)
        images = _checked(
            images,
            [
                (target_width, 1, "target_width must be > 0."),
                (target_height, 1, "target_height must be > 0."),
            ],
        )
        target = stack([convert_to_tensor(t, int32) for t in (target_height, target_width)])
        own = cast(stack([convert_to_tensor(_size(images, axis), int32) for axis in (1, 2)]), float32)
        bounds = cast(target, float32)
        ratios = own / bounds
        exact = own / maximum(ratios[0], ratios[1])
        before = maximum(cast(floor((bounds - exact) / 2), int32), 0)
        resized = resize_images(images, cast(floor(exact), int32), method, align_corners)
        padded = pad_to_bounding_box(resized, before[0], before[1], target_height, target_width)
        return _like_given(padded, was_batch)
