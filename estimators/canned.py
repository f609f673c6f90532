"""What the canned estimators share: columns, a head, an optimizer, and the predictions of classifiers and regressors."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..engine.byte_strings import string_array
from ..engine.graph import Tensor
from ..engine.scopes import GraphKeys, get_collection
from ..engine.training.global_step import get_global_step
from ..engine.training.optimizer import Optimizer
from .array_input import SAMPLE_WEIGHT
from .arrays import ArrayEstimator
from .class_heads import ClassHead, class_head
from .columns import FeatureColumn, NumericColumn
from .head import Head
from .model_fn import EstimatorSpec
from .optimizers import optimizer_of
from .parameters import tags_of
from .regression_heads import RegressionHead
from .run_config import RunConfig
from .tables import checked_column
from .targets import check_class_numbers, class_numbers, found_classes, labels_of, read_classes, vector, write_classes

OptimizerLike = str | Optimizer | Callable[[], Optimizer]


class CannedEstimator(ArrayEstimator):
    """An estimator whose subclass makes the logits, and whose head does the rest."""

    # The learning rate of optimizers given by name; None for the usual one.
    _learning_rate: float | None = None

    def __init__(
        self,
        head: Head,
        feature_columns: Sequence[FeatureColumn] | None,
        optimizer: Any,
        model_dir: str | None,
        config: RunConfig | None,
        warm_start_from: Any = None,
    ) -> None:
        self.feature_columns: list[FeatureColumn] | None = None if feature_columns is None else list(feature_columns)
        self.optimizer = optimizer
        self._head = head
        super().__init__(self._canned_model_fn, model_dir, config, None, warm_start_from)

    @abstractmethod
    def _logits(self, features: Mapping[str, Tensor], columns: Sequence[FeatureColumn], mode: str) -> Tensor:
        """Logits [batch, logits_dimension]."""

    def _without_weights(self, columns: Sequence[NumericColumn]) -> list[NumericColumn]:
        weights = self._head.weight_column
        return [column for column in columns if weights is None or column.key != weights.key]

    def _canned_model_fn(self, features: Any, labels: Any, mode: str) -> EstimatorSpec:
        columns: Sequence[FeatureColumn] | None = self.feature_columns
        if columns is None:
            columns = self._columns
        if columns is None:
            columns = self._without_weights(_columns_of_tensors(features))
        head = self._weighted_head() if SAMPLE_WEIGHT in features else self._head
        logits = self._logits(features, columns, mode)
        updates = get_collection(GraphKeys.UPDATE_OPS)
        return head.create_estimator_spec(
            features, mode, logits, labels, train_op_fn=self._train_op, update_ops=updates
        )

    def _weighted_head(self) -> Head:
        """The head with the weights that `fit` and `evaluate` were given, times those of the weight column."""
        head: Any = copy.copy(self._head)
        if not hasattr(head, "weight_column"):
            raise ValueError(f"sample_weight and class_weight do not go with the head {type(head).__name__}")
        head.weight_column = _GivenWeights(head.weight_column)
        weighted: Head = head
        return weighted

    def _train_op(self, loss: Tensor) -> Any:
        return self._minimized(loss, self.optimizer)

    def _minimized(self, loss: Tensor, optimizer: Any) -> Any:
        made = optimizer_of(optimizer, self._learning_rate)
        return made.minimize(loss, global_step=get_global_step())


class _GivenWeights:
    """In place of a head's weight column: the weights that `fit` was given, times those of the column."""

    def __init__(self, column: NumericColumn | None) -> None:
        self._columns = [NumericColumn(SAMPLE_WEIGHT), *([] if column is None else [column])]

    def dense(self, features: Mapping[str, Any]) -> Tensor:
        """The weights, [batch, 1]."""
        first, *rest = (column.dense(features) for column in self._columns)
        return first * rest[0] if rest else first


def _columns_of_tensors(features: Mapping[str, Tensor]) -> list[NumericColumn]:
    columns = []
    for name, tensor in features.items():
        sizes = None if tensor.sizes is None else tensor.sizes[1:]
        if sizes is None or None in sizes:
            raise ValueError(f"The feature {name!r} has no known shape ({tensor.shape}): give feature_columns")
        columns.append(NumericColumn(name, tuple(s for s in sizes if s is not None) or (1,)))
    return columns


class Classifier(CannedEstimator):
    """A canned estimator of classes: `predict` of an array gives the classes, as they were in the labels of `fit`.

    With `n_classes` or a vocabulary labels are 0 to n_classes - 1, or the vocabulary's words; without, `fit` finds the
    classes in the labels, of any type. They are in `classes_`.
    """

    _head: ClassHead
    _estimator_type = "classifier"

    def _targets(self, y: Any, rows: int, classes: Any) -> tuple[Any, Any, Any]:
        labels = vector(labels_of(y, rows, type(self).__name__))
        vocabulary = self._head.label_vocabulary
        if vocabulary is not None:
            names = _words(vocabulary)
            class_numbers(labels, np.sort(names))
            return labels, string_array(labels), names
        if self._given.get("n_classes") is not None:
            check_class_numbers(labels, self._head.n_classes)
            return labels, labels, np.arange(self._head.n_classes)
        known = found_classes(labels) if classes is None else np.unique(classes)
        return labels, class_numbers(labels, known), known

    @property
    def _finds_classes(self) -> bool:
        return self._given.get("n_classes") is None and self._head.label_vocabulary is None

    def _remember(self) -> None:
        if self._finds_classes:
            write_classes(self.model_dir, self.classes_)

    def _recall(self) -> None:
        if self._folder is not None and not hasattr(self, "classes_") and self._finds_classes:
            self._use_classes(read_classes(self._folder))

    def _use_classes(self, classes: Any) -> None:
        if classes is None:
            return
        self.classes_ = classes
        if self._finds_classes:
            head = self._head
            self._head = class_head(len(classes), head.weight_column, None, head.loss_reduction)
            names = [str(name) for name in classes.tolist()]
            if names != [str(i) for i in range(len(names))]:
                self._head.found_names = names

    def predict(self, input_fn: Any, *args: Any, **kwargs: Any) -> Any:
        """The classes [n] of an array of examples, or what an input function's examples give, one by one."""
        if callable(input_fn):
            return super().predict(input_fn, *args, **kwargs)
        self._check_made()
        numbers = self._predicted(input_fn, "class_ids").reshape(-1)
        if self._head.label_vocabulary is not None:
            return _words(self._head.label_vocabulary)[numbers]
        return self.classes_[numbers] if hasattr(self, "classes_") else numbers

    def predict_proba(self, x: Any) -> np.ndarray[Any, Any]:
        """The probability of each class for each example, float32 [n, classes]."""
        self._check_made()
        return self._predicted(x, "probabilities")

    def predict_log_proba(self, x: Any) -> np.ndarray[Any, Any]:
        """The logarithm of the probability of each class for each example, float32 [n, classes]."""
        with np.errstate(divide="ignore"):
            found: np.ndarray[Any, Any] = np.log(self.predict_proba(x))
        return found

    def decision_function(self, x: Any) -> np.ndarray[Any, Any]:
        """The logits, float32 [n, classes]; [n] for two classes, positive for the second."""
        self._check_made()
        logits = self._predicted(x, "logits")
        return logits[:, 0] if logits.shape[1] == 1 else logits

    def score(self, x: Any, y: Any, sample_weight: Any = None) -> float:
        """The share of examples whose class is predicted."""
        found = self.predict(x)
        return float(np.average(found == vector(labels_of(y, len(found), "score")), weights=sample_weight))

    def __sklearn_tags__(self) -> Any:
        return tags_of("classifier")


def _words(vocabulary: Sequence[Any]) -> np.ndarray[Any, Any]:
    return np.array([word.decode() if isinstance(word, bytes) else str(word) for word in vocabulary])


class Regressor(CannedEstimator):
    """A canned estimator of numbers: `predict` of an array gives [n], or [n, label_dimension] where that is not 1."""

    _head: RegressionHead
    _estimator_type = "regressor"

    def _targets(self, y: Any, rows: int, classes: Any) -> tuple[Any, Any, Any]:
        labels = labels_of(y, rows, type(self).__name__)
        if labels.dtype.kind not in "fiub":
            labels = checked_column("y", labels)
        if self._head.label_dimension == 1:
            labels = vector(labels)
        elif labels.shape[1:] != (self._head.label_dimension,):
            raise ValueError(f"y must be [n, label_dimension={self._head.label_dimension}], got shape {labels.shape}")
        return labels, labels.astype(np.float32), None

    def predict(self, input_fn: Any, *args: Any, **kwargs: Any) -> Any:
        """The numbers for an array of examples, or what an input function's examples give, one by one."""
        found = super().predict(input_fn, *args, **kwargs)
        if callable(input_fn) or self._head.label_dimension > 1:
            return found
        return found.reshape(-1)

    def score(self, x: Any, y: Any, sample_weight: Any = None) -> float:
        """The coefficient of determination, the mean of the labels' dimensions."""
        found = np.asarray(self.predict(x), np.float64)
        truth = labels_of(y, len(found), "score").astype(np.float64).reshape(found.shape)
        mean = np.average(truth, axis=0, weights=sample_weight)
        missed = np.average((truth - found) ** 2, axis=0, weights=sample_weight)
        spread = np.average((truth - mean) ** 2, axis=0, weights=sample_weight)
        return float(np.mean(np.where(spread > 0, 1 - missed / np.where(spread > 0, spread, 1), missed == 0)))

    def __sklearn_tags__(self) -> Any:
        return tags_of("regressor")
