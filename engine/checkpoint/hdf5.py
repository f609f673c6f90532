"""Shards: tensors in an HDF5 file, each a contiguous dataset with a CRC-32C; read with suspicion."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import numpy as np

from ..crc32c import crc32c
from ..dtypes import DType, string
from ..errors import DataLossError, InvalidArgumentError
from .manifest import Shard, Slice, temporary_name

# h5py is imported where a file is written or read: importing it takes longer than all of ours.

Array = np.ndarray[Any, Any]

_UNSIGNED: Final[dict[int, np.dtype[Any]]] = {
    1: np.dtype("<u1"),
    2: np.dtype("<u2"),
    4: np.dtype("<u4"),
    8: np.dtype("<u8"),
}


def dataset_name(tensor: str, offset: tuple[int, ...], whole: bool) -> str:
    """The dataset of a slice: the tensor's name without slashes, which would make groups."""
    name = quote(tensor, safe=" :")
    return name if whole else f"{name}@{','.join(map(str, offset))}"


def write_shard(path: Path, parts: Iterable[tuple[str, DType, Array]]) -> list[tuple[int, int]]:
    """Writes datasets to a new file, which is on the disk before it gets its name.

    Args:
        path: the file; what is there is replaced.
        parts: name, dtype and value of each dataset.

    Returns:
        The bytes and CRC-32C of each dataset.
    """
    import h5py

    temporary = temporary_name(path)
    try:
        with h5py.File(temporary, "w", libver="latest", locking=False) as file:
            sums = [_write(file, *part) for part in parts]
        with temporary.open("rb") as stream:
            os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return sums


def _write(file: Any, name: str, dtype: DType, value: Array) -> tuple[int, int]:
    if dtype.name in ("resource", "variant"):
        raise InvalidArgumentError(None, None, f"{name}: a {dtype.name} cannot be saved")
    stored = _stored(value, dtype)
    file.create_dataset(name, data=stored)
    return stored.nbytes, crc32c(stored.reshape(-1).view(np.uint8).data)


def _stored(value: Array, dtype: DType) -> Array:
    """A value as an array of numbers that HDF5 knows."""
    if dtype is string:
        return _packed_strings(value)
    array = np.ascontiguousarray(value, dtype.numpy).reshape(np.shape(value))
    kind = stored_type(dtype)
    if dtype.is_complex:
        return array.reshape(*array.shape, 1).view(kind)
    return array.view(kind)


def stored_type(dtype: DType) -> np.dtype[Any]:
    """The NumPy type in the file: numbers as they are, bool and bfloat16 by their bits, complex numbers as pairs."""
    if dtype.is_complex:
        real: np.dtype[Any] = dtype.real_dtype.numpy.newbyteorder("<")
        return real
    if dtype.numpy.kind in "iuf":
        little: np.dtype[Any] = dtype.numpy.newbyteorder("<")
        return little
    return _UNSIGNED[dtype.numpy.itemsize]


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
    """An open shard. Whatever is not exactly as the manifest says is refused before memory is taken for it."""

    def __init__(self, path: Path, shard: Shard) -> None:
        import h5py

        self.path = path
        self.size = shard.bytes
        try:
            if path.stat().st_size != shard.bytes:
                raise self._damaged(f"it has {path.stat().st_size} bytes instead of {shard.bytes}")
            self._file = h5py.File(path, "r", locking=False)
        except FileNotFoundError:
            raise DataLossError(None, None, f"The shard {path} of a checkpoint is missing") from None
        except OSError as error:
            raise self._damaged(str(error)) from None

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def read(self, part: Slice, dtype: DType, verify: bool = True) -> Array:
        """The value of a slice; DataLossError names the file and dataset if anything is wrong with it."""
        try:
            stored = self._stored(part, dtype)
        except (OSError, KeyError, ValueError, TypeError, RuntimeError) as error:
            raise self._damaged(f"{part.dataset!r}: {error}") from None
        if verify and crc32c(stored.reshape(-1).view(np.uint8).data) != part.crc32c:
            raise self._damaged(f"{part.dataset!r}: its checksum is wrong")
        if dtype is string:
            try:
                return _unpacked_strings(stored, part.shape)
            except ValueError as error:
                raise self._damaged(f"{part.dataset!r}: {error}") from None
        return stored.view(dtype.numpy).reshape(part.shape)

    def _stored(self, part: Slice, dtype: DType) -> Array:
        import h5py

        link = self._file.get(part.dataset, getlink=True)
        if not isinstance(link, h5py.HardLink):
            raise ValueError(f"expected a dataset of the file, found {type(link).__name__}")
        dataset = self._file[part.dataset]
        kind = np.dtype(np.uint8) if dtype is string else stored_type(dtype)
        shape = _stored_shape(part, dtype)
        _check_plain(dataset, shape, kind)
        if math.prod(shape) * kind.itemsize > self.size:
            raise ValueError(f"{shape} does not fit into a file of {self.size} bytes")
        array = np.empty(shape, kind)
        if array.size:
            dataset.read_direct(array)
        return array

    def _damaged(self, what: str) -> DataLossError:
        return DataLossError(None, None, f"The shard {self.path} of a checkpoint is damaged: {what}")


def _stored_shape(part: Slice, dtype: DType) -> tuple[int, ...]:
    if dtype is string:
        return (part.bytes,)
    if dtype.is_complex:
        # The pair is the last dimension.
        return (*part.shape, 2)
    return part.shape


def _check_plain(dataset: Any, shape: tuple[int, ...], kind: np.dtype[Any]) -> None:
    """Raises ValueError unless a dataset lies in the file itself, unfiltered, with just this shape and type."""
    import h5py

    if not isinstance(dataset, h5py.Dataset):
        raise ValueError(f"expected a dataset, found a {type(dataset).__name__}")
    properties = dataset.id.get_create_plist()
    if dataset.is_virtual or properties.get_external_count():
        raise ValueError("its values lie in other files")
    if properties.get_nfilters():
        raise ValueError("it has filters")
    if properties.get_layout() not in (h5py.h5d.CONTIGUOUS, h5py.h5d.COMPACT):
        raise ValueError("it is not contiguous")
    if dataset.dtype != kind or dataset.shape != shape:
        raise ValueError(f"it holds {dataset.dtype}{list(dataset.shape or ())}, expected {kind}{list(shape)}")
