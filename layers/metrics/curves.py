"""Areas under the ROC and precision-recall curves, and points on the ROC curve."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ...engine.dtypes import int32, int64
from ...engine.graph import Tensor
from ...engine.ops.array_parts import ones_like
from ...engine.ops.binary import maximum, minimum
from ...engine.ops.casting import cast
from ...engine.ops.choice import where
from ...engine.ops.comparison import equal, greater, logical_and
from ...engine.ops.division import div_no_nan
from ...engine.ops.extrema import argmax, argmin
from ...engine.ops.indexing import gather
from ...engine.ops.reduce import reduce_min, reduce_sum
from ...engine.ops.scans import cumsum
from ...engine.ops.unary import abs as absolute, log
from ...engine.variable_scope import variable_scope
from .thresholds import Counts, counts_at_thresholds
from .variables import Metric, collected

# How far the outermost thresholds lie outside [0, 1], and what keeps rates finite: TensorFlow's numbers.
_MARGIN = 1e-7
_EPSILON = 1e-6
METHODS = ("trapezoidal", "careful_interpolation", "minoring", "majoring")


def auc(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    num_thresholds: int = 200,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    curve: str = "ROC",
    name: str | None = None,
    summation_method: str = "trapezoidal",
    thresholds: Sequence[float] | None = None,
) -> Metric:
    """The area so far under the ROC curve, or under the precision-recall curve, from counts at thresholds.

    Args:
        labels: what converts to bool, any shape.
        predictions: numbers in [0, 1] of the same shape.
        weights: a scalar, or the rank of the labels and sizes that are equal or 1.
        num_thresholds: thresholds spread evenly over [0, 1].
        metrics_collections: collections to which the value is added.
        updates_collections: collections to which the update is added.
        curve: "ROC" or "PR".
        name: variable scope.
        summation_method: "trapezoidal", "careful_interpolation" (the right one for "PR"), "minoring" or "majoring"
            (bounds from below and above).
        thresholds: thresholds of one's own, between 0 and 1.

    Raises:
        ValueError: an unknown curve or method.
    """
    if curve not in ("ROC", "PR"):
        raise ValueError(f"Curve must be either ROC or PR. Curve {curve} is unknown.")
    if summation_method not in METHODS:
        raise ValueError(f"Invalid summation_method: {summation_method} summation_method should be one of {METHODS}.")
    area = _interpolated if (curve, summation_method) == ("PR", "careful_interpolation") else _summed
    with variable_scope(name, "auc", (labels, predictions, weights)):
        limits = _spread(num_thresholds) if thresholds is None else _closed(sorted(thresholds))
        values, updates = counts_at_thresholds(labels, predictions, limits, weights)
        value, update = (area(counts, curve, summation_method) for counts in (values, updates))
        return collected(value, update, metrics_collections, updates_collections)


def _spread(number: int) -> list[float]:
    return _closed([(i + 1) / (number - 1) for i in range(number - 2)])


def _closed(inner: Sequence[float]) -> list[float]:
    return [-_MARGIN, *inner, 1.0 + _MARGIN]


def _summed(counts: Counts, curve: str, method: str) -> Tensor:
    tp, fn, tn, fp = (counts[kind] for kind in ("tp", "fn", "tn", "fp"))
    recall = (tp + _EPSILON) / (tp + fn + _EPSILON)
    if curve == "ROC":
        x, y = fp / (fp + tn + _EPSILON), recall
    else:
        x, y = recall, (tp + _EPSILON) / (tp + fp + _EPSILON)
    return reduce_sum((x[:-1] - x[1:]) * _heights(y, method))


def _heights(y: Tensor, method: str) -> Tensor:
    if method == "minoring":
        return minimum(y[:-1], y[1:])
    if method == "majoring":
        return maximum(y[:-1], y[1:])
    return (y[:-1] + y[1:]) / 2.0


def _interpolated(counts: Counts, curve: str, method: str) -> Tensor:
    """The area with true positives linear in all positives between thresholds, as Davis and Goadrich (2006) show."""
    tp, fn = counts["tp"], counts["fn"]
    positives = tp + counts["fp"]
    more_right, left, right = tp[:-1] - tp[1:], positives[:-1], positives[1:]
    slope = div_no_nan(more_right, maximum(left - right, 0.0), name="prec_slope")
    intercept = tp[1:] - slope * right
    both = logical_and(greater(left, 0.0), greater(right, 0.0))
    ratio = where(both, div_no_nan(left, maximum(right, 0.0)), ones_like(right))
    gain = slope * (more_right + intercept * log(ratio))
    return reduce_sum(div_no_nan(gain, maximum(tp[1:] + fn[1:], 0.0)), name="interpolate_pr_auc")


def sensitivity_at_specificity(
    labels: Any,
    predictions: Any,
    specificity: float,
    weights: Any = None,
    num_thresholds: int = 200,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """The share of true labels that are found at the threshold where the specificity so far is nearest to the given.

    Raises:
        ValueError: `specificity` is not in [0, 1].
    """
    _check_share("specificity", specificity)

    def found(counts: Counts) -> Tensor:
        distances = _distances(counts["tn"], counts["fp"], specificity)
        return _rate_at(counts["tp"], counts["fn"], cast(argmin(distances, 0), int32))

    given = (labels, predictions, _spread(num_thresholds), weights)
    return _point(name, "sensitivity_at_specificity", given, found, (metrics_collections, updates_collections))


def specificity_at_sensitivity(
    labels: Any,
    predictions: Any,
    sensitivity: float,
    weights: Any = None,
    num_thresholds: int = 200,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """The share of false labels that are told at the last threshold where the sensitivity is nearest to the given.

    Raises:
        ValueError: `sensitivity` is not in [0, 1].
    """
    _check_share("sensitivity", sensitivity)

    def told(counts: Counts) -> Tensor:
        distances = _distances(counts["tp"], counts["fn"], sensitivity)
        nearest = cast(equal(distances, reduce_min(distances)), int64)
        # The count of the nearest first reaches its maximum at the last of them.
        return _rate_at(counts["tn"], counts["fp"], cast(argmax(cumsum(nearest), 0), int32))

    limits = [*_spread(num_thresholds)[:-1], 1.0 - _MARGIN]
    given = (labels, predictions, limits, weights)
    return _point(name, "specificity_at_sensitivity", given, told, (metrics_collections, updates_collections))


def _check_share(name: str, share: float) -> None:
    if share < 0 or share > 1:
        raise ValueError(f"`{name}` must be in the range [0, 1]. Currently, `{name}` got {share}.")


def _distances(right: Tensor, wrong: Tensor, wanted: float) -> Tensor:
    distances: Tensor = absolute(right / (right + wrong + _MARGIN) - wanted)
    return distances


def _rate_at(right: Tensor, wrong: Tensor, index: Tensor) -> Tensor:
    chosen = gather(right, index)
    return chosen / (chosen + gather(wrong, index) + _MARGIN)


def _point(
    name: str | None,
    scope: str,
    given: tuple[Any, ...],
    rate: Callable[[Counts], Tensor],
    collections: tuple[Any, Any],
) -> Metric:
    labels, predictions, limits, weights = given
    with variable_scope(name, scope, (predictions, labels, weights)):
        values, updates = counts_at_thresholds(labels, predictions, limits, weights)
        return collected(rate(values), rate(updates), *collections)
