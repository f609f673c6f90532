"""Writes what a watched step computed to a folder: one .npy file a tensor, beside lists in JSON. Nothing is pickled.

run.json            format, version, fetches, feeds, step numbers, device, how the run ended
graph.json          the operations of the step with inputs, attributes and the user's line, branches and bodies too
tensors.jsonl       a line for each value, in the order of running: name, slot, dtype, shape, time, file
tensors/000000.npy  the value; .json for strings (each base64), none where there is no array
"""

from __future__ import annotations

import base64
import io
import json
import os
import re
import shutil
import threading
import time
from pathlib import Path
from typing import IO, Any

import numpy as np

from ..dtypes import DType
from ..errors import ResourceExhaustedError

FORMAT, VERSION = "headrace debug dump", 1
RUN, GRAPH, TENSORS, VALUES = "run.json", "graph.json", "tensors.jsonl", "tensors"
# NumPy writes the dtypes that it knows itself; others are written as these of the same size.
_CARRIERS = {1: np.uint8, 2: np.uint16, 4: np.uint32}
_DEFAULT_LIMIT = 100 * 2**30
# The files of values.
FILE = re.compile(r"\d{6,}\.(npy|json)\Z")


class DiskUsage:
    """The bytes that dumps of this process have taken, as TensorFlow counts them."""

    def __init__(self) -> None:
        self.used = 0
        self._lock = threading.Lock()

    def reset(self) -> None:
        """Begins to count again."""
        with self._lock:
            self.used = 0

    def add(self, count: int) -> None:
        """Counts bytes before they are written.

        Raises:
            ResourceExhaustedError: they are more than TFDBG_DISK_BYTES_LIMIT (100 GiB by default) allows.
        """
        limit = disk_limit()
        with self._lock:
            self.used += count
            if limit and self.used > limit:
                raise ResourceExhaustedError(
                    None, None, f"Dumps may take {limit} bytes in all; TFDBG_DISK_BYTES_LIMIT sets another limit"
                )


DISK = DiskUsage()


def disk_limit() -> int:
    """The bytes that dumps may take, 0 for any number; ValueError if TFDBG_DISK_BYTES_LIMIT is no number."""
    text = os.environ.get("TFDBG_DISK_BYTES_LIMIT", str(_DEFAULT_LIMIT))
    try:
        return int(text)
    except ValueError:
        raise ValueError(
            f"TFDBG_DISK_BYTES_LIMIT must be a number of bytes, such as 10000000000, got {text!r}"
        ) from None


def carrier_of(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype as which a file holds another: its own, or integers of the same size."""
    return np.dtype(_CARRIERS[dtype.itemsize]) if dtype.isbuiltin != 1 else dtype


def npy_header(shape: tuple[int, ...], dtype: np.dtype[Any]) -> bytes:
    """What an .npy file of an array, row by row, begins with."""
    stream = io.BytesIO()
    fields = {"shape": shape, "fortran_order": False, "descr": np.lib.format.dtype_to_descr(dtype)}
    np.lib.format.write_array_header_1_0(stream, fields)
    return stream.getvalue()


class DumpWriter:
    """Writes one run into a folder; a dump that is there already is replaced."""

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)
        self._count = 0
        self._last = 0
        self._index: IO[str] | None = None

    def begin(self, run: dict[str, Any], graph: str) -> None:
        """Makes the folder and describes the run; `graph` is the text of graph.json.

        Raises:
            FileExistsError: the folder has another one, called as that of the values, which is no dump's.
            ValueError: TFDBG_DISK_BYTES_LIMIT is no number.
        """
        disk_limit()
        clear_dump(self.folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        # First of all: a folder that has it is known as a dump's if the process is killed.
        self._describe({**run, "ended": False})
        (self.folder / VALUES).mkdir()
        (self.folder / GRAPH).write_text(graph, encoding="utf-8")
        # A line at a time: what was dumped before a crash is what one wants to see.
        self._index = (self.folder / TENSORS).open("w", encoding="utf-8", buffering=1)

    def _describe(self, run: dict[str, Any]) -> None:
        self.run = run
        text = json.dumps({"format": FORMAT, "version": VERSION, **run}, indent=1)
        (self.folder / RUN).write_text(text, encoding="utf-8")

    def add(self, entry: dict[str, Any], array: np.ndarray[Any, Any] | None, dtype: DType) -> None:
        """Writes one value with its line; `entry` says which tensor it is and what was kept of it."""
        # Two values of one tensor never have the same time.
        self._last = max(time.time_ns() // 1000, self._last + 1)
        file = None if array is None else self._write(array, dtype)
        shape = None if array is None else list(array.shape)
        line = {**entry, "dtype": dtype.name, "shape": shape, "timestamp": self._last, "file": file}
        if self._index is not None:
            self._index.write(json.dumps(line) + "\n")
        self._count += 1

    def _write(self, array: np.ndarray[Any, Any], dtype: DType) -> str:
        if array.dtype.hasobject:
            name = f"{self._count:06d}.json"
            text = json.dumps([base64.b64encode(_bytes(item)).decode("ascii") for item in array.ravel()])
            DISK.add(len(text))
            (self.folder / VALUES / name).write_text(text, encoding="ascii")
            return name
        name = f"{self._count:06d}.npy"
        stored = carrier_of(array.dtype)
        header = npy_header(array.shape, stored)
        DISK.add(len(header) + array.nbytes)
        with (self.folder / VALUES / name).open("wb") as file:
            file.write(header)
            file.write(np.asarray(array, order="C").tobytes())
        return name

    def end(self, error: BaseException | None) -> None:
        """Closes the dump and says how the run ended."""
        if self._index is not None:
            self._index.close()
            self._index = None
        text = None if error is None else f"{type(error).__name__}: {error}"
        self._describe({**self.run, "ended": True, "error": text})


def _bytes(item: Any) -> bytes:
    return item if isinstance(item, bytes) else str(item).encode()


def clear_dump(folder: Path) -> None:
    """Removes the files of a dump, or of one that was only begun, from a folder, and nothing else that may be there.

    Raises:
        FileExistsError: there is a folder called as that of a dump's values with other files.
    """
    values = folder / VALUES
    if not (folder / RUN).is_file() and values.exists():
        others = [path.name for path in values.iterdir() if not FILE.match(path.name)] if values.is_dir() else [VALUES]
        if others:
            raise FileExistsError(
                f"{values} is in the way of a dump, and no dump's itself: it holds {', '.join(sorted(others)[:3])}. "
                "Move it away, or dump to another folder"
            )
    shutil.rmtree(values, ignore_errors=True)
    if (folder / RUN).is_file():
        for name in (GRAPH, TENSORS, RUN):
            (folder / name).unlink(missing_ok=True)
