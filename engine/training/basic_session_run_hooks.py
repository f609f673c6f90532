"""The hooks of TensorFlow 1.15's tf.train: stopping, logging, saving, summaries, NaN, counting, waiting, feeding, profiles."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..graph import get_default_graph
from ..scopes import GraphKeys
from ..summary import values as summary_values
from ..summary.writer import FileWriterCache
from .global_step import get_global_step
from .meta_graph import export_meta_graph
from .session_run_hook import SessionRunArgs, SessionRunContext, SessionRunHook, SessionRunValues
from .timer import NeverTriggerTimer, SecondOrStepTimer, seconds, steps, whole

_log = logging.getLogger("absl")


def _step_tensor(hook: SessionRunHook) -> Any:
    step = get_global_step()
    if step is None:
        raise RuntimeError(f"Global step should be created to use {type(hook).__name__}.")
    return step


def _saving_timer(secs: float | None, step_count: int | None) -> SecondOrStepTimer:
    return SecondOrStepTimer(seconds("save_secs", secs), steps("save_steps", step_count))


class StopAtStepHook(SessionRunHook):
    """Stops after `num_steps` further steps, or at the global step `last_step`; exactly one must be given."""

    def __init__(self, num_steps: int | None = None, last_step: int | None = None) -> None:
        if (num_steps is None) == (last_step is None):
            what = "One of" if num_steps is None else "Only one of"
            raise ValueError(f"{what} num_steps or last_step must be specified.")
        self._num_steps = whole("num_steps", num_steps)
        self._last_step = whole("last_step", last_step)

    def begin(self) -> None:
        """Finds the global step."""
        self._global_step = _step_tensor(self)

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Counts from where the session starts."""
        if self._last_step is None:
            self._last_step = int(session.run(self._global_step)) + (self._num_steps or 0)

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs | None:
        """Asks for the step."""
        return SessionRunArgs(self._global_step)

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """Stops where the step is reached; what the fetch saw may be the step before the update."""
        last = self._last_step or 0
        if int(run_values.results) + 1 >= last and int(run_context.session.run(self._global_step)) >= last:
            run_context.request_stop()


class LoggingTensorHook(SessionRunHook):
    """Logs tensors every so many steps or seconds, or at the end.

    Args:
        tensors: tensors or their names, as a list or a dictionary by what they are called.
        every_n_iter: runs from one line to the next.
        every_n_secs: seconds; one of the two, unless only `at_end`.
        at_end: also log the last values.
        formatter: a function from the dictionary of values to the line.
    """

    def __init__(
        self,
        tensors: Any,
        every_n_iter: int | None = None,
        every_n_secs: float | None = None,
        at_end: bool = False,
        formatter: Callable[[dict[Any, Any]], str] | None = None,
    ) -> None:
        if every_n_iter is not None and every_n_secs is not None:
            raise ValueError("exactly one of every_n_iter and every_n_secs must be provided.")
        if every_n_iter is None and every_n_secs is None and not at_end:
            raise ValueError("either at_end and/or exactly one of every_n_iter and every_n_secs must be provided.")
        self._order = list(tensors)
        self._tensors = dict(tensors) if isinstance(tensors, dict) else {t: t for t in tensors}
        self._formatter = formatter
        self._at_end = at_end
        self._timer: Any = NeverTriggerTimer()
        if every_n_iter is not None or every_n_secs is not None:
            self._timer = SecondOrStepTimer(seconds("every_n_secs", every_n_secs), steps("every_n_iter", every_n_iter))

    def begin(self) -> None:
        """Finds the tensors."""
        self._timer.reset()
        self._runs = 0
        graph = get_default_graph()
        self._current = {name: graph.as_graph_element(t) for name, t in self._tensors.items()}

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs | None:
        """Asks for the tensors where a line is due."""
        self._is_due = self._timer.should_trigger_for_step(self._runs)
        return SessionRunArgs(self._current) if self._is_due else None

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """Logs."""
        if self._is_due:
            self._write(run_values.results)
        self._runs += 1

    def end(self, session: Any) -> None:
        """Logs the last values if asked to."""
        if self._at_end:
            self._write(session.run(self._current))

    def _write(self, values: dict[Any, Any]) -> None:
        seconds, _ = self._timer.update_last_triggered_step(self._runs)
        if self._formatter is not None:
            _log.info(self._formatter(values))
            return
        shown = [f"{name if isinstance(name, str) else name.name} = {values[name]}" for name in self._order]
        text = ", ".join(shown)
        _log.info("%s%s", text, "" if seconds is None else f" ({seconds:.3f} sec)")


class CheckpointSaverListener:
    """The base of what a CheckpointSaverHook calls around a save: does nothing."""

    def begin(self) -> None:
        """Called before the session is made."""

    def before_save(self, session: Any, global_step_value: int) -> None:
        """Called before a checkpoint is written."""

    def after_save(self, session: Any, global_step_value: int) -> bool | None:
        """Called after a checkpoint was written; True stops the loop."""
        return None

    def end(self, session: Any, global_step_value: int) -> None:
        """Called at the end."""


class CheckpointSaverHook(SessionRunHook):
    """Saves a checkpoint at the start, every so many steps or seconds, and at the end.

    Args:
        checkpoint_dir: the folder, made if need be.
        save_secs: seconds between checkpoints; exactly one of the two must be given.
        save_steps: steps between them.
        saver: a Saver; that of `scaffold`, or of the graph, if None.
        checkpoint_basename: of the files.
        scaffold: whose saver is used.
        listeners: CheckpointSaverListeners.
        asynchronous: write checkpoints while training goes on, which then waits for the copy of the values only. The
            listeners' `after_save` is called once the checkpoint is on the disk: after the step at which that is found
            to be so, before the next `before_save`, or at the end. An error of a save is raised there, and not called.
    """

    def __init__(
        self,
        checkpoint_dir: str | os.PathLike[str],
        save_secs: float | None = None,
        save_steps: int | None = None,
        saver: Any = None,
        checkpoint_basename: str = "model.ckpt",
        scaffold: Any = None,
        listeners: Sequence[CheckpointSaverListener] | None = None,
        save_graph_def: bool = True,
        asynchronous: bool = False,
    ) -> None:
        if saver is not None and scaffold is not None:
            raise ValueError("You cannot provide both saver and scaffold.")
        self._saver = saver
        self._scaffold = scaffold
        self._folder = Path(checkpoint_dir)
        self._prefix = str(self._folder / checkpoint_basename)
        self._timer = _saving_timer(save_secs, save_steps)
        self._listeners = list(listeners or ())
        self._save_graph_def = save_graph_def
        self.asynchronous = asynchronous
        # The step of a checkpoint that is being written.
        self._unfinished: int | None = None

    def begin(self) -> None:
        """Finds the global step and tells the listeners."""
        self._writer = FileWriterCache.get(str(self._folder))
        self._global_step = _step_tensor(self)
        for listener in self._listeners:
            listener.begin()

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Writes the graph and the first checkpoint."""
        step = int(session.run(self._global_step))
        self._folder.mkdir(parents=True, exist_ok=True)
        if self._save_graph_def:
            graph = session.graph
            (self._folder / "graph.pbtxt").write_text(str(graph.as_graph_def(add_shapes=True)))
            self._writer.add_graph(graph)
            with graph.as_default():
                self._writer.add_meta_graph(export_meta_graph(saver_def=self._get_saver().as_saver_def()))
        self._save(session, step)
        self._timer.update_last_triggered_step(step)

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs | None:
        """Asks for the step."""
        return SessionRunArgs(self._global_step)

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """Saves where it is time."""
        session = run_context.session
        if self._unfinished is not None and not self._get_saver().is_saving and self._finish(session):
            run_context.request_stop()
        if not self._timer.should_trigger_for_step(int(run_values.results) + 1):
            return
        step = int(session.run(self._global_step))
        if self._timer.should_trigger_for_step(step):
            self._timer.update_last_triggered_step(step)
            if self._save(session, step):
                run_context.request_stop()

    def end(self, session: Any) -> None:
        """Saves the last step."""
        step = int(session.run(self._global_step))
        if step != self._timer.last_triggered_step():
            self._save(session, step)
        self._finish(session)
        for listener in self._listeners:
            listener.end(session, step)

    def _finish(self, session: Any) -> bool:
        """Waits for a checkpoint that is being written and tells the listeners; whether one wants the loop to stop."""
        step, self._unfinished = self._unfinished, None
        if step is None:
            return False
        self._get_saver().wait()
        return self._saved(session, step)

    def _saved(self, session: Any, step: int) -> bool:
        self._writer.add_session_log(_checkpoint_log(f"{self._prefix}-{step}"), step)
        return any([listener.after_save(session, step) for listener in self._listeners])

    def _save(self, session: Any, step: int) -> bool:
        """Whether a listener wants the loop to stop."""
        stops = self._finish(session)
        _log.info("Saving checkpoints for %d into %s.", step, self._prefix)
        for listener in self._listeners:
            listener.before_save(session, step)
        # Events up to here are not written again by a run that goes on from this checkpoint.
        self._writer.flush()
        later = {"asynchronous": True} if self.asynchronous else {}
        self._get_saver().save(session, self._prefix, global_step=step, write_meta_graph=self._save_graph_def, **later)
        if not self.asynchronous:
            return self._saved(session, step) or stops
        self._unfinished = step
        return stops

    def _get_saver(self) -> Any:
        if self._saver is not None:
            return self._saver
        if self._scaffold is not None:
            return self._scaffold.saver
        savers = get_default_graph().get_collection(GraphKeys.SAVERS)
        if len(savers) != 1:
            raise RuntimeError(
                f"Expected one saver in the collection {GraphKeys.SAVERS}, found {len(savers)}: pass one to "
                "CheckpointSaverHook or create a scaffold"
            )
        self._saver = savers[0]
        return self._saver


def _checkpoint_log(path: str) -> Any:
    from ..protos import SessionLog

    return SessionLog(status=SessionLog.CHECKPOINT, checkpoint_path=path)


# Runs that do not raise the global step before that is worth a warning, as TensorFlow has it.
_STALE_RUNS = 20


class StepCounterHook(SessionRunHook):
    """Writes the steps a second as a summary, `global_step/sec`, and to the log; warns where the step stands still."""

    # For some optimizers it does that by design: said no more often than this.
    _MOST_WARNINGS = 5

    def __init__(
        self,
        every_n_steps: int | None = 100,
        every_n_secs: float | None = None,
        output_dir: str | None = None,
        summary_writer: Any = None,
    ) -> None:
        if (every_n_steps is None) == (every_n_secs is None):
            raise ValueError("exactly one of every_n_steps and every_n_secs should be provided.")
        self._timer = SecondOrStepTimer(seconds("every_n_secs", every_n_secs), steps("every_n_steps", every_n_steps))
        self._output_dir = output_dir
        self._writer = summary_writer

    def begin(self) -> None:
        """Finds the global step and the writer."""
        if self._writer is None and self._output_dir:
            self._writer = FileWriterCache.get(self._output_dir)
        self._global_step = _step_tensor(self)
        self._tag = f"{self._global_step.op.name}/sec"
        self._step_before: int | None = None
        self._warnings = self._stale_runs = 0

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs | None:
        """Asks for the step."""
        return SessionRunArgs(self._global_step)

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """Writes where it is time."""
        seen = int(run_values.results)
        self._check(seen)
        if not self._timer.should_trigger_for_step(seen + 1):
            return
        step = int(run_context.session.run(self._global_step))
        if not self._timer.should_trigger_for_step(step):
            return
        seconds, steps = self._timer.update_last_triggered_step(step)
        if seconds and steps is not None:
            self._log_and_record(seconds, steps, step)

    def _check(self, seen: int) -> None:
        # Now and then a run does not raise it, by design: an evaluation, or a worker's step of SyncReplicasOptimizer.
        self._stale_runs = self._stale_runs + 1 if seen == self._step_before else 0
        if self._stale_runs == _STALE_RUNS and self._warnings < self._MOST_WARNINGS:
            self._warnings += 1
            self._stale_runs = 0
            _log.warning(
                "The global step has not been increased: it is %d as before. Pass tf.train.get_global_step() to "
                "Optimizer.minimize or apply_gradients.", seen
            )  # fmt: skip
        self._step_before = seen

    def _log_and_record(self, elapsed_time: float, elapsed_steps: int, global_step: int) -> None:
        rate = elapsed_steps / elapsed_time
        if self._writer is not None:
            self._writer.add_summary(summary_values.scalar(self._tag, rate), global_step)
        _log.info("%s: %g", self._tag, rate)


_FIND_NAN = (
    "To have the operation named that makes the first NaN, with its line, train once more with "
    "headrace.debug.CheckNumericsHook() among the hooks, or after tf.debugging.enable_check_numerics()."
)


class NanLossDuringTrainingError(RuntimeError):
    """Says that the loss is not a number any more."""

    def __str__(self) -> str:
        return f"NaN loss during training. {_FIND_NAN}"


class NanTensorHook(SessionRunHook):
    """Raises NanLossDuringTrainingError, or stops, when a loss is NaN."""

    def __init__(self, loss_tensor: Any, fail_on_nan_loss: bool = True) -> None:
        self._loss = loss_tensor
        self._fail = fail_on_nan_loss

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs | None:
        """Asks for the loss."""
        return SessionRunArgs(self._loss)

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """Looks at it."""
        if not np.isnan(run_values.results).any():
            return
        if self._fail:
            _log.error("Model diverged with loss = NaN.")
            raise NanLossDuringTrainingError
        _log.warning("Model diverged with loss = NaN. %s", _FIND_NAN)
        run_context.request_stop()


class SummarySaverHook(SessionRunHook):
    """Writes summaries every so many steps or seconds.

    Args:
        save_steps: steps from one to the next; exactly one of the two must be given.
        save_secs: seconds.
        output_dir: the folder of the event file, where there is no `summary_writer`.
        summary_writer: a FileWriter.
        scaffold: whose `summary_op` is used where there is no other.
        summary_op: a tensor with a serialized Summary, or a list of them.
    """

    def __init__(
        self,
        save_steps: int | None = None,
        save_secs: float | None = None,
        output_dir: str | None = None,
        summary_writer: Any = None,
        scaffold: Any = None,
        summary_op: Any = None,
    ) -> None:
        if (scaffold is None) == (summary_op is None):
            raise ValueError("Exactly one of scaffold or summary_op must be provided.")
        self._summary_op = summary_op
        self._scaffold = scaffold
        self._output_dir = output_dir
        self._writer = summary_writer
        self._timer = _saving_timer(save_secs, save_steps)

    def begin(self) -> None:
        """Finds the global step and the writer."""
        if self._writer is None and self._output_dir:
            self._writer = FileWriterCache.get(self._output_dir)
        self._next_step: int | None = None
        self._global_step = _step_tensor(self)

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs | None:
        """Asks for the step, and for summaries where they are due."""
        self._is_due = self._next_step is None or self._timer.should_trigger_for_step(self._next_step)
        fetches: dict[str, Any] = {"global_step": self._global_step}
        summaries = self._summaries() if self._is_due else None
        if summaries is not None:
            fetches["summary"] = summaries
        return SessionRunArgs(fetches)

    def _summaries(self) -> list[Any] | None:
        op = self._summary_op if self._summary_op is not None else self._scaffold.summary_op
        if op is None:
            return None
        return list(op) if isinstance(op, list | tuple) else [op]

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """Writes them."""
        if self._writer is None:
            return
        step = int(run_values.results["global_step"]) + 1
        if self._next_step is None or self._is_due:
            step = int(run_context.session.run(self._global_step))
        if self._next_step is None:
            self._writer.add_session_log(_start_log(), step)
        if self._is_due:
            self._timer.update_last_triggered_step(step)
            for summary in run_values.results.get("summary", ()):
                self._writer.add_summary(summary, step)
        self._next_step = step + 1

    def end(self, session: Any) -> None:
        """Flushes."""
        if self._writer is not None:
            self._writer.flush()


def _start_log() -> Any:
    from ..protos import SessionLog

    return SessionLog(status=SessionLog.START)


class GlobalStepWaiterHook(SessionRunHook):
    """Keeps a worker from its first step until the global step is at `wait_until_step`."""

    def __init__(self, wait_until_step: int) -> None:
        self._wait_until_step = whole("wait_until_step", wait_until_step) or 0

    def begin(self) -> None:
        """Finds the global step."""
        self._is_started = False
        self._global_step = _step_tensor(self)

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs | None:
        """Waits, the first time."""
        if not self._is_started and self._wait_until_step > 0:
            _log.info("Waiting for global step %d before starting training.", self._wait_until_step)
            while int(run_context.session.run(self._global_step)) < self._wait_until_step:
                time.sleep(0.5)
        self._is_started = True
        return None


class FinalOpsHook(SessionRunHook):
    """Runs operations at the end of a session and keeps their values in `final_ops_values`."""

    def __init__(self, final_ops: Any, final_ops_feed_dict: dict[Any, Any] | None = None) -> None:
        self._final_ops = final_ops
        self._feed_dict = final_ops_feed_dict
        self._values: Any = None

    @property
    def final_ops_values(self) -> Any:
        """The values; None before the end."""
        return self._values

    def end(self, session: Any) -> None:
        """Runs them."""
        if self._final_ops is not None:
            self._values = session.run(self._final_ops, feed_dict=self._feed_dict)


class FeedFnHook(SessionRunHook):
    """Feeds each step what a function returns."""

    def __init__(self, feed_fn: Callable[[], dict[Any, Any]]) -> None:
        self.feed_fn = feed_fn

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs | None:
        """Calls the function."""
        return SessionRunArgs(fetches=None, feed_dict=self.feed_fn())


class ProfilerHook(SessionRunHook):
    """Writes a Chrome trace, `timeline-STEP.json`, every so many steps or seconds, and the RunMetadata to the event file.

    TensorBoard colours the graph by time and memory with the latter, under the tag `step_STEP`.

    Args:
        save_steps: how many steps lie between two traces; one of this and `save_secs` is given.
        save_secs: how many seconds do.
        output_dir: the folder of both.
        show_dataflow: whether the timeline has arrows from each node to those that take its result.
        show_memory: whether it has the tensors and a counter of the bytes in use.

    Raises:
        ValueError: both or none of `save_steps` and `save_secs` are given.
    """

    def __init__(
        self,
        save_steps: int | None = None,
        save_secs: float | None = None,
        output_dir: str | os.PathLike[str] = "",
        show_dataflow: bool = True,
        show_memory: bool = False,
    ) -> None:
        self._timer = _saving_timer(save_secs, save_steps)
        self._folder = Path(output_dir)
        self._writer = FileWriterCache.get(os.fspath(output_dir)) if output_dir else None
        self._show_dataflow = show_dataflow
        self._show_memory = show_memory
        # A session that is made anew after a failure may come to a step again.
        self._traced: set[int] = set()

    def begin(self) -> None:
        """Finds the global step."""
        self._next_step: int | None = None
        self._global_step = _step_tensor(self)

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs | None:
        """Asks for a trace where one is due."""
        from ..protos import RunOptions

        self._is_due = self._next_step is not None and self._timer.should_trigger_for_step(self._next_step)
        options = RunOptions(trace_level=RunOptions.FULL_TRACE) if self._is_due else None
        return SessionRunArgs(self._global_step, options=options)

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """Writes it."""
        stale = int(run_values.results)
        if self._next_step is None:
            # The first trace comes after so many steps or seconds, and not at once.
            self._timer.update_last_triggered_step(stale)
        step = stale + 1
        if self._is_due and run_values.run_metadata is not None:
            step = int(run_context.session.run(self._global_step))
            self._timer.update_last_triggered_step(step)
            self._save(step, run_values.run_metadata)
        self._next_step = step + 1

    def _save(self, step: int, run_metadata: Any) -> None:
        from ..tracing.timeline import Timeline

        trace = Timeline(run_metadata.step_stats).generate_chrome_trace_format(self._show_dataflow, self._show_memory)
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / f"timeline-{step}.json").write_text(trace)
        if self._writer is not None and step not in self._traced:
            self._traced.add(step)
            self._writer.add_run_metadata(run_metadata, f"step_{step}")
