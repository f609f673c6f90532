"""Streaming metrics, as TensorFlow 1.15's `tf.metrics`: a value over all batches so far, and the op that adds a batch."""

from .confusion import mean_iou as mean_iou, mean_per_class_accuracy as mean_per_class_accuracy
from .counts import (
    false_negatives as false_negatives,
    false_positives as false_positives,
    precision as precision,
    recall as recall,
    true_negatives as true_negatives,
    true_positives as true_positives,
)
from .curves import (
    auc as auc,
    sensitivity_at_specificity as sensitivity_at_specificity,
    specificity_at_sensitivity as specificity_at_sensitivity,
)
from .errors import (
    mean_absolute_error as mean_absolute_error,
    mean_cosine_distance as mean_cosine_distance,
    mean_relative_error as mean_relative_error,
    mean_squared_error as mean_squared_error,
    root_mean_squared_error as root_mean_squared_error,
)
from .means import (
    accuracy as accuracy,
    mean as mean,
    mean_tensor as mean_tensor,
    percentage_below as percentage_below,
)
from .thresholds import (
    false_negatives_at_thresholds as false_negatives_at_thresholds,
    false_positives_at_thresholds as false_positives_at_thresholds,
    precision_at_thresholds as precision_at_thresholds,
    recall_at_thresholds as recall_at_thresholds,
    true_negatives_at_thresholds as true_negatives_at_thresholds,
    true_positives_at_thresholds as true_positives_at_thresholds,
)
from .top_k import (
    average_precision_at_k as average_precision_at_k,
    precision_at_k as precision_at_k,
    precision_at_top_k as precision_at_top_k,
    recall_at_k as recall_at_k,
    recall_at_top_k as recall_at_top_k,
    sparse_average_precision_at_k as sparse_average_precision_at_k,
    sparse_precision_at_k as sparse_precision_at_k,
)
from .variables import Metric as Metric, metric_variable as metric_variable
