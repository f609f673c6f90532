"""Positions of iterators in checkpoints: make_saveable_from_iterator and CheckpointInputPipelineHook of TensorFlow 1.15."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..engine.checkpoint.state import checkpoint_exists, latest_checkpoint
from ..engine.dtypes import string
from ..engine.graph import Operation, Tensor, get_default_graph
from ..engine.ops.iterators import iterator_state_op, restore_iterator_state_op
from ..engine.training.basic_session_run_hooks import CheckpointSaverHook
from ..engine.training.global_step import get_global_step
from ..engine.training.saveable import SaveableObject, SaveSpec
from ..engine.training.saver import Saver
from ..engine.training.session_run_hook import SessionRunArgs, SessionRunContext, SessionRunHook, SessionRunValues
from .iterator import GLOBAL_ITERATORS, Iterator

_log = logging.getLogger("absl")


class IteratorSaveable(SaveableObject):
    """Where an iterator is, as a string; elements are not saved, and are made again or passed over."""

    def __init__(self, iterator_resource: Tensor) -> None:
        name = iterator_resource.op.name
        self.resource = iterator_resource
        spec = SaveSpec(lambda: iterator_state_op(iterator_resource), "", f"{name}-state", string, "")
        super().__init__(iterator_resource, [spec], name)

    def restore(self, restored_tensors: Sequence[Tensor], restored_shapes: Sequence[Any] | None) -> Operation:
        return restore_iterator_state_op(self.resource, restored_tensors[0])


def make_saveable_from_iterator(iterator: Iterator) -> IteratorSaveable:
    """What makes a Saver save and restore where an iterator is.

    Add it to the collection `tf.GraphKeys.SAVEABLE_OBJECTS` before the Saver is made, or give it to a Saver of its own.
    A restored iterator goes on with the same rest: bit for bit, shuffled and repeated ones too.

    Raises:
        ValueError: the iterator comes from a string handle.

    Example:
        >>> import headrace as tf, tempfile
        >>> with tf.Graph().as_default(), tempfile.TemporaryDirectory() as folder:
        ...     iterator = tf.data.Dataset.range(5).make_one_shot_iterator()
        ...     element = iterator.get_next()
        ...     saver = tf.train.Saver([tf.data.experimental.make_saveable_from_iterator(iterator)])
        ...     with tf.Session() as session:
        ...         first = [session.run(element).item() for _ in range(3)]
        ...         path = saver.save(session, folder + "/input")
        ...     with tf.Session() as session:
        ...         saver.restore(session, path)
        ...         print(first, session.run(element))
        [0, 1, 2] 3
    """
    if iterator._iterator_resource.op.type not in ("OneShotIterator", "IteratorV2"):
        raise ValueError("An iterator from a string handle has no state of its own")
    return IteratorSaveable(iterator._iterator_resource)


class _InputSaver(Saver):
    """A Saver with a state file of its own beside that of the model."""

    def __init__(self, saveables: Sequence[SaveableObject], latest_filename: str) -> None:
        super().__init__(list(saveables))
        self.latest_filename = latest_filename

    def save(self, sess: Any, save_path: Any, global_step: Any = None, *args: Any, **settings: Any) -> str | None:
        """As `Saver.save`."""
        settings["latest_filename"] = self.latest_filename
        return super().save(sess, save_path, global_step, *args, **settings)


class CheckpointInputPipelineHook(SessionRunHook):
    """Saves where the iterators of the training input are, beside the model's checkpoints, and goes on there.

    Training that was stopped and is started anew then sees the elements that an unbroken one would have seen.

    Args:
        estimator: whose folder is used, and whose RunConfig says how often checkpoints are saved.

    Raises:
        ValueError: neither save_checkpoints_secs nor save_checkpoints_steps is set; when training begins: the input
            function made no iterator.
    """

    saves_input = True

    def __init__(self, estimator: Any) -> None:
        config = estimator.config
        prefix = "input"
        if getattr(config, "num_worker_replicas", 1) > 1:
            prefix += f"_{config.task_type}_{config.task_id}"
        self._folder, self._basename = Path(estimator.model_dir), f"{prefix}.ckpt"
        self._latest = f"checkpoint_{prefix}"
        self._settings = config.save_checkpoints_secs, config.save_checkpoints_steps
        self._hook = self._saving(None)

    def _saving(self, saver: Saver | None) -> CheckpointSaverHook:
        return CheckpointSaverHook(
            self._folder, *self._settings, saver=saver, checkpoint_basename=self._basename, save_graph_def=False
        )

    def begin(self) -> None:
        """Finds the iterators of the graph."""
        resources = get_default_graph().get_collection(GLOBAL_ITERATORS)
        if not resources:
            raise ValueError("CheckpointInputPipelineHook: the input function made no tf.data iterator to be saved")
        self._saver = _InputSaver([IteratorSaveable(resource) for resource in resources], self._latest)
        self._hook = self._saving(self._saver)
        self._hook.begin()
        self._global_step = get_global_step()

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Goes on at the position of the model's step, and saves the first one."""
        step = int(session.run(self._global_step))
        path = str(self._folder / f"{self._basename}-{step}")
        if not checkpoint_exists(path):
            path = latest_checkpoint(str(self._folder), self._latest) or ""
            if path:
                _log.warning("The input of step %d was not saved: it goes on where it was at %s", step, path)
        if path:
            self._saver.restore(session, path)
        self._hook.after_create_session(session, coord)

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs | None:
        """As CheckpointSaverHook."""
        return self._hook.before_run(run_context)

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """Saves where it is time."""
        self._hook.after_run(run_context, run_values)

    def end(self, session: Any) -> None:
        """Saves the last position."""
        self._hook.end(session)
