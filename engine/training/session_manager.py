"""SessionManager: sessions whose variables have values, from a checkpoint or from initializers, as TF 1.15's tf.train."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from ..checkpoint.manifest import manifest_path
from ..checkpoint.state import checkpoint_problem, latest_checkpoint, named_checkpoints, whole_checkpoints
from ..errors import DataLossError, DeadlineExceededError, FailedPreconditionError
from ..graph import Graph, get_default_graph
from ..session import Session
from .saver import restore_random_state

_log = logging.getLogger("absl")


class SessionManager:
    """Makes sessions and brings their state up.

    Args:
        local_init_op: run in every session once the model is ready for it.
        ready_op: a string vector: what is not initialized; empty when the model is ready.
        ready_for_local_init_op: the same for what `local_init_op` needs.
        graph: of the sessions; the default one if None.
        recovery_wait_secs: seconds between looks at a model that another process initializes, at most.
        local_init_run_options: RunOptions of `local_init_op`.
        local_init_feed_dict: its feeds.
    """

    def __init__(
        self,
        local_init_op: Any = None,
        ready_op: Any = None,
        ready_for_local_init_op: Any = None,
        graph: Graph | None = None,
        recovery_wait_secs: float = 30,
        local_init_run_options: Any = None,
        local_init_feed_dict: dict[Any, Any] | None = None,
    ) -> None:
        if ready_for_local_init_op is not None and local_init_op is None:
            raise ValueError("If you pass a ready_for_local_init_op you must also pass a local_init_op")
        self._local_init_op = local_init_op
        self._ready_op = ready_op
        self._ready_for_local_init_op = ready_for_local_init_op
        self._graph = get_default_graph() if graph is None else graph
        self._wait_secs = recovery_wait_secs
        self._local_options = local_init_run_options
        self._local_feeds = local_init_feed_dict

    def prepare_session(
        self,
        master: str,
        init_op: Any = None,
        saver: Any = None,
        checkpoint_dir: str | None = None,
        checkpoint_filename_with_path: str | None = None,
        wait_for_checkpoint: bool = False,
        max_wait_secs: float = 7200,
        config: Any = None,
        init_feed_dict: dict[Any, Any] | None = None,
        init_fn: Callable[[Any], Any] | None = None,
    ) -> Session:
        """A session that is ready: from the newest whole checkpoint, or else by `init_op` and `init_fn`.

        Raises:
            RuntimeError: the model is not ready after that; the text names what is not initialized.
            ValueError: both a folder and a file of a checkpoint are given.
        """
        sess, loaded = self._restored(
            master, saver, checkpoint_dir, checkpoint_filename_with_path, wait_for_checkpoint, max_wait_secs, config
        )
        if not loaded:
            if init_op is None and init_fn is None and self._local_init_op is None:
                raise RuntimeError("Model is not initialized and no init_op or init_fn or local_init_op was given")
            if init_op is not None:
                sess.run(init_op, feed_dict=init_feed_dict)
            if init_fn is not None:
                init_fn(sess)
        init = f"Init op: {getattr(init_op, 'name', init_op)}, init fn: {init_fn}"
        problem = self._initialize_locally(sess)
        if problem:
            raise RuntimeError(
                f"Init operations did not make model ready for local_init.  {init}, "
                f"local_init_op: {self._local_init_op}, error: {problem}"
            )
        problem = _problem(sess, self._ready_op)
        if problem:
            raise RuntimeError(
                f"Init operations did not make model ready.  {init}, local_init_op: {self._local_init_op}, "
                f"error: {problem}"
            )
        return sess

    def recover_session(
        self,
        master: str,
        saver: Any = None,
        checkpoint_dir: str | None = None,
        checkpoint_filename_with_path: str | None = None,
        wait_for_checkpoint: bool = False,
        max_wait_secs: float = 7200,
        config: Any = None,
    ) -> tuple[Session, bool]:
        """A session, and whether a checkpoint made it ready."""
        sess, loaded = self._restored(
            master, saver, checkpoint_dir, checkpoint_filename_with_path, wait_for_checkpoint, max_wait_secs, config
        )
        problem = self._initialize_locally(sess) or _problem(sess, self._ready_op)
        if problem and loaded:
            _log.info("Restoring a checkpoint did not make the model ready: %s", problem)
        return sess, loaded and not problem

    def wait_for_session(self, master: str, config: Any = None, max_wait_secs: float = float("inf")) -> Session:
        """A session on a model that another process initializes, once that is ready.

        Raises:
            DeadlineExceededError: it is not after `max_wait_secs`.
        """
        deadline = time.monotonic() + max_wait_secs
        # Models are mostly ready soon after the first look.
        pause = 0.02
        while True:
            sess = Session(master, graph=self._graph, config=config)
            problem = self._initialize_locally(sess) or _problem(sess, self._ready_op)
            if not problem:
                return sess
            sess.close()
            rest = deadline - time.monotonic()
            if rest <= 0:
                raise DeadlineExceededError(
                    None, None, f"Session was not ready after waiting {max_wait_secs} secs: {problem}"
                )
            _log.info("Waiting for model to be ready: %s", problem)
            time.sleep(min(pause, self._wait_secs, rest))
            pause *= 1.5

    def _restored(
        self,
        master: str,
        saver: Any,
        folder: str | None,
        file: str | None,
        wait: bool,
        max_wait_secs: float,
        config: Any,
    ) -> tuple[Session, bool]:
        if folder and file:
            raise ValueError("Can not provide both checkpoint_dir and checkpoint_filename_with_path.")
        sess = Session(master, graph=self._graph, config=config)
        if saver is None or not (folder or file):
            return sess, False
        if file:
            saver.restore(sess, file)
        elif self._newest(folder or "", wait, max_wait_secs) is None:
            return sess, False
        else:
            _restore_newest(sess, saver, folder or "")
        if folder:
            saver.recover_last_checkpoints(_own(folder))
        return sess, True

    def _newest(self, folder: str, wait: bool, max_wait_secs: float) -> str | None:
        deadline = time.monotonic() + max_wait_secs
        while True:
            path = latest_checkpoint(folder)
            if path is not None:
                return path
            if not wait or time.monotonic() >= deadline:
                _check_none(folder)
                return None
            _log.info("Waiting for checkpoint to be available in %s.", folder)
            time.sleep(min(self._wait_secs, max(0.0, deadline - time.monotonic())))

    def _initialize_locally(self, sess: Session) -> str | None:
        """Runs the local initializer; what the model lacks for it, or None."""
        if self._local_init_op is None:
            return None
        problem = _problem(sess, self._ready_for_local_init_op)
        if not problem:
            sess.run(self._local_init_op, feed_dict=self._local_feeds, options=self._local_options)
        return problem


def _own(folder: str) -> list[str]:
    """The checkpoints that a folder's state names in that folder itself, oldest first.

    Those of others, such as of the folder that it was copied from, are not removed when there are too many.
    """
    places = [(prefix, Path(prefix).parent) for prefix in named_checkpoints(folder)]
    return [prefix for prefix, place in places if place.exists() and place.samefile(folder)]


def _check_none(folder: str) -> None:
    """Raises DataLossError if a folder has checkpoints and none can be used: a new run would write over them."""
    there = [prefix for prefix in named_checkpoints(folder) if manifest_path(prefix).is_file()]
    if there:
        raise DataLossError(
            None,
            None,
            f"None of the checkpoints in {folder} can be used; the newest is {there[-1]}: "
            f"{checkpoint_problem(there[-1])}. To begin anew, give another folder or remove them",
        )


def _restore_newest(sess: Session, saver: Any, folder: str) -> None:
    """Restores the newest checkpoint that can be read; DataLossError if all are damaged."""
    problem: DataLossError | None = None
    for path in whole_checkpoints(folder):
        try:
            saver.restore(sess, path)
            restore_random_state(sess, path)
            return
        except DataLossError as error:
            problem = error
            _log.error("The checkpoint %s is not used: %s", path, error.message)
    if problem is not None:
        raise problem


def _problem(sess: Session, op: Any) -> str | None:
    """What an operation that reports missing variables says, or None."""
    if op is None:
        return None
    try:
        missing = [m.decode() if isinstance(m, bytes) else str(m) for m in np.ravel(sess.run(op))]
    except FailedPreconditionError as error:
        return str(error)
    return f"Variables not initialized: {', '.join(missing)}" if missing else None
