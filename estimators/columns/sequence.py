"""Sequence columns: categories and numbers of each of an example's steps, for recurrent networks."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ...engine.dtypes import DType, as_dtype, float32, float64, int64, string
from ...engine.graph import Tensor
from ...engine.ops.array import reshape, shape, stack
from ...engine.ops.array_parts import concat, zeros
from ...engine.ops.casting import cast
from ...engine.ops.parsing import VarLenFeature
from ...engine.ops.reduce import reduce_prod
from ...engine.ops.rounding import ceil
from ...engine.ops.segments import segment_max
from ...engine.ops.sparse_functions import sparse_reshape, sparse_tensor_to_dense
from ...engine.tensor_types import SparseTensor
from .base import Batch, CategoricalColumn, FeatureColumn, IdWeightPair, check_key
from .categorical import (
    categorical_column_with_hash_bucket,
    categorical_column_with_identity,
    categorical_column_with_vocabulary_file,
    categorical_column_with_vocabulary_list,
)
from .numeric import checked_shape


class SequenceTensors(NamedTuple):
    """Numbers of all steps, [batch, steps, ...], zero after an example's last, and how many steps each example has."""

    dense_tensor: Tensor
    sequence_length: Tensor


@dataclass(frozen=True)
class SequenceCategoricalColumn(CategoricalColumn):
    """Categories in order: those of a step are not combined with those of the next."""

    categorical_column: CategoricalColumn

    @property
    def name(self) -> str:
        """The categories' name."""
        return self.categorical_column.name

    @property
    def parse_example_spec(self) -> dict[str, Any]:
        """That of the categories."""
        return self.categorical_column.parse_example_spec

    @property
    def num_buckets(self) -> int:
        """How many categories there are."""
        return self.categorical_column.num_buckets

    def transform(self, batch: Batch) -> Any:
        """That of the categories."""
        return batch.get(self.categorical_column)

    def sparse_tensors(self, batch: Batch) -> IdWeightPair:
        """The ids by example, step and place within the step."""
        ids, weights = self.categorical_column.sparse_tensors(batch)
        sizes = cast(ids.dense_shape, int64)
        # The third size is worked out: -1 does not say it where there are no steps at all.
        target = stack([sizes[0], sizes[1], reduce_prod(sizes[2:])])
        return IdWeightPair(sparse_reshape(ids, target), None if weights is None else sparse_reshape(weights, target))


def is_sequence(column: Any) -> bool:
    """Whether a dense column has categories in order."""
    return isinstance(getattr(column, "categorical_column", None), SequenceCategoricalColumn)


def lengths_of(sparse: SparseTensor, width: int = 1) -> Tensor:
    """How many steps of `width` values each example has, int64 [batch]: up to the last value that is there."""
    ends = segment_max(sparse.indices[:, 1] + 1, sparse.indices[:, 0])
    found = cast(ceil(cast(ends, float64) / float(width)), int64)
    # Examples at the end that have no values are not among the segments.
    missing = cast(sparse.dense_shape[:1], int64) - shape(found, out_type=int64)
    return concat([found, zeros(missing, int64)], 0)


@dataclass(frozen=True)
class SequenceNumericColumn(FeatureColumn):
    """Numbers of each step. See `sequence_numeric_column`."""

    key: str
    shape: tuple[int, ...] = (1,)
    default_value: float = 0.0
    dtype: DType = float32
    normalizer_fn: Callable[[Any], Any] | None = None

    @property
    def name(self) -> str:
        """The feature's name."""
        return self.key

    @property
    def variable_shape(self) -> tuple[int, ...]:
        """The shape of one step's numbers."""
        return self.shape

    @property
    def size(self) -> int:
        """Numbers a step."""
        return math.prod(self.shape)

    @property
    def parse_example_spec(self) -> dict[str, Any]:
        """How `tf.parse_example` reads the feature: all steps' numbers in one row."""
        return {self.key: VarLenFeature(self.dtype)}

    def transform(self, batch: Batch) -> SparseTensor:
        """The normalized numbers."""
        values = batch.get(self.key)
        if not isinstance(values, SparseTensor):
            raise ValueError(f"The feature of a sequence_numeric_column must be a SparseTensor. key: {self.key}")
        if not (values.dtype.is_floating or values.dtype.is_integer):
            raise ValueError(
                f"The feature of a sequence_numeric_column must be numbers. key: {self.key}, dtype: {values.dtype}"
            )
        result = values if self.normalizer_fn is None else self.normalizer_fn(values)
        return SparseTensor(result.indices, cast(result.values, float32), result.dense_shape)

    def sequence_tensors(
        self, batch: Batch, weight_collections: list[Any] | None = None, trainable: bool = True
    ) -> SequenceTensors:
        """The numbers [batch, steps, *shape] and the numbers of steps."""
        sparse = batch.get(self)
        dense = sparse_tensor_to_dense(sparse, default_value=self.default_value)
        sizes = concat([shape(dense)[:1], [-1, *self.shape]], 0)
        # In a matrix the numbers of one step lie side by side; a third dimension holds them apart.
        width = self.size if sparse.shape.ndims == 2 else 1
        return SequenceTensors(reshape(dense, sizes), lengths_of(sparse, width))


def sequence_categorical_column_with_identity(
    key: str, num_buckets: int, default_value: int | None = None
) -> SequenceCategoricalColumn:
    """A sequence of integers in [0, num_buckets); see categorical_column_with_identity.

    Goes into an embedding_column or indicator_column, and with it into `sequence_input_layer`.
    """
    return SequenceCategoricalColumn(categorical_column_with_identity(key, num_buckets, default_value))


def sequence_categorical_column_with_hash_bucket(
    key: str, hash_bucket_size: int, dtype: Any = string
) -> SequenceCategoricalColumn:
    """A sequence of words or integers by their hash; see categorical_column_with_hash_bucket."""
    return SequenceCategoricalColumn(categorical_column_with_hash_bucket(key, hash_bucket_size, dtype))


def sequence_categorical_column_with_vocabulary_file(
    key: str,
    vocabulary_file: Any,
    vocabulary_size: int | None = None,
    num_oov_buckets: int = 0,
    default_value: int | None = None,
    dtype: Any = string,
) -> SequenceCategoricalColumn:
    """A sequence of words by their line in a file; see categorical_column_with_vocabulary_file."""
    return SequenceCategoricalColumn(
        categorical_column_with_vocabulary_file(
            key, vocabulary_file, vocabulary_size, num_oov_buckets, default_value, dtype
        )
    )


def sequence_categorical_column_with_vocabulary_list(
    key: str, vocabulary_list: Sequence[Any], dtype: Any = None, default_value: int = -1, num_oov_buckets: int = 0
) -> SequenceCategoricalColumn:
    """A sequence of words by their place in a list; see categorical_column_with_vocabulary_list."""
    return SequenceCategoricalColumn(
        categorical_column_with_vocabulary_list(key, vocabulary_list, dtype, default_value, num_oov_buckets)
    )


def sequence_numeric_column(
    key: str,
    shape: Any = (1,),
    default_value: float = 0.0,
    dtype: Any = float32,
    normalizer_fn: Callable[[Any], Any] | None = None,
) -> SequenceNumericColumn:
    """A column of numbers for each step, as `tf.feature_column.sequence_numeric_column`.

    Args:
        key: the name of the feature, a SparseTensor: a row holds the numbers of all steps of an example, or a third
            dimension those of each step.
        shape: of one step's numbers.
        default_value: stands where an example has no value.
        dtype: a real type; the model always gets float32.
        normalizer_fn: a function of the feature's SparseTensor.

    Raises:
        TypeError: a dimension is no integer, or normalizer_fn cannot be called.
        ValueError: a dimension is not positive, or the dtype is not real.
    """
    sizes = checked_shape(shape, key)
    kind = as_dtype(dtype)
    if not (kind.is_floating or kind.is_integer):
        raise ValueError(f"dtype must be convertible to float. dtype: {kind}, key: {key}")
    if normalizer_fn is not None and not callable(normalizer_fn):
        raise TypeError(f"normalizer_fn must be a callable. Given: {normalizer_fn}")
    check_key(key)
    return SequenceNumericColumn(key, sizes, default_value, kind, normalizer_fn)
