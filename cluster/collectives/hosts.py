"""Between hosts: one rank of each exchanges buffers with the others by MPI, and adds them in a fixed order."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...engine.dtypes import as_dtype
from ..pauses import pauses
from ..world import load, world
from .exchange import Array, Operation
from .failures import left_error, mismatch_error
from .settings import Settings
from .stalls import Patience

_TAG, _TEXT, _SLICE, _RESULT = range(11, 15)
_TEXT_BYTES = 4096


def tree_sum(arrays: Sequence[Array]) -> Array:
    """The sum of arrays by pairs of neighbours, then pairs of pairs: an order that does not depend on who adds."""
    if len(arrays) == 1:
        return arrays[0]
    half = 1
    while 2 * half < len(arrays):
        half *= 2
    total: Array = tree_sum(arrays[:half]) + tree_sum(arrays[half:])
    return total


class HostGroup:
    """One rank of each host.

    Args:
        comm: their communicator of MPI.
        names: the number of each of them in the job.
        settings: the largest message, and how long is waited.
    """

    def __init__(self, comm: Any, names: list[int], settings: Settings) -> None:
        self.rank, self.size = comm.rank, comm.size
        self._comm, self._names, self._settings = comm, names, settings
        self.sent_bytes = 0

    def agree(self, operation: Operation) -> None:
        """Returns when every host is at this operation.

        Raises:
            InvalidArgumentError: one is at another.
            DeadlineExceededError: one did not come in time.
        """
        own = np.array([operation.tag], np.int64)
        tags = [np.zeros(1, np.int64) for _ in range(self.size)]
        self._swap(operation, _TAG, [own] * self.size, tags)
        tags[self.rank] = own
        if all(tag[0] == own[0] for tag in tags):
            return
        text = np.zeros(_TEXT_BYTES, np.uint8)
        data = operation.text.encode()[:_TEXT_BYTES]
        text[: len(data)] = np.frombuffer(data, np.uint8)
        texts = [np.zeros(_TEXT_BYTES, np.uint8) for _ in range(self.size)]
        self._swap(operation, _TEXT, [text] * self.size, texts)
        texts[self.rank] = text
        said = [t.tobytes().rstrip(b"\0").decode(errors="replace") for t in texts]
        raise mismatch_error(dict(zip(self._names, said, strict=True)))

    def add(self, operation: Operation, arrays: Sequence[Array], wire: str) -> None:
        """Replaces arrays of one dtype by their sums over the hosts."""
        if not arrays:
            return
        flat = np.concatenate([a.reshape(-1) for a in arrays])
        step = max(1, min(len(flat), self._settings.count_limit // max(1, flat.itemsize) * self.size))
        for start in range(0, len(flat), step):
            self._add(operation, flat[start : start + step], wire)
        place = 0
        for array in arrays:
            np.copyto(array, flat[place : place + array.size].reshape(array.shape))
            place += array.size

    def _add(self, operation: Operation, flat: Array, wire: str) -> None:
        bounds = [len(flat) * q // self.size for q in range(self.size + 1)]
        slices = [flat[a:b] for a, b in itertools.pairwise(bounds)]
        kind = as_dtype(wire).numpy if wire else flat.dtype
        given = [s.astype(kind, copy=False) for s in slices]
        mine = given[self.rank]
        found = [np.empty_like(mine) for _ in range(self.size)]
        self._swap(operation, _SLICE, given, found)
        found[self.rank] = mine
        wide = np.float32 if flat.dtype.itemsize == 2 and flat.dtype.kind != "u" else flat.dtype
        total = tree_sum([f.astype(wide) for f in found]).astype(kind)
        results = [np.empty_like(g) for g in given]
        self._swap(operation, _RESULT, [total] * self.size, results)
        results[self.rank] = total
        for part, result in zip(slices, results, strict=True):
            np.copyto(part, result, casting="same_kind")

    def pass_on(self, operation: Operation, arrays: Sequence[Array], owners: Sequence[int]) -> None:
        """Gives every host each array as the host `owners[i]` (by number in this group) has it."""
        for array, owner in zip(arrays, owners, strict=True):
            flat = array.reshape(-1).view(np.uint8)
            for start in range(0, len(flat), self._settings.count_limit):
                piece = flat[start : start + self._settings.count_limit]
                nothing = piece[:0]
                given = [piece if owner == self.rank else nothing] * self.size
                taken = [piece if q == owner else nothing for q in range(self.size)]
                self._swap(operation, _SLICE, given, taken)

    def _swap(self, operation: Operation, tag: int, given: Sequence[Array], taken: Sequence[Array]) -> None:
        """Sends `given[q]` to each other host q, and fills `taken[q]` with what it sends."""
        byte = load().BYTE
        others = [q for q in range(self.size) if q != self.rank]
        arriving = {q: self._comm.Irecv([_bytes(taken[q]), byte], q, tag) for q in others if taken[q].size}
        leaving = [self._comm.Isend([_bytes(given[q]), byte], q, tag) for q in others if given[q].size]
        self.sent_bytes += sum(given[q].nbytes for q in others)
        patience = Patience(operation.text, self._settings)
        waiting = dict(arriving)

        def missing() -> dict[int, str]:
            return {self._names[q]: "" for q in waiting}

        for checks, _ in enumerate(pauses(), 1):
            for q in [q for q, request in waiting.items() if request.Test()]:
                del waiting[q]
            if not waiting and all(request.Test() for request in leaving):
                return
            if checks % 64 == 0:
                self._check(operation, waiting, patience, missing)

    def _check(
        self, operation: Operation, waiting: dict[int, Any], patience: Patience, missing: Callable[[], dict[int, str]]
    ) -> None:
        patience.check(missing)
        gone = [self._names[q] for q in waiting if self._names[q] in world().ended()]
        if gone and not any(waiting[q].Test() for q in list(waiting) if self._names[q] in gone):
            raise left_error(operation.text, gone[0])


def _bytes(array: Array) -> Array:
    return array.reshape(-1).view(np.uint8)
