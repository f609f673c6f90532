"""Staging areas: a short queue of tuples of tensors between two steps, bounded by number and by bytes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..errors import InvalidArgumentError, ResourceExhaustedError
from ..runtime import Cancellation
from .waiting import Attempt, Lines

_PUT, _GET, _PEEK = 0, 1, 2


class StagingArea:
    """Tuples of arrays, first in first out, as TensorFlow 1.15's `Stage` and `Unstage`.

    Args:
        capacity: how many tuples fit; any number if 0.
        memory_limit: how many bytes they may take together; any number if 0.
    """

    def __init__(self, capacity: int = 0, memory_limit: int = 0) -> None:
        if capacity < 0 or memory_limit < 0:
            text = f"capacity and memory_limit must be >= 0, got {capacity} and {memory_limit}"
            raise InvalidArgumentError(None, None, text)
        self.capacity = capacity
        self.memory_limit = memory_limit
        self._items: deque[tuple[list[Any], int]] = deque()
        self._bytes = 0
        self._lines = Lines(3)

    def put(self, values: Sequence[Any], cancellation: Cancellation | None = None) -> None:
        """Appends a tuple; waits while there is no room.

        Raises:
            ResourceExhaustedError: it is larger than the memory limit.
        """
        copies = [np.array(v) if isinstance(v, np.ndarray) else v for v in values]
        size = sum(v.nbytes for v in copies if isinstance(v, np.ndarray))
        if self.memory_limit and size > self.memory_limit:
            text = f"Tensors of {size} bytes do not fit into a staging area with a memory limit of {self.memory_limit}"
            raise ResourceExhaustedError(None, None, text)

        def advance(attempt: Attempt) -> bool:
            full = self.capacity and len(self._items) >= self.capacity
            if full or (self.memory_limit and self._bytes + size > self.memory_limit):
                return False
            self._items.append((copies, size))
            self._bytes += size
            return True

        self._lines.run(_PUT, Attempt("Stage", advance), cancellation)

    def get(self, cancellation: Cancellation | None = None) -> list[Any]:
        """Takes the oldest tuple off; waits while there is none."""

        def take() -> list[Any] | None:
            if not self._items:
                return None
            values, size = self._items.popleft()
            self._bytes -= size
            return values

        return self._waited(_GET, "Unstage", take, cancellation)

    def peek(self, index: int, cancellation: Cancellation | None = None) -> list[Any]:
        """The tuple at a place, which stays; waits while there is none."""
        if index < 0:
            raise InvalidArgumentError(None, None, f"index must be >= 0, got {index}")
        return self._waited(
            _PEEK, "StagePeek", lambda: self._items[index][0] if index < len(self._items) else None, cancellation
        )

    def _waited(
        self, line: int, what: str, find: Callable[[], list[Any] | None], cancellation: Cancellation | None
    ) -> list[Any]:
        def advance(attempt: Attempt) -> bool:
            attempt.result = find()
            return attempt.result is not None

        result: list[Any] = self._lines.run(line, Attempt(what, advance), cancellation)
        return result

    def size(self) -> int:
        """How many tuples there are."""
        with self._lines.lock:
            return len(self._items)

    def clear(self) -> None:
        """Forgets all tuples."""
        with self._lines.lock:
            self._items.clear()
            self._bytes = 0
            self._lines.flush()
