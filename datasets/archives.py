"""Members of data sets' folders and tar archives, read into memory up to a limit; nothing is ever unpacked to disk."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    import tarfile

# More than the largest member of the archives that are read here.
LARGEST = 1 << 28
# Headers of an archive that are looked at.
_MEMBERS = 1000


class _Bounded(gzip.GzipFile):
    """A gzip file that refuses to give much at once, whatever a header inside it asks for."""

    def read(self, size: int | None = -1) -> bytes:
        if size is None or not 0 <= size <= LARGEST:
            raise ValueError(f"a member claims {size} bytes; at most {LARGEST} are read")
        return super().read(size)


def read_limited(path: Path) -> bytes:
    """The bytes of a file, which must not be larger than LARGEST; ValueError if it is."""
    with path.open("rb") as file:
        return _limited(file, str(path))


def _limited(file: IO[bytes], name: str) -> bytes:
    data = file.read(LARGEST + 1)
    if len(data) > LARGEST:
        raise ValueError(f"{name}: larger than the {LARGEST} bytes that a file of this data set may have")
    return data


def read_members(path: Path, names: Sequence[str]) -> list[bytes]:
    """The bytes of the members of a gzipped tar archive that have these file names, whatever their folders.

    Raises:
        ValueError: the archive is damaged or cut off, a member is missing or too large.
    """
    import tarfile  # most data lies in folders

    try:
        with _Bounded(path) as unpacked, tarfile.open(fileobj=unpacked, mode="r:") as archive:
            found = _members(archive, set(names), str(path))
    except (tarfile.TarError, EOFError, OSError, zlib.error, ValueError) as error:
        raise ValueError(f"{path}: damaged archive: {error}") from None
    missing = [name for name in names if name not in found]
    if missing:
        raise ValueError(f"{path}: the archive has no {', '.join(missing)}")
    return [found[name] for name in names]


def _members(archive: tarfile.TarFile, wanted: set[str], path: str) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for number, member in enumerate(archive):
        name = member.name.rsplit("/", 1)[-1]
        if number == _MEMBERS or len(found) == len(wanted):
            break
        if name in wanted and member.isreg():
            found[name] = _member(archive, member, f"{path}: {name}")
    return found


def _member(archive: tarfile.TarFile, member: tarfile.TarInfo, name: str) -> bytes:
    if member.size > LARGEST:
        raise ValueError(f"{name} says that it has {member.size} bytes; at most {LARGEST} are read")
    file: Any = archive.extractfile(member)
    data = bytes(file.read(member.size))
    if len(data) != member.size:
        raise ValueError(f"{name}: cut off: expected {member.size} bytes, got {len(data)}")
    return data
