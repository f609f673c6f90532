"""The runs of this process's own sessions on other tasks: who waits for an answer receives for all who wait."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from ..engine.errors import NOT_FOUND
from ..engine.runtime import Cancellation
from .collectives.settings import settings_of
from .messages import Kind, Message
from .steps.client import ClientRun
from .steps.plans import TaskPlan
from .transport import Transport

logger = logging.getLogger("headrace")

# Seconds after which who waits looks again, whoever has received for it.
_LONGEST = 0.001
# For so many seconds an answer may come after the word that its sender has ended.
_LAST_WORDS = 0.5

Fed = tuple[Sequence[int], Sequence[Any]]

# Runs of a process are never numbered anew: tasks take what has a number that they know for late.
_run_numbers = itertools.count(1)


class Clients:
    """The runs that are going on, and what has come for each."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._inboxes: dict[int, deque[tuple[int, Message]]] = {}
        self._gone: set[int] = set()
        self._patience = settings_of().stall_warning
        self._receiving = threading.Lock()
        self._beginning = threading.Lock()

    def begin(
        self, step: tuple[int, int], plan: TaskPlan, fed: dict[int, Fed], own: Fed, send: Any, traced: int = 0
    ) -> ClientRun:
        """Starts a run at the other tasks. They see the runs of this process in the order of their numbers."""
        with self._beginning:
            run = ClientRun(step, (step[0], next(_run_numbers)), plan, fed, own, traced)
            self._inboxes[run.run[1]] = deque()
            for action in run.begin():
                send(action.rank, action.message)
        return run

    def end(self, run: ClientRun) -> None:
        """Forgets a run: what still comes for it is dropped."""
        self._inboxes.pop(run.run[1], None)

    def rank_ended(self, rank: int) -> None:
        """Takes in that a task has ended: nobody need wait for it."""
        self._gone.add(rank)

    def rank_came(self, rank: int) -> None:
        """Takes in that a rank has a server, perhaps once more."""
        self._gone.discard(rank)

    def _fail(self, run: ClientRun, inbox: deque[tuple[int, Message]], what: str) -> None:
        # What it said before it ended may still be on its way: there are two communicators.
        until = time.monotonic() + _LAST_WORDS
        while not inbox and time.monotonic() < until:
            self._transport.wait(_LONGEST)
            self._receive()
        for rank in sorted(run.waiting & self._gone) if not inbox else ():
            # Not an error after which a session is made again: the task does not come back.
            text = f"The task has ended, perhaps without server.join(). {what}"
            words = {"code": NOT_FOUND, "message": text, "op": None}
            inbox.append((rank, Message(Kind.FAILED, *run.step, run.run[1], info=words)))

    def wait(self, run: ClientRun, cancellation: Cancellation, what: Callable[[], str]) -> None:
        """Waits until something has come for a run, and hands it over. A long wait is logged.

        Args:
            run: the run.
            cancellation: what ends the waiting.
            what: says for which tasks it waits.

        Raises:
            CancelledError: the session was closed, or the time is over.
        """
        inbox = self._inboxes[run.run[1]]
        start = time.monotonic()
        warn_at = start + self._patience
        self._receive()
        while not inbox:
            self._transport.wait(_LONGEST)
            self._receive()
            if run.waiting & self._gone:
                self._fail(run, inbox, what())
            elif cancellation.is_over or time.monotonic() > warn_at:
                cancellation.check(what())
                logger.warning("%s, for %.0f seconds", what(), time.monotonic() - start)
                warn_at += self._patience
        while inbox:
            run.handle(*inbox.popleft())

    def _receive(self) -> None:
        if not self._receiving.acquire(blocking=False):
            return
        try:
            for source, message in self._transport.receive():
                inbox = self._inboxes.get(message.run)
                if inbox is not None:
                    inbox.append((source, message))
        finally:
            self._receiving.release()
