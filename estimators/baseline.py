"""BaselineClassifier, BaselineRegressor and BaselineEstimator: what can be said without looking at the features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..engine.checks import assert_equal
from ..engine.conversion import convert_to_tensor
from ..engine.dtypes import int32
from ..engine.graph import Tensor
from ..engine.initializers import zeros_initializer
from ..engine.ops.array import shape, stack
from ..engine.ops.array_parts import ones
from ..engine.ops.casting import cast
from ..engine.ops.control import with_dependencies
from ..engine.scopes import name_scope
from ..engine.variable_scope import get_variable, variable_scope
from ..layers.loss_reduction import Reduction
from .canned import CannedEstimator, Classifier, OptimizerLike, Regressor
from .class_heads import class_head
from .columns import FeatureColumn
from .head import Head, WeightColumn
from .regression_heads import RegressionHead
from .run_config import RunConfig

# tf.estimator's learning rate where the optimizer is given by name.
_LEARNING_RATE = 0.3


class _Baseline(CannedEstimator):
    """The bias that the estimators have."""

    _learning_rate = _LEARNING_RATE

    def __init__(self, head: Head, optimizer: OptimizerLike, model_dir: str | None, config: RunConfig | None) -> None:
        super().__init__(head, (), optimizer, model_dir, config)

    def _logits(self, features: Mapping[str, Tensor], columns: Sequence[FeatureColumn], mode: str) -> Tensor:
        units = self._head.logits_dimension
        rows = self._rows(features)
        with variable_scope("baseline"):
            bias = get_variable("bias", [units], initializer=zeros_initializer())
            logits: Tensor = bias * ones(stack([rows, units]))
            return logits

    def _rows(self, features: Any) -> Tensor:
        """How many examples the features have, all of them as many."""
        if isinstance(features, Tensor):
            return _count(features)
        weights = self._head.weight_column
        names = [name for name in sorted(features) if weights is None or name != weights.key]
        if not names:
            raise ValueError("The features are empty: a baseline needs one to count the examples")
        with name_scope("rows"):
            counts = [_count(features[name]) for name in names]
            checks = [
                assert_equal(counts[0], count, message=f"The features {names[0]!r} and {name!r} differ in examples")
                for name, count in zip(names[1:], counts[1:], strict=True)
            ]
            rows: Tensor = with_dependencies(checks, counts[0]) if checks else counts[0]
            return rows


def _count(feature: Any) -> Tensor:
    if hasattr(feature, "dense_shape"):
        rows: Tensor = cast(convert_to_tensor(feature.dense_shape)[0], int32)
        return rows
    return shape(feature)[0]


class BaselineClassifier(Classifier, _Baseline):
    """Says how frequent the classes are, whatever the features, as `tf.estimator.BaselineClassifier`.

    The variable is `baseline/bias`.

    Args:
        model_dir: folder of checkpoints and event files.
        n_classes: number of classes, labels are 0 to n_classes - 1; two classes have one logit.
        weight_column: the feature of the examples' weights.
        label_vocabulary: the classes' names, where labels are strings.
        optimizer: a name, with a learning rate of 0.3, an optimizer, or a function that makes one.
        config: a RunConfig.
        loss_reduction: how the losses of a batch become one.
        random_state: a seed or a random generator of NumPy's, of the order of the examples.

    Example:
        >>> import numpy as np
        >>> import headrace as tf
        >>> model = tf.estimator.BaselineClassifier(optimizer=tf.train.GradientDescentOptimizer(1.0))
        >>> x, y = np.zeros((20, 3)), np.array([1] * 15 + [0] * 5)
        >>> model.fit(x, y, epochs=40, batch_size=20, verbose=0).predict_proba(x)[0].round(2).tolist()
        [0.25, 0.75]
    """

    def __init__(
        self,
        model_dir: str | None = None,
        n_classes: int = 2,
        weight_column: WeightColumn = None,
        label_vocabulary: Sequence[str] | None = None,
        optimizer: OptimizerLike = "Ftrl",
        config: RunConfig | None = None,
        loss_reduction: str = Reduction.SUM_OVER_BATCH_SIZE,
        *,
        random_state: Any = None,
    ) -> None:
        self.random_state = random_state
        self.n_classes = n_classes
        head = class_head(n_classes, weight_column, label_vocabulary, loss_reduction)
        _Baseline.__init__(self, head, optimizer, model_dir, config)


class BaselineRegressor(Regressor, _Baseline):
    """Says the mean of the labels, whatever the features, as `tf.estimator.BaselineRegressor`.

    Arguments as for BaselineClassifier, with the numbers an example in place of the classes.

    Args:
        label_dimension: numbers an example; labels are [batch, label_dimension], or [batch] where it is 1.
    """

    def __init__(
        self,
        model_dir: str | None = None,
        label_dimension: int = 1,
        weight_column: WeightColumn = None,
        optimizer: OptimizerLike = "Ftrl",
        config: RunConfig | None = None,
        loss_reduction: str = Reduction.SUM_OVER_BATCH_SIZE,
        *,
        random_state: Any = None,
    ) -> None:
        self.random_state = random_state
        self.label_dimension = label_dimension
        head = RegressionHead(label_dimension, weight_column, loss_reduction)
        _Baseline.__init__(self, head, optimizer, model_dir, config)


class BaselineEstimator(_Baseline):
    """One bias a logit below any head, as `tf.estimator.BaselineEstimator`.

    Args:
        head: makes loss, metrics and predictions of the logits, such as `tf.estimator.MultiLabelHead(3)`.
        model_dir, optimizer, config: see BaselineClassifier.
    """

    def __init__(
        self,
        head: Head,
        model_dir: str | None = None,
        optimizer: OptimizerLike = "Ftrl",
        config: RunConfig | None = None,
        *,
        random_state: Any = None,
    ) -> None:
        self.head, self.random_state = head, random_state
        super().__init__(head, optimizer, model_dir, config)
