"""The manifest of a checkpoint: a small JSON file, written last, that names every tensor, slice, shard and checksum."""

from __future__ import annotations

import json
import math
import os
import stat
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from ..crc32c import crc32c
from ..dtypes import DType, as_dtype
from ..errors import DataLossError, NotFoundError, file_error
from .files import write_durably

FORMAT: Final = "headrace checkpoint"
VERSION: Final = 1
SUFFIX: Final = ".index"
# A manifest takes a few hundred bytes a tensor: what is larger is none.
LARGEST: Final = 1 << 26
_RANKS: Final = 254
# What a file's name cannot have here: it would name one of another folder.
_SEPARATORS: Final = {"/", "\0", os.sep, os.altsep}


# Where the streams of random ops were: {"counters": {op: number}, "seeds": {op: [number, number]}}.
RandomState = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Shard:
    """A file with tensors: its name in the manifest's folder, its bytes, and a checksum of those that are no values."""

    file: str
    bytes: int
    frame_crc32c: int | None = None


@dataclass(frozen=True)
class Slice:
    """A part of a tensor: where it lies in the whole, in which dataset of which shard it is, and where in that file.

    Manifests of early versions do not say the position.
    """

    offset: tuple[int, ...]
    shape: tuple[int, ...]
    shard: int
    dataset: str
    bytes: int
    crc32c: int
    position: int | None = None


@dataclass
class Entry:
    """A tensor: its dtype, shape and the slices that it consists of."""

    dtype: DType
    shape: tuple[int, ...]
    slices: list[Slice] = field(default_factory=list)


@dataclass
class Manifest:
    """What a checkpoint consists of."""

    tensors: dict[str, Entry] = field(default_factory=dict)
    shards: list[Shard] = field(default_factory=list)
    random: RandomState | None = None
    # Whose files it describes: ours, or TensorFlow's "TensorBundle".
    kind: str = FORMAT

    def to_json(self) -> str:
        """The manifest as text, with a checksum of its own."""
        body: dict[str, Any] = {
            "format": FORMAT,
            "version": VERSION,
            "shards": [asdict(s) for s in self.shards],
            "tensors": {
                name: {"dtype": e.dtype.name, "shape": list(e.shape), "slices": [asdict(s) for s in e.slices]}
                for name, e in sorted(self.tensors.items())
            },
        }
        if self.random is not None:
            body["random"] = self.random
        return json.dumps({**body, "crc32c": _checksum(body)}, indent=1) + "\n"


def _checksum(body: dict[str, Any]) -> int:
    return crc32c(json.dumps(body, sort_keys=True, separators=(",", ":")).encode())


def manifest_path(prefix: str | os.PathLike[str]) -> Path:
    """The manifest's file of a checkpoint."""
    return Path(os.fspath(prefix) + SUFFIX)


def read_manifest(prefix: str | os.PathLike[str]) -> Manifest:
    """The manifest of a checkpoint.

    Raises:
        NotFoundError: there is no such checkpoint.
        DataLossError: the file is damaged or none of ours.
        OpError: it cannot be read; the class says why.
    """
    path = manifest_path(prefix)
    from .bundle import is_bundle, parsed_bundle  # which makes a manifest

    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise DataLossError(None, None, f"{path} is no file")
        if status.st_size > LARGEST:
            raise DataLossError(None, None, f"{path} is too large for a manifest")
        text = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise NotFoundError(
            None, None, f"Unsuccessful checkpoint lookup: there is no file {path} for the checkpoint {prefix}"
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


def _parsed(data: Any, name: str) -> Manifest:
    checksum = data.pop("crc32c")
    if data["format"] != FORMAT or data["version"] != VERSION:
        raise ValueError(f"format {data['format']!r} version {data['version']!r}, expected {FORMAT!r} {VERSION}")
    if checksum != _checksum(data):
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


def check_places(manifest: Manifest) -> None:
    """Raises ValueError if slices are not in their files side by side: no byte is two values."""
    spans: list[list[tuple[int, int]]] = [[] for _ in manifest.shards]
    for entry in manifest.tensors.values():
        for part in entry.slices:
            if part.position is not None and part.bytes:
                spans[part.shard].append((part.position, part.position + part.bytes))
    for shard, ranges in zip(manifest.shards, spans, strict=True):
        ends = [0, *(end for _, end in sorted(ranges))]
        starts = [*(start for start, _ in sorted(ranges)), shard.bytes]
        if any(start < end for start, end in zip(starts, ends, strict=True)):
            raise ValueError(f"the slices in {shard.file} overlap or do not fit into its {shard.bytes} bytes")


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


def write_manifest(prefix: str | os.PathLike[str], manifest: Manifest) -> None:
    """Writes the manifest in one step: before it, the checkpoint is not there; after it, it is whole."""
    path = manifest_path(prefix)
    write_durably(path, manifest.to_json().encode())


def shard_problems(prefix: str | os.PathLike[str], manifest: Manifest) -> list[str]:
    """What is wrong with the shards as files: those that are missing or have another size."""
    folder = manifest_path(prefix).parent
    return list(_problems(folder, manifest.shards))


def _problems(folder: Path, shards: Iterable[Shard]) -> Iterable[str]:
    for shard in shards:
        path = folder / shard.file
        try:
            size = path.stat().st_size
        except OSError:
            yield f"the shard {path} is missing"
            continue
        if size != shard.bytes:
            yield f"the shard {path} has {size} bytes instead of {shard.bytes}"
