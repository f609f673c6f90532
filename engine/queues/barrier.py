"""Barriers: elements whose components arrive one by one, under keys, and are taken once they are complete."""

from __future__ import annotations

import heapq
from collections.abc import Sequence
from itertools import count
from typing import Any

import numpy as np

from ..dtypes import DType
from ..errors import CancelledError, InvalidArgumentError, OutOfRangeError
from ..inference import show
from ..runtime import Cancellation
from ..shapes import Sizes, are_compatible
from .waiting import Attempt, Lines

# The batch number of the first insertion.
FIRST_BATCH = -(1 << 63)


class _Entry:
    """An element that waits for components: the batch and the place in which its key came, and what is there."""

    __slots__ = ("batch", "components", "number")

    def __init__(self, batch: int, number: int, components: dict[int, Any]) -> None:
        self.batch = batch
        self.number = number
        self.components = components


class Barrier:
    """Elements by key. Complete ones are given in the order in which their keys first came, as in TensorFlow 1.15.

    Args:
        name: for messages.
        dtypes: of the components.
        shapes: of the components; empty where any is allowed.
    """

    def __init__(self, name: str, dtypes: Sequence[DType], shapes: Sequence[Sizes]) -> None:
        self.name = name
        self.dtypes = list(dtypes)
        self.shapes = list(shapes) or [None] * len(self.dtypes)
        self.closed = False
        self.cancels = False
        self._incomplete: dict[bytes, _Entry] = {}
        self._ready: list[tuple[int, bytes, list[Any]]] = []
        self._batch = FIRST_BATCH
        self._numbers = count()
        self._batches: dict[int, int] = {}
        self._lines = Lines(1)

    # Inserting

    def insert_many(self, keys: Any, values: Any, component: int) -> None:
        """Gives the elements `keys` their component `component`; nothing is inserted if one of them is refused.

        Raises:
            InvalidArgumentError: the values do not fit, or a key already has this component.
            CancelledError: the barrier is closed, and a key is new or all insertions are cancelled.
        """
        self._check_values(keys, values, component)
        with self._lines.lock:
            if self.closed and (self.cancels or (len(keys) and not self._incomplete)):
                raise self._closed_error(len(keys))
            self._insert(keys, np.array(values, order="C"), component)
            self._lines.flush()

    def _insert(self, keys: Any, values: Any, component: int) -> None:
        changed: dict[bytes, _Entry | None] = {}
        done: list[tuple[int, bytes, list[Any], int]] = []
        is_new = False
        for i, key in enumerate(keys.tolist()):
            entry = changed[key] if key in changed else self._copy_of(key)
            if entry is None:
                if self.closed:
                    raise self._closed_error(len(keys), f" The key {key!r} is new.")
                entry, is_new = _Entry(self._batch, next(self._numbers), {}), True
            if component in entry.components:
                text = f"Key {key!r} already has a value for component {component} in barrier {self.name}"
                raise InvalidArgumentError(None, None, text)
            entry.components[component] = values[i, ...]
            changed[key] = entry
            if len(entry.components) == len(self.dtypes):
                parts = [entry.components[j] for j in range(len(self.dtypes))]
                done.append((entry.number, key, parts, entry.batch))
                changed[key] = None
        for key, entry in changed.items():
            self._incomplete.pop(key, None)
            if entry is not None:
                self._incomplete[key] = entry
        for number, key, parts, batch in done:
            self._batches[number] = batch
            heapq.heappush(self._ready, (number, key, parts))
        self._batch += is_new

    def _copy_of(self, key: bytes) -> _Entry | None:
        entry = self._incomplete.get(key)
        return None if entry is None else _Entry(entry.batch, entry.number, dict(entry.components))

    def _check_values(self, keys: Any, values: Any, component: int) -> None:
        if not 0 <= component < len(self.dtypes):
            text = f"The component ID is out of range {component} > num_components (= {len(self.dtypes)})"
            raise InvalidArgumentError(None, None, text)
        if keys.ndim != 1 or values.ndim < 1 or len(keys) != len(values):
            text = f"There must be one value a key, got keys {show(keys.shape)} and values {show(values.shape)}"
            raise InvalidArgumentError(None, None, text)
        if values.dtype != self.dtypes[component].numpy:
            text = f"Component {component} of barrier {self.name} is {self.dtypes[component].name}, not {values.dtype}"
            raise InvalidArgumentError(None, None, text)
        row = values.shape[1:]
        if 0 in row:
            text = f"Tensors with no elements are not supported for barrier {self.name}: received shape {show(row)}"
            raise InvalidArgumentError(None, None, text)
        if not are_compatible(row, self.shapes[component]):
            text = f"Shape mismatch in component {component}. Expected {show(self.shapes[component])}, got {show(row)}"
            raise InvalidArgumentError(None, None, text)

    def _closed_error(self, number: int, more: str = "") -> CancelledError:
        text = (
            f"Barrier {self.name} is closed.{more} Pending enqueues cancelled: {self.cancels}. "
            f"Number of new insertions: {number}. Number of incomplete keys: {len(self._incomplete)}."
        )
        return CancelledError(None, None, text)

    # Taking

    def take_many(
        self, number: int, allow_small_batch: bool, cancellation: Cancellation | None = None
    ) -> tuple[Any, Any, list[Any]]:
        """The batch numbers, keys and stacked components of `number` complete elements; waits until there are so many.

        With `allow_small_batch` a closed barrier gives what is complete, if anything.

        Raises:
            OutOfRangeError: the barrier is closed and can never give so many.
        """
        if number < 0:
            raise InvalidArgumentError(None, None, f"TakeMany requested {number} < 0 elements")

        def advance(attempt: Attempt) -> bool:
            wanted = number
            if self.closed:
                wanted = self._wanted_of_closed(number, allow_small_batch)
            if len(self._ready) < wanted:
                return False
            attempt.result = [heapq.heappop(self._ready) for _ in range(wanted)]
            return True

        return self._stacked(self._lines.run(0, Attempt("TakeMany", advance), cancellation))

    def _wanted_of_closed(self, number: int, small: bool) -> int:
        available = len(self._ready)
        wanted = min(number, available) if small else number
        total = available if small else available + len(self._incomplete)
        if total < max(wanted, 1):
            text = f"Barrier '{self.name}' is closed and has insufficient elements (requested {wanted}, total size {total})"
            raise OutOfRangeError(None, None, text)
        return wanted

    def _stacked(self, elements: list[tuple[int, bytes, list[Any]]]) -> tuple[Any, Any, list[Any]]:
        indices = np.array([self._batches.pop(number) for number, _, _ in elements], np.int64)
        keys = np.array([key for _, key, _ in elements], object)
        columns = [[parts[i] for _, _, parts in elements] for i in range(len(self.dtypes))]
        return indices, keys, [self._column(i, c) for i, c in enumerate(columns)]

    def _column(self, component: int, parts: list[Any]) -> Any:
        if not parts:
            known = tuple(size or 0 for size in self.shapes[component] or ())
            return np.empty((0, *known), self.dtypes[component].numpy)
        if any(p.shape != parts[0].shape for p in parts):
            text = f"The elements of component {component} of barrier {self.name} have different shapes: no batch"
            raise InvalidArgumentError(None, None, text)
        return np.stack(parts)

    # State

    def close(self, cancel_pending_enqueues: bool = False) -> None:
        """Lets no new keys in; incomplete elements may still be completed, or are forgotten with `cancel_...`.

        Raises:
            CancelledError: it is closed already, unless this call is the first that cancels.
        """
        with self._lines.lock:
            if self.closed and (self.cancels or not cancel_pending_enqueues):
                raise CancelledError(None, None, f"Barrier '{self.name}' is already closed.")
            self.closed, self.cancels = True, cancel_pending_enqueues
            if cancel_pending_enqueues:
                self._incomplete.clear()
            self._lines.flush()

    def ready_size(self) -> int:
        """How many elements are complete."""
        with self._lines.lock:
            return len(self._ready)

    def incomplete_size(self) -> int:
        """How many elements wait for components."""
        with self._lines.lock:
            return len(self._incomplete)

    def check_same(self, dtypes: Sequence[DType], shapes: Sequence[Sizes]) -> None:
        """Raises InvalidArgumentError unless another op may share this barrier under its name."""
        theirs = (list(dtypes), list(shapes) or [None] * len(dtypes))
        if (self.dtypes, self.shapes) != theirs:
            text = f"Shared barrier '{self.name}' is {(self.dtypes, self.shapes)}, but the op that shares it: {theirs}"
            raise InvalidArgumentError(None, None, text)
