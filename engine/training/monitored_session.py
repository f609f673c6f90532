"""MonitoredSession and MonitoredTrainingSession: sessions that initialize, recover, call hooks and end cleanly (TF 1.15)."""

from __future__ import annotations

import inspect
import itertools
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from ..errors import AbortedError, OutOfRangeError, UnavailableError
from ..graph import Graph, get_default_graph
from ..session import added_to
from ..targets import find_target
from .basic_session_run_hooks import CheckpointSaverHook, StepCounterHook, SummarySaverHook
from .coordinator import Coordinator
from .preemption import PREEMPTED_STATUS, Preempted, PreemptionHook
from .queue_runner import start_queue_runners
from .scaffold import Scaffold as Scaffold
from .session_manager import SessionManager
from .session_run_hook import SessionRunArgs, SessionRunContext, SessionRunHook, SessionRunValues

_log = logging.getLogger("absl")

# Seconds between two tries to make a session.
_LONGEST_PAUSE = 10.0
# Errors after which a new session goes on from the last checkpoint.
_LOST = (AbortedError, UnavailableError)
# Stands for "not given" where None means "never".
USE_DEFAULT: Any = object()


class SessionCreator:
    """The base of what makes the sessions of a MonitoredSession."""

    def create_session(self) -> Any:
        """A session that is ready."""
        raise NotImplementedError(f"create_session is not implemented for {self}.")


class ChiefSessionCreator(SessionCreator):
    """Makes sessions from the newest whole checkpoint of a folder, or else by the scaffold's initializers."""

    def __init__(
        self,
        scaffold: Scaffold | None = None,
        master: str = "",
        config: Any = None,
        checkpoint_dir: str | None = None,
        checkpoint_filename_with_path: str | None = None,
    ) -> None:
        self._scaffold = scaffold or Scaffold()
        self._master = master
        self._config = config
        self._checkpoint_dir = checkpoint_dir
        self._checkpoint_file = checkpoint_filename_with_path
        self._manager: SessionManager | None = None

    def create_session(self) -> Any:
        """A session that is ready."""
        self._scaffold.finalize()
        return _manager_of(self._scaffold).prepare_session(
            self._master,
            saver=self._scaffold.saver,
            checkpoint_dir=self._checkpoint_dir,
            checkpoint_filename_with_path=self._checkpoint_file,
            config=self._config,
            init_op=self._scaffold.init_op,
            init_feed_dict=self._scaffold.init_feed_dict,
            init_fn=self._scaffold.init_fn,
        )


class WorkerSessionCreator(SessionCreator):
    """Makes sessions that wait for the chief to initialize the model."""

    def __init__(
        self,
        scaffold: Scaffold | None = None,
        master: str = "",
        config: Any = None,
        max_wait_secs: float = 30 * 60,
    ) -> None:
        self._scaffold = scaffold or Scaffold()
        self._master = master
        self._config = config
        self._max_wait_secs = max_wait_secs

    def create_session(self) -> Any:
        """A session that is ready."""
        self._scaffold.finalize()
        return _manager_of(self._scaffold).wait_for_session(self._master, self._config, self._max_wait_secs)


def _manager_of(scaffold: Scaffold) -> SessionManager:
    return SessionManager(
        local_init_op=scaffold.local_init_op,
        local_init_feed_dict=scaffold.local_init_feed_dict,
        ready_op=scaffold.ready_op,
        ready_for_local_init_op=scaffold.ready_for_local_init_op,
        graph=get_default_graph(),
    )


class _Life:
    """One session with its coordinator and queue threads, from its making to its end."""

    def __init__(self, creator: SessionCreator, hooks: Sequence[SessionRunHook], grace_secs: float) -> None:
        self.session = creator.create_session()
        self.coord = Coordinator()
        self.grace_secs = grace_secs
        self.stop = False
        try:
            start_queue_runners(self.session, self.coord)
            for hook in hooks:
                hook.after_create_session(self.session, self.coord)
        except BaseException:
            self.session.close()
            raise

    def should_stop(self) -> bool:
        return self.stop or self.coord.should_stop()

    def close(self, error: BaseException | None = None) -> None:
        """Ends all; `error` is what the end comes from, if it is one."""
        self.coord.request_stop()
        try:
            self.coord.join(stop_grace_period_secs=self.grace_secs, ignore_live_threads=True)
        finally:
            with added_to(error):
                self.session.close()


class StepContext:
    """What `run_step_fn` gives to its function."""

    def __init__(self, session: Any, run_with_hooks_fn: Callable[..., Any]) -> None:
        self._session = session
        self._run_with_hooks = run_with_hooks_fn

    @property
    def session(self) -> Any:
        """The session itself, whose `run` calls no hooks."""
        return self._session

    def run_with_hooks(self, *args: Any, **kwargs: Any) -> Any:
        """`MonitoredSession.run`."""
        return self._run_with_hooks(*args, **kwargs)

    def request_stop(self) -> None:
        """Ends the loop: raises StopIteration."""
        raise StopIteration("step_fn has requested the iterations to stop.")


class _MonitoredSession:
    """What MonitoredSession and SingularMonitoredSession share."""

    # Whether a session that is lost is replaced by a new one.
    recovers = True

    def __init__(
        self,
        session_creator: SessionCreator | None,
        hooks: Sequence[SessionRunHook] | None,
        stop_grace_period_secs: float = 120,
    ) -> None:
        self._graph_was_finalized = get_default_graph().finalized
        self._graph = get_default_graph()
        # The position of the input is saved before the model: a kill between the two loses none.
        self._hooks = sorted(hooks or (), key=lambda hook: not getattr(hook, "saves_input", False))
        self._preemptions = [hook.preemption for hook in self._hooks if isinstance(hook, PreemptionHook)]
        self._grace_secs = stop_grace_period_secs
        with ExitStack() as failing:
            self._signals = ExitStack()
            failing.push(self._signals)
            for preemption in self._preemptions:
                self._signals.enter_context(preemption)
            for hook in self._hooks:
                hook.begin()
            self._creator = session_creator or ChiefSessionCreator()
            self._life: _Life | None = self._new_life()
            failing.pop_all()

    def _new_life(self) -> _Life:
        for number in itertools.count():
            try:
                with self._graph.as_default():
                    return _Life(self._creator, self._hooks, self._grace_secs)
            except _LOST as error:
                if not self.recovers:
                    raise
                pause = min(0.1 * 2**number, _LONGEST_PAUSE)
                _log.warning("No session yet, next try in %.1f seconds: %s", pause, error)
                time.sleep(pause)
        raise RuntimeError("counting has come to an end")

    def _current(self) -> _Life:
        if self._life is None:
            raise RuntimeError("Session is already closed.")
        return self._life

    @property
    def graph(self) -> Graph | None:
        """The graph; None after the end."""
        return None if self._life is None else self._graph

    def run(
        self, fetches: Any, feed_dict: dict[Any, Any] | None = None, options: Any = None, run_metadata: Any = None
    ) -> Any:
        """Runs a step with the hooks around it; as Session.run.

        Raises:
            RuntimeError: the session is closed, or a stop was requested.
        """
        return self._recovering(lambda life: self._run_hooked(life, fetches, feed_dict, options, run_metadata))

    def run_step_fn(self, step_fn: Callable[..., Any]) -> Any:
        """Calls `step_fn(step_context)`: steps without hooks, and with them, as TF 1.15's.

        Raises:
            ValueError: the function does not take just one argument called `step_context`.
        """
        names = list(inspect.signature(step_fn).parameters)
        if names not in (["step_context"], ["self", "step_context"]):
            raise ValueError(f"`step_fn` may either have one `step_context` argument, or `self`: got {names}")

        def call(life: _Life) -> Any:
            return step_fn(StepContext(life.session, lambda *a, **k: self._run_hooked(life, *a, **k)))

        return self._recovering(call)

    def _recovering(self, step: Callable[[_Life], Any]) -> Any:
        while True:
            life = self._current()
            try:
                return step(life)
            except _LOST as error:
                if not self.recovers:
                    raise
                _log.info("An error was raised: %s. The session is closed and a new one made.", error)
                self._abandon(life)
                self._life = self._new_life()
            except Exception:
                # What stopped a queue thread is the reason, and the error here only what follows of it.
                life.coord.raise_requested_exception()
                raise

    def _abandon(self, life: _Life) -> None:
        try:
            life.close()
        except Exception as error:
            _log.info("Ignored while a lost session was closed: %s", error)

    def _run_hooked(
        self,
        life: _Life,
        fetches: Any,
        feed_dict: dict[Any, Any] | None = None,
        options: Any = None,
        run_metadata: Any = None,
    ) -> Any:
        for preemption in self._preemptions:
            if preemption.stops:
                # Also loops that do not ask `should_stop` come to their end.
                preemption.leave()
        if life.should_stop():
            raise RuntimeError("Run called even after should_stop requested.")
        context = SessionRunContext(SessionRunArgs(fetches, feed_dict, options), life.session)
        wanted: dict[Any, Any] = {"caller": fetches}
        feeds = dict(feed_dict) if feed_dict else {}
        hook_feeds: dict[Any, Any] = {}
        for hook in self._hooks:
            request = hook.before_run(context)
            if request is not None:
                if request.fetches is not None:
                    wanted[hook] = request.fetches
                _add_feeds(hook_feeds, request.feed_dict)
                options = _merged_options(options, request.options)
        for key in hook_feeds:
            if key in feeds:
                raise RuntimeError("Same tensor is fed by a SessionRunHook and user.")
        if options is not None and run_metadata is None:
            run_metadata = _new_run_metadata()
        results = life.session.run(wanted, {**feeds, **hook_feeds} or None, options, run_metadata)
        for hook in self._hooks:
            hook.after_run(context, SessionRunValues(results.get(hook), options, run_metadata))
        life.stop = life.stop or context.stop_requested
        return results["caller"]

    def should_stop(self) -> bool:
        """Whether the loop should end: a hook or a thread asked for it, or the session is closed."""
        return self._life is None or self._life.should_stop()

    def close(self) -> None:
        """Calls the hooks' `end`, stops the threads and closes the session.

        Raises:
            Preempted: a signal asked for the end, and all is saved.
        """
        with self._signals:
            self._close(call_end=True)

    def _close(self, call_end: bool, error: BaseException | None = None) -> None:
        try:
            if call_end:
                life = self._current()
                for hook in self._hooks:
                    hook.end(life.session)
        except BaseException as found:
            error = found
            raise
        finally:
            life_left, self._life = self._life, None
            if not self._graph_was_finalized:
                self._graph._unsafe_unfinalize()
            if life_left is not None:
                life_left.close(error)

    def _is_closed(self) -> bool:
        return self._life is None

    def _tf_sess(self) -> Any:
        return None if self._life is None else self._life.session

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        at_end = kind is None or issubclass(kind, OutOfRangeError | StopIteration | Preempted)
        if not at_end:
            with ExitStack() as stack:
                stack.callback(self._signals.__exit__, kind, error, trace)
                self._close(call_end=False, error=error)
        elif self._life is not None:
            self.close()
        return at_end and kind is not None and not issubclass(kind, Preempted)


def _add_feeds(feeds: dict[Any, Any], more: dict[Any, Any] | None) -> None:
    for key, value in (more or {}).items():
        if key in feeds:
            raise RuntimeError("Same tensor is fed by two hooks.")
        feeds[key] = value


def _merged_options(options: Any, more: Any) -> Any:
    if more is None:
        return options
    merged = type(more)()
    if options is not None:
        merged.MergeFromString(options.SerializeToString())
    level = max(merged.trace_level, more.trace_level)
    merged.MergeFrom(more)
    merged.trace_level = level
    return merged


def _new_run_metadata() -> Any:
    from ..protos import RunMetadata

    return RunMetadata()


class MonitoredSession(_MonitoredSession):
    """A session that is made ready, calls hooks around its steps, and is made again when it is lost.

    A context manager that takes OutOfRangeError for the end of the input.

    Args:
        session_creator: makes the sessions; a ChiefSessionCreator if None.
        hooks: SessionRunHooks.
        stop_grace_period_secs: how long queue threads may take to end.

    Example:
        >>> import headrace as tf
        >>> with tf.Graph().as_default():
        ...     step = tf.train.get_or_create_global_step()
        ...     train = tf.assign_add(step, 1)
        ...     hooks = [tf.train.StopAtStepHook(last_step=3)]
        ...     with tf.train.MonitoredSession(hooks=hooks) as sess:
        ...         while not sess.should_stop():
        ...             value = sess.run(train)
        >>> value.item()
        3
    """

    StepContext = StepContext

    def __init__(
        self,
        session_creator: SessionCreator | None = None,
        hooks: Sequence[SessionRunHook] | None = None,
        stop_grace_period_secs: float = 120,
    ) -> None:
        super().__init__(session_creator, hooks, stop_grace_period_secs)


class SingularMonitoredSession(_MonitoredSession):
    """A MonitoredSession that does not recover, and whose session can be had: `raw_session()`."""

    recovers = False

    def __init__(
        self,
        hooks: Sequence[SessionRunHook] | None = None,
        scaffold: Scaffold | None = None,
        master: str = "",
        config: Any = None,
        checkpoint_dir: str | None = None,
        stop_grace_period_secs: float = 120,
        checkpoint_filename_with_path: str | None = None,
    ) -> None:
        creator = ChiefSessionCreator(scaffold, master, config, checkpoint_dir, checkpoint_filename_with_path)
        super().__init__(creator, hooks, stop_grace_period_secs)

    def raw_session(self) -> Any:
        """The session itself."""
        return self._tf_sess()


def MonitoredTrainingSession(
    master: str = "",
    is_chief: bool = True,
    checkpoint_dir: str | None = None,
    scaffold: Scaffold | None = None,
    hooks: Sequence[SessionRunHook] | None = None,
    chief_only_hooks: Sequence[SessionRunHook] | None = None,
    save_checkpoint_secs: float | None = USE_DEFAULT,
    save_summaries_steps: int | None = USE_DEFAULT,
    save_summaries_secs: float | None = USE_DEFAULT,
    config: Any = None,
    stop_grace_period_secs: float = 120,
    log_step_count_steps: int | None = 100,
    max_wait_secs: float = 7200,
    save_checkpoint_steps: int | None = USE_DEFAULT,
    summary_dir: str | None = None,
    save_graph_def: bool = True,
    asynchronous_checkpoints: bool = False,
    preemption_exit_status: int | None = PREEMPTED_STATUS,
) -> MonitoredSession:
    """A MonitoredSession for training, with hooks that save checkpoints and summaries and count steps, as TF 1.15's.

    Args:
        master: the session's target.
        is_chief: whether this process initializes, restores and saves; others wait for it.
        checkpoint_dir: where checkpoints are found and saved; none if None.
        scaffold: initializers, saver, summaries.
        hooks: further hooks.
        chief_only_hooks: hooks of the chief.
        save_checkpoint_secs: seconds between checkpoints; 600 if none of the two is given, None for never.
        save_summaries_steps: steps between summaries; 100 if none of the two is given, None for never.
        save_summaries_secs: seconds between summaries.
        config: a ConfigProto.
        stop_grace_period_secs: how long queue threads may take to end.
        log_step_count_steps: steps between counts of steps a second; None for never.
        max_wait_secs: how long workers wait for the chief.
        save_checkpoint_steps: steps between checkpoints.
        summary_dir: where summaries go; `checkpoint_dir` if None.
        save_graph_def: write the graph with the checkpoints.
        asynchronous_checkpoints: write them while training goes on.
        preemption_exit_status: where checkpoints are saved, SIGTERM and SIGUSR1 end the loop after the step, and the end
            of the session raises SystemExit with this status; None leaves the signals alone. On a cluster a signal to any
            task, servers too, does so in all sessions that were given a `checkpoint_dir`.
    """
    scaffold = scaffold or Scaffold()
    # On a cluster a signal to one task is one to all that train.
    any_task = getattr(find_target(master), "any_asked", bool)
    if not is_chief:
        own = list(hooks or ())
        if checkpoint_dir is not None and preemption_exit_status is not None:
            own.append(PreemptionHook(preemption_exit_status, any_task))
        waiting = WorkerSessionCreator(scaffold, master, config, max_wait_secs)
        return MonitoredSession(waiting, own, stop_grace_period_secs)
    summary_steps, summary_secs = _steps_and_secs(save_summaries_steps, save_summaries_secs, (100, None))
    save_steps, save_secs = _steps_and_secs(save_checkpoint_steps, save_checkpoint_secs, (None, 600))
    chosen: list[SessionRunHook] = list(chief_only_hooks or ())
    folder = summary_dir or checkpoint_dir
    if folder and _wanted(log_step_count_steps):
        chosen.append(StepCounterHook(output_dir=folder, every_n_steps=log_step_count_steps))
    if folder and (summary_steps or summary_secs):
        chosen.append(
            SummarySaverHook(scaffold=scaffold, save_steps=summary_steps, save_secs=summary_secs, output_dir=folder)
        )
    if checkpoint_dir and (save_secs or save_steps):
        chosen.append(
            CheckpointSaverHook(
                checkpoint_dir,
                save_steps=save_steps,
                save_secs=save_secs,
                scaffold=scaffold,
                save_graph_def=save_graph_def,
                asynchronous=asynchronous_checkpoints,
            )
        )
    chosen = with_preemption([*chosen, *(hooks or ())], preemption_exit_status, any_task)
    return MonitoredSession(
        ChiefSessionCreator(scaffold, master, config, checkpoint_dir), chosen, stop_grace_period_secs
    )


def with_preemption(
    hooks: list[SessionRunHook], exit_status: int | None, any_rank: Callable[[bool], bool] = bool
) -> list[SessionRunHook]:
    """The hooks, and one that ends the loop on signals if one of them saves checkpoints; not if the status is None."""
    saves = any(isinstance(hook, CheckpointSaverHook) for hook in hooks)
    stops = any(isinstance(hook, PreemptionHook) for hook in hooks)
    return [*hooks, PreemptionHook(exit_status, any_rank)] if saves and not stops and exit_status is not None else hooks


def _steps_and_secs(steps: Any, secs: Any, default: tuple[Any, Any]) -> tuple[Any, Any]:
    if steps is USE_DEFAULT and secs is USE_DEFAULT:
        return default
    return _wanted(steps), _wanted(secs)


def _wanted(interval: Any) -> Any:
    """An interval, or None where there is none: as TensorFlow's, 0 and less mean never."""
    is_off = interval is USE_DEFAULT or (isinstance(interval, int | float) and interval <= 0)
    return None if is_off else interval
