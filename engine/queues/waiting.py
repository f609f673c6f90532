"""Attempts in line: how blocking calls wait for their turn, are woken by others' progress, and are cancelled."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from ..errors import CancelledError, OpError
from ..runtime import Cancellation


class Attempt:
    """One call that may have to wait. `advance` does what it can and tells whether it is done; it may raise OpError."""

    __slots__ = ("advance", "done", "error", "event", "give_back", "progress", "result", "what")

    def __init__(
        self, what: str, advance: Callable[[Attempt], bool], give_back: Callable[[Attempt], None] | None = None
    ) -> None:
        self.what = what
        self.advance = advance
        self.give_back = give_back
        self.done = False
        self.progress = False
        self.result: Any = None
        self.error: OpError | None = None
        self.event: threading.Event | None = None

    def finish(self, error: OpError | None = None) -> None:
        """Ends the attempt and wakes the thread that waits for it."""
        self.done = True
        self.error = error
        if self.event is not None:
            self.event.set()


class Lines:
    """Lines of attempts on one object. Those in a line go strictly one after the other, as in TensorFlow 1.15."""

    def __init__(self, number: int) -> None:
        self.lock = threading.RLock()
        self.lines: list[deque[Attempt]] = [deque() for _ in range(number)]

    def run(self, line: int, attempt: Attempt, cancellation: Cancellation | None) -> Any:
        """Puts an attempt into a line and returns its result; waits as long as it takes.

        Raises:
            CancelledError: the session was closed, or the attempt was cancelled meanwhile.
        """
        if cancellation is not None:
            cancellation.check(f"{attempt.what} operation")
        with self.lock:
            self.lines[line].append(attempt)
            self.flush()
            if not attempt.done:
                attempt.event = threading.Event()
        if attempt.event is not None:
            self._wait(attempt, attempt.event, cancellation)
        if attempt.error is not None:
            raise attempt.error
        return attempt.result

    def _wait(self, attempt: Attempt, event: threading.Event, cancellation: Cancellation | None) -> None:
        if cancellation is None:
            event.wait()
            return

        def wake() -> None:
            with self.lock:
                self.cancel([attempt])

        cancellation.register(wake)
        try:
            if cancellation.cancelled:
                wake()
            event.wait()
        finally:
            cancellation.unregister(wake)

    def cancel(self, attempts: Iterable[Attempt]) -> None:
        """Ends attempts with CancelledError; what they had taken goes back. The lock must be held."""
        for attempt in list(attempts):
            if attempt.done:
                continue
            if attempt.give_back is not None:
                attempt.give_back(attempt)
            attempt.finish(CancelledError(None, None, f"{attempt.what} operation was cancelled"))
        self.flush()

    def flush(self) -> None:
        """Lets the first of every line go on until none makes progress. The lock must be held."""
        moved = True
        while moved:
            moved = False
            for line in self.lines:
                while line and self._step(line[0]):
                    moved = True
                    if line[0].done:
                        line.popleft()

    def _step(self, attempt: Attempt) -> bool:
        """Whether the attempt ended or made progress."""
        if attempt.done:
            return True
        attempt.progress = False
        try:
            if attempt.advance(attempt):
                attempt.finish()
                return True
        except OpError as error:
            attempt.finish(error)
            return True
        return attempt.progress
