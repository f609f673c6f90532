"""How files of a checkpoint come to be: written under a temporary name, synced, renamed. Nothing else writes here."""

from __future__ import annotations

import errno
import io
import os
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

# From this size on a file gets its room on the disk at once.
_LARGE: Final = 1 << 20
# What is written goes to the disk every so many bytes, while more is written.
_STRETCH: Final = 1 << 25


class NewFile(io.FileIO):
    """A file that is being written: all bytes or an error, which is kept for who writes through a library."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "x+")
        self.error: OSError | None = None
        self._syncs: _Syncs | None = None

    def expect(self, size: int) -> None:
        """Prepares for so many bytes."""
        if size >= _LARGE:
            allocate(self.fileno(), size)
        if size >= 2 * _STRETCH:
            self._syncs = _Syncs(self.fileno())

    def write(self, data: Any) -> int:
        """Writes all of `data`."""
        octets = memoryview(data).cast("B")
        done = 0
        try:
            while done < len(octets):
                done += write_some(self.fileno(), octets[done:])
        except OSError as error:
            self.error = self.error or error
            raise
        if self._syncs is not None:
            self._syncs.wrote(done)
        return done

    def sync(self) -> None:
        """Waits until all is on the disk."""
        if self._syncs is not None:
            # The system tells of an error once: it may have told the thread.
            self._syncs.end()
            if self._syncs.error is not None:
                raise self._syncs.error
        sync(self.fileno())

    def close(self) -> None:
        """Closes the file."""
        if not self.closed and self._syncs is not None:
            self._syncs.end()
        super().close()


class _Syncs:
    """A thread that syncs a file every so many bytes: the disk is at work while more is copied and checked."""

    def __init__(self, descriptor: int) -> None:
        self.error: OSError | None = None
        self._descriptor = descriptor
        self._written, self._is_ended = 0, False
        self._due = threading.Semaphore(0)
        self._thread = threading.Thread(target=self._run, name="Syncing", daemon=True)
        self._thread.start()

    def wrote(self, count: int) -> None:
        self._written += count
        if self._written >= _STRETCH:
            self._written = 0
            self._due.release()

    def _run(self) -> None:
        while self._due.acquire() and not self._is_ended:
            try:
                sync(self._descriptor)
            except OSError as error:
                self.error = error
                return

    def end(self) -> None:
        self._is_ended = True
        self._due.release()
        self._thread.join()


def allocate(descriptor: int, size: int) -> None:
    """Takes the room for a file, where the system can do that."""
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(descriptor, 0, size)
        except OSError as error:
            if error.errno not in (errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS):
                raise


def write_some(descriptor: int, octets: memoryview) -> int:
    """Writes what the system takes at once, at least a byte."""
    return os.write(descriptor, octets)


def sync(descriptor: int) -> None:
    """Waits until a file, or the names in a folder, are on the disk."""
    os.fsync(descriptor)


def rename(source: Path, target: Path) -> None:
    """Gives a file its name; what had it is replaced."""
    source.replace(target)


@contextmanager
def new_file(path: Path, size: int = 0) -> Iterator[NewFile]:
    """A file to write, of `size` bytes if that is known, that gets its name `path` when it is on the disk, or not at all."""
    temporary = temporary_name(path)
    try:
        with NewFile(temporary) as stream:
            stream.expect(size)
            yield stream
            stream.sync()
        rename(temporary, path)
    except BaseException as error:
        if isinstance(error, OSError):
            _name(error, path)
        temporary.unlink(missing_ok=True)
        raise


def _name(error: OSError, path: Path) -> None:
    # Of a full disk the system does not say which file it was that did not fit.
    if error.filename is None:
        error.filename = str(path)


def write_durably(path: Path, data: bytes) -> None:
    """Writes a file so that at any time either the old one or the whole new one is there."""
    with new_file(path) as stream:
        stream.write(data)
    sync_folder(path.parent)


def temporary_name(path: Path) -> Path:
    """A name beside `path` that nobody else takes."""
    return path.with_name(f".{path.name}.{uuid.uuid4().hex[:12]}.tmp")


def sync_folder(folder: Path) -> None:
    """Makes renames in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        sync(descriptor)
    except OSError as error:
        _name(error, folder)
        raise
    finally:
        os.close(descriptor)
