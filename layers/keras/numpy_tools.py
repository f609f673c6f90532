"""`keras.utils`: labels as one-hot rows, rows of unit length, random seeds, sequences of batches, padded sequences."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence as Rows
from typing import Any

import numpy as np

from ...engine.ops.random import set_random_seed as set_graph_seed

Array = np.ndarray[Any, Any]


def to_categorical(x: Any, num_classes: int | None = None, dtype: Any = "float32") -> Array:
    """Class numbers as one-hot rows.

    Args:
        x: class numbers from 0; a last dimension of 1 is dropped.
        num_classes: how many there are, by default one more than the largest.
        dtype: of the result.

    Raises:
        ValueError: a number is negative or not below num_classes.

    Example:
        >>> import headrace as tf
        >>> tf.keras.utils.to_categorical([0, 2]).tolist()
        [[1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]
    """
    numbers = np.asarray(x, "int64")
    shape = numbers.shape[:-1] if numbers.ndim > 1 and numbers.shape[-1] == 1 else numbers.shape
    flat = numbers.reshape(-1)
    count = int(flat.max(initial=-1)) + 1 if num_classes is None else num_classes
    if len(flat) and (flat.min() < 0 or flat.max() >= count):
        raise ValueError(f"Class numbers must be in [0, {count}), got {flat.min()} to {flat.max()}")
    rows = np.zeros((len(flat), count), dtype)
    rows[np.arange(len(flat)), flat] = 1
    return rows.reshape(*shape, count)


def normalize(x: Any, axis: int = -1, order: int = 2) -> Array:
    """An array whose vectors along an axis have the norm 1; zeros stay."""
    array = np.asarray(x)
    norm = np.atleast_1d(np.linalg.norm(array, order, axis))
    norm[norm == 0] = 1
    return np.asarray(array / np.expand_dims(norm, axis))


def set_random_seed(seed: Any) -> None:
    """Seeds Python's and NumPy's generators, and the default graph.

    Raises:
        ValueError: it is no whole number from 0 to 2**32 - 1.
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed < 2**32:
        raise ValueError(f"The seed must be a whole number from 0 to 2**32 - 1, got {seed!r}")
    random.seed(int(seed))
    np.random.seed(int(seed))
    set_graph_seed(int(seed))


class PyDataset:
    """Batches by number: a subclass defines `__len__` and `__getitem__(index)`, which gives (x, y) or (x, y, weights).

    `on_epoch_end` is called after each epoch. Batches are made one at a time.

    Args:
        workers, use_multiprocessing, max_queue_size: accepted.
    """

    def __init__(self, workers: int = 1, use_multiprocessing: bool = False, max_queue_size: int = 10) -> None:
        self.workers, self.use_multiprocessing, self.max_queue_size = workers, use_multiprocessing, max_queue_size

    def __getitem__(self, index: int) -> Any:
        raise NotImplementedError(f"{type(self).__name__} does not define __getitem__")

    def __len__(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} does not define __len__")

    def on_epoch_begin(self) -> None:
        """Called before each epoch."""

    def on_epoch_end(self) -> None:
        """Called after each epoch."""

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))


Sequence = PyDataset


def pad_sequences(
    sequences: Rows[Rows[Any]],
    maxlen: int | None = None,
    dtype: Any = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: Any = 0.0,
) -> Array:
    """Sequences of different lengths as rows of one array.

    Args:
        sequences: the sequences.
        maxlen: the length of a row, by default that of the longest sequence.
        dtype: of the result.
        padding: "pre" to fill up before a sequence, "post" after it.
        truncating: "pre" to cut off the beginning of what is too long, "post" the end.
        value: to fill up with.

    Raises:
        ValueError: padding or truncating is neither, or a sequence is none.

    Example:
        >>> import headrace as tf
        >>> tf.keras.utils.pad_sequences([[1], [2, 3]]).tolist()
        [[0, 1], [2, 3]]
    """
    for name, where in (("padding", padding), ("truncating", truncating)):
        if where not in ("pre", "post"):
            raise ValueError(f"{name} must be 'pre' or 'post', got {where!r}")
    wrong = [one for one in sequences if not hasattr(one, "__len__")]
    if wrong:
        raise ValueError(f"sequences must hold sequences, got {wrong[0]!r}")
    length = max((len(one) for one in sequences), default=0) if maxlen is None else maxlen
    inner = next((np.asarray(one).shape[1:] for one in sequences if len(one)), ())
    rows = np.full((len(sequences), length, *inner), value, dtype)
    for row, one in zip(rows, sequences, strict=True):
        kept = np.asarray(one[-length:] if truncating == "pre" else one[:length], dtype)[: length or 0]
        if len(kept):
            row[slice(length - len(kept), None) if padding == "pre" else slice(len(kept))] = kept
    return rows
