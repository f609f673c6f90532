"""How messages travel: over MPI between processes, or through queues between tasks of one process (local servers, tests)."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Iterable
from typing import Any, Protocol

import numpy as np

from .blocks import Blocks, Borrowed, token_of
from .collectives.settings import settings_of
from .doorbell import Doorbell
from .messages import Bytes, Message, decode, empty, encode

# One MPI message holds at most so many bytes; longer ones go in parts.
MOST_BYTES = 1 << 30
# Messages of more bytes lie in memory that processes of one host share: MPI hands over no more without asking.
_SMALL = 2048
# A whole message, part of one, its last part, where one lies in shared memory.
_WHOLE, _PART, _LAST, _LENT = 1, 2, 3, 4
# Seconds of the first pause between two questions whether a message has come or left.
_SHORTEST = 2e-5


class Transport(Protocol):
    """Sends and delivers messages between numbered ranks; in order between two of them."""

    rank: int
    size: int

    def send(self, rank: int, message: Message) -> None:
        """Hands a message over; what it holds may be changed afterwards."""

    def receive(self) -> list[tuple[int, Message]]:
        """What has arrived, each with the rank that sent it. Never waits."""

    def wait(self, longest: float) -> None:
        """Waits until something may have arrived, for so many seconds at most. It may not have."""

    @property
    def address(self) -> str:
        """What others must know to end the waiting of this one at once; empty where they cannot."""

    def know(self, rank: int, address: str) -> None:
        """Takes in the address of another rank."""

    def close(self) -> None:
        """Ends the waiting here."""


class Hub:
    """Ranks that are threads of one process."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.inboxes: list[deque[tuple[int, Bytes]]] = [deque() for _ in range(size)]
        self.news = [threading.Event() for _ in range(size)]

    def transport(self, rank: int) -> HubTransport:
        """The transport of one rank."""
        return HubTransport(self, rank)


class HubTransport:
    """A rank of a Hub. Messages are encoded all the same, so that tasks share no memory."""

    address = ""

    def __init__(self, hub: Hub, rank: int) -> None:
        self.hub = hub
        self.rank = rank
        self.size = hub.size

    def send(self, rank: int, message: Message) -> None:
        """Puts a message into another rank's inbox."""
        self.hub.inboxes[rank].append((self.rank, encode(message)))
        self.hub.news[rank].set()

    def receive(self) -> list[tuple[int, Message]]:
        """Empties this rank's inbox."""
        inbox, found = self.hub.inboxes[self.rank], []
        while inbox:
            source, data = inbox.popleft()
            found.append((source, decode(data)))
        return found

    def wait(self, longest: float) -> None:
        """Waits until something has been put into this rank's inbox."""
        self.hub.news[self.rank].wait(longest)
        self.hub.news[self.rank].clear()

    def know(self, rank: int, address: str) -> None:
        """Ranks of a hub know each other."""

    def close(self) -> None:
        """Nothing is under way."""


class MpiTransport:
    """Messages over a communicator of its own: sends do not block, receives take what a probe has found."""

    def __init__(self, comm: Any, most_bytes: int = MOST_BYTES) -> None:
        from mpi4py import MPI  # only where there is a communicator

        self._mpi = MPI
        self._comm = comm
        self._most = most_bytes
        self.rank: int = comm.Get_rank()
        self.size: int = comm.Get_size()
        self._lock = threading.Lock()
        self._under_way: deque[tuple[Any, Bytes]] = deque()
        self._parts: dict[int, list[Bytes]] = {}
        self._to_self: deque[Bytes] = deque()
        self._bell = Doorbell()
        self._addresses: dict[int, str] = {}
        self._blocks = Blocks(self.size, settings_of().shared_bytes)
        # By rank, those that it has had; the last is what it writes to.
        self._borrowed: dict[int, list[Borrowed]] = {}
        self._pause = _SHORTEST

    @property
    def address(self) -> str:
        """That of this process's doorbell, and of the memory that it shares."""
        return f"{self._bell.address} {self._blocks.address}"

    def know(self, rank: int, address: str) -> None:
        """Takes in the doorbell of another rank, and opens its memory."""
        bell, blocks = address.split(" ")
        self._addresses[rank] = bell
        if blocks:
            # Of another host's processes nothing can be opened.
            with contextlib.suppress(OSError):
                self._borrowed[rank] = [*self._borrowed.get(rank, [])[-1:], Borrowed(blocks, self.rank)]

    def send(self, rank: int, message: Message) -> None:
        """Starts sending a message, in parts where it is long."""
        if rank == self.rank:
            self._to_self.append(encode(message))
            return
        places: list[bytes] = []
        data = encode(message, lambda nbytes: self._memory(rank, nbytes, places))
        with self._lock:
            # A task that only answers never receives here.
            self._forget_sent()
            for part, tag in [(np.frombuffer(places[0], np.uint8), _LENT)] if places else self._split(data):
                self._under_way.append((self._comm.Isend([part, self._mpi.BYTE], dest=rank, tag=tag), part))
        if not self._bell.ring(self._addresses.get(rank, "")):
            self._addresses.pop(rank, None)

    def wait(self, longest: float) -> None:
        """Waits for the doorbell; where MPI must be asked to go on sending, or there is none, for ever longer whiles."""
        if self._under_way or not self._bell.works:
            time.sleep(min(self._pause, longest))
            self._pause = min(2 * self._pause, longest)
        else:
            self._bell.wait(longest)

    def _memory(self, rank: int, nbytes: int, places: list[bytes]) -> Bytes:
        """Where to write a message: memory that the other reads, of which `places` then holds where; else one's own."""
        taken = self._blocks.take(rank, nbytes) if nbytes > _SMALL else None
        if taken is None:
            return empty(nbytes)
        places.append(taken[1])
        return taken[0]

    def _split(self, data: Bytes) -> Iterable[tuple[Bytes, int]]:
        if data.nbytes <= self._most:
            yield data, _WHOLE
            return
        starts = range(0, data.nbytes, self._most)
        for start in starts:
            yield data[start : start + self._most], _LAST if start == starts[-1] else _PART

    def receive(self) -> list[tuple[int, Message]]:
        """What has arrived; also lets what is being sent move on."""
        found: list[tuple[int, Message]] = []
        while self._to_self:
            found.append((self.rank, decode(self._to_self.popleft())))
        with self._lock:
            self._forget_sent()
            while (taken := self._take()) is not None:
                source, data = taken
                if data is not None:
                    found.append((source, decode(data)))
        if found:
            self._pause = _SHORTEST
        return found

    def _take(self) -> tuple[int, Bytes | None] | None:
        """The next whole message, (rank, None) for a part of one, None if nothing is there."""
        status = self._mpi.Status()
        matched = self._comm.Improbe(status=status)
        if matched is None:
            return None
        source, tag = status.Get_source(), status.Get_tag()
        data = empty(status.Get_count(self._mpi.BYTE))
        matched.Recv([data, self._mpi.BYTE])
        if tag == _WHOLE:
            return source, data
        if tag == _LENT:
            return source, self._lent(source, data.tobytes())
        parts = self._parts.setdefault(source, [])
        parts.append(data)
        return source, _joined(self._parts.pop(source)) if tag == _LAST else None

    def _lent(self, source: int, place: bytes) -> Bytes:
        return next(b for b in self._borrowed[source] if b.token == token_of(place)).block(place)

    def _forget_sent(self) -> None:
        while self._under_way and self._under_way[0][0].Test():
            self._under_way.popleft()

    def drained(self) -> bool:
        """Takes what comes, which nobody wants any more, and says whether what was sent has left."""
        self.receive()
        return not self._under_way

    def close(self) -> None:
        """Nobody waits here any more. What was sent leaves at the end of the job, while all take what comes."""
        self._bell.close()
        self._blocks.close()


def _joined(parts: list[Bytes]) -> Bytes:
    whole = empty(sum(part.nbytes for part in parts))
    return np.concatenate(parts, out=whole)
