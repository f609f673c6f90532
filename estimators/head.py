"""What all heads share: from logits and labels to predictions, a weighted loss and metrics, as `tf.estimator.Head`."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from ..engine.checks import assert_equal, assert_less_equal, assert_non_negative
from ..engine.conversion import convert_to_tensor
from ..engine.dtypes import float32
from ..engine.graph import Operation, Tensor
from ..engine.ops.array import shape
from ..engine.ops.array_parts import concat
from ..engine.ops.array_shape import expand_dims
from ..engine.ops.casting import cast
from ..engine.ops.control import group, with_dependencies
from ..engine.ops.elementwise_nary import add_n
from ..engine.ops.summaries import scalar
from ..engine.scopes import name_scope
from ..engine.tensor_types import SparseTensor
from ..engine.training.global_step import get_global_step
from ..layers import metrics
from ..layers.loss_reduction import Reduction, compute_weighted_loss
from .columns import NumericColumn
from .export_outputs import ExportOutput
from .model_fn import EstimatorSpec, ModeKeys

# TensorFlow 2's names of the reductions, which tf.estimator 2.15 takes.
_REDUCTIONS = {
    "auto": Reduction.SUM_OVER_BATCH_SIZE,
    "sum": Reduction.SUM,
    "sum_over_batch_size": Reduction.SUM_OVER_BATCH_SIZE,
}
Metrics = dict[str, metrics.Metric]
WeightColumn = str | NumericColumn | None
LossFunction = Callable[..., Tensor]


class Judged(NamedTuple):
    """A batch as the metrics see it: labels, losses and weights [batch, n], and the predictions by key."""

    labels: Tensor
    losses: Tensor
    weights: Any
    predictions: Mapping[str, Tensor]


class Head(ABC):
    """A model's last part, given its logits: from them to predictions, a loss and metrics."""

    name: str | None = None
    weight_column: NumericColumn | None = None

    @property
    @abstractmethod
    def logits_dimension(self) -> int:
        """Logits an example."""

    @abstractmethod
    def predictions(self, logits: Any) -> dict[Any, Tensor]:
        """What predict gives, by key."""

    @abstractmethod
    def loss(
        self,
        labels: Any,
        logits: Any,
        features: Mapping[str, Any] | None = None,
        regularization_losses: Sequence[Tensor] | None = None,
    ) -> Tensor:
        """The weighted and reduced loss, with the regularization."""

    @abstractmethod
    def create_estimator_spec(
        self,
        features: Mapping[str, Any],
        mode: str,
        logits: Any,
        labels: Any = None,
        optimizer: Any = None,
        trainable_variables: Sequence[Any] | None = None,
        train_op_fn: Callable[[Tensor], Any] | None = None,
        update_ops: Sequence[Operation] | None = None,
        regularization_losses: Sequence[Tensor] | None = None,
    ) -> EstimatorSpec:
        """The spec of a model with these logits.

        Args:
            features: the model's features, which hold the weight column.
            mode: one of ModeKeys.
            logits: [batch, logits_dimension].
            labels: [batch, n], or [batch] where n is 1; not needed to predict.
            optimizer: minimizes the loss; or give train_op_fn.
            trainable_variables: what the optimizer changes, all trainable variables by default.
            train_op_fn: makes the train op from the loss.
            update_ops: run in each step besides.
            regularization_losses: scalars added to the loss.

        Raises:
            ValueError: labels, or what is needed to train, are missing, or a shape does not fit.
        """


class SingleHead(Head):
    """What the heads have in common that judge one kind of labels.

    Args:
        weight_column: the feature of the examples' weights, by name or as a numeric column.
        loss_reduction: how the losses of a batch become one; any of `tf.losses.Reduction` but NONE, or "sum",
            "sum_over_batch_size".
        loss_fn: `(labels, logits) -> losses` [batch, n] instead of the head's own; may also take `features`.
        name: put behind the keys of the metrics: "accuracy/name".

    Raises:
        ValueError: the reduction is unknown or NONE, or loss_fn takes other arguments.
    """

    def __init__(
        self,
        weight_column: WeightColumn = None,
        loss_reduction: str = Reduction.SUM_OVER_BATCH_SIZE,
        loss_fn: LossFunction | None = None,
        name: str | None = None,
    ) -> None:
        reduction = _REDUCTIONS.get(loss_reduction, loss_reduction)
        if reduction not in Reduction.all() or reduction == Reduction.NONE:
            raise ValueError(f"Invalid loss_reduction: {loss_reduction}. See `tf.losses.Reduction` for valid options.")
        if loss_fn is not None:
            _check_loss_fn(loss_fn)
        self.weight_column = _weight_column(weight_column)
        self.loss_reduction = reduction
        self.loss_fn = loss_fn
        self.name = name

    @abstractmethod
    def _processed_labels(self, labels: Tensor) -> Tensor:
        """Labels [batch, n] as the losses take them, checked."""

    @abstractmethod
    def _losses(self, labels: Tensor, logits: Tensor) -> Tensor:
        """The head's own losses, [batch, n]."""

    @abstractmethod
    def _metrics(self, judged: Judged) -> Metrics:
        """The metrics besides the mean loss, by key."""

    @abstractmethod
    def _export_outputs(self, predictions: Mapping[str, Tensor]) -> dict[str, ExportOutput]:
        """What is served, by key, one of them the default."""

    @property
    def labels_dimension(self) -> int:
        """Labels an example."""
        return 1

    @property
    def losses_dimension(self) -> int:
        """Losses an example."""
        return self.labels_dimension

    def create_estimator_spec(
        self,
        features: Mapping[str, Any],
        mode: str,
        logits: Tensor,
        labels: Any = None,
        optimizer: Any = None,
        trainable_variables: Sequence[Any] | None = None,
        train_op_fn: Callable[[Tensor], Any] | None = None,
        update_ops: Sequence[Operation] | None = None,
        regularization_losses: Sequence[Tensor] | None = None,
    ) -> EstimatorSpec:
        with name_scope(self.name, "head"):
            scores = self._checked_logits(logits)
            predictions = self.predictions(scores)
            if mode == ModeKeys.PREDICT:
                return EstimatorSpec(mode, predictions, export_outputs=self._export_outputs(predictions))
            judged = self._judged(features, scores, labels, predictions)
            loss = self._loss(judged, regularization_losses)
            if mode == ModeKeys.EVAL:
                found = self._eval_metrics(judged, regularization_losses)
                return EstimatorSpec(mode, predictions, loss, eval_metric_ops=found)
            train_op = made_train_op(loss, optimizer, trainable_variables, train_op_fn, update_ops)
            mean = compute_weighted_loss(judged.losses, judged.weights, None, None, Reduction.MEAN)
        with name_scope(""):
            scalar("average_loss" if self.name is None else f"average_loss/{self.name}", mean)
        return EstimatorSpec(mode, predictions, loss, train_op)

    def loss(
        self,
        labels: Any,
        logits: Tensor,
        features: Mapping[str, Any] | None = None,
        regularization_losses: Sequence[Tensor] | None = None,
    ) -> Tensor:
        return self._loss(self._judged(features or {}, self._checked_logits(logits), labels, {}), regularization_losses)

    def _judged(
        self, features: Mapping[str, Any], logits: Tensor, labels: Any, predictions: Mapping[str, Tensor]
    ) -> Judged:
        truth = self._processed_labels(self._shaped(labels, logits))
        weights = 1.0 if self.weight_column is None else self.weight_column.dense(features)
        return Judged(truth, self._losses_of(truth, logits, features), weights, predictions)

    def _shaped(self, labels: Any, logits: Tensor) -> Tensor:
        return shaped_labels(labels, logits, self.labels_dimension)

    def _losses_of(self, labels: Tensor, logits: Tensor, features: Mapping[str, Any]) -> Tensor:
        if self.loss_fn is None:
            return self._losses(labels, logits)
        extra = {"features": features} if "features" in inspect.signature(self.loss_fn).parameters else {}
        losses = self.loss_fn(labels=labels, logits=logits, **extra)
        message = f"loss_fn must return Tensor of shape [D0, D1, ... DN, {self.losses_dimension}]"
        expected = concat([shape(logits)[:-1], [self.losses_dimension]], 0)
        checked: Tensor = with_dependencies([assert_equal(expected, shape(losses), message=message)], losses)
        return checked

    def _loss(self, judged: Judged, regularization_losses: Sequence[Tensor] | None) -> Tensor:
        loss = compute_weighted_loss(judged.losses, judged.weights, None, None, self.loss_reduction)
        return add_n([loss, *regularization_losses]) if regularization_losses else loss

    def _eval_metrics(self, judged: Judged, regularization_losses: Sequence[Tensor] | None) -> Metrics:
        found = {"average_loss": metrics.mean(judged.losses, judged.weights, name="average_loss")}
        if regularization_losses:
            found["regularization_loss"] = metrics.mean(add_n(list(regularization_losses)), name="regularization_loss")
        found.update(self._metrics(judged))
        return {key if self.name is None else f"{key}/{self.name}": value for key, value in found.items()}

    def _checked_logits(self, logits: Any) -> Tensor:
        scores: Tensor = cast(convert_to_tensor(logits), float32)
        sizes = scores.sizes
        if sizes is not None and (len(sizes) < 2 or sizes[-1] not in (None, self.logits_dimension)):
            raise ValueError(
                f"logits shape must be [D0, D1, ... DN, logits_dimension], with logits_dimension "
                f"{self.logits_dimension}, got {scores.shape}."
            )
        return scores


def _check_loss_fn(loss_fn: LossFunction) -> None:
    names = set(inspect.signature(loss_fn).parameters)
    for required in ("labels", "logits"):
        if required not in names:
            raise ValueError(f"loss_fn must contain argument: {required}. Given arguments: {sorted(names)}")
    if unexpected := sorted(names - {"labels", "logits", "features"}):
        raise ValueError(f"loss_fn has unexpected args: {unexpected}")


def _weight_column(given: WeightColumn) -> NumericColumn | None:
    if given is None or isinstance(given, NumericColumn):
        return given
    if not isinstance(given, str):
        raise TypeError(f"Weight column must be either a string or NumericColumn. Given type: {type(given)}.")
    return NumericColumn(given)


def shaped_labels(labels: Any, logits: Tensor, dimension: int) -> Tensor:
    """Labels [batch, dimension], where [batch] will do for one."""
    if labels is None:
        raise ValueError(
            "You must provide a labels Tensor. Given: None. Suggested troubleshooting steps: "
            "Check that your data contains your label feature. Check that your input_fn properly parses and returns labels."
        )
    if isinstance(labels, SparseTensor):
        raise ValueError("SparseTensor labels are not supported. Labels must be a Tensor of shape [batch, n].")
    tensor = convert_to_tensor(labels)
    if tensor.sizes is not None and logits.sizes is not None and len(tensor.sizes) == len(logits.sizes) - 1:
        tensor = expand_dims(tensor, -1)
    if tensor.sizes is not None and tensor.sizes[-1:] not in ((None,), (dimension,)):
        raise ValueError(
            f"Mismatched label shape. Expected labels dimension={dimension}. Received {tensor.sizes[-1:]}. "
            "Suggested fix: give labels of shape [batch, labels_dimension], or set the head's dimension to it."
        )
    expected = concat([shape(logits)[:-1], [dimension]], 0)
    message = f"labels shape must be [D0, D1, ... DN, {dimension}]"
    checked: Tensor = with_dependencies([assert_equal(expected, shape(tensor), message=message)], tensor)
    return checked


def check_label_range(labels: Tensor, n_classes: int) -> Tensor:
    """The labels, once it is checked that all of them are in 0 ... n_classes - 1."""
    largest = convert_to_tensor(n_classes - 1, labels.dtype.base_dtype)
    message = f"Labels must be < n_classes = {n_classes}"
    checks = [
        assert_less_equal(labels, largest, message=message),
        assert_non_negative(labels, message="Labels must be >= 0"),
    ]
    checked: Tensor = with_dependencies(checks, labels)
    return checked


def made_train_op(
    loss: Tensor,
    optimizer: Any,
    trainable_variables: Sequence[Any] | None,
    train_op_fn: Callable[[Tensor], Any] | None,
    update_ops: Sequence[Operation] | None,
) -> Any:
    """The operation that makes a step, from an optimizer or a function; ValueError unless there is just one of them."""
    if (optimizer is None) == (train_op_fn is None):
        raise ValueError("Give one of train_op_fn and optimizer to train.")
    if train_op_fn is not None:
        made = train_op_fn(loss)
    else:
        made = optimizer.minimize(loss, global_step=get_global_step(), var_list=trainable_variables)
    return group(made, *update_ops) if update_ops else made
