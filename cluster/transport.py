"""How messages travel: over MPI between processes, or through queues between tasks of one process (local servers, tests)."""

from __future__ import annotations

import contextlib
import struct
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
# Messages of more bytes lie in memory that processes of one host share.
_SMALL = 2048
# A whole message, part of one, its last part, where one lies in shared memory; by MPI, that from now on messages to the
# address that it names may come without.
_WHOLE, _PART, _LAST, _LENT, _MET = 1, 2, 3, 4, 5
# What a process of this host is handed without MPI: from whom, how many messages by MPI came before since then, and a tag.
_POST = struct.Struct("<iqi")
# As many posts as systems keep for a process at the least, by and large.
_MANY = 8
# Seconds of the first pause between two questions whether a message has come or left, and between those whether MPI has
# one although it is not expected to.
_SHORTEST, _SELDOM = 2e-5, 0.005


class Transport(Protocol):
    """Sends and delivers messages between numbered ranks; in order between two of them."""

    rank: int
    size: int

    @property
    def is_woken(self) -> bool:
        """Whether all that arrives ends a wait; else it must be asked for now and then."""

    def send(self, rank: int, message: Message) -> None:
        """Hands a message over; what it holds may be changed afterwards."""

    def receive(self) -> list[tuple[int, Message]]:
        """What has arrived, each with the rank that sent it. Never waits."""

    def wait(self, longest: float) -> None:
        """Waits until something may have arrived, for so many seconds at most. It may not have."""

    def wake(self) -> None:
        """Ends a wait of another thread here."""

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
    is_woken = True

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

    def wake(self) -> None:
        """As if something had been put there."""
        self.hub.news[self.rank].set()

    def know(self, rank: int, address: str) -> None:
        """Ranks of a hub know each other."""

    def close(self) -> None:
        """Nothing is under way."""


class MpiTransport:
    """Messages over a communicator of its own: sends do not block, receives take what a probe has found.

    Processes of one host hand each other messages by their doorbells and in memory that they share. MPI has what goes
    to other hosts, what finds no room, and what comes before two processes know each other.
    """

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
        # Ranks that end this one's waiting.
        self._near: set[int] = set()
        self._blocks = Blocks(self.size, settings_of().shared_bytes)
        # By rank, those that it has had; the last is what it writes to.
        self._borrowed: dict[int, list[Borrowed]] = {}
        # By rank, how many messages have gone and come by MPI since the two met, and what was posted after those that have
        # not come.
        self._sent = [0] * self.size
        self._came = [-1] * self.size
        self._posted: dict[int, deque[tuple[int, Bytes]]] = {}
        # When MPI was asked last, and until when it is asked again and again: one answer may be that something comes soon.
        self._looked = self._expects = 0.0
        self._pause = _SHORTEST

    @property
    def address(self) -> str:
        """That of this process's doorbell, and of the memory that it shares."""
        return f"{self._bell.address} {self._blocks.address}"

    @property
    def is_woken(self) -> bool:
        """Whether all others are on this host, and known."""
        return len(self._near) == self.size - 1

    def know(self, rank: int, address: str) -> None:
        """Takes in the doorbell of another rank, and opens its memory, if it is on this host."""
        bell, blocks = address.split(" ")
        if not self._bell.ring(bell):
            return
        if blocks:
            with contextlib.suppress(OSError):
                self._borrowed[rank] = [*self._borrowed.get(rank, [])[-1:], Borrowed(blocks, self.rank)]
        with self._lock:
            self._start(rank, np.frombuffer(address.encode(), np.uint8), _MET)
            self._sent[rank] = 0
            self._addresses[rank] = bell
        self._near.add(rank)

    def send(self, rank: int, message: Message) -> None:
        """Starts sending a message, in parts where it is long."""
        if rank == self.rank:
            self._to_self.append(encode(message))
            return
        places: list[bytes] = []
        data = encode(message, lambda nbytes: self._memory(rank, nbytes, places))
        if places:
            data = np.frombuffer(places[0], np.uint8)
        tag = _LENT if places else _WHOLE
        with self._lock:
            # A task that only answers never receives here.
            self._forget_sent()
            if not self._post(rank, data, tag):
                self._start(rank, data, tag)

    def _post(self, rank: int, data: Bytes, tag: int) -> bool:
        """Whether a message could be handed over without MPI."""
        address = self._addresses.get(rank)
        if address is None or data.nbytes > _SMALL:
            return False
        posted = self._bell.post(address, _POST.pack(self.rank, self._sent[rank], tag) + data.tobytes())
        if posted is None:
            del self._addresses[rank]
        return bool(posted)

    def _start(self, rank: int, data: Bytes, tag: int) -> None:
        self._sent[rank] += 1
        for part, tag_of_part in self._split(data) if tag == _WHOLE else [(data, tag)]:
            self._under_way.append((self._comm.Isend([part, self._mpi.BYTE], dest=rank, tag=tag_of_part), part))
        self._bell.ring(self._addresses.get(rank, ""))

    def wait(self, longest: float) -> None:
        """Waits for the doorbell; where MPI must be asked to go on, or there is none, for ever longer whiles."""
        if self._under_way or self._is_expecting(time.monotonic()) or not self._bell.works:
            time.sleep(min(self._pause, longest))
            self._pause = min(2 * self._pause, longest)
        else:
            self._bell.wait(longest)

    def wake(self) -> None:
        """Rings one's own bell."""
        self._bell.ring(self._bell.address)

    def _memory(self, rank: int, nbytes: int, places: list[bytes]) -> Bytes:
        """Where to write a message: memory that the other reads, of which `places` then holds where; else one's own."""
        taken = self._blocks.take(rank, nbytes) if nbytes > _SMALL and rank in self._addresses else None
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
        found: list[tuple[int, Bytes]] = []
        while self._to_self:
            found.append((self.rank, self._to_self.popleft()))
        with self._lock:
            self._forget_sent()
            now = time.monotonic()
            if self._take_posts(found):
                self._expects = now + _SELDOM
            if self._is_expecting(now) or not self.is_woken or now - self._looked > _SELDOM:
                if self._look(found):
                    self._expects = now + _SELDOM
                self._looked = now
        if found:
            self._pause = _SHORTEST
        return [(source, decode(data)) for source, data in found]

    def _take_posts(self, found: list[tuple[int, Bytes]]) -> bool:
        """Takes what was posted, in order with what came by MPI; whether there may be more by MPI."""
        taken = self._bell.take()
        # Where so many wait, the next ones may have found no room.
        rung = len(taken) >= _MANY
        for words in taken:
            if not words:
                rung = True
                continue
            source, before, tag = _POST.unpack_from(words)
            whole = self._lent(source, words[_POST.size :]) if tag == _LENT else _copied(words, _POST.size)
            if before > self._came[source] or source in self._posted:
                self._posted.setdefault(source, deque()).append((before, whole))
            else:
                found.append((source, whole))
        return rung

    def _is_expecting(self, now: float) -> bool:
        return bool(self._posted or self._parts) or now < self._expects

    def _look(self, found: list[tuple[int, Bytes]]) -> bool:
        """Takes what MPI has; whether there was anything."""
        anything = False
        while (taken := self._take()) is not None:
            anything = True
            source, data = taken
            if data is not None:
                # What was posted before it is there by now.
                self._take_posts(found)
                if self._came[source] >= 0:
                    self._came[source] += 1
                found.append((source, data))
            self._release(source, found)
        return anything

    def _release(self, source: int, found: list[tuple[int, Bytes]]) -> None:
        waiting = self._posted.get(source, ())
        while waiting and waiting[0][0] <= self._came[source]:
            found.append((source, waiting.popleft()[1]))
        if not waiting:
            self._posted.pop(source, None)

    def _take(self) -> tuple[int, Bytes | None] | None:
        """The next whole message, (rank, None) for what is none yet or at all, None if nothing is there."""
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
        if tag == _MET:
            # That of a server that was here before is not meant.
            if data.tobytes().decode() == self.address:
                self._came[source] = 0
            return source, None
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


def _copied(words: bytes, start: int) -> Bytes:
    data = empty(len(words) - start)
    data[:] = np.frombuffer(words, np.uint8, offset=start)
    return data


def _joined(parts: list[Bytes]) -> Bytes:
    whole = empty(sum(part.nbytes for part in parts))
    return np.concatenate(parts, out=whole)
