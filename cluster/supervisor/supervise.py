"""The supervisor's loop: starts a job, waits, and starts it again from its newest checkpoint when it fails."""

from __future__ import annotations

import signal
import sys
import threading
import time
from types import FrameType

from ...engine.training.preemption import PREEMPTED_STATUS
from .attempt import Attempt, Outcome, Settings
from .command import Mpirun, find_mpirun
from .output import drop

# Status where nothing could be started, as for wrong usage.
NOT_STARTED = 2
_LONGEST_BACKOFF = 60.0
_POLL_SECONDS = 0.05
_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)


class Supervisor:
    """Runs one job to its end."""

    def __init__(self, settings: Settings, mpirun: Mpirun) -> None:
        self._settings, self._mpirun = settings, mpirun
        self._asked: list[int] = []
        self._restarts = 0

    def run(self) -> int:
        """Runs the job and returns the exit status; see `headrace run --help`."""
        before = {number: signal.signal(number, self._note) for number in _SIGNALS}
        try:
            return self._run()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._asked.append(number)

    def _run(self) -> int:
        ever_moved = False
        while True:
            attempt = Attempt(self._mpirun, self._settings, self._restarts)
            try:
                outcome = self._wait(attempt)
            finally:
                attempt.close()
            ever_moved = ever_moved or outcome.moved
            if (status := self._decided(outcome, ever_moved)) is not None:
                return status
            self._restarts += 1
            self._pause(outcome)

    def _wait(self, attempt: Attempt) -> Outcome:
        """How the attempt ends; once asked to stop, it has some time to save its state."""
        told, until = 0, 0.0
        while True:
            if (outcome := attempt.poll()) is not None:
                return outcome
            if told < len(self._asked):
                told += 1
                if told > 1:
                    return Outcome(None, 128 + self._asked[0], "asked to stop twice")
                until = time.monotonic() + self._settings.grace
                attempt.signal_ranks(signal.SIGUSR1 if self._asked[0] == signal.SIGUSR1 else signal.SIGTERM)
            if told and time.monotonic() > until:
                return Outcome(
                    None, 128 + self._asked[0], f"still running {self._settings.grace:g} s after it was asked to stop"
                )
            time.sleep(_POLL_SECONDS)

    def _decided(self, outcome: Outcome, ever_moved: bool) -> int | None:
        """The exit status, or None for another start."""
        if outcome.ended == 0:
            return 0
        if outcome.ended is not None:
            say("all ranks have saved their state and left, as they were asked: start again to go on")
            return PREEMPTED_STATUS
        if self._asked:
            say(f"stopped: {outcome.reason}")
            return 128 + self._asked[0]
        if outcome.program_failed and not ever_moved:
            say(f"the program failed before its first step: {outcome.reason}")
            return outcome.status
        if self._restarts >= self._settings.max_restarts:
            say(f"{outcome.reason}; given up after {self._restarts} restarts")
            return outcome.status
        return None

    def _pause(self, outcome: Outcome) -> None:
        length = min(self._settings.backoff * 2 ** (self._restarts - 1), _LONGEST_BACKOFF)
        number = f"restart {self._restarts} of {self._settings.max_restarts}"
        say(f"{outcome.reason}; starting again in {length:g} s ({number})")
        until = time.monotonic() + length
        while time.monotonic() < until and not self._asked:
            time.sleep(_POLL_SECONDS)


def say(text: str) -> None:
    """Writes a line of the supervisor's own."""
    try:
        sys.stderr.write(f"[headrace] {text}\n")
        sys.stderr.flush()
    except BrokenPipeError:
        drop(sys.stderr.fileno())


def run(settings: Settings) -> int:
    """Runs a job under supervision and returns the exit status, in the main thread.

    Raises:
        RuntimeError: called in another thread, where signals cannot be handled.
    """
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("a supervisor handles signals: run it in the main thread")
    try:
        mpirun = find_mpirun()
    except FileNotFoundError as error:
        say(str(error))
        return NOT_STARTED
    return Supervisor(settings, mpirun).run()
