"""Signals that ask training to stop: the step is finished, the state saved, and the process leaves with a status of its own."""

from __future__ import annotations

import logging
import os
import signal
import threading
import weakref
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Final, Self

import numpy as np

from .data_parallel import data_parallel
from .session_run_hook import SessionRunContext, SessionRunHook, SessionRunValues

_log = logging.getLogger("absl")

# Says that the process was asked to stop and can be started again to go on.
PREEMPTED_STATUS: Final = 85
SIGNALS: Final = (signal.SIGTERM, signal.SIGUSR1)


class Preempted(SystemExit):
    """Raised where training ends because a signal asked for it, once its state is saved; `code` is the exit status."""


class _Watch:
    """What the process knows of these signals: whether one came, and which it catches."""

    def __init__(self) -> None:
        self.asked = False
        self._users = 0
        self._caught: list[signal.Signals] = []

    def begin(self) -> bool:
        """Catches the signals that nobody else does; False in another thread than the main one, where nobody can."""
        if threading.current_thread() is not threading.main_thread():
            return False
        self._users += 1
        if self._users == 1:
            # What the program itself handles or ignores is its own affair.
            for number in SIGNALS:
                if signal.getsignal(number) is signal.SIG_DFL:
                    signal.signal(number, self._note)
                    self._caught.append(number)
        return True

    def end(self) -> None:
        """Gives the signals back when the last user has ended."""
        self._users = max(self._users - 1, 0)
        if self._users:
            return
        self.asked = False
        # Elsewhere handlers cannot be changed: the one that stays then does what is usual.
        if threading.current_thread() is threading.main_thread():
            self._give_back()

    def forget(self) -> None:
        """Gives the signals back in a child that was forked off: it has nothing to save."""
        self._users, self.asked = 0, False
        self._give_back()

    def _give_back(self) -> None:
        for number in self._caught:
            # The program may have taken it over meanwhile.
            if signal.getsignal(number) == self._note:
                signal.signal(number, signal.SIG_DFL)
        self._caught.clear()

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self._users:
            self.asked = True
            return
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)


_watch = _Watch()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_watch.forget)


def ask_to_stop() -> None:
    """Asks the training of this process to stop, as the signals do: for a program's own handlers."""
    _watch.asked = True


def asked_to_stop() -> bool:
    """Whether a signal, or `ask_to_stop`, asked the training of this process to stop."""
    return _watch.asked


def any_of_all(asked: bool) -> bool:
    """Whether one of the ranks that train together was asked; each of them must call this."""
    parallel = data_parallel()
    if parallel is None:
        return asked
    return bool(parallel.ranks.all_reduce("asked to stop", np.array([asked], np.int32), "Max")[0])


class Preemption:
    """A context in which the signals ask for a stop; leaves it by Preempted if one did and nothing else is raised.

    Args:
        exit_status: of the process.
        any_rank: from whether this process was asked, whether one of all that train together was. Called after each
            step, so that all of them stop at the same one; `any_of_all` for the ranks of data-parallel training.
    """

    def __init__(self, exit_status: int = PREEMPTED_STATUS, any_rank: Callable[[bool], bool] = bool) -> None:
        given: Any = exit_status
        if not isinstance(given, int) or isinstance(given, bool) or not 0 < given < 256:
            raise ValueError(f"exit_status must be a whole number from 1 to 255, got {exit_status!r}")
        self.exit_status, self._any_rank = exit_status, any_rank
        self._release: weakref.finalize[Any, Self] | None = None
        # Whether all have agreed to stop.
        self.stops = False

    def __enter__(self) -> Self:
        self.stops = False
        # A session that is dropped and not closed does not keep the signals.
        self._release = weakref.finalize(self, _watch.end) if _watch.begin() else None
        return self

    def agree(self) -> bool:
        """Whether training stops after this step."""
        if not self.stops and self._any_rank(_watch.asked):
            self.stops = True
            _log.info("Training was asked to stop: it saves its state now, and then leaves.")
        return self.stops

    def leave(self) -> None:
        """Raises Preempted, once all ranks are there: the first to leave ends the job, and the chief must have saved."""
        # A signal after the last agreement is this rank's own: the others do not wait.
        parallel = data_parallel() if self._any_rank is any_of_all and self.stops else None
        if parallel is not None:
            parallel.ranks.barrier("asked to stop")
        raise Preempted(self.exit_status)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        release, self._release = self._release, None
        asked = self.stops or (release is not None and _watch.asked)
        if release is not None:
            release()
        if asked and (kind is None or issubclass(kind, Preempted)):
            _log.info("Training has stopped, and its state is saved: the exit status is %d.", self.exit_status)
        if asked and kind is None:
            self.leave()


class PreemptionHook(SessionRunHook):
    """Ends a monitored session after a step when SIGTERM or SIGUSR1 came; its end then raises Preempted, a SystemExit.

    MonitoredTrainingSession and estimators have one where they save checkpoints. Signals that the program handles
    itself, or ignores, are left to it, as all are in other threads than the main one.

    Args:
        exit_status: of the process.
        any_rank: from whether this process was asked, whether one of all that train together was.
    """

    def __init__(self, exit_status: int = PREEMPTED_STATUS, any_rank: Callable[[bool], bool] = bool) -> None:
        self.preemption = Preemption(exit_status, any_rank)

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """Stops."""
        if self.preemption.agree():
            run_context.request_stop()
