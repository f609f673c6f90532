"""What is read from HDF5 files of weights: numbers that lie in the file itself, in the shapes that are asked for.

A file may say that its arrays lie in other files of the machine, or name shapes that take all memory: both are refused.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any


class OddFileError(ValueError):
    """A file of weights holds something else where its numbers should be."""


@contextmanager
def reading(path: Any) -> Iterator[None]:
    """Makes errors about a file's structure ValueErrors that name the file."""
    try:
        yield
    except OddFileError as error:
        raise ValueError(f"{path}: {error}") from None
    except (KeyError, IndexError, TypeError, AttributeError, OSError, UnicodeDecodeError, RecursionError) as error:
        text = f"{path} cannot be read as a model or weights: {type(error).__name__}: {error}"
        raise ValueError(text) from error


def item_in(group: Any, name: str) -> Any:
    """What a group of a file holds under a path; None if there is nothing.

    Raises:
        OddFileError: it is a link, into this file or another one.
    """
    import h5py

    for part in [part for part in name.split("/") if part]:
        link = group.get(part, getlink=True) if isinstance(group, h5py.Group) else None
        if link is None:
            return None
        if not isinstance(link, h5py.HardLink):
            raise OddFileError(f"{group.name}/{part} is a link; files of weights hold arrays")
        group = group[part]
    return group


def group_in(file: Any, name: str) -> Any:
    """The group of a path, None if there is none; OddFileError for a link or an array."""
    import h5py

    found = item_in(file, name)
    if found is not None and not isinstance(found, h5py.Group):
        raise OddFileError(f"{name} is an array and not a group")
    return found


def arrays_in(group: Any, names: Sequence[str] | None = None) -> list[Any]:
    """The arrays of a group under names ("0", "1", ... by default), not read yet: `[()]` reads one.

    Raises:
        OddFileError: one is missing, is no array of numbers, or lies outside of the file.
    """
    return [_array_in(group, name) for name in (map(str, range(len(group))) if names is None else names)]


def _array_in(group: Any, name: str) -> Any:
    import h5py

    found = item_in(group, name)
    where = f"{group.name}/{name}"
    if not isinstance(found, h5py.Dataset):
        raise OddFileError(f"{where} is {'missing' if found is None else 'a group'}, expected an array")
    if found.is_virtual or found.external:
        raise OddFileError(f"{where} lies in another file; files of weights hold their arrays themselves")
    if found.shape is None or found.dtype.kind not in "biuf":
        raise OddFileError(f"{where} must hold real numbers, got {found.dtype}")
    return found
