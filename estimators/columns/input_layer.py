"""input_layer: dense feature columns side by side, as the input of a network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...engine.graph import Tensor
from ...engine.ops.array_parts import concat
from ...engine.scopes import GraphKeys, get_collection
from ...engine.variable_scope import get_variable_scope, variable_scope
from .base import Batch, DenseColumn, check_batch_sizes, columns_of, flat, sorted_columns


def input_layer(
    features: Mapping[str, Any],
    feature_columns: Any,
    weight_collections: Any = None,
    trainable: bool = True,
    cols_to_vars: dict[Any, list[Any]] | None = None,
    cols_to_output_tensors: dict[Any, Tensor] | None = None,
    scope: Any = None,
) -> Tensor:
    """The dense columns of a batch side by side, by name, as TensorFlow 1.15's `tf.feature_column.input_layer`.

    Variables are named `input_layer/<column>/embedding_weights`.

    Args:
        features: tensors, arrays or SparseTensors by name; a vector is a column of one number an example.
        feature_columns: dense columns; categorical ones go through embedding_column or indicator_column.
        weight_collections: further collections for the variables.
        trainable: whether the variables are trained.
        cols_to_vars: filled with each column's variables.
        cols_to_output_tensors: filled with each column's part of the result.
        scope: the variable scope, "input_layer" by default, made unique.

    Returns:
        float32 [batch, sum of the columns' sizes].

    Raises:
        ValueError: a column is not dense, two have one name, a feature is missing or of the wrong shape or dtype.

    Example:
        >>> import headrace as tf
        >>> age = tf.feature_column.numeric_column("age")
        >>> buckets = tf.feature_column.bucketized_column(age, [18.0, 65.0])
        >>> with tf.Session() as sess:
        ...     sess.run(tf.feature_column.input_layer({"age": [20.0, 70.0]}, [age, buckets]))
        array([[20.,  0.,  1.,  0.],
               [70.,  0.,  0.,  1.]], dtype=float32)
    """
    columns = columns_of(feature_columns)
    for column in columns:
        if not isinstance(column, DenseColumn):
            raise ValueError(
                "Items of feature_columns must be a DenseColumn. You can wrap a categorical column with an "
                f"embedding_column or indicator_column. Given: {column}"
            )
    collections = with_usual(weight_collections)
    batch, parts, ordered = Batch.of(features), [], list(sorted_columns(columns))
    with variable_scope(scope, "input_layer"):
        for column in ordered:
            with variable_scope(None, column.scope_name):
                parts.append(flat(column.dense_tensor(batch, collections, trainable), column))
                if cols_to_vars is not None:
                    cols_to_vars[column] = get_collection(GraphKeys.GLOBAL_VARIABLES, get_variable_scope().name + "/")
        if cols_to_output_tensors is not None:
            cols_to_output_tensors.update(zip(ordered, parts, strict=True))
        check_batch_sizes(parts, ordered)
        return concat(parts, 1)


def with_usual(weight_collections: Any) -> list[Any]:
    """Collections of variables, those of global and of model variables among them."""
    names = list(weight_collections or [])
    return [*names, *(n for n in (GraphKeys.GLOBAL_VARIABLES, GraphKeys.MODEL_VARIABLES) if n not in names)]
