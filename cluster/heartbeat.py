"""A rank's sign of life for `headrace run`: a file that every step touches, at most some times a second.

Sessions do so by themselves; a program that computes without them calls `beat`.
"""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

from ..engine import session
from . import supervised
from .launcher import launch

_INTERVAL = 0.25


class _Heart:
    """Where and when the last sign of life went; there is no place without a supervisor."""

    place: Path | None = None
    last = 0.0


def beat() -> None:
    """Tells the supervisor, if there is one, that the program moves; costs well under a microsecond.

    >>> beat()
    """
    if _Heart.place is not None:
        now = time.monotonic()
        if now - _Heart.last >= _INTERVAL:
            _Heart.last = now
            # A full disk is no reason to stop training.
            with contextlib.suppress(OSError):
                _Heart.place.touch()


def install() -> None:
    """Makes the steps of all sessions beat, in a rank of `headrace run`."""
    if (folder := supervised.folder()) is not None and _Heart.place is None:
        _Heart.place = folder / f"{supervised.BEAT}{launch().rank}"
        session.after_steps.append(beat)
