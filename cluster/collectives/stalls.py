"""How long a rank waits for others: after some time it names them, later it gives up."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping

from .failures import stalled_error, stalled_text
from .settings import Settings

logger = logging.getLogger("headrace")


class Patience:
    """One wait.

    Args:
        text: what is waited in.
        settings: after how many seconds what happens.
    """

    def __init__(self, text: str, settings: Settings) -> None:
        self._text, self._settings = text, settings
        self._start = time.monotonic()
        self._warn_at = self._start + (settings.stall_warning or math.inf)

    def check(self, missing: Callable[[], Mapping[int, str]]) -> None:
        """Names the missing ranks where it is time; while there are none, time does not pass.

        Raises:
            DeadlineExceededError: it was too long.
        """
        now, found = time.monotonic(), missing()
        limit = self._settings.stall_timeout
        if not found:
            # Who is known to be at work has as long again when it has ended that.
            self._start = now
            self._warn_at = now + (self._settings.stall_warning or math.inf)
            return
        if limit and now - self._start > limit:
            raise stalled_error(self._text, found, now - self._start)
        if now > self._warn_at:
            self._warn_at = now + self._settings.stall_warning
            logger.warning("Waiting for %s", stalled_text(self._text, found, now - self._start))
