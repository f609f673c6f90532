"""JPEG, PNG, GIF and BMP files as tensors and back. Pillow, of the extra `image`, does the work when a step runs."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..conversion import convert_to_tensor
from ..dtypes import INDEX, DType, as_dtype, float32, int32, string, uint8, uint16
from ..errors import InvalidArgumentError, UnimplementedError
from ..graph import Sizes, Tensor, get_default_graph
from ..inference import InferenceContext, scalar_shape, show
from ..kernels import image_codecs as kernels
from ..registry import op
from ..samples import Failure, Sample
from .comparison import equal
from .image_convert import convert_image_dtype
from .strings import substr

_CENTIMETRES = 2.54


@op("DecodeJpeg", "contents: string", "image: uint8")
def decode_jpeg_op(
    contents: Any,
    *,
    channels: int = 0,
    ratio: int = 1,
    fancy_upscaling: bool = True,
    try_recover_truncated: bool = False,
    acceptable_fraction: float = 1.0,
    dct_method: str = "",
    name: str | None = None,
) -> Tensor:
    """The pixels of a JPEG file, [height, width, channels]."""


@op("DecodeAndCropJpeg", "contents: string, crop_window: int32", "image: uint8")
def decode_and_crop_jpeg_op(
    contents: Any,
    crop_window: Any,
    *,
    channels: int = 0,
    ratio: int = 1,
    fancy_upscaling: bool = True,
    try_recover_truncated: bool = False,
    acceptable_fraction: float = 1.0,
    dct_method: str = "",
    name: str | None = None,
) -> Tensor:
    """The pixels of a JPEG file within the window [y, x, height, width]."""


@op("DecodePng", "contents: string", "image: dtype", dtype=(uint8, uint16))
def decode_png_op(contents: Any, *, channels: int = 0, dtype: DType = uint8, name: str | None = None) -> Tensor:
    """The pixels of a PNG file, [height, width, channels]."""


@op("DecodeBmp", "contents: string", "image: uint8")
def decode_bmp_op(contents: Any, *, channels: int = 0, name: str | None = None) -> Tensor:
    """The pixels of a BMP file, [height, width, channels]."""


@op("DecodeGif", "contents: string", "image: uint8")
def decode_gif_op(contents: Any, *, name: str | None = None) -> Tensor:
    """The frames of a GIF file, [frames, height, width, 3]."""


@op("DecodeImage", "contents: string", "image: dtype", dtype=(uint8, uint16, float32))
def decode_image_op(
    contents: Any,
    *,
    channels: int = 0,
    dtype: DType = uint8,
    expand_animations: bool = True,
    name: str | None = None,
) -> Tensor:
    """The pixels of a JPEG, PNG, GIF or BMP file, told apart by its first bytes; float32 lies in [0, 1]."""


@op("EncodeJpeg", "image: uint8", "contents: string", shape=scalar_shape)
def encode_jpeg_op(
    image: Any,
    *,
    format: str = "",
    quality: int = 95,
    progressive: bool = False,
    optimize_size: bool = False,
    chroma_downsampling: bool = True,
    density_unit: str = "in",
    x_density: int = 300,
    y_density: int = 300,
    xmp_metadata: str = "",
    name: str | None = None,
) -> Tensor:
    """A JPEG file of the pixels [height, width, 1 or 3]."""


@op("EncodePng", "image: T", "contents: string", shape=scalar_shape, T=(uint8, uint16))
def encode_png_op(image: Any, *, compression: int = -1, name: str | None = None) -> Tensor:
    """A PNG file of the pixels [height, width, 1 to 4]."""


@op("ExtractJpegShape", "contents: string", "image_shape: output_type", output_type=INDEX)
def extract_jpeg_shape_op(contents: Any, *, output_type: DType = int32, name: str | None = None) -> Tensor:
    """[height, width, channels] of a JPEG file, whose pixels are not decoded."""


# Shapes


def _check_contents(context: InferenceContext) -> int | None:
    """The number of channels asked for, None where the file says it."""
    if context.sizes[0]:
        raise ValueError(f"contents must be a scalar string, got shape {show(context.sizes[0])}")
    channels = context.attrs.get("channels", 0)
    if channels not in (0, 1, 2, 3, 4):
        raise ValueError(f"channels must be 0, 1, 3, or 4, got {channels}")
    return channels or None


@decode_jpeg_op.shape
@decode_png_op.shape
@decode_bmp_op.shape
def decode_shape(context: InferenceContext) -> list[Sizes]:
    return [(None, None, _check_contents(context))]


@decode_and_crop_jpeg_op.shape
def decode_and_crop_jpeg_shape(context: InferenceContext) -> list[Sizes]:
    channels, (length,) = _check_contents(context), context.with_rank(1, 1)
    if length not in (None, 4):
        raise ValueError(f"crop_window must have 4 elements, got {length}")
    window = context.value(1)
    return [(None, None, channels) if window is None else (int(window[2]), int(window[3]), channels)]


@decode_gif_op.shape
def decode_gif_shape(context: InferenceContext) -> list[Sizes]:
    _check_contents(context)
    return [(None, None, None, 3)]


@decode_image_op.shape
def decode_image_shape(context: InferenceContext) -> list[Sizes]:
    channels = _check_contents(context)
    return [None if context["expand_animations"] else (None, None, channels)]


@extract_jpeg_shape_op.shape
def extract_jpeg_shape_shape(context: InferenceContext) -> list[Sizes]:
    _check_contents(context)
    return [(3,)]


# Kernels


def _file(contents: Any) -> bytes:
    array = np.asarray(contents, object)
    if array.ndim:
        raise InvalidArgumentError(None, None, f"contents must be scalar, got shape {list(array.shape)}")
    return bytes(array[()])


@decode_jpeg_op.kernel
def decode_jpeg_kernel(
    xp: Any, contents: Any, *, channels: int, ratio: int, try_recover_truncated: bool, **hints: Any
) -> Any:
    return kernels.decode_jpeg(_file(contents), channels, ratio, try_recover_truncated)


@decode_and_crop_jpeg_op.kernel
def decode_and_crop_jpeg_kernel(
    xp: Any, contents: Any, window: Any, *, channels: int, ratio: int, try_recover_truncated: bool, **hints: Any
) -> Any:
    pixels = kernels.decode_jpeg(_file(contents), channels, ratio, try_recover_truncated)
    if np.shape(window) != (4,):
        raise InvalidArgumentError(None, None, f"crop_window must have 4 elements, got shape {np.shape(window)}")
    top, left, height, width = (int(number) for number in window)
    fits = top >= 0 and left >= 0 and top + height <= pixels.shape[0] and left + width <= pixels.shape[1]
    if height <= 0 or width <= 0 or not fits:
        text = f"Invalid crop window {[top, left, height, width]} for an image of shape {list(pixels.shape)}"
        raise InvalidArgumentError(None, None, text)
    return pixels[top : top + height, left : left + width].copy()


@decode_png_op.kernel
def decode_png_kernel(xp: Any, contents: Any, *, channels: int, dtype: DType) -> Any:
    return kernels.decode_png(_file(contents), channels, dtype.numpy)


@decode_bmp_op.kernel
def decode_bmp_kernel(xp: Any, contents: Any, *, channels: int) -> Any:
    return kernels.decode_bmp(_file(contents), channels)


@decode_gif_op.kernel
def decode_gif_kernel(xp: Any, contents: Any) -> Any:
    return kernels.decode_gif(_file(contents))


@decode_image_op.kernel
def decode_image_kernel(xp: Any, contents: Any, *, channels: int, dtype: DType, expand_animations: bool) -> Any:
    wide = uint8 if dtype == uint8 else uint16
    pixels = kernels.decode_image(_file(contents), channels, wide.numpy, expand_animations)
    return pixels / np.float32(uint16.max) if dtype == float32 else pixels


@encode_jpeg_op.kernel
def encode_jpeg_kernel(
    xp: Any, image: Any, *, density_unit: str, x_density: int, y_density: int, xmp_metadata: str, **attrs: Any
) -> Any:
    if density_unit not in ("in", "cm"):
        raise InvalidArgumentError(None, None, f"density_unit must be 'in' or 'cm', got {density_unit!r}")
    if not (0 < x_density < 1 << 16 and 0 < y_density < 1 << 16):
        raise InvalidArgumentError(None, None, f"densities must be in [1, 65535], got {x_density} and {y_density}")
    if xmp_metadata:
        raise UnimplementedError(None, None, "EncodeJpeg does not write xmp_metadata")
    factor = 1 if density_unit == "in" else _CENTIMETRES
    density = (round(x_density * factor), round(y_density * factor))
    return np.array(kernels.encode_jpeg(image, density=density, **attrs), object)


@encode_png_op.kernel
def encode_png_kernel(xp: Any, image: Any, *, compression: int) -> Any:
    return np.array(kernels.encode_png(image, compression), object)


@extract_jpeg_shape_op.kernel
def extract_jpeg_shape_kernel(xp: Any, contents: Any, *, output_type: DType) -> Any:
    return np.array(kernels.jpeg_shape(_file(contents)), output_type.numpy)


# Samples


def _pixels(rng: np.random.Generator, channels: int, dtype: Any = np.uint8) -> Any:
    return rng.integers(0, np.iinfo(dtype).max, (4, 5, channels), dtype)


def _scalar(contents: bytes) -> Any:
    return np.array(contents, object)


_NOT_AN_IMAGE = _scalar(b"not an image")


@decode_jpeg_op.samples
def decode_jpeg_samples(rng: np.random.Generator) -> list[Sample]:
    contents = _scalar(kernels.encode_jpeg(_pixels(rng, 3)))
    return [
        Sample((contents,)),
        Sample((contents,), {"channels": 1, "ratio": 2}),
        Sample((_scalar(contents[()][:-20]),), {"try_recover_truncated": True}),
    ]


@decode_and_crop_jpeg_op.samples
def decode_and_crop_jpeg_samples(rng: np.random.Generator) -> list[Sample]:
    contents = _scalar(kernels.encode_jpeg(_pixels(rng, 3)))
    return [Sample((contents, np.array([1, 2, 3, 2], np.int32)), {"channels": 3})]


@decode_and_crop_jpeg_op.failing
def decode_and_crop_jpeg_failing(rng: np.random.Generator) -> list[Failure]:
    contents, window = _scalar(kernels.encode_jpeg(_pixels(rng, 1))), np.array([1, 2, 9, 2], np.int32)
    return [
        Failure((contents, window), InvalidArgumentError, "Invalid crop window", at_run=True),
        Failure((contents, window[:3]), ValueError, "4 elements"),
    ]


@decode_png_op.samples
def decode_png_samples(rng: np.random.Generator) -> list[Sample]:
    contents = _scalar(kernels.encode_png(_pixels(rng, 4)))
    return [
        Sample((contents,)),
        Sample((contents,), {"channels": 3, "dtype": uint16}),
        Sample((_scalar(kernels.encode_png(_pixels(rng, 1, np.uint16))),), {"dtype": uint16}),
    ]


# Two pixels, red and blue, 24 bits each.
_BMP = (
    b"BM\x3e\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\x02\0\0\0\x01\0\0\0\x01\0\x18\0" + b"\0" * 24 + b"\0\0\xff\xff\0\0\0\0"
)
# Two frames of one pixel.
_GIF = (
    b"GIF89a\x01\0\x01\0\x80\0\0\xff\0\0\0\0\xff"
    + b"\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0"
    + b"\x2c\0\0\0\0\x01\0\x01\0\0\x02\x02\x4c\x01\0;"
)


@decode_bmp_op.samples
def decode_bmp_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((_scalar(_BMP),)), Sample((_scalar(_BMP),), {"channels": 3})]


@decode_gif_op.samples
def decode_gif_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((_scalar(_GIF),))]


@decode_image_op.samples
def decode_image_samples(rng: np.random.Generator) -> list[Sample]:
    png = _scalar(kernels.encode_png(_pixels(rng, 3)))
    return [
        Sample((png,)),
        Sample((png,), {"channels": 1, "dtype": float32}),
        Sample((_scalar(_GIF),), {"expand_animations": False}),
        Sample((_scalar(_BMP),), {"dtype": uint16}),
    ]


@decode_jpeg_op.failing
@decode_png_op.failing
@decode_bmp_op.failing
@decode_gif_op.failing
@decode_image_op.failing
@extract_jpeg_shape_op.failing
def decode_failing(rng: np.random.Generator) -> list[Failure]:
    return [
        Failure((_NOT_AN_IMAGE,), InvalidArgumentError, "Expected image|Unknown image", at_run=True),
        Failure((np.array([b"a"], object),), ValueError, "scalar string"),
    ]


@encode_jpeg_op.samples
def encode_jpeg_samples(rng: np.random.Generator) -> list[Sample]:
    return [
        Sample((_pixels(rng, 3),)),
        Sample((_pixels(rng, 1),), {"format": "grayscale", "quality": 50, "density_unit": "cm"}),
    ]


@encode_jpeg_op.failing
def encode_jpeg_failing(rng: np.random.Generator) -> list[Failure]:
    image = _pixels(rng, 3)
    return [
        Failure((image[0],), InvalidArgumentError, "height, width, channels", at_run=True),
        Failure((image,), InvalidArgumentError, "quality", {"quality": 101}, at_run=True),
        Failure((image,), InvalidArgumentError, "density_unit", {"density_unit": "mile"}, at_run=True),
        Failure((image,), UnimplementedError, "xmp_metadata", {"xmp_metadata": "x"}, at_run=True),
    ]


@encode_png_op.samples
def encode_png_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((_pixels(rng, 4),)), Sample((_pixels(rng, 2, np.uint16),), {"compression": 9})]


@encode_png_op.failing
def encode_png_failing(rng: np.random.Generator) -> list[Failure]:
    return [Failure((_pixels(rng, 5),), InvalidArgumentError, "channels one of", at_run=True)]


@extract_jpeg_shape_op.samples
def extract_jpeg_shape_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((_scalar(kernels.encode_jpeg(_pixels(rng, channels))),)) for channels in (1, 3)]


for _definition in (decode_image_op,):
    _definition.not_differentiable = True


# TensorFlow's names


def decode_jpeg(
    contents: Any,
    channels: int = 0,
    ratio: int = 1,
    fancy_upscaling: bool = True,
    try_recover_truncated: bool = False,
    acceptable_fraction: float = 1,
    dct_method: str = "",
    name: str | None = None,
) -> Tensor:
    """The pixels of a JPEG file, uint8 [height, width, channels].

    Args:
        contents: the file, a scalar string.
        channels: 1 for grey, 3 for RGB, 0 for what the file has.
        ratio: 1, 2, 4 or 8: decodes to that fraction of the size.
        fancy_upscaling: a hint that Pillow does not take: it always smooths colours.
        try_recover_truncated: fills what is missing of a cut-off file with grey.
        acceptable_fraction: a hint that is not taken.
        dct_method: a hint that is not taken.

    Raises (when run):
        InvalidArgumentError: it is no JPEG or damaged, or an argument is out of range.
    """
    return decode_jpeg_op(
        convert_to_tensor(contents, string, "contents"),
        channels=channels or 0,
        ratio=ratio,
        fancy_upscaling=fancy_upscaling,
        try_recover_truncated=try_recover_truncated,
        acceptable_fraction=acceptable_fraction,
        dct_method=dct_method,
        name=name,
    )


def decode_and_crop_jpeg(
    contents: Any,
    crop_window: Any,
    channels: int = 0,
    ratio: int = 1,
    fancy_upscaling: bool = True,
    try_recover_truncated: bool = False,
    acceptable_fraction: float = 1,
    dct_method: str = "",
    name: str | None = None,
) -> Tensor:
    """The pixels of a JPEG file within `crop_window` = [y, x, height, width]; else as `decode_jpeg`."""
    return decode_and_crop_jpeg_op(
        convert_to_tensor(contents, string, "contents"),
        convert_to_tensor(crop_window, int32, "crop_window"),
        channels=channels or 0,
        ratio=ratio,
        fancy_upscaling=fancy_upscaling,
        try_recover_truncated=try_recover_truncated,
        acceptable_fraction=acceptable_fraction,
        dct_method=dct_method,
        name=name,
    )


def decode_png(contents: Any, channels: int = 0, dtype: Any = uint8, name: str | None = None) -> Tensor:
    """The pixels of a PNG file, [height, width, channels].

    Args:
        contents: the file, a scalar string.
        channels: 1 grey, 2 grey and opacity, 3 RGB, 4 RGBA, 0 for what the file has.
        dtype: uint8 or uint16.

    Raises (when run):
        InvalidArgumentError: it is no PNG or damaged.
    """
    tensor = convert_to_tensor(contents, string, "contents")
    return decode_png_op(tensor, channels=channels or 0, dtype=as_dtype(dtype), name=name)


def decode_bmp(contents: Any, channels: int = 0, name: str | None = None) -> Tensor:
    """The pixels of a BMP file, uint8 [height, width, channels]."""
    return decode_bmp_op(convert_to_tensor(contents, string, "contents"), channels=channels or 0, name=name)


def decode_gif(contents: Any, name: str | None = None) -> Tensor:
    """The frames of a GIF file, uint8 [frames, height, width, 3]."""
    return decode_gif_op(convert_to_tensor(contents, string, "contents"), name=name)


def decode_image(
    contents: Any,
    channels: int | None = None,
    dtype: Any = uint8,
    name: str | None = None,
    expand_animations: bool = True,
) -> Tensor:
    """The pixels of a JPEG, PNG, GIF or BMP file, told apart by its first bytes.

    [height, width, channels], or [frames, height, width, 3] for a GIF, so that the static shape is unknown unless
    `expand_animations` is off, which takes the first frame.

    Args:
        contents: the file, a scalar string.
        channels: 0 or None for what the file has.
        dtype: of the result; floats lie in [0, 1].

    Raises:
        ValueError: no such number of channels.
        InvalidArgumentError: (when run) it is none of the four, or damaged.
    """
    wanted = as_dtype(dtype)
    read = wanted if wanted in (uint8, uint16, float32) else float32 if wanted.is_floating else uint16
    with get_default_graph().name_scope(name or "decode_image"):
        tensor = convert_to_tensor(contents, string, "contents")
        image = decode_image_op(tensor, channels=channels or 0, dtype=read, expand_animations=expand_animations)
        return convert_image_dtype(image, wanted)


def encode_jpeg(
    image: Any,
    format: str = "",
    quality: int = 95,
    progressive: bool = False,
    optimize_size: bool = False,
    chroma_downsampling: bool = True,
    density_unit: str = "in",
    x_density: int = 300,
    y_density: int = 300,
    xmp_metadata: str = "",
    name: str | None = None,
) -> Tensor:
    """A JPEG file, a scalar string, of uint8 pixels [height, width, 1 or 3].

    Args:
        image: the pixels.
        format: "grayscale", "rgb", or "" for what the channels say.
        quality: 0 to 100.
        progressive: a file that sharpens while it loads.
        optimize_size: takes time to save bytes, without loss.
        chroma_downsampling: halves the resolution of the colours.
        density_unit: "in" or "cm".
        x_density: pixels per unit.
        y_density: pixels per unit.
        xmp_metadata: must be empty.

    Raises (when run):
        InvalidArgumentError: the shape or an argument is wrong.
    """
    return encode_jpeg_op(
        convert_to_tensor(image, uint8, "image"),
        format=format,
        quality=quality,
        progressive=progressive,
        optimize_size=optimize_size,
        chroma_downsampling=chroma_downsampling,
        density_unit=density_unit,
        x_density=x_density,
        y_density=y_density,
        xmp_metadata=xmp_metadata,
        name=name,
    )


def encode_png(image: Any, compression: int = -1, name: str | None = None) -> Tensor:
    """A PNG file, a scalar string, of uint8 or uint16 pixels [height, width, 1 to 4].

    Args:
        image: the pixels.
        compression: 0 (none) to 9 (smallest), -1 for zlib's default.
    """
    tensor = image if isinstance(image, Tensor) else convert_to_tensor(image, preferred_dtype=uint8, name="image")
    return encode_png_op(tensor, compression=compression, name=name)


def extract_jpeg_shape(contents: Any, output_type: Any = int32, name: str | None = None) -> Tensor:
    """[height, width, channels] of a JPEG file, whose pixels are not decoded."""
    tensor = convert_to_tensor(contents, string, "contents")
    return extract_jpeg_shape_op(tensor, output_type=as_dtype(output_type), name=name)


def is_jpeg(contents: Any, name: str | None = None) -> Tensor:
    """Whether a file, a scalar string, begins as a JPEG file does."""
    with get_default_graph().name_scope(name or "is_jpeg"):
        return equal(substr(contents, 0, 3), b"\xff\xd8\xff", name="is_jpeg")


def adjust_jpeg_quality(image: Any, jpeg_quality: int, name: str | None = None) -> Tensor:
    """`image` [height, width, 1 or 3] as it looks after JPEG of the given quality, in its own dtype."""
    with get_default_graph().name_scope(name or "adjust_jpeg_quality"):
        tensor = convert_to_tensor(image, None, "image")
        pixels = convert_image_dtype(tensor, uint8, saturate=True)
        decoded = decode_jpeg(encode_jpeg(pixels, quality=jpeg_quality))
        decoded.set_shape(tensor.shape)
        return convert_image_dtype(decoded, tensor.dtype.base_dtype)
