"""A barrier that says who is late: ranks that wait tell the chief so, and the chief names the others."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from ..engine import errors
from .pauses import pauses

_log = logging.getLogger("absl")
_HERE = 2
# Seconds after which a waiting rank tells the chief, and after which the chief logs who is late, and logs it again.
TELL_SECONDS, LATE_SECONDS = 2.0, 30.0


class Barriers:
    """The barriers of a job, one after the other.

    Args:
        mpi: the module of MPI.
        line: a communicator of their own.
        ended: the ranks whose program is known to have ended.
    """

    def __init__(self, mpi: Any, line: Any, ended: Callable[[], set[int]]) -> None:
        self._mpi, self._line, self._ended = mpi, line, ended
        self._rank, self._size = line.rank, line.size
        self._count = 0
        self._here: dict[int, int] = {}
        self._sent: list[tuple[Any, Any]] = []

    def wait(self, name: str, timeout: float | None) -> None:
        """Waits until every rank is here, or an error says who is not."""
        self._count += 1
        request, start = self._line.Ibarrier(), time.monotonic()
        told, said = False, 0.0
        for checks, _ in enumerate(pauses(), 1):
            if request.Test():
                self._sent.clear()
                return
            if checks % 64:
                continue
            waited = time.monotonic() - start
            if (gone := self._ended()) and not request.Test():
                who = f"rank {self._rank} waits in {_named(name)} for {gone_text(gone)}"
                raise errors.AbortedError(None, None, who)
            if waited > TELL_SECONDS and not told:
                told = self._tell()
            if timeout is not None and waited > timeout:
                raise errors.DeadlineExceededError(None, None, self._late(name, waited))
            if waited > said + LATE_SECONDS:
                said = waited
                _log.warning("%s", self._late(name, waited))

    def _tell(self) -> bool:
        if self._rank != 0:
            message = np.array([self._count], np.int64)
            # Kept as long as MPI may read it.
            self._sent.append((message, self._line.Isend(message, dest=0, tag=_HERE)))
        return True

    def _late(self, name: str, waited: float) -> str:
        """What the chief, or another rank, knows of a barrier that has lasted for some seconds."""
        text = f"rank {self._rank} has waited {waited:.0f} s in {_named(name)}"
        if self._rank != 0:
            return text
        self._collect()
        late = [str(rank) for rank in range(1, self._size) if self._here.get(rank, 0) < self._count]
        return f"{text} for rank{'s' if len(late) > 1 else ''} {', '.join(late)}"

    def _collect(self) -> None:
        status, message = self._mpi.Status(), np.empty(1, np.int64)
        while self._line.Iprobe(source=self._mpi.ANY_SOURCE, tag=_HERE, status=status):
            self._line.Recv(message, source=status.source, tag=_HERE)
            self._here[status.source] = max(self._here.get(status.source, 0), int(message[0]))


def _named(name: str) -> str:
    return f"the barrier {name!r}" if name else "a barrier"


def gone_text(ranks: set[int]) -> str:
    """Names ranks that have ended.

    >>> gone_text({2, 1})
    'ranks 1, 2, whose program has ended'
    """
    names = ", ".join(map(str, sorted(ranks)))
    return f"rank{'s' if len(ranks) > 1 else ''} {names}, whose program has ended"
