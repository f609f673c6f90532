"""A client's own stage that waits, for an element of a queue say, and what becomes of the other tasks meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..engine.errors import CancelledError
from ..engine.runtime import Cancellation
from .steps.client import ClientRun

if TYPE_CHECKING:
    from .server import Server


class Watched(Cancellation):
    """The cancellation of a stage: a failure at another task ends it too.

    A thread that receives is started only where something waits. `finish` must be called when the stage has ended.
    """

    def __init__(self, server: Server, run: ClientRun) -> None:
        super().__init__()
        self._server, self._run = server, run
        self._over = Cancellation()
        self._thread: threading.Thread | None = None

    def register(self, wake: Callable[[], None]) -> None:
        """Adds a function that `cancel` and a failure elsewhere call."""
        super().register(wake)
        if self._thread is None:
            self._thread = threading.Thread(target=self._watch, name="headrace-watch", daemon=True)
            self._thread.start()

    def _watch(self) -> None:
        run = self._run
        try:
            while run.waiting and run.failure is None and not self._over.cancelled:
                self._server.wait(run, self._over)
        except CancelledError:
            return
        if run.failure is not None:
            self.cancel()

    def finish(self) -> None:
        """Ends the watching."""
        if self._thread is not None:
            self._over.cancel()
            self._server.wake(self._run)
            self._thread.join()
