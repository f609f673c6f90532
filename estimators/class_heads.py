"""Heads of classes: BinaryClassHead over one logit, MultiClassHead and MultiLabelHead over one for each class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..engine.conversion import convert_to_tensor
from ..engine.dtypes import float32, int32, int64, string
from ..engine.graph import Tensor
from ..engine.lookup import index_table_from_tensor, index_to_string_table_from_tensor
from ..engine.ops.array import shape, stack
from ..engine.ops.array_pad import tile
from ..engine.ops.array_parts import concat, zeros_like
from ..engine.ops.array_shape import expand_dims, squeeze
from ..engine.ops.binary import maximum
from ..engine.ops.casting import cast
from ..engine.ops.comparison import equal, greater
from ..engine.ops.extrema import argmax
from ..engine.ops.indexing import gather
from ..engine.ops.nn_losses import (
    sigmoid_cross_entropy_with_logits,
    softmax,
    sparse_softmax_cross_entropy_with_logits,
)
from ..engine.ops.reduce import reduce_mean
from ..engine.ops.sparse_functions import sparse_to_indicator
from ..engine.ops.strings import as_string
from ..engine.ops.trigonometric import sigmoid
from ..engine.tensor_types import SparseTensor
from ..layers import metrics
from ..layers.loss_reduction import Reduction
from .export_outputs import ClassificationOutput, ExportOutput, PredictOutput, RegressionOutput
from .head import Judged, LossFunction, Metrics, SingleHead, WeightColumn, check_label_range


class ClassHead(SingleHead):
    """What the heads of classes share: labels from a vocabulary, and what is predicted of classes.

    Args:
        n_classes: the number of classes.
        label_vocabulary: the classes' names; labels are then strings out of it.
        weight_column, loss_reduction, loss_fn, name: see SingleHead.
    """

    def __init__(
        self,
        n_classes: int,
        weight_column: WeightColumn = None,
        label_vocabulary: Sequence[str] | None = None,
        loss_reduction: str = Reduction.SUM_OVER_BATCH_SIZE,
        loss_fn: LossFunction | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(weight_column, loss_reduction, loss_fn, name)
        if label_vocabulary is not None and not isinstance(label_vocabulary, list | tuple):
            raise ValueError(f"label_vocabulary should be a list or a tuple. Given type: {type(label_vocabulary)}")
        if label_vocabulary is not None and len(label_vocabulary) != n_classes:
            raise ValueError(
                f'"label_vocabulary" does not have "n_classes" items. len(label_vocabulary)={len(label_vocabulary)}, '
                f"n_classes={n_classes}, label_vocabulary={label_vocabulary}"
            )
        self.n_classes = n_classes
        self.label_vocabulary = None if label_vocabulary is None else list(label_vocabulary)
        # What classes are called that were found in labels, where that is not their number.
        self.found_names: list[str] | None = None

    def _class_predictions(self, scores: Tensor) -> dict[str, Tensor]:
        """The most likely class and all classes, from a score for each class."""
        class_ids = expand_dims(argmax(scores, -1, name="class_ids"), -1)
        rows = stack([shape(scores)[0], 1])
        ids = convert_to_tensor([list(range(self.n_classes))], int32)
        return {
            "probabilities": softmax(scores, name="probabilities"),
            "class_ids": class_ids,
            "classes": self._class_names(class_ids),
            "all_class_ids": tile(ids, rows),
            "all_classes": self._all_classes(scores),
        }

    def _export_outputs(self, predictions: Mapping[str, Tensor]) -> dict[str, ExportOutput]:
        scores = predictions["probabilities"]
        found = ClassificationOutput(scores, self._all_classes(scores))
        return {"serving_default": found, "classification": found, "predict": PredictOutput(predictions)}

    def _all_classes(self, scores: Tensor) -> Tensor:
        """The names of the classes, string [batch, n_classes]."""
        names = self.label_vocabulary or self.found_names or [str(i) for i in range(self.n_classes)]
        return tile(convert_to_tensor([names]), stack([shape(scores)[0], 1]))

    def _class_names(self, class_ids: Tensor) -> Tensor:
        if self.found_names is not None:
            return gather(convert_to_tensor(self.found_names), class_ids, name="str_classes")
        if self.label_vocabulary is None:
            return as_string(class_ids, name="str_classes")
        table = index_to_string_table_from_tensor(self.label_vocabulary, name="class_string_lookup")
        names: Tensor = table.lookup(class_ids)
        return names

    def _class_numbers(self, labels: Tensor) -> Tensor:
        """Labels of the vocabulary as numbers; -1, which the check refuses, for others."""
        if labels.dtype != string:
            raise ValueError(f"Labels dtype should be string if there is a vocabulary. Instead got {labels.dtype.name}")
        table = index_table_from_tensor(self.label_vocabulary, name="class_id_lookup")
        numbers: Tensor = table.lookup(labels)
        return numbers


class MultiClassHead(ClassHead):
    """Softmax over more than two classes, as `tf.estimator.MultiClassHead`.

    Labels are integers below n_classes, or strings of the vocabulary, [batch] or [batch, 1].
    Metrics: accuracy, average_loss. Predictions: all_class_ids, all_classes, class_ids, classes, logits, probabilities.
    Arguments as for ClassHead.

    Raises:
        ValueError: n_classes is not more than 2, or the vocabulary has another length.
    """

    def __init__(
        self,
        n_classes: int,
        weight_column: WeightColumn = None,
        label_vocabulary: Sequence[str] | None = None,
        loss_reduction: str = Reduction.SUM_OVER_BATCH_SIZE,
        loss_fn: LossFunction | None = None,
        name: str | None = None,
    ) -> None:
        if n_classes <= 2:
            raise ValueError(f"n_classes must be > 2: {n_classes}.")
        super().__init__(n_classes, weight_column, label_vocabulary, loss_reduction, loss_fn, name)

    @property
    def logits_dimension(self) -> int:
        return self.n_classes

    def predictions(self, logits: Tensor) -> dict[str, Tensor]:
        return {"logits": logits, **self._class_predictions(logits)}

    def _processed_labels(self, labels: Tensor) -> Tensor:
        if self.label_vocabulary is not None:
            return check_label_range(self._class_numbers(labels), self.n_classes)
        if labels.dtype == string or not labels.dtype.is_integer:
            raise ValueError(f"Labels dtype should be integer. Instead got {labels.dtype.name}.")
        return check_label_range(labels, self.n_classes)

    def _losses(self, labels: Tensor, logits: Tensor) -> Tensor:
        losses = sparse_softmax_cross_entropy_with_logits(labels=squeeze(labels, [-1]), logits=logits)
        return expand_dims(losses, -1)

    def _metrics(self, judged: Judged) -> Metrics:
        class_ids = judged.predictions["class_ids"]
        return {"accuracy": metrics.accuracy(judged.labels, class_ids, judged.weights, name="accuracy")}


class BinaryClassHead(ClassHead):
    """The logistic function of one logit, as `tf.estimator.BinaryClassHead`.

    Labels are 0 or 1, or strings of the vocabulary, [batch] or [batch, 1]. Metrics: accuracy, accuracy_baseline, auc,
    auc_precision_recall, average_loss, label/mean, precision, prediction/mean, recall, and for each of the thresholds
    accuracy/positive_threshold_..., precision/..., recall/.... Predictions: all_class_ids, all_classes, class_ids,
    classes, logistic, logits, probabilities.

    Args:
        weight_column: see SingleHead.
        thresholds: in (0, 1), for which accuracy, precision and recall are given besides.
        label_vocabulary: the names of the two classes.
        loss_reduction, loss_fn, name: see SingleHead.

    Raises:
        ValueError: a threshold is not in (0, 1), or the vocabulary has another length.
    """

    def __init__(
        self,
        weight_column: WeightColumn = None,
        thresholds: Sequence[float] | None = None,
        label_vocabulary: Sequence[str] | None = None,
        loss_reduction: str = Reduction.SUM_OVER_BATCH_SIZE,
        loss_fn: LossFunction | None = None,
        name: str | None = None,
    ) -> None:
        super().__init__(2, weight_column, label_vocabulary, loss_reduction, loss_fn, name)
        self.thresholds = _checked_thresholds(thresholds)

    @property
    def logits_dimension(self) -> int:
        return 1

    def predictions(self, logits: Tensor) -> dict[str, Tensor]:
        two = concat([zeros_like(logits), logits], -1, name="two_class_logits")
        return {"logits": logits, "logistic": sigmoid(logits, name="logistic"), **self._class_predictions(two)}

    def _export_outputs(self, predictions: Mapping[str, Tensor]) -> dict[str, ExportOutput]:
        return {**super()._export_outputs(predictions), "regression": RegressionOutput(predictions["logistic"])}

    def _processed_labels(self, labels: Tensor) -> Tensor:
        if self.label_vocabulary is not None:
            labels = self._class_numbers(labels)
        elif labels.dtype == string:
            raise ValueError("Labels dtype should be a number without a label_vocabulary. Instead got string.")
        return check_label_range(cast(labels, float32), 2)

    def _losses(self, labels: Tensor, logits: Tensor) -> Tensor:
        return sigmoid_cross_entropy_with_logits(labels=labels, logits=logits)

    def _metrics(self, judged: Judged) -> Metrics:
        labels, weights = judged.labels, judged.weights
        class_ids, logistic = judged.predictions["class_ids"], judged.predictions["logistic"]
        label_mean = metrics.mean(labels, weights, name="label/mean")
        value, update = (maximum(mean, 1.0 - mean) for mean in label_mean)
        found = {
            "accuracy": metrics.accuracy(labels, class_ids, weights, name="accuracy"),
            "precision": metrics.precision(labels, class_ids, weights, name="precision"),
            "recall": metrics.recall(labels, class_ids, weights, name="recall"),
            "prediction/mean": metrics.mean(logistic, weights, name="prediction/mean"),
            "label/mean": label_mean,
            "accuracy_baseline": (value, update),
            "auc": metrics.auc(labels, logistic, weights, name="auc"),
            "auc_precision_recall": _area_under_precision_recall(labels, logistic, weights),
        }
        for threshold in self.thresholds:
            found.update(_at_threshold(labels, logistic, weights, threshold))
        return found


class MultiLabelHead(ClassHead):
    """Any number of classes an example, each with a logistic function, as `tf.estimator.MultiLabelHead`.

    Labels are 0 or 1 for each class, integers [batch, n_classes], or a SparseTensor of the classes of each example
    (strings if there is a vocabulary). Metrics: auc, auc_precision_recall, average_loss, and those of the thresholds.
    Predictions: classes (all of them), logits, probabilities.

    Args:
        n_classes: the number of classes.
        weight_column: see SingleHead.
        thresholds: in (0, 1), for which accuracy, precision and recall are given besides.
        label_vocabulary: the classes' names.
        loss_reduction, loss_fn, name: see SingleHead.

    Raises:
        ValueError: n_classes is less than 2, a threshold is not in (0, 1), or the vocabulary has another length.
    """

    def __init__(
        self,
        n_classes: int,
        weight_column: WeightColumn = None,
        thresholds: Sequence[float] | None = None,
        label_vocabulary: Sequence[str] | None = None,
        loss_reduction: str = Reduction.SUM_OVER_BATCH_SIZE,
        loss_fn: LossFunction | None = None,
        name: str | None = None,
    ) -> None:
        if n_classes < 2:
            raise ValueError(f"n_classes must be > 1 for multi-label classification. Given: {n_classes}")
        super().__init__(n_classes, weight_column, label_vocabulary, loss_reduction, loss_fn, name)
        self.thresholds = _checked_thresholds(thresholds)

    @property
    def logits_dimension(self) -> int:
        return self.n_classes

    @property
    def labels_dimension(self) -> int:
        return self.n_classes

    @property
    def losses_dimension(self) -> int:
        return 1

    def predictions(self, logits: Tensor) -> dict[str, Tensor]:
        probabilities = sigmoid(logits, name="probabilities")
        return {"logits": logits, "probabilities": probabilities, "classes": self._all_classes(logits)}

    def _shaped(self, labels: Any, logits: Tensor) -> Tensor:
        if not isinstance(labels, SparseTensor):
            return super()._shaped(labels, logits)
        numbers = labels.values if self.label_vocabulary is None else self._class_numbers(labels.values)
        checked = SparseTensor(labels.indices, check_label_range(numbers, self.n_classes), labels.dense_shape)
        bits: Tensor = cast(sparse_to_indicator(checked, self.n_classes), int64)
        return bits

    def _processed_labels(self, labels: Tensor) -> Tensor:
        if labels.dtype == string or not labels.dtype.is_integer:
            raise ValueError(f"Labels dtype should be integer. Instead got {labels.dtype.name}.")
        numbers: Tensor = cast(check_label_range(labels, 2), float32)
        return numbers

    def _losses(self, labels: Tensor, logits: Tensor) -> Tensor:
        return reduce_mean(sigmoid_cross_entropy_with_logits(labels=labels, logits=logits), -1, keepdims=True)

    def _metrics(self, judged: Judged) -> Metrics:
        labels, weights, probabilities = judged.labels, judged.weights, judged.predictions["probabilities"]
        found = {
            "auc": metrics.auc(labels, probabilities, weights, name="auc"),
            "auc_precision_recall": _area_under_precision_recall(labels, probabilities, weights),
        }
        for threshold in self.thresholds:
            found.update(_at_threshold(labels, probabilities, weights, threshold))
        return found


def _checked_thresholds(given: Sequence[float] | None) -> tuple[float, ...]:
    thresholds = tuple(given or ())
    if any(not 0.0 < threshold < 1.0 for threshold in thresholds):
        raise ValueError(f"thresholds not in (0, 1): {thresholds}.")
    return thresholds


def _area_under_precision_recall(labels: Tensor, logistic: Tensor, weights: Any) -> metrics.Metric:
    name, method = "auc_precision_recall", "careful_interpolation"
    return metrics.auc(labels, logistic, weights, curve="PR", summation_method=method, name=name)


def _at_threshold(labels: Tensor, logistic: Tensor, weights: Any, threshold: float) -> Metrics:
    """Accuracy, precision and recall where a prediction is a yes above the threshold."""
    guessed = cast(greater(logistic, threshold), float32)
    accuracy = f"accuracy/positive_threshold_{threshold:g}"
    names = [f"{word}/positive_threshold_{threshold:g}" for word in ("precision", "recall")]
    right = cast(equal(guessed, labels), float32)
    return {
        accuracy: metrics.mean(right, weights, name=accuracy),
        names[0]: metrics.precision(labels, guessed, weights, name=names[0]),
        names[1]: metrics.recall(labels, guessed, weights, name=names[1]),
    }


def class_head(
    n_classes: int | None,
    weight_column: WeightColumn = None,
    label_vocabulary: Sequence[str] | None = None,
    loss_reduction: str = Reduction.SUM_OVER_BATCH_SIZE,
) -> ClassHead:
    """The binary head for two classes, the multi-class head for more; None for those of the vocabulary, or two."""
    if n_classes is None:
        n_classes = 2 if label_vocabulary is None else len(label_vocabulary)
    if n_classes == 2:
        return BinaryClassHead(weight_column, None, label_vocabulary, loss_reduction)
    return MultiClassHead(n_classes, weight_column, label_vocabulary, loss_reduction)
