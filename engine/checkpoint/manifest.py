"""The manifest of a checkpoint: a small JSON file, written last, that names every tensor, slice, shard and checksum."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

from ..crc32c import crc32c
from ..dtypes import DType
from .files import write_durably

FORMAT: Final = "headrace checkpoint"
VERSION: Final = 1
SUFFIX: Final = ".index"
# A manifest takes a few hundred bytes a tensor: what is larger is none.
LARGEST: Final = 1 << 26

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
        return json.dumps({**body, "crc32c": checksum_of(body)}, indent=1) + "\n"


def checksum_of(body: dict[str, Any]) -> int:
    """The checksum of a manifest's other fields."""
    return crc32c(json.dumps(body, sort_keys=True, separators=(",", ":")).encode())


def manifest_path(prefix: str | os.PathLike[str]) -> Path:
    """The manifest's file of a checkpoint."""
    return Path(os.fspath(prefix) + SUFFIX)


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
