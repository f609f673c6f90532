"""Reading the manifest of a checkpoint, ours or TensorFlow's, as a text that anybody may have written."""

from __future__ import annotations

import json
import math
import os
import re
import stat
from pathlib import Path
from typing import Any, Final

from ..dtypes import as_dtype
from ..errors import DataLossError, NotFoundError, file_error
from .bundle import is_bundle, parsed_bundle
from .manifest import (
    FORMAT,
    LARGEST,
    VERSION,
    Entry,
    Manifest,
    RandomState,
    Shard,
    Slice,
    check_places,
    checksum_of,
    manifest_path,
)

_RANKS: Final = 254
# What a file's name cannot have here: it would name one of another folder.
_SEPARATORS: Final = {"/", "\0", os.sep, os.altsep}


def read_manifest(prefix: str | os.PathLike[str]) -> Manifest:
    """The manifest of a checkpoint.

    Raises:
        NotFoundError: there is no such checkpoint.
        DataLossError: the file is damaged or none of ours.
        OpError: it cannot be read; the class says why.
    """
    path = manifest_path(prefix)
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise DataLossError(None, None, f"{path} is no file")
        if status.st_size > LARGEST:
            raise DataLossError(None, None, f"{path} is too large for a manifest")
        text = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        hint = "; a checkpoint is named without .index, .meta and .data-*" if _is_a_part(prefix) else ""
        raise NotFoundError(
            None, None, f"Unsuccessful checkpoint lookup: there is no file {path} for the checkpoint {prefix}{hint}"
        ) from None
    except OSError as error:
        raise file_error(path, error) from error
    try:
        if is_bundle(text):
            return parsed_bundle(text, Path(prefix))
        return _parsed(json.loads(text), os.path.basename(os.fspath(prefix)))  # noqa: PTH119  prefixes are strings
    except (ValueError, KeyError, IndexError, TypeError, RecursionError) as error:
        what = f"{type(error).__name__}: {error}"
        raise DataLossError(None, None, f"{path} is damaged or no manifest of a checkpoint: {what}") from None


def _is_a_part(prefix: str | os.PathLike[str]) -> bool:
    return re.search(r"\.(index|meta|data-\d+-of-\d+)$", os.fspath(prefix)) is not None


def _parsed(data: Any, name: str) -> Manifest:
    checksum = data.pop("crc32c")
    if data["format"] != FORMAT or data["version"] != VERSION:
        raise ValueError(f"format {data['format']!r} version {data['version']!r}, expected {FORMAT!r} {VERSION}")
    if checksum != checksum_of(data):
        raise ValueError("its checksum is wrong")
    shards = [_shard(s) for s in data["shards"]]
    manifest = Manifest({}, shards, _random(data.get("random")))
    for key, value in data["tensors"].items():
        entry = Entry(as_dtype(value["dtype"]), _numbers(value["shape"]))
        entry.slices = [_slice(s, entry, len(shards)) for s in value["slices"]]
        manifest.tensors[key] = entry
    check_places(manifest)
    return manifest


def _shard(value: Any) -> Shard:
    return Shard(_plain_name(value["file"]), _number(value["bytes"]), _optional(value.get("frame_crc32c")))


def _random(value: Any) -> RandomState | None:
    if value is None:
        return None
    counters = {str(name): _number(count) for name, count in value["counters"].items()}
    seeds = {str(name): list(_numbers(pair)) for name, pair in value["seeds"].items()}
    if any(len(pair) != 2 for pair in seeds.values()):
        raise ValueError("a random op has two seeds")
    return {"counters": counters, "seeds": seeds}


def _slice(value: Any, entry: Entry, shards: int) -> Slice:
    part = Slice(
        _numbers(value["offset"]),
        _numbers(value["shape"]),
        _number(value["shard"]),
        str(value["dataset"]),
        _number(value["bytes"]),
        _number(value["crc32c"]),
        _optional(value.get("position")),
    )
    ends = [o + n for o, n in zip(part.offset, part.shape, strict=True)]
    if len(ends) != len(entry.shape) or any(e > size for e, size in zip(ends, entry.shape, strict=True)):
        raise ValueError(f"a slice at {part.offset} of shape {part.shape} is not inside {entry.shape}")
    if part.shard >= shards:
        raise ValueError(f"a slice is in shard {part.shard} of {shards}")
    if entry.dtype.name != "string" and part.bytes != math.prod(part.shape) * entry.dtype.size:
        raise ValueError(f"a slice of {entry.dtype.name}{list(part.shape)} has {part.bytes} bytes")
    return part


def _number(value: Any) -> int:
    if type(value) is not int or value < 0:
        raise ValueError(f"expected a number from 0 on, got {value!r}")
    return value


def _optional(value: Any) -> int | None:
    return None if value is None else _number(value)


def _numbers(values: Any) -> tuple[int, ...]:
    if len(values) > _RANKS:
        raise ValueError(f"{len(values)} dimensions are too many")
    return tuple(_number(v) for v in values)


def _plain_name(value: Any) -> str:
    # A manifest must not make us read another folder.
    if not isinstance(value, str) or not value or value in (".", "..") or set(value) & _SEPARATORS:
        raise ValueError(f"{value!r} is not the plain name of a file")
    return value
