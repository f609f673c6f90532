"""Arrays from npz files of any origin: sizes are checked before memory is taken, and objects are not unpickled."""

from __future__ import annotations

import math
import os
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np
from numpy.lib import format as npy

from .plain_pickle import read_plain_pickle

if TYPE_CHECKING:
    from zipfile import ZipFile

# More than the largest array of the sets that are loaded here.
LARGEST = 1 << 30
# Operations of the largest array of lists: 25,000 reviews.
LISTS = 50_000_000


def read_npz(path: str | os.PathLike[str], names: Sequence[str]) -> list[Any]:
    """The arrays of these names in an npz file; those of Python lists come as lists.

    Raises:
        ValueError: the file is damaged, an array is missing, too large, or holds more than numbers, text and lists.
    """
    import zipfile  # not needed to import the package

    try:
        with zipfile.ZipFile(path) as archive:
            return [_array(archive, os.fspath(path), name) for name in names]
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise ValueError(f"{os.fspath(path)}: damaged npz file: {error}") from None


def _array(archive: ZipFile, path: str, name: str) -> Any:
    entry = f"{name}.npy"
    if entry not in archive.namelist():
        held = ", ".join(Path(n).stem for n in archive.namelist()[:20])
        raise ValueError(f"{path}: expected an array {name!r}, got {held or 'none'}")
    info = archive.getinfo(entry)
    where = f"{path}: array {name!r}"
    if info.file_size > LARGEST:
        raise ValueError(f"{where} says that it has {info.file_size} bytes; at most {LARGEST} are read")
    with archive.open(info) as file:
        return _read(file, where, info.file_size)


def _read(file: IO[bytes], where: str, size: int) -> Any:
    try:
        version = npy.read_magic(file)
        header = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}[version]
        shape, by_columns, dtype = header(file)
    except (ValueError, KeyError) as error:
        raise ValueError(f"{where}: damaged: {error}") from None
    if dtype.hasobject:
        return read_plain_pickle(file.read(size), where, LISTS)
    expected = math.prod(shape) * dtype.itemsize
    if expected > size:
        raise ValueError(f"{where}: shape {list(shape)} of {dtype} needs {expected} bytes, the file has {size}")
    data = file.read(expected)
    if len(data) != expected:
        raise ValueError(f"{where}: cut off: expected {expected} bytes, got {len(data)}")
    return np.frombuffer(data, dtype).reshape(shape, order="F" if by_columns else "C").copy()
