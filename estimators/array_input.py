"""Examples in memory as the input of an estimator's models: what kind of batches they give, and the batches."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np

from ..datasets.arrays import ArrayBatches
from ..engine.dtypes import of_array
from ..engine.graph import Graph
from ..engine.training.global_step import get_or_create_global_step
from ..layers.fitting.rows import batches_of
from .kept import Kind, Values
from .tables import Table

# The feature of the weights that `fit` and `evaluate` are given besides the columns.
SAMPLE_WEIGHT = "_sample_weight"
# Examples among which equal ones are looked for.
MOST_MERGED = 256


class ArrayInput:
    """Examples with labels and weights, cut into batches.

    Args:
        mode: one of ModeKeys.
        table: the columns.
        labels: a label an example, or None.
        weights: a weight an example, or None; the model gets them with a mean of 1.
        batch_size: rows a batch.
    """

    def __init__(self, mode: str, table: Table, labels: Any, weights: Any, batch_size: Any) -> None:
        if not isinstance(batch_size, int | np.integer) or batch_size < 1:
            raise ValueError(f"batch_size must be at least 1, got {batch_size!r}")
        if not len(table):
            raise ValueError("The arrays are empty, 0 sample(s): there is nothing to train, evaluate or predict")
        self.mode, self.table, self.batch_size = mode, table, int(batch_size)
        self._labels, self._given_weights = labels, weights
        self._weights = None if weights is None else (weights / np.mean(weights)).astype(np.float32)

    def __len__(self) -> int:
        """Batches of a pass."""
        return -(-len(self.table) // self.batch_size)

    def kind(self) -> Kind:
        """What its batches are."""
        columns = [(name, _kind_of_column(column)) for name, column in self.table.columns.items()]
        if self._weights is not None:
            columns.append((SAMPLE_WEIGHT, _kind_of_column(self._weights)))
        labels = ("none",) if self._labels is None else _kind_of_column(self._labels)
        return (("dict", tuple(columns)), labels)

    def rows(self, chosen: Any) -> Values:
        """The batch of some rows."""
        values: Values = list(self.table.rows(chosen).values())
        for array in (self._weights, self._labels):
            if array is not None:
                values.append(array[chosen])
        return values

    def batches(self) -> Iterator[Values]:
        """The batches of one pass, in order."""
        return map(self.rows, batches_of(len(self.table), self.batch_size))

    def part(self, mode: str, chosen: slice) -> ArrayInput:
        """The same for some of the rows."""
        labels, weights = (None if a is None else a[chosen] for a in (self._labels, self._given_weights))
        return ArrayInput(mode, self.table.part(chosen), labels, weights, self.batch_size)

    def merged(self) -> ArrayInput:
        """The same with equal examples as one of their weights' sum, and none of no weight, for few counted examples.

        So a weight of two is the same as an example that is there twice, to the last bit.
        """
        rows = len(self.table)
        if not self.table.counted or rows > MOST_MERGED or self._labels is None or self._labels.ndim != 1:
            return self
        (name,) = self.table.columns
        values = self.table.rows(slice(None))[name]
        if self._labels.dtype.kind not in "fiub" or values.dtype.kind not in "fiub":
            return self
        weights = np.ones(rows) if self._given_weights is None else self._given_weights
        used = np.flatnonzero(weights)
        keys = np.column_stack([values.reshape(rows, -1), self._labels]).astype(np.float64)[used]
        _, first, place = np.unique(keys, axis=0, return_index=True, return_inverse=True)
        sums = np.bincount(place.reshape(-1), weights[used])
        table = self.table.of({name: values[used[first]]})
        return ArrayInput(
            self.mode, table, self._labels[used[first]], None if np.all(sums == sums[0]) else sums, self.batch_size
        )

    @cached_property
    def _built(self) -> tuple[Graph, Any, Any]:
        with Graph().as_default() as graph:
            get_or_create_global_step()
            found = self()
        return (graph, found, None) if self._labels is None else (graph, *found)

    def __call__(self) -> Any:
        """The tensors of its batches in the default graph, as an input function gives them."""
        features = self.table.rows(slice(None))
        if self._weights is not None:
            features[SAMPLE_WEIGHT] = self._weights
        elements = features if self._labels is None else (features, self._labels)
        return ArrayBatches(elements, self.batch_size).make_one_shot_iterator().get_next()

    @property
    def graph(self) -> Graph:
        """A graph of its tensors, for a model that cannot be kept."""
        return self._built[0]

    @property
    def features(self) -> Any:
        """The tensors of the columns."""
        return self._built[1]

    @property
    def labels(self) -> Any:
        """The tensor of the labels."""
        return self._built[2]


def _kind_of_column(column: Any) -> Kind:
    return ("tensor", of_array(np.empty(0, column.dtype)).name, (None, *column.shape[1:]))
