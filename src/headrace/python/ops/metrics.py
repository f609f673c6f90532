"""The names of `tensorflow.python.ops.metrics`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...layers.metrics.confusion import mean_iou, mean_per_class_accuracy
    from ...layers.metrics.counts import (
        false_negatives,
        false_positives,
        precision,
        recall,
        true_negatives,
        true_positives,
    )
    from ...layers.metrics.curves import auc, sensitivity_at_specificity, specificity_at_sensitivity
    from ...layers.metrics.errors import (
        mean_absolute_error,
        mean_cosine_distance,
        mean_relative_error,
        mean_squared_error,
        root_mean_squared_error,
    )
    from ...layers.metrics.means import accuracy, mean, mean_tensor, percentage_below
    from ...layers.metrics.thresholds import (
        false_negatives_at_thresholds,
        false_positives_at_thresholds,
        precision_at_thresholds,
        recall_at_thresholds,
        true_negatives_at_thresholds,
        true_positives_at_thresholds,
    )
    from ...layers.metrics.top_k import (
        average_precision_at_k,
        precision_at_k,
        precision_at_top_k,
        recall_at_k,
        recall_at_top_k,
        sparse_average_precision_at_k,
        sparse_precision_at_k,
    )

__all__ = [
    "accuracy", "auc", "average_precision_at_k", "false_negatives", "false_negatives_at_thresholds",
    "false_positives", "false_positives_at_thresholds", "mean", "mean_absolute_error", "mean_cosine_distance",
    "mean_iou", "mean_per_class_accuracy", "mean_relative_error", "mean_squared_error", "mean_tensor",
    "percentage_below", "precision", "precision_at_k", "precision_at_thresholds", "precision_at_top_k", "recall",
    "recall_at_k", "recall_at_thresholds", "recall_at_top_k", "root_mean_squared_error", "sensitivity_at_specificity",
    "sparse_average_precision_at_k", "sparse_precision_at_k", "specificity_at_sensitivity", "true_negatives",
    "true_negatives_at_thresholds", "true_positives", "true_positives_at_thresholds",
]  # fmt: skip

_PLACES: Places = {
    "accuracy": ("...layers.metrics.means", "accuracy"),
    "auc": ("...layers.metrics.curves", "auc"),
    "average_precision_at_k": ("...layers.metrics.top_k", "average_precision_at_k"),
    "false_negatives": ("...layers.metrics.counts", "false_negatives"),
    "false_negatives_at_thresholds": ("...layers.metrics.thresholds", "false_negatives_at_thresholds"),
    "false_positives": ("...layers.metrics.counts", "false_positives"),
    "false_positives_at_thresholds": ("...layers.metrics.thresholds", "false_positives_at_thresholds"),
    "mean": ("...layers.metrics.means", "mean"),
    "mean_absolute_error": ("...layers.metrics.errors", "mean_absolute_error"),
    "mean_cosine_distance": ("...layers.metrics.errors", "mean_cosine_distance"),
    "mean_iou": ("...layers.metrics.confusion", "mean_iou"),
    "mean_per_class_accuracy": ("...layers.metrics.confusion", "mean_per_class_accuracy"),
    "mean_relative_error": ("...layers.metrics.errors", "mean_relative_error"),
    "mean_squared_error": ("...layers.metrics.errors", "mean_squared_error"),
    "mean_tensor": ("...layers.metrics.means", "mean_tensor"),
    "percentage_below": ("...layers.metrics.means", "percentage_below"),
    "precision": ("...layers.metrics.counts", "precision"),
    "precision_at_k": ("...layers.metrics.top_k", "precision_at_k"),
    "precision_at_thresholds": ("...layers.metrics.thresholds", "precision_at_thresholds"),
    "precision_at_top_k": ("...layers.metrics.top_k", "precision_at_top_k"),
    "recall": ("...layers.metrics.counts", "recall"),
    "recall_at_k": ("...layers.metrics.top_k", "recall_at_k"),
    "recall_at_thresholds": ("...layers.metrics.thresholds", "recall_at_thresholds"),
    "recall_at_top_k": ("...layers.metrics.top_k", "recall_at_top_k"),
    "root_mean_squared_error": ("...layers.metrics.errors", "root_mean_squared_error"),
    "sensitivity_at_specificity": ("...layers.metrics.curves", "sensitivity_at_specificity"),
    "sparse_average_precision_at_k": ("...layers.metrics.top_k", "sparse_average_precision_at_k"),
    "sparse_precision_at_k": ("...layers.metrics.top_k", "sparse_precision_at_k"),
    "specificity_at_sensitivity": ("...layers.metrics.curves", "specificity_at_sensitivity"),
    "true_negatives": ("...layers.metrics.counts", "true_negatives"),
    "true_negatives_at_thresholds": ("...layers.metrics.thresholds", "true_negatives_at_thresholds"),
    "true_positives": ("...layers.metrics.counts", "true_positives"),
    "true_positives_at_thresholds": ("...layers.metrics.thresholds", "true_positives_at_thresholds"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
