"""What `python -m headrace checkpoint` says: which checkpoints there are, what is in them, what is damaged, what differs."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sized
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..errors import OpError
from .manifest import SUFFIX, Manifest, manifest_path, shard_problems
from .manifest_reader import read_manifest
from .reader import Array, CheckpointReader
from .state import latest_checkpoint, named_checkpoints, written_checkpoints

GOOD, DAMAGED_OR_DIFFERENT, UNUSABLE = 0, 1, 2


@dataclass
class Report:
    """Lines to show, and the exit status: 0 good or equal, 1 damaged or different, 2 nothing there to look at."""

    lines: list[str] = field(default_factory=list)
    status: int = GOOD

    def fail(self, line: str, status: int = DAMAGED_OR_DIFFERENT) -> None:
        """Adds a line that raises the status."""
        self.lines.append(line)
        self.status = max(self.status, status)


def prefixes_of(path: str | os.PathLike[str]) -> list[str]:
    """The checkpoints that a path means: those of a folder, oldest first, or the one of a prefix or manifest.

    Those of a folder are the ones that have a manifest and the ones that its `checkpoint` file names.
    """
    text = os.fspath(path)
    if not Path(text).is_dir():
        return [text.removesuffix(SUFFIX)]
    found = written_checkpoints(text)
    return [*(p for p in (str(Path(p)) for p in named_checkpoints(text)) if p not in found), *found]


def listed(path: str | os.PathLike[str]) -> Report:
    """One line a checkpoint: prefix, number of tensors and shards, bytes, and what is wrong with its files."""
    report = Report()
    prefixes = prefixes_of(path)
    if not prefixes or not (Path(path).is_dir() or manifest_path(prefixes[0]).is_file()):
        prefixes = []
        report.fail(f"{path}: there is no checkpoint", UNUSABLE)
    newest = latest_checkpoint(path) if Path(path).is_dir() else None
    for prefix in prefixes:
        mark = "  (newest)" if newest is not None and Path(newest) == Path(prefix) else ""
        try:
            manifest = read_manifest(prefix)
        except OpError as error:
            report.fail(f"{prefix}: {error.message}")
            continue
        problems = shard_problems(prefix, manifest)
        line = f"{prefix}: {_extent(manifest)}{mark}"
        if problems:
            report.fail(f"{line}: {'; '.join(problems)}")
        else:
            report.lines.append(line)
    return report


def _extent(manifest: Manifest) -> str:
    size = sum(s.bytes for s in manifest.shards)
    return f"{_counted(manifest.tensors, 'tensor')}, {size} bytes in {_counted(manifest.shards, 'shard')}"


def _counted(items: Sized, what: str) -> str:
    return f"{len(items)} {what}" if len(items) == 1 else f"{len(items)} {what}s"


def shown(path: str | os.PathLike[str], names: list[str] | None = None) -> Report:
    """The tensors of a checkpoint, or of a folder's newest: name, dtype, shape, slices; the values of those named."""
    report = Report()
    prefix = _one(path, report)
    if prefix is None:
        return report
    try:
        with CheckpointReader(prefix) as reader:
            report.lines += _values(reader, names) if names else [prefix, *_tensors(reader.manifest)]
    except OpError as error:
        report.fail(error.message)
    return report


def _one(path: str | os.PathLike[str], report: Report) -> str | None:
    prefix = latest_checkpoint(path) if Path(path).is_dir() else os.fspath(path).removesuffix(SUFFIX)
    if prefix is None or not manifest_path(prefix).is_file():
        report.fail(f"{path}: there is no checkpoint", UNUSABLE)
        return None
    return prefix


def _tensors(manifest: Manifest) -> Iterator[str]:
    for name, entry in sorted(manifest.tensors.items()):
        slices = f" in {len(entry.slices)} slices" if len(entry.slices) != 1 else ""
        yield f"{name}  {entry.dtype.name}{list(entry.shape)}{slices}"


def _values(reader: CheckpointReader, names: list[str]) -> Iterator[str]:
    for name in names:
        yield f"{name} = {np.array2string(np.asarray(reader.get_tensor(name)), separator=', ', threshold=100)}"


def verified(path: str | os.PathLike[str]) -> Report:
    """Reads every byte of a checkpoint, or of all in a folder; each damaged file and tensor gets a line."""
    report = Report()
    prefixes = prefixes_of(path)
    if not prefixes or (not Path(path).is_dir() and not manifest_path(prefixes[0]).is_file()):
        report.fail(f"{path}: there is no checkpoint", UNUSABLE)
        return report
    for prefix in prefixes:
        damages = list(damages_of(prefix))
        for damage in damages:
            report.fail(damage)
        if not damages:
            report.lines.append(f"{prefix}: good, {_extent(read_manifest(prefix))}")
    return report


def damages_of(prefix: str) -> Iterator[str]:
    """What is wrong with a checkpoint: a line for each file that is missing or has another size and each bad tensor."""
    try:
        read_manifest(prefix)
    except OpError as error:
        yield error.message
        return
    with CheckpointReader(prefix, partial=True) as reader:
        yield from reader.damages()


def compared(first: str | os.PathLike[str], second: str | os.PathLike[str]) -> Report:
    """What differs between two checkpoints: a line for each tensor that only one has or that is not the same."""
    report = Report()
    prefixes = [_one(path, report) for path in (first, second)]
    if prefixes[0] is None or prefixes[1] is None:
        return report
    try:
        with CheckpointReader(prefixes[0]) as old, CheckpointReader(prefixes[1]) as new:
            for line in _differences(old, new):
                report.fail(line)
    except OpError as error:
        report.fail(error.message, UNUSABLE)
    if report.status == GOOD:
        report.lines.append("the same tensors")
    return report


def _differences(old: CheckpointReader, new: CheckpointReader) -> Iterator[str]:
    for name in sorted({*old.manifest.tensors, *new.manifest.tensors}):
        for one, other in ((old, new), (new, old)):
            if not other.has_tensor(name):
                yield f"{name}: only in {one.prefix}"
        if old.has_tensor(name) and new.has_tensor(name):
            yield from _difference(name, old, new)


def _difference(name: str, old: CheckpointReader, new: CheckpointReader) -> Iterator[str]:
    kinds = [f"{e.dtype.name}{list(e.shape)}" for e in (old.entry(name), new.entry(name))]
    if kinds[0] != kinds[1]:
        yield f"{name}: {kinds[0]} became {kinds[1]}"
        return
    values = [np.asarray(reader.get_tensor(name)) for reader in (old, new)]
    changed = _changed(*values)
    if changed.any():
        yield f"{name}: {int(changed.sum())} of {changed.size} elements differ{_farthest(*values)}"


def _changed(old: Array, new: Array) -> Array:
    """Which elements have other bits."""
    if old.dtype == object or not old.size:
        return np.asarray(old != new)
    bits = [np.ascontiguousarray(a).reshape(-1, 1).view(np.uint8) for a in (old, new)]
    return np.asarray((bits[0] != bits[1]).any(axis=1))


def _farthest(old: Array, new: Array) -> str:
    if old.dtype.kind not in "fiu":
        return ""
    with np.errstate(invalid="ignore"):
        distance = np.abs(new.astype(np.float64) - old.astype(np.float64))
    return f", by up to {np.nanmax(distance):.3g}" if np.isfinite(distance).any() else ""
