"""Dense columns of categories: multi-hot vectors and learned embeddings, one's own or shared."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ...engine.dtypes import float32, int64
from ...engine.graph import Tensor
from ...engine.initializers import truncated_normal_initializer
from ...engine.ops.array import reshape, stack
from ...engine.ops.array_parts import concat, ones_like
from ...engine.ops.array_scatter import scatter_nd
from ...engine.ops.array_sets import one_hot
from ...engine.ops.array_shape import expand_dims
from ...engine.ops.casting import cast
from ...engine.ops.indexing import boolean_mask
from ...engine.ops.nn_embedding import embedding_lookup_sparse, safe_embedding_lookup_sparse
from ...engine.scopes import add_to_collection, get_collection
from ...engine.training.checkpoint_init import init_from_checkpoint
from ...engine.variable_scope import get_variable
from .base import Batch, CategoricalColumn, DenseColumn
from .combined import WeightedCategoricalColumn
from .lookup import row_of_each
from .sequence import SequenceCategoricalColumn, SequenceTensors, is_sequence, lengths_of


@dataclass(frozen=True)
class IndicatorColumn(DenseColumn):
    """How often each category occurs in an example. See `indicator_column`."""

    categorical_column: CategoricalColumn

    @property
    def name(self) -> str:
        """The categories' name with "_indicator"."""
        return f"{self.categorical_column.name}_indicator"

    @property
    def parse_example_spec(self) -> dict[str, Any]:
        """That of the categories."""
        return self.categorical_column.parse_example_spec

    @property
    def variable_shape(self) -> tuple[int, ...]:
        """One number a category."""
        return (self.categorical_column.num_buckets,)

    def transform(self, batch: Batch) -> Tensor:
        """Counts, or sums of weights, of the categories."""
        one = batch.one_id(self.categorical_column)
        if one is not None:
            return one_hot(reshape(one.counted(), [-1]), self.categorical_column.num_buckets)
        ids, weights = self.categorical_column.sparse_tensors(batch)
        number = self.categorical_column.num_buckets
        values = cast(ids.values, int64)
        amounts = ones_like(values, float32) if weights is None else cast(weights.values, float32)
        # Unknown words have negative ids; without weights ids out of range count nothing either.
        known = values >= 0 if weights is not None else (values >= 0) & (values < number)
        places = concat([ids.indices[:, :-1], expand_dims(values, 1)], 1)
        whole = concat([ids.dense_shape[:-1], cast(stack([number]), int64)], 0)
        result = scatter_nd(boolean_mask(places, known), boolean_mask(amounts, known), whole)
        sizes = ids.shape.sizes
        if sizes is not None:
            result.set_shape((*sizes[:-1], number))
        return result

    def dense_tensor(self, batch: Batch, weight_collections: list[Any] | None = None, trainable: bool = True) -> Tensor:
        """The multi-hot vectors."""
        _no_sequence(self)
        result: Tensor = batch.get(self)
        return result

    def sequence_tensors(
        self, batch: Batch, weight_collections: list[Any] | None = None, trainable: bool = True
    ) -> SequenceTensors:
        """The multi-hot vectors of each step."""
        ids = _sequence_ids(self, batch)
        return SequenceTensors(batch.get(self), lengths_of(ids))


def _no_sequence(column: Any) -> None:
    if is_sequence(column):
        raise ValueError(
            f"In column {column.name}: its categories are a sequence, which input_layer cannot take. Use "
            "sequence_input_layer or SequenceFeatures, or a categorical_column_with_* in the place of "
            f"sequence_categorical_column_with_*. Given: {column.categorical_column}"
        )


def _sequence_ids(column: Any, batch: Batch) -> Any:
    if not is_sequence(column):
        raise ValueError(
            f"In embedding_column or indicator_column {column.name}: categorical_column must be made by "
            f"sequence_categorical_column_with_* to be a sequence. Given: {column.categorical_column}"
        )
    return column.categorical_column.sparse_tensors(batch).id_tensor


def indicator_column(categorical_column: CategoricalColumn) -> IndicatorColumn:
    """A dense column with one number a category: how often it occurs, or the sum of its weights.

    As TensorFlow 1.15's `tf.feature_column.indicator_column`.

    Raises:
        ValueError: the argument is no categorical column.
    """
    return IndicatorColumn(_categorical(categorical_column))


def _categorical(column: Any) -> CategoricalColumn:
    if not isinstance(column, CategoricalColumn):
        raise ValueError(f"Unsupported input type. Input must be a CategoricalColumn. Given: {column}")
    return column


@dataclass(frozen=True)
class EmbeddingColumn(DenseColumn):
    """A learned vector for each category. See `embedding_column`."""

    categorical_column: CategoricalColumn
    dimension: int
    combiner: str
    initializer: Callable[..., Any]
    max_norm: float | None = None
    trainable: bool = True
    use_safe_embedding_lookup: bool = True
    # A checkpoint, and the name there of the tensor that the vectors start from.
    start: tuple[str, str] | None = None

    @property
    def name(self) -> str:
        """The categories' name with "_embedding"."""
        return f"{self.categorical_column.name}_embedding"

    @property
    def parse_example_spec(self) -> dict[str, Any]:
        """That of the categories."""
        return self.categorical_column.parse_example_spec

    @property
    def variable_shape(self) -> tuple[int, ...]:
        """The length of a vector."""
        return (self.dimension,)

    def transform(self, batch: Batch) -> Any:
        """That of the categories."""
        return batch.get(self.categorical_column)

    def dense_tensor(self, batch: Batch, weight_collections: list[Any] | None = None, trainable: bool = True) -> Tensor:
        """The vectors of an example's categories, combined."""
        _no_sequence(self)
        return self._vectors(batch, weight_collections, trainable)

    def sequence_tensors(
        self, batch: Batch, weight_collections: list[Any] | None = None, trainable: bool = True
    ) -> SequenceTensors:
        """The vectors of each step's categories, combined within the step."""
        ids = _sequence_ids(self, batch)
        return SequenceTensors(self._vectors(batch, weight_collections, trainable), lengths_of(ids))

    def _vectors(self, batch: Batch, weight_collections: list[Any] | None, trainable: bool) -> Tensor:
        table = self._weights(weight_collections, trainable)
        name = f"{self.scope_name}_weights"
        if self.use_safe_embedding_lookup and self.max_norm is None:
            rows = row_of_each(table, self.categorical_column, batch, name)
            if rows is not None:
                return rows
        ids, weights = self.categorical_column.sparse_tensors(batch)
        if self.use_safe_embedding_lookup or ids.shape.ndims is None or ids.shape.ndims > 2:
            return safe_embedding_lookup_sparse(table, ids, weights, self.combiner, name=name, max_norm=self.max_norm)
        return embedding_lookup_sparse(table, ids, weights, "div", name, self.combiner, self.max_norm)

    def _weights(self, collections: list[Any] | None, trainable: bool) -> Any:
        shape = [self.categorical_column.num_buckets, self.dimension]
        found = get_variable(
            "embedding_weights", shape, float32, self.initializer, trainable=self.trainable and trainable,
            collections=collections,
        )  # fmt: skip
        if self.start is not None:
            checkpoint, tensor = self.start
            init_from_checkpoint(checkpoint, {tensor: found})
        return found


@dataclass(frozen=True)
class SharedEmbeddingColumn(EmbeddingColumn):
    """An embedding column whose variable others use too. See `shared_embedding_columns`."""

    shared_embedding_collection_name: str = ""

    @property
    def name(self) -> str:
        """The categories' name with "_shared_embedding"."""
        return f"{self.categorical_column.name}_shared_embedding"

    @property
    def scope_name(self) -> str:
        """The name of the collection that holds the variable."""
        return self.shared_embedding_collection_name

    def _weights(self, collections: list[Any] | None, trainable: bool) -> Any:
        key = self.shared_embedding_collection_name
        found = get_collection(key)
        if not found:
            found = [super()._weights(collections, trainable)]
            add_to_collection(key, found[0])
        if len(found) > 1:
            raise ValueError(
                f"Collection {key!r} can only contain one variable, but it contains {found}. Choose another name."
            )
        shape = [self.categorical_column.num_buckets, self.dimension]
        if found[0].get_shape().as_list() != shape:
            raise ValueError(
                f"Shared embedding collection {key} contains variable {found[0].name} of unexpected shape "
                f"{found[0].get_shape()}. Expected shape is {shape}. Choose another name for the collection."
            )
        return found[0]


def embedding_column(
    categorical_column: CategoricalColumn,
    dimension: int,
    combiner: str = "mean",
    initializer: Callable[..., Any] | None = None,
    ckpt_to_load_from: str | None = None,
    tensor_name_in_ckpt: str | None = None,
    max_norm: float | None = None,
    trainable: bool = True,
    use_safe_embedding_lookup: bool = True,
) -> EmbeddingColumn:
    """A dense column with a learned vector for each category, as TensorFlow 1.15's `tf.feature_column.embedding_column`.

    Args:
        categorical_column: the categories.
        dimension: the length of the vectors.
        combiner: how the vectors of an example become one: "mean", "sqrtn" or "sum".
        initializer: of the variable; normal around 0 with deviation 1 / sqrt(dimension) by default.
        ckpt_to_load_from, tensor_name_in_ckpt: a checkpoint, and the name there of the tensor that the vectors start
            from, as by `tf.train.init_from_checkpoint`.
        max_norm: vectors of a larger norm are scaled down to it.
        trainable: whether the variable is trained.
        use_safe_embedding_lookup: False asks for input without empty examples and unknown words.

    Raises:
        ValueError: a dimension below 1, an initializer that cannot be called, or half of a checkpoint.
    """
    start = _checked(categorical_column, dimension, initializer, ckpt_to_load_from, tensor_name_in_ckpt)
    column = _categorical(categorical_column)
    options = (dimension, combiner, start, max_norm, trainable, use_safe_embedding_lookup)
    return EmbeddingColumn(column, *options, _start(ckpt_to_load_from, tensor_name_in_ckpt))


def shared_embedding_columns(
    categorical_columns: Sequence[CategoricalColumn],
    dimension: int,
    combiner: str = "mean",
    initializer: Callable[..., Any] | None = None,
    shared_embedding_collection_name: str | None = None,
    ckpt_to_load_from: str | None = None,
    tensor_name_in_ckpt: str | None = None,
    max_norm: float | None = None,
    trainable: bool = True,
    use_safe_embedding_lookup: bool = True,
) -> list[SharedEmbeddingColumn]:
    """Embedding columns that share one variable, as TensorFlow 1.15's `tf.feature_column.shared_embedding_columns`.

    Args:
        categorical_columns: columns of one type with equally many categories, some perhaps weighted.
        shared_embedding_collection_name: of the collection that holds the variable, and of its scope; by default the
            names of the columns, sorted and joined, with "_shared_embedding".
        dimension, combiner, initializer, ckpt_to_load_from, tensor_name_in_ckpt, max_norm, trainable,
            use_safe_embedding_lookup: see `embedding_column`.

    Raises:
        ValueError: see `embedding_column`; or the columns differ in type or number of categories.
    """
    ordered = sorted(categorical_columns, key=lambda column: column.name)
    start = _checked(ordered, dimension, initializer, ckpt_to_load_from, tensor_name_in_ckpt)
    for column in ordered[1:]:
        _check_same(ordered[0], column)
    name = shared_embedding_collection_name or "_".join(column.name for column in ordered) + "_shared_embedding"
    begin = _start(ckpt_to_load_from, tensor_name_in_ckpt)
    options = (dimension, combiner, start, max_norm, trainable, use_safe_embedding_lookup, begin, name)
    return [SharedEmbeddingColumn(_categorical(column), *options) for column in categorical_columns]


def _inmost(column: Any) -> Any:
    while isinstance(column, WeightedCategoricalColumn | SequenceCategoricalColumn):
        column = column.categorical_column
    return column


def _check_same(first: CategoricalColumn, other: CategoricalColumn) -> None:
    if type(_inmost(first)) is not type(_inmost(other)):
        raise ValueError(
            "To use shared_embedding_column, all categorical_columns must have the same type, or be "
            f"weighted_categorical_column of the same type. Given column: {first} does not match given column: {other}"
        )
    if first.num_buckets != other.num_buckets:
        raise ValueError(
            "To use shared_embedding_column, all categorical_columns must have the same number of buckets. "
            f"Given column: {first} with buckets: {first.num_buckets} does not match column: {other} with buckets: "
            f"{other.num_buckets}"
        )


def _start(checkpoint: Any, tensor: Any) -> tuple[str, str] | None:
    return None if checkpoint is None else (os.fspath(checkpoint), tensor)


def _checked(column: Any, dimension: Any, initializer: Any, checkpoint: Any, tensor: Any) -> Callable[..., Any]:
    """The initializer, all arguments being right."""
    if dimension is None or dimension < 1:
        raise ValueError(f"Invalid dimension {dimension}.")
    if (checkpoint is None) != (tensor is None):
        raise ValueError("Must specify both `ckpt_to_load_from` and `tensor_name_in_ckpt` or none of them.")
    if initializer is not None and not callable(initializer):
        raise ValueError(f"initializer must be callable if specified. Embedding of column_name: {column}")
    return initializer or truncated_normal_initializer(0.0, 1 / math.sqrt(dimension))
