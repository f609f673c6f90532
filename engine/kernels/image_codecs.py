"""Reading and writing of JPEG, PNG, GIF and BMP through Pillow, with limits against huge images.

Pillow comes with the extra `image` and is imported where it is first needed.
"""

from __future__ import annotations

import io
import struct
import zlib
from contextlib import AbstractContextManager
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..errors import InvalidArgumentError

if TYPE_CHECKING:
    from PIL.Image import Image as PillowImage

Array = NDArray[Any]
Bytes8 = NDArray[np.uint8]

# Pixels of one file, all frames together; what has more is refused before anything is decoded.
MAX_PIXELS = 1 << 26

_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
_SIGNATURES = {
    "JPEG": (b"\xff\xd8\xff",),
    "PNG": (b"\x89PNG\r\n\x1a\n",),
    "GIF": (b"GIF87a", b"GIF89a"),
    "BMP": (b"BM",),
}
_END_OF_JPEG = b"\xff\xd9"


def decode_jpeg(
    contents: bytes,
    channels: int = 0,
    ratio: int = 1,
    try_recover_truncated: bool = False,
    max_pixels: int = MAX_PIXELS,
) -> Bytes8:
    """Returns the pixels of a JPEG file, uint8 `[height, width, channels]`.

    Args:
        contents: the file.
        channels: 1 for grey, 3 for RGB, 0 for what the file has.
        ratio: 1, 2, 4 or 8: decodes to that fraction of the size.
        try_recover_truncated: fills what is missing of a cut-off file with grey.
        max_pixels: a larger image is refused.

    Raises:
        InvalidArgumentError: when the file is not a whole JPEG or an argument is wrong.
        ImportError: when Pillow is not installed.
    """
    if ratio not in (1, 2, 4, 8):
        raise InvalidArgumentError(None, None, f"ratio must be 1, 2, 4, or 8, got {ratio}")
    _check_channels(channels, (0, 1, 3))
    if try_recover_truncated:
        contents += _END_OF_JPEG
    with _Opened(contents, "JPEG", max_pixels) as image:
        channels = channels or (1 if image.mode == "L" else 3)
        if ratio > 1:
            size = (-(-image.width // ratio), -(-image.height // ratio))
            image.draft(_MODES[channels], size)
        return _pixels(image, channels)


def decode_png(
    contents: bytes,
    channels: int = 0,
    dtype: DTypeLike = np.uint8,
    max_pixels: int = MAX_PIXELS,
) -> Array:
    """Returns the pixels of a PNG file, `[height, width, channels]`.

    Args:
        contents: the file.
        channels: 1 grey, 2 grey and opacity, 3 RGB, 4 RGBA, 0 for what the file has.
        dtype: uint8, or uint16, to which 8-bit files are scaled. Of 16-bit files Pillow keeps all
            bits of grey ones only: those of colour come with the upper 8 bits, scaled.
        max_pixels: a larger image is refused.

    Raises:
        InvalidArgumentError: when the file is not a whole PNG or an argument is wrong.
        ImportError: when Pillow is not installed.
    """
    wanted = np.dtype(dtype)
    if wanted not in (np.dtype(np.uint8), np.dtype(np.uint16)):
        raise InvalidArgumentError(None, None, f"dtype must be uint8 or uint16, got {wanted}")
    _check_channels(channels, (0, 1, 2, 3, 4))
    with _Opened(contents, "PNG", max_pixels) as image:
        if image.mode.startswith("I"):
            return _grey16(np.asarray(image), channels, wanted)
        # Pillow reads 16-bit grey with opacity as RGBA: the header's colour type says what it was.
        grey_alpha = contents[25] == 4
        pixels: Array = _pixels(image, channels or (2 if grey_alpha else _channels_of(image)))
    return pixels if wanted == np.uint8 else pixels.astype(np.uint16) * np.uint16(257)


def decode_bmp(contents: bytes, channels: int = 0, max_pixels: int = MAX_PIXELS) -> Bytes8:
    """Returns the pixels of a BMP file, uint8 `[height, width, channels]`; see `decode_png`."""
    _check_channels(channels, (0, 1, 3, 4))
    with _Opened(contents, "BMP", max_pixels) as image:
        return _pixels(image, channels or _channels_of(image))


def decode_gif(contents: bytes, max_pixels: int = MAX_PIXELS) -> Bytes8:
    """Returns all frames of a GIF file, uint8 `[frames, height, width, 3]`.

    Raises:
        InvalidArgumentError: when the file is not a whole GIF.
        ImportError: when Pillow is not installed.
    """
    with _Opened(contents, "GIF", max_pixels) as image:
        frames: list[Bytes8] = []
        while _at_frame(image, len(frames)):
            _check_pixels(image, len(frames) + 1, max_pixels)
            frames.append(_pixels(image, 3))
        return np.stack(frames)


def decode_image(
    contents: bytes,
    channels: int = 0,
    dtype: DTypeLike = np.uint8,
    expand_animations: bool = True,
    max_pixels: int = MAX_PIXELS,
) -> Array:
    """Returns the pixels of a JPEG, PNG, GIF or BMP file, told apart by its first bytes.

    `[height, width, channels]`, or `[frames, height, width, 3]` for a GIF unless
    `expand_animations` is off, which takes the first frame.

    Raises:
        InvalidArgumentError: when it is none of these, or damaged.
        ImportError: when Pillow is not installed.
    """
    kind = kind_of_image(contents)
    if kind == "PNG":
        return decode_png(contents, channels, dtype, max_pixels)
    if kind == "GIF":
        _check_channels(channels, (0, 3))
        frames = decode_gif(contents, max_pixels)
        pixels = frames if expand_animations else frames[0]
    elif kind == "JPEG":
        pixels = decode_jpeg(contents, channels, max_pixels=max_pixels)
    else:
        pixels = decode_bmp(contents, channels, max_pixels)
    return pixels if np.dtype(dtype) == np.uint8 else pixels.astype(np.uint16) * np.uint16(257)


def encode_jpeg(
    image: Bytes8,
    format: str = "",
    quality: int = 95,
    progressive: bool = False,
    optimize_size: bool = False,
    chroma_downsampling: bool = True,
    density: tuple[int, int] = (300, 300),
) -> bytes:
    """Returns a JPEG file of uint8 pixels `[height, width, 1 or 3]`.

    Args:
        image: the pixels.
        format: "grayscale", "rgb", or "" for what the channels say.
        quality: 0 to 100.
        progressive: writes a file that sharpens while it loads.
        optimize_size: spends time to save bytes, without loss.
        chroma_downsampling: halves the resolution of the colours.
        density: pixels per inch, horizontally and vertically.

    Raises:
        InvalidArgumentError: when shape, dtype or an argument is wrong.
        ImportError: when Pillow is not installed.
    """
    channels = {"": (1, 3), "grayscale": (1,), "rgb": (3,)}.get(format)
    if channels is None:
        raise InvalidArgumentError(None, None, f"format must be '', 'grayscale' or 'rgb', got {format!r}")
    _check_pixels_to_write(image, channels, (np.dtype(np.uint8),))
    if not 0 <= quality <= 100:
        raise InvalidArgumentError(None, None, f"quality must be in [0, 100], got {quality}")
    return _written(
        image,
        "JPEG",
        quality=quality,
        progressive=progressive,
        optimize=optimize_size,
        subsampling=2 if chroma_downsampling else 0,
        dpi=density,
    )


def encode_png(image: Array, compression: int = -1) -> bytes:
    """Returns a PNG file of pixels `[height, width, 1 to 4]`, uint8, or uint16 for one channel.

    Args:
        image: the pixels.
        compression: 0 (none) to 9 (smallest), -1 for zlib's default.

    Raises:
        InvalidArgumentError: when shape, dtype or compression is wrong.
        ImportError: when Pillow is not installed.
    """
    _check_pixels_to_write(image, (1, 2, 3, 4), (np.dtype(np.uint8), np.dtype(np.uint16)))
    if not -1 <= compression <= 9:
        raise InvalidArgumentError(None, None, f"compression should be in [-1,9], got {compression}")
    if image.dtype == np.uint16 and image.shape[2] != 1:
        return _png16(image, compression)
    return _written(image, "PNG", compress_level=6 if compression < 0 else compression)


def jpeg_shape(contents: bytes) -> tuple[int, int, int]:
    """Returns height, width and channels of a JPEG file from its header.

    Raises:
        InvalidArgumentError: when it is no JPEG file.
        ImportError: when Pillow is not installed.
    """
    with _Opened(contents, "JPEG", MAX_PIXELS) as image:
        return image.height, image.width, len(image.getbands())


def kind_of_image(contents: bytes) -> str:
    """Returns "JPEG", "PNG", "GIF" or "BMP" by the first bytes of a file.

    Raises:
        InvalidArgumentError: when they are those of none.

    >>> kind_of_image(b"GIF89a...")
    'GIF'
    """
    for kind, signatures in _SIGNATURES.items():
        if contents.startswith(signatures):
            return kind
    raise InvalidArgumentError(
        None,
        None,
        f"Unknown image file format. One of JPEG, PNG, GIF, BMP required, got {contents[:8]!r}",
    )


def _pillow() -> ModuleType:
    try:
        from PIL import Image
    except ImportError as error:
        raise ImportError("reading and writing images needs Pillow: pip install 'headrace[image]'") from error
    return Image


class _Opened(AbstractContextManager["PillowImage"]):
    """Opens a file of one kind, refuses huge ones, and names what is wrong with damaged ones."""

    def __init__(self, contents: bytes, kind: str, max_pixels: int) -> None:
        self._contents, self._kind, self._max_pixels = contents, kind, max_pixels
        self._library = _pillow()

    def __enter__(self) -> PillowImage:
        if not self._contents.startswith(_SIGNATURES[self._kind]):
            raise InvalidArgumentError(None, None, f"Expected image ({self._kind}), got {self._contents[:8]!r}")
        try:
            source = io.BytesIO(self._contents)
            image: PillowImage = self._library.open(source, formats=[self._kind])
        except Exception as error:
            raise self._named(error) from error
        _check_pixels(image, 1, self._max_pixels)
        return image

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # Pillow's readers raise whatever the bytes drive them to: SyntaxError, struct.error, ...
        if isinstance(error, Exception) and not isinstance(error, InvalidArgumentError):
            raise self._named(error) from error

    def _named(self, error: Exception) -> InvalidArgumentError:
        text = f"Invalid {self._kind} data, size {len(self._contents)}: {error}"
        return InvalidArgumentError(None, None, text)


def _at_frame(image: PillowImage, number: int) -> bool:
    try:
        image.seek(number)
    except EOFError:
        return False
    return True


def _channels_of(image: PillowImage) -> int:
    if image.mode in ("1", "L"):
        return 1
    if image.mode == "P":
        return 4 if "transparency" in image.info else 3
    return {"LA": 2, "RGBA": 4, "PA": 4}.get(image.mode, 3)


def _pixels(image: PillowImage, channels: int) -> Bytes8:
    converted = image if image.mode == _MODES[channels] else image.convert(_MODES[channels])
    pixels = np.array(converted, dtype=np.uint8)
    return pixels.reshape(image.height, image.width, channels)


def _grey16(pixels: Array, channels: int, dtype: np.dtype[Any]) -> Array:
    """Spreads 16-bit grey over the channels asked for."""
    wide = pixels.astype(np.uint16)
    grey = wide if dtype == np.uint16 else (wide >> 8).astype(np.uint8)
    full = np.full_like(grey, np.iinfo(dtype).max)
    planes = {0: [grey], 1: [grey], 2: [grey, full], 3: [grey] * 3, 4: [grey] * 3 + [full]}
    return np.stack(planes[channels], axis=-1)


def _written(image: Array, kind: str, **options: Any) -> bytes:
    library = _pillow()
    target = io.BytesIO()
    pixels = np.ascontiguousarray(image[..., 0] if image.shape[2] == 1 else image)
    mode = "I;16" if image.dtype == np.uint16 else _MODES[image.shape[2]]
    size = (image.shape[1], image.shape[0])
    library.frombytes(mode, size, pixels.tobytes()).save(target, format=kind, **options)
    return target.getvalue()


def _png16(image: Array, compression: int) -> bytes:
    """Writes 16-bit colour, which Pillow cannot: a header, one block of unfiltered lines, an end."""
    height, width, channels = image.shape
    colour_type = {2: 4, 3: 2, 4: 6}[channels]
    header = struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)
    lines = image.astype(">u2").reshape(height, -1).view(np.uint8)
    unfiltered = np.pad(lines, ((0, 0), (1, 0)))
    chunks = (
        (b"IHDR", header),
        (b"IDAT", zlib.compress(unfiltered.tobytes(), compression)),
        (b"IEND", b""),
    )
    return _SIGNATURES["PNG"][0] + b"".join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _check_pixels(image: PillowImage, frames: int, max_pixels: int) -> None:
    if image.width * image.height * frames > max_pixels:
        raise InvalidArgumentError(
            None,
            None,
            f"image of {image.width} x {image.height} pixels and at least {frames} frame(s) "
            f"is larger than the limit of {max_pixels} pixels",
        )


def _check_channels(channels: int, allowed: tuple[int, ...]) -> None:
    if channels not in allowed:
        raise InvalidArgumentError(None, None, f"channels must be one of {list(allowed)}, got {channels}")


def _check_pixels_to_write(image: Array, channels: tuple[int, ...], dtypes: tuple[np.dtype[Any], ...]) -> None:
    if image.ndim != 3 or image.shape[2] not in channels or image.size == 0:
        raise InvalidArgumentError(
            None,
            None,
            f"image must be [height, width, channels], channels one of {list(channels)} and not "
            f"empty, got shape {list(image.shape)}",
        )
    if image.dtype not in dtypes:
        names = " or ".join(str(dtype) for dtype in dtypes)
        raise InvalidArgumentError(None, None, f"image must be {names}, got {image.dtype}")
