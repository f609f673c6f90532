"""Evaluations of checkpoints, as TensorFlow 1.15's `tf.contrib.training` and `slim.evaluation` have them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..engine.ops.summaries import merge_all
from ..engine.summary.writer import FileWriter
from ..engine.training.basic_loops import checkpoints_iterator
from ..engine.training.basic_session_run_hooks import FinalOpsHook
from ..engine.training.global_step import get_or_create_global_step
from ..engine.training.monitored_session import ChiefSessionCreator, MonitoredSession
from ..engine.training.saver import Saver
from ..engine.training.scaffold import Scaffold
from ..engine.training.session_run_hook import SessionRunHook
from ..engine.variable_lists import global_variables

# Stands for "all summaries of the graph", since None means none.
_ALL = 0
Feeds = dict[Any, Any] | None


class StopAfterNEvalsHook(SessionRunHook):
    """Stops an evaluation after a number of runs, as `tf.contrib.training.StopAfterNEvalsHook`.

    Args:
        num_evals: how many; None for as many as there is input for.
        log_progress: accepted for TensorFlow's sake.
    """

    def __init__(self, num_evals: int | None, log_progress: bool = True) -> None:
        self._wanted, self._done = num_evals, 0

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Starts over."""
        self._done = 0

    def after_run(self, run_context: Any, run_values: Any) -> None:
        """Counts."""
        self._done += 1
        if self._wanted is not None and self._done >= self._wanted:
            run_context.request_stop()


class SummaryAtEndHook(SessionRunHook):
    """Writes summaries once, at the end of a session, as `tf.contrib.training.SummaryAtEndHook`.

    Args:
        log_dir: the folder; or give a writer.
        summary_writer: a FileWriter.
        summary_op: the summaries; by default all of the graph.
        feed_dict: their feeds.

    Raises:
        ValueError: neither a folder nor a writer is given.
    """

    def __init__(
        self, log_dir: str | None = None, summary_writer: Any = None, summary_op: Any = None, feed_dict: Feeds = None
    ) -> None:
        if log_dir is None and summary_writer is None:
            raise ValueError("log_dir and summary_writer may not both be None.")
        self._folder, self._writer = log_dir, summary_writer
        self._given, self._op, self._feeds = summary_op, summary_op, feed_dict

    def begin(self) -> None:
        """Finds the summaries and the step."""
        self._op = merge_all() if self._given is None else self._given
        self._step = get_or_create_global_step()

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Opens the folder's event file."""
        if self._folder is not None:
            self._writer = FileWriter(self._folder)

    def end(self, session: Any) -> None:
        """Writes."""
        step = session.run(self._step)
        if self._op is not None:
            self._writer.add_summary(session.run(self._op, self._feeds), step)
        self._writer.flush()
        if self._folder is not None:
            self._writer.close()


def evaluate_once(
    checkpoint_path: str,
    master: str = "",
    scaffold: Scaffold | None = None,
    eval_ops: Any = None,
    feed_dict: Feeds = None,
    final_ops: Any = None,
    final_ops_feed_dict: Feeds = None,
    hooks: Sequence[SessionRunHook] | None = None,
    config: Any = None,
) -> Any:
    """Evaluates a checkpoint, as `tf.contrib.training.evaluate_once`.

    Args:
        checkpoint_path: of the checkpoint.
        master: the session's target.
        scaffold: how the session is made ready.
        eval_ops: run over and over until a hook (StopAfterNEvalsHook) or the end of the input stops it.
        feed_dict: feeds of `eval_ops`.
        final_ops: run once after that.
        final_ops_feed_dict: feeds of `final_ops`.
        hooks: further hooks.
        config: a ConfigProto.

    Returns:
        The values of `final_ops`; None where there are none.
    """
    get_or_create_global_step()
    final = FinalOpsHook(final_ops, dict(final_ops_feed_dict or {}))
    creator = ChiefSessionCreator(scaffold, master, config, checkpoint_filename_with_path=checkpoint_path)
    with MonitoredSession(creator, [*(hooks or ()), final]) as session:
        if eval_ops is not None:
            while not session.should_stop():
                session.run(eval_ops, feed_dict)
    return final.final_ops_values


def evaluate_repeatedly(
    checkpoint_dir: str,
    master: str = "",
    scaffold: Scaffold | None = None,
    eval_ops: Any = None,
    feed_dict: Feeds = None,
    final_ops: Any = None,
    final_ops_feed_dict: Feeds = None,
    eval_interval_secs: float = 60,
    hooks: Sequence[SessionRunHook] | None = None,
    config: Any = None,
    max_number_of_evaluations: int | None = None,
    timeout: float | None = None,
    timeout_fn: Callable[[], bool] | None = None,
) -> Any:
    """`evaluate_once` of each new checkpoint of a folder, as `tf.contrib.training.evaluate_repeatedly`.

    Args:
        checkpoint_dir: the folder.
        eval_interval_secs: seconds from one evaluation to the next, at least.
        max_number_of_evaluations: when to end; None for never.
        timeout: seconds to wait for a new checkpoint; None for as long as it takes.
        timeout_fn: called after a timeout: whether that is the end. Without it, it is.
        master, scaffold, eval_ops, feed_dict, final_ops, final_ops_feed_dict, hooks, config: see `evaluate_once`.

    Returns:
        The values of `final_ops` of the last evaluation; None where there was none.
    """
    found, done = None, 0
    for path in checkpoints_iterator(checkpoint_dir, eval_interval_secs, timeout, timeout_fn):
        found = evaluate_once(
            path, master, scaffold, eval_ops, feed_dict, final_ops, final_ops_feed_dict, hooks, config
        )
        done += 1
        if max_number_of_evaluations is not None and done >= max_number_of_evaluations:
            break
    return found


def slim_evaluate_once(
    master: str,
    checkpoint_path: str,
    logdir: str,
    num_evals: int = 1,
    initial_op: Any = None,
    initial_op_feed_dict: Feeds = None,
    eval_op: Any = None,
    eval_op_feed_dict: Feeds = None,
    final_op: Any = None,
    final_op_feed_dict: Feeds = None,
    summary_op: Any = _ALL,
    summary_op_feed_dict: Feeds = None,
    variables_to_restore: Any = None,
    session_config: Any = None,
    hooks: Sequence[SessionRunHook] | None = None,
) -> Any:
    """Evaluates a checkpoint `num_evals` times and writes summaries, as `slim.evaluation.evaluate_once`.

    Args:
        master: the session's target.
        checkpoint_path: of the checkpoint.
        logdir: where summaries go.
        num_evals: how often `eval_op` is run.
        initial_op, eval_op, final_op: run before, over and over, and after; each with its feeds.
        summary_op: by default all summaries of the graph; None for none.
        variables_to_restore: by default all global ones.
        session_config: a ConfigProto.
        hooks: further hooks.

    Returns:
        The value of `final_op`.
    """
    scaffold, every = _slim(
        logdir,
        num_evals,
        initial_op,
        initial_op_feed_dict,
        summary_op,
        summary_op_feed_dict,
        variables_to_restore,
        hooks,
    )
    return evaluate_once(
        checkpoint_path,
        master,
        scaffold,
        eval_op,
        eval_op_feed_dict,
        final_op,
        final_op_feed_dict,
        every,
        session_config,
    )


def slim_evaluation_loop(
    master: str,
    checkpoint_dir: str,
    logdir: str,
    num_evals: int = 1,
    initial_op: Any = None,
    initial_op_feed_dict: Feeds = None,
    init_fn: Any = None,
    eval_op: Any = None,
    eval_op_feed_dict: Feeds = None,
    final_op: Any = None,
    final_op_feed_dict: Feeds = None,
    summary_op: Any = _ALL,
    summary_op_feed_dict: Feeds = None,
    variables_to_restore: Any = None,
    eval_interval_secs: float = 60,
    max_number_of_evaluations: int | None = None,
    session_config: Any = None,
    timeout: float | None = None,
    timeout_fn: Callable[[], bool] | None = None,
    hooks: Sequence[SessionRunHook] | None = None,
) -> Any:
    """The same for each new checkpoint of a folder, as `slim.evaluation.evaluation_loop`.

    Arguments as for `slim_evaluate_once` and `evaluate_repeatedly`; `init_fn` is called with the session when it is ready.
    """
    scaffold, every = _slim(
        logdir, num_evals, initial_op, initial_op_feed_dict, summary_op, summary_op_feed_dict, variables_to_restore,
        hooks, init_fn,
    )  # fmt: skip
    return evaluate_repeatedly(
        checkpoint_dir, master, scaffold, eval_op, eval_op_feed_dict, final_op, final_op_feed_dict, eval_interval_secs,
        every, session_config, max_number_of_evaluations, timeout, timeout_fn,
    )  # fmt: skip


def _slim(
    logdir: str, num_evals: int, initial_op: Any, initial_feeds: Feeds, summary_op: Any, summary_feeds: Feeds,
    variables: Any, hooks: Sequence[SessionRunHook] | None, init_fn: Any = None,
) -> tuple[Scaffold, list[SessionRunHook]]:  # fmt: skip
    get_or_create_global_step()
    every: list[SessionRunHook] = [StopAfterNEvalsHook(num_evals), *(hooks or ())]
    if summary_op is not None:
        chosen = None if isinstance(summary_op, int) else summary_op
        every.append(SummaryAtEndHook(logdir, summary_op=chosen, feed_dict=summary_feeds))
    if initial_op is not None:
        every.insert(0, _InitialOp(initial_op, initial_feeds))
    wrapped = None if init_fn is None else lambda scaffold, session: init_fn(session)
    return Scaffold(init_fn=wrapped, saver=Saver(variables or global_variables())), every


class _InitialOp(SessionRunHook):
    """Runs an operation before the first run."""

    def __init__(self, op: Any, feeds: Feeds) -> None:
        self._op, self._feeds = op, feeds

    def after_create_session(self, session: Any, coord: Any) -> None:
        session.run(self._op, self._feeds)
