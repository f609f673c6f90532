"""Where the files of known data sets lie: a given path, HEADRACE_DATA, Keras's folder; downloads only when asked for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from ..engine.errors import DataLossError, NotFoundError
from ..engine.folder_lock import alone_in

PathText = str | os.PathLike[str]

_CHUNK = 1 << 20


class Layout(NamedTuple):
    """One of the forms that people have a data set in: the reader's kind, and the files that must all be there."""

    kind: str
    files: tuple[str, ...]


class Download(NamedTuple):
    """A file on the network; `sha256` is empty where its format has a checksum of its own."""

    url: str
    sha256: str

    @property
    def file(self) -> str:
        """The file's name."""
        return self.url.rsplit("/", 1)[-1]


class Source(NamedTuple):
    """A data set: its name, which may be a folder's too, its layouts, the best first, and where it can be had."""

    name: str
    layouts: tuple[Layout, ...]
    downloads: tuple[Download, ...]


class Located(NamedTuple):
    """What was found: the kind of layout and its files."""

    kind: str
    files: list[Path]


def data_folders() -> list[Path]:
    """The folders that data sets are looked for in: those of HEADRACE_DATA, then Keras's."""
    named = [Path(part).expanduser() for part in os.environ.get("HEADRACE_DATA", "").split(os.pathsep) if part]
    keras = Path(os.environ.get("KERAS_HOME") or "~/.keras").expanduser()
    return [*named, keras / "datasets"]


def locate(source: Source, path: PathText | None = None, download: bool = False) -> Located:
    """The files of a data set.

    Args:
        source: the data set.
        path: a folder or file of it; or a file's name in one of the data folders.
        download: fetch the files if there are none; no connection is opened otherwise.

    Raises:
        NotFoundError: there are none; the message says which file to put where.
        DataLossError: what was downloaded is not the file that it should be.
    """
    folders = data_folders()
    found = _given(source, Path(path).expanduser()) if path is not None else None
    if path is not None and Path(path).is_absolute():
        folders = [Path(path)]
    found = found or next(filter(None, (_in_folder(source, folder) for folder in folders)), None)
    if found is None and download:
        target = folders[0] / source.name
        target.mkdir(parents=True, exist_ok=True)
        with alone_in(target):
            # Another process, such as another rank of the job, may have fetched them in the meantime.
            found = _in_folder(source, target)
            for item in source.downloads if found is None else ():
                fetch(item, target / item.file)
            found = found or _in_folder(source, target)
    if found is None:
        raise NotFoundError(None, None, _missing(source, folders))
    return found


def _given(source: Source, path: Path) -> Located | None:
    if path.is_file():
        single = [layout for layout in source.layouts if len(layout.files) == 1]
        # A file by its own name, or else one that was renamed.
        for layout in sorted(single, key=lambda layout: layout.files[0] != path.name):
            if path.suffix == Path(layout.files[0]).suffix:
                return Located(layout.kind, [path])
    places = [path] if path.is_absolute() else [path, *(folder / path for folder in data_folders())]
    for place in places:
        if place.is_file() and place != path:
            return _given(source, place)
        if place.is_dir() and (found := _in_folder(source, place)) is not None:
            return found
    return None


def _in_folder(source: Source, folder: Path) -> Located | None:
    for place in (folder, folder / source.name, folder / source.name.replace("_", "-")):
        for layout in source.layouts:
            # A folder of CIFAR's may be named itself, and not the one around it.
            for strip in (False, True):
                names = [Path(name).name if strip else name for name in layout.files]
                files = [_variant(place, name) for name in names]
                if all(file is not None for file in files):
                    return Located(layout.kind, [file for file in files if file is not None])
    return None


def _variant(folder: Path, name: str) -> Path | None:
    # Some mirrors write a dot where the original of MNIST has a dash: train-images.idx3-ubyte.
    for stem in (name, name.replace("-idx", ".idx")):
        for path in (folder / stem, folder / f"{stem}.gz"):
            if path.is_file():
                return path
    return None


def _missing(source: Source, folders: list[Path]) -> str:
    forms = "; or ".join(", ".join(layout.files) for layout in source.layouts)
    places = " or ".join(str(folder) for folder in folders)
    urls = " and ".join(item.url for item in source.downloads)
    return (
        f"{source.name}: the data is not in {places}. Expected there, or in a folder {source.name} there: {forms}. "
        f"headrace opens no connection unasked: put {urls} into {folders[0] / source.name}, give load_data(path=...) or "
        "HEADRACE_DATA the folder that has it, or call load_data(download=True)"
    )


def fetch(item: Download, path: Path) -> None:
    """Downloads a file, whole or not at all, and checks it.

    Raises:
        DataLossError: its checksum is another one.
    """
    from urllib.request import urlopen  # few programs download

    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    import hashlib  # which loads a library of cryptography

    digest = hashlib.sha256()
    try:
        with urlopen(item.url, timeout=60) as stream, partial.open("wb") as file:
            while part := stream.read(_CHUNK):
                digest.update(part)
                file.write(part)
        if item.sha256 and digest.hexdigest() != item.sha256:
            raise DataLossError(
                None, None, f"{item.url}: expected sha256 {item.sha256}, got {digest.hexdigest()}: nothing was kept"
            )
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
