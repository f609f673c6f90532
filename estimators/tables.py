"""Examples in memory as named columns: what `fit`, `evaluate` and `predict` make of arrays, lists, frames and matrices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..engine.byte_strings import string_array
from ..layers.fitting.rows import first_bad_row

# The feature that stands for an unnamed array.
ARRAY_FEATURE = "x"
Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Table:
    """Equally long columns by name, and the names of a frame's columns where they became one array."""

    columns: dict[str, Any]
    names: list[Any] | None
    # What it was made of is an array, a frame or a sparse matrix, in which features are counted and not named.
    counted: bool

    def __len__(self) -> int:
        return int(next(iter(self.columns.values())).shape[0])

    def rows(self, chosen: Any) -> dict[str, Array]:
        """The columns at some rows, given as a slice or by number."""
        return {name: _dense(column[chosen]) for name, column in self.columns.items()}

    def part(self, chosen: Any) -> Table:
        """The table of some rows."""
        return self.of({name: column[chosen] for name, column in self.columns.items()})

    def of(self, columns: dict[str, Any]) -> Table:
        """The same table with other columns."""
        return replace(self, columns=columns)

    @property
    def width(self) -> int:
        """Features an example, where they are counted."""
        (column,) = self.columns.values()
        return int(np.prod(column.shape[1:]))


def _dense(column: Any) -> Array:
    return column.toarray() if hasattr(column, "toarray") else column  # type: ignore[no-any-return]


def is_sparse(x: Any) -> bool:
    """Whether `x` is a sparse matrix or array of SciPy's."""
    return hasattr(x, "tocsr") and hasattr(x, "nnz")


def is_frame(x: Any) -> bool:
    """Whether `x` is a data frame: it has named columns."""
    return hasattr(x, "columns") and hasattr(x, "__getitem__") and not isinstance(x, Mapping)


def table_of(x: Any, joined: bool = True) -> Table:
    """The columns of examples: those of a mapping or frame, or one called "x" for an array, list or sparse matrix.

    Args:
        x: the examples.
        joined: make one array of a frame whose columns are all numbers.

    Raises:
        ValueError: a column is empty, ragged, no matrix, or holds NaN, with its name and first bad row.
        TypeError: a value is no number.
    """
    # SciPy's matrix of a dictionary of keys is a mapping too.
    if is_sparse(x):
        return Table({ARRAY_FEATURE: _checked_sparse(x)}, None, True)
    if isinstance(x, Mapping):
        if not x:
            raise ValueError("x has no columns: it is an empty dictionary")
        return _equally_long(
            Table({str(name): checked_column(str(name), values) for name, values in x.items()}, None, False)
        )
    if is_frame(x):
        return _table_of_frame(x, joined)
    return Table({ARRAY_FEATURE: _checked_width(checked_column(ARRAY_FEATURE, x))}, None, True)


def _equally_long(table: Table) -> Table:
    lengths = {name: column.shape[0] for name, column in table.columns.items()}
    if len(set(lengths.values())) > 1:
        raise ValueError(f"The columns are not equally long: {lengths}")
    return table


def _table_of_frame(frame: Any, joined: bool) -> Table:
    names = list(frame.columns)
    columns = {str(name): np.asarray(frame[name]) for name in names}
    if not (joined and names and all(column.dtype.kind in "fiub" for column in columns.values())):
        return replace(table_of(columns), names=names)
    for name, column in columns.items():
        checked_column(name, column)
    return Table({ARRAY_FEATURE: np.stack([c.astype(np.float32) for c in columns.values()], 1)}, names, True)


def checked_column(name: str, values: Any) -> Array:
    """A column as an array: float64 as float32, words as strings.

    Raises:
        ValueError: it is empty, ragged or holds NaN or infinity, with its name and first bad row.
        TypeError: a value is neither a number nor a word.
    """
    try:
        array = np.asarray(values)
    except (ValueError, NotImplementedError) as error:
        raise ValueError(f"The column {name!r} is not an array: {error}") from None
    if array.dtype.kind == "O":
        array = _of_objects(name, array)
    if array.dtype.kind == "c":
        raise ValueError(f"Complex data not supported: the column {name!r} is {array.dtype}")
    if array.ndim == 0:
        raise ValueError(f"The column {name!r} must be an array of examples, got the scalar {array!r:.100}")
    if array.dtype.kind in "SU":
        return string_array(array)
    if array.dtype.kind != "f":
        return array
    # What is too large for float32 becomes infinite, and is refused as such.
    with np.errstate(over="ignore"):
        numbers = array.astype(np.float32) if array.dtype != np.float32 else array
    return _finite(name, numbers, array)


def _finite(name: str, array: Array, given: Array) -> Array:
    row = first_bad_row(array)
    if row is None:
        return array
    raise ValueError(f"The column {name!r} holds NaN or infinity, first in row {row}: {given[row]!r:.100}")


def _of_objects(name: str, array: Array) -> Array:
    flat = array.reshape(-1)
    _check_words(name, array)
    if len(flat) and isinstance(flat[0], str | bytes):
        return string_array(array)
    try:
        return array.astype(np.float64)
    except (TypeError, ValueError):
        row, value = next((i, v) for i, v in enumerate(flat) if not _is_number(v))
    row //= max(array.size // max(len(array), 1), 1)
    raise TypeError(
        f"The column {name!r} cannot be made numbers: argument must be a string or a number, got "
        f"{type(value).__name__} {value!r:.50}, first in row {row}"
    )


def _check_words(name: str, array: Array) -> None:
    """Raises TypeError where a column of words has something else among them, as frames write what is missing."""
    flat = array.reshape(-1).tolist()
    kinds = set(map(type, flat))
    if kinds.isdisjoint({str, bytes}) or kinds <= {str, bytes}:
        return
    row, value = next((i, v) for i, v in enumerate(flat) if not isinstance(v, str | bytes))
    is_nan = isinstance(value, float) and value != value
    is_missing = value is None or is_nan or type(value).__name__ in ("NAType", "NaTType")
    if is_missing or isinstance(flat[0], str | bytes):
        row //= max(array.size // max(len(array), 1), 1)
        advice = ': write "" for a word that is missing' if is_missing else ""
        raise TypeError(f"The column {name!r} is of words, but holds {value!r:.50} in row {row}{advice}")


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def _checked_sparse(x: Any) -> Any:
    matrix = x.tocsr()
    if matrix.dtype.kind == "c":
        raise ValueError(f"Complex data not supported: the sparse matrix is {matrix.dtype}")
    with np.errstate(over="ignore"):
        matrix = matrix.astype(np.float32)
    bad = np.flatnonzero(~np.isfinite(matrix.data))
    if len(bad):
        row = int(np.searchsorted(matrix.indptr, bad[0], "right")) - 1
        raise ValueError(f"The sparse matrix holds NaN or infinity, first in row {row}")
    return _checked_width(matrix)


def _checked_width(array: Any) -> Any:
    if array.ndim == 1:
        raise ValueError(
            f"Expected a 2D array of examples, got a 1D array of shape {array.shape}. Reshape your data: "
            "x.reshape(-1, 1) if it has one feature, x.reshape(1, -1) if it is one example."
        )
    if array.shape[0] and not np.prod(array.shape[1:]):
        raise ValueError(
            f"Found array with 0 feature(s) (shape={array.shape}) while a minimum of 1 is required: "
            f"{array.shape[0]} examples without a number"
        )
    return array
