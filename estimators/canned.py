"""What the canned estimators share: columns, a head, an optimizer, and the predictions of classifiers and regressors."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..engine.graph import Tensor
from ..engine.scopes import GraphKeys, get_collection
from ..engine.training.global_step import get_global_step
from ..engine.training.optimizer import Optimizer
from .arrays import ArrayEstimator
from .class_heads import ClassHead
from .columns import FeatureColumn, NumericColumn
from .head import Head
from .inputs import numeric_columns_of
from .model_fn import EstimatorSpec
from .optimizers import optimizer_of
from .regression_heads import RegressionHead
from .run_config import RunConfig

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

    def _before_fit(self, x: Any, y: Any) -> None:
        if self.feature_columns is None:
            self.feature_columns = [*self._without_weights(numeric_columns_of(x))]

    def _without_weights(self, columns: Sequence[NumericColumn]) -> list[NumericColumn]:
        weights = self._head.weight_column
        return [column for column in columns if weights is None or column.key != weights.key]

    def _canned_model_fn(self, features: Any, labels: Any, mode: str) -> EstimatorSpec:
        columns: Sequence[FeatureColumn] | None = self.feature_columns
        if columns is None:
            columns = self._without_weights(_columns_of_tensors(features))
        logits = self._logits(features, columns, mode)
        updates = get_collection(GraphKeys.UPDATE_OPS)
        return self._head.create_estimator_spec(
            features, mode, logits, labels, train_op_fn=self._train_op, update_ops=updates
        )

    def _train_op(self, loss: Tensor) -> Any:
        optimizer = optimizer_of(self.optimizer, self._learning_rate)
        return optimizer.minimize(loss, global_step=get_global_step())


def _columns_of_tensors(features: Mapping[str, Tensor]) -> list[NumericColumn]:
    columns = []
    for name, tensor in features.items():
        sizes = None if tensor.sizes is None else tensor.sizes[1:]
        if sizes is None or None in sizes:
            raise ValueError(f"The feature {name!r} has no known shape ({tensor.shape}): give feature_columns")
        columns.append(NumericColumn(name, tuple(s for s in sizes if s is not None) or (1,)))
    return columns


class Classifier(CannedEstimator):
    """A canned estimator of classes: `predict` of an array gives class numbers, or names of the label vocabulary."""

    _head: ClassHead

    def predict(self, input_fn: Any, *args: Any, **kwargs: Any) -> Any:
        """The classes [n] of an array of examples, or what an input function's examples give, one by one."""
        if callable(input_fn):
            return super().predict(input_fn, *args, **kwargs)
        if self._head.label_vocabulary is None:
            return self._predicted(input_fn, "class_ids").reshape(-1)
        names = self._predicted(input_fn, "classes").reshape(-1)
        return np.array([name.decode() for name in names])

    def predict_proba(self, x: Any) -> np.ndarray[Any, Any]:
        """The probability of each class for each example, float32 [n, classes]."""
        return self._predicted(x, "probabilities")


class Regressor(CannedEstimator):
    """A canned estimator of numbers: `predict` of an array gives [n], or [n, label_dimension] where that is not 1."""

    _head: RegressionHead

    def predict(self, input_fn: Any, *args: Any, **kwargs: Any) -> Any:
        """The numbers for an array of examples, or what an input function's examples give, one by one."""
        found = super().predict(input_fn, *args, **kwargs)
        if callable(input_fn) or self._head.label_dimension > 1:
            return found
        return found.reshape(-1)
