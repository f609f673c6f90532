"""Readers: files named by a queue as records, one after the other, whatever thread asks."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ..errors import InvalidArgumentError, NotFoundError, UnimplementedError
from ..records import read_records
from ..runtime import Cancellation
from .queue import Queue

Record = tuple[bytes, bytes]
Produce = Callable[[str], Iterator[Record]]


class Reader:
    """The state of a reader op: the file it is in, and how much it has read.

    Args:
        name: for messages.
        produce: a function from a unit of work (a file's name) to its records as keys and values.
    """

    def __init__(self, name: str, produce: Produce) -> None:
        self.name = name
        self._produce = produce
        self._lock = threading.Lock()
        self._current: Iterator[Record] | None = None
        self.records_produced = 0
        self.work_units_completed = 0

    def read(self, queue: Queue, cancellation: Cancellation | None) -> Record:
        """The next record; a new file is taken from the queue where the current one has ended.

        Raises:
            OutOfRangeError: the queue is closed and empty.
        """
        with self._lock:
            while True:
                record = self._next(queue, cancellation)
                if record is not None:
                    return record

    def read_up_to(self, queue: Queue, number: int, cancellation: Cancellation | None) -> list[Record]:
        """At least one record and at most `number`; does not go on to a further file once it has some."""
        if number <= 0:
            raise InvalidArgumentError(None, None, f"num_records must be positive, got {number}")
        with self._lock:
            records: list[Record] = []
            while len(records) < number:
                record = self._next(queue, cancellation)
                if record is not None:
                    records.append(record)
                elif records:
                    break
        return records

    def _next(self, queue: Queue, cancellation: Cancellation | None) -> Record | None:
        """A record, or None where a file has ended."""
        if self._current is None:
            (work,) = queue.dequeue(cancellation)
            self._current = self._produce(_text(work))
        try:
            record = next(self._current, None)
        except BaseException:
            self._current = None
            raise
        if record is None:
            self._current = None
            self.work_units_completed += 1
        else:
            self.records_produced += 1
        return record

    def reset(self) -> None:
        """Forgets the file it is in and what it has counted."""
        with self._lock:
            self._current = None
            self.records_produced = self.work_units_completed = 0

    def serialize_state(self) -> bytes:
        """Not possible: raises UnimplementedError."""
        raise UnimplementedError(None, None, f"Reader {self.name}: its state cannot be saved")


def _text(work: Any) -> str:
    value = work.item() if hasattr(work, "item") else work
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else str(value)


def _key(path: str, place: int | str | None = None) -> bytes:
    return (path if place is None else f"{path}:{place}").encode("utf-8", "surrogateescape")


def _opened(path: str) -> Any:
    try:
        return Path(path).open("rb")
    except FileNotFoundError:
        raise NotFoundError(None, None, f"{path}; No such file or directory") from None


def identity(path: str) -> Iterator[Record]:
    """The work itself as key and value."""
    yield _key(path), _key(path)


def whole_files(path: str) -> Iterator[Record]:
    """A file as one record."""
    with _opened(path) as stream:
        contents = stream.read()
    yield _key(path), contents


def text_lines(skip_header_lines: int) -> Produce:
    """The lines of a file, without their ends, from `skip_header_lines` on."""

    def produce(path: str) -> Iterator[Record]:
        with _opened(path) as stream:
            for number, line in enumerate(stream, 1):
                if number > skip_header_lines:
                    yield _key(path, number), line.removesuffix(b"\n").removesuffix(b"\r")

    return produce


def records(compression: str) -> Produce:
    """The records of a TFRecord file."""

    def produce(path: str) -> Iterator[Record]:
        offset = 0
        for record in read_records(path, compression or None):  # type: ignore[arg-type]
            yield _key(path, offset), record
            offset += len(record) + 16

    return produce


def fixed_length(record_bytes: int, header_bytes: int, footer_bytes: int, hop_bytes: int, encoding: str) -> Produce:
    """Records of `record_bytes` each, `hop_bytes` apart, between a header and a footer."""
    if record_bytes <= 0 or min(header_bytes, footer_bytes, hop_bytes) < 0:
        raise InvalidArgumentError(
            None,
            None,
            f"record_bytes must be positive and header_bytes, footer_bytes, hop_bytes not negative, got "
            f"{record_bytes}, {header_bytes}, {footer_bytes}, {hop_bytes}",
        )
    hop = hop_bytes or record_bytes

    def produce(path: str) -> Iterator[Record]:
        data = _decoded(path, encoding)
        end = len(data) - footer_bytes
        for number, start in enumerate(range(header_bytes, end - record_bytes + 1, hop)):
            yield _key(path, number), data[start : start + record_bytes]

    return produce


def _decoded(path: str, encoding: str) -> bytes:
    import zlib

    with _opened(path) as stream:
        data: bytes = stream.read()
    if not encoding:
        return data
    if encoding not in ("ZLIB", "GZIP"):
        raise InvalidArgumentError(None, None, f"encoding must be '', 'ZLIB' or 'GZIP', got {encoding!r}")
    return zlib.decompress(data, 47)
