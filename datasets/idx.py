"""The idx format of MNIST's files: magic number, dimensions, unsigned bytes; plain or gzip."""

import gzip
import math
import os
import struct
import zlib
from pathlib import Path
from typing import IO

import numpy as np
import numpy.typing as npt

IMAGES_MAGIC = 0x0803
LABELS_MAGIC = 0x0801

IdxSource = str | os.PathLike[str] | IO[bytes]

_CHUNK = 1 << 20
# More than the largest set in this format.
_LARGEST = 1 << 30


def read_idx(source: IdxSource, magic: int, content: str) -> npt.NDArray[np.uint8]:
    """Returns the bytes of an idx file (a path or an open binary file) in the shape that it names.

    Args:
        source: the file; gzip is recognised by its content.
        magic: the number that the file must begin with; its lowest byte is the rank.
        content: what the file should hold, for error messages: "images" or "labels".

    Raises:
        ValueError: if the magic number is another one, or the file is cut off, damaged or too long.
    """
    if isinstance(source, str | os.PathLike):
        with Path(source).open("rb") as file:
            return _read(file, os.fspath(source), magic, content)
    return _read(source, str(getattr(source, "name", source)), magic, content)


def _read(file: IO[bytes], name: str, magic: int, content: str) -> npt.NDArray[np.uint8]:
    start = file.tell()
    compressed = file.read(2) == b"\x1f\x8b"
    file.seek(start)
    if not compressed:
        return _parse(file, name, magic, content)
    try:
        with gzip.GzipFile(fileobj=file) as unpacked:
            return _parse(unpacked, name, magic, content)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"{name}: damaged gzip file of {content}: {error}") from error


def _parse(file: IO[bytes] | gzip.GzipFile, name: str, magic: int, content: str) -> npt.NDArray[np.uint8]:
    rank = magic & 0xFF
    found = int.from_bytes(_take(file, 4, name, "magic number"), "big")
    if found != magic:
        raise ValueError(f"{name}: expected an idx file of {content} with magic number {magic}, got {found}")
    header = _take(file, 4 * rank, name, "dimensions")
    shape = struct.unpack(f">{rank}I", header)
    if math.prod(shape) > _LARGEST:
        raise ValueError(
            f"{name}: says that it has {content} of shape {list(shape)}; at most {_LARGEST} bytes are read"
        )
    data = _take(file, math.prod(shape), name, f"{content} of shape {list(shape)}")
    if file.read(1):
        raise ValueError(f"{name}: expected {content} of shape {list(shape)}, got more bytes")
    return np.frombuffer(data, dtype=np.uint8).reshape(shape)


def _take(file: IO[bytes] | gzip.GzipFile, count: int, name: str, what: str) -> bytearray:
    """Returns the next count bytes; grows with what is there, since a header may claim anything."""
    data = bytearray()
    while len(data) < count:
        part = file.read(min(count - len(data), _CHUNK))
        if not part:
            raise ValueError(f"{name}: cut off: expected {count} bytes of {what}, got {len(data)}")
        data += part
    return data
