"""A table of which only the rows in use have memory: a row comes into being, with its initial value, when first touched."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Rows = NDArray[np.int64]
# Gives the initial values of rows by their numbers, and by where the streams of random numbers begin.
InitialRows = Callable[[Rows, Array], Array]

# New rows are kept apart until there are so many, or a share of all: putting them among the others moves all of these.
_FEW = 1 << 14
_SHARE = 16


class _Index:
    """Where rows are kept, by their numbers: two sorted lists, a long one and one of those that came last."""

    def __init__(self) -> None:
        empty = np.empty(0, np.int64)
        self._old, self._old_places = empty, empty
        self._new, self._new_places = empty, empty

    def __len__(self) -> int:
        return len(self._old) + len(self._new)

    def find(self, rows: Rows) -> Rows:
        """The places of rows, -1 for those that are not there."""
        places = _look_up(self._old, self._old_places, rows)
        missing = np.flatnonzero(places < 0)
        if len(missing) and len(self._new):
            places[missing] = _look_up(self._new, self._new_places, rows[missing])
        return places

    def add(self, rows: Rows) -> Rows:
        """Gives places to rows that are not there, sorted and distinct."""
        places = np.arange(len(self), len(self) + len(rows))
        self._new, self._new_places = _merged(self._new, self._new_places, rows, places)
        if len(self._new) > max(_FEW, len(self._old) // _SHARE):
            self._old, self._old_places = _merged(self._old, self._old_places, self._new, self._new_places)
            self._new, self._new_places = self._new[:0], self._new_places[:0]
        return places

    def rows(self) -> tuple[Rows, Rows]:
        """All rows in order, and their places."""
        return _merged(self._old, self._old_places, self._new, self._new_places)


def _look_up(keys: Rows, places: Rows, rows: Rows) -> Rows:
    if not len(keys):
        return np.full(len(rows), -1, np.int64)
    at = np.minimum(np.searchsorted(keys, rows), len(keys) - 1)
    return np.where(keys[at] == rows, places[at], -1)


def _merged(keys: Rows, places: Rows, more: Rows, more_places: Rows) -> tuple[Rows, Rows]:
    at = np.searchsorted(keys, more)
    return np.insert(keys, at, more), np.insert(places, at, more_places)


class RowTable:
    """Rows of one shape and dtype, by number.

    Args:
        shape: of the whole table; its first size bounds the numbers of rows.
        dtype: of the elements.
    """

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.shape = shape
        self.dtype = dtype
        self._initial: InitialRows | None = None
        # Key and counter words of each random operation in the initial value, [operations, 6].
        self.streams = np.empty((0, 6), np.uint64)
        self._index = _Index()
        self._data = np.empty((0, *shape[1:]), dtype)
        self._lock = threading.RLock()

    def __len__(self) -> int:
        """How many rows are in use."""
        return len(self._index)

    @property
    def nbytes(self) -> int:
        """The memory of the rows in use."""
        return len(self) * int(self.dtype.itemsize * np.prod(self.shape[1:], dtype=np.int64))

    def initialize(self, initial: InitialRows, streams: Array) -> None:
        """Forgets all rows; from now on they begin as `initial` says for these streams."""
        with self._lock:
            self._initial = initial
            self.streams = streams
            self._index = _Index()
            self._data = self._data[:0].copy()

    def gather(self, rows: Array) -> Array:
        """The rows with these numbers, of any shape; those not in use are computed and take no memory.

        Raises:
            IndexError: a number is out of range.
        """
        self.check(rows)
        wanted, back = np.unique(rows.astype(np.int64, copy=False).reshape(-1), return_inverse=True)
        with self._lock:
            return self._values(wanted)[back].reshape(*rows.shape, *self.shape[1:])

    def rows(self, rows: Rows) -> Array:
        """The values of rows whose numbers are distinct, in order and in range."""
        with self._lock:
            return self._values(rows)

    def put(self, rows: Rows, values: Array) -> None:
        """Gives rows, whose numbers are distinct, in order and in range, new values."""
        with self._lock:
            places = self._index.find(rows)
            new = places < 0
            if new.any():
                places[new] = self._index.add(rows[new])
                self._grow(len(self._index))
            self._data[places] = values

    def items(self) -> tuple[Rows, Array]:
        """The numbers of the rows in use, in order, and their values."""
        with self._lock:
            rows, places = self._index.rows()
            return rows, self._data[places]

    def replace(self, rows: Rows, values: Array, streams: Array) -> None:
        """Forgets all rows but these, whose numbers are distinct and in order; others begin as `streams` say."""
        with self._lock:
            self.streams = streams
            self._index = _Index()
            self.put(rows, values)

    def _values(self, rows: Rows) -> Array:
        places = self._index.find(rows)
        missing = places < 0
        if not missing.any():
            return self._data[places]
        values = np.empty((len(rows), *self.shape[1:]), self.dtype)
        values[~missing] = self._data[places[~missing]]
        if self._initial is None:
            raise RuntimeError("rows are asked for before it is known how they begin")
        values[missing] = self._initial(rows[missing], self.streams)
        return values

    def check(self, rows: Array) -> None:
        """Raises IndexError, which names the place, if a number is out of range."""
        wrong = np.flatnonzero((rows < 0) | (rows >= self.shape[0]))
        if len(wrong):
            at = np.unravel_index(wrong[0], rows.shape)
            place = f"indices[{', '.join(map(str, at))}]" if rows.ndim else "indices"
            raise IndexError(f"{place} = {rows[at]} is not in [0, {self.shape[0]})")

    def _grow(self, count: int) -> None:
        if count <= len(self._data):
            return
        larger = np.empty((max(count, len(self._data) * 3 // 2), *self.shape[1:]), self.dtype)
        larger[: len(self._data)] = self._data
        self._data = larger
