"""`tf.contrib.metrics`: the streaming metrics under their old names, which take the predictions first."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from ..engine.conversion import convert_to_tensor
from ..engine.dtypes import float32
from ..engine.graph import Tensor
from ..engine.ops.casting import cast
from ..engine.ops.comparison import equal
from ..engine.ops.division import div_no_nan
from ..engine.ops.reduce import reduce_mean, reduce_sum
from ..engine.ops.top import in_top_k
from ..engine.scopes import name_scope
from . import metrics
from .metrics.means import mean, mean_tensor, percentage_below
from .metrics.variables import Metric

Streaming = Callable[..., Metric]


def _predictions_first(function: Streaming, name: str) -> Streaming:
    """`function` with its first two arguments exchanged."""
    given = list(inspect.signature(function).parameters.values())
    signature = inspect.Signature([given[1], given[0], *given[2:]])

    def streaming(*args: Any, **kwargs: Any) -> Metric:
        return function(**signature.bind(*args, **kwargs).arguments)

    streaming.__name__ = streaming.__qualname__ = name
    streaming.__doc__ = f"`tf.metrics.{function.__name__}` with the predictions before the labels."
    streaming.__signature__ = signature  # type: ignore[attr-defined]
    return streaming


streaming_mean = mean
streaming_mean_tensor = mean_tensor
streaming_percentage_less = percentage_below
streaming_accuracy = _predictions_first(metrics.accuracy, "streaming_accuracy")
streaming_auc = _predictions_first(metrics.auc, "streaming_auc")
streaming_precision = _predictions_first(metrics.precision, "streaming_precision")
streaming_recall = _predictions_first(metrics.recall, "streaming_recall")
streaming_true_positives = _predictions_first(metrics.true_positives, "streaming_true_positives")
streaming_true_negatives = _predictions_first(metrics.true_negatives, "streaming_true_negatives")
streaming_false_positives = _predictions_first(metrics.false_positives, "streaming_false_positives")
streaming_false_negatives = _predictions_first(metrics.false_negatives, "streaming_false_negatives")
streaming_precision_at_thresholds = _predictions_first(
    metrics.precision_at_thresholds, "streaming_precision_at_thresholds"
)
streaming_recall_at_thresholds = _predictions_first(metrics.recall_at_thresholds, "streaming_recall_at_thresholds")
streaming_true_positives_at_thresholds = _predictions_first(
    metrics.true_positives_at_thresholds, "streaming_true_positives_at_thresholds"
)
streaming_true_negatives_at_thresholds = _predictions_first(
    metrics.true_negatives_at_thresholds, "streaming_true_negatives_at_thresholds"
)
streaming_false_positives_at_thresholds = _predictions_first(
    metrics.false_positives_at_thresholds, "streaming_false_positives_at_thresholds"
)
streaming_false_negatives_at_thresholds = _predictions_first(
    metrics.false_negatives_at_thresholds, "streaming_false_negatives_at_thresholds"
)
streaming_sensitivity_at_specificity = _predictions_first(
    metrics.sensitivity_at_specificity, "streaming_sensitivity_at_specificity"
)
streaming_specificity_at_sensitivity = _predictions_first(
    metrics.specificity_at_sensitivity, "streaming_specificity_at_sensitivity"
)
streaming_mean_absolute_error = _predictions_first(metrics.mean_absolute_error, "streaming_mean_absolute_error")
streaming_mean_cosine_distance = _predictions_first(metrics.mean_cosine_distance, "streaming_mean_cosine_distance")
streaming_mean_iou = _predictions_first(metrics.mean_iou, "streaming_mean_iou")
streaming_mean_relative_error = _predictions_first(metrics.mean_relative_error, "streaming_mean_relative_error")
streaming_mean_squared_error = _predictions_first(metrics.mean_squared_error, "streaming_mean_squared_error")
streaming_root_mean_squared_error = _predictions_first(
    metrics.root_mean_squared_error, "streaming_root_mean_squared_error"
)
streaming_sparse_average_precision_at_k = _predictions_first(
    metrics.average_precision_at_k, "streaming_sparse_average_precision_at_k"
)
streaming_sparse_precision_at_k = _predictions_first(metrics.precision_at_k, "streaming_sparse_precision_at_k")
streaming_sparse_recall_at_k = _predictions_first(metrics.recall_at_k, "streaming_sparse_recall_at_k")


def streaming_sparse_precision_at_top_k(
    top_k_predictions: Any,
    labels: Any,
    class_id: int | None = None,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """`tf.metrics.precision_at_top_k` with the predictions before the labels."""
    collections = (metrics_collections, updates_collections)
    return metrics.precision_at_top_k(labels, top_k_predictions, None, class_id, weights, *collections, name)


def streaming_recall_at_k(
    predictions: Any,
    labels: Any,
    k: int,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """The share so far of the examples whose one label [batch] is among the k highest predictions [batch, classes]."""
    found = cast(in_top_k(predictions, labels, k), float32)
    return mean(found, weights, metrics_collections, updates_collections, name or f"recall_at_{k}")


def accuracy(predictions: Any, labels: Any, weights: Any = None, name: str | None = None) -> Tensor:
    """The share of predictions of this batch that equal their labels; of the same shape and dtype.

    Raises:
        ValueError: the dtypes differ.
    """
    with name_scope(name, "accuracy", (predictions, labels)):
        guesses, truth = convert_to_tensor(predictions), convert_to_tensor(labels)
        if guesses.dtype.base_dtype != truth.dtype.base_dtype:
            raise ValueError(f"labels.dtype {truth.dtype.name} must equal predictions.dtype {guesses.dtype.name}")
        guesses.shape.assert_is_compatible_with(truth.shape)
        right = cast(equal(guesses, truth), float32)
        if weights is None:
            return reduce_mean(right)
        weight = cast(convert_to_tensor(weights), float32)
        return div_no_nan(reduce_sum(right * weight), reduce_sum(weight))


def aggregate_metrics(*value_update_tuples: Metric) -> tuple[list[Tensor], list[Tensor]]:
    """The values and the updates of metrics, in two lists.

    Raises:
        ValueError: there is no metric.
    """
    if not value_update_tuples:
        raise ValueError("Expected at least one value_tensor/update_op pair")
    values, updates = zip(*value_update_tuples, strict=True)
    return list(values), list(updates)


def aggregate_metric_map(names_to_tuples: Mapping[str, Metric]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The values and the updates of named metrics, in two dictionaries."""
    values = {name: value for name, (value, _) in names_to_tuples.items()}
    return values, {name: update for name, (_, update) in names_to_tuples.items()}
