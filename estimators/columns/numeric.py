"""Columns of real numbers, as they are or cut into buckets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from ...engine.dtypes import DType, as_dtype, float32, int64
from ...engine.graph import Tensor
from ...engine.ops.array import reshape, shape, stack
from ...engine.ops.array_pad import tile
from ...engine.ops.array_sets import one_hot
from ...engine.ops.array_shape import expand_dims
from ...engine.ops.casting import cast
from ...engine.ops.parsing import FixedLenFeature
from ...engine.ops.ranges import bucketize_op, range as steps
from ...engine.tensor_types import SparseTensor
from .base import Batch, CategoricalColumn, DenseColumn, IdWeightPair, OneId, check_key


@dataclass(frozen=True)
class NumericColumn(DenseColumn):
    """A feature of numbers: `key` in the features, of shape [batch, *shape]. See `numeric_column`."""

    key: str
    shape: tuple[int, ...] = (1,)
    default_value: Any = None
    dtype: DType = float32
    normalizer_fn: Callable[[Tensor], Tensor] | None = None

    @property
    def name(self) -> str:
        """The feature's name."""
        return self.key

    @property
    def variable_shape(self) -> tuple[int, ...]:
        """The shape of one example's numbers."""
        return self.shape

    @property
    def parse_example_spec(self) -> dict[str, Any]:
        """How `tf.parse_example` reads the feature."""
        return {self.key: FixedLenFeature(self.shape, self.dtype, self.default_value)}

    def transform(self, batch: Batch) -> Tensor:
        """The normalized numbers as float32."""
        values = batch.get(self.key)
        if isinstance(values, SparseTensor):
            raise ValueError(
                "The corresponding Tensor of numerical column must be a Tensor. "
                f"SparseTensor is not supported. key: {self.key}"
            )
        if not (values.dtype.is_floating or values.dtype.is_integer or values.dtype.is_bool):
            raise ValueError(f"The feature of a numeric column must be numbers. key: {self.key}, dtype: {values.dtype}")
        if self.normalizer_fn is not None:
            values = self.normalizer_fn(values)
        result: Tensor = cast(values, float32)
        return result

    def dense_tensor(self, batch: Batch, weight_collections: list[Any] | None = None, trainable: bool = True) -> Tensor:
        """The numbers."""
        result: Tensor = batch.get(self)
        return result


def numeric_column(
    key: str,
    shape: Any = (1,),
    default_value: Any = None,
    dtype: Any = float32,
    normalizer_fn: Callable[[Tensor], Tensor] | None = None,
) -> NumericColumn:
    """A column of real numbers, as TensorFlow 1.15's `tf.feature_column.numeric_column`.

    Args:
        key: the feature's name.
        shape: of one example's values.
        default_value: for parsing examples without the feature: one number, or nested lists of `shape`.
        dtype: a real type; the model always gets float32.
        normalizer_fn: a function of the feature's tensor, applied before it becomes float32.

    Raises:
        TypeError: a dimension is no integer, or the default does not fit the dtype.
        ValueError: a dimension is not positive, or the dtype is not real.
    """
    sizes = checked_shape(shape, key)
    kind = as_dtype(dtype)
    if not (kind.is_floating or kind.is_integer):
        raise ValueError(f"dtype must be convertible to float. dtype: {kind}, key: {key}")
    if normalizer_fn is not None and not callable(normalizer_fn):
        raise TypeError(f"normalizer_fn must be a callable. Given: {normalizer_fn}")
    check_key(key)
    return NumericColumn(key, sizes, _checked_default(default_value, sizes, kind, key), kind, normalizer_fn)


def checked_shape(shape: Any, key: str) -> tuple[int, ...]:
    """A shape as a tuple; TypeError or ValueError unless it is of positive integers."""
    sizes = tuple(shape) if isinstance(shape, Sequence) else (shape,)
    for size in sizes:
        if not isinstance(size, int):
            raise TypeError(f"shape dimensions must be integer. shape: {sizes}, key: {key}")
        if size < 1:
            raise ValueError(f"shape dimensions must be greater than 0. shape: {sizes}, key: {key}")
    return sizes


def _checked_default(value: Any, sizes: tuple[int, ...], dtype: DType, key: str) -> Any:
    """The default as nested tuples of `sizes`."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float | Sequence) or isinstance(value, str):
        raise TypeError(f"default_value must be compatible with dtype. default_value: {value}, dtype: {dtype}")
    if isinstance(value, Sequence):
        if not sizes or len(value) != sizes[0]:
            raise ValueError(
                "The shape of default_value must be equal to given shape. "
                f"default_value: {value}, shape: {sizes}, key: {key}"
            )
        return tuple(_checked_default(part, sizes[1:], dtype, key) for part in value)
    if dtype.is_integer and not isinstance(value, int):
        raise TypeError(
            f"default_value must be compatible with dtype. default_value: {value}, dtype: {dtype}, key: {key}"
        )
    if sizes:
        return tuple(_checked_default(value, sizes[1:], dtype, key) for _ in range(sizes[0]))
    return value if dtype.is_integer else float(value)


@dataclass(frozen=True)
class BucketizedColumn(DenseColumn, CategoricalColumn):
    """Which bucket a number is in, as a category or one-hot. See `bucketized_column`."""

    source_column: NumericColumn
    boundaries: tuple[float, ...]

    @property
    def name(self) -> str:
        """The source's name with "_bucketized"."""
        return f"{self.source_column.name}_bucketized"

    @property
    def parse_example_spec(self) -> dict[str, Any]:
        """That of the source."""
        return self.source_column.parse_example_spec

    @property
    def _buckets(self) -> int:
        return len(self.boundaries) + 1

    @property
    def variable_shape(self) -> tuple[int, ...]:
        """The source's shape and the number of buckets."""
        return (*self.source_column.shape, self._buckets)

    @property
    def num_buckets(self) -> int:
        """Buckets of all dimensions of the source together."""
        return self._buckets * self.source_column.size

    def transform(self, batch: Batch) -> Tensor:
        """The number of the bucket of each value, int32."""
        return bucketize_op(batch.get(self.source_column), boundaries=[float(b) for b in self.boundaries])

    def dense_tensor(self, batch: Batch, weight_collections: list[Any] | None = None, trainable: bool = True) -> Tensor:
        """One-hot vectors."""
        return one_hot(cast(batch.get(self), int64), self._buckets, 1.0, 0.0)

    def one_id(self, batch: Batch) -> OneId | None:
        """The bucket, of a source of one number."""
        found: Tensor = batch.get(self)
        return OneId(cast(found, int64)) if found.sizes is not None and found.sizes[1:] == (1,) else None

    def sparse_tensors(self, batch: Batch) -> IdWeightPair:
        """One id for each value; each dimension of the source has ids of its own."""
        found, width = batch.get(self), self.source_column.size
        rows = shape(found)[0]
        dimensions = tile(steps(width), stack([rows]))
        row_numbers = reshape(tile(expand_dims(steps(rows), 1), [1, width]), [-1])
        ids = reshape(found, [-1]) + dimensions * self._buckets
        indices = cast(stack([row_numbers, dimensions], 1), int64)
        return IdWeightPair(SparseTensor(indices, cast(ids, int64), cast(stack([rows, width]), int64)), None)


def bucketized_column(source_column: NumericColumn, boundaries: Sequence[float]) -> BucketizedColumn:
    """A column of the buckets of a numeric one: [.., b0), [b0, b1), ..., [bn, ..), dense (one-hot) or categorical.

    Args:
        source_column: a numeric column of at most one dimension.
        boundaries: a list of growing numbers.

    Raises:
        ValueError: the source is another column, or the boundaries are empty or do not grow.
    """
    if not isinstance(source_column, NumericColumn):
        raise ValueError(f"source_column must be a column generated with numeric_column(). Given: {source_column}")
    if len(source_column.shape) > 1:
        raise ValueError(f"source_column must be one-dimensional column. Given: {source_column}")
    if not boundaries:
        raise ValueError("boundaries must not be empty.")
    if not isinstance(boundaries, list | tuple) or any(a >= b for a, b in pairwise(boundaries)):
        raise ValueError(f"boundaries must be a sorted list. Given: {boundaries}")
    return BucketizedColumn(source_column, tuple(boundaries))
