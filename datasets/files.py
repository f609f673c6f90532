"""Datasets of files: lines, records, records of one length, comma-separated values, and the files' names."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ..engine.dtypes import string
from ..engine.errors import DataLossError, InvalidArgumentError, NotFoundError
from ..engine.nest import flatten
from ..engine.queues.readers import fixed_length
from ..engine.records import read_records
from .dataset import Dataset, argument
from .matching import text_of
from .running import Element, Elements, Generated, Run
from .sources import component_of
from .structure import TensorSpec

Read = Callable[[str, str], Iterator[bytes]]


def file_names(filenames: Any) -> Dataset:
    """The files' names one by one, from a dataset, a scalar or a vector of strings."""
    if isinstance(filenames, Dataset):
        leaves = flatten(filenames.element_spec)
        if len(leaves) != 1 or leaves[0].dtype != string or leaves[0].shape.rank not in (None, 0):
            raise TypeError(f"`filenames` must be a dataset of string scalars, got {filenames.element_spec}")
        return filenames
    component = component_of(_listed(filenames))
    if component.spec.dtype != string:
        raise TypeError(f"`filenames` must be strings, got {component.spec.dtype.name}")
    name = TensorSpec((), string)

    def make(run: Run) -> Elements:
        return Generated([np.array(f, object)] for f in component.value(run).reshape(-1))

    return Dataset(name, component.tensors, make)


def _listed(filenames: Any) -> Any:
    if isinstance(filenames, str | bytes | Path):
        filenames = [filenames]
    if isinstance(filenames, list | tuple):
        return [str(f) if isinstance(f, Path) else f for f in filenames]
    return filenames


class FileDataset(Dataset):
    """What files hold, read one after the other, or several in turns."""

    def __init__(self, filenames: Any, read: Read, compression_type: Any, parallel: Any = None) -> None:
        names = file_names(filenames)
        kind = argument("" if compression_type is None else compression_type)
        self.filenames = names

        def opened(run: Run, name: Any) -> Iterator[Element]:
            compression = text_of(run.value(kind))
            if compression not in ("", "GZIP", "ZLIB"):
                raise InvalidArgumentError(None, None, f"Unsupported compression_type: {compression}")
            return ([np.array(item, object)] for item in read(text_of(name), compression))

        def make(run: Run) -> Elements:
            cycle = 1 if parallel is None else max(run.integer(parallel), 1)
            return Generated(_in_turns(names.begin(run), cycle, lambda name: opened(run, name)))

        used = [*names.tensors, *(a for a in (kind, parallel) if hasattr(a, "op"))]
        super().__init__(TensorSpec((), string), used, make, [names])


def _in_turns(names: Elements, cycle: int, opened: Callable[[Any], Iterator[Element]]) -> Iterator[Element]:
    current: list[Iterator[Element]] = []
    place, ended = 0, False
    while True:
        while not ended and len(current) < cycle:
            name = next(names, None)
            ended = name is None
            if name is not None:
                current.append(opened(name[0]))
        if not current:
            return
        place %= len(current)
        element = next(current[place], None)
        if element is not None:
            yield element
            place += 1
            continue
        name = None if ended else next(names, None)
        ended = name is None
        if name is None:
            del current[place]
        else:
            current[place] = opened(name[0])


def stream_of(path: str, compression: str) -> Any:
    """A file opened for reading bytes, decompressed; NotFoundError if there is none."""
    try:
        if compression == "GZIP":
            return gzip.open(path, "rb")
        if compression == "ZLIB":
            import io

            return io.BytesIO(zlib.decompress(Path(path).read_bytes()))
        return Path(path).open("rb")
    except FileNotFoundError:
        raise NotFoundError(None, None, f"{path}; No such file or directory") from None
    except zlib.error as error:
        raise DataLossError(None, None, f"{path}: cannot be decompressed: {error}") from None


def lines_of(path: str, compression: str) -> Iterator[bytes]:
    """The lines of a file without their ends."""
    with stream_of(path, compression) as stream:
        try:
            for line in stream:
                yield line.removesuffix(b"\n").removesuffix(b"\r")
        except (OSError, EOFError, zlib.error) as error:
            raise DataLossError(None, None, f"{path}: cannot be read: {error}") from None


class TextLineDataset(FileDataset):
    """The lines of files as strings, without their ends.

    Args:
        filenames: a string, several, or a dataset of them.
        compression_type: None, "GZIP" or "ZLIB".
        buffer_size: accepted.
        num_parallel_reads: files read in turns, a line from each; one after the other by default.
    """

    def __init__(
        self, filenames: Any, compression_type: Any = None, buffer_size: Any = None, num_parallel_reads: Any = None
    ) -> None:
        super().__init__(filenames, lines_of, compression_type, num_parallel_reads)


class TFRecordDataset(FileDataset):
    """The records of TFRecord files as strings, their checksums checked.

    Args:
        filenames: a string, several, or a dataset of them.
        compression_type: None, "GZIP" or "ZLIB".
        buffer_size: accepted.
        num_parallel_reads: files read in turns, a record from each; one after the other by default.

    Raises (when run):
        NotFoundError: there is no such file.
        DataLossError: a record is damaged; the message names file and byte offset.
    """

    def __init__(
        self, filenames: Any, compression_type: Any = None, buffer_size: Any = None, num_parallel_reads: Any = None
    ) -> None:
        super().__init__(filenames, _records, compression_type, num_parallel_reads)


def _records(path: str, compression: str) -> Iterator[bytes]:
    return read_records(path, compression or None)  # type: ignore[arg-type]


class FixedLengthRecordDataset(FileDataset):
    """The records of `record_bytes` each in files, as strings.

    Args:
        filenames: a string, several, or a dataset of them.
        record_bytes: of a record.
        header_bytes: at the start of a file, left out.
        footer_bytes: at its end, left out.
        buffer_size: accepted.
        compression_type: None, "GZIP" or "ZLIB".

    Raises (when run):
        InvalidArgumentError: what lies between header and footer is no whole number of records.
    """

    def __init__(
        self,
        filenames: Any,
        record_bytes: int,
        header_bytes: int | None = None,
        footer_bytes: int | None = None,
        buffer_size: Any = None,
        compression_type: Any = None,
        num_parallel_reads: Any = None,
    ) -> None:
        def read(path: str, compression: str) -> Iterator[bytes]:
            produce = fixed_length(int(record_bytes), header_bytes or 0, footer_bytes or 0, 0, compression)
            if not compression:
                _check_whole(path, int(record_bytes), (header_bytes or 0) + (footer_bytes or 0))
            return (record for _, record in produce(path))

        super().__init__(filenames, read, compression_type, num_parallel_reads)


def _check_whole(path: str, record_bytes: int, around: int) -> None:
    try:
        size = Path(path).stat().st_size
    except FileNotFoundError:
        return
    whole, rest = divmod(size - around, record_bytes)
    if rest or whole < 0:
        raise InvalidArgumentError(
            None, None, f"{path}: without header and footer the file has {size - around} bytes, which is no multiple of "
            f"the record length {record_bytes}: {rest} bytes too many at byte offset {size - rest}",
        )  # fmt: skip
