"""Look-up tables in the task's store: making, filling, reading and exporting them by handle.

The classes over them are in engine/lookup.py.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np

from ..dtypes import DType, as_dtype, float32, int64, string
from ..errors import FailedPreconditionError, InvalidArgumentError, NotFoundError
from ..graph import Operation, Sizes, Tensor
from ..inference import InferenceContext, no_outputs, scalar_shape
from ..registry import definition_of, op
from ..samples import Failure, Sample
from .strings import number_of

WHOLE_LINE, LINE_NUMBER = -2, -1

_MAKES: dict[str, Any] = {"outputs": "table_handle: resource", "shape": scalar_shape, "stateful": True}


class Table:
    """Values by key. An immutable table is filled once, by its initializer."""

    def __init__(self, key_dtype: DType, value_dtype: DType, value_shape: tuple[int, ...] | None = None) -> None:
        self.key_dtype = key_dtype
        self.value_dtype = value_dtype
        # None for an immutable table, whose values are scalars.
        self.value_shape = value_shape
        self.values: dict[Any, Any] = {}
        self.filled = value_shape is not None
        self.lock = threading.Lock()

    @property
    def row_shape(self) -> tuple[int, ...]:
        """The shape of one value."""
        return self.value_shape or ()

    def find(self, keys: Any, default: Any) -> Any:
        """The values of keys, `default` where there is none."""
        self._check(keys.dtype, default.dtype)
        if not self.filled:
            raise FailedPreconditionError(None, None, "Table not initialized.")
        if not self.row_shape and self.value_dtype != string:
            get, spare = self.values.get, np.ravel(default)[0].item()
            numbers = [get(key, spare) for key in keys.reshape(-1).tolist()]
            return np.array(numbers, self.value_dtype.numpy).reshape(keys.shape)
        result = np.empty((keys.size, *self.row_shape), self.value_dtype.numpy)
        get, spare = self.values.get, default if self.row_shape else np.ravel(default)[0]
        for i, key in enumerate(keys.reshape(-1).tolist()):
            result[i] = get(key, spare)
        return result.reshape((*keys.shape, *self.row_shape))

    def _check(self, key_dtype: Any, value_dtype: Any) -> None:
        wanted = (self.key_dtype, self.value_dtype)
        given = (as_dtype(key_dtype), as_dtype(value_dtype))
        if wanted != given:
            names = [f"{k.name} to {v.name}" for k, v in (wanted, given)]
            raise InvalidArgumentError(None, None, f"The table maps {names[0]}, but was used as one of {names[1]}")

    def insert(self, keys: Any, values: Any) -> None:
        """Sets the values of keys."""
        self._check(keys.dtype, values.dtype)
        rows = self._rows(keys, values)
        with self.lock:
            self.values.update(zip(keys.reshape(-1).tolist(), rows, strict=True))

    def _rows(self, keys: Any, values: Any) -> list[Any]:
        if values.shape != (*keys.shape, *self.row_shape):
            text = f"Expected values of shape {[*keys.shape, *self.row_shape]}, got {list(values.shape)}"
            raise InvalidArgumentError(None, None, text)
        return [row.copy() for row in values] if self.row_shape else values.reshape(-1).tolist()

    def fill(self, keys: Any, values: Any) -> None:
        """Fills an immutable table once; the same again is accepted."""
        self._check(keys.dtype, values.dtype)
        found: dict[Any, Any] = {}
        for key, value in zip(keys.reshape(-1).tolist(), self._rows(keys, values), strict=True):
            if found.setdefault(key, value) != value:
                text = f"HashTable has different value for same key. Key {key!r} has {found[key]!r} and trying to add"
                raise InvalidArgumentError(None, None, f"{text} value {value!r}")
        with self.lock:
            if self.filled and found != self.values:
                raise FailedPreconditionError(None, None, "Table already initialized.")
            self.values, self.filled = found, True

    def remove(self, keys: Any) -> None:
        """Forgets keys; those that are not there are passed over."""
        with self.lock:
            for key in keys.reshape(-1).tolist():
                self.values.pop(key, None)

    def replace(self, keys: Any, values: Any) -> None:
        """Makes these the only keys."""
        with self.lock:
            self.values = {}
        self.insert(keys, values)

    def export(self) -> tuple[Any, Any]:
        """All keys and values."""
        keys = np.array([*self.values, None], object)[:-1]
        values = np.empty((len(self.values), *self.row_shape), self.value_dtype.numpy)
        for i, value in enumerate(self.values.values()):
            values[i] = value
        return keys.astype(self.key_dtype.numpy), values


@op("HashTableV2", **_MAKES)
def hash_table_op(
    *, key_dtype: DType, value_dtype: DType, container: str = "", shared_name: str = "",
    use_node_name_sharing: bool = False, name: str | None = None,
) -> Tensor:  # fmt: skip
    """The handle of a table that is filled once."""


@op("MutableHashTableV2", **_MAKES)
def mutable_hash_table_op(
    *, key_dtype: DType, value_dtype: DType, container: str = "", shared_name: str = "",
    use_node_name_sharing: bool = False, name: str | None = None,
) -> Tensor:  # fmt: skip
    """The handle of a table of scalars that can be changed."""


@op("MutableHashTableOfTensorsV2", **_MAKES)
def mutable_hash_table_of_tensors_op(
    *, key_dtype: DType, value_dtype: DType, value_shape: list[int] = [], container: str = "",  # noqa: B006
    shared_name: str = "", use_node_name_sharing: bool = False, name: str | None = None,
) -> Tensor:  # fmt: skip
    """The handle of a table of vectors that can be changed."""


def _table(context: Any, attrs: dict[str, Any], value_shape: tuple[int, ...] | None) -> Table:
    name, types = attrs["shared_name"] or context.name, (attrs["key_dtype"], attrs["value_dtype"])
    table: Any = context.resources.object(attrs["container"], name, lambda: Table(*types, value_shape))
    if not isinstance(table, Table) or (table.key_dtype, table.value_dtype) != types:
        raise InvalidArgumentError(None, None, f"{name!r} is shared with something else than this table")
    return table


@hash_table_op.state
def hash_table_state(context: Any, **attrs: Any) -> Any:
    return _table(context, attrs, None)


@mutable_hash_table_op.state
def mutable_hash_table_state(context: Any, **attrs: Any) -> Any:
    return _table(context, attrs, ())


@mutable_hash_table_of_tensors_op.state
def mutable_hash_table_of_tensors_state(context: Any, *, value_shape: Any, **attrs: Any) -> Any:
    return _table(context, attrs, tuple(value_shape))


@hash_table_op.samples
@mutable_hash_table_op.samples
@mutable_hash_table_of_tensors_op.samples
def table_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((), {"key_dtype": string, "value_dtype": int64})]


@op("LookupTableFindV2", "table_handle: resource, keys: Tin, default_value: Tout", "values: Tout", stateful=True)
def lookup_table_find_op(table_handle: Any, keys: Any, default_value: Any, *, name: str | None = None) -> Tensor:
    """The values of keys, the default where there is none."""


@lookup_table_find_op.shape
def lookup_table_find_shape(context: InferenceContext) -> list[Sizes]:
    keys, default = context.sizes[1], context.sizes[2]
    return [None if keys is None or default is None else (*keys, *default)]


@lookup_table_find_op.state
def lookup_table_find_state(context: Any, table: Table, keys: Any, default: Any) -> Any:
    return table.find(np.asarray(keys), np.asarray(default))


@op("LookupTableInsertV2", "table_handle: resource, keys: Tin, values: Tout", shape=no_outputs, stateful=True)
def lookup_table_insert_op(table_handle: Any, keys: Any, values: Any, *, name: str | None = None) -> Operation:
    """Sets the values of keys."""


@op("LookupTableImportV2", "table_handle: resource, keys: Tin, values: Tout", shape=no_outputs, stateful=True)
def lookup_table_import_op(table_handle: Any, keys: Any, values: Any, *, name: str | None = None) -> Operation:
    """Replaces all that a table holds."""


@op("InitializeTableV2", "table_handle: resource, keys: Tkey, values: Tval", shape=no_outputs, stateful=True)
def initialize_table_op(table_handle: Any, keys: Any, values: Any, *, name: str | None = None) -> Operation:
    """Fills a table once."""


@lookup_table_insert_op.state
def lookup_table_insert_state(context: Any, table: Table, keys: Any, values: Any) -> None:
    table.insert(np.asarray(keys), np.asarray(values))


@lookup_table_import_op.state
def lookup_table_import_state(context: Any, table: Table, keys: Any, values: Any) -> None:
    table.replace(np.asarray(keys), np.asarray(values))


@initialize_table_op.state
def initialize_table_state(context: Any, table: Table, keys: Any, values: Any) -> None:
    table.fill(np.asarray(keys), np.asarray(values))


@op("LookupTableRemoveV2", "table_handle: resource, keys: Tin", shape=no_outputs, stateful=True)
def lookup_table_remove_op(table_handle: Any, keys: Any, *, name: str | None = None) -> Operation:
    """Forgets keys."""


@lookup_table_remove_op.state
def lookup_table_remove_state(context: Any, table: Table, keys: Any) -> None:
    table.remove(np.asarray(keys))


@op("LookupTableSizeV2", "table_handle: resource", "size: int64", shape=scalar_shape, stateful=True)
def lookup_table_size_op(table_handle: Any, *, name: str | None = None) -> Tensor:
    """How many keys a table holds."""


@lookup_table_size_op.state
def lookup_table_size_state(context: Any, table: Table) -> Any:
    return np.array(len(table.values), np.int64)


@op("LookupTableExportV2", "table_handle: resource", "keys: Tkeys, values: Tvalues", stateful=True)
def lookup_table_export_op(
    table_handle: Any, *, Tkeys: DType, Tvalues: DType, name: str | None = None
) -> tuple[Tensor, Tensor]:
    """All keys and values of a table."""


@lookup_table_export_op.shape
def lookup_table_export_shape(context: InferenceContext) -> list[Sizes]:
    return [(None,), None]


@lookup_table_export_op.state
def lookup_table_export_state(context: Any, table: Table, *, Tkeys: DType, Tvalues: DType) -> Any:
    return table.export()


@op(
    "InitializeTableFromTextFileV2", "table_handle: resource, filename: string", shape=no_outputs, stateful=True,
    touches_files=True,
)  # fmt: skip
def initialize_table_from_text_file_op(
    table_handle: Any, filename: Any, *, key_index: int, value_index: int, vocab_size: int = -1, delimiter: str = "\t",
    name: str | None = None,
) -> Operation:  # fmt: skip
    """Fills a table once from the columns of a text file; -2 stands for whole lines, -1 for their numbers."""


@initialize_table_from_text_file_op.state
def initialize_table_from_text_file_state(
    context: Any, table: Table, filename: Any, *, key_index: int, value_index: int, vocab_size: int, delimiter: str
) -> None:
    path = bytes(np.asarray(filename)[()]).decode()
    lines = _lines(path)
    if vocab_size > len(lines):
        text = f"Invalid vocab_size in {path}: expected {vocab_size} but got {len(lines)}"
        raise InvalidArgumentError(None, None, text)
    lines = lines[:vocab_size] if vocab_size >= 0 else lines
    columns = []
    for index, dtype in ((key_index, table.key_dtype), (value_index, table.value_dtype)):
        found = [_entry(path, i, line, index, delimiter.encode(), dtype) for i, line in enumerate(lines)]
        columns.append(np.array([*found, None], object)[:-1].astype(dtype.numpy))
    table.fill(*columns)


def _lines(path: str) -> list[bytes]:
    try:
        lines = Path(path).read_bytes().split(b"\n")
    except OSError as error:
        raise NotFoundError(None, None, f"{path}; {error.strerror}") from None
    return [line.removesuffix(b"\r") for line in (lines if lines[-1] else lines[:-1])]


def _entry(path: str, i: int, line: bytes, index: int, delimiter: bytes, dtype: DType) -> Any:
    if index == LINE_NUMBER:
        return i
    if index == WHOLE_LINE:
        return line
    parts = line.split(delimiter)
    if index >= len(parts):
        text = f"Invalid number of columns in {path} line {i} ({line!r}) : expected {index + 1} got {len(parts)}"
        raise InvalidArgumentError(None, None, text)
    if dtype == string:
        return parts[index]
    try:
        return number_of(parts[index], dtype)
    except ValueError:
        text = f"Field {parts[index]!r} in line {i} of {path} is not a valid {dtype.name}."
        raise InvalidArgumentError(None, None, text) from None


def _mutable() -> Tensor:
    result: Tensor = definition_of("MutableHashTableV2")(key_dtype=int64, value_dtype=float32)
    return result


def _immutable() -> Tensor:
    result: Tensor = definition_of("HashTableV2")(key_dtype=int64, value_dtype=float32)
    return result


@lookup_table_find_op.samples
def lookup_table_find_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((_mutable, np.array([1, 2]), np.float32(-1)), differentiable=False)]


@lookup_table_find_op.failing
def lookup_table_find_failing(rng: np.random.Generator) -> list[Failure]:
    return [
        Failure((_immutable, np.array([1]), np.float32(0)), FailedPreconditionError, "not initialized", at_run=True)
    ]


@lookup_table_insert_op.samples
@lookup_table_import_op.samples
def lookup_table_insert_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((_mutable, np.array([1, 2]), np.ones(2, np.float32)), differentiable=False)]


@initialize_table_op.samples
def initialize_table_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((_immutable, np.array([1, 2]), np.ones(2, np.float32)), differentiable=False)]


@initialize_table_op.failing
def initialize_table_failing(rng: np.random.Generator) -> list[Failure]:
    inputs = (_immutable, np.array([1, 1]), np.arange(2, dtype=np.float32))
    return [Failure(inputs, InvalidArgumentError, "different value for same key", at_run=True)]


@lookup_table_remove_op.samples
def lookup_table_remove_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((_mutable, np.array([1])))]


@lookup_table_size_op.samples
def lookup_table_size_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((_mutable,))]


@lookup_table_export_op.samples
def lookup_table_export_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((_mutable,), {"Tkeys": int64, "Tvalues": float32}, differentiable=False)]


@initialize_table_from_text_file_op.failing
def initialize_table_from_text_file_failing(rng: np.random.Generator) -> list[Failure]:
    attrs = {"key_index": -2, "value_index": -1}
    return [Failure((_immutable, np.array(b"/no/such/file", object)), NotFoundError, "no/such", attrs, at_run=True)]


@initialize_table_from_text_file_op.samples
def initialize_table_from_text_file_samples(rng: np.random.Generator) -> list[Sample]:
    # This file is a text whose line numbers can be keys.
    here = np.array(__file__.encode(), object)
    handle = lambda: hash_table_op(key_dtype=int64, value_dtype=string)  # noqa: E731
    return [Sample((handle, here), {"key_index": LINE_NUMBER, "value_index": WHOLE_LINE})]


for _definition in (lookup_table_find_op, lookup_table_export_op):
    _definition.not_differentiable = True
