"""`keras.utils.get_file`: a file from the web, kept in a folder, only when it is called."""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
import zipfile
from pathlib import Path
from typing import Any
from urllib.parse import urlparse


def get_file(
    fname: str | None = None,
    origin: str | None = None,
    untar: bool = False,
    md5_hash: str | None = None,
    file_hash: str | None = None,
    cache_subdir: str = "datasets",
    hash_algorithm: str = "auto",
    extract: bool = False,
    archive_format: Any = "auto",
    cache_dir: Any = None,
    force_download: bool = False,
) -> str:
    """The path of a file, fetched from `origin` unless it is there already.

    Args:
        fname: its name in the folder; by default the last part of the address.
        origin: where it is (https, http or file).
        untar, extract: unpack it beside it; the path of the folder is returned then.
        md5_hash, file_hash: what its MD5 or SHA-256 hash must be.
        cache_subdir: folder below cache_dir.
        hash_algorithm: "md5", "sha256", or "auto" to tell by the hash's length.
        archive_format: "auto", "tar", "zip" or None.
        cache_dir: by default `~/.keras`.
        force_download: fetch it anew.

    Raises:
        ValueError: there is no origin, or the file's hash is another.
        OSError: it cannot be fetched.
    """
    if not origin:
        raise ValueError("get_file needs an origin")
    folder = Path(os.fspath(cache_dir) if cache_dir is not None else Path.home() / ".keras", cache_subdir)
    name = fname or Path(urlparse(origin).path).name
    target = folder / name
    wanted = file_hash or md5_hash
    if force_download or not target.exists() or (wanted is not None and not _fits(target, wanted, hash_algorithm)):
        folder.mkdir(parents=True, exist_ok=True)
        _fetch(origin, target)
        if wanted is not None and not _fits(target, wanted, hash_algorithm):
            target.unlink()
            raise ValueError(f"What {origin} holds does not have the hash {wanted}")
    if untar or extract:
        return str(_unpacked(target, archive_format))
    return str(target)


def _fetch(origin: str, target: Path) -> None:
    from urllib.request import urlopen

    if urlparse(origin).scheme not in ("https", "http", "file"):
        raise ValueError(f"origin must be an address that begins with https, http or file, got {origin!r}")
    part = target.with_name(f"{target.name}.part{os.getpid()}")
    try:
        with urlopen(origin) as stream, part.open("wb") as file:
            shutil.copyfileobj(stream, file)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def _fits(path: Path, wanted: str, algorithm: str) -> bool:
    kind = ("sha256" if len(wanted) == 64 else "md5") if algorithm == "auto" else algorithm
    with path.open("rb") as file:
        return hashlib.file_digest(file, kind).hexdigest() == wanted.lower()


def _unpacked(path: Path, archive_format: Any) -> Path:
    """The folder with what an archive holds; nothing is written outside of it."""
    folder = path.with_name(f"{path.name}_extracted")
    if folder.exists() or archive_format is None:
        return folder if folder.exists() else path
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            archive.extractall(folder)
    elif tarfile.is_tarfile(path):
        with tarfile.open(path) as tar:
            tar.extractall(folder, filter="data")
    else:
        raise ValueError(f"{path} is neither a tar nor a zip archive")
    return folder
