"""DNNClassifier and DNNRegressor: fully connected layers over dense features."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..engine.graph import Tensor
from ..engine.initializers import glorot_uniform_initializer
from ..engine.ops.nn_activations import relu
from ..engine.ops.nn_layers import zero_fraction
from ..engine.ops.summaries import histogram, scalar
from ..engine.variable_scope import variable_scope
from ..layers.core import dense, dropout
from ..layers.loss_reduction import Reduction
from .canned import CannedEstimator, Classifier, OptimizerLike, Regressor
from .class_heads import class_head
from .columns import FeatureColumn, input_layer
from .head import Head, WeightColumn
from .model_fn import ModeKeys
from .regression_heads import RegressionHead
from .run_config import RunConfig

Activation = Callable[[Tensor], Tensor]


class _DNN(CannedEstimator):
    """The layers that both estimators have."""

    def __init__(
        self,
        head: Head,
        hidden_units: Sequence[int],
        feature_columns: Sequence[FeatureColumn] | None,
        optimizer: OptimizerLike,
        activation_fn: Activation,
        dropout: float | None,
        model_dir: str | None,
        config: RunConfig | None,
    ) -> None:
        if not isinstance(hidden_units, Sequence):
            raise TypeError(f"hidden_units must be a list of sizes, such as [128, 64], got {hidden_units!r}")
        if any(int(units) < 1 for units in hidden_units):
            raise ValueError(f"hidden_units must be positive, got {list(hidden_units)}")
        self.hidden_units = [int(units) for units in hidden_units]
        self.activation_fn = activation_fn
        self.dropout = dropout
        super().__init__(head, feature_columns, optimizer, model_dir, config)

    def _logits(self, features: Mapping[str, Tensor], columns: Sequence[FeatureColumn], mode: str) -> Tensor:
        with variable_scope("dnn"):
            with variable_scope("input_from_feature_columns"):
                net = input_layer(features, columns)
            for i, units in enumerate(self.hidden_units):
                net = self._hidden(net, units, f"hiddenlayer_{i}", mode == ModeKeys.TRAIN)
            with variable_scope("logits") as scope:
                logits = _layer(net, self._head.logits_dimension, None, scope)
            _summarise(logits, "logits")
            return logits

    def _hidden(self, net: Tensor, units: int, name: str, training: bool) -> Tensor:
        with variable_scope(name) as scope:
            net = _layer(net, units, self.activation_fn, scope)
            if self.dropout is not None and training:
                net = dropout(net, rate=self.dropout, training=True)
        _summarise(net, name)
        return net


def _layer(net: Tensor, units: int, activation: Activation | None, scope: Any) -> Tensor:
    return dense(net, units, activation, kernel_initializer=glorot_uniform_initializer(), name=scope)


def _summarise(value: Tensor, name: str) -> None:
    scalar(f"{name}/fraction_of_zero_values", zero_fraction(value))
    histogram(f"{name}/activation", value)


class DNNClassifier(Classifier, _DNN):
    """A classifier of fully connected layers, as `tf.estimator.DNNClassifier`.

    Variables are named `dnn/hiddenlayer_0/kernel`, ..., `dnn/logits/bias`; two classes have one logit.

    Args:
        hidden_units: sizes of the hidden layers.
        feature_columns: dense columns; by default a numeric one for each column of what `fit` is given.
        model_dir: folder of checkpoints and event files.
        n_classes: number of classes, labels are 0 to n_classes - 1.
        weight_column: the feature of the examples' weights.
        label_vocabulary: the classes' names, where labels are strings.
        optimizer: a name ("Adagrad", "Adam", "Ftrl", "RMSProp", "SGD"), an optimizer, or a function that makes one.
        activation_fn: of the hidden layers.
        dropout: share of the hidden outputs dropped in training, None for none.
        config: a RunConfig.
        loss_reduction: how the losses of a batch become one.

    Example:
        >>> import headrace as hr
        >>> x_train, x_test, y_train, y_test = hr.datasets.iris.load_split()
        >>> config = hr.estimators.RunConfig(tf_random_seed=1)
        >>> model = hr.estimators.DNNClassifier([16], n_classes=3, optimizer="Adam", config=config)
        >>> found = model.fit(x_train, y_train, epochs=150, verbose=0).evaluate(x_test, y_test)
        >>> bool(found["accuracy"] > 0.8)
        True
    """

    def __init__(
        self,
        hidden_units: Sequence[int],
        feature_columns: Sequence[FeatureColumn] | None = None,
        model_dir: str | None = None,
        n_classes: int = 2,
        weight_column: WeightColumn = None,
        label_vocabulary: Sequence[str] | None = None,
        optimizer: OptimizerLike = "Adagrad",
        activation_fn: Activation = relu,
        dropout: float | None = None,
        config: RunConfig | None = None,
        loss_reduction: str = Reduction.SUM_OVER_BATCH_SIZE,
    ) -> None:
        self.n_classes = n_classes
        head = class_head(n_classes, weight_column, label_vocabulary, loss_reduction)
        _DNN.__init__(self, head, hidden_units, feature_columns, optimizer, activation_fn, dropout, model_dir, config)


class DNNRegressor(Regressor, _DNN):
    """A regressor of fully connected layers, as `tf.estimator.DNNRegressor`.

    Arguments as for DNNClassifier, with the numbers an example in place of the classes.

    Args:
        label_dimension: numbers an example; labels are [batch, label_dimension], or [batch] where it is 1.
    """

    def __init__(
        self,
        hidden_units: Sequence[int],
        feature_columns: Sequence[FeatureColumn] | None = None,
        model_dir: str | None = None,
        label_dimension: int = 1,
        weight_column: WeightColumn = None,
        optimizer: OptimizerLike = "Adagrad",
        activation_fn: Activation = relu,
        dropout: float | None = None,
        config: RunConfig | None = None,
        loss_reduction: str = Reduction.SUM_OVER_BATCH_SIZE,
    ) -> None:
        self.label_dimension = label_dimension
        head = RegressionHead(label_dimension, weight_column, loss_reduction)
        _DNN.__init__(self, head, hidden_units, feature_columns, optimizer, activation_fn, dropout, model_dir, config)
