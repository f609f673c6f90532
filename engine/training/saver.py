"""Saver: variables to checkpoints and back, as TensorFlow 1.15's tf.train.Saver. The files are engine/checkpoint's."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from ..checkpoint.manifest_reader import read_manifest
from ..checkpoint.reader import CheckpointReader
from ..checkpoint.state import (
    checkpoint_exists,
    get_checkpoint_mtimes,
    remove_checkpoint,
    update_checkpoint_state,
)
from ..errors import InvalidArgumentError, NotFoundError
from ..graph import Operation, Tensor, get_default_graph
from ..ops.array import identity, stack
from ..ops.checkpoint_files import (
    EXPECTED_SHAPES,
    deferred_saves,
    merge_checkpoints_op,
    restore_op,
    save_op,
    sharded_filename_op,
    slice_specs as text_vector,
)
from ..ops.constant import placeholder_with_default
from ..ops.control import group
from ..protos import SaverDef
from ..scopes import GraphKeys, name_scope
from ..shapes import TensorShape
from ..summary.projector import export_embeddings
from .direct_restore import restored_directly
from .saveable import SaveableObject, TableSaveable, VariableSaveable, saveables_of
from .saver_background import Background

_log = logging.getLogger("absl")
_FOREVER = 10000.0


class Saver:
    """Saves and restores variables, as TF 1.15's; docs/checkpoints.md describes the files.

    Args:
        var_list: a list of variables, or a dictionary by the names that they get in the checkpoint; all saveable
            objects of the graph if None.
        reshape: restore values of another shape with the same number of elements.
        sharded: one shard a device.
        max_to_keep: how many checkpoints are kept, the newest; None or 0: all.
        keep_checkpoint_every_n_hours: one in so many hours is kept for good.
        name: of the name scope of the operations.
        restore_sequentially: accepted; a value is restored at a time in any case.
        saver_def: a SaverDef message that names the operations, in the place of making them.
        builder: accepted.
        defer_build: make the operations at `build` and not now.
        allow_empty: do not raise if there is nothing to save; `save` and `restore` then do nothing.
        write_version: accepted: there is one format.
        pad_step_number: write the step with eight digits.
        save_relative_paths: write the `checkpoint` file with paths relative to its folder.
        filename: the prefix where none is fed.

    Raises:
        ValueError: there is nothing to save, or two variables have one name.

    Example:
        >>> import headrace as tf, tempfile
        >>> with tf.Graph().as_default(), tf.Session() as sess, tempfile.TemporaryDirectory() as folder:
        ...     v = tf.Variable(1.0, name="v")
        ...     saver = tf.train.Saver()
        ...     sess.run(v.initializer)
        ...     path = saver.save(sess, folder + "/model.ckpt", global_step=7)
        ...     sess.run(v.assign(5.0)).item()
        ...     saver.restore(sess, path)
        ...     sess.run(v).item()
        5.0
        1.0
    """

    def __init__(
        self,
        var_list: Any = None,
        reshape: bool = False,
        sharded: bool = False,
        max_to_keep: int | None = 5,
        keep_checkpoint_every_n_hours: float = _FOREVER,
        name: str | None = None,
        restore_sequentially: bool = False,
        saver_def: SaverDef | None = None,
        builder: Any = None,
        defer_build: bool = False,
        allow_empty: bool = False,
        write_version: int = SaverDef.V2,
        pad_step_number: bool = False,
        save_relative_paths: bool = False,
        filename: str | None = None,
    ) -> None:
        del restore_sequentially, builder, write_version
        if defer_build and var_list:
            raise ValueError(
                "If `var_list` is provided then build cannot be deferred. Either set defer_build=False or var_list=None."
            )
        most: Any = max_to_keep
        if most is not None and (not isinstance(most, int) or isinstance(most, bool) or most < 0):
            raise ValueError(f"max_to_keep must be a whole number from 0 on, or None, got {max_to_keep!r}")
        hours: Any = keep_checkpoint_every_n_hours
        if not isinstance(hours, int | float | np.number) or isinstance(hours, bool) or not hours >= 0:
            raise ValueError(f"keep_checkpoint_every_n_hours must be a number from 0 on, got {hours!r}")
        self._var_list = var_list
        self._reshape = reshape
        self._sharded = sharded
        self._max_to_keep = max_to_keep
        self._keep_hours = keep_checkpoint_every_n_hours
        self._name = name
        self._allow_empty = allow_empty
        self._pad_step_number = pad_step_number
        self._save_relative_paths = save_relative_paths
        self._filename = filename
        self._is_empty = False
        self._saving = threading.Lock()
        self._background = Background()
        self.saver_def: SaverDef | None = None
        self._last_checkpoints: list[tuple[str, float]] = []
        self._next_kept = time.time() + keep_checkpoint_every_n_hours * 3600
        if saver_def is not None:
            self._use(saver_def)
        elif not defer_build:
            self.build()

    # Building

    def build(self) -> None:
        """Makes the operations of a Saver with `defer_build`; a second call does nothing."""
        if self.saver_def is not None or self._is_empty:
            return
        chosen = _all_saveable_objects() if self._var_list is None else self._var_list
        if not chosen:
            if not self._allow_empty:
                raise ValueError("No variables to save")
            self._is_empty = True
            return
        with name_scope(self._name, "save"):
            self.saver_def = self._build(saveables_of(chosen))

    def _build(self, saveables: list[SaveableObject]) -> SaverDef:
        prefix = placeholder_with_default(self._filename or "model", (), name="filename")
        prefix = placeholder_with_default(prefix, (), name="Const")
        groups = _by_device(saveables) if self._sharded else [saveables]
        save = _save_shards(prefix, groups) if self._sharded else _save(prefix, groups[0])
        with get_default_graph().control_dependencies([save]):
            saved = identity(prefix, name="control_dependency")
        restore = self._restore(prefix, groups)
        return SaverDef(
            filename_tensor_name=prefix.name,
            save_tensor_name=saved.name,
            restore_op_name=restore.name,
            max_to_keep=self._max_to_keep or 0,
            sharded=self._sharded,
            keep_checkpoint_every_n_hours=self._keep_hours,
            version=SaverDef.V2,
        )

    def _restore(self, prefix: Tensor, groups: list[list[SaveableObject]]) -> Operation:
        if not self._sharded:
            return group(*self._restore_group(prefix, groups[0]), name="restore_all")
        shards = []
        for saveables in groups:
            # Where the variables are, each reads its own.
            with get_default_graph().device(saveables[0].device or None):
                shards.append(group(*self._restore_group(prefix, saveables), name="restore_shard"))
        return group(*shards, name="restore_all")

    def _restore_group(self, prefix: Tensor, saveables: list[SaveableObject]) -> list[Any]:
        replaced = {id(s.stands_for) for s in saveables if s.stands_for is not None}
        saveables = [s for s in saveables if id(s.op) not in replaced]
        tables = [s.restore_from(prefix) for s in saveables if isinstance(s, TableSaveable)]
        # Variables by themselves: they can be restored without their operations.
        variables: list[SaveableObject] = [s for s in saveables if isinstance(s, VariableSaveable)]
        others = [s for s in saveables if not isinstance(s, TableSaveable | VariableSaveable)]
        return tables + [op for part in (variables, others) if part for op in self._restore_values(prefix, part)]

    def _restore_values(self, prefix: Tensor, saveables: list[SaveableObject]) -> list[Any]:
        specs = [spec for saveable in saveables for spec in saveable.specs]
        expected = [s for saveable in saveables for s in _expected_shapes(saveable, self._reshape)]
        with get_default_graph().device("/cpu:0"):
            values = restore_op.make(
                [prefix, text_vector([s.name for s in specs]), text_vector([s.slice_spec for s in specs])],
                {"dtypes": [s.dtype.base_dtype for s in specs], EXPECTED_SHAPES: expected},
                "RestoreV2",
            ).outputs
        ops, start = [], 0
        for saveable in saveables:
            own = values[start : start + len(saveable.specs)]
            start += len(own)
            shapes = saveable.expected_shapes if self._reshape else None
            with get_default_graph().device(saveable.device or None):
                ops.append(saveable.restore(own, shapes))
        return ops

    def _use(self, saver_def: SaverDef) -> None:
        if not saver_def.restore_op_name or not saver_def.save_tensor_name:
            raise ValueError(f"saver_def must name its operations: {saver_def}")
        self.saver_def = saver_def
        self._max_to_keep = saver_def.max_to_keep
        self._keep_hours = saver_def.keep_checkpoint_every_n_hours or _FOREVER
        self._next_kept = time.time() + self._keep_hours * 3600

    def as_saver_def(self) -> SaverDef | None:
        """The SaverDef message that names this saver's operations."""
        return self.saver_def

    def to_proto(self, export_scope: str | None = None) -> SaverDef | None:
        """The SaverDef; None for a saver outside `export_scope`."""
        definition = self.saver_def
        if definition is None or export_scope is None:
            return definition
        prefix = export_scope + "/"
        if not definition.filename_tensor_name.startswith(prefix):
            return None
        result = SaverDef()
        result.CopyFrom(definition)
        for field in _NAMES:
            setattr(result, field, getattr(definition, field).removeprefix(prefix))
        return result

    @staticmethod
    def from_proto(saver_def: SaverDef, import_scope: str | None = None) -> Saver:
        """The saver whose operations in the default graph a SaverDef names."""
        result = SaverDef()
        result.CopyFrom(saver_def)
        if import_scope:
            for field in _NAMES:
                setattr(result, field, f"{import_scope}/{getattr(saver_def, field)}")
        return Saver(saver_def=result)

    # Saving

    def save(
        self,
        sess: Any,
        save_path: str | os.PathLike[str],
        global_step: Any = None,
        latest_filename: str | None = None,
        meta_graph_suffix: str = "meta",
        write_meta_graph: bool = True,
        write_state: bool = True,
        strip_default_attrs: bool = False,
        save_debug_info: bool = False,
        asynchronous: bool = False,
    ) -> str | None:
        """Writes a checkpoint and removes those that are too many.

        Args:
            sess: a session in which the variables have values.
            save_path: the prefix, to which `-step` is added.
            global_step: the step: a number, tensor or variable; None: no step.
            latest_filename: name of the state file instead of `checkpoint`.
            meta_graph_suffix: ending of the file with the graph.
            write_meta_graph: write that file.
            write_state: write the state file, and remove old checkpoints.
            strip_default_attrs: leave attributes with their defaults out of the graph's file.
            save_debug_info: accepted.
            asynchronous: copy the values as they are now, and write them while the caller goes on. The error of such a
                save is raised by the next `save`, `restore` or `wait`, or when the session is closed.

        Returns:
            The prefix of the checkpoint; None for an empty saver.

        Raises:
            ValueError: the folder does not exist, or `latest_filename` names another one.
            RuntimeError: the saver was not built.
        """
        if not hasattr(sess, "run"):
            raise TypeError(f"sess must be a session, got {sess!r}")
        path = os.fspath(save_path)
        latest = latest_filename or "checkpoint"
        if Path(latest).name != latest:
            raise ValueError("'latest_filename' must not contain path components")
        prefix = path if global_step is None else self._with_step(path, _step_value(sess, global_step))
        if self._is_empty:
            return None
        definition = self._definition()
        self._check_names(os.path.basename(prefix), latest, meta_graph_suffix)  # noqa: PTH119  prefixes are strings
        folder = Path(os.path.dirname(path) or ".")  # noqa: PTH120  a slash at the end names a folder
        if not folder.is_dir():
            raise ValueError(f"Parent directory of {path} doesn't exist, can't save.")
        # A thread may save while the main loop does.
        with self._saving:
            self._background.wait()
            deferred: AbstractContextManager[list[Any]] = deferred_saves() if asynchronous else nullcontext([])
            with deferred as actions:
                sess.run(definition.save_tensor_name, {definition.filename_tensor_name: prefix})

            def finish() -> None:
                for action in actions:
                    action()
                if write_meta_graph:
                    with sess.graph.as_default():
                        self.export_meta_graph(f"{prefix}.{meta_graph_suffix}", strip_default_attrs=strip_default_attrs)
                if write_state:
                    self._write_state(folder, prefix, latest, meta_graph_suffix)
                export_embeddings(prefix)

            if asynchronous:
                _wait_at_close(sess, self._background)
                self._background.start(f"Saving {prefix}", finish)
            else:
                finish()
        return prefix

    @property
    def is_saving(self) -> bool:
        """Whether an asynchronous save is on its way."""
        return self._background.is_busy

    def wait(self) -> None:
        """Waits for an asynchronous save, and raises its error."""
        self._background.wait()

    def _write_state(self, folder: Path, prefix: str, latest: str, meta_graph_suffix: str) -> None:
        self._record(prefix)
        update_checkpoint_state(
            folder,
            prefix,
            self.last_checkpoints,
            latest,
            [t for _, t in self._last_checkpoints],
            save_relative_paths=self._save_relative_paths,
        )
        self._remove_old(meta_graph_suffix)

    def _with_step(self, path: str, step: int) -> str:
        return f"{path}-{step:08d}" if self._pad_step_number else f"{path}-{step}"

    @staticmethod
    def _check_names(name: str, latest: str, suffix: str) -> None:
        """Raises ValueError where another file would have the name of one that the checkpoint consists of."""
        for what, other in (("latest_filename", latest), ("meta_graph_suffix", f"{name}.{suffix}")):
            if other == f"{name}.index" or other.startswith(f"{name}.data-"):
                raise ValueError(f"{what} would overwrite {other}, a file of the checkpoint {name}")

    def _definition(self) -> SaverDef:
        if self.saver_def is None:
            raise RuntimeError("`build()` should be called before save if defer_build==True")
        return self.saver_def

    def _record(self, prefix: str) -> None:
        self._last_checkpoints = [c for c in self._last_checkpoints if c[0] != prefix]
        self._last_checkpoints.append((prefix, time.time()))
        self._doomed: list[tuple[str, float]] = []
        while self._max_to_keep and len(self._last_checkpoints) > self._max_to_keep:
            self._doomed.append(self._last_checkpoints.pop(0))

    def _remove_old(self, meta_graph_suffix: str) -> None:
        """Removes what `_record` struck from the list; the state file no longer names it."""
        for prefix, written in self._doomed:
            if written > self._next_kept:
                self._next_kept += self._keep_hours * 3600
                continue
            try:
                remove_checkpoint(prefix, meta_graph_suffix=meta_graph_suffix)
            except OSError as error:
                _log.warning("Ignoring: the old checkpoint %s cannot be removed: %s", prefix, error)

    # Restoring

    def restore(self, sess: Any, save_path: str | os.PathLike[str] | None) -> None:
        """Gives the variables the values of a checkpoint; they need not be initialized.

        Raises:
            ValueError: there is no checkpoint of this prefix.
            NotFoundError: a variable is not in it.
            InvalidArgumentError: a variable has another shape or dtype in it.
            DataLossError: it is damaged; the text names the file.
        """
        if self._is_empty:
            return
        self._background.wait()
        if save_path is None:
            raise ValueError("Can't load save_path when it is None.")
        prefix = os.fspath(save_path)
        if not checkpoint_exists(prefix):
            raise ValueError(f"The passed save_path is not a valid checkpoint: {prefix}")
        _log.info("Restoring parameters from %s", prefix)
        definition = self._definition()
        if restored_directly(sess, definition, prefix):
            return
        try:
            sess.run(definition.restore_op_name, {definition.filename_tensor_name: prefix})
        except NotFoundError as error:
            reason = "a Variable name or other graph key that is missing from the checkpoint"
            raise _explained(error, reason, self._differences(sess, prefix)) from error
        except InvalidArgumentError as error:
            reason = "a mismatch between the current graph and the graph from the checkpoint"
            raise _explained(error, reason, self._differences(sess, prefix)) from error

    def _differences(self, sess: Any, prefix: str) -> str:
        """What of the graph's variables a checkpoint lacks, or has in another shape; the first few by name."""
        with CheckpointReader(prefix) as reader:
            there = reader.get_variable_to_shape_map()
        wanted = {name: shape for name, shape in self._wanted_shapes(sess)}
        missing = [name for name in wanted if name not in there]
        others = [
            f"{name} is {list(shape)} in the graph and {there[name]} in the checkpoint"
            for name, shape in wanted.items()
            if name in there and None not in shape and list(shape) != there[name]
        ]
        parts = [f"not in the checkpoint: {_some(missing)}"] if missing else []
        parts += [f"of another shape: {_some(others)}"] if others else []
        unused = [name for name in there if name not in wanted]
        parts += [f"only in the checkpoint: {_some(unused)}"] if unused and missing else []
        return "; ".join(parts)

    def _wanted_shapes(self, sess: Any) -> list[tuple[str, list[int | None]]]:
        chosen = self._var_list
        if chosen is None or isinstance(chosen, dict):
            chosen = sess.graph.get_collection(GraphKeys.GLOBAL_VARIABLES) if chosen is None else ()
        found = []
        for variable in (v for v in chosen if hasattr(v, "_get_save_slice_info") and hasattr(v, "op")):
            part = variable._get_save_slice_info()
            if part is not None:
                found.append((part.full_name, part.full_shape))
            elif variable.shape.ndims is not None:
                found.append((variable.op.name, variable.shape.as_list()))
        return found

    # The list of checkpoints

    @property
    def last_checkpoints(self) -> list[str]:
        """The prefixes of the checkpoints that were not removed yet, oldest first."""
        return [prefix for prefix, _ in self._last_checkpoints]

    def set_last_checkpoints(self, last_checkpoints: Sequence[str]) -> None:
        """Sets the list without times: those checkpoints are never kept for good."""
        self._last_checkpoints = [(p, float("inf")) for p in _listed(last_checkpoints)]

    def set_last_checkpoints_with_time(self, last_checkpoints_with_time: Sequence[tuple[str, float]]) -> None:
        """Sets the list of `(prefix, seconds)`."""
        self._last_checkpoints = list(_listed(last_checkpoints_with_time))

    def recover_last_checkpoints(self, checkpoint_paths: Sequence[str]) -> None:
        """Sets the list to those of `checkpoint_paths` that are there, with their times, after a restart."""
        # One at a time: another process may remove one meanwhile.
        times = [(prefix, get_checkpoint_mtimes([prefix])) for prefix in checkpoint_paths]
        self._last_checkpoints = [(prefix, found[0]) for prefix, found in times if found]

    # The graph

    def export_meta_graph(
        self,
        filename: str | os.PathLike[str] | None = None,
        collection_list: Sequence[str] | None = None,
        as_text: bool = False,
        export_scope: str | None = None,
        clear_devices: bool = False,
        clear_extraneous_savers: bool = False,
        strip_default_attrs: bool = False,
        save_debug_info: bool = False,
    ) -> Any:
        """The default graph with this saver as a MetaGraphDef, written to `filename` if that is given."""
        from .meta_graph import export_meta_graph  # which makes Savers of what it reads

        return export_meta_graph(
            filename,
            graph_def=get_default_graph().as_graph_def(add_shapes=True),
            saver_def=self.saver_def,
            collection_list=collection_list,
            as_text=as_text,
            export_scope=export_scope,
            clear_devices=clear_devices,
            clear_extraneous_savers=clear_extraneous_savers,
            strip_default_attrs=strip_default_attrs,
            save_debug_info=save_debug_info,
        )


def restore_random_state(sess: Any, save_path: str) -> None:
    """Lets a session's random ops go on as when a checkpoint was saved, for a run that is resumed."""
    state = read_manifest(save_path).random
    if state is not None:
        sess.runtime.resources.set_random_state(state)


_NAMES = ("filename_tensor_name", "save_tensor_name", "restore_op_name")


def _all_saveable_objects() -> list[Any]:
    graph = get_default_graph()
    return graph.get_collection(GraphKeys.GLOBAL_VARIABLES) + graph.get_collection(GraphKeys.SAVEABLE_OBJECTS)


def _by_device(saveables: list[SaveableObject]) -> list[list[SaveableObject]]:
    groups: dict[str, list[SaveableObject]] = {}
    for saveable in saveables:
        groups.setdefault(saveable.device, []).append(saveable)
    return [groups[device] for device in sorted(groups)]


def _save(prefix: Tensor, saveables: list[SaveableObject]) -> Operation:
    specs = [spec for saveable in saveables for spec in saveable.specs]
    names, slices = text_vector([s.name for s in specs]), text_vector([s.slice_spec for s in specs])
    with get_default_graph().device("/cpu:0"):
        return save_op(prefix, names, slices, [s.tensor for s in specs], name="SaveV2")


def _save_shards(prefix: Tensor, groups: list[list[SaveableObject]]) -> Operation:
    number = np.int32(len(groups))
    parts, saves = [], []
    for index, saveables in enumerate(groups):
        with get_default_graph().device(saveables[0].device or None):
            parts.append(sharded_filename_op(prefix, np.int32(index), number, name="ShardedFilename"))
            saves.append(_save(parts[-1], saveables))
    with get_default_graph().control_dependencies(saves):
        return merge_checkpoints_op(stack(parts), prefix, name="MergeV2Checkpoints")


def _expected_shapes(saveable: SaveableObject, reshaped: bool) -> list[TensorShape]:
    if reshaped or saveable.expected_shapes is None:
        return [TensorShape(None)] * len(saveable.specs)
    return list(saveable.expected_shapes)


def _step_value(sess: Any, global_step: Any) -> int:
    if isinstance(global_step, Tensor) or hasattr(global_step, "_as_graph_element"):
        global_step = sess.run(global_step)
    return int(global_step)


def _wait_at_close(sess: Any, background: Background) -> None:
    plain = sess._tf_sess() if hasattr(sess, "_tf_sess") else sess
    if hasattr(plain, "wait_at_close"):
        plain.wait_at_close(background.wait)


def _explained(error: Any, reason: str, differences: str) -> Any:
    shown = f" Variables {differences}." if differences else ""
    text = (
        f"Restoring from checkpoint failed. This is most likely due to {reason}.{shown} Please ensure that you have not "
        "altered the graph expected based on the checkpoint: build the model as it was, give another folder for a new "
        "one, or take over what fits with tf.train.init_from_checkpoint or an estimator's warm_start_from. "
        f"Original error:\n\n{error.message}"
    )
    return type(error)(error.node_def, error.op, text)


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _listed(values: Any) -> Any:
    if not isinstance(values, list | tuple):
        raise TypeError(f"expected a list of checkpoints, got {values!r}")
    return values
