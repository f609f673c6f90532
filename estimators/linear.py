"""LinearClassifier, LinearRegressor and LinearEstimator: a weighted sum of the features for each logit."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..engine.graph import Tensor
from ..engine.ops.array import reshape
from ..engine.ops.array_parts import concat
from ..engine.ops.nn_layers import zero_fraction
from ..engine.ops.summaries import histogram, scalar
from ..engine.training.ftrl import FtrlOptimizer
from ..engine.training.optimizer import Optimizer
from ..engine.variable_scope import variable_scope
from ..layers.loss_reduction import Reduction
from .canned import CannedEstimator, Classifier, OptimizerLike, Regressor
from .class_heads import class_head
from .columns import FeatureColumn, linear_model
from .columns.numeric import NumericColumn
from .head import Head, WeightColumn
from .regression_heads import RegressionHead
from .run_config import RunConfig

# tf.estimator's learning rate of linear models, where the optimizer is given by name.
_LEARNING_RATE = 0.2


def linear_logits(
    features: Mapping[str, Tensor], columns: Sequence[FeatureColumn], units: int, combiner: str, partitioner: Any = None
) -> Tensor:
    """Logits [batch, units], whose variables are in the scope "linear"."""
    variables: dict[Any, list[Any]] = {}
    with variable_scope("linear", partitioner=partitioner):
        logits = linear_model(features, columns, units, combiner, cols_to_vars=variables)
        bias = variables.pop("bias")[0]
        weights = [reshape(part, [-1]) for parts in variables.values() for part in parts]
        scalar("fraction_of_zero_weights", zero_fraction(concat(weights, 0)))
        if units > 1:
            histogram("bias", bias)
        else:
            scalar("bias", bias[0])
    return logits


class _Linear(CannedEstimator):
    """The weights that the estimators have."""

    _learning_rate = _LEARNING_RATE

    def __init__(
        self,
        head: Head,
        feature_columns: Sequence[FeatureColumn] | None,
        optimizer: OptimizerLike | None,
        model_dir: str | None,
        config: RunConfig | None,
        warm_start_from: Any,
        sparse_combiner: str,
        partitioner: Any,
    ) -> None:
        if sparse_combiner not in ("sum", "mean", "sqrtn"):
            raise ValueError(f"sparse_combiner must be sum, mean or sqrtn, got {sparse_combiner!r}")
        self.sparse_combiner = sparse_combiner
        self._partitioner = partitioner
        super().__init__(head, feature_columns, optimizer, model_dir, config, warm_start_from)

    def _logits(self, features: Mapping[str, Tensor], columns: Sequence[FeatureColumn], mode: str) -> Tensor:
        return linear_logits(features, columns, self._head.logits_dimension, self.sparse_combiner, self._partitioner)

    def _train_op(self, loss: Tensor) -> Any:
        usual = _usual_optimizer(self.feature_columns or self._columns or [None])
        return self._minimized(loss, usual if self.optimizer is None else self.optimizer)


class _Weights(_Linear):
    """The weights of numeric columns as scikit-learn's linear models have them."""

    @property
    def coef_(self) -> np.ndarray[Any, Any]:
        """The weights of the features, [features], or [logits, features] of classifiers and of several numbers.

        Raises:
            AttributeError: there are columns that are not numeric.
        """
        columns = self.feature_columns or self._columns or []
        if not columns:
            self._checkpoint(None)
        other = [column for column in columns if not isinstance(column, NumericColumn)]
        if other:
            raise AttributeError(f"coef_ is there for numeric columns alone, not for {other[0]!r}")
        parts = [self.get_variable_value(f"linear/linear_model/{column.name}/weights") for column in columns]
        weights: np.ndarray[Any, Any] = np.concatenate(parts).T
        return weights[0] if isinstance(self, Regressor) and len(weights) == 1 else weights

    @property
    def intercept_(self) -> np.ndarray[Any, Any]:
        """The bias of each logit, [logits]."""
        found: np.ndarray[Any, Any] = self.get_variable_value("linear/linear_model/bias_weights")
        return found


def _usual_optimizer(columns: Sequence[Any]) -> Any:
    rate = min(_LEARNING_RATE, 1.0 / math.sqrt(len(columns)))

    def ftrl() -> Optimizer:
        return FtrlOptimizer(rate)

    return ftrl


class LinearClassifier(Classifier, _Weights):
    """A linear classifier, as `tf.estimator.LinearClassifier`.

    Variables are named `linear/linear_model/<column>/weights` and `linear/linear_model/bias_weights`.

    Args:
        feature_columns: dense or categorical columns; by default a numeric one for each column of what `fit` is given.
        model_dir: folder of checkpoints and event files.
        n_classes: number of classes, labels are 0 to n_classes - 1; None for two, or for those that `fit` finds in y.
            Two classes have one logit.
        weight_column: the feature of the examples' weights.
        label_vocabulary: the classes' names, where labels are strings.
        optimizer: a name, with a learning rate of 0.2, an optimizer, a function that makes one, or None for Ftrl with
            a learning rate of 1 / sqrt(columns), 0.2 at most.
        config: a RunConfig.
        warm_start_from: a checkpoint, its folder, or WarmStartSettings: where the first training starts.
        loss_reduction: how the losses of a batch become one.
        sparse_combiner: how the weights of an example's categories become one: "sum", "mean" or "sqrtn".
        partitioner: cuts the weights into several variables.
        random_state: a seed or a random generator of NumPy's, in place of the RunConfig's seed.

    Example:
        >>> import headrace as hr
        >>> x_train, x_test, y_train, y_test = hr.datasets.iris.load_split()
        >>> model = hr.estimators.LinearClassifier(n_classes=3)
        >>> found = model.fit(x_train, y_train, epochs=40, verbose=0).evaluate(x_test, y_test)
        >>> bool(found["accuracy"] > 0.8)
        True
    """

    def __init__(
        self,
        feature_columns: Sequence[FeatureColumn] | None = None,
        model_dir: str | None = None,
        n_classes: int | None = None,
        weight_column: WeightColumn = None,
        label_vocabulary: Sequence[str] | None = None,
        optimizer: OptimizerLike | None = "Ftrl",
        config: RunConfig | None = None,
        warm_start_from: Any = None,
        loss_reduction: str = Reduction.SUM_OVER_BATCH_SIZE,
        sparse_combiner: str = "sum",
        *,
        partitioner: Any = None,
        random_state: Any = None,
    ) -> None:
        self.n_classes = n_classes
        self.random_state = random_state
        head = class_head(n_classes, weight_column, label_vocabulary, loss_reduction)
        _Linear.__init__(
            self, head, feature_columns, optimizer, model_dir, config, warm_start_from, sparse_combiner, partitioner
        )


class LinearRegressor(Regressor, _Weights):
    """A linear regressor, as `tf.estimator.LinearRegressor`.

    Arguments as for LinearClassifier, with the numbers an example in place of the classes.

    Args:
        label_dimension: numbers an example; labels are [batch, label_dimension], or [batch] where it is 1.
    """

    def __init__(
        self,
        feature_columns: Sequence[FeatureColumn] | None = None,
        model_dir: str | None = None,
        label_dimension: int = 1,
        weight_column: WeightColumn = None,
        optimizer: OptimizerLike | None = "Ftrl",
        config: RunConfig | None = None,
        warm_start_from: Any = None,
        loss_reduction: str = Reduction.SUM_OVER_BATCH_SIZE,
        sparse_combiner: str = "sum",
        *,
        partitioner: Any = None,
        random_state: Any = None,
    ) -> None:
        self.label_dimension = label_dimension
        self.random_state = random_state
        head = RegressionHead(label_dimension, weight_column, loss_reduction)
        _Linear.__init__(
            self, head, feature_columns, optimizer, model_dir, config, warm_start_from, sparse_combiner, partitioner
        )


class LinearEstimator(_Linear):
    """A weighted sum of the features below any head, as `tf.estimator.LinearEstimator`.

    Arguments as for LinearClassifier, with a head in place of classes, weights and loss.

    Args:
        head: makes loss, metrics and predictions of the logits, such as `tf.estimator.PoissonRegressionHead()`.
    """

    def __init__(
        self,
        head: Head,
        feature_columns: Sequence[FeatureColumn] | None = None,
        model_dir: str | None = None,
        optimizer: OptimizerLike | None = "Ftrl",
        config: RunConfig | None = None,
        sparse_combiner: str = "sum",
        warm_start_from: Any = None,
        *,
        partitioner: Any = None,
        random_state: Any = None,
    ) -> None:
        self.head, self.random_state = head, random_state
        super().__init__(
            head, feature_columns, optimizer, model_dir, config, warm_start_from, sparse_combiner, partitioner
        )
