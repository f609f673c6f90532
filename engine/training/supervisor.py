"""Supervisor: a session with threads that save checkpoints and summaries, as TensorFlow 1's tf.train.Supervisor."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from ..graph import Graph, get_default_graph
from ..ops.summaries import merge_all
from ..scopes import GraphKeys
from ..summary import values as summary_values
from ..summary.writer import FileWriter
from ..variable_lists import global_variables, global_variables_initializer, report_uninitialized_variables
from .coordinator import Coordinator, LooperThread
from .global_step import get_global_step
from .queue_runner import QueueRunner
from .scaffold import Scaffold, saver_or_default
from .session_manager import SessionManager

USE_DEFAULT: Any = object()


class Supervisor:
    """Takes care of initializing, recovering, saving and summaries around a training loop.

    New programs use MonitoredTrainingSession.

    Args:
        graph: the graph; the default one if None. It is read-only afterwards.
        ready_op: a string vector, empty when all is initialized.
        ready_for_local_init_op: the same for what `local_init_op` needs.
        is_chief: whether this process initializes and saves.
        init_op: initializes the model.
        init_feed_dict: its feeds.
        local_init_op: initializes local variables and tables.
        logdir: of checkpoints and summaries; neither if None.
        summary_op: the merged summaries; None for none.
        saver: a Saver; None for no checkpoints.
        global_step: the step; None for none.
        save_summaries_secs: seconds between summaries; 0 for none.
        save_model_secs: seconds between checkpoints; 0 for none.
        recovery_wait_secs: seconds between looks at a model that another process initializes.
        stop_grace_secs: how long threads may take to end.
        checkpoint_basename: of the checkpoints.
        session_manager: makes the sessions.
        summary_writer: a FileWriter; None for none.
        init_fn: called with the session after `init_op`.
        local_init_run_options: RunOptions of `local_init_op`.
    """

    USE_DEFAULT = USE_DEFAULT

    def __init__(
        self,
        graph: Graph | None = None,
        ready_op: Any = USE_DEFAULT,
        ready_for_local_init_op: Any = USE_DEFAULT,
        is_chief: bool = True,
        init_op: Any = USE_DEFAULT,
        init_feed_dict: dict[Any, Any] | None = None,
        local_init_op: Any = USE_DEFAULT,
        logdir: str | os.PathLike[str] | None = None,
        summary_op: Any = USE_DEFAULT,
        saver: Any = USE_DEFAULT,
        global_step: Any = USE_DEFAULT,
        save_summaries_secs: float = 120,
        save_model_secs: float = 600,
        recovery_wait_secs: float = 30,
        stop_grace_secs: float = 120,
        checkpoint_basename: str = "model.ckpt",
        session_manager: SessionManager | None = None,
        summary_writer: Any = USE_DEFAULT,
        init_fn: Callable[[Any], Any] | None = None,
        local_init_run_options: Any = None,
    ) -> None:
        self._graph = get_default_graph() if graph is None else graph
        self._is_chief = is_chief
        self._init_feed_dict = init_feed_dict
        self._init_fn = init_fn
        self._logdir = None if logdir is None else os.fspath(logdir)
        self.save_summaries_secs = save_summaries_secs
        self.save_model_secs = save_model_secs
        self._stop_grace_secs = stop_grace_secs
        self._basename = checkpoint_basename
        self.coord = Coordinator()
        get = Scaffold.get_or_default
        with self._graph.as_default():
            self.ready_op = _given(
                ready_op, lambda: get("ready_op", GraphKeys.READY_OP, report_uninitialized_variables)
            )
            self.ready_for_local_init_op = _given(
                ready_for_local_init_op, lambda: report_uninitialized_variables(global_variables())
            )
            self.init_op = _given(init_op, lambda: get("init_op", GraphKeys.INIT_OP, global_variables_initializer))
            self.local_init_op = _given(
                local_init_op, lambda: get("local_init_op", GraphKeys.LOCAL_INIT_OP, Scaffold.default_local_init_op)
            )
            self.saver = _given(saver, saver_or_default)
            self.summary_op = _given(summary_op, lambda: get("summary_op", GraphKeys.SUMMARY_OP, merge_all))
            self.global_step = _given(global_step, get_global_step)
        has_local = self.local_init_op is not None
        self.session_manager = session_manager or SessionManager(
            local_init_op=self.local_init_op,
            ready_op=self.ready_op,
            ready_for_local_init_op=self.ready_for_local_init_op if has_local else None,
            graph=self._graph,
            recovery_wait_secs=recovery_wait_secs,
            local_init_run_options=local_init_run_options,
        )
        self.summary_writer = _given(
            summary_writer, lambda: FileWriter(self._logdir) if self._logdir and is_chief else None
        )
        self._graph.finalize()

    @property
    def is_chief(self) -> bool:
        """Whether this process initializes and saves."""
        return self._is_chief

    @property
    def save_path(self) -> str | None:
        """The prefix of the checkpoints, or None."""
        return None if self._logdir is None else str(Path(self._logdir) / self._basename)

    # Sessions

    def prepare_or_wait_for_session(
        self,
        master: str = "",
        config: Any = None,
        wait_for_checkpoint: bool = False,
        max_wait_secs: float = 7200,
        start_standard_services: bool = True,
    ) -> Any:
        """A session that is ready, with queue threads and, on the chief, those that save."""
        self.coord.clear_stop()
        if self._is_chief:
            sess = self.session_manager.prepare_session(
                master,
                init_op=self.init_op,
                saver=self.saver,
                checkpoint_dir=self._logdir,
                wait_for_checkpoint=wait_for_checkpoint,
                max_wait_secs=max_wait_secs,
                config=config,
                init_feed_dict=self._init_feed_dict,
                init_fn=self._init_fn,
            )
            if self.summary_writer is not None:
                self.summary_writer.add_graph(self._graph)
            if start_standard_services:
                self.start_standard_services(sess)
        else:
            sess = self.session_manager.wait_for_session(master, config, max_wait_secs)
        if start_standard_services:
            self.start_queue_runners(sess)
        return sess

    @contextmanager
    def managed_session(
        self,
        master: str = "",
        config: Any = None,
        start_standard_services: bool = True,
        close_summary_writer: bool = True,
    ) -> Iterator[Any]:
        """A context with a session: at its end the threads are stopped, and what stopped them is raised."""
        sess = self.prepare_or_wait_for_session(master, config, start_standard_services=start_standard_services)
        try:
            with self.coord.stop_on_exception(), sess.as_default(), self._graph.as_default():
                yield sess
        finally:
            try:
                self.stop(close_summary_writer=close_summary_writer)
            finally:
                sess.close()

    # Threads

    def start_standard_services(self, sess: Any) -> list[LooperThread]:
        """Starts the threads that save checkpoints and summaries; RuntimeError if this is not the chief."""
        if not self._is_chief:
            raise RuntimeError("Only chief supervisor can start standard services.")
        threads = []
        writer, seconds = self.summary_writer, self.save_summaries_secs
        if writer is not None and self.global_step is not None:
            # For TensorBoard, events of earlier runs from this step on are void.
            step = int(sess.run(self.global_step))
            writer.add_session_log(_session_log("START"), step)
            if seconds:
                threads.append(self.loop(seconds, self._write_rate, (sess, [time.monotonic(), step])))
        if writer is not None and self.summary_op is not None and seconds:
            threads.append(self.loop(seconds, self._summarize, (sess,)))
        if self.saver is not None and self.save_path and self.save_model_secs:
            threads.append(self.loop(self.save_model_secs, self._save, (sess,)))
        return threads

    def _save(self, sess: Any) -> None:
        Path(self._logdir or "").mkdir(parents=True, exist_ok=True)
        self.saver.save(sess, self.save_path, global_step=self.global_step)

    def _write_rate(self, sess: Any, last: list[Any]) -> None:
        """Writes the steps a second since the time and step in `last`, if there were any."""
        now, step = time.monotonic(), int(sess.run(self.global_step))
        if step > last[1] and now > last[0]:
            rate = (step - last[1]) / (now - last[0])
            self.summary_writer.add_summary(summary_values.scalar(f"{self.global_step.op.name}/sec", rate), step)
            last[:] = now, step

    def _summarize(self, sess: Any) -> None:
        self.summary_computed(sess, sess.run(self.summary_op))

    def summary_computed(self, sess: Any, summary: bytes, global_step: int | None = None) -> None:
        """Writes a summary of the current step; RuntimeError without a writer."""
        if self.summary_writer is None:
            raise RuntimeError("Writing a summary requires a summary writer.")
        if global_step is None and self.global_step is not None:
            global_step = int(sess.run(self.global_step))
        self.summary_writer.add_summary(summary, global_step)

    def start_queue_runners(self, sess: Any, queue_runners: Sequence[QueueRunner] | None = None) -> list[Any]:
        """Starts the threads of the graph's queue runners, or of those given."""
        runners = queue_runners
        if runners is None:
            runners = self._graph.get_collection(GraphKeys.QUEUE_RUNNERS)
        return [t for r in runners for t in r.create_threads(sess, coord=self.coord, daemon=True, start=True)]

    def loop(
        self,
        timer_interval_secs: float | None,
        target: Callable[..., Any],
        args: Sequence[Any] | None = None,
        kwargs: dict[str, Any] | None = None,
    ) -> LooperThread:
        """A started thread that calls `target` every so many seconds until the end."""
        return LooperThread.loop(self.coord, timer_interval_secs, target, args, kwargs)

    # Stopping

    def stop(
        self,
        threads: Sequence[Any] | None = None,
        close_summary_writer: bool = True,
        ignore_live_threads: bool = False,
    ) -> None:
        """Stops the threads, closes the writer, and raises what stopped them."""
        self.coord.request_stop()
        try:
            self.coord.join(threads, self._stop_grace_secs, ignore_live_threads)
        finally:
            if close_summary_writer and self.summary_writer is not None:
                self.summary_writer.add_session_log(_session_log("STOP"))
                self.summary_writer.close()

    def request_stop(self, ex: Any = None) -> None:
        """Asks the threads to stop."""
        self.coord.request_stop(ex)

    def should_stop(self) -> bool:
        """Whether a stop was requested."""
        return self.coord.should_stop()

    def stop_on_exception(self) -> AbstractContextManager[None]:
        """A context that hands exceptions raised inside to `request_stop`."""
        return self.coord.stop_on_exception()

    def wait_for_stop(self) -> None:
        """Returns once a stop was requested."""
        self.coord.wait_for_stop()


def _given(value: Any, default: Callable[[], Any]) -> Any:
    return default() if value is USE_DEFAULT else value


def _session_log(status: str) -> Any:
    from ..protos import SessionLog

    return SessionLog(status=status)
