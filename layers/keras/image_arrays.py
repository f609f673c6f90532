"""`keras.preprocessing.image`: pictures as arrays and files, turned, moved and coloured; files need Pillow."""

from __future__ import annotations

import io
import os
from pathlib import Path
from typing import Any

import numpy as np

from .backend import floatx
from .data_format import data_format_of

Array = np.ndarray[Any, Any]
FILL_MODES = ("constant", "nearest", "reflect", "wrap")
_MODES = {"grayscale": "L", "rgb": "RGB", "rgba": "RGBA"}


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError("Could not import PIL.Image: pictures as files need Pillow, `pip install pillow`") from error
    return Image


# Arrays and files


def array_to_img(x: Any, data_format: str | None = None, scale: bool = True, dtype: Any = None) -> Any:
    """A picture of Pillow's of an array [height, width, channels] (or channels first).

    Args:
        x: the array.
        data_format: "channels_last" or "channels_first".
        scale: stretch the numbers to 0 to 255.
        dtype: to work in.

    Raises:
        ValueError: the array has not three dimensions, or not 1, 3 or 4 channels.
        ImportError: there is no Pillow.
    """
    values = np.asarray(x, dtype or floatx())
    if values.ndim != 3:
        raise ValueError(f"Expected image array to have rank 3 (single image). Got array with shape: {values.shape}")
    if data_format_of(data_format) == "channels_first":
        values = values.transpose(1, 2, 0)
    if scale:
        values = values - np.min(values)
        largest = np.max(values)
        values = values / largest * 255 if largest else values
    channels = values.shape[2]
    if channels not in (1, 3, 4):
        raise ValueError(f"Unsupported channel number: {channels}")
    image = _pillow()
    if channels == 1:
        return image.fromarray(values[..., 0].astype("int32" if np.max(values) > 255 else "uint8"))
    return image.fromarray(values.astype("uint8"))


def img_to_array(img: Any, data_format: str | None = None, dtype: Any = None) -> Array:
    """A picture as an array of floats, 0 to 255, [height, width, channels] (or channels first).

    Raises:
        ValueError: it has not two or three dimensions.
    """
    first = data_format_of(data_format) == "channels_first"
    values: Array = np.asarray(img, dtype or floatx())
    if values.ndim == 3:
        return values.transpose(2, 0, 1) if first else values
    if values.ndim == 2:
        return values[np.newaxis] if first else values[..., np.newaxis]
    raise ValueError(f"Unsupported image shape: {values.shape}")


def load_img(
    path: Any, grayscale: bool = False, color_mode: str = "rgb", target_size: Any = None,
    interpolation: str = "nearest", keep_aspect_ratio: bool = False,
) -> Any:  # fmt: skip
    """A picture of Pillow's from a file.

    Args:
        path: of the file, or something open to be read.
        grayscale: an older name of color_mode="grayscale".
        color_mode: "grayscale", "rgb" or "rgba".
        target_size: (height, width), as it is by default.
        interpolation: "nearest", "bilinear", "bicubic", "lanczos", "box" or "hamming".
        keep_aspect_ratio: cut the middle out in the target's ratio before.

    Raises:
        ValueError: a name is unknown, or the file holds no picture.
        ImportError: there is no Pillow.
    """
    image = _pillow()
    mode = "grayscale" if grayscale else color_mode
    if mode not in _MODES:
        raise ValueError(f"color_mode must be {', '.join(map(repr, _MODES))}, got {color_mode!r}")
    content = path.read() if hasattr(path, "read") else Path(os.fspath(path)).read_bytes()
    try:
        found = image.open(io.BytesIO(content))
        if not (mode == "grayscale" and found.mode in ("I", "I;16")):
            found = found.convert(_MODES[mode])
    except (OSError, SyntaxError, ValueError, image.DecompressionBombError) as error:
        raise ValueError(f"{path} cannot be read as a picture: {error}") from error
    return found if target_size is None else _resized(image, found, target_size, interpolation, keep_aspect_ratio)


def _resized(image: Any, found: Any, size: Any, interpolation: str, keeps_ratio: bool) -> Any:
    resamples = {name: getattr(image.Resampling, name.upper()) for name in (
        "nearest", "bilinear", "bicubic", "lanczos", "box", "hamming"
    )}  # fmt: skip
    if interpolation not in resamples:
        raise ValueError(f"Invalid interpolation method {interpolation!r}; there are {', '.join(resamples)}")
    height, width = size
    if (found.width, found.height) == (width, height):
        return found
    box = None
    if keeps_ratio:
        wide, high = min(found.width, found.height * width // height), min(found.height, found.width * height // width)
        left, top = (found.width - wide) // 2, (found.height - high) // 2
        box = [left, top, left + wide, top + high]
    return found.resize((width, height), resamples[interpolation], box=box)


def save_img(
    path: Any, x: Any, data_format: str | None = None, file_format: str | None = None, scale: bool = True, **kwargs: Any
) -> None:
    """Writes an array as a picture; the format is told by the file's name if it is not given."""
    found = array_to_img(x, data_format, scale)
    name = path if hasattr(path, "write") else os.fspath(path)
    is_jpeg = (file_format or Path(str(name)).suffix.lstrip(".")).lower() in ("jpg", "jpeg")
    found = found.convert("RGB") if found.mode == "RGBA" and is_jpeg else found
    found.save(name, format=file_format, **kwargs)


# Moves


def apply_affine_transform(
    x: Any, theta: float = 0, tx: float = 0, ty: float = 0, shear: float = 0, zx: float = 1, zy: float = 1,
    row_axis: int = 0, col_axis: int = 1, channel_axis: int = 2, fill_mode: str = "nearest", cval: float = 0.0,
    order: int = 1,
) -> Array:  # fmt: skip
    """A picture turned by `theta` degrees, moved, sheared by degrees, and zoomed.

    Args:
        x: the picture.
        theta, tx, ty, shear, zx, zy: degrees, rows and columns, degrees, factors.
        row_axis, col_axis, channel_axis: which axis is which.
        fill_mode: what is outside of the picture: "constant" (`cval`), "nearest", "reflect" or "wrap".
        cval: what is outside, for "constant".
        order: 1 to interpolate between pixels, 0 to take the nearest.

    Raises:
        ValueError: the fill mode or the order is unknown.
    """
    if fill_mode not in FILL_MODES:
        raise ValueError(f"fill_mode must be one of {', '.join(FILL_MODES)}, got {fill_mode!r}")
    if order not in (0, 1):
        raise ValueError(f"order must be 0 or 1, got {order!r}")
    values = np.asarray(x)
    matrix = _matrix(theta, tx, ty, shear, zx, zy)
    if np.array_equal(matrix, np.eye(3)):
        return values
    picture = np.moveaxis(values, (row_axis, col_axis, channel_axis), (0, 1, 2))
    moved = _sampled(picture, _places(matrix, *picture.shape[:2]), fill_mode, cval, order)
    found: Array = np.moveaxis(moved, (0, 1, 2), (row_axis, col_axis, channel_axis)).astype(values.dtype, copy=False)
    return found


def _matrix(theta: float, tx: float, ty: float, shear: float, zx: float, zy: float) -> Array:
    turn, lean = np.deg2rad(theta), np.deg2rad(shear)
    parts = [
        [[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]],
        [[1, 0, tx], [0, 1, ty], [0, 0, 1]],
        [[1, -np.sin(lean), 0], [0, np.cos(lean), 0], [0, 0, 1]],
        [[zx, 0, 0], [0, zy, 0], [0, 0, 1]],
    ]
    found: Array = np.linalg.multi_dot([np.array(part, float) for part in parts])
    return found


def _places(matrix: Array, height: int, width: int) -> Array:
    """Where each pixel of the result comes from, [2, height, width]; the middle stays."""
    middle = np.array([height / 2 - 0.5, width / 2 - 0.5]).reshape(2, 1, 1)
    grid = np.stack(np.meshgrid(np.arange(height), np.arange(width), indexing="ij")) - middle
    found: Array = np.tensordot(matrix[:2, :2], grid, 1) + matrix[:2, 2].reshape(2, 1, 1) + middle
    return found


def _sampled(picture: Array, places: Array, mode: str, cval: float, order: int) -> Array:
    edges = np.array(picture.shape[:2]).reshape(2, 1, 1) - 1
    is_outside = ((places < 0) | (places > edges)).any(axis=0)
    if order == 0:
        places = np.floor(places + 0.5)
    low = np.floor(places).astype(np.int64)
    share = (places - low).astype(np.float64)
    total = np.zeros((*low.shape[1:], picture.shape[2]))
    for down in (0, 1):
        for right in (0, 1):
            weight = np.abs(1 - down - share[0]) * np.abs(1 - right - share[1])
            rows, columns = (_within(low[i] + step, picture.shape[i], mode) for i, step in ((0, down), (1, right)))
            total += weight[..., np.newaxis] * picture[rows, columns]
    if mode == "constant":
        total[is_outside] = cval
    return total


def _within(numbers: Array, size: int, mode: str) -> Array:
    """Rows or columns inside of the picture for any."""
    if mode == "wrap":
        return numbers % size
    if mode == "reflect":
        found = numbers % (2 * size)
        mirrored: Array = np.minimum(found, 2 * size - 1 - found)
        return mirrored
    return numbers.clip(0, size - 1)


def apply_channel_shift(x: Any, intensity: float, channel_axis: int = 0) -> Array:
    """A picture with a number added to all channels, within the smallest and largest number there are."""
    del channel_axis
    values = np.asarray(x)
    shifted: Array = np.clip(values + intensity, values.min(), values.max())
    return shifted


def apply_brightness_shift(x: Any, brightness: float, scale: bool = True) -> Array:
    """A picture times a number, as whole numbers 0 to 255; what is outside of these is stretched to them before."""
    values = np.asarray(x, floatx())
    low, high = values.min(), values.max()
    stretches = scale or low < 0 or high > 255
    if stretches:
        values = (values - low) / max(high - low, 1e-9) * 255
    brighter = np.clip(np.floor(np.floor(values) * brightness), 0, 255)
    if stretches and not scale:
        brighter = brighter / 255 * (high - low) + low
    found: Array = brighter.astype(floatx())
    return found


# Random moves, by NumPy's global generator


def random_rotation(
    x: Any, rg: float, row_axis: int = 1, col_axis: int = 2, channel_axis: int = 0, fill_mode: str = "nearest",
    cval: float = 0.0, interpolation_order: int = 1,
) -> Array:  # fmt: skip
    """A picture turned by up to `rg` degrees either way."""
    theta = np.random.uniform(-rg, rg)
    axes = row_axis, col_axis, channel_axis
    return apply_affine_transform(x, theta, 0, 0, 0, 1, 1, *axes, fill_mode, cval, interpolation_order)


def random_shift(
    x: Any, wrg: float, hrg: float, row_axis: int = 1, col_axis: int = 2, channel_axis: int = 0,
    fill_mode: str = "nearest", cval: float = 0.0, interpolation_order: int = 1,
) -> Array:  # fmt: skip
    """A picture moved by up to the shares `wrg` of its width and `hrg` of its height."""
    shape = np.shape(x)
    tx = np.random.uniform(-hrg, hrg) * shape[row_axis]
    ty = np.random.uniform(-wrg, wrg) * shape[col_axis]
    axes = row_axis, col_axis, channel_axis
    return apply_affine_transform(x, 0, tx, ty, 0, 1, 1, *axes, fill_mode, cval, interpolation_order)


def random_shear(
    x: Any, intensity: float, row_axis: int = 1, col_axis: int = 2, channel_axis: int = 0, fill_mode: str = "nearest",
    cval: float = 0.0, interpolation_order: int = 1,
) -> Array:  # fmt: skip
    """A picture sheared by up to `intensity` degrees either way."""
    shear = np.random.uniform(-intensity, intensity)
    axes = row_axis, col_axis, channel_axis
    return apply_affine_transform(x, 0, 0, 0, shear, 1, 1, *axes, fill_mode, cval, interpolation_order)


def random_zoom(
    x: Any, zoom_range: Any, row_axis: int = 1, col_axis: int = 2, channel_axis: int = 0, fill_mode: str = "nearest",
    cval: float = 0.0, interpolation_order: int = 1,
) -> Array:  # fmt: skip
    """A picture zoomed by factors within `zoom_range`, one for rows and one for columns.

    Raises:
        ValueError: zoom_range is no pair.
    """
    if len(zoom_range) != 2:
        raise ValueError(f"`zoom_range` should be a tuple or list of two floats. Received: {zoom_range}")
    zx, zy = (1, 1) if tuple(zoom_range) == (1, 1) else np.random.uniform(zoom_range[0], zoom_range[1], 2)
    axes = row_axis, col_axis, channel_axis
    return apply_affine_transform(x, 0, 0, 0, 0, zx, zy, *axes, fill_mode, cval, interpolation_order)


def random_channel_shift(x: Any, intensity_range: float, channel_axis: int = 0) -> Array:
    """A picture with a number within `intensity_range` added to all channels."""
    return apply_channel_shift(x, np.random.uniform(-intensity_range, intensity_range), channel_axis)


def random_brightness(x: Any, brightness_range: Any, scale: bool = True) -> Array:
    """A picture times a number within `brightness_range`.

    Raises:
        ValueError: brightness_range is no pair.
    """
    if len(brightness_range) != 2:
        raise ValueError(f"`brightness_range` should be tuple or list of two floats. Received: {brightness_range}")
    return apply_brightness_shift(x, np.random.uniform(*brightness_range), scale)
