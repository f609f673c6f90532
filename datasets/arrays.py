"""Minibatches of arrays that lie in memory: whole batches are cut by index, no element is touched alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from ..engine.byte_strings import string_array
from ..engine.dtypes import of_array
from ..engine.nest import flatten, pack_sequence_as
from .dataset import Dataset
from .running import Generated
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
        super().__init__(pack_sequence_as(arrays, specs), (), lambda run: Generated(self.elements()))

    def __len__(self) -> int:
        """Batches an epoch."""
        whole, rest = divmod(self.length, self.batch_size)
        return whole + (1 if rest and not self.drop_remainder else 0)

    def elements(self) -> Iterator[Sequence[Any]]:
        """A fresh iterator over the batches, each a list of arrays."""
        return self._stream() if self.across else self._epochs()

    def _stream(self) -> Iterator[Sequence[Any]]:
        rng = np.random.default_rng(self.seed)
        held = np.empty(0, np.int64)
        epoch = 0
        while self.epochs is None or epoch < self.epochs:
            order = rng.permutation(self.length) if self.shuffled else np.arange(self.length)
            held = np.concatenate([held, order])
            whole = len(held) // self.batch_size * self.batch_size
            for start in range(0, whole, self.batch_size):
                yield [a[held[start : start + self.batch_size]] for a in self.arrays]
            held = held[whole:]
            epoch += 1
        if len(held) and not self.drop_remainder:
            yield [a[held] for a in self.arrays]

    def _epochs(self) -> Iterator[Sequence[Any]]:
        rng = np.random.default_rng(self.seed)
        epoch = 0
        while self.epochs is None or epoch < self.epochs:
            order = rng.permutation(self.length) if self.shuffled else None
            for start in range(0, len(self) * self.batch_size, self.batch_size):
                yield self._batch(order, start)
            epoch += 1

    def _batch(self, order: np.ndarray[Any, Any] | None, start: int) -> list[Any]:
        rows: Any = slice(start, start + self.batch_size)
        return [a[rows] if order is None else a[order[rows]] for a in self.arrays]


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
