"""Minibatches of arrays that lie in memory: whole batches are cut by index, no element is touched alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np

from ..engine.byte_strings import string_array
from ..engine.dtypes import of_array
from ..engine.nest import flatten, pack_sequence_as
from .cardinality import INFINITE, scaled
from .dataset import Dataset
from .running import Chance, Element, Elements, Run
from .structure import TensorSpec


class ArrayBatches(Dataset):
    """Batches of equally long arrays, in order or shuffled anew each epoch.

    Args:
        arrays: a structure (dict, tuple, ...) of arrays that share their first size.
        batch_size: rows a batch; the last batch of all is shorter where it does not divide.
        epochs: passes over the arrays, None for no end.
        shuffle: draw the rows of each epoch in random order.
        seed: of the order; the same seed gives the same batches.
        drop_remainder: leave out a last batch that is not full.
        across: let batches go on from one epoch to the next, so that only the last of all can be shorter.

    Raises:
        ValueError: the arrays differ in length, are empty, or batch_size is below 1.
    """

    def __init__(
        self,
        arrays: Any,
        batch_size: int,
        epochs: int | None = 1,
        shuffle: bool = False,
        seed: int | None = None,
        drop_remainder: bool = False,
        across: bool = False,
    ) -> None:
        self.arrays = [_as_array(a) for a in flatten(arrays)]
        self.length = _common_length(self.arrays)
        if batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size}")
        self.batch_size, self.epochs, self.shuffled, self.seed = batch_size, epochs, shuffle, seed
        self.drop_remainder, self.across = drop_remainder, across
        rows = batch_size if drop_remainder else None
        specs = [TensorSpec([rows, *a.shape[1:]], of_array(a)) for a in self.arrays]
        self._chance = Chance()
        super().__init__(pack_sequence_as(arrays, specs), (), self._iteration, [self._chance])

    def count(self, run: Run) -> int:
        """How many batches there are."""
        if self.epochs is None:
            return INFINITE
        if not self.across:
            return len(self) * self.epochs
        return scaled(self.length * self.epochs, self.batch_size, self.drop_remainder)

    def _iteration(self, run: Run) -> Elements:
        # An order that nobody chose is noted, so that a saved position gives the same rest.
        drawn = self.shuffled and self.seed is None
        return _Batches(self, run.log.next(self._chance)[0] if drawn else self.seed)

    def __len__(self) -> int:
        """Batches an epoch."""
        whole, rest = divmod(self.length, self.batch_size)
        return whole + (1 if rest and not self.drop_remainder else 0)

    def elements(self) -> Iterator[Sequence[Any]]:
        """A fresh iterator over the batches, each a list of arrays."""
        return _Batches(self, self.seed)

    def orders(self, seed: int | None) -> Iterator[np.ndarray[Any, Any] | slice]:
        """The rows of each batch: numbers, or a slice where they are in order."""
        return self._stream(seed) if self.across else self._epochs(seed)

    def _stream(self, seed: int | None) -> Iterator[np.ndarray[Any, Any]]:
        rng = np.random.default_rng(seed)
        held = np.empty(0, np.int64)
        epoch = 0
        while self.epochs is None or epoch < self.epochs:
            order = rng.permutation(self.length) if self.shuffled else np.arange(self.length)
            held = np.concatenate([held, order])
            whole = len(held) // self.batch_size * self.batch_size
            for start in range(0, whole, self.batch_size):
                yield held[start : start + self.batch_size]
            held = held[whole:]
            epoch += 1
        if len(held) and not self.drop_remainder:
            yield held

    def _epochs(self, seed: int | None) -> Iterator[np.ndarray[Any, Any] | slice]:
        rng = np.random.default_rng(seed)
        epoch = 0
        while self.epochs is None or epoch < self.epochs:
            order = rng.permutation(self.length) if self.shuffled else None
            for start in range(0, len(self) * self.batch_size, self.batch_size):
                rows = slice(start, start + self.batch_size)
                yield rows if order is None else order[rows]
            epoch += 1


class _Batches(Elements):
    """The batches of one pass; those that are passed over are not cut out."""

    def __init__(self, data: ArrayBatches, seed: int | None) -> None:
        self.arrays, self.orders = data.arrays, data.orders(seed)

    def __next__(self) -> Element:
        rows = next(self.orders)
        return [a[rows] for a in self.arrays]

    def skip(self, count: int) -> int:
        return sum(1 for _ in islice(self.orders, count))


def _as_array(values: Any) -> np.ndarray[Any, Any]:
    array = np.asarray(values)
    return string_array(array) if array.dtype.kind in "OSU" else array


def _common_length(arrays: Sequence[np.ndarray[Any, Any]]) -> int:
    lengths = {len(a) if a.ndim else -1 for a in arrays}
    if len(lengths) != 1 or -1 in lengths:
        raise ValueError(f"all arrays must have the same first size, got shapes {[a.shape for a in arrays]}")
    (length,) = lengths
    if length == 0:
        raise ValueError("the arrays are empty: there is nothing to train or evaluate on")
    return length
