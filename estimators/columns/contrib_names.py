"""The names and arguments that `tf.contrib.layers` gave feature columns, for the columns of `tf.feature_column`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...engine.dtypes import float32, int64, string
from ...engine.graph import Tensor
from ...engine.variable_scope import variable_scope
from . import categorical, combined, embedding, numeric
from .base import CategoricalColumn
from .input_layer import input_layer
from .linear_model import linear_model
from .parsing import make_parse_example_spec


def _check_combiner(combiner: str, name: Any) -> None:
    if combiner != "sum":
        raise ValueError(
            f"The combiner of the column {name!r} must be 'sum', got {combiner!r}: others are given to the model, as "
            "linear_model(..., sparse_combiner=...), or to the embedding"
        )


def real_valued_column(
    column_name: str, dimension: int = 1, default_value: Any = None, dtype: Any = float32,
    normalizer: Callable[[Tensor], Tensor] | None = None,
) -> numeric.NumericColumn:  # fmt: skip
    """`numeric_column` of a vector of `dimension` numbers, as `tf.contrib.layers.real_valued_column`."""
    return numeric.numeric_column(column_name, (dimension,), default_value, dtype, normalizer)


def bucketized_column(source_column: numeric.NumericColumn, boundaries: Sequence[float]) -> numeric.BucketizedColumn:
    """`bucketized_column`, as `tf.contrib.layers.bucketized_column`."""
    return numeric.bucketized_column(source_column, list(boundaries))


def sparse_column_with_hash_bucket(
    column_name: str, hash_bucket_size: int, combiner: str = "sum", dtype: Any = string
) -> categorical.HashedCategoricalColumn:
    """`categorical_column_with_hash_bucket`, as `tf.contrib.layers.sparse_column_with_hash_bucket`.

    Raises:
        ValueError: a combiner other than "sum".
    """
    _check_combiner(combiner, column_name)
    return categorical.categorical_column_with_hash_bucket(column_name, hash_bucket_size, dtype)


def sparse_column_with_keys(
    column_name: str, keys: Sequence[Any], default_value: int = -1, combiner: str = "sum", dtype: Any = string
) -> categorical.VocabularyListCategoricalColumn:
    """`categorical_column_with_vocabulary_list`, as `tf.contrib.layers.sparse_column_with_keys`."""
    _check_combiner(combiner, column_name)
    return categorical.categorical_column_with_vocabulary_list(column_name, keys, dtype, default_value)


def sparse_column_with_vocabulary_file(
    column_name: str, vocabulary_file: Any, num_oov_buckets: int = 0, vocab_size: int | None = None,
    default_value: int = -1, combiner: str = "sum", dtype: Any = string,
) -> categorical.VocabularyFileCategoricalColumn:  # fmt: skip
    """`categorical_column_with_vocabulary_file`, as `tf.contrib.layers.sparse_column_with_vocabulary_file`."""
    _check_combiner(combiner, column_name)
    default = None if default_value == -1 else default_value
    return categorical.categorical_column_with_vocabulary_file(
        column_name, vocabulary_file, vocab_size, num_oov_buckets, default, dtype
    )


def sparse_column_with_integerized_feature(
    column_name: str, bucket_size: int, combiner: str = "sum", dtype: Any = int64
) -> categorical.IdentityCategoricalColumn:
    """`categorical_column_with_identity`, as `tf.contrib.layers.sparse_column_with_integerized_feature`.

    An id that is `bucket_size` or more fails while running.
    """
    _check_combiner(combiner, column_name)
    del dtype
    return categorical.categorical_column_with_identity(column_name, bucket_size)


def crossed_column(
    columns: Sequence[CategoricalColumn | str], hash_bucket_size: int, combiner: str = "sum",
    ckpt_to_load_from: str | None = None, tensor_name_in_ckpt: str | None = None, hash_key: int | None = None,
) -> combined.CrossedColumn:  # fmt: skip
    """`crossed_column`, as `tf.contrib.layers.crossed_column`; hashed columns stand for their features' own values.

    Raises:
        ValueError: see `tf.feature_column.crossed_column`; a combiner other than "sum"; or a checkpoint is given.
    """
    _check_combiner(combiner, "_X_".join(getattr(column, "name", str(column)) for column in columns))
    if ckpt_to_load_from is not None or tensor_name_in_ckpt is not None:
        raise ValueError("ckpt_to_load_from is not supported by crossed_column: its weights belong to the model")
    keys = [c.key if isinstance(c, categorical.HashedCategoricalColumn) else c for c in columns]
    return combined.crossed_column(keys, hash_bucket_size, hash_key)


def weighted_sparse_column(
    sparse_id_column: CategoricalColumn, weight_column_name: str, dtype: Any = float32
) -> combined.WeightedCategoricalColumn:
    """`weighted_categorical_column`, as `tf.contrib.layers.weighted_sparse_column`."""
    return combined.weighted_categorical_column(sparse_id_column, weight_column_name, dtype)


def one_hot_column(sparse_id_column: CategoricalColumn) -> embedding.IndicatorColumn:
    """`indicator_column`, as `tf.contrib.layers.one_hot_column`."""
    return embedding.indicator_column(sparse_id_column)


def embedding_column(
    sparse_id_column: CategoricalColumn, dimension: int, combiner: str = "mean",
    initializer: Callable[..., Any] | None = None, ckpt_to_load_from: str | None = None,
    tensor_name_in_ckpt: str | None = None, max_norm: float | None = None, trainable: bool = True,
) -> embedding.EmbeddingColumn:  # fmt: skip
    """`embedding_column`, as `tf.contrib.layers.embedding_column`."""
    return embedding.embedding_column(
        sparse_id_column, dimension, combiner, initializer, ckpt_to_load_from, tensor_name_in_ckpt, max_norm, trainable
    )


def shared_embedding_columns(
    sparse_id_columns: Sequence[CategoricalColumn], dimension: int, combiner: str = "mean",
    shared_embedding_name: str | None = None, initializer: Callable[..., Any] | None = None,
    ckpt_to_load_from: str | None = None, tensor_name_in_ckpt: str | None = None, max_norm: float | None = None,
    trainable: bool = True,
) -> list[embedding.SharedEmbeddingColumn]:  # fmt: skip
    """`shared_embedding_columns`, as `tf.contrib.layers.shared_embedding_columns`."""
    return embedding.shared_embedding_columns(
        sparse_id_columns, dimension, combiner, initializer, shared_embedding_name, ckpt_to_load_from,
        tensor_name_in_ckpt, max_norm, trainable,
    )  # fmt: skip


def input_from_feature_columns(
    columns_to_tensors: Mapping[str, Any], feature_columns: Any, weight_collections: Any = None,
    trainable: bool = True, scope: Any = None,
) -> Tensor:  # fmt: skip
    """`input_layer` in the scope "input_from_feature_columns", as `tf.contrib.layers.input_from_feature_columns`."""
    return input_layer(
        columns_to_tensors, feature_columns, weight_collections, trainable, scope=scope or "input_from_feature_columns"
    )


def create_feature_spec_for_parsing(feature_columns: Any) -> dict[str, Any]:
    """`make_parse_example_spec`, as `tf.contrib.layers.create_feature_spec_for_parsing`."""
    return make_parse_example_spec(feature_columns)


def weighted_sum_from_feature_columns(
    columns_to_tensors: Mapping[str, Any], feature_columns: Any, num_outputs: int, weight_collections: Any = None,
    trainable: bool = True, scope: Any = None,
) -> tuple[Tensor, dict[Any, list[Any]], Any]:  # fmt: skip
    """`linear_model` with its variables by column and its bias, as `tf.contrib.layers` gives them.

    Its variables are those of `linear_model`, under the scope "weighted_sum_from_feature_columns".
    """
    variables: dict[Any, list[Any]] = {}
    with variable_scope(scope, "weighted_sum_from_feature_columns"):
        output = linear_model(
            columns_to_tensors, feature_columns, num_outputs, "sum", weight_collections, trainable, variables
        )
    bias = variables.pop("bias")[0]
    return output, variables, bias
