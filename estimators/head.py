"""Heads: from logits and labels to predictions, loss and metrics, with tf.estimator's keys."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..engine.checks import assert_less, assert_non_negative
from ..engine.conversion import convert_to_tensor
from ..engine.dtypes import int64, string
from ..engine.graph import Tensor
from ..engine.ops.array import reshape
from ..engine.ops.array_shape import expand_dims
from ..engine.ops.casting import cast
from ..engine.ops.control import with_dependencies
from ..engine.ops.extrema import argmax
from ..engine.ops.nn_losses import softmax, sparse_softmax_cross_entropy_with_logits
from ..engine.ops.reduce import reduce_mean
from ..engine.ops.strings import as_string
from ..layers import metrics
from .model_fn import EstimatorSpec, ModeKeys


class MultiClassHead:
    """Softmax over `n_classes` > 2 classes; labels are int [batch] or [batch, 1] below n_classes.

    Metrics: accuracy, average_loss. Predictions: logits, probabilities, class_ids, classes.
    """

    def __init__(self, n_classes: int) -> None:
        if n_classes < 2:
            raise ValueError(f"n_classes must be at least 2, got {n_classes}")
        self.n_classes = n_classes

    @property
    def logits_dimension(self) -> int:
        """Logits an example."""
        return self.n_classes

    def predictions(self, logits: Tensor) -> dict[str, Tensor]:
        """What predict gives, by key."""
        class_ids = expand_dims(argmax(logits, -1, name="class_ids"), -1)
        return {
            "logits": logits,
            "probabilities": softmax(logits, name="probabilities"),
            "class_ids": class_ids,
            "classes": as_string(class_ids, name="str_classes"),
        }

    def create_estimator_spec(
        self,
        features: Mapping[str, Any],
        mode: str,
        logits: Tensor,
        labels: Any = None,
        train_op_fn: Callable[[Tensor], Any] | None = None,
    ) -> EstimatorSpec:
        """The spec of a model with these logits."""
        predictions = self.predictions(logits)
        if mode == ModeKeys.PREDICT:
            return EstimatorSpec(mode, predictions)
        indices = self._checked_labels(labels)
        losses = sparse_softmax_cross_entropy_with_logits(labels=indices, logits=logits)
        # In a scope of its own: the name "loss" is the summary's.
        loss = reduce_mean(losses, name="head/loss")
        if mode == ModeKeys.EVAL:
            return EstimatorSpec(mode, predictions, loss, eval_metric_ops=self._metrics(indices, predictions, losses))
        if train_op_fn is None:
            raise ValueError("train_op_fn is needed to train")
        return EstimatorSpec(mode, predictions, loss, train_op_fn(loss))

    def _checked_labels(self, labels: Any) -> Tensor:
        if labels is None:
            raise ValueError("You must provide a labels Tensor. Given: None.")
        tensor = convert_to_tensor(labels)
        if tensor.dtype == string or not tensor.dtype.is_integer:
            raise ValueError(f"Labels dtype should be integer. Instead got {tensor.dtype.name}.")
        indices = cast(reshape(tensor, [-1]), int64)
        checks = [
            assert_less(
                indices, int64.as_numpy_dtype(self.n_classes), message=f"Labels must be < n_classes = {self.n_classes}"
            ),
            assert_non_negative(indices, message="Labels must be >= 0"),
        ]
        checked: Tensor = with_dependencies(checks, indices)
        return checked

    def _metrics(self, labels: Tensor, predictions: Mapping[str, Tensor], losses: Tensor) -> dict[str, metrics.Metric]:
        return {
            "accuracy": metrics.accuracy(labels, reshape(predictions["class_ids"], [-1]), name="accuracy"),
            "average_loss": metrics.mean(losses, name="average_loss"),
        }
