"""Metrics of classes: the mean intersection over union, and the mean of the classes' accuracies."""

from __future__ import annotations

from typing import Any

from ...engine.assignments import assign_add, scatter_add
from ...engine.conversion import convert_to_tensor
from ...engine.dtypes import float32, float64, int64
from ...engine.graph import Tensor
from ...engine.ops.array import reshape
from ...engine.ops.array_parts import ones_like
from ...engine.ops.binary import maximum
from ...engine.ops.casting import cast
from ...engine.ops.comparison import equal, not_equal
from ...engine.ops.confusion import confusion_matrix
from ...engine.ops.diagonals import diag_part
from ...engine.ops.division import div_no_nan
from ...engine.ops.reduce import reduce_mean, reduce_sum
from ...engine.variable_scope import variable_scope
from .variables import Metric, collected, metric_variable


def _flat(given: Any) -> Tensor:
    return reshape(convert_to_tensor(given), [-1])


def mean_iou(
    labels: Any,
    predictions: Any,
    num_classes: int,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """The mean over the classes seen so far of intersection over union: tp / (tp + fp + fn).

    Args:
        labels: class numbers of any shape.
        predictions: class numbers of the same shape.
        num_classes: the number of classes.
        weights: of the same shape; ones by default.
        metrics_collections: collections to which the value is added.
        updates_collections: collections to which the update is added.
        name: variable scope.

    Returns:
        The mean, and the op that adds the batch to the confusion matrix and gives that, float64 [classes, classes].
    """
    with variable_scope(name, "mean_iou", (predictions, labels, weights)):
        guesses, truth = convert_to_tensor(predictions), convert_to_tensor(labels)
        guesses.shape.assert_is_compatible_with(truth.shape)
        total = metric_variable([num_classes, num_classes], float64, name="total_confusion_matrix")
        weight = None if weights is None else _flat(weights)
        batch = confusion_matrix(_flat(truth), _flat(guesses), num_classes, float64, weights=weight)
        value = _mean_iou_of(convert_to_tensor(total))
        return collected(value, assign_add(total, batch), metrics_collections, updates_collections)


def _mean_iou_of(matrix: Tensor) -> Tensor:
    rows, columns = (cast(reduce_sum(matrix, axis), float32) for axis in (0, 1))
    both = cast(diag_part(matrix), float32)
    union = rows + columns - both
    seen = reduce_sum(cast(not_equal(union, 0.0), float32))
    return div_no_nan(reduce_sum(div_no_nan(both, union), name="mean_iou"), seen)


def mean_per_class_accuracy(
    labels: Any,
    predictions: Any,
    num_classes: int,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """The mean over all classes of the share of their labels so far that were predicted.

    Arguments as for `mean_iou`; the update gives the share of each class, float32 [classes].
    """
    with variable_scope(name, "mean_accuracy", (predictions, labels, weights)):
        truth, guesses = cast(_flat(labels), int64), cast(_flat(predictions), int64)
        guesses.shape.assert_is_compatible_with(truth.shape)
        total, count = (metric_variable([num_classes], name=word) for word in ("total", "count"))
        weight = ones_like(truth, dtype=float32) if weights is None else cast(_flat(weights), float32)
        right = cast(equal(guesses, truth), float32) * weight
        new_total, new_count = scatter_add(total, truth, weight), scatter_add(count, truth, right)
        shares = div_no_nan(convert_to_tensor(count), maximum(convert_to_tensor(total), 0.0))
        update = div_no_nan(new_count, maximum(new_total, 0.0), name="update_op")
        return collected(reduce_mean(shares, name="mean_accuracy"), update, metrics_collections, updates_collections)
