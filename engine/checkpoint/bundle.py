"""Checkpoints of TensorFlow (TensorBundle, version 2): their index is a sorted table of LevelDB's kind with a record a tensor.

It is read into a manifest like ours; values lie in the data files at the positions it gives.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np

from ..crc32c import crc32c
from ..dtypes import as_dtype
from .manifest import Entry, Manifest, Shard, Slice, check_places

Extents: TypeAlias = list[tuple[int, int]]
Fields: TypeAlias = list[tuple[int, Any]]

MAGIC: Final = struct.pack("<Q", 0xDB4775248B80FB57)
_FOOTER: Final = 48
_TRAILER: Final = 5
_MASK_DELTA: Final = 0xA282EAD8
_ALL_ONES: Final = 0xFFFFFFFF
# By length, the bits that begin an encoded number.
_HEADERS: Final = (
    b"",
    b"\x80",
    b"\xc0",
    b"\xe0",
    b"\xf0",
    b"\xf8",
    b"\xfc",
    b"\xfe",
    b"\xff\0",
    b"\xff\x80",
    b"\xff\xc0",
)


def is_bundle(index: bytes) -> bool:
    """Whether the bytes of an index file are TensorFlow's."""
    return len(index) >= _FOOTER and index.endswith(MAGIC)


def parsed_bundle(index: bytes, prefix: Path) -> Manifest:
    """The manifest of a checkpoint of TensorFlow; ValueError, KeyError or IndexError if its index is damaged."""
    records = dict(_records(index))
    header = dict(_fields(records.pop(b"")))
    if header.get(2, 0) != 0:
        raise ValueError("its values are big-endian")
    count = header.get(1, 0)
    if not 0 < count <= len(index):
        raise ValueError(f"it has {count} data files")
    manifest = Manifest(kind="TensorBundle")
    for key, value in records.items():
        if not key.startswith(b"\0"):
            manifest.tensors[key.decode()] = _entry(key.decode(), _fields(value), records, count)
    manifest.shards = [_shard(prefix, number, count, manifest) for number in range(count)]
    check_places(manifest)
    return manifest


def _shard(prefix: Path, number: int, count: int, manifest: Manifest) -> Shard:
    parts = (p for entry in manifest.tensors.values() for p in entry.slices if p.shard == number)
    needed = max(((p.position or 0) + p.bytes for p in parts), default=0)
    path = prefix.with_name(f"{prefix.name}.data-{number:05d}-of-{count:05d}")
    # The index does not tell the size.
    return Shard(path.name, max(needed, path.stat().st_size) if path.is_file() else needed)


def _entry(name: str, fields: Fields, records: dict[bytes, bytes], shards: int) -> Entry:
    dtype, shape = as_dtype(_one(fields, 1)), _shape(_one(fields, 2, b""))
    entry = Entry(dtype, shape)
    cuts = [_extents(value, shape) for number, value in fields if number == 7]
    for plain, raw in cuts:
        record = _fields(records[_slice_key(name, raw)])
        offset, sizes = tuple(start for start, _ in plain), tuple(length for _, length in plain)
        entry.slices.append(_slice(record, name, offset, sizes, shards))
    if not cuts:
        entry.slices.append(_slice(fields, name, (0,) * len(shape), shape, shards))
    _check(entry)
    return entry


def _slice(record: Fields, name: str, offset: tuple[int, ...], shape: tuple[int, ...], shards: int) -> Slice:
    shard, position, size = (_one(record, number) for number in (3, 4, 5))
    if shard >= shards:
        raise ValueError(f"{name} is in data file {shard} of {shards}")
    return Slice(offset, shape, shard, name, size, _unmasked(_one(record, 6)), position)


def _check(entry: Entry) -> None:
    for part in entry.slices:
        ends = [o + n for o, n in zip(part.offset, part.shape, strict=True)]
        if any(end > size for end, size in zip(ends, entry.shape, strict=True)):
            raise ValueError(
                f"a slice of {part.dataset} at {part.offset} of shape {part.shape} is not inside {entry.shape}"
            )
        sized = entry.dtype.name not in ("string", "resource", "variant")
        if sized and part.bytes != math.prod(part.shape) * entry.dtype.size:
            raise ValueError(f"{part.dataset}, {entry.dtype.name}{list(part.shape)}, has {part.bytes} bytes")


def _one(fields: Fields, number: int, default: Any = 0) -> Any:
    return next((value for field, value in fields if field == number), default)


def _shape(message: bytes) -> tuple[int, ...]:
    shape = tuple(_one(_fields(dim), 1) for number, dim in _fields(message) if number == 2)
    if len(shape) > 254 or any(size >= 1 << 62 for size in shape):
        raise ValueError(f"the shape {shape} is none")
    return shape


def _extents(message: bytes, shape: tuple[int, ...]) -> tuple[Extents, Extents]:
    """Start and length of a slice in each dimension: as numbers, and as in its key, where -1 is all of a dimension."""
    found = [_fields(extent) for number, extent in _fields(message) if number == 1]
    raw = [(_one(extent, 1), _one(extent, 2, -1)) for extent in found]
    plain = [(start, size if n < 0 else n) for (start, n), size in zip(raw, shape, strict=True)]
    return plain, raw


def _slice_key(name: str, extents: Extents) -> bytes:
    """The key of a slice's record: parts that compare as bytes like what they mean."""
    # UTF-8 has no byte 255, which would be escaped too.
    text = name.encode().replace(b"\0", b"\0\xff")
    rank = bytes([1, len(extents)]) if extents else b"\0"
    return b"\0" + text + b"\0\x01" + rank + b"".join(_ordered(n) for extent in extents for n in extent)


def _ordered(number: int) -> bytes:
    """A number with a sign in as many bytes as it needs, so that bytes compare like numbers."""
    size, length = (~number if number < 0 else number), 1
    while size >= 1 << (7 * length - 1):
        length += 1
    plain = (
        number.to_bytes(length, "big", signed=True) if length < 9 else number.to_bytes(10, "big", signed=True)[-length:]
    )
    header = _HEADERS[length].ljust(length, b"\0")
    return bytes(a ^ b for a, b in zip(plain, header, strict=True))


def _unmasked(value: int) -> int:
    rotated = (value - _MASK_DELTA) & _ALL_ONES
    return (rotated >> 17 | rotated << 15) & _ALL_ONES


# The table


def _records(index: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Key and value of each record; the last block names the others, in order."""
    footer, at = index[-_FOOTER:], 0
    handle = []
    for _ in range(4):
        number, at = _varint(footer, at)
        handle.append(number)
    # Nothing is in the block of notes about others, and nothing after the two blocks' places.
    if any(footer[at : -len(MAGIC)]) or list(_block(index, handle[0], handle[1])):
        raise ValueError("its end is not that of an index")
    for _, value in _block(index, handle[2], handle[3]):
        position, at = _varint(value, 0)
        size, _ = _varint(value, at)
        yield from _block(index, position, size)


def _block(index: bytes, position: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """The records of a block, in which keys share their beginnings with the ones before."""
    whole = index[position : position + size + _TRAILER]
    if len(whole) != size + _TRAILER or size < 4:
        raise ValueError(f"a block at {position} is cut")
    if crc32c(whole[:-4]) != _unmasked(struct.unpack("<I", whole[-4:])[0]):
        raise ValueError(f"the checksum of the block at {position} is wrong")
    if whole[size]:
        raise ValueError(f"the block at {position} is compressed (kind {whole[size]}), which is not read")
    (restarts,) = struct.unpack("<I", whole[size - 4 : size])
    end, at, key = size - 4 - 4 * restarts, 0, b""
    while at < end:
        shared, at = _varint(whole, at)
        own, at = _varint(whole, at)
        length, at = _varint(whole, at)
        if shared > len(key) or at + own + length > end:
            raise ValueError(f"a record of the block at {position} does not fit")
        key = key[:shared] + whole[at : at + own]
        yield key, whole[at + own : at + own + length]
        at += own + length


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, and where it ends."""
    number = 0
    for shift in range(0, 70, 7):
        octet = data[at]
        at += 1
        number |= (octet & 127) << shift
        if octet < 128:
            return number, at
    raise ValueError("a number is too long")


def _fields(message: bytes) -> Fields:
    """Number and value of each field of a message: numbers, or bytes."""
    found: Fields = []
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        kind = tag & 7
        value: Any
        if kind == 0:
            value, at = _varint(message, at)
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
            value, at = int.from_bytes(message[at : at + length], "little"), at + length
        elif kind == 2:
            length, at = _varint(message, at)
            value, at = message[at : at + length], at + length
        else:
            raise ValueError(f"a field has the wire type {kind}")
        if at > len(message):
            raise ValueError("a message is cut")
        found.append((tag >> 3, value))
    return found


def unpacked_strings(octets: Any, shape: tuple[int, ...], checksum: int) -> Any:
    """Strings as TensorFlow stores them: their lengths, a checksum of these, and their bytes."""
    data, count = octets.tobytes(), math.prod(shape)
    lengths, at = [], 0
    if count > len(data):
        raise ValueError(f"{len(data)} bytes are too few for {count} strings")
    for _ in range(count):
        length, at = _varint(data, at)
        lengths.append(length)
    # Lengths count with four bytes, or eight where they need them.
    known = crc32c(b"".join(struct.pack("<I" if n <= _ALL_ONES else "<Q", n) for n in lengths))
    start = at + 4
    if _unmasked(int.from_bytes(data[at:start], "little")) != known or crc32c(data[at:], known) != checksum:
        raise ValueError("its checksum is wrong")
    if start + sum(lengths) != len(data):
        raise ValueError("the lengths of its strings are wrong")
    result = np.empty(count, object)
    for number, length in enumerate(lengths):
        result[number] = data[start : start + length]
        start += length
    return result.reshape(shape)
