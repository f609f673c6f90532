"""Event files: how they are named, written so that nothing is lost, and read back."""

from __future__ import annotations

import os
import socket
import threading
import time
import weakref
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Final, Protocol, TypeAlias, runtime_checkable

from google.protobuf.message import DecodeError

from ..errors import DataLossError, file_error
from ..protos import Event, SessionLog
from ..records import frame, read_records

Directory: TypeAlias = str | os.PathLike[str]

_FILE_VERSION: Final = "brain.Event:2"
_file_numbers: Final = count()  # of this process: two writers may start in one second


@runtime_checkable
class Message(Protocol):
    """A protobuf message of any package: TensorFlow's and TensorBoard's have the same bytes."""

    def SerializeToString(self) -> bytes:
        """Returns the bytes of the message."""
        ...


class EventFileWriter:
    """Writes events to a new file in a directory; safe to call from many threads.

    Events are handed to the operating system after `max_queue` of them or `flush_secs` seconds
    (looked at when one is added), so that TensorBoard sees them and a killed process leaves them;
    `flush` and `close` also wait until the disk has them. A writer that is dropped or still open
    when Python ends is closed. In a process that is forked it goes on in a file of its own.

    Args:
        logdir: the directory, made if need be.
        max_queue: how many events may wait.
        flush_secs: how many seconds they may wait.
        filename_suffix: put at the end of the file's name.
        purge_step: says to readers that events of earlier files from this step on are void, as
            after a restart from a checkpoint.
    """

    def __init__(
        self,
        logdir: Directory,
        max_queue: int = 10,
        flush_secs: float = 120,
        filename_suffix: str | None = None,
        purge_step: int | None = None,
    ) -> None:
        self._file = _EventFile(Path(logdir), filename_suffix or "", max_queue, flush_secs)
        self._finalizer = weakref.finalize(self, self._file.close)
        if purge_step is not None:
            log = SessionLog(status=SessionLog.START)
            self.add_event(Event(wall_time=time.time(), step=purge_step, session_log=log))

    def get_logdir(self) -> str:
        """Returns the directory."""
        return str(self._file.directory)

    @property
    def path(self) -> Path | None:
        """The file that events go to; None once it is closed."""
        return self._file.path

    @property
    def closed(self) -> bool:
        """Whether `close` was called, and `reopen` not since."""
        return self._file.is_closed

    def add_event(self, event: Message) -> None:
        """Appends an event; ValueError if the writer is closed."""
        self._file.append(frame(event.SerializeToString()))

    def flush(self) -> None:
        """Returns when all events are on the disk."""
        self._file.flush()

    def close(self) -> None:
        """Flushes and closes the file; a second call does nothing."""
        self._file.close()

    def reopen(self) -> None:
        """Goes on in a new file after `close`; without it, does nothing."""
        self._file.reopen()


class _EventFile:
    """What a writer holds: kept apart, so that it can be closed when the writer is gone."""

    def __init__(self, directory: Path, suffix: str, max_queue: int, flush_secs: float) -> None:
        self.directory = directory
        self.suffix = suffix
        self.max_queue = max_queue
        self.flush_secs = flush_secs
        self.path: Path | None = None
        self.is_closed = False
        self.start_afresh()
        _open_files.add(self)
        self.create()

    def start_afresh(self) -> None:
        # Reentrant, as a signal handler may flush while the main thread adds an event.
        self.lock = threading.RLock()
        self.waiting: list[bytes] = []
        self.descriptor = -1
        self.size = 0
        self.deadline = 0.0

    def create(self) -> None:
        version = Event(wall_time=time.time(), file_version=_FILE_VERSION)
        head = frame(version.SerializeToString())
        try:
            self.directory.mkdir(parents=True, exist_ok=True)
            descriptor, path = _new_file(self.directory, self.suffix)
        except OSError as error:
            raise file_error(self.directory, error) from error
        try:
            _write_all(descriptor, head)
            _sync_directory(self.directory)
        except BaseException:
            os.close(descriptor)
            raise
        self.descriptor, self.path, self.size = descriptor, path, len(head)
        self.deadline = time.monotonic() + self.flush_secs

    def append(self, record: bytes) -> None:
        with self.lock:
            if self.is_closed:
                raise ValueError(f"the event writer of {self.directory} is closed")
            self.waiting.append(record)
            if self.descriptor < 0:
                self.create()
            if len(self.waiting) >= self.max_queue or time.monotonic() >= self.deadline:
                self.write()

    def write(self) -> None:
        records, self.waiting = self.waiting, []
        try:
            _write_all(self.descriptor, b"".join(records))
        except BaseException as error:
            # Half a record would hide all that follow: take it back, keep the events.
            self.waiting[:0] = records
            os.ftruncate(self.descriptor, self.size)
            if isinstance(error, OSError) and error.filename is None:
                error.filename = str(self.path)
            raise
        self.size += sum(map(len, records))
        self.deadline = time.monotonic() + self.flush_secs

    def flush(self) -> None:
        with self.lock:
            if self.descriptor >= 0:
                self.write()
                os.fsync(self.descriptor)

    def close(self) -> None:
        with self.lock:
            self.is_closed = True
            if self.descriptor < 0:
                return
            try:
                self.flush()
            finally:
                os.close(self.descriptor)
                self.descriptor, self.path = -1, None

    def reopen(self) -> None:
        with self.lock:
            if self.is_closed:
                self.create()
                self.is_closed = False

    def forget_parents_file(self) -> None:
        """Leaves the file, and events that are not written, to the process that was forked."""
        descriptor = self.descriptor
        self.start_afresh()
        if descriptor >= 0:
            os.close(descriptor)
            self.path = None


_open_files: Final[weakref.WeakSet[_EventFile]] = weakref.WeakSet()


def _forget_parents_files() -> None:
    for file in list(_open_files):
        file.forget_parents_file()


os.register_at_fork(after_in_child=_forget_parents_files)


def _new_file(directory: Path, suffix: str) -> tuple[int, Path]:
    """Opens a file that nobody has, whatever machine shares the directory."""
    while True:
        place = f"{int(time.time()):010d}.{socket.gethostname()}.{os.getpid()}"
        path = directory / f"events.out.tfevents.{place}.{next(_file_numbers)}{suffix}"
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
            return os.open(path, flags, 0o666), path
        except FileExistsError:
            continue


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _write_all(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def summary_iterator(path: Directory) -> Iterator[Event]:
    """Yields the events of a file up to where its writer was cut off, as TF 1.15.

    Raises:
        NotFoundError: there is no such file.
        DataLossError: an event that is damaged, not merely cut; it comes after all before it.
    """
    for number, record in enumerate(read_records(Path(path), tolerate_cut_tail=True)):
        try:
            event = Event.FromString(record)
        except DecodeError as error:
            what = f"{path}: record {number} is not an event: {error}"
            raise DataLossError(None, None, what) from None
        yield event
