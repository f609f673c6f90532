"""Shards as HDF5: the frame around the values when one is written, and what its parser says when one is checked."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import numpy as np

from ..dtypes import DType, string
from .manifest import Slice

# h5py is imported where a file is written or parsed: importing it takes longer than all of ours.

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
    if not name.strip("."):
        # HDF5 has no empty name, and takes dots for the group itself.
        name = name.replace(".", "%2E") or "%"
    return name if whole else f"{name}@{','.join(map(str, offset))}"


def stored_type(dtype: DType) -> np.dtype[Any]:
    """The NumPy type in the file: numbers as they are, bool and bfloat16 by their bits, complex numbers as pairs."""
    if dtype is string:
        return _UNSIGNED[1]
    if dtype.is_complex:
        real: np.dtype[Any] = dtype.real_dtype.numpy.newbyteorder("<")
        return real
    if dtype.numpy.kind in "iuf":
        little: np.dtype[Any] = dtype.numpy.newbyteorder("<")
        return little
    return _UNSIGNED[dtype.numpy.itemsize]


class Frame(io.RawIOBase):
    """What HDF5 writes around values that it never sees: a file in memory with holes where they go."""

    def __init__(self) -> None:
        self._place = self._size = 0
        self._pieces: list[tuple[int, bytes]] = []

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._place

    def seek(self, offset: int, whence: int = 0) -> int:
        self._place = offset + (0, self._place, self._size)[whence]
        return self._place

    def write(self, data: Any) -> int:
        octets = bytes(data)
        self._pieces.append((self._place, octets))
        self._place += len(octets)
        self._size = max(self._size, self._place)
        return len(octets)

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer).cast("B")
        count = max(min(len(view), self._size - self._place), 0)
        view[:count] = self.between(self._place, self._place + count)
        self._place += count
        return count

    def truncate(self, size: int | None = None) -> int:
        self._size = self._place if size is None else size
        return self._size

    @property
    def size(self) -> int:
        """How many bytes the file has, holes among them."""
        return self._size

    def between(self, start: int, end: int) -> bytes:
        """The bytes from `start` to `end`; zeros where nothing was written."""
        return self.gaps([(start, end)])[0]

    def gaps(self, spans: Sequence[tuple[int, int]]) -> list[bytes]:
        """The bytes of several spans, which are in order."""
        starts = np.array([start for start, _ in spans])
        found = [bytearray(end - start) for start, end in spans]
        for place, octets in self._pieces:
            first = max(int(np.searchsorted(starts, place, "right")) - 1, 0)
            for number in range(first, len(spans)):
                start, end = spans[number]
                if start >= place + len(octets):
                    break
                low, high = max(start, place), min(end, place + len(octets))
                if low < high:
                    found[number][low - start : high - start] = octets[low - place : high - place]
        return [bytes(piece) for piece in found]


def framed(datasets: Sequence[tuple[str, np.dtype[Any], tuple[int, ...]]]) -> tuple[Frame, list[int]]:
    """The frame of a shard with these datasets, and where in it the values of each are to lie."""
    import h5py

    frame = Frame()
    with h5py.File(frame, "w", libver="latest") as file:
        places = [_allocated(file.id, *dataset) for dataset in datasets]
    return frame, places


def _allocated(file: Any, name: str, kind: np.dtype[Any], shape: tuple[int, ...]) -> int:
    from h5py import h5d, h5p, h5s, h5t

    properties = h5p.create(h5p.DATASET_CREATE)
    properties.set_layout(h5d.CONTIGUOUS)
    properties.set_alloc_time(h5d.ALLOC_TIME_EARLY)
    properties.set_fill_time(h5d.FILL_TIME_NEVER)
    space = h5s.create_simple(shape) if shape else h5s.create(h5s.SCALAR)
    dataset = h5d.create(file, name.encode(), h5t.py_create(kind), space, properties)
    return int(dataset.get_offset() or 0)


class ParsedShard:
    """A shard through HDF5's parser. Whatever is not exactly as the manifest says raises before memory is taken for it."""

    def __init__(self, path: Path, size: int) -> None:
        import h5py

        self._size = size
        self._file = h5py.File(path, "r", locking=False)

    def close(self) -> None:
        """Closes the file."""
        self._file.close()

    def place(self, part: Slice, dtype: DType) -> int:
        """Where in the file the values of a slice lie; ValueError unless they are a plain dataset."""
        return int(self._plain(part, dtype).id.get_offset() or 0)

    def read(self, part: Slice, dtype: DType) -> Array:
        """The bytes of a slice."""
        dataset = self._plain(part, dtype)
        array = np.empty(dataset.shape, dataset.dtype)
        if array.size:
            dataset.read_direct(array)
        return array.reshape(-1).view(np.uint8)

    def _plain(self, part: Slice, dtype: DType) -> Any:
        import h5py

        link = self._file.get(part.dataset, getlink=True)
        if not isinstance(link, h5py.HardLink):
            raise ValueError(f"expected a dataset of the file, found {type(link).__name__}")
        dataset = self._file[part.dataset]
        kind, shape = stored_type(dtype), stored_shape(part, dtype)
        _check_plain(dataset, shape, kind)
        if math.prod(shape) * kind.itemsize > self._size:
            raise ValueError(f"{shape} does not fit into a file of {self._size} bytes")
        return dataset


def stored_shape(part: Slice, dtype: DType) -> tuple[int, ...]:
    """The shape of a slice's dataset."""
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
