"""The `checkpoint` file of a folder: which checkpoints there are and which is the newest, as TensorFlow 1.15's text."""

from __future__ import annotations

import glob
import logging
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..errors import OpError
from .files import write_durably
from .manifest import SUFFIX, manifest_path, shard_problems
from .manifest_reader import read_manifest

# Messages are imported where one is made or read.

_log = logging.getLogger("absl")
Folder = str | os.PathLike[str]


def _state_path(folder: Folder, latest_filename: str | None) -> Path:
    return Path(folder) / (latest_filename or "checkpoint")


def generate_checkpoint_state_proto(
    save_dir: Folder,
    model_checkpoint_path: str,
    all_model_checkpoint_paths: Sequence[str] | None = None,
    all_model_checkpoint_timestamps: Sequence[float] | None = None,
    last_preserved_timestamp: float | None = None,
) -> Any:
    """A CheckpointState message; paths that are not absolute become relative to `save_dir`.

    Raises:
        ValueError: there are not as many timestamps as paths.
    """
    from ..protos import CheckpointState

    newest, every = os.fspath(model_checkpoint_path), [os.fspath(p) for p in all_model_checkpoint_paths or ()]
    times = list(all_model_checkpoint_timestamps or ())
    if times and len(times) != len(every):
        raise ValueError(f"Checkpoint timestamps, if provided, must match checkpoint paths: {times} and {every}")
    if not every or every[-1] != newest:
        every.append(newest)
        if times:
            times.append(time.time())
    if not os.path.isabs(save_dir):  # noqa: PTH117  the paths in the file are strings
        newest = _relative(newest, save_dir)
        every = [_relative(p, save_dir) for p in every]
    state = CheckpointState(
        model_checkpoint_path=newest, all_model_checkpoint_paths=every, all_model_checkpoint_timestamps=times
    )
    if last_preserved_timestamp is not None:
        state.last_preserved_timestamp = last_preserved_timestamp
    return state


def _relative(path: str, folder: Folder) -> str:
    return path if os.path.isabs(path) else os.path.relpath(path, folder)  # noqa: PTH117


def update_checkpoint_state(
    save_dir: Folder,
    model_checkpoint_path: str,
    all_model_checkpoint_paths: Sequence[str] | None = None,
    latest_filename: str | None = None,
    all_model_checkpoint_timestamps: Sequence[float] | None = None,
    last_preserved_timestamp: float | None = None,
    save_relative_paths: bool = False,
) -> None:
    """Writes the `checkpoint` file of a folder, in one step.

    Raises:
        RuntimeError: the file would have the name of a checkpoint.
    """
    from google.protobuf import text_format

    path = _state_path(save_dir, latest_filename)
    newest, every = model_checkpoint_path, list(all_model_checkpoint_paths or ())
    if save_relative_paths:
        newest = os.path.relpath(newest, save_dir)
        every = [os.path.relpath(p, save_dir) for p in every]
        state = generate_checkpoint_state_proto(
            Path(save_dir).absolute(),
            newest,
            every,
            all_model_checkpoint_timestamps,
            last_preserved_timestamp,
        )
    else:
        state = generate_checkpoint_state_proto(
            save_dir, newest, every, all_model_checkpoint_timestamps, last_preserved_timestamp
        )
    if str(path) == os.fspath(model_checkpoint_path):
        raise RuntimeError(
            f"Save path '{model_checkpoint_path}' conflicts with path used for checkpoint state. "
            "Please use a different save path."
        )
    write_durably(path, text_format.MessageToString(state).encode())


def get_checkpoint_state(checkpoint_dir: Folder, latest_filename: str | None = None) -> Any:
    """The CheckpointState of a folder with full paths; None if it has no such file or that cannot be read.

    A folder that was moved or copied has its own checkpoints: they come before those at the place that is written down.
    """
    from google.protobuf import text_format

    from ..protos import CheckpointState

    path = _state_path(checkpoint_dir, latest_filename)
    if path.exists() and not path.is_file():
        _log.warning("%s is no file", path)
        return None
    try:
        state = text_format.Parse(path.read_text(), CheckpointState())
    except OSError as error:
        if path.exists():
            _log.warning("%s: %s", path, error)
        return None
    except (text_format.ParseError, UnicodeDecodeError) as error:
        _log.warning("%s: %s", path, error)
        return None
    if not state.model_checkpoint_path:
        raise ValueError(f"Invalid checkpoint state loaded from {checkpoint_dir}")
    state.model_checkpoint_path = _in_folder(state.model_checkpoint_path, checkpoint_dir)
    state.all_model_checkpoint_paths[:] = [_in_folder(p, checkpoint_dir) for p in state.all_model_checkpoint_paths]
    return state


def _in_folder(prefix: str, folder: Folder) -> str:
    """The full path of a checkpoint that a folder's state names."""
    place = Path(prefix)
    beside = os.path.join(folder, place.name)  # noqa: PTH118  prefixes are strings
    is_here = not place.is_absolute() or (place.parent.exists() and place.parent.samefile(folder))
    if not is_here and manifest_path(beside).is_file():
        return beside
    return os.path.join(folder, prefix)  # noqa: PTH118


def checkpoint_exists(checkpoint_prefix: str | os.PathLike[str]) -> bool:
    """Whether there is a checkpoint of this prefix (or pattern): whether it has a manifest."""
    prefix = os.fspath(checkpoint_prefix)
    return manifest_path(prefix).is_file() or bool(glob.glob(prefix + ".index"))  # noqa: PTH207


def latest_checkpoint(checkpoint_dir: Folder, latest_filename: str | None = None) -> str | None:
    """The newest checkpoint of a folder that is whole, as a prefix; None if there is none.

    The `checkpoint` file says which there are, or the manifests where that file is damaged. A checkpoint that is damaged
    or lacks a shard is named in the log and left out.
    """
    return next(whole_checkpoints(checkpoint_dir, latest_filename), None)


def whole_checkpoints(checkpoint_dir: Folder, latest_filename: str | None = None) -> Iterator[str]:
    """The checkpoints of a folder whose manifests and shards are there, newest first; others are named in the log."""
    for prefix in reversed(named_checkpoints(checkpoint_dir, latest_filename)):
        problem = checkpoint_problem(prefix)
        if problem is None:
            yield prefix
        else:
            _log.error("The checkpoint %s is not used: %s", prefix, problem)


def named_checkpoints(checkpoint_dir: Folder, latest_filename: str | None = None) -> list[str]:
    """The checkpoints that the `checkpoint` file of a folder names, the newest last.

    Where that file is damaged, all that have a manifest in the folder, in the order in which those were written: a run
    does not begin anew, over the checkpoints that are there, for that.
    """
    try:
        state = get_checkpoint_state(checkpoint_dir, latest_filename)
    except ValueError:
        state = None
    if state is not None:
        newest = str(state.model_checkpoint_path)
        return [*dict.fromkeys(str(p) for p in state.all_model_checkpoint_paths if p != newest), newest]
    path = _state_path(checkpoint_dir, latest_filename)
    if not os.path.lexists(path):
        return []
    _log.error("%s is damaged: the checkpoints beside it are taken, the last that was written first", path)
    return written_checkpoints(checkpoint_dir)


def written_checkpoints(folder: Folder) -> list[str]:
    """The prefixes of all manifests in a folder, the oldest first."""
    paths = [p for p in Path(folder).glob(f"*{SUFFIX}") if p.is_file()]
    return [str(p)[: -len(SUFFIX)] for p in sorted(paths, key=lambda p: (p.stat().st_mtime, p.name))]


def checkpoint_problem(prefix: str) -> str | None:
    """Why a checkpoint cannot be used, as far as its manifest and the sizes of its shards tell; None if it can."""
    try:
        problems = shard_problems(prefix, read_manifest(prefix))
    except OpError as error:
        return error.message
    return "; ".join(problems) or None


def get_checkpoint_mtimes(checkpoint_prefixes: Sequence[str]) -> list[float]:
    """When the checkpoints were written, in seconds; those that are not there are left out."""
    paths = [manifest_path(p) for p in checkpoint_prefixes]
    return [p.stat().st_mtime for p in paths if p.is_file()]


def remove_checkpoint(
    checkpoint_prefix: str, checkpoint_format_version: Any = None, meta_graph_suffix: str = "meta"
) -> None:
    """Removes a checkpoint and its graph, as tf.train.remove_checkpoint of TF 1.15."""
    from .writer import remove_checkpoint as remove

    del checkpoint_format_version
    remove(checkpoint_prefix)
    Path(f"{checkpoint_prefix}.{meta_graph_suffix}").unlink(missing_ok=True)
