"""The runs of this process's own sessions on other tasks: who waits for an answer receives for all who wait."""

from __future__ import annotations

import itertools
import logging
import math
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

# Seconds after which who waits looks again, where it is woken by what comes and where it is not.
_WOKEN, _ASKING = 0.01, 0.001
# For so many seconds an answer may come after the word that its sender has ended.
_LAST_WORDS = 0.5

Fed = tuple[Sequence[int], Sequence[Any]]

# Runs of a process are never numbered anew: tasks take what has a number that they know for late.
_run_numbers = itertools.count(1)


class _Inbox:
    """What has come for a run, and how its thread is told of it while another one receives."""

    def __init__(self) -> None:
        self.messages: deque[tuple[int, Message]] = deque()
        self.told = threading.Event()


class Clients:
    """The runs that are going on, and what has come for each."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._inboxes: dict[int, _Inbox] = {}
        self._gone: set[int] = set()
        self._patience = settings_of().stall_warning or math.inf
        self._receiving = threading.Lock()
        self._beginning = threading.Lock()

    def begin(
        self, step: tuple[int, int], plan: TaskPlan, fed: dict[int, Fed], own: Fed, send: Any, traced: int = 0
    ) -> ClientRun:
        """Starts a run at the other tasks. They see the runs of this process in the order of their numbers."""
        with self._beginning:
            run = ClientRun(step, (step[0], next(_run_numbers)), plan, fed, own, traced)
            self._inboxes[run.run[1]] = _Inbox()
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

    def _fail(self, run: ClientRun, inbox: _Inbox, what: str) -> None:
        # What it said before it ended may still be on its way: there are two communicators.
        until = time.monotonic() + _LAST_WORDS
        while not inbox.messages and time.monotonic() < until:
            self._receive_for(inbox)
        for rank in sorted(run.waiting & self._gone) if not inbox.messages else ():
            # Not an error after which a session is made again: the task does not come back.
            text = f"The task has ended, perhaps without server.join(). {what}"
            words = {"code": NOT_FOUND, "message": text, "op": None}
            inbox.messages.append((rank, Message(Kind.FAILED, *run.step, run.run[1], info=words)))

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
        try:
            while not inbox.messages:
                self._receive_for(inbox)
                if inbox.messages:
                    break
                if run.waiting & self._gone:
                    self._fail(run, inbox, what())
                elif cancellation.is_over or time.monotonic() > warn_at:
                    cancellation.check(what())
                    logger.warning("%s, for %.0f seconds", what(), time.monotonic() - start)
                    warn_at += self._patience
        finally:
            self._hand_on(inbox)
        while inbox.messages:
            run.handle(*inbox.messages.popleft())

    def wake(self, run: ClientRun) -> None:
        """Ends the waiting for a run, whose cancellation has just been set, at once."""
        self._inboxes[run.run[1]].told.set()
        self._transport.wake()

    def _receive_for(self, inbox: _Inbox) -> None:
        """Receives, and waits a little if nothing has come for this inbox; while another thread does so, waits for that."""
        transport = self._transport
        longest = _WOKEN if transport.is_woken else _ASKING
        if not self._receiving.acquire(blocking=False):
            inbox.told.wait(longest)
            inbox.told.clear()
            return
        try:
            self._receive(inbox)
            if not inbox.messages:
                transport.wait(longest)
                self._receive(inbox)
        finally:
            self._receiving.release()

    def _receive(self, own: _Inbox) -> None:
        for source, message in self._transport.receive():
            inbox = self._inboxes.get(message.run)
            if inbox is not None:
                inbox.messages.append((source, message))
                if inbox is not own:
                    inbox.told.set()

    def _hand_on(self, own: _Inbox) -> None:
        """Lets another of those who wait receive from now on."""
        for inbox in list(self._inboxes.values()) if len(self._inboxes) > 1 else ():
            if inbox is not own:
                inbox.told.set()
