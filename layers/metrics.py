"""Streaming metrics, as TensorFlow 1.15's `tf.metrics`: a value over all batches so far, and the op that adds a batch."""

from __future__ import annotations

from typing import Any

from ..engine.assignments import assign_add
from ..engine.conversion import convert_to_tensor
from ..engine.dtypes import float32
from ..engine.graph import Tensor, get_default_graph
from ..engine.ops.array import reshape, shape
from ..engine.ops.array_parts import ones_like
from ..engine.ops.casting import cast
from ..engine.ops.comparison import equal
from ..engine.ops.division import div_no_nan
from ..engine.ops.reduce import reduce_sum
from ..engine.scopes import GraphKeys
from ..engine.variable_scope import variable_scope
from ..engine.variables import Variable

Metric = tuple[Tensor, Tensor]


def metric_variable(name: str) -> Any:
    """A scalar local variable that starts at zero; it belongs to METRIC_VARIABLES."""
    collections = [GraphKeys.LOCAL_VARIABLES, GraphKeys.METRIC_VARIABLES]
    return Variable(0.0, trainable=False, collections=collections, name=name, dtype=float32)


def mean(
    values: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """The weighted mean of all values so far.

    Args:
        values: numbers of any shape.
        weights: broadcastable to `values`; ones by default.
        metrics_collections: collections to which the value is added.
        updates_collections: collections to which the update is added.
        name: variable scope.

    Returns:
        The mean, and the op that adds `values` and gives the new mean.
    """
    with variable_scope(name, "mean", (values, weights)):
        value, update = _mean_here(cast(convert_to_tensor(values), float32), weights)
    return _collected(value, update, metrics_collections, updates_collections)


def accuracy(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """The share of predictions so far that equal their labels."""
    with variable_scope(name, "accuracy", (predictions, labels, weights)):
        guesses = convert_to_tensor(predictions)
        truth = cast(convert_to_tensor(labels), guesses.dtype.base_dtype)
        if truth.sizes is not None and guesses.sizes is not None and len(truth.sizes) != len(guesses.sizes):
            truth, guesses = reshape(truth, [-1]), reshape(guesses, [-1])
        right = cast(equal(truth, guesses), float32)
        value, update = _mean_here(right, weights)
    return _collected(value, update, metrics_collections, updates_collections)


def _mean_here(values: Tensor, weights: Any) -> Metric:
    total, count = metric_variable("total"), metric_variable("count")
    spread = ones_like(values) * _weights_of(values, weights)
    new_total, new_count = assign_add(total, reduce_sum(values * spread)), assign_add(count, reduce_sum(spread))
    value = div_no_nan(convert_to_tensor(total), convert_to_tensor(count), name="value")
    return value, div_no_nan(new_total, new_count, name="update_op")


def _weights_of(values: Tensor, weights: Any) -> Tensor:
    if weights is None:
        return convert_to_tensor(1.0)
    weight = cast(convert_to_tensor(weights), float32)
    # [batch, 1] weights go with [batch] values and the other way round.
    return reshape(weight, shape(values)) if weight.sizes and weight.sizes != values.sizes else weight


def _collected(value: Tensor, update: Tensor, metrics_collections: Any, updates_collections: Any) -> Metric:
    graph = get_default_graph()
    if metrics_collections:
        graph.add_to_collections(metrics_collections, value)
    if updates_collections:
        graph.add_to_collections(updates_collections, update)
    return value, update
