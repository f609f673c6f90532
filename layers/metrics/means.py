"""Means over batches: of values, of elements, of right predictions and of values below a threshold."""

from __future__ import annotations

from typing import Any

from ...engine.assignments import assign_add
from ...engine.conversion import convert_to_tensor
from ...engine.dtypes import float32
from ...engine.graph import Tensor, get_default_graph
from ...engine.ops.array_parts import ones_like
from ...engine.ops.array_shape import size
from ...engine.ops.binary import maximum
from ...engine.ops.casting import cast
from ...engine.ops.comparison import equal, less
from ...engine.ops.division import div_no_nan
from ...engine.ops.reduce import reduce_sum
from ...engine.variable_scope import variable_scope
from ..weights import aligned_weights, broadcast_weights, fitted
from .variables import Metric, collected, metric_variable


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
        weights: a scalar, or the rank of `values` and sizes that are equal or 1; ones by default.
        metrics_collections: collections to which the value is added.
        updates_collections: collections to which the update is added.
        name: variable scope.

    Returns:
        The mean, and the op that adds `values` and gives the new mean.

    Example:
        >>> import headrace as tf
        >>> value, update = tf.metrics.mean([1.0, 2.0, 6.0])
        >>> session = tf.Session()
        >>> session.run(tf.local_variables_initializer())
        >>> float(session.run(update))
        3.0
    """
    with variable_scope(name, "mean", (values, weights)):
        numbers = cast(convert_to_tensor(values), float32)
        total, count = metric_variable([], name="total"), metric_variable([], name="count")
        if weights is None:
            number = cast(size(numbers), float32)
        else:
            spread = broadcast_weights(aligned_weights(weights, numbers), numbers)
            numbers, number = numbers * spread, reduce_sum(spread)
        value, update = _quotients(total, count, reduce_sum(numbers), number)
        return collected(value, update, metrics_collections, updates_collections)


def mean_tensor(
    values: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """The weighted mean of each element so far, in the shape of `values`; weights as for `mean`."""
    with variable_scope(name, "mean", (values, weights)):
        numbers = cast(convert_to_tensor(values), float32)
        total = metric_variable(numbers.shape, name="total_tensor")
        count = metric_variable(numbers.shape, name="count_tensor")
        spread = ones_like(numbers)
        if weights is not None:
            spread = broadcast_weights(aligned_weights(weights, numbers), numbers)
        value, update = _quotients(total, count, numbers * spread, spread)
        return collected(value, update, metrics_collections, updates_collections)


def _quotients(total: Any, count: Any, more: Tensor, number: Tensor) -> Metric:
    new_total = assign_add(total, more)
    # The number may be known without the values: a batch that fails must not be counted.
    with get_default_graph().control_dependencies([more]):
        new_count = assign_add(count, number)
    value = div_no_nan(convert_to_tensor(total), maximum(convert_to_tensor(count), 0.0), name="value")
    return value, div_no_nan(new_total, maximum(new_count, 0.0), name="update_op")


def accuracy(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """The share of predictions so far that equal their labels."""
    truth, guesses, weight = fitted(labels, predictions, weights)
    if truth.dtype.base_dtype != guesses.dtype.base_dtype:
        guesses = cast(guesses, truth.dtype.base_dtype)
    right = cast(equal(guesses, truth), float32)
    return mean(right, weight, metrics_collections, updates_collections, name or "accuracy")


def percentage_below(
    values: Any,
    threshold: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """The share of values so far that are less than a threshold."""
    below = cast(less(values, threshold), float32)
    return mean(below, weights, metrics_collections, updates_collections, name or "percentage_below_threshold")
