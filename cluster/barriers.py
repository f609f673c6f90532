"""A barrier that says who is late: ranks that wait tell the chief so, and the chief names the others."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine import errors

if TYPE_CHECKING:
    from .world import World

_log = logging.getLogger("absl")
_HERE = 2
# Seconds after which a waiting rank tells the chief, and after which the chief logs who is late, and logs it again.
TELL_SECONDS, LATE_SECONDS = 2.0, 30.0


class Barriers:
    """The barriers of a job, one after the other, on a communicator of their own."""

    def __init__(self, world: World, line: Any) -> None:
        self._world, self._line = world, line
        self._count = 0
        self._here: dict[int, int] = {}
        self._sent: list[tuple[Any, Any]] = []

    def wait(self, name: str, timeout: float | None) -> None:
        """Waits until every rank is here, or an error says who is not."""
        from .world import gone_text, pauses

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
            if (gone := self._world.ended()) and not request.Test():
                who = f"rank {self._world.rank} waits in {_named(name)} for {gone_text(gone)}"
                raise errors.AbortedError(None, None, who)
            if waited > TELL_SECONDS and not told:
                told = self._tell()
            if timeout is not None and waited > timeout:
                raise errors.DeadlineExceededError(None, None, self._late(name, waited))
            if waited > said + LATE_SECONDS:
                said = waited
                _log.warning("%s", self._late(name, waited))

    def _tell(self) -> bool:
        if self._world.rank != 0:
            message = np.array([self._count], np.int64)
            # Kept as long as MPI may read it.
            self._sent.append((message, self._line.Isend(message, dest=0, tag=_HERE)))
        return True

    def _late(self, name: str, waited: float) -> str:
        """What the chief, or another rank, knows of a barrier that has lasted for some seconds."""
        text = f"rank {self._world.rank} has waited {waited:.0f} s in {_named(name)}"
        if self._world.rank != 0:
            return text
        self._collect()
        late = [str(rank) for rank in range(1, self._world.size) if self._here.get(rank, 0) < self._count]
        return f"{text} for rank{'s' if len(late) > 1 else ''} {', '.join(late)}"

    def _collect(self) -> None:
        from .world import load

        status, message = load().Status(), np.empty(1, np.int64)
        while self._line.Iprobe(source=load().ANY_SOURCE, tag=_HERE, status=status):
            self._line.Recv(message, source=status.source, tag=_HERE)
            self._here[status.source] = max(self._here.get(status.source, 0), int(message[0]))


def _named(name: str) -> str:
    return f"the barrier {name!r}" if name else "a barrier"
