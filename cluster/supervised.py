"""What a rank tells the `headrace run` that started it: small files in a folder, each written by one rank.

Ranks on other hosts see the folder only where it is on a shared file system; the chief must see it.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from .launcher import RANK_PROCESS, launch

# The folder's name, in the environment of ranks.
STATE = "HEADRACE_STATE"
# Written by the chief when the programs of all ranks have ended well: the exit status of the job.
ENDED = "ended"
# Followed by the rank: an exit status and a line that says why; touched by steps; the process's number.
FAILED, BEAT, PROCESS = "failed.", "beat.", "process."


def folder() -> Path | None:
    """The folder that the supervisor reads; None in a process that is no rank of `headrace run`, or does not see it."""
    name = os.environ.get(STATE)
    if name is None or os.environ.get(RANK_PROCESS, str(os.getpid())) != str(os.getpid()):
        return None
    path = Path(name)
    return path if path.is_dir() else None


def note_failure(status: int, text: str) -> None:
    """Says that this rank ends the job; only the first reason counts."""
    if (place := folder()) is not None:
        path = place / f"{FAILED}{launch().rank}"
        if not path.exists():
            with contextlib.suppress(OSError):
                _write(path, f"{status}\n{text}")


def note_end(status: int) -> None:
    """Says that the programs of all ranks have ended, with status 0 or the one that asks for another start.

    Raises:
        OSError: the folder cannot be written.
    """
    if (place := folder()) is not None:
        _write(place / ENDED, str(status))


def _write(path: Path, text: str) -> None:
    """Makes a file appear whole."""
    unfinished = path.with_name(path.name + ".new")
    unfinished.write_text(text)
    unfinished.replace(path)
