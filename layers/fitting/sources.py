"""Where the batches of a `fit` come from, epoch by epoch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .chances import chances, set_chances
from .rows import Array, Rows, batches_of, count_of

# The arrays of a batch, and its number of rows.
Batch = tuple[list[Array], int]


class Source:
    """Batches, epoch by epoch.

    `steps` is the number of batches of a pass, None where it is not known before its end. With `goes_on` an epoch that
    was left early is followed by the rest of the pass: epochs of a given number of steps so come to all batches.
    """

    steps: int | None = None
    batch_size: int | None = None
    goes_on = False
    _running: Iterator[Batch] | None = None
    # Of the running pass: how many batches were given, what generators of numbers it began with, and whether it is the
    # rest of one that was interrupted.
    _given = 0
    _chances: Any = None
    _is_rest = False

    def epoch(self) -> Iterator[Batch]:
        """The batches of the next epoch."""
        is_new = self._running is None or not (self.goes_on or self._is_rest)
        if is_new:
            self._given, self._chances, self._running = 0, chances(), self._pass(0)
        was_at_end, self._is_rest = not is_new and self.goes_on, False
        for batch in self._running or ():
            was_at_end = False
            self._given += 1
            yield batch
        self._running = None
        if was_at_end:
            # The epoch before ended with the pass.
            yield from self.epoch()

    def place(self) -> dict[str, Any] | None:
        """Where the running pass is, of plain values; None between two passes."""
        if self._running is None:
            return None
        return {"given": self._given, "chances": self._chances, "more": self._more()}

    def go_to(self, place: dict[str, Any] | None) -> None:
        """Goes on where `place` was asked; draws the pass's order as it was drawn then."""
        if place is not None:
            self._given, self._chances, self._is_rest = int(place["given"]), place["chances"], True
            set_chances(place["chances"])
            self._running = self._rest(self._given, place["more"])

    def _more(self) -> Any:
        """What else says where a pass is."""
        return None

    def _rest(self, given: int, more: Any) -> Iterator[Batch]:
        """A pass from where it was interrupted."""
        return self._pass(given)

    def _pass(self, skip: int) -> Iterator[Batch]:
        """All batches once, without the first `skip`; what is drawn for all of them is drawn at once."""
        raise NotImplementedError

    def on_epoch_end(self) -> None:
        """Called after each epoch."""


class RowSource(Source):
    """Rows that lie in memory; with `shuffle` in another order each pass.

    Args:
        rows: how many there are.
        batch_size: rows a batch.
        shuffle: whether to draw an order; "batch" for one of the batches alone.
        rng: what draws it, by default NumPy's global generator.

    Raises:
        ValueError: batch_size is no positive whole number.
    """

    def __init__(self, rows: int, batch_size: Any, shuffle: Any = False, rng: Any = None) -> None:
        if isinstance(batch_size, bool) or not isinstance(batch_size, int | np.integer) or batch_size < 1:
            raise ValueError(f"batch_size must be a positive whole number, got {batch_size!r}")
        self.rows, self.batch_size, self.shuffle = rows, int(batch_size), shuffle
        self._draws = np.random.permutation if rng is None else rng.permutation
        self.steps = -(-rows // self.batch_size)

    def taken(self, chosen: Rows) -> list[Array]:
        """The arrays of some rows."""
        raise NotImplementedError

    def _order(self) -> Array | None:
        if not self.shuffle:
            return None
        if self.shuffle != "batch":
            return self._draws(self.rows)
        size = self.batch_size or 1
        starts = self._draws(self.steps or 0) * size
        return np.concatenate([np.arange(s, min(s + size, self.rows)) for s in starts])

    def _pass(self, skip: int) -> Iterator[Batch]:
        chosen = batches_of(self.rows, self.batch_size or 1, self._order(), skip)
        return ((self.taken(rows), count_of(rows)) for rows in chosen)
