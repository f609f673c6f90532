"""Looks at the rows of arrays: as many everywhere, finite, class numbers within range, which to keep for validation."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ...engine.tensor_types import SparseTensorValue

Array = np.ndarray[Any, Any]
# Some rows: a slice where they follow each other, else their numbers.
Rows = slice | Array


def check_rows(named: Sequence[tuple[str, Array]]) -> int:
    """The number of rows, which all arrays share.

    Raises:
        ValueError: they do not, or one has none because it is a single number.
    """
    for name, array in named:
        if not array.ndim:
            raise ValueError(f"{name} must have a row an example, got a single number")
    counts = {name: len(array) for name, array in named}
    if len(set(counts.values())) > 1:
        raise ValueError("All arrays must have as many rows: " + ", ".join(f"{n} has {c}" for n, c in counts.items()))
    return next(iter(counts.values()), 0)


def cut(value: Any, part: slice) -> Any:
    """Some rows, between two numbers, of an array or a SparseTensorValue; a single number belongs to all rows."""
    if not isinstance(value, SparseTensorValue):
        return value if np.ndim(value) == 0 else value[part]
    indices, values, sizes = (np.asarray(v) for v in value)
    first, end, _ = part.indices(int(sizes[0]))
    inside = (indices[:, 0] >= first) & (indices[:, 0] < end)
    # New arrays: the batch is cut more than once.
    own, own_sizes = indices[inside], sizes.copy()
    own[:, 0] -= first
    own_sizes[0] = end - first
    return SparseTensorValue(own, values[inside], own_sizes)


def stamps_of(values: Iterable[Any]) -> list[int]:
    """A number for each array or SparseTensorValue, which other values do not have; 0 where all its rows are the same."""
    return [0 if _is_constant(value) else _stamp(value) for value in values]


def _is_constant(value: Any) -> bool:
    array = np.asarray(value.values if isinstance(value, SparseTensorValue) else value)
    return array.ndim == 0 or len(array) < 2 or bool((array[1:] == array[:1]).all())


def _stamp(value: Any) -> int:
    stamp = hashlib.blake2b(digest_size=8)
    for part in value if isinstance(value, SparseTensorValue) else (value,):
        array = np.ascontiguousarray(part)
        stamp.update(f"{array.shape} {array.dtype}".encode())
        stamp.update(repr(array.tolist()).encode() if array.dtype.hasobject else array.tobytes())
    return int.from_bytes(stamp.digest(), signed=True)


def first_bad_row(array: Array) -> int | None:
    """The first row that holds NaN or infinity; None where there is none, or the array holds no numbers like that."""
    if array.dtype.kind not in "fc" and array.dtype.name != "bfloat16":
        return None
    # A sum costs a quarter of a look at each number, and is NaN or infinite if one of them is; it may also overflow.
    with np.errstate(over="ignore", invalid="ignore"):
        total = array.sum()
    if np.isfinite(total) or (finite := np.isfinite(array)).all():
        return None
    return int(np.argwhere(~finite)[0][0]) if array.ndim else 0


def first_outside(labels: Array, classes: int) -> int | None:
    """The first row of a label that is no whole number in [0, classes); None where there is none."""
    outside = (labels < 0) | (labels >= classes)
    if labels.dtype.kind == "f":
        outside |= labels != np.trunc(labels)
    return int(np.argwhere(outside)[0][0]) if outside.any() else None


def weights_by_class(labels: Array, weights: Mapping[Any, Any]) -> Array:
    """The weight of each of labels [n] by its class, float64; classes that are not named weigh 1."""
    classes, places = np.unique(labels, return_inverse=True)
    table: Array = np.array([float(weights.get(c, 1.0)) for c in classes.tolist()])
    return table[places.reshape(-1)]


def split_at(rows: int, share: float) -> int:
    """The row at which the `share` of the last rows begins, which are kept for validation.

    Raises:
        ValueError: share is not between 0 and 1, or one part is empty.
    """
    if not 0 < share < 1:
        raise ValueError(f"validation_split must be between 0 and 1, got {share}")
    at = int(np.floor(rows * (1 - share)))
    if at in (0, rows):
        raise ValueError(f"validation_split={share} of {rows} rows leaves nothing to train on or to validate with")
    return at


def batches_of(rows: int, size: int, order: Array | None = None, skip: int = 0) -> Iterator[Rows]:
    """Which rows each batch of a pass takes, without the first `skip` batches; in order where no other is given."""
    for start in range(skip * size, rows, size):
        chosen = slice(start, min(start + size, rows))
        yield chosen if order is None else order[chosen]


def count_of(chosen: Rows) -> int:
    """How many rows."""
    return int(chosen.stop - chosen.start) if isinstance(chosen, slice) else len(chosen)
