"""How files of a checkpoint come to be: written under a temporary name, synced, renamed. Nothing else writes here."""

from __future__ import annotations

import io
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


class NewFile(io.FileIO):
    """A file that is being written: all bytes or an error, which is kept for who writes through a library."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "x+")
        self.error: OSError | None = None

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
        return done


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
def new_file(path: Path) -> Iterator[NewFile]:
    """A file to write that gets its name `path` when it is whole and on the disk, or not at all."""
    temporary = temporary_name(path)
    try:
        with NewFile(temporary) as stream:
            yield stream
            sync(stream.fileno())
        rename(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


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
    finally:
        os.close(descriptor)
