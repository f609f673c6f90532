"""linear_model: a weighted sum of feature columns, dense and categorical."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...engine.graph import Tensor
from ...engine.initializers import zeros_initializer
from ...engine.ops.array import stack
from ...engine.ops.elementwise_nary import add_n
from ...engine.ops.nn_bias import bias_add
from ...engine.ops.nn_embedding import safe_embedding_lookup_sparse
from ...engine.ops.products import matmul
from ...engine.ops.sparse_functions import sparse_reshape
from ...engine.scopes import GraphKeys, get_collection
from ...engine.tensor_types import SparseTensor
from ...engine.variable_scope import get_variable, get_variable_scope, variable_scope
from .base import Batch, CategoricalColumn, DenseColumn, FeatureColumn, check_batch_sizes, flat, sorted_columns
from .input_layer import with_usual
from .lookup import row_of_each


def linear_model(
    features: Mapping[str, Any],
    feature_columns: Any,
    units: int = 1,
    sparse_combiner: str = "sum",
    weight_collections: Any = None,
    trainable: bool = True,
    cols_to_vars: dict[Any, list[Any]] | None = None,
) -> Tensor:
    """A weighted sum of all columns and a bias, as TensorFlow 1.15's `tf.feature_column.linear_model`.

    Variables, which start at 0, are named `linear_model/<column>/weights` and `linear_model/bias_weights`.

    Args:
        features: tensors, arrays or SparseTensors by name; a vector is a column of one number an example.
        feature_columns: dense and categorical columns.
        units: numbers an example.
        sparse_combiner: how the weights of an example's categories become one: "sum", "mean" or "sqrtn".
        weight_collections: further collections for the variables.
        trainable: whether the variables are trained.
        cols_to_vars: filled with each column's variables, and with the bias as "bias".

    Returns:
        float32 [batch, units].

    Raises:
        ValueError: no columns, two of one name, a feature is missing or of the wrong shape or dtype.
    """
    with variable_scope(None, "linear_model") as outer:
        model_name = outer.name.rpartition("/")[2]
    ordered = list(sorted_columns(feature_columns))
    names = [_unique_name(column) for column in ordered]
    collections = with_usual(weight_collections)
    batch, sums = Batch.of(features), []
    with variable_scope(model_name):
        for column, name in zip(ordered, names, strict=True):
            with variable_scope(name):
                sums.append(_weighted_sum(column, batch, units, sparse_combiner, collections, trainable))
                if cols_to_vars is not None:
                    cols_to_vars[column] = get_collection(GraphKeys.GLOBAL_VARIABLES, get_variable_scope().name + "/")
        check_batch_sizes(sums, ordered)
        bias = _variable("bias_weights", [units], collections, trainable)
        if cols_to_vars is not None:
            cols_to_vars["bias"] = list(bias) if hasattr(bias, "as_tensor") else [bias]
        return bias_add(add_n(sums, name="weighted_sum_no_bias"), bias, name="weighted_sum")


def _unique_name(column: FeatureColumn) -> str:
    # The column's name is made unique around the model, and not in it: a second model has "age_1".
    with variable_scope(None, column.scope_name) as scope:
        return scope.name.rpartition("/")[2]


def _variable(name: str, shape: list[int], collections: list[Any], trainable: bool) -> Any:
    return get_variable(
        name, shape, initializer=zeros_initializer(), trainable=trainable, collections=collections
    )  # fmt: skip


def _weighted_sum(
    column: FeatureColumn, batch: Batch, units: int, combiner: str, collections: list[Any], trainable: bool
) -> Tensor:
    if isinstance(column, CategoricalColumn):
        weights = _variable("weights", [column.num_buckets, units], collections, trainable)
        rows = row_of_each(weights, column, batch, "weighted_sum")
        if rows is not None:
            return rows
        ids, amounts = column.sparse_tensors(batch)
        return safe_embedding_lookup_sparse(
            weights, _as_matrix(ids), None if amounts is None else _as_matrix(amounts), combiner, name="weighted_sum"
        )
    if not isinstance(column, DenseColumn):
        raise ValueError(f"Items of feature_columns must be either a DenseColumn or CategoricalColumn. Given: {column}")
    weights = _variable("weights", [column.size, units], collections, trainable)
    values = flat(column.dense_tensor(batch, collections, trainable), column)
    return matmul(values, weights, name="weighted_sum")


def _as_matrix(sparse: SparseTensor) -> SparseTensor:
    return sparse if sparse.shape.ndims == 2 else sparse_reshape(sparse, stack([sparse.dense_shape[0], -1]))
