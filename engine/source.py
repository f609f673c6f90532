"""The line of user code that made something: what every error about a graph points at."""

from __future__ import annotations

import sys
from dataclasses import dataclass

# Modules of this package are recognised by name, not by folder: tests and examples may lie beside the rooms.
PACKAGE = "headrace"


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A place in user code: file name, line number and the function around it."""

    filename: str
    lineno: int
    function: str

    def __str__(self) -> str:
        return f"{self.filename}:{self.lineno}"


def user_line() -> SourceLine:
    """The innermost frame of the calling stack that lies outside this package."""
    frame = sys._getframe(1)
    while frame.f_back is not None:
        name = frame.f_globals.get("__name__", "")
        if name != PACKAGE and not name.startswith(PACKAGE + "."):
            break
        frame = frame.f_back
    return SourceLine(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name)
