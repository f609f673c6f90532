"""Look-up tables as TensorFlow 1.15's `tf.lookup` and `tf.contrib.lookup` give them, and their initializers."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .conversion import convert_to_tensor
from .dtypes import DType, as_dtype, int64, string
from .graph import Operation, Tensor
from .ops import string_patterns, tables
from .ops.control import group
from .ops.strings import as_string
from .scopes import GraphKeys, add_to_collection, get_collection, name_scope
from .tensor_types import SparseTensor


class TextFileIndex:
    """What stands for a column of a text file: the whole line, or the line's number."""

    WHOLE_LINE = tables.WHOLE_LINE
    LINE_NUMBER = tables.LINE_NUMBER


class HasherSpec(NamedTuple):
    """Which hash finds the bucket of an unknown word, and its key."""

    hasher: str
    key: Any = None


FastHashSpec = HasherSpec("fasthash")


def StrongHashSpec(key: Any) -> HasherSpec:
    """The spec of a keyed hash that is hard to make collide; `key` is a list of two integers."""
    if len(key) != 2 or not all(isinstance(k, int | np.integer) for k in key):
        raise ValueError(f"key must have size 2 and be integers, got {key!r}")
    return HasherSpec("stronghash", tuple(int(k) for k in key))


class TableInitializerBase:
    """What fills a table: `initialize(table)` makes the operation that does it."""

    def __init__(self, key_dtype: Any, value_dtype: Any) -> None:
        self.key_dtype: DType = as_dtype(key_dtype)
        self.value_dtype: DType = as_dtype(value_dtype)

    def initialize(self, table: Any) -> Operation:
        """The operation that fills `table`."""
        raise NotImplementedError

    def _check(self, table: Any) -> None:
        if (table.key_dtype, table.value_dtype) != (self.key_dtype, self.value_dtype):
            raise TypeError(
                f"The table maps {table.key_dtype.name} to {table.value_dtype.name}, "
                f"its initializer {self.key_dtype.name} to {self.value_dtype.name}"
            )


class KeyValueTensorInitializer(TableInitializerBase):
    """Fills a table from a tensor of keys and one of values.

    Args:
        keys: a tensor or list.
        values: as many.
        key_dtype: the dtype of keys that are a list.
        value_dtype: the dtype of values that are a list.
        name: the name of the operations.
    """

    def __init__(
        self, keys: Any, values: Any, key_dtype: Any = None, value_dtype: Any = None, name: str | None = None
    ) -> None:
        with name_scope(name, "key_value_init", [keys, values]) as scope:
            self._keys = convert_to_tensor(keys, key_dtype, "keys")
            self._values = convert_to_tensor(values, value_dtype, "values")
            self._name = scope
        super().__init__(self._keys.dtype.base_dtype, self._values.dtype.base_dtype)

    def initialize(self, table: Any) -> Operation:
        """The operation that fills `table`."""
        self._check(table)
        with name_scope(self._name, values=[table.resource_handle]) as scope:
            filled = tables.initialize_table_op(table.resource_handle, self._keys, self._values, name=scope)
        add_to_collection(GraphKeys.TABLE_INITIALIZERS, filled)
        return filled


class TextFileInitializer(TableInitializerBase):
    """Fills a table from two columns of a text file.

    Args:
        filename: a path, or a scalar string tensor.
        key_dtype: string or int64.
        key_index: the column of the keys, or one of TextFileIndex.
        value_dtype: of the values.
        value_index: their column.
        vocab_size: how many lines to read; all by default.
        delimiter: what stands between columns.
        name: the name of the operations.

    Raises:
        ValueError: dtypes that do not fit the kind of column.
    """

    def __init__(
        self, filename: Any, key_dtype: Any, key_index: int, value_dtype: Any, value_index: int,
        vocab_size: int | None = None, delimiter: str = "\t", name: str | None = None,
    ) -> None:  # fmt: skip
        if not isinstance(filename, Tensor) and not filename:
            raise ValueError("Filename required for the text file initializer")
        super().__init__(key_dtype, value_dtype)
        for what, index, dtype in (("Key", key_index, self.key_dtype), ("Value", value_index, self.value_dtype)):
            _check_column(what, index, dtype)
        if vocab_size is not None and vocab_size <= 0:
            raise ValueError(f"Invalid vocab_size {vocab_size}: expected a positive number")
        self._filename, self._delimiter, self._name = filename, delimiter, name
        self._columns = {"key_index": key_index, "value_index": value_index, "vocab_size": vocab_size or -1}

    def initialize(self, table: Any) -> Operation:
        """The operation that fills `table`."""
        self._check(table)
        with name_scope(self._name, "text_file_init", [table.resource_handle]) as scope:
            filename = convert_to_tensor(self._filename, string, "asset_filepath")
            filled = tables.initialize_table_from_text_file_op(
                table.resource_handle, filename, delimiter=self._delimiter, name=scope, **self._columns
            )
        add_to_collection(GraphKeys.TABLE_INITIALIZERS, filled)
        add_to_collection(GraphKeys.ASSET_FILEPATHS, filename)
        return filled


def _check_column(what: str, index: int, dtype: DType) -> None:
    if index == TextFileIndex.LINE_NUMBER and dtype != int64:
        raise ValueError(f"Signature mismatch. {what}s must be dtype {int64}, got {dtype}.")
    if index == TextFileIndex.WHOLE_LINE and not (dtype == string or dtype.is_integer):
        raise ValueError(f"Signature mismatch. {what}s must be integer or string, got {dtype}.")
    if index < TextFileIndex.WHOLE_LINE:
        raise ValueError(f"Invalid {what.lower()} index {index}.")


class TextFileStringTableInitializer(TextFileInitializer):
    """Fills a table from line numbers to lines of a text file."""

    def __init__(
        self, filename: Any, key_column_index: int = TextFileIndex.LINE_NUMBER,
        value_column_index: int = TextFileIndex.WHOLE_LINE, vocab_size: int | None = None, delimiter: str = "\t",
        name: str = "text_file_string_table_init",
    ) -> None:  # fmt: skip
        super().__init__(
            filename, int64, key_column_index, string, value_column_index, vocab_size, delimiter, name
        )  # fmt: skip


class TextFileIdTableInitializer(TextFileInitializer):
    """Fills a table from lines of a text file to their numbers."""

    def __init__(
        self, filename: Any, key_column_index: int = TextFileIndex.WHOLE_LINE,
        value_column_index: int = TextFileIndex.LINE_NUMBER, vocab_size: int | None = None, delimiter: str = "\t",
        name: str = "text_file_id_table_init", key_dtype: Any = string,
    ) -> None:  # fmt: skip
        super().__init__(
            filename, key_dtype, key_column_index, int64, value_column_index, vocab_size, delimiter, name
        )  # fmt: skip


class LookupInterface:
    """What all tables offer: dtypes, `lookup`, `size` and the operation that initializes them."""

    def __init__(self, key_dtype: Any, value_dtype: Any, name: str) -> None:
        self._key_dtype, self._value_dtype, self._name = as_dtype(key_dtype), as_dtype(value_dtype), name

    @property
    def key_dtype(self) -> DType:
        """The dtype of keys."""
        return self._key_dtype

    @property
    def value_dtype(self) -> DType:
        """The dtype of values."""
        return self._value_dtype

    @property
    def name(self) -> str:
        """The name of the table."""
        return self._name

    def lookup(self, keys: Any, name: str | None = None) -> Any:
        """The values of keys, a tensor or SparseTensor."""
        raise NotImplementedError

    def __getitem__(self, keys: Any) -> Any:
        return self.lookup(keys)


def _each_value(keys: Any, dtype: DType, find: Any) -> Any:
    """`find` of dense keys, or of the values of sparse ones."""
    if isinstance(keys, SparseTensor):
        return SparseTensor(keys.indices, _each_value(keys.values, dtype, find), keys.dense_shape)
    keys = convert_to_tensor(keys, None if isinstance(keys, Tensor) else dtype)
    if keys.dtype.base_dtype != dtype:
        raise TypeError(f"Signature mismatch. Keys must be dtype {dtype}, got {keys.dtype}.")
    return find(keys)


class StaticHashTable(LookupInterface):
    """A table that is filled once, by running its initializer or `tables_initializer`.

    Args:
        initializer: a KeyValueTensorInitializer, TextFileInitializer or the like.
        default_value: the value of keys that the table lacks.
        shared_name: the name under which sessions on one task share the table.
        name: the name of the operations.

    Example:
        >>> import headrace as tf
        >>> table = tf.contrib.lookup.HashTable(tf.contrib.lookup.KeyValueTensorInitializer(["a", "b"], [1, 2]), -1)
        >>> with tf.Session() as sess:
        ...     sess.run(tf.tables_initializer())
        ...     sess.run(table.lookup(tf.constant(["b", "c"])))
        array([ 2, -1], dtype=int32)
    """

    def __init__(
        self, initializer: Any, default_value: Any, shared_name: str | None = None, name: str | None = None
    ) -> None:
        with name_scope(name, "hash_table", None) as scope:
            self.resource_handle: Tensor = tables.hash_table_op(
                key_dtype=initializer.key_dtype, value_dtype=initializer.value_dtype, shared_name=shared_name or "",
                name=scope,
            )  # fmt: skip
            self._default = convert_to_tensor(default_value, initializer.value_dtype)
        super().__init__(initializer.key_dtype, initializer.value_dtype, self.resource_handle.op.name)
        if self._default.sizes not in (None, ()):
            raise ValueError(f"The default value of a table must be a scalar, got shape {self._default.shape}")
        self._init_op: Operation = initializer.initialize(self)

    @property
    def table_ref(self) -> Tensor:
        """The handle of the table."""
        return self.resource_handle

    @property
    def default_value(self) -> Tensor:
        """The value of keys that the table lacks."""
        return self._default

    @property
    def initializer(self) -> Operation:
        """The operation that fills the table."""
        return self._init_op

    @property
    def init(self) -> Operation:
        """The operation that fills the table, under its old name."""
        return self._init_op

    def lookup(self, keys: Any, name: str | None = None) -> Any:
        """The values of keys, the default where there is none.

        Raises:
            TypeError: keys of another dtype than the table's.
            FailedPreconditionError: while running, the table was not initialized.
        """
        with name_scope(name, f"{self.name.rpartition('/')[2]}_Lookup", None):
            return _each_value(
                keys, self.key_dtype, lambda k: tables.lookup_table_find_op(self.resource_handle, k, self._default)
            )

    def size(self, name: str | None = None) -> Tensor:
        """How many keys the table holds."""
        return tables.lookup_table_size_op(self.resource_handle, name=name)

    def export(self, name: str | None = None) -> tuple[Tensor, Tensor]:
        """All keys and values."""
        return _exported(self, name)


HashTable = StaticHashTable


def _exported(table: Any, name: str | None) -> tuple[Tensor, Tensor]:
    keys, values = tables.lookup_table_export_op(
        table.resource_handle, Tkeys=table.key_dtype, Tvalues=table.value_dtype, name=name
    )
    values.set_shape((None, *(table.default_value.sizes or ())))
    return keys, values


class MutableHashTable(LookupInterface):
    """A table that running `insert`, `remove` and `import` operations changes.

    Args:
        key_dtype: string or int64.
        value_dtype: of the values.
        default_value: the value of keys that the table lacks; its shape, () or [n], is that of all values.
        shared_name: the name under which sessions on one task share the table.
        name: the name of the operations.
        checkpoint: whether a Saver keeps the table.
    """

    def __init__(
        self, key_dtype: Any, value_dtype: Any, default_value: Any, shared_name: str | None = None,
        name: str = "MutableHashTable", checkpoint: bool = True,
    ) -> None:  # fmt: skip
        self.checkpoint = checkpoint
        self._default = convert_to_tensor(default_value, as_dtype(value_dtype))
        types: dict[str, Any] = {"key_dtype": as_dtype(key_dtype), "value_dtype": as_dtype(value_dtype)}
        shared: dict[str, Any] = {"shared_name": shared_name or "", "name": name}
        self.resource_handle: Tensor
        if self._default.sizes == ():
            self.resource_handle = tables.mutable_hash_table_op(**types, **shared)
        else:
            sizes = [int(n) for n in self._default.shape.as_list() if n is not None]
            self.resource_handle = tables.mutable_hash_table_of_tensors_op(**types, **shared, value_shape=sizes)
        super().__init__(key_dtype, value_dtype, self.resource_handle.op.name)

    @property
    def default_value(self) -> Tensor:
        """The value of keys that the table lacks."""
        return self._default

    def lookup(self, keys: Any, name: str | None = None) -> Any:
        """The values of keys, the default where there is none."""
        with name_scope(name, f"{self.name.rpartition('/')[2]}_lookup_table_find", None):
            return _each_value(
                keys, self.key_dtype, lambda k: tables.lookup_table_find_op(self.resource_handle, k, self._default)
            )

    def insert(self, keys: Any, values: Any, name: str | None = None) -> Operation:
        """The operation that sets the values of keys."""
        keys, values = convert_to_tensor(keys, self.key_dtype), convert_to_tensor(values, self.value_dtype)
        return tables.lookup_table_insert_op(self.resource_handle, keys, values, name=name)

    def remove(self, keys: Any, name: str | None = None) -> Operation:
        """The operation that forgets keys."""
        return tables.lookup_table_remove_op(self.resource_handle, convert_to_tensor(keys, self.key_dtype), name=name)

    def size(self, name: str | None = None) -> Tensor:
        """How many keys the table holds."""
        return tables.lookup_table_size_op(self.resource_handle, name=name)

    def export(self, name: str | None = None) -> tuple[Tensor, Tensor]:
        """All keys and values."""
        return _exported(self, name)


class IdTableWithHashBuckets(LookupInterface):
    """A table of ids that gives words it lacks one of `num_oov_buckets` further ids, by their hash.

    Args:
        table: a table from strings or integers to int64 ids, or None for hashes alone.
        num_oov_buckets: how many buckets follow the table's ids.
        hasher_spec: FastHashSpec or StrongHashSpec([k1, k2]).
        name: the name of the operations.
        key_dtype: the dtype of keys, where it is not the table's.
    """

    def __init__(
        self, table: Any, num_oov_buckets: int, hasher_spec: HasherSpec = FastHashSpec, name: str | None = None,
        key_dtype: Any = None,
    ) -> None:  # fmt: skip
        if table is None and not num_oov_buckets:
            raise ValueError("oov_buckets must be > 0 if no table is supplied")
        if hasher_spec.hasher not in ("fasthash", "stronghash"):
            raise ValueError(f"Unknown hasher {hasher_spec.hasher}")
        keys = as_dtype(key_dtype) if key_dtype is not None else string if table is None else table.key_dtype
        super().__init__(keys, int64, name or "hash_bucket")
        self._table, self._buckets, self._spec = table, num_oov_buckets, hasher_spec

    @property
    def initializer(self) -> Operation:
        """The operation that fills the table."""
        result: Operation = self._table.initializer if self._table is not None else group()
        return result

    init = initializer

    def size(self, name: str | None = None) -> Tensor:
        """How many ids there are."""
        if self._table is None:
            return convert_to_tensor(self._buckets, int64, name)
        result: Tensor = self._table.size(name) + np.int64(self._buckets)
        return result

    def lookup(self, keys: Any, name: str | None = None) -> Any:
        """The ids of keys."""
        with name_scope(name, f"{self.name}_Lookup", None):
            return _each_value(keys, self.key_dtype, self._ids)

    def _ids(self, keys: Tensor) -> Tensor:
        wanted = self._table.key_dtype if self._table is not None else self.key_dtype
        widened = _as_int64(keys) if wanted == int64 else keys
        if not self._buckets:
            return self._table.lookup(widened)  # type: ignore[no-any-return]
        text = keys if keys.dtype.base_dtype == string else as_string(keys)
        buckets = self._hashed(text)
        if self._table is None:
            return buckets
        from .ops.choice import where  # tables without buckets choose nothing

        ids = self._table.lookup(widened)
        found = _not_equal(ids, self._table.default_value)
        return where(found, ids, buckets + self._table.size())

    def _hashed(self, text: Tensor) -> Tensor:
        if self._spec.hasher == "fasthash":
            return string_patterns.string_to_hash_bucket_fast(text, self._buckets)
        return string_patterns.string_to_hash_bucket_strong(text, self._buckets, self._spec.key)


def _as_int64(keys: Tensor) -> Tensor:
    from .ops.casting import cast  # only integer keys of other dtypes need it

    return keys if keys.dtype.base_dtype == int64 else cast(keys, int64)


def _not_equal(a: Any, b: Any) -> Tensor:
    from .ops.comparison import not_equal  # tables without buckets compare nothing

    return not_equal(a, b)


# Tables from vocabularies


def _with_buckets(table: Any, buckets: int, spec: HasherSpec, name: str | None, key_dtype: DType) -> Any:
    if buckets:
        return IdTableWithHashBuckets(table, buckets, spec, name, key_dtype)
    return table


def _check_buckets(num_oov_buckets: int) -> None:
    if num_oov_buckets < 0:
        raise ValueError(f"num_oov_buckets must be greater or equal than 0, got {num_oov_buckets}.")


def index_table_from_tensor(
    vocabulary_list: Any = None, num_oov_buckets: int = 0, default_value: int = -1,
    hasher_spec: HasherSpec = FastHashSpec, dtype: Any = string, name: str | None = None, mapping: Any = None,
) -> Any:  # fmt: skip
    """A table from the entries of a vocabulary to their places.

    Args:
        vocabulary_list: a vector of strings or integers; `mapping` in tf.contrib.lookup.
        num_oov_buckets: how many further ids there are for words outside of it.
        default_value: the id of such words if there are no buckets.
        hasher_spec: which hash picks the bucket.
        dtype: the dtype of the keys that are looked up.
        name: the name of the operations.
        mapping: see `vocabulary_list`.
    """
    words = mapping if vocabulary_list is None else vocabulary_list
    if words is None:
        raise ValueError("vocabulary_list must be specified.")
    _check_buckets(num_oov_buckets)
    dtype = as_dtype(dtype)
    if not (dtype.is_integer or dtype == string):
        raise TypeError(f"Only integer and string keys are supported, got {dtype.name}")
    with name_scope(name, "string_to_index"):
        keys = convert_to_tensor(words, None if isinstance(words, Tensor) else dtype)
        if keys.dtype.base_dtype.is_integer != dtype.is_integer:
            raise ValueError(f"Expected vocabulary of type {dtype.name}, got {keys.dtype.name}")
        keys = _as_int64(keys) if dtype.is_integer else keys
        from .ops.array_shape import size
        from .ops.ranges import range as steps  # ranges and sizes are needed here alone

        ids = steps(size(keys, out_type=int64))
        table = StaticHashTable(KeyValueTensorInitializer(keys, ids, name="table_init"), default_value)
        return _with_buckets(table, num_oov_buckets, hasher_spec, None, dtype)


def index_table_from_file(
    vocabulary_file: Any = None, num_oov_buckets: int = 0, vocab_size: int | None = None, default_value: int = -1,
    hasher_spec: HasherSpec = FastHashSpec, key_dtype: Any = string, name: str | None = None,
    key_column_index: int = TextFileIndex.WHOLE_LINE, value_column_index: int = TextFileIndex.LINE_NUMBER,
    delimiter: str = "\t",
) -> Any:  # fmt: skip
    """A table from the lines of a file to their numbers; the other arguments as for `index_table_from_tensor`.

    Raises:
        ValueError: no file is named, or a number is out of range.
    """
    if vocabulary_file is None or (isinstance(vocabulary_file, str) and not vocabulary_file):
        raise ValueError("vocabulary_file must be specified and must not be empty.")
    _check_buckets(num_oov_buckets)
    if vocab_size is not None and vocab_size < 1:
        raise ValueError(f"vocab_size must be greater than 0, got {vocab_size}.")
    dtype = as_dtype(key_dtype)
    with name_scope(name, "string_to_index"):
        init = TextFileIdTableInitializer(
            vocabulary_file, key_column_index, value_column_index, vocab_size, delimiter, "table_init",
            int64 if dtype.is_integer else dtype,
        )  # fmt: skip
        return _with_buckets(StaticHashTable(init, default_value), num_oov_buckets, hasher_spec, None, dtype)


def index_to_string_table_from_tensor(
    vocabulary_list: Any = None, default_value: Any = "UNK", name: str | None = None, mapping: Any = None
) -> StaticHashTable:
    """A table from places to the entries of a vocabulary (`mapping` in tf.contrib.lookup)."""
    words = mapping if vocabulary_list is None else vocabulary_list
    if words is None:
        raise ValueError("vocabulary_list must be specified.")
    from .ops.array_shape import size
    from .ops.ranges import range as steps  # ranges and sizes are needed here alone

    with name_scope(name, "index_to_string"):
        values = convert_to_tensor(words, string)
        keys = steps(size(values, out_type=int64))
        return StaticHashTable(KeyValueTensorInitializer(keys, values, name="table_init"), default_value)


def index_to_string_table_from_file(
    vocabulary_file: Any, vocab_size: int | None = None, default_value: Any = "UNK", name: str | None = None,
    key_column_index: int = TextFileIndex.LINE_NUMBER, value_column_index: int = TextFileIndex.WHOLE_LINE,
    delimiter: str = "\t",
) -> StaticHashTable:  # fmt: skip
    """A table from line numbers to the lines of a file."""
    if vocabulary_file is None or (isinstance(vocabulary_file, str) and not vocabulary_file):
        raise ValueError("vocabulary_file must be specified and must not be empty.")
    with name_scope(name, "index_to_string"):
        init = TextFileStringTableInitializer(
            vocabulary_file, key_column_index, value_column_index, vocab_size, delimiter, "table_init"
        )
        return StaticHashTable(init, default_value)


def string_to_index_table_from_tensor(
    mapping: Any, num_oov_buckets: int = 0, default_value: int = -1, hasher_spec: HasherSpec = FastHashSpec,
    name: str | None = None,
) -> Any:  # fmt: skip
    """`index_table_from_tensor` of strings, under its old name."""
    return index_table_from_tensor(mapping, num_oov_buckets, default_value, hasher_spec, string, name)


def string_to_index_table_from_file(
    vocabulary_file: Any = None, num_oov_buckets: int = 0, vocab_size: int | None = None, default_value: int = -1,
    hasher_spec: HasherSpec = FastHashSpec, name: str | None = None,
) -> Any:  # fmt: skip
    """`index_table_from_file` of strings, under its old name."""
    return index_table_from_file(
        vocabulary_file, num_oov_buckets, vocab_size, default_value, hasher_spec, string, name
    )  # fmt: skip


def index_to_string(tensor: Any, mapping: Any, default_value: Any = "UNK", name: str | None = None) -> Tensor:
    """The entries of a vocabulary at places, looked up in a table made for it."""
    table = index_to_string_table_from_tensor(mapping, default_value, name)
    result: Tensor = table.lookup(tensor)
    return result


def string_to_index(tensor: Any, mapping: Any, default_value: int = -1, name: str | None = None) -> Tensor:
    """The places of strings in a vocabulary, looked up in a table made for it."""
    table = index_table_from_tensor(mapping, default_value=default_value, name=name)
    result: Tensor = table.lookup(tensor)
    return result


def tables_initializer(name: str = "init_all_tables") -> Operation:
    """The operation that fills all tables of the default graph."""
    result: Operation = group(*get_collection(GraphKeys.TABLE_INITIALIZERS), name=name)
    return result


initialize_all_tables = tables_initializer
