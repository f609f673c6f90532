"""One action at a time in a thread of its own, whose error is raised where it is waited for: asynchronous saves."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

_log = logging.getLogger("absl")


class Background:
    """Runs an action beside the caller. The process does not end before it has."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None

    def start(self, name: str, action: Callable[[], None]) -> None:
        """Starts an action, when the one before has ended; raises that one's error."""
        self.wait()
        self._thread = threading.Thread(target=self._run, args=(name, action), name=name)
        self._thread.start()

    @property
    def is_busy(self) -> bool:
        """Whether the action is on its way."""
        return self._thread is not None and self._thread.is_alive()

    def wait(self) -> None:
        """Waits for the action, and raises its error once."""
        # It stays known until it has ended: another thread may wait too, and a wait may be interrupted.
        thread = self._thread
        if thread is not None:
            thread.join()
        error, self._error = self._error, None
        if error is not None:
            raise error

    def _run(self, name: str, action: Callable[[], None]) -> None:
        try:
            action()
        except BaseException as error:
            # It may be that nobody waits.
            _log.error("%s failed: %s", name, error)
            self._error = error
