"""Summary messages made of values, as the summary ops of TensorFlow 1.15 make them."""

from __future__ import annotations

import io
import math
import struct
import sys
import wave
import zlib
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ..errors import InvalidArgumentError
from ..protos import HistogramProto, Summary, SummaryMetadata
from ..tensor_proto import make_tensor_proto

Array = npt.NDArray[Any]

BAD_COLOR: Final = (255, 0, 0, 255)  # of pixels that are not finite
_PNG_COLORS: Final = {1: 0, 3: 2, 4: 6}  # channels to PNG's color type
_DARK: Final = 1e-6  # an image whose values are all below is black
_SAMPLE_SCALE: Final = 2.0**15


def scalar(tag: str, value: npt.ArrayLike) -> Summary:
    """Returns a summary of one number.

    >>> scalar("loss", 0.5).value[0].simple_value
    0.5
    """
    number = np.asarray(value)
    if number.size != 1:
        raise ValueError(f"summary {tag!r}: expected one number, got shape {number.shape}")
    return Summary(value=[Summary.Value(tag=tag, simple_value=float(number.reshape(())))])


def tensor(tag: str, value: object, plugin_name: str = "", content: bytes = b"") -> Summary:
    """Returns a summary of a tensor that a plugin of TensorBoard shows."""
    plugin = SummaryMetadata.PluginData(plugin_name=plugin_name, content=content)
    metadata = SummaryMetadata(plugin_data=plugin) if plugin_name else None
    proto = make_tensor_proto(value)
    return Summary(value=[Summary.Value(tag=tag, metadata=metadata, tensor=proto)])


def text(tag: str, strings: object) -> Summary:
    """Returns a summary of a string, or of an array of them that is shown as a table (Markdown)."""
    return tensor(tag, strings, "text")


def histogram(tag: str, values: npt.ArrayLike) -> Summary:
    """Returns a summary of how `values` are distributed; there may be none.

    Raises:
        InvalidArgumentError: NaN or infinity among them.
    """
    return Summary(value=[Summary.Value(tag=tag, histo=histogram_proto(values, tag))])


def histogram_proto(values: npt.ArrayLike, tag: str = "values") -> HistogramProto:
    """Returns the histogram of `values` over TensorFlow's buckets, runs of empty ones made one."""
    flat = np.asarray(values).astype(np.float64).reshape(-1)
    _check_finite(flat, tag)
    limits = bucket_limits()
    # Sorted, the values need one search for a limit, not one for each of them.
    flat.sort()
    below = np.searchsorted(flat, limits)
    below[-1] = flat.size
    counts = np.diff(below, prepend=0)
    is_full = counts > 0
    shown = is_full | np.append(is_full[1:], True)
    return HistogramProto(
        min=flat[0] if flat.size else sys.float_info.max,
        max=flat[-1] if flat.size else -sys.float_info.max,
        num=flat.size,
        sum=flat.sum(),
        sum_squares=np.square(flat).sum(),
        bucket_limit=limits[shown].tolist(),
        bucket=counts[shown].tolist(),
    )


def _check_finite(flat: Array, tag: str) -> None:
    if np.isfinite(flat).all():
        return
    if np.isnan(flat).any():
        raise InvalidArgumentError(None, None, f"Nan in summary histogram for: {tag}")
    raise InvalidArgumentError(None, None, f"Infinity in Histogram for: {tag}")


@cache
def bucket_limits() -> npt.NDArray[np.float64]:
    """Returns the upper limits of TensorFlow's buckets: from 1e-12 on each 10 % above the last."""
    limits = [1e-12]
    while limits[-1] < 1e20:
        limits.append(limits[-1] * 1.1)
    limits[-1] = sys.float_info.max
    return np.array([-limit for limit in reversed(limits)] + [0.0] + limits)


def image(tag: str, images: npt.ArrayLike, max_outputs: int = 3, bad_color: Sequence[int] = BAD_COLOR) -> Summary:
    """Returns a summary with PNG pictures of the first `max_outputs` images.

    Args:
        tag: pictures get the tags `tag/image/0` and so on, or `tag/image` if `max_outputs` is 1.
        images: [number, height, width, channels] with 1, 3 or 4 channels. Bytes are taken as they
            are; floats are scaled so that the largest is white, with 0 as grey if any is negative.
        max_outputs: how many to take.
        bad_color: of pixels with NaN or infinity.

    Raises:
        InvalidArgumentError: another shape, or numbers that are neither uint8 nor floats.
    """
    batch = np.asarray(images)
    _check_images(batch, tag)
    values = []
    for name, pixels in _named(f"{tag}/image", batch, max_outputs):
        pixels = pixels if pixels.dtype == np.uint8 else _as_bytes(pixels, bad_color)
        height, width, channels = pixels.shape
        picture = Summary.Image(height=height, width=width, colorspace=channels, encoded_image_string=png(pixels))
        values.append(Summary.Value(tag=name, image=picture))
    return Summary(value=values)


def _check_images(batch: Array, tag: str) -> None:
    if batch.ndim != 4 or batch.shape[-1] not in _PNG_COLORS:
        shape = ",".join(map(str, batch.shape))
        raise InvalidArgumentError(None, None, f"{tag}: Tensor must be 4-D with last dim 1, 3, or 4, not [{shape}]")
    if batch.dtype.kind in "biucSUO" and batch.dtype != np.uint8:
        raise InvalidArgumentError(None, None, f"{tag}: images are uint8 or float: {batch.dtype}")


def _named(tag: str, batch: Array, limit: int) -> Iterable[tuple[str, Array]]:
    if limit < 1:
        raise ValueError(f"{tag}: at least one output must be taken, got {limit}")
    names = [tag] if limit == 1 else [f"{tag}/{number}" for number in range(min(limit, len(batch)))]
    return zip(names, batch, strict=False)


def _as_bytes(pixels: Array, bad_color: Sequence[int]) -> npt.NDArray[np.uint8]:
    pixels = pixels.astype(np.float32)
    is_finite = np.isfinite(pixels).all(axis=-1)
    result = np.empty(pixels.shape, np.uint8)
    result[~is_finite] = np.asarray(bad_color, np.uint8)[: pixels.shape[-1]]
    result[is_finite] = _scaled(pixels[is_finite])
    return result


def _scaled(values: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    low, high = values.min(initial=0), values.max(initial=0)
    largest = max(-low, high)
    white, zero = (127, 128) if low < 0 else (255, 0)
    scale = np.float32(0) if largest < _DARK else np.float32(white) / largest
    return (values * scale + np.float32(zero)).astype(np.uint8)


def png(pixels: npt.NDArray[np.uint8]) -> bytes:
    """Returns a PNG file of pixels [height, width, channels] with 1, 3 or 4 channels."""
    height, width, channels = pixels.shape
    header = struct.pack(">IIBBBBB", width, height, 8, _PNG_COLORS[channels], 0, 0, 0)
    # Each line starts with its filter: 0, none.
    lines = np.zeros((height, 1 + width * channels), np.uint8)
    lines[:, 1:] = pixels.reshape(height, -1)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines.tobytes())), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_png_chunk(kind, data) for kind, data in chunks)


def _png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def audio(tag: str, clips: npt.ArrayLike, sample_rate: float, max_outputs: int = 3) -> Summary:
    """Returns a summary with WAV files (16 bit) of the first `max_outputs` clips.

    Args:
        tag: clips get the tags `tag/audio/0` and so on, or `tag/audio` if `max_outputs` is 1.
        clips: [number, frames, channels] or [number, frames], from -1 to 1; what is beyond is cut.
        sample_rate: frames a second.
        max_outputs: how many to take.

    Raises:
        InvalidArgumentError: another shape, NaN, or a sample rate below 1.
    """
    batch = np.asarray(clips).astype(np.float32)
    if batch.ndim not in (2, 3) or not 1 <= sample_rate < math.inf or np.isnan(batch).any():
        raise InvalidArgumentError(
            None,
            None,
            f"{tag}: expected a sample rate of 1 or more and clips [number, frames, channels] "
            f"without NaN, got {sample_rate} and shape {list(batch.shape)}",
        )
    batch = batch.reshape(*batch.shape[:2], batch.shape[2] if batch.ndim == 3 else 1)
    values = []
    for name, samples in _named(f"{tag}/audio", batch, max_outputs):
        frames, channels = samples.shape
        clip = Summary.Audio(
            sample_rate=sample_rate,
            num_channels=channels,
            length_frames=frames,
            encoded_audio_string=wav(samples, int(sample_rate)),
            content_type="audio/wav",
        )
        values.append(Summary.Value(tag=name, audio=clip))
    return Summary(value=values)


def wav(samples: npt.NDArray[np.float32], sample_rate: int) -> bytes:
    """Returns a WAV file with 16 bits a sample of [frames, channels] from -1 to 1."""
    whole = np.trunc(samples * _SAMPLE_SCALE + np.copysign(0.5, samples))
    stream = io.BytesIO()
    with wave.open(stream, "wb") as file:
        file.setnchannels(samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(sample_rate)
        file.writeframes(whole.clip(-_SAMPLE_SCALE, _SAMPLE_SCALE - 1).astype("<i2").tobytes())
    return stream.getvalue()


def merged(summaries: Iterable[Summary | bytes]) -> Summary:
    """Returns one summary with all the values of many, which may be serialized.

    Raises:
        InvalidArgumentError: a tag that comes twice.
    """
    result = Summary()
    seen: set[str] = set()
    for summary in summaries:
        parsed = summary if isinstance(summary, Summary) else Summary.FromString(summary)
        for value in parsed.value:
            if value.tag in seen:
                raise InvalidArgumentError(None, None, f"Duplicate tag {value.tag} found in summary inputs")
            seen.add(value.tag)
            result.value.append(value)
    return result
