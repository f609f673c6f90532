"""Heads of numbers: RegressionHead, and with other losses PoissonRegressionHead and LogisticRegressionHead."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ..engine.dtypes import float32, string
from ..engine.graph import Tensor
from ..engine.ops.binary import squared_difference
from ..engine.ops.casting import cast
from ..engine.ops.nn_losses import log_poisson_loss, sigmoid_cross_entropy_with_logits
from ..engine.ops.trigonometric import sigmoid
from ..engine.ops.unary import exp
from ..layers import metrics
from ..layers.loss_reduction import Reduction
from .export_outputs import ExportOutput, PredictOutput, RegressionOutput
from .head import Judged, LossFunction, Metrics, SingleHead, WeightColumn, check_label_range


class RegressionHead(SingleHead):
    """The squared error of numbers, as `tf.estimator.RegressionHead`.

    Labels are numbers [batch, label_dimension], or [batch] where that is 1.
    Metrics: average_loss, label/mean, prediction/mean. Predictions: predictions, and logits if there is a link.

    Args:
        label_dimension: numbers an example.
        weight_column, loss_reduction, loss_fn, name: see SingleHead.
        inverse_link_fn: makes the predictions from the logits, which are the predictions without it.

    Raises:
        ValueError: label_dimension is less than 1.
    """

    def __init__(
        self,
        label_dimension: int = 1,
        weight_column: WeightColumn = None,
        loss_reduction: str = Reduction.SUM_OVER_BATCH_SIZE,
        loss_fn: LossFunction | None = None,
        inverse_link_fn: Callable[[Tensor], Tensor] | None = None,
        name: str | None = None,
    ) -> None:
        if label_dimension < 1:
            raise ValueError(f"Invalid label_dimension {label_dimension}.")
        super().__init__(weight_column, loss_reduction, loss_fn, name)
        self.label_dimension = label_dimension
        self.inverse_link_fn = inverse_link_fn

    @property
    def logits_dimension(self) -> int:
        return self.label_dimension

    @property
    def labels_dimension(self) -> int:
        return self.label_dimension

    def predictions(self, logits: Tensor) -> dict[str, Tensor]:
        if self.inverse_link_fn is None:
            return {"predictions": logits}
        return {"predictions": self.inverse_link_fn(logits), "logits": logits}

    def _export_outputs(self, predictions: Mapping[str, Tensor]) -> dict[str, ExportOutput]:
        found = RegressionOutput(predictions["predictions"])
        return {"serving_default": found, "regression": found, "predict": PredictOutput(predictions)}

    def _processed_labels(self, labels: Tensor) -> Tensor:
        if labels.dtype == string:
            raise ValueError("Labels dtype should be a number. Instead got string.")
        numbers: Tensor = cast(labels, float32)
        return numbers

    def _losses(self, labels: Tensor, logits: Tensor) -> Tensor:
        return squared_difference(logits, labels)

    def _metrics(self, judged: Judged) -> Metrics:
        return {
            "prediction/mean": metrics.mean(judged.predictions["predictions"], judged.weights, name="prediction/mean"),
            "label/mean": metrics.mean(judged.labels, judged.weights, name="label/mean"),
        }


class PoissonRegressionHead(RegressionHead):
    """Counts whose logarithm is the logit, as `tf.estimator.PoissonRegressionHead`.

    `compute_full_loss` adds Stirling's approximation of log(label!) to the loss; the rest as for RegressionHead.
    """

    def __init__(
        self,
        label_dimension: int = 1,
        weight_column: WeightColumn = None,
        loss_reduction: str = Reduction.SUM_OVER_BATCH_SIZE,
        compute_full_loss: bool = True,
        name: str | None = None,
    ) -> None:
        super().__init__(label_dimension, weight_column, loss_reduction, None, exp, name)
        self.compute_full_loss = compute_full_loss

    def _losses(self, labels: Tensor, logits: Tensor) -> Tensor:
        return log_poisson_loss(labels, logits, self.compute_full_loss)


class LogisticRegressionHead(RegressionHead):
    """Shares between 0 and 1 that are the logistic function of the logit, as `tf.estimator.LogisticRegressionHead`."""

    def __init__(
        self,
        weight_column: WeightColumn = None,
        loss_reduction: str = Reduction.SUM_OVER_BATCH_SIZE,
        name: str | None = None,
    ) -> None:
        super().__init__(1, weight_column, loss_reduction, None, sigmoid, name)

    def _losses(self, labels: Tensor, logits: Tensor) -> Tensor:
        return sigmoid_cross_entropy_with_logits(labels=check_label_range(labels, 2), logits=logits)
