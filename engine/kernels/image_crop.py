"""Crops of images by boxes in parts of their size, resized to one size, and the two gradients."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidArgumentError
from .bounds import check_indices
from .results import result_array
from .scatter import accumulate

Array = NDArray[Any]
Floats = NDArray[np.float32]

_FLOAT = np.dtype(np.float32)


def crop_and_resize(
    images: Array,
    boxes: Array,
    box_index: Array,
    crop_size: tuple[int, int],
    method: str = "bilinear",
    extrapolation_value: float = 0.0,
    out: Array | None = None,
) -> Floats:
    """Returns the parts of the images within the boxes, resized, as float32.

    Args:
        images: `[batch, height, width, depth]`.
        boxes: `[n, 4]`, y1, x1, y2, x2; 0 and 1 are the centres of the outermost pixels. y1 > y2
            flips the crop.
        box_index: `[n]`, the image of each box.
        crop_size: height and width of the crops.
        method: "bilinear" or "nearest".
        extrapolation_value: what pixels outside the image get.
        out: an array `[n, *crop_size, depth]` to fill instead of a new one.

    Raises:
        InvalidArgumentError: when an index is out of range or a shape or the method is wrong.
    """
    _check(images.shape, boxes, box_index, crop_size, method)
    result = result_array((len(boxes), *crop_size, images.shape[3]), _FLOAT, out)
    rows, columns = _axes(images.shape, boxes, crop_size, method)
    result[...] = 0
    for place, weight in _corners(rows, columns):
        result += images[(box_index[:, None, None], *place)].astype(np.float32, copy=False) * weight
    inside = rows.inside[:, :, None] & columns.inside[:, None, :]
    result[~inside] = extrapolation_value
    return result


def crop_and_resize_grad_image(
    dy: Array,
    boxes: Array,
    box_index: Array,
    image_shape: tuple[int, ...],
    dtype: np.dtype[Any] = _FLOAT,
    method: str = "bilinear",
    out: Array | None = None,
) -> Array:
    """Returns the gradient of `crop_and_resize` with respect to the images, in `dtype`."""
    _check(image_shape, boxes, box_index, dy.shape[1:3], method)
    _check_grad(dy, boxes, image_shape)
    result = result_array(tuple(image_shape), dtype, out)
    rows, columns = _axes(tuple(image_shape), boxes, dy.shape[1:3], method)
    inside = rows.inside[:, :, None] & columns.inside[:, None, :]
    height, width, depth = image_shape[1:]
    total = np.zeros((image_shape[0] * height * width, depth), np.float32)
    for (row, column), weight in _corners(rows, columns):
        pixel = (box_index[:, None, None].astype(np.intp) * height + row) * width + column
        share = dy * weight
        accumulate(np.add, total, pixel[inside], share[inside].astype(np.float32, copy=False))
    result[...] = total.reshape(image_shape)
    return result


def crop_and_resize_grad_boxes(
    dy: Array, images: Array, boxes: Array, box_index: Array, out: Array | None = None
) -> Floats:
    """Returns the gradient of bilinear `crop_and_resize` with respect to the boxes, float32."""
    _check(images.shape, boxes, box_index, dy.shape[1:3], "bilinear")
    _check_grad(dy, boxes, images.shape)
    result = result_array(boxes.shape, _FLOAT, out)
    rows, columns = _axes(images.shape, boxes, dy.shape[1:3], "bilinear")
    pixels = [
        images[box_index[:, None, None], row, column].astype(np.float32, copy=False)
        for (row, column), _ in _corners(rows, columns)
    ]
    top_left, top_right, bottom_left, bottom_right = pixels
    down, right = rows.part[:, :, None, None], columns.part[:, None, :, None]
    by_row = (1 - right) * (bottom_left - top_left) + right * (bottom_right - top_right)
    by_column = (1 - down) * (top_right - top_left) + down * (bottom_right - bottom_left)
    inside = (rows.inside[:, :, None] & columns.inside[:, None, :])[..., None]
    masked = np.where(inside, dy, 0)
    along_rows = (masked * by_row).sum(axis=(2, 3))
    along_columns = (masked * by_column).sum(axis=(1, 3))
    for axis, (share, size) in enumerate(((along_rows, images.shape[1]), (along_columns, images.shape[2]))):
        first, second = _shares(share.shape[1], size)
        result[:, axis] = share @ first
        result[:, axis + 2] = share @ second
    return result


class _Axis(NamedTuple):
    """Where the crops' pixels fall along one axis of the images, `[boxes, pixels]` each."""

    low: NDArray[np.intp]
    high: NDArray[np.intp]
    part: Floats
    inside: NDArray[np.bool_]


def _axes(shape: tuple[int, ...], boxes: Array, crop_size: tuple[int, ...], method: str) -> tuple[_Axis, _Axis]:
    edges = boxes.astype(np.float32, copy=False)
    return (
        _axis(edges[:, 0], edges[:, 2], crop_size[0], shape[1], method),
        _axis(edges[:, 1], edges[:, 3], crop_size[1], shape[2], method),
    )


def _axis(start: Floats, end: Floats, pixels: int, size: int, method: str) -> _Axis:
    last = np.float32(size - 1)
    with np.errstate(over="ignore", invalid="ignore"):
        if pixels > 1:
            step = (end - start) * last / np.float32(pixels - 1)
            position = start[:, None] * last + np.arange(pixels, dtype=np.float32) * step[:, None]
        else:
            position = (np.float32(0.5) * (start + end) * last)[:, None]
    # Not written as "outside", so that NaN is outside.
    inside = (position >= 0) & (position <= last)
    position = np.where(inside, position, np.float32(0))
    if method == "nearest":
        position = np.floor(position + np.float32(0.5))
    low = np.floor(position)
    high = np.ceil(position).astype(np.intp)
    return _Axis(low.astype(np.intp), high, position - low, inside)


def _corners(rows: _Axis, columns: _Axis) -> list[tuple[tuple[Array, Array], Floats]]:
    """Returns place and weight of the four neighbours: top and bottom, each left and right."""
    result = []
    for row, down in ((rows.low, 1 - rows.part), (rows.high, rows.part)):
        for column, right in ((columns.low, 1 - columns.part), (columns.high, columns.part)):
            weight = (down[:, :, None] * right[:, None, :])[..., None]
            result.append(((row[:, :, None], column[:, None, :]), weight))
    return result


def _shares(pixels: int, size: int) -> tuple[Floats, Floats]:
    """Returns how far each crop pixel moves with the first and with the second edge."""
    last = np.float32(size - 1)
    if pixels == 1:
        half = np.full(1, 0.5 * last, np.float32)
        return half, half
    second = np.arange(pixels, dtype=np.float32) * (last / np.float32(pixels - 1))
    return last - second, second


def _check(
    shape: tuple[int, ...],
    boxes: Array,
    box_index: Array,
    crop_size: tuple[int, ...],
    method: str,
) -> None:
    wrong = None
    if len(shape) != 4 or min(shape[1:3]) <= 0:
        wrong = f"input image must be 4-D and not empty, got {list(shape)}"
    elif boxes.ndim != 2 or boxes.shape[1] != 4:
        wrong = f"boxes must be [num_boxes, 4], got {list(boxes.shape)}"
    elif box_index.shape != boxes.shape[:1]:
        wrong = f"box_index must be [{len(boxes)}], got {list(box_index.shape)}"
    elif len(crop_size) != 2 or min(crop_size) <= 0:
        wrong = f"crop dimensions must be positive, got {list(crop_size)}"
    elif method not in ("bilinear", "nearest"):
        wrong = f"method must be 'bilinear' or 'nearest', got {method!r}"
    if wrong:
        raise InvalidArgumentError(None, None, wrong)
    check_indices(box_index, shape[0], "box_index")


def _check_grad(dy: Array, boxes: Array, shape: tuple[int, ...]) -> None:
    if dy.ndim != 4 or (dy.shape[0], dy.shape[3]) != (len(boxes), shape[3]):
        raise InvalidArgumentError(
            None,
            None,
            f"grads: expected [{len(boxes)}, height, width, {shape[3]}], got {list(dy.shape)}",
        )
