"""Compiled kernels on disk: units of several kernels by the hash of their bytes, and an index by kernel."""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import os
import shutil
import tempfile
import time
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

from ..errors import InvalidArgumentError
from .source import PRELUDE, Kernel, file_text

_LIMIT = 1 << 28
# How old a file's time may be before its next use renews it, and half-written files before they are removed.
_FRESH, _ABANDONED = 3600.0, 3600.0


# Bytes that this process wrote to each folder since it last looked for what is too much.
_written: dict[Path, int] = {}


class Compiler(Protocol):
    """What turns kernels into bytes that a device loads."""

    @property
    def identity(self) -> str:
        """What units depend on besides the kernels: architecture, program, version, flags."""

    @property
    def suffix(self) -> str:
        """How the names of its units end: ".so" or ".cubin"."""

    def compile(self, kernels: Sequence[Kernel]) -> bytes:
        """One unit with all these kernels."""


@dataclass(frozen=True, slots=True)
class Unit:
    """Compiled kernels: a file, and what was in it when it was checked."""

    path: Path
    data: bytes


class UnitCache:
    """Compiled units in a folder that belongs to the user alone; many processes may use it at once.

    A unit's name is the hash of its bytes, and `KEY.kernel` names the unit of a kernel: what is damaged, cut short or gone
    is compiled anew. Files appear whole, by rename. Over `limit` bytes, what was used longest ago goes first.
    """

    def __init__(self, folder: Path | None = None, limit: int | None = None) -> None:
        self.folder = trusted_folder(folder or _default_folder())
        self.limit = bytes_named("HEADRACE_CACHE_BYTES", _LIMIT) if limit is None else limit

    def load(self, kernels: Sequence[Kernel], compiler: Compiler) -> dict[str, Unit]:
        """The unit of each kernel by the kernel's name; all that were never compiled are compiled as one unit."""
        wanted = _by_name(kernels)
        keys = {name: _key(kernel, compiler) for name, kernel in wanted.items()}
        checked: dict[str, Unit] = {}
        found = {name: unit for name, key in keys.items() if (unit := self._find(key, compiler.suffix, checked))}
        missing = [kernel for name, kernel in wanted.items() if name not in found]
        if missing:
            unit = self._kept(compiler.compile(missing), [keys[kernel.name] for kernel in missing], compiler.suffix)
            found |= {kernel.name: unit for kernel in missing}
        return found

    def _find(self, key: str, suffix: str, checked: dict[str, Unit]) -> Unit | None:
        index = self.folder / f"{key}.kernel"
        try:
            digest, check = index.read_text(encoding="ascii").split()
        except (OSError, ValueError):
            return None
        if check != _hash(key, digest):
            return None
        if digest not in checked:
            unit = self._read(digest, suffix)
            if unit is None:
                return None
            checked[digest] = unit
        _renew(index)
        return checked[digest]

    def _read(self, digest: str, suffix: str) -> Unit | None:
        path = self.folder / f"{digest}{suffix}"
        try:
            data = path.read_bytes()
        except OSError:
            return None
        _renew(path)
        return Unit(path, data) if hashlib.sha256(data).hexdigest() == digest else None

    def _kept(self, data: bytes, keys: Sequence[str], suffix: str) -> Unit:
        try:
            return self._add(data, keys, suffix)
        except OSError as error:
            # A full disk, a quota, or something in the way: no reason for a step to fail.
            self.folder = _temporary(str(self.folder), f"cannot be written to ({error.strerror})")
            return self._add(data, keys, suffix)

    def _add(self, data: bytes, keys: Sequence[str], suffix: str) -> Unit:
        digest = hashlib.sha256(data).hexdigest()
        path = self.folder / f"{digest}{suffix}"
        self._write(path, data)
        for key in keys:
            self._write(self.folder / f"{key}.kernel", f"{digest} {_hash(key, digest)}\n".encode("ascii"))
        if self._is_due(len(data)):
            self._trim(keep={path.name, *(f"{key}.kernel" for key in keys)})
        return Unit(path, data)

    def _is_due(self, nbytes: int) -> bool:
        """Whether it is time to look at all files: at a process's first unit, and after every sixteenth of the limit."""
        written = _written.get(self.folder, self.limit) + nbytes
        due = written * 16 > self.limit
        _written[self.folder] = 0 if due else written
        return due

    def _write(self, path: Path, data: bytes) -> None:
        handle, name = tempfile.mkstemp(prefix=".new-", dir=self.folder)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise

    def _trim(self, keep: set[str]) -> None:
        files = sorted(_files(self.folder))
        now, total = time.time(), sum(size for _, size, _ in files)
        for used, size, path in files:
            abandoned = path.name.startswith(".new-") and now - used > _ABANDONED
            if abandoned or (total > self.limit and path.name not in keep and not path.name.startswith(".new-")):
                with contextlib.suppress(OSError):
                    path.unlink(missing_ok=True)
                    total -= size


def trusted_folder(folder: Path) -> Path:
    """The folder, made if need be; a private temporary one, with a warning, where others could have written to it."""
    problem = _problem(folder)
    if not problem:
        return folder
    return _temporary(str(folder), problem)


def _problem(folder: Path) -> str:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        about = folder.stat()
    except OSError as error:
        return f"cannot be made ({error.strerror})"
    if about.st_uid != os.getuid():
        return "belongs to another user"
    if about.st_mode & 0o022:
        return "can be written to by others"
    return "" if os.access(folder, os.W_OK | os.X_OK) else "cannot be written to"


@cache
def _temporary(folder: str, problem: str) -> Path:
    made = Path(tempfile.mkdtemp(prefix="headrace-"))
    maker = os.getpid()
    atexit.register(lambda: shutil.rmtree(made, ignore_errors=True) if os.getpid() == maker else None)
    warnings.warn(f"compiled kernels are kept for this process alone: {folder} {problem}", RuntimeWarning, stacklevel=2)
    return made


def bytes_named(name: str, otherwise: int) -> int:
    """The number of bytes that a variable of the environment says, or another one; InvalidArgumentError if it is none."""
    text = os.environ.get(name) or str(otherwise)
    if not text.isdecimal():
        raise InvalidArgumentError(None, None, f"{name} is {text!r}; it must be a number of bytes")
    return int(text)


def _default_folder() -> Path:
    named = os.environ.get("HEADRACE_CACHE")
    return Path(named) if named else Path.home() / ".cache" / "headrace" / "gpu"


def _by_name(kernels: Sequence[Kernel]) -> dict[str, Kernel]:
    wanted: dict[str, Kernel] = {}
    for kernel in kernels:
        if wanted.setdefault(kernel.name, kernel) != kernel:
            raise ValueError(f"two kernels are named {kernel.name}")
    return wanted


def _key(kernel: Kernel, compiler: Compiler) -> str:
    files = [file_text(name) for name in dict.fromkeys([PRELUDE, *kernel.files])]
    return _hash(compiler.identity, *files, kernel.text, str(kernel.synchronizes))


def _hash(*parts: str) -> str:
    whole = hashlib.sha256()
    for part in parts:
        data = part.encode()
        whole.update(len(data).to_bytes(8, "little") + data)
    return whole.hexdigest()


def _files(folder: Path) -> Iterator[tuple[float, int, Path]]:
    for path in folder.iterdir():
        # Another process may remove it at any moment.
        with contextlib.suppress(OSError):
            about = path.stat()
            if path.name.startswith(".new-") or path.suffix in (".kernel", ".so", ".cubin"):
                yield about.st_mtime, about.st_size, path


def _renew(path: Path) -> None:
    with contextlib.suppress(OSError):
        if time.time() - path.stat().st_mtime > _FRESH:
            os.utime(path)
