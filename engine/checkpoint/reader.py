"""Reading checkpoints: NewCheckpointReader and the functions around it, as TensorFlow 1.15's tf.train."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from ..dtypes import DType
from ..errors import DataLossError, NotFoundError, OpError
from .manifest import Entry, Slice, manifest_path, shard_problems
from .manifest_reader import read_manifest
from .shards import ShardReader
from .state import latest_checkpoint

Array = np.ndarray[Any, Any]


class PlainSlice(NamedTuple):
    """What can be read into memory that is there, by several threads at once."""

    shard: ShardReader
    part: Slice

    def check(self) -> None:
        """Reads it for its checksum alone; DataLossError if it is damaged."""
        self.shard.check(self.part)

    def read_into(self, target: Array, is_checked: bool = False) -> None:
        """Fills a contiguous array of its dtype and shape; DataLossError if it is damaged.

        `is_checked`: `check` has just been called.
        """
        self.shard.read_into(self.part, target, is_checked)


class CheckpointReader:
    """Reads the tensors of a checkpoint by name; a context manager.

    With `partial`, a checkpoint whose shards are damaged can be opened for what is left.

    Raises:
        NotFoundError: there is no checkpoint of this prefix.
        DataLossError: its manifest is damaged, or a shard is missing or has another size.
    """

    def __init__(self, prefix: str | os.PathLike[str], partial: bool = False) -> None:
        self.prefix = os.fspath(prefix)
        self.manifest = read_manifest(self.prefix)
        self._partial = partial
        problems = [] if partial else shard_problems(self.prefix, self.manifest)
        if problems:
            raise DataLossError(None, None, f"The checkpoint {self.prefix} is not whole: {'; '.join(problems)}")
        self._shards: dict[int, ShardReader] = {}

    def get_variable_to_shape_map(self) -> dict[str, list[int]]:
        """The shapes of all tensors by name."""
        return {name: list(entry.shape) for name, entry in self.manifest.tensors.items()}

    def get_variable_to_dtype_map(self) -> dict[str, DType]:
        """The dtypes of all tensors by name."""
        return {name: entry.dtype for name, entry in self.manifest.tensors.items()}

    def has_tensor(self, tensor_str: str) -> bool:
        """Whether the checkpoint has a tensor of this name."""
        return tensor_str in self.manifest.tensors

    def get_tensor(self, tensor_str: str) -> Any:
        """The value of a tensor, put together if it was saved in slices; its checksums are verified.

        Raises:
            NotFoundError: there is none of this name.
            DataLossError: it is damaged; the text names the file.
        """
        entry = self.entry(tensor_str)
        return self.get_slice(tensor_str, (0,) * len(entry.shape), entry.shape)

    def entry(self, name: str) -> Entry:
        """What the manifest says about a tensor."""
        entry = self.manifest.tensors.get(name)
        if entry is None:
            raise NotFoundError(None, None, f"Key {name} not found in checkpoint {self.prefix}")
        return entry

    def get_slice(self, name: str, offset: tuple[int, ...], shape: tuple[int, ...]) -> Any:
        """A part of a tensor, whatever the slices in which it was saved."""
        entry = self.entry(name)
        for part in entry.slices:
            if part.offset == tuple(offset) and part.shape == tuple(shape):
                return self._read(part, entry)
        shared = [(part, box) for part in entry.slices if (box := _overlap(part, offset, shape)) is not None]
        covered = sum(math.prod(e - s for s, e in box) for _, box in shared)
        if covered < math.prod(shape):
            raise DataLossError(
                None,
                None,
                f"The checkpoint {self.prefix} has only {covered} of the {math.prod(shape)} elements of {name} "
                f"at {tuple(offset)}",
            )
        if _touching([box for _, box in shared]):
            raise DataLossError(None, None, f"The slices of {name} in the checkpoint {self.prefix} overlap")
        result = np.empty(shape, entry.dtype.numpy)
        for part, box in shared:
            target = tuple(slice(s - o, e - o) for (s, e), o in zip(box, offset, strict=True))
            source = tuple(slice(s - o, e - o) for (s, e), o in zip(box, part.offset, strict=True))
            result[target] = self._read(part, entry)[source]
        return result

    def plain_slice(self, name: str, offset: tuple[int, ...], shape: tuple[int, ...]) -> PlainSlice | None:
        """A part of a tensor that was saved as one slice, and lies in its file as in memory; None for others."""
        entry = self.entry(name)
        for part in entry.slices:
            if part.offset == tuple(offset) and part.shape == tuple(shape):
                shard = self._shard(part.shard)
                return PlainSlice(shard, part) if shard.has_plain(part, entry.dtype) else None
        return None

    def _read(self, part: Slice, entry: Entry) -> Array:
        return self._shard(part.shard).read(part, entry.dtype)

    @property
    def _is_bundle(self) -> bool:
        return self.manifest.kind == "TensorBundle"

    def _shard(self, number: int) -> ShardReader:
        if number not in self._shards:
            shard = self.manifest.shards[number]
            parts = [p for e in self.manifest.tensors.values() for p in e.slices if p.shard == number]
            self._shards[number] = ShardReader(
                manifest_path(self.prefix).parent / shard.file, shard, parts, self._is_bundle
            )
            if not self._partial:
                self._shards[number].check_frame()
        return self._shards[number]

    def verify(self) -> None:
        """Reads everything; DataLossError names what is damaged."""
        damages = list(self.damages())
        if damages:
            raise DataLossError(None, None, f"The checkpoint {self.prefix} is damaged: {'; '.join(damages)}")

    def damages(self) -> Iterator[str]:
        """Reads everything and yields a line for each file and tensor that cannot be had as it was saved."""
        damaged = {n: text for n in range(len(self.manifest.shards)) if (text := self._file_damage(n))}
        yield from damaged.values()
        for name, entry in sorted(self.manifest.tensors.items()):
            found = sum(math.prod(part.shape) for part in entry.slices)
            if found != math.prod(entry.shape):
                yield f"{name}: the checkpoint {self.prefix} has {found} of its {math.prod(entry.shape)} elements"
            for part in entry.slices:
                try:
                    self._read(part, entry)
                    if part.shard not in damaged:
                        self._shard(part.shard).check_layout(part, entry.dtype)
                except OpError as error:
                    yield f"{name}: {error.message}"

    def _file_damage(self, number: int) -> str:
        try:
            self._shard(number).check_frame()
        except OpError as error:
            return error.message
        return ""

    def debug_string(self) -> bytes:
        """One line a tensor: name, dtype and shape."""
        lines = [f"{n} ({e.dtype.name}) {list(e.shape)}" for n, e in sorted(self.manifest.tensors.items())]
        return "\n".join(lines).encode()

    def close(self) -> None:
        """Closes the files."""
        for shard in self._shards.values():
            shard.close()
        self._shards.clear()

    def __enter__(self) -> CheckpointReader:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_shards", None):
            self.close()


def _overlap(part: Slice, offset: tuple[int, ...], shape: tuple[int, ...]) -> list[tuple[int, int]] | None:
    """Where a saved slice and the wanted one meet, as start and end in each dimension of the whole; None: nowhere."""
    starts = [max(a, b) for a, b in zip(offset, part.offset, strict=True)]
    ends = [min(o + n, p + m) for o, n, p, m in zip(offset, shape, part.offset, part.shape, strict=True)]
    box = list(zip(starts, ends, strict=True))
    return None if any(e <= s for s, e in box) else box


def _touching(boxes: list[list[tuple[int, int]]]) -> bool:
    """Whether two boxes share an element."""
    ordered = sorted(boxes)
    for index, box in enumerate(ordered):
        for other in ordered[index + 1 :]:
            # All that follow start beyond this one too.
            if box and other[0][0] >= box[0][1]:
                break
            if all(max(a, c) < min(b, d) for (a, b), (c, d) in zip(box, other, strict=True)):
                return True
    return False


def new_checkpoint_reader(filepattern: str | os.PathLike[str]) -> CheckpointReader:
    """A reader of the checkpoint with this prefix: tf.train.NewCheckpointReader."""
    return CheckpointReader(filepattern)


def is_whole(prefix: str | os.PathLike[str]) -> bool:
    """Whether a checkpoint's manifest is good and its shards are all there with their sizes."""
    try:
        return not shard_problems(prefix, read_manifest(prefix))
    except OpError:
        return False


def _prefix_of(ckpt_dir_or_file: str | os.PathLike[str]) -> str:
    path = os.fspath(ckpt_dir_or_file)
    if not os.path.isdir(path):  # noqa: PTH112  prefixes are strings
        return path
    newest = latest_checkpoint(path)
    if newest is None:
        raise ValueError(f"Couldn't find 'checkpoint' file or checkpoints in given directory {path}")
    return newest


def load_checkpoint(ckpt_dir_or_file: str | os.PathLike[str]) -> CheckpointReader:
    """A reader of a checkpoint, or of the newest one in a folder; ValueError if there is none there."""
    return CheckpointReader(_prefix_of(ckpt_dir_or_file))


def load_variable(ckpt_dir_or_file: str | os.PathLike[str], name: str) -> Any:
    """The value of a variable in a checkpoint, or in the newest one of a folder."""
    with load_checkpoint(ckpt_dir_or_file) as reader:
        return reader.get_tensor(name.removesuffix(":0"))


def list_variables(ckpt_dir_or_file: str | os.PathLike[str]) -> list[tuple[str, list[int]]]:
    """The names and shapes in a checkpoint, by name."""
    with load_checkpoint(ckpt_dir_or_file) as reader:
        return sorted(reader.get_variable_to_shape_map().items())
