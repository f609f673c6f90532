"""Columns made of other categorical columns: crosses, and categories with weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import Any

from ...engine.dtypes import DType, as_dtype, float32, string
from ...engine.graph import Tensor
from ...engine.ops.array import reshape, shape
from ...engine.ops.casting import cast
from ...engine.ops.parsing import VarLenFeature
from ...engine.ops.sparse_functions import sparse_cross_hashed
from ...engine.tensor_types import SparseTensor
from .base import Batch, CategoricalColumn, IdWeightPair, OneId, to_sparse
from .categorical import HashedCategoricalColumn


@dataclass(frozen=True)
class CrossedColumn(CategoricalColumn):
    """Hashes of all combinations of several features. See `crossed_column`."""

    keys: tuple[str | CategoricalColumn, ...]
    hash_bucket_size: int
    hash_key: int | None = None

    @property
    def leaves(self) -> list[str | CategoricalColumn]:
        """The crossed features and columns, those of crosses inside it among them."""
        parts = [key.leaves if isinstance(key, CrossedColumn) else [key] for key in self.keys]
        return [leaf for part in parts for leaf in part]

    @property
    def name(self) -> str:
        """The names of what is crossed, sorted and joined by "_X_"."""
        return "_X_".join(sorted(leaf if isinstance(leaf, str) else leaf.name for leaf in self.leaves))

    @property
    def parse_example_spec(self) -> dict[str, Any]:
        """Those of the crossed columns; features given by name are strings."""
        spec: dict[str, Any] = {}
        for key in self.keys:
            spec.update({key: VarLenFeature(string)} if isinstance(key, str) else key.parse_example_spec)
        return spec

    @property
    def num_buckets(self) -> int:
        """How many buckets there are."""
        return self.hash_bucket_size

    def transform(self, batch: Batch) -> SparseTensor:
        """The bucket of each combination."""
        inputs = [_crossed(leaf, batch) for leaf in self.leaves]
        return sparse_cross_hashed(inputs, self.hash_bucket_size, self.hash_key)

    def one_id(self, batch: Batch) -> OneId | None:
        """The bucket, where each part has one value an example."""
        # Sparse parts are hashed before dense ones: columns before features.
        columns = [batch.one_id(leaf) for leaf in self.leaves if not isinstance(leaf, str)]
        features = [batch.one_value(leaf) for leaf in self.leaves if isinstance(leaf, str)]
        known = [found for found in columns if found is not None]
        inputs = [*(found.ids for found in known), *(feature for feature in features if feature is not None)]
        if len(inputs) < len(self.leaves):
            return None
        crossed = sparse_cross_hashed(inputs, self.hash_bucket_size, self.hash_key)
        ids: Tensor = reshape(crossed.values, shape(inputs[0]))
        ids.set_shape(inputs[0].shape)
        missing = [found.missing for found in known if found.missing is not None]
        return OneId(ids, reduce(or_, missing) if missing else None)


def _crossed(leaf: str | CategoricalColumn, batch: Batch) -> Any:
    if isinstance(leaf, str):
        return batch.get(leaf)
    ids, weights = leaf.sparse_tensors(batch)
    if weights is not None:
        raise ValueError(
            "crossed_column does not support weight_tensor, but the given column populates weight_tensor. "
            f"Given column: {leaf.name}"
        )
    return ids


def crossed_column(
    keys: Sequence[str | CategoricalColumn], hash_bucket_size: int, hash_key: int | None = None
) -> CrossedColumn:
    """A column of all combinations of several features, hashed, as TensorFlow 1.15's `tf.feature_column.crossed_column`.

    Args:
        keys: names of features, and categorical columns other than those with hash buckets. A missing value of a
            feature given by name ("" in a dense one) is crossed as any other; of a column it is left out.
        hash_bucket_size: how many buckets there are.
        hash_key: a key of the hash.

    Raises:
        ValueError: fewer than two keys, a key of another kind, or no size.
    """
    if not hash_bucket_size or hash_bucket_size < 1:
        raise ValueError(f"hash_bucket_size must be > 1. hash_bucket_size: {hash_bucket_size}")
    if not keys or len(keys) < 2:
        raise ValueError(f"keys must be a list with length > 1. Given: {keys}")
    for key in keys:
        if not isinstance(key, str | CategoricalColumn):
            raise ValueError(
                "Unsupported key type. All keys must be either string, or categorical column except "
                f"HashedCategoricalColumn. Given: {key}"
            )
        if isinstance(key, HashedCategoricalColumn):
            raise ValueError(
                "categorical_column_with_hash_bucket is not supported for crossing. Hashing before crossing will "
                f"increase probability of collision. Instead, use the feature name as a string. Given: {key}"
            )
    return CrossedColumn(tuple(keys), hash_bucket_size, hash_key)


@dataclass(frozen=True)
class WeightedCategoricalColumn(CategoricalColumn):
    """Categories with weights from another feature. See `weighted_categorical_column`."""

    categorical_column: CategoricalColumn
    weight_feature_key: str
    dtype: DType = float32

    @property
    def name(self) -> str:
        """Both names, with "_weighted_by_" between them."""
        return f"{self.categorical_column.name}_weighted_by_{self.weight_feature_key}"

    @property
    def parse_example_spec(self) -> dict[str, Any]:
        """That of the categories, and that of the weights."""
        spec = dict(self.categorical_column.parse_example_spec)
        if self.weight_feature_key in spec:
            raise ValueError(
                f"Parse config {spec[self.weight_feature_key]} already exists for {self.weight_feature_key}."
            )
        return spec | {self.weight_feature_key: VarLenFeature(self.dtype)}

    @property
    def num_buckets(self) -> int:
        """How many categories there are."""
        return self.categorical_column.num_buckets

    def transform(self, batch: Batch) -> IdWeightPair:
        """Ids and weights."""
        weights = batch.get(self.weight_feature_key)
        if self.dtype != weights.dtype.base_dtype:
            raise ValueError(
                f"Bad dtype, expected {self.dtype}, but got {weights.dtype}. weight_feature_key: {self.weight_feature_key}"
            )
        sparse = to_sparse(weights, 0)
        if not sparse.dtype.is_floating:
            sparse = SparseTensor(sparse.indices, cast(sparse.values, float32), sparse.dense_shape)
        return IdWeightPair(self.categorical_column.sparse_tensors(batch).id_tensor, sparse)

    def sparse_tensors(self, batch: Batch) -> IdWeightPair:
        """Ids and weights."""
        pair: IdWeightPair = batch.get(self)
        return pair


def weighted_categorical_column(
    categorical_column: CategoricalColumn, weight_feature_key: str, dtype: Any = float32
) -> WeightedCategoricalColumn:
    """A categorical column with the weights that another feature gives at the same places.

    As TensorFlow 1.15's `tf.feature_column.weighted_categorical_column`.

    Args:
        categorical_column: the categories.
        weight_feature_key: the name of the weights; 0 in a dense feature is a missing weight.
        dtype: of the weights, a real type.

    Raises:
        ValueError: the dtype is not real, or the first argument no categorical column.
    """
    kind = None if dtype is None else as_dtype(dtype)
    if kind is None or not (kind.is_integer or kind.is_floating):
        raise ValueError(f"dtype {dtype} is not convertible to float.")
    if not isinstance(categorical_column, CategoricalColumn):
        raise ValueError(f"Unsupported input type. Input must be a CategoricalColumn. Given: {categorical_column}")
    return WeightedCategoricalColumn(categorical_column, weight_feature_key, kind)
