"""`tf.gfile`: files and folders of the local file system, with TensorFlow's names and errors."""

from __future__ import annotations

import glob
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple, TypeVar

from ..errors import (
    AlreadyExistsError,
    FailedPreconditionError,
    NotFoundError,
    OpError,
    PermissionDeniedError,
    ResourceExhaustedError,
    UnknownError,
)

T = TypeVar("T")

_CLASSES: list[tuple[type[OSError], type[OpError]]] = [
    (FileNotFoundError, NotFoundError),
    (FileExistsError, AlreadyExistsError),
    (PermissionError, PermissionDeniedError),
    (IsADirectoryError, FailedPreconditionError),
    (NotADirectoryError, FailedPreconditionError),
]
_NO_SPACE = 28
_NOT_EMPTY = 39


def _guarded(action: Callable[[], T]) -> T:
    try:
        return action()
    except OSError as error:
        raise _error_of(error) from error


def _error_of(error: OSError) -> OpError:
    message = f"{error.filename}; {error.strerror}"
    for base, kind in _CLASSES:
        if isinstance(error, base):
            return kind(None, None, message)
    by_number: dict[int | None, type[OpError]] = {
        _NO_SPACE: ResourceExhaustedError,
        _NOT_EMPTY: FailedPreconditionError,
    }
    return by_number.get(error.errno, UnknownError)(None, None, message)


class GFile:
    """A file, opened at its first use. Text modes give str in UTF-8, "b" modes bytes.

    Args:
        name: path.
        mode: "r", "w", "a", "r+", "w+", "a+", each with or without "b".
    """

    def __init__(self, name: str | os.PathLike[str], mode: str = "r") -> None:
        if mode not in {m + b for m in ("r", "w", "a", "r+", "w+", "a+") for b in ("", "b")}:
            raise ValueError(f"mode is not one of r, w, a, r+, w+, a+, with or without b: {mode!r}")
        self.name = os.fspath(name)
        self.mode = mode
        self._file: IO[Any] | None = None

    def _open(self) -> IO[Any]:
        if self._file is None:
            encoding = None if "b" in self.mode else "utf-8"
            self._file = _guarded(lambda: Path(self.name).open(self.mode, encoding=encoding))
        return self._file

    def read(self, n: int = -1) -> Any:
        """The next `n` characters or bytes, all that are left by default."""
        return _guarded(lambda: self._open().read(n))

    def readline(self) -> Any:
        """The next line with its end, empty at the end of the file."""
        return _guarded(lambda: self._open().readline())

    def readlines(self) -> list[Any]:
        """The lines that are left."""
        return _guarded(lambda: self._open().readlines())

    def write(self, file_content: Any) -> None:
        """Writes text or bytes."""
        _guarded(lambda: self._open().write(file_content))

    def seek(self, offset: int | None = None, whence: int = 0, position: int | None = None) -> None:
        """Moves to an offset; `position` is the old name of it."""
        place = position if position is not None else offset
        if place is None:
            raise TypeError("seek(): offset argument required")
        self._open().seek(place, whence)

    def tell(self) -> int:
        """The current offset."""
        return self._open().tell()

    def size(self) -> int:
        """The file's size in bytes."""
        return Stat(self.name).length

    def flush(self) -> None:
        """Hands what is buffered to the system."""
        if self._file is not None:
            self._file.flush()

    def close(self) -> None:
        """Closes the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> GFile:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Any]:
        return iter(self._open())

    def __next__(self) -> Any:
        return next(self._open())


class FastGFile(GFile):
    """The same as GFile."""


Open = GFile
OpenFast = FastGFile


class FileStatistics(NamedTuple):
    """Size in bytes, time of the last change in nanoseconds, and whether it is a folder."""

    length: int
    mtime_nsec: int
    is_directory: bool


def Exists(filename: str) -> bool:
    """Whether there is a file or folder of that name."""
    return Path(filename).exists()


def IsDirectory(dirname: str) -> bool:
    """Whether there is a folder of that name."""
    return Path(dirname).is_dir()


def Glob(filename: str | Iterable[str]) -> list[str]:
    """The files that match a pattern, or one of several."""
    patterns = [filename] if isinstance(filename, str) else list(filename)
    return [match for pattern in patterns for match in sorted(glob.glob(os.fspath(pattern)))]  # noqa: PTH207


def ListDirectory(dirname: str) -> list[str]:
    """The names in a folder."""
    return _guarded(lambda: sorted(p.name for p in Path(dirname).iterdir()))


ListDir = ListDirectory


def MkDir(dirname: str) -> None:
    """Makes a folder whose parent exists."""
    _guarded(lambda: Path(dirname).mkdir())


def MakeDirs(dirname: str) -> None:
    """Makes a folder and its parents; nothing happens if it is there."""
    _guarded(lambda: Path(dirname).mkdir(parents=True, exist_ok=True))


def Remove(filename: str) -> None:
    """Deletes a file."""
    _guarded(lambda: Path(filename).unlink())


def DeleteRecursively(dirname: str) -> None:
    """Deletes a folder and all in it."""
    _guarded(lambda: shutil.rmtree(dirname))


def Rename(oldname: str, newname: str, overwrite: bool = False) -> None:
    """Renames a file or folder; AlreadyExistsError if the new name is taken and may not be overwritten."""
    _check_free(newname, overwrite)
    _guarded(lambda: Path(oldname).replace(newname))


def Copy(oldpath: str, newpath: str, overwrite: bool = False) -> None:
    """Copies a file; AlreadyExistsError if the new name is taken and may not be overwritten."""
    _check_free(newpath, overwrite)
    _guarded(lambda: shutil.copyfile(oldpath, newpath))


def _check_free(name: str, overwrite: bool) -> None:
    if not overwrite and Path(name).exists():
        raise AlreadyExistsError(None, None, f"file already exists: {name}")


def Stat(filename: str) -> FileStatistics:
    """Size, time of the last change and kind of a file or folder."""
    found = _guarded(lambda: Path(filename).stat())
    return FileStatistics(found.st_size, found.st_mtime_ns, Path(filename).is_dir())


def Walk(top: str, in_order: bool = True) -> Iterator[tuple[str, list[str], list[str]]]:
    """Yields (folder, names of folders in it, names of files in it) for a tree; nothing if `top` is not there."""
    for folder, folders, files in os.walk(top, topdown=in_order):
        yield folder, sorted(folders), sorted(files)
