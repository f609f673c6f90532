"""`tf.metrics`: streaming metrics."""

from .layers.metrics.confusion import mean_iou, mean_per_class_accuracy
from .layers.metrics.counts import false_negatives, false_positives, precision, recall, true_negatives, true_positives
from .layers.metrics.curves import METHODS, auc, sensitivity_at_specificity, specificity_at_sensitivity
from .layers.metrics.errors import (
    mean_absolute_error,
    mean_cosine_distance,
    mean_relative_error,
    mean_squared_error,
    root_mean_squared_error,
)
from .layers.metrics.means import accuracy, mean, mean_tensor, percentage_below
from .layers.metrics.thresholds import (
    Counts,
    counts_at_thresholds,
    false_negatives_at_thresholds,
    false_positives_at_thresholds,
    precision_at_thresholds,
    recall_at_thresholds,
    true_negatives_at_thresholds,
    true_positives_at_thresholds,
)
from .layers.metrics.top_k import (
    Given,
    Wrong,
    average_precision_at_k,
    precision_at_k,
    precision_at_top_k,
    recall_at_k,
    recall_at_top_k,
    sparse_average_precision_at_k,
    sparse_precision_at_k,
)

__all__ = [
    "METHODS", "Counts", "Given", "Wrong", "accuracy", "auc", "average_precision_at_k", "counts_at_thresholds",
    "false_negatives", "false_negatives_at_thresholds", "false_positives", "false_positives_at_thresholds", "mean",
    "mean_absolute_error", "mean_cosine_distance", "mean_iou", "mean_per_class_accuracy", "mean_relative_error",
    "mean_squared_error", "mean_tensor", "percentage_below", "precision", "precision_at_k", "precision_at_thresholds",
    "precision_at_top_k", "recall", "recall_at_k", "recall_at_thresholds", "recall_at_top_k",
    "root_mean_squared_error", "sensitivity_at_specificity", "sparse_average_precision_at_k", "sparse_precision_at_k",
    "specificity_at_sensitivity", "true_negatives", "true_negatives_at_thresholds", "true_positives",
    "true_positives_at_thresholds",
]  # fmt: skip
