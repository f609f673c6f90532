"""Ranks of one host: what they exchange goes through memory that they share, by the native runtime."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ...engine.errors import InternalError, OpError
from ...engine.native.library import load
from ..memory import mapped, nameless
from .exchange import CODES, Array, Exchange
from .failures import left_error, mismatch_error
from .settings import Settings
from .stalls import Patience

DONE, LATE, DIFFERENT, GONE, UNREADABLE = range(5)
# Bytes of the name of shared memory, and of what tells it from other memory.
_NAME, _TOKEN = 256, 16
# Bytes for what a rank is at, in words, and for why it has left.
_TEXT = 4096
_AT, _WHY = range(2)
# Looks at what another rank has written before the processor is given up to others.
_SPINS = 400
# And before the thread sleeps: of who has nothing else to do, and of the thread that works beside one that computes.
_YIELDS, _YIELDS_BESIDE = 2000, 20


def runtime() -> Any:
    """The native runtime, None where there is none (or an older build of it)."""
    if isinstance(load(), str):
        return None
    from ...engine.native.library import _runtime

    found = _runtime()
    return found if hasattr(found, "read_process") else None


class SharedGroup:
    """The ranks of a host, or some of them.

    Args:
        node: their communicator of MPI, which is used to find the memory and for nothing else.
        names: the number of each of them in the job, for what is said.
        settings: how much is handed over at once, and how long is waited.
    """

    def __init__(self, node: Any, names: list[int], settings: Settings) -> None:
        self.rank, self.size, self._names, self._settings = node.rank, node.size, names, settings
        self._runtime: Any = runtime()
        slot = max(64, settings.slot_bytes // 64 * 64)
        self._exchange_bytes: int = self._runtime.exchange_bytes(self.size, slot)
        self._memory = shared_memory(node, self._exchange_bytes + self.size * (2 * _TEXT + 1))
        base = np.frombuffer(self._memory, np.uint8)
        spins = _SPINS if self.size <= (os.cpu_count() or 1) else 0
        self._head = [base.__array_interface__["data"][0], self.rank, self.size, slot]
        self._spins = spins
        self._direct = settings.direct_bytes if settings.direct_bytes and _all(node, self._can_read(node)) else 0
        self._progress = np.array([1, 0, 0, 0], np.int64)
        self._said = ""
        self._idle = self._native(np.zeros(0, np.int64), 0, 0, 0, 0, 0)

    def _can_read(self, node: Any) -> bool:
        """Whether the system lets this rank read the others' memory: a token of each is read."""
        token, found = np.frombuffer(secrets.token_bytes(_TOKEN), np.uint8), np.zeros(_TOKEN, np.uint8)
        own = np.array([os.getpid(), token.__array_interface__["data"][0], *token], np.int64)
        everybody = np.zeros((self.size, len(own)), np.int64)
        node.Allgather(own, everybody)
        can = all(
            self._runtime.read_process(pid, address, found) and found.tolist() == expected
            for pid, address, *expected in everybody.tolist()
        )
        node.Barrier()
        return can

    def run(self, it: Exchange, scale: float = 1.0) -> None:
        """Does an exchange together with the other ranks.

        Raises:
            InvalidArgumentError: another rank does something else.
            AbortedError: another rank has left.
            DeadlineExceededError: another rank did not come in time.
        """
        native = it.native.get(id(self))
        if native is None:
            native = it.native[id(self)] = self._native_of(it)
        if it.operation.text is not self._said:
            self._say(it.operation.text)
        exchange, progress = self._runtime.exchange, self._progress
        result = exchange(native, progress, scale, 0.25)
        if result != DONE:
            self._wait(it, native, scale, result)

    def _wait(self, it: Exchange, native: Array, scale: float, result: int) -> None:
        patience = Patience(it.operation.text, self._settings)
        while result == LATE:
            patience.check(self._missing)
            result = self._runtime.exchange(native, self._progress, scale, 0.25)
        if result != DONE:
            raise self._error(it, result)

    def _error(self, it: Exchange, result: int) -> OpError:
        if result == GONE:
            other = int(self._progress[3])
            return left_error(it.operation.text, self._names[other], self._text(other, _WHY))
        if result == UNREADABLE:
            name = self._names[int(self._progress[3])]
            return InternalError(None, None, f"{it.operation.text}: the memory of rank {name} could not be read")
        # All have arrived, and see the same: nobody goes on.
        return mismatch_error({self._names[q]: self._text(q) for q in range(self.size)})

    def _native_of(self, it: Exchange) -> Array:
        dtype = CODES[it.dtype] if it.kind == 0 else 0
        wire = CODES[it.wire] if it.wire else dtype
        parts = np.array(it.parts(self.rank), np.int64).reshape(-1)
        yields = _YIELDS_BESIDE if it.in_background else _YIELDS
        return self._native(parts, it.kind, it.operation.tag, dtype, wire, yields)

    def _native(self, parts: Array, kind: int, tag: int, dtype: int, wire: int, yields: int) -> Array:
        return np.array(
            [*self._head, kind, tag, dtype, wire, self._direct, self._spins, yields, len(parts) // 3, *parts], np.int64
        )

    def prepared(self, it: Exchange) -> Exchange:
        """An exchange of one array for `all_reduce`, which keeps no array."""
        it.native[id(self)] = self._native_of(it)
        it.inputs = it.outputs = ()
        return it

    def all_reduce(self, it: Exchange, array: Array, out: Array) -> None:
        """The sum of arrays like the one that an exchange was prepared for, with little around it; see `run`."""
        native = it.native[id(self)]
        if it.operation.text is not self._said:
            self._say(it.operation.text)
        result = self._runtime.all_reduce(native, self._progress, array, out, 0.25)
        if result != DONE:
            self._wait(it, native, 1.0, result)

    # Words

    def _say(self, text: str, what: int = _AT) -> None:
        if what == _AT:
            self._said = text
        data = text.encode()[: _TEXT - 2]
        start = self._exchange_bytes + (2 * self.rank + what) * _TEXT
        self._memory[start : start + 2 + len(data)] = len(data).to_bytes(2, "little") + data

    def _text(self, rank: int, what: int = _AT) -> str:
        start = self._exchange_bytes + (2 * rank + what) * _TEXT
        length = int.from_bytes(self._memory[start : start + 2], "little")
        return bytes(self._memory[start + 2 : start + 2 + length]).decode(errors="replace")

    def _missing(self) -> dict[int, str]:
        """The ranks that have not come, and what each was at last; none while one of them is known to be at work."""
        round_ = int(self._progress[0])
        late = [q for q in range(self.size) if q != self.rank and self._arrived(q) < round_]
        if any(self._memory[self._exchange_bytes + 2 * self.size * _TEXT + q] for q in late):
            return {}
        return {self._names[q]: self._text(q) for q in late}

    def set_busy(self, busy: bool) -> None:
        """Tells the others whether this rank does something that may take its time."""
        self._memory[self._exchange_bytes + 2 * self.size * _TEXT + self.rank] = int(busy)

    def _arrived(self, rank: int) -> int:
        # The native runtime's layout: a header of two lines of 128 bytes, then a line a member that begins with it.
        return int.from_bytes(self._memory[256 + 128 * rank : 264 + 128 * rank], "little")

    def leave(self, why: str = "") -> None:
        """Tells the others that this rank takes part no more, because of an error if there is one."""
        if why:
            self._say(why, _WHY)
        self._runtime.leave_exchange(self._idle)


def shared_memory(node: Any, size: int) -> memoryview:
    """Memory that the ranks of `node` share, of zeros. It has no name, or one that is gone before it is used.

    Raises:
        InternalError: there is none, on all ranks.
    """
    if hasattr(os, "memfd_create") and not isinstance(found := _shared(node, size, nameless), str):
        return found
    found = _shared(node, size, _named)
    if isinstance(found, str):
        raise InternalError(None, None, found)
    return found


def _shared(node: Any, size: int, make: Callable[[], tuple[int, str]]) -> memoryview | str:
    """The first rank's new file in the memory of all, or why there is none."""
    words, memory = np.zeros(_NAME + _TOKEN, np.uint8), None
    with contextlib.ExitStack() as file:
        if node.rank == 0:
            try:
                descriptor, name = make()
                file.enter_context(_closing(descriptor, "" if make is nameless else name))
                memory = _filled(descriptor, size, secrets.token_bytes(_TOKEN))
                words[_NAME:] = memory[size:]
            except OSError as error:
                name = f"The ranks of this host share no memory, their first has none of {size} bytes: {error.strerror}"
            text = name.encode()[:_NAME]
            words[: len(text)] = np.frombuffer(text, np.uint8)
        # The others wait for this in any case: without a token it says what is wrong.
        node.Bcast(words, root=0)
        text = words[:_NAME].tobytes().rstrip(b"\0")
        if not words[_NAME:].any():
            return text.decode(errors="replace")
        if node.rank != 0:
            memory = _opened(text, size, words[_NAME:].tobytes())
        everybody = _all(node, memory is not None)
    return memory if everybody and memory is not None else f"The ranks of this host cannot share memory in {_folder()}"


def _filled(descriptor: int, size: int, token: bytes) -> memoryview:
    # Memory that is promised but not there would end the process when it is written.
    os.posix_fallocate(descriptor, 0, size + len(token))
    memory = mapped(descriptor, size + len(token))
    memory[size:] = token
    return memory


def _opened(name: bytes, size: int, token: bytes) -> memoryview | None:
    with contextlib.suppress(OSError):
        descriptor = os.open(name, os.O_RDWR)
        with _closing(descriptor, ""):
            # In a container of its own a rank could have found another process's file.
            if os.fstat(descriptor).st_size == size + len(token):
                memory = mapped(descriptor, size + len(token))
                return memory if memory[size:] == token else None
    return None


def _all(node: Any, here: bool) -> bool:
    found = np.zeros(node.size, np.int64)
    node.Allgather(np.array([here], np.int64), found)
    return bool(found.all())


@contextlib.contextmanager
def _closing(descriptor: int, name: str) -> Iterator[None]:
    try:
        yield
    finally:
        os.close(descriptor)
        if name:
            Path(name).unlink()


def _named() -> tuple[int, str]:
    name = str(_folder() / f"headrace-{os.getpid()}-{secrets.token_hex(8)}")
    return os.open(name, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), name


def _folder() -> Path:
    shared = Path("/dev/shm")
    return shared if shared.is_dir() and os.access(shared, os.W_OK) else Path(tempfile.gettempdir())
