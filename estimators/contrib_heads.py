"""The heads under their names of TensorFlow 1: tf.contrib.estimator.binary_classification_head and its kin."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..layers.loss_reduction import Reduction
from .class_heads import BinaryClassHead, MultiClassHead, MultiLabelHead
from .head import Head, LossFunction, WeightColumn
from .multi_head import MultiHead
from .regression_heads import LogisticRegressionHead, PoissonRegressionHead, RegressionHead

_MEAN = Reduction.SUM_OVER_BATCH_SIZE


def binary_classification_head(
    weight_column: WeightColumn = None, thresholds: Sequence[float] | None = None,
    label_vocabulary: Sequence[str] | None = None, loss_reduction: str = _MEAN, loss_fn: LossFunction | None = None,
    name: str | None = None,
) -> BinaryClassHead:  # fmt: skip
    """See BinaryClassHead."""
    return BinaryClassHead(weight_column, thresholds, label_vocabulary, loss_reduction, loss_fn, name)


def multi_class_head(
    n_classes: int, weight_column: WeightColumn = None, label_vocabulary: Sequence[str] | None = None,
    loss_reduction: str = _MEAN, loss_fn: LossFunction | None = None, name: str | None = None,
) -> MultiClassHead:  # fmt: skip
    """See MultiClassHead."""
    return MultiClassHead(n_classes, weight_column, label_vocabulary, loss_reduction, loss_fn, name)


def multi_label_head(
    n_classes: int, weight_column: WeightColumn = None, thresholds: Sequence[float] | None = None,
    label_vocabulary: Sequence[str] | None = None, loss_reduction: str = _MEAN, loss_fn: LossFunction | None = None,
    name: str | None = None,
) -> MultiLabelHead:  # fmt: skip
    """See MultiLabelHead."""
    return MultiLabelHead(n_classes, weight_column, thresholds, label_vocabulary, loss_reduction, loss_fn, name)


def regression_head(
    weight_column: WeightColumn = None, label_dimension: int = 1, loss_reduction: str = _MEAN,
    loss_fn: LossFunction | None = None, inverse_link_fn: Callable[[Any], Any] | None = None, name: str | None = None,
) -> RegressionHead:  # fmt: skip
    """See RegressionHead."""
    return RegressionHead(label_dimension, weight_column, loss_reduction, loss_fn, inverse_link_fn, name)


def poisson_regression_head(
    weight_column: WeightColumn = None, label_dimension: int = 1, loss_reduction: str = _MEAN,
    compute_full_loss: bool = True, name: str | None = None,
) -> PoissonRegressionHead:  # fmt: skip
    """See PoissonRegressionHead."""
    return PoissonRegressionHead(label_dimension, weight_column, loss_reduction, compute_full_loss, name)


def logistic_regression_head(
    weight_column: WeightColumn = None, loss_reduction: str = _MEAN, name: str | None = None
) -> LogisticRegressionHead:
    """See LogisticRegressionHead."""
    return LogisticRegressionHead(weight_column, loss_reduction, name)


def multi_head(heads: Sequence[Head], head_weights: Sequence[float] | None = None) -> MultiHead:
    """See MultiHead."""
    return MultiHead(heads, head_weights)
