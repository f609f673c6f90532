"""Where the batches of a `fit` come from, epoch by epoch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

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

    def epoch(self, skip: int = 0) -> Iterator[Batch]:
        """The batches of the next epoch, without the first `skip`."""
        is_new = self._running is None or not self.goes_on
        if is_new:
            self._running = self._pass(skip)
        was_at_end = not is_new
        for batch in self._running or ():
            was_at_end = False
            yield batch
        self._running = None
        if was_at_end:
            # The epoch before ended with the pass.
            yield from self.epoch(skip)

    def _pass(self, skip: int) -> Iterator[Batch]:
        """All batches once, without the first `skip`."""
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
        for chosen in batches_of(self.rows, self.batch_size or 1, self._order(), skip):
            yield self.taken(chosen), count_of(chosen)
