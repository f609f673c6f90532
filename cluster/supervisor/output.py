"""What ranks print, taken apart by rank and put together again by lines: `[0] text`, never two ranks in one line."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import BinaryIO

# What launchers are asked to put before what a rank prints, wherever that begins, and how it is found again.
OPTIONS = {"Open MPI": ["--output", "tag"], "MPICH": ["-prepend-pattern", "\x1e%r\x1f"]}
_TAGS = {"Open MPI": rb"\[1,(\d+)\]<std(?:out|err)>: ?", "MPICH": b"\x1e(\\d+)\x1f"}
# A rank that prints no end of line is shown in pieces of this length.
_LONGEST = 1 << 16


class Lines:
    r"""Takes the launcher's output in pieces and gives whole lines, each behind the rank that printed it.

    What the launcher prints itself stays as it is.

    >>> lines = Lines("MPICH", lambda line: print(line.decode(), end=""))
    >>> lines.add(b"\x1e0\x1fone\x1e1\x1ftwo\n\x1e0\x1f half\n")
    [1] two
    [0] one half
    """

    def __init__(self, family: str, write: Callable[[bytes], object]) -> None:
        self._tag, self._write = re.compile(_TAGS[family]), write
        self._rest = b""
        self._begun: dict[bytes, bytes] = {}

    def add(self, piece: bytes) -> None:
        """Takes the next piece, cut anywhere."""
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            self._line(line, b"\n")
        if len(self._rest) > _LONGEST:
            self._line(self._rest, b"")
            self._rest = b""

    def _line(self, line: bytes, end: bytes) -> None:
        own, *tagged = self._tag.split(line)
        if own or not tagged:
            self._write(own + b"\n")
        pairs = list(zip(tagged[::2], tagged[1::2], strict=True))
        for number, (rank, text) in enumerate(pairs):
            begun = self._begun.pop(rank, b"") + text
            # Only the last of a line has come to its end.
            if (end and number == len(pairs) - 1) or len(begun) > _LONGEST:
                self._write(b"[%s] %s\n" % (rank, begun))
            elif begun:
                self._begun[rank] = begun

    def close(self) -> None:
        """Gives what has no end of line yet."""
        if self._rest:
            self._line(self._rest, b"")
        for rank, begun in sorted(self._begun.items()):
            self._write(b"[%s] %s\n" % (rank, begun))
        self._rest, self._begun = b"", {}


def drop(descriptor: int) -> None:
    """Lets all that is written from now on go nowhere: who read it has gone away (`| head`), which is no reason to stop."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, descriptor)
    os.close(nowhere)


def relay(source: BinaryIO, target: BinaryIO, family: str) -> threading.Thread:
    """Starts a thread that copies a launcher's output, line by line, until its end."""

    def write(line: bytes) -> None:
        try:
            target.write(line)
            target.flush()
        except BrokenPipeError:
            drop(target.fileno())

    def copy() -> None:
        lines = Lines(family, write)
        with source:
            while piece := source.read1(1 << 16):  # type: ignore[attr-defined]
                try:
                    lines.add(piece)
                except ValueError:
                    lines = Lines(family, lambda line: None)
        with suppress(ValueError):
            lines.close()

    thread = threading.Thread(target=copy, name="output of ranks", daemon=True)
    thread.start()
    return thread
