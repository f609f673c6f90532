"""Counts over batches of right and wrong answers yes and no, with precision and recall."""

from __future__ import annotations

from typing import Any

from ...engine.assignments import assign_add
from ...engine.conversion import convert_to_tensor
from ...engine.dtypes import bool as bool_dtype, float32
from ...engine.graph import Tensor
from ...engine.ops.casting import cast
from ...engine.ops.comparison import logical_and
from ...engine.ops.division import div_no_nan
from ...engine.ops.reduce import reduce_sum
from ...engine.ops.rounding import logical_not
from ...engine.variable_scope import variable_scope
from ..weights import fitted
from .variables import Metric, collected, metric_variable


def _answers(labels: Any, predictions: Any, weights: Any) -> tuple[Tensor, Tensor, Tensor | None]:
    truth, guesses = (cast(convert_to_tensor(given), bool_dtype) for given in (labels, predictions))
    return fitted(truth, guesses, weights)


def _counted(
    name: str | None,
    kind: str,
    labels: Any,
    predictions: Any,
    weights: Any,
    collections: tuple[Any, Any] = (None, None),
) -> Metric:
    """How often label and prediction are as `kind` says, which is also the name of the scope."""
    with variable_scope(name, kind, (predictions, labels, weights)):
        truth, guesses, weight = _answers(labels, predictions, weights)
        guessed = guesses if kind.endswith("positives") else logical_not(guesses)
        # A positive that is true and a negative that is false have the label 1.
        labelled = truth if kind in ("true_positives", "false_negatives") else logical_not(truth)
        found = cast(logical_and(labelled, guessed), float32)
        count = metric_variable([], name="count")
        update = assign_add(count, reduce_sum(found if weight is None else found * weight))
        return collected(convert_to_tensor(count), update, *collections)


def true_positives(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """The sum of the weights so far where label and prediction are true (not zero)."""
    collections = (metrics_collections, updates_collections)
    return _counted(name, "true_positives", labels, predictions, weights, collections)


def true_negatives(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """The sum of the weights so far where label and prediction are false (zero)."""
    collections = (metrics_collections, updates_collections)
    return _counted(name, "true_negatives", labels, predictions, weights, collections)


def false_positives(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """The sum of the weights so far where only the prediction is true."""
    collections = (metrics_collections, updates_collections)
    return _counted(name, "false_positives", labels, predictions, weights, collections)


def false_negatives(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """The sum of the weights so far where only the label is true."""
    collections = (metrics_collections, updates_collections)
    return _counted(name, "false_negatives", labels, predictions, weights, collections)


def precision(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """The share of true predictions so far whose label is true, 0 if there is none."""
    collections = (metrics_collections, updates_collections)
    return _share(name, "precision", "false_positives", labels, predictions, weights, collections)


def recall(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """The share of true labels so far whose prediction is true, 0 if there is none."""
    collections = (metrics_collections, updates_collections)
    return _share(name, "recall", "false_negatives", labels, predictions, weights, collections)


def _share(
    name: str | None, scope: str, others: str, labels: Any, predictions: Any, weights: Any, collections: tuple[Any, Any]
) -> Metric:
    with variable_scope(name, scope, (predictions, labels, weights)):
        right = _counted(None, "true_positives", labels, predictions, weights)
        wrong = _counted(None, others, labels, predictions, weights)
        value = div_no_nan(right[0], right[0] + wrong[0], name="value")
        update = div_no_nan(right[1], right[1] + wrong[1], name="update_op")
        return collected(value, update, *collections)
