"""Shards: tensors in an HDF5 file, each a contiguous dataset with a CRC-32C; read with suspicion, without its parser."""

from __future__ import annotations

import math
import os
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from ..crc32c import crc32c
from ..dtypes import DType, string
from ..errors import DataLossError, InvalidArgumentError
from .bundle import unpacked_strings
from .files import NewFile, new_file
from .hdf5 import Array, ParsedShard, framed, stored_type
from .manifest import LARGEST, Shard, Slice

# A piece is checked while it is in the processor's cache.
_PIECE: Final = 1 << 19


@dataclass(frozen=True)
class Stored:
    """Where the values of a dataset came to lie: position, bytes and CRC-32C."""

    position: int
    bytes: int
    crc32c: int


def write_shard(path: Path, parts: Iterable[tuple[str, DType, Array]]) -> tuple[Shard, list[Stored]]:
    """Writes datasets to a new file, which is on the disk before it gets its name.

    Args:
        path: the file; what is there is replaced.
        parts: name, dtype and value of each dataset.

    Returns:
        The file with its bytes and the CRC-32C of what is not values; and what was stored of each dataset.
    """
    chosen = [(name, dtype, _stored(name, value, dtype)) for name, dtype, value in parts]
    frame, places = framed([(name, stored_type(dtype), array.shape) for name, dtype, array in chosen])
    spans = [(place, place + array.nbytes) for place, (_, _, array) in zip(places, chosen, strict=True)]
    order = sorted((i for i, (start, end) in enumerate(spans) if end > start), key=spans.__getitem__)
    gaps = frame.gaps(_between([spans[i] for i in order], frame.size))
    sums = [0] * len(chosen)
    with new_file(path, frame.size) as stream:
        stream.write(gaps[0])
        for index, gap in zip(order, gaps[1:], strict=True):
            sums[index] = _write(stream, chosen[index][2])
            stream.write(gap)
    found = [Stored(p, a.nbytes, c) for p, (_, _, a), c in zip(places, chosen, sums, strict=True)]
    return Shard(path.name, frame.size, crc32c(b"".join(gaps))), found


def _between(spans: Sequence[tuple[int, int]], size: int) -> list[tuple[int, int]]:
    """What of a file is in none of the spans, which are in order: one gap before each and one after the last."""
    starts, ends = [start for start, _ in spans], [end for _, end in spans]
    return list(zip([0, *ends], [*starts, size], strict=True))


def _write(stream: NewFile, array: Array) -> int:
    octets = array.reshape(-1).view(np.uint8).data
    checksum = 0
    for start in range(0, len(octets), _PIECE):
        piece = octets[start : start + _PIECE]
        checksum = crc32c(piece, checksum)
        stream.write(piece)
    return checksum


def _stored(name: str, value: Array, dtype: DType) -> Array:
    """A value as an array of numbers that HDF5 knows."""
    if dtype.name in ("resource", "variant"):
        raise InvalidArgumentError(None, None, f"{name}: a {dtype.name} cannot be saved")
    if dtype is string:
        return _packed_strings(value)
    array = np.ascontiguousarray(value, dtype.numpy).reshape(np.shape(value))
    kind = stored_type(dtype)
    if dtype.is_complex:
        return array.reshape(*array.shape, 1).view(kind)
    return array.view(kind) if array.dtype.kind not in "iuf" else array.astype(kind, copy=False)


def _packed_strings(value: Array) -> Array:
    """Lengths, then the bytes themselves."""
    items = [bytes(item) for item in np.asarray(value, object).reshape(-1)]
    lengths = np.array([len(item) for item in items], "<u8")
    return np.frombuffer(lengths.tobytes() + b"".join(items), np.uint8)


def _unpacked_strings(packed: Array, shape: tuple[int, ...]) -> Array:
    count = math.prod(shape)
    if packed.nbytes < 8 * count:
        raise ValueError(f"{packed.nbytes} bytes are too few for {count} strings")
    lengths = packed[: 8 * count].view("<u8")
    text = packed[8 * count :].tobytes()
    ends = np.cumsum(lengths.astype(object)) if count else np.empty(0, object)
    if (int(ends[-1]) if count else 0) != len(text):
        raise ValueError("the lengths of its strings are wrong")
    result = np.empty(count, object)
    result[:] = [text[e - n : e] for e, n in zip(ends.tolist(), lengths.tolist(), strict=True)]
    return result.reshape(shape)


class ShardReader:
    """An open shard. What is not exactly as the manifest says is refused before memory is taken for it.

    Values are read from where the manifest says they lie. HDF5's parser sees the file only where the manifest, an older
    one, does not say that, and in `check_layout`.

    Args:
        path: the file.
        shard: what the manifest says about it.
        parts: all slices in it.
        bundle: whether it is a data file of TensorFlow's.
    """

    def __init__(self, path: Path, shard: Shard, parts: Sequence[Slice], bundle: bool = False) -> None:
        self.path = path
        self._bundle = bundle
        self._shard = shard
        self._parsed: ParsedShard | None = None
        try:
            status = path.stat()
            if not stat.S_ISREG(status.st_mode) or status.st_size != shard.bytes:
                raise self._damaged(f"it has {status.st_size} bytes instead of {shard.bytes}")
            self._stream = path.open("rb", buffering=0)
        except FileNotFoundError:
            raise DataLossError(None, None, f"The shard {path} of a checkpoint is missing") from None
        except OSError as error:
            raise self._damaged(str(error)) from None
        self._frame_problem = self._check_frame(parts)

    def close(self) -> None:
        """Closes the file."""
        self._stream.close()
        if self._parsed is not None:
            self._parsed.close()

    def _check_frame(self, parts: Sequence[Slice]) -> str | None:
        """What is wrong with the bytes that are no values."""
        if self._shard.frame_crc32c is None:
            return None
        spans = sorted((p.position, p.position + p.bytes) for p in parts if p.position is not None and p.bytes)
        gaps, checksum = _between(spans, self._shard.bytes), 0
        if sum(end - start for start, end in gaps) > LARGEST:
            return "most of it is no values"
        for start, end in gaps:
            checksum = self._read_at(start, np.empty(end - start, np.uint8), checksum)
        return None if checksum == self._shard.frame_crc32c else "what surrounds its values has a wrong checksum"

    def check_frame(self) -> None:
        """Raises DataLossError if bytes that are no values have changed: values can be read all the same."""
        if self._frame_problem is not None:
            raise self._damaged(self._frame_problem)

    def check_layout(self, part: Slice, dtype: DType) -> None:
        """Raises DataLossError if other readers of HDF5 would find something else than this one."""
        if self._bundle:
            return
        place = self._guarded(part, lambda: self._hdf5().place(part, dtype))
        if part.position is not None and part.bytes and place != part.position:
            raise self._damaged(f"{part.dataset!r} lies at {place} and not at {part.position}")

    def read(self, part: Slice, dtype: DType) -> Array:
        """The value of a slice; DataLossError names the file and dataset if anything is wrong with it."""
        octets = self._guarded(part, lambda: self._octets(part, dtype))
        if dtype.name in ("resource", "variant"):
            raise self._damaged(f"{part.dataset!r}: a {dtype.name} is not read")
        if dtype is string and self._bundle:
            return np.asarray(self._guarded(part, lambda: unpacked_strings(octets, part.shape, part.crc32c)))
        if dtype is string:
            return np.asarray(self._guarded(part, lambda: _unpacked_strings(octets, part.shape)))
        return np.asarray(self._guarded(part, lambda: octets.view(dtype.numpy).reshape(part.shape)))

    def has_plain(self, part: Slice, dtype: DType) -> bool:
        """Whether a slice can be read into memory that is there: its bytes are the value's."""
        return part.position is not None and dtype.name not in ("string", "resource", "variant")

    def read_into(self, part: Slice, target: Array, is_checked: bool = False) -> None:
        """Fills a contiguous array with the value of a plain slice, as `read`; without its checksum where `is_checked`."""
        octets = target.reshape(-1).view(np.uint8)
        if is_checked:
            self._guarded(part, lambda: self._copy_at(part.position or 0, octets))
        else:
            self._guarded(part, lambda: self._checked(part, self._read_at(part.position or 0, octets)))

    def check(self, part: Slice) -> None:
        """Reads a plain slice for its checksum alone; DataLossError as from `read`."""
        self._guarded(part, lambda: self._checked(part, self._checksum_at(part.position or 0, part.bytes)))

    def _checked(self, part: Slice, checksum: int) -> None:
        if checksum != part.crc32c:
            raise ValueError("its checksum is wrong")

    def _octets(self, part: Slice, dtype: DType) -> Array:
        if part.position is None:
            octets = self._hdf5().read(part, dtype)
            checksum = crc32c(octets.data)
        else:
            octets = np.empty(part.bytes, np.uint8)
            checksum = self._read_at(part.position, octets)
        # Strings of a bundle have a checksum of another kind.
        if not (self._bundle and dtype is string):
            self._checked(part, checksum)
        return octets

    def _read_at(self, position: int, octets: Array, checksum: int = 0) -> int:
        """Fills `octets` from the file and returns their checksum."""
        view, done = octets.data, 0
        while done < len(view):
            count = self._piece_at(position + done, view[done : done + _PIECE])
            checksum = crc32c(view[done : done + count], checksum)
            done += count
        return checksum

    def _copy_at(self, position: int, octets: Array) -> None:
        done = 0
        while done < len(octets):
            done += self._piece_at(position + done, octets.data[done : done + 4 * _PIECE])

    def _checksum_at(self, position: int, size: int) -> int:
        # A piece that stays in the processor's cache costs no memory to be filled.
        piece = memoryview(bytearray(min(size, _PIECE)))
        checksum, end = 0, position + size
        while position < end:
            count = self._piece_at(position, piece[: end - position])
            checksum = crc32c(piece[:count], checksum)
            position += count
        return checksum

    def _piece_at(self, position: int, piece: memoryview) -> int:
        # Several threads read at once: there is no place in the file that they share.
        count = os.preadv(self._stream.fileno(), [piece], position)
        if not count:
            raise self._damaged(f"it ends at byte {position}")
        return count

    def _hdf5(self) -> ParsedShard:
        self.check_frame()
        if self._parsed is None:
            self._parsed = ParsedShard(self.path, self._shard.bytes)
        return self._parsed

    def _guarded(self, part: Slice, what: Any) -> Any:
        try:
            return what()
        except (OSError, KeyError, ValueError, TypeError, RuntimeError) as error:
            raise self._damaged(f"{part.dataset!r}: {error}") from None

    def _damaged(self, what: str) -> DataLossError:
        return DataLossError(None, None, f"The shard {self.path} of a checkpoint is damaged: {what}")
