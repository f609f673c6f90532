"""Counts, precision and recall at thresholds: a prediction is a yes where it is above the threshold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...engine.assignments import assign_add
from ...engine.checks import assert_greater_equal, assert_less_equal
from ...engine.conversion import convert_to_tensor
from ...engine.dtypes import bool as bool_dtype, float32
from ...engine.graph import Tensor
from ...engine.ops.array import reshape
from ...engine.ops.casting import cast
from ...engine.ops.comparison import greater, logical_and
from ...engine.ops.constant import constant
from ...engine.ops.control import with_dependencies
from ...engine.ops.reduce import reduce_sum
from ...engine.ops.rounding import logical_not
from ...engine.variable_scope import variable_scope
from ..weights import broadcast_weights, fitted
from .variables import Metric, collected, metric_variable

_NAMES = {"tp": "true_positives", "fn": "false_negatives", "tn": "true_negatives", "fp": "false_positives"}
# Keeps the quotients finite, as TensorFlow does: a share of nothing is 0.
_EPSILON = 1e-7

Counts = dict[str, Tensor]


def counts_at_thresholds(
    labels: Any, predictions: Any, thresholds: Sequence[float], weights: Any, kinds: Sequence[str] = tuple(_NAMES)
) -> tuple[Counts, Counts]:
    """The counts "tp", "fn", "tn", "fp" so far and with this batch, float32 [thresholds] each.

    Predictions outside [0, 1] raise InvalidArgumentError when run.
    """
    truth, guesses, weight = _fitted_probabilities(labels, predictions, weights)
    limits = constant([float(t) for t in thresholds], float32, [len(thresholds), 1])
    guessed, labelled = greater(reshape(guesses, [1, -1]), limits), reshape(truth, [1, -1])
    row = None if weight is None else reshape(broadcast_weights(weight, guesses), [1, -1])
    values, updates = {}, {}
    for kind in kinds:
        variable = metric_variable([len(thresholds)], name=_NAMES[kind])
        found = cast(_where(kind, labelled, guessed), float32)
        updates[kind] = assign_add(variable, reduce_sum(found if row is None else found * row, 1))
        values[kind] = convert_to_tensor(variable)
    return values, updates


def _fitted_probabilities(labels: Any, predictions: Any, weights: Any) -> tuple[Tensor, Tensor, Tensor | None]:
    given = cast(convert_to_tensor(predictions), float32)
    message = "predictions must be in [0, 1]"
    checks = [assert_greater_equal(given, 0.0, message=message), assert_less_equal(given, 1.0, message=message)]
    checked = with_dependencies(checks, given)
    return fitted(cast(convert_to_tensor(labels), bool_dtype), checked, weights)


def _where(kind: str, labelled: Tensor, guessed: Tensor) -> Tensor:
    first = labelled if kind in ("tp", "fn") else logical_not(labelled)
    return logical_and(first, guessed if kind in ("tp", "fp") else logical_not(guessed))


def _counted(name: str | None, kind: str, given: tuple[Any, ...], collections: tuple[Any, Any]) -> Metric:
    labels, predictions, thresholds, weights = given
    with variable_scope(name, _NAMES[kind], (predictions, labels, weights)):
        values, updates = counts_at_thresholds(labels, predictions, thresholds, weights, [kind])
        return collected(values[kind], updates[kind], *collections)


def true_positives_at_thresholds(
    labels: Any,
    predictions: Any,
    thresholds: Sequence[float],
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """`true_positives` at each threshold, float32 [thresholds]."""
    given = (labels, predictions, thresholds, weights)
    return _counted(name, "tp", given, (metrics_collections, updates_collections))


def true_negatives_at_thresholds(
    labels: Any,
    predictions: Any,
    thresholds: Sequence[float],
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """`true_negatives` at each threshold, float32 [thresholds]."""
    given = (labels, predictions, thresholds, weights)
    return _counted(name, "tn", given, (metrics_collections, updates_collections))


def false_positives_at_thresholds(
    labels: Any,
    predictions: Any,
    thresholds: Sequence[float],
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """`false_positives` at each threshold, float32 [thresholds]."""
    given = (labels, predictions, thresholds, weights)
    return _counted(name, "fp", given, (metrics_collections, updates_collections))


def false_negatives_at_thresholds(
    labels: Any,
    predictions: Any,
    thresholds: Sequence[float],
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """`false_negatives` at each threshold, float32 [thresholds]."""
    given = (labels, predictions, thresholds, weights)
    return _counted(name, "fn", given, (metrics_collections, updates_collections))


def precision_at_thresholds(
    labels: Any,
    predictions: Any,
    thresholds: Sequence[float],
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """`precision` at each threshold, float32 [thresholds]."""
    given = (labels, predictions, thresholds, weights)
    return _share(name, "precision", "fp", given, (metrics_collections, updates_collections))


def recall_at_thresholds(
    labels: Any,
    predictions: Any,
    thresholds: Sequence[float],
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """`recall` at each threshold, float32 [thresholds]."""
    given = (labels, predictions, thresholds, weights)
    return _share(name, "recall", "fn", given, (metrics_collections, updates_collections))


def _share(name: str | None, word: str, other: str, given: tuple[Any, ...], collections: tuple[Any, Any]) -> Metric:
    labels, predictions, thresholds, weights = given
    with variable_scope(name, f"{word}_at_thresholds", (predictions, labels, weights)):
        values, updates = counts_at_thresholds(labels, predictions, thresholds, weights, ["tp", other])
        value, update = (c["tp"] / (_EPSILON + c["tp"] + c[other]) for c in (values, updates))
        return collected(value, update, *collections)
