"""Writing checkpoints: shards first, the manifest last, what was replaced goes after that."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..dtypes import DType
from ..errors import AlreadyExistsError, DataLossError, NotFoundError
from ..folder_lock import alone_in
from .files import rename, sync_folder
from .hdf5 import dataset_name
from .manifest import (
    Entry,
    Manifest,
    RandomState,
    Slice,
    manifest_path,
    shard_problems,
    write_manifest,
)
from .manifest_reader import read_manifest
from .shards import write_shard


@dataclass(frozen=True)
class Part:
    """A tensor to save, or a slice of one: `offset` says where it lies in the whole of `full_shape`."""

    name: str
    value: Any
    dtype: DType
    full_shape: tuple[int, ...] | None = None
    offset: tuple[int, ...] | None = None


def write_checkpoint(prefix: str, shards: Sequence[Sequence[Part]], random: RandomState | None = None) -> Manifest:
    """Writes a checkpoint: one file a list of parts, then the manifest.

    A checkpoint of the same prefix stays whole until the new one is. `random` is kept beside the tensors. Of several
    processes that write one prefix each waits for those before: what is there in the end is one's.

    Raises:
        AlreadyExistsError: two parts are the same slice of the same tensor.
    """
    with _turn(prefix):
        return _write_checkpoint(prefix, shards, random)


def _turn(prefix: str) -> AbstractContextManager[None]:
    # The parts of a sharded save are written side by side.
    is_part = re.search(r"-\d{5}-of-\d{5}$", Path(prefix).name)
    return nullcontext() if is_part else alone_in(manifest_path(prefix).parent)


def _write_checkpoint(prefix: str, shards: Sequence[Sequence[Part]], random: RandomState | None) -> Manifest:
    folder, name = manifest_path(prefix).parent, Path(prefix).name
    old = _old_shards(prefix)
    manifest = Manifest(random=random)
    try:
        for index, parts in enumerate(shards):
            file = _free_name(folder, shard_name(name, index, len(shards)), old)
            _write(manifest, folder / file, index, parts)
        sync_folder(folder)
        write_manifest(prefix, manifest)
    except Exception:
        _give_up(prefix, manifest)
        raise
    _remove_leftovers(folder, name, manifest)
    return manifest


def _remove_leftovers(folder: Path, name: str, manifest: Manifest) -> None:
    """Removes the shards that the manifest replaced, and what a save of this prefix that was killed left behind."""
    kept = {shard.file for shard in manifest.shards}
    shard = rf"{re.escape(name)}\.data-\d{{5}}-of-\d{{5}}(\.\d+)?"
    temporary = rf"\.({shard}|{re.escape(name)}\.index)\.[0-9a-f]{{12}}\.tmp"
    ours = re.compile(f"{shard}|{temporary}")
    _remove(folder, [p.name for p in folder.iterdir() if p.name not in kept and ours.fullmatch(p.name)])


def _write(manifest: Manifest, path: Path, index: int, parts: Sequence[Part]) -> None:
    slices = [_add(manifest, part, index) for part in parts]
    arrays = [(s.dataset, p.dtype, np.asarray(p.value)) for s, p in zip(slices, parts, strict=True)]
    shard, stored = write_shard(path, arrays)
    manifest.shards.append(shard)
    for part, place, found in zip(parts, slices, stored, strict=True):
        manifest.tensors[part.name].slices.append(replace(place, **asdict(found)))


def _give_up(prefix: str, manifest: Manifest) -> None:
    """Removes the shards of a save that failed, unless its manifest has got its name all the same."""
    kept = _old_shards(prefix)
    folder = manifest_path(prefix).parent
    with suppress(OSError):
        _remove(folder, (s.file for s in manifest.shards if s.file not in kept))


def shard_name(name: str, index: int, count: int) -> str:
    """The file of a shard, as TensorFlow calls them."""
    return f"{name}.data-{index:05d}-of-{count:05d}"


def _old_shards(prefix: str) -> set[str]:
    try:
        return {s.file for s in read_manifest(prefix).shards}
    except (NotFoundError, DataLossError):
        return set()


def _free_name(folder: Path, name: str, taken: set[str]) -> str:
    """`name`, or another while the manifest that is there still needs that file."""
    candidate, number = name, 0
    while candidate in taken:
        number += 1
        candidate = f"{name}.{number}"
    return candidate


def _add(manifest: Manifest, part: Part, shard: int) -> Slice:
    shape = tuple(np.shape(part.value))
    full = shape if part.full_shape is None else tuple(part.full_shape)
    offset = (0,) * len(shape) if part.offset is None else tuple(part.offset)
    entry = manifest.tensors.setdefault(part.name, Entry(part.dtype, full))
    if entry.dtype != part.dtype or entry.shape != full:
        raise AlreadyExistsError(
            None, None, f"Two parts of {part.name} do not agree: {entry.dtype.name}{entry.shape} and {part}"
        )
    dataset = dataset_name(part.name, offset, shape == full)
    place = Slice(offset, shape, shard, dataset, 0, 0)
    if any(s.offset == offset for s in entry.slices):
        raise AlreadyExistsError(None, None, f"The slice of {part.name} at {offset} is given twice")
    return place


def merge_checkpoints(
    prefixes: Iterable[str], destination: str, delete_old: bool = True, random: RandomState | None = None
) -> Manifest:
    """Makes one checkpoint of several with different tensors or slices, whose shards are renamed and not copied.

    `random` is kept together with what the parts hold of their tasks' random state.
    """
    sources = [(prefix, read_manifest(prefix)) for prefix in prefixes]
    _check_sources(sources)
    manifest_path(destination).parent.mkdir(parents=True, exist_ok=True)
    with _turn(destination):
        merged = _merge(sources, destination, random)
    for prefix, _ in sources if delete_old else ():
        manifest_path(prefix).unlink(missing_ok=True)
        _remove_empty(manifest_path(prefix).parent)
    return merged


def _merge(sources: Sequence[tuple[str, Manifest]], destination: str, random: RandomState | None) -> Manifest:
    folder, name = manifest_path(destination).parent, Path(destination).name
    old = _old_shards(destination)
    count = sum(len(m.shards) for _, m in sources)
    merged = Manifest(random=_all_random([*(m.random for _, m in sources), random]))
    for prefix, manifest in sources:
        first = len(merged.shards)
        for shard in manifest.shards:
            file = _free_name(folder, shard_name(name, len(merged.shards), count), old)
            rename(manifest_path(prefix).parent / shard.file, folder / file)
            merged.shards.append(replace(shard, file=file))
        _take_over(merged, manifest, first)
    sync_folder(folder)
    write_manifest(destination, merged)
    _remove_leftovers(folder, name, merged)
    return merged


def _check_sources(sources: Sequence[tuple[str, Manifest]]) -> None:
    """Raises DataLossError or AlreadyExistsError before anything is renamed: what is there stays as it is."""
    problems = [text for prefix, manifest in sources for text in shard_problems(prefix, manifest)]
    if problems:
        raise DataLossError(None, None, f"Checkpoints that are not whole cannot be merged: {'; '.join(problems)}")
    trial = Manifest()
    for _, manifest in sources:
        _take_over(trial, manifest, 0)


def _all_random(states: Iterable[RandomState | None]) -> RandomState | None:
    known = [state for state in states if state is not None]
    kinds = dict.fromkeys(kind for state in known for kind in state)
    return {k: {n: v for s in known for n, v in s.get(k, {}).items()} for k in kinds} if known else None


def _take_over(merged: Manifest, manifest: Manifest, first: int) -> None:
    for key, entry in manifest.tensors.items():
        known = merged.tensors.setdefault(key, Entry(entry.dtype, entry.shape))
        for part in entry.slices:
            if any(s.offset == part.offset for s in known.slices):
                raise AlreadyExistsError(None, None, f"The slice of {key} at {part.offset} is given twice")
            known.slices.append(replace(part, shard=first + part.shard))


def _remove_empty(folder: Path) -> None:
    if not any(folder.iterdir()):
        folder.rmdir()


def _remove(folder: Path, files: Iterable[str]) -> None:
    for file in files:
        (folder / file).unlink(missing_ok=True)


def remove_checkpoint(prefix: str | os.PathLike[str]) -> None:
    """Removes a checkpoint's files, the manifest first: what is left after a kill is none, and not a damaged one.

    Nothing happens if there is none. A manifest that is damaged goes together with the files called like its shards.
    """
    path = manifest_path(prefix)
    folder, name = path.parent, Path(prefix).name
    try:
        files = [s.file for s in read_manifest(prefix).shards]
    except NotFoundError:
        return
    except DataLossError:
        start = f"{name}.data-"
        files = [p.name for p in folder.iterdir() if p.name.startswith(start)]
    path.unlink(missing_ok=True)
    _remove(folder, files)
