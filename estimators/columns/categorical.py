"""Columns of categories: integers, words of a vocabulary, and hashes of either."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...engine.dtypes import DType, int64, string
from ...engine.graph import Tensor
from ...engine.lookup import index_table_from_file, index_table_from_tensor
from ...engine.ops.array import fill, shape
from ...engine.ops.casting import cast
from ...engine.ops.choice import where
from ...engine.ops.parsing import VarLenFeature
from ...engine.ops.string_patterns import string_to_hash_bucket_fast
from ...engine.ops.strings import as_string
from ...engine.platform import gfile
from ...engine.scopes import init_scope
from ...engine.tensor_types import SparseTensor
from .base import Batch, CategoricalColumn, OneId, check_key, checked_dtype, is_missing, string_or_int, to_sparse


@dataclass(frozen=True)
class _KeyedColumn(CategoricalColumn):
    """A column of the feature `key`."""

    key: str

    # Whether an id may be below 0.
    _can_be_unknown = True

    @property
    def name(self) -> str:
        """The feature's name."""
        return self.key

    @property
    def dtype(self) -> DType:
        """The feature's dtype in serialized examples."""
        return int64

    @property
    def parse_example_spec(self) -> dict[str, Any]:
        """How `tf.parse_example` reads the feature."""
        return {self.key: VarLenFeature(self.dtype)}

    def _input(self, batch: Batch) -> SparseTensor:
        """The feature's values that are not missing."""
        sparse = to_sparse(batch.get(self.key))
        checked_dtype(self.key, self.dtype, sparse.dtype.base_dtype)
        return sparse

    def _ids(self, values: Tensor) -> Tensor:
        """The ids of values that are not missing, int64."""
        raise NotImplementedError

    def one_id(self, batch: Batch) -> OneId | None:
        """The ids, of values that may be missing."""
        values = batch.one_value(self.key)
        if values is None:
            return None
        self._check(values.dtype.base_dtype)
        return OneId(self._ids(values), is_missing(values), self._can_be_unknown)

    def _check(self, given: DType) -> None:
        checked_dtype(self.key, self.dtype, given)


@dataclass(frozen=True)
class IdentityCategoricalColumn(_KeyedColumn):
    """Integers that are ids already. See `categorical_column_with_identity`."""

    number_buckets: int
    default_value: int | None = None

    @property
    def num_buckets(self) -> int:
        """How many ids there are."""
        return self.number_buckets

    def transform(self, batch: Batch) -> SparseTensor:
        """The ids."""
        sparse = to_sparse(batch.get(self.key))
        self._check(sparse.dtype.base_dtype)
        return SparseTensor(sparse.indices, self._ids(sparse.values), sparse.dense_shape)

    def _check(self, given: DType) -> None:
        if not given.is_integer:
            raise ValueError(f"Invalid input, not integer. key: {self.key} dtype: {given}")

    def _ids(self, values: Tensor) -> Tensor:
        ids: Tensor = cast(values, int64)
        if self.default_value is None:
            return ids
        outside = (ids < 0) | (ids >= self.number_buckets)
        chosen: Tensor = where(outside, fill(shape(ids), np.int64(self.default_value)), ids)
        return chosen


def categorical_column_with_identity(
    key: str, num_buckets: int, default_value: int | None = None
) -> IdentityCategoricalColumn:
    """A column of integers in [0, num_buckets), as `tf.feature_column.categorical_column_with_identity`.

    Args:
        key: the feature's name; -1 in a dense feature is a missing value.
        num_buckets: how many ids there are.
        default_value: the id of integers out of range; without it looking them up fails while running, and an indicator
            does not count them.

    Raises:
        ValueError: num_buckets is below 1, or the default is not in range.
    """
    if num_buckets < 1:
        raise ValueError(f"num_buckets {num_buckets} < 1, column_name {key}")
    if default_value is not None and not 0 <= default_value < num_buckets:
        raise ValueError(f"default_value {default_value} not in range [0, {num_buckets}), column_name {key}")
    check_key(key)
    return IdentityCategoricalColumn(key, num_buckets, default_value)


@dataclass(frozen=True)
class HashedCategoricalColumn(_KeyedColumn):
    """Words or integers by their hash. See `categorical_column_with_hash_bucket`."""

    hash_bucket_size: int
    hash_dtype: DType = string

    _can_be_unknown = False

    @property
    def dtype(self) -> DType:
        """The feature's dtype."""
        return self.hash_dtype

    @property
    def num_buckets(self) -> int:
        """How many buckets there are."""
        return self.hash_bucket_size

    def transform(self, batch: Batch) -> SparseTensor:
        """The buckets of the words."""
        sparse = self._input(batch)
        return SparseTensor(sparse.indices, self._ids(sparse.values), sparse.dense_shape)

    def _ids(self, values: Tensor) -> Tensor:
        words = values if self.dtype == string else as_string(values)
        return string_to_hash_bucket_fast(words, self.hash_bucket_size, name="lookup")


def categorical_column_with_hash_bucket(
    key: str, hash_bucket_size: int, dtype: Any = string
) -> HashedCategoricalColumn:
    """A column of words or integers, each in the bucket `FarmHash(text) % hash_bucket_size`.

    Args:
        key: the feature's name; "" or -1 in a dense feature is a missing value.
        hash_bucket_size: how many buckets there are.
        dtype: string, or an integer type: integers are hashed as their decimal text.

    Raises:
        ValueError: the size is missing or below 1, or the dtype is neither string nor integer.
    """
    if hash_bucket_size is None:
        raise ValueError(f"hash_bucket_size must be set. key: {key}")
    if hash_bucket_size < 1:
        raise ValueError(f"hash_bucket_size must be at least 1. hash_bucket_size: {hash_bucket_size}, key: {key}")
    check_key(key)
    return HashedCategoricalColumn(key, hash_bucket_size, string_or_int(dtype, f"column_name: {key}"))


@dataclass(frozen=True)
class _VocabularyColumn(_KeyedColumn):
    """A column whose words a table turns into ids."""

    word_dtype: DType
    default_value: int
    num_oov_buckets: int

    @property
    def dtype(self) -> DType:
        """The dtype of the words."""
        return self.word_dtype

    def _table(self, dtype: DType) -> Any:
        raise NotImplementedError

    def transform(self, batch: Batch) -> SparseTensor:
        """The ids of the words."""
        sparse = self._input(batch)
        return SparseTensor(sparse.indices, self._ids(sparse.values), sparse.dense_shape)

    def _ids(self, values: Tensor) -> Tensor:
        words = cast(values, int64) if values.dtype.is_integer else values
        with init_scope():
            table = self._table(words.dtype.base_dtype)
        ids: Tensor = table.lookup(words)
        return ids


@dataclass(frozen=True)
class VocabularyListCategoricalColumn(_VocabularyColumn):
    """Words by their place in a list. See `categorical_column_with_vocabulary_list`."""

    vocabulary_list: tuple[Any, ...]

    @property
    def num_buckets(self) -> int:
        """Words and out-of-vocabulary buckets."""
        return len(self.vocabulary_list) + self.num_oov_buckets

    def _table(self, dtype: DType) -> Any:
        return index_table_from_tensor(
            self.vocabulary_list,
            self.num_oov_buckets,
            self.default_value,
            dtype=dtype,
            name=f"{self.scope_name}_lookup",
        )


def categorical_column_with_vocabulary_list(
    key: str, vocabulary_list: Sequence[Any], dtype: Any = None, default_value: int = -1, num_oov_buckets: int = 0
) -> VocabularyListCategoricalColumn:
    """A column of words by their place in a list, as `tf.feature_column.categorical_column_with_vocabulary_list`.

    Args:
        key: the feature's name; "" or -1 in a dense feature is a missing value.
        vocabulary_list: strings or integers, each once.
        dtype: string or an integer type; that of the list by default.
        default_value: the id of other words; -1 leaves them out.
        num_oov_buckets: how many further ids other words are hashed to.

    Raises:
        ValueError: the list is empty or repeats a word, both ways to treat other words are asked for, or a dtype.
    """
    if not len(vocabulary_list):
        raise ValueError(f"vocabulary_list {vocabulary_list} must be non-empty, column_name: {key}")
    words = tuple(word.item() if isinstance(word, np.generic) else word for word in vocabulary_list)
    if len(set(words)) != len(words):
        raise ValueError(f"Duplicate keys in vocabulary_list {vocabulary_list}, column_name: {key}")
    _check_buckets(key, num_oov_buckets, default_value != -1)
    kind = np.array(words).dtype.kind
    if kind not in "iuUS":
        raise ValueError(
            f"column_name: {key} vocabulary dtype must be string or integer. dtype: {np.array(words).dtype}."
        )
    found = int64 if kind in "iu" else string
    wanted = found if dtype is None else string_or_int(dtype, f"column_name: {key}")
    if wanted.is_integer != found.is_integer:
        raise ValueError(f"dtype {wanted} and vocabulary dtype {found} do not match, column_name: {key}")
    check_key(key)
    return VocabularyListCategoricalColumn(key, wanted, default_value, num_oov_buckets, words)


@dataclass(frozen=True)
class VocabularyFileCategoricalColumn(_VocabularyColumn):
    """Words by their line in a file. See `categorical_column_with_vocabulary_file`."""

    vocabulary_file: str
    vocabulary_size: int

    @property
    def num_buckets(self) -> int:
        """Words and out-of-vocabulary buckets."""
        return self.vocabulary_size + self.num_oov_buckets

    def _table(self, dtype: DType) -> Any:
        return index_table_from_file(
            self.vocabulary_file, self.num_oov_buckets, self.vocabulary_size, self.default_value, key_dtype=dtype,
            name=f"{self.scope_name}_lookup",
        )  # fmt: skip


def categorical_column_with_vocabulary_file(
    key: str, vocabulary_file: Any, vocabulary_size: int | None = None, num_oov_buckets: int = 0,
    default_value: int | None = None, dtype: Any = string,
) -> VocabularyFileCategoricalColumn:  # fmt: skip
    """A column of words by their line in a file, as `tf.feature_column.categorical_column_with_vocabulary_file`.

    Args:
        key: the feature's name; "" or -1 in a dense feature is a missing value.
        vocabulary_file: a path; one word a line.
        vocabulary_size: how many of its lines to take; all by default.
        num_oov_buckets: how many further ids other words are hashed to.
        default_value: the id of other words; -1, the default, leaves them out.
        dtype: string or an integer type.

    Raises:
        ValueError: there is no such file, a number is out of range, or both ways to treat other words are asked for.
    """
    if not vocabulary_file:
        raise ValueError(f"Missing vocabulary_file in {key}.")
    path = os.fspath(vocabulary_file)
    if vocabulary_size is None:
        vocabulary_size = _lines(path, key)
    if vocabulary_size < 1:
        raise ValueError(f"Invalid vocabulary_size in {key}.")
    _check_buckets(key, num_oov_buckets, default_value is not None)
    kind = string_or_int(dtype, f"column_name: {key}")
    check_key(key)
    default = -1 if default_value is None else default_value
    return VocabularyFileCategoricalColumn(key, kind, default, num_oov_buckets or 0, path, vocabulary_size)


def _lines(path: str, key: str) -> int:
    if not gfile.Exists(path):
        raise ValueError(f"vocabulary_file in {key} does not exist: {path}")
    with gfile.GFile(path, "rb") as file:
        return sum(1 for _ in file)


def _check_buckets(key: str, num_oov_buckets: int | None, has_default: bool) -> None:
    if num_oov_buckets and has_default:
        raise ValueError(f"Can't specify both num_oov_buckets and default_value in {key}.")
    if num_oov_buckets and num_oov_buckets < 0:
        raise ValueError(f"Invalid num_oov_buckets {num_oov_buckets} in {key}.")
