"""DNNClassifier, DNNRegressor and DNNEstimator: fully connected layers over dense features."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..engine.graph import Tensor
from ..engine.initializers import glorot_uniform_initializer
from ..engine.ops.nn_activations import relu
from ..engine.ops.nn_layers import zero_fraction
from ..engine.ops.summaries import histogram, scalar
from ..engine.variable_scope import variable_scope
from ..layers.core import dense, dropout
from ..layers.loss_reduction import Reduction
from ..layers.normalization import batch_normalization
from .canned import CannedEstimator, Classifier, OptimizerLike, Regressor
from .class_heads import class_head
from .columns import FeatureColumn, input_layer
from .head import Head, WeightColumn
from .model_fn import ModeKeys
from .regression_heads import RegressionHead
from .run_config import RunConfig

Activation = Callable[[Tensor], Tensor]


# Momentum of batch normalization, which is tf.estimator's and not that of the layer.
_MOMENTUM = 0.999


@dataclass(frozen=True)
class Network:
    """What the hidden layers are: their sizes, activation, dropout and normalization, and the input's partitioner."""

    hidden_units: Sequence[int]
    activation_fn: Activation = relu
    dropout: float | None = None
    batch_norm: bool = False
    partitioner: Any = None

    def __post_init__(self) -> None:
        given: Any = self.hidden_units
        if isinstance(given, str) or not isinstance(given, Sequence):
            raise TypeError(f"hidden_units must be a list of sizes, such as [128, 64], got {self.hidden_units!r}")
        if any(isinstance(units, bool) or not hasattr(units, "__index__") for units in given):
            raise TypeError(f"hidden_units must be whole numbers, got {list(given)}")
        if any(int(units) < 1 for units in self.hidden_units):
            raise ValueError(f"hidden_units must be positive, got {list(self.hidden_units)}")

    def logits(self, features: Mapping[str, Tensor], columns: Sequence[FeatureColumn], units: int, mode: str) -> Tensor:
        """Logits [batch, units], whose variables are in the scope "dnn"."""
        training = mode == ModeKeys.TRAIN
        with variable_scope("dnn"):
            with variable_scope("input_from_feature_columns", partitioner=self.partitioner):
                net = input_layer(features, columns)
            for i, size in enumerate(self.hidden_units):
                net = self._hidden(net, int(size), f"hiddenlayer_{i}", f"batchnorm_{i}", training)
            with variable_scope("logits") as scope:
                logits = _layer(net, units, None, scope)
            _summarise(logits, scope.name)
            return logits

    def _hidden(self, net: Tensor, units: int, name: str, norm: str, training: bool) -> Tensor:
        with variable_scope(name) as scope:
            net = _layer(net, units, self.activation_fn, scope)
            if self.dropout is not None and training:
                net = dropout(net, rate=self.dropout, training=True)
            if self.batch_norm:
                net = batch_normalization(net, momentum=_MOMENTUM, training=training, name=norm)
        _summarise(net, scope.name)
        return net


class _DNN(CannedEstimator):
    """The layers that the estimators have."""

    def __init__(
        self,
        head: Head,
        network: Network,
        feature_columns: Sequence[FeatureColumn] | None,
        optimizer: OptimizerLike,
        model_dir: str | None,
        config: RunConfig | None,
        warm_start_from: Any,
    ) -> None:
        self._network = network
        self.hidden_units = [int(units) for units in network.hidden_units]
        self.activation_fn = network.activation_fn
        self.dropout = network.dropout
        self.batch_norm = network.batch_norm
        super().__init__(head, feature_columns, optimizer, model_dir, config, warm_start_from)

    def _logits(self, features: Mapping[str, Tensor], columns: Sequence[FeatureColumn], mode: str) -> Tensor:
        return self._network.logits(features, columns, self._head.logits_dimension, mode)


def _layer(net: Tensor, units: int, activation: Activation | None, scope: Any) -> Tensor:
    return dense(net, units, activation, kernel_initializer=glorot_uniform_initializer(), name=scope)


def _summarise(value: Tensor, name: str) -> None:
    # Within the scope "dnn": the tags are those of TensorFlow 1.15, dnn/dnn/hiddenlayer_0/activation.
    scalar(f"{name}/fraction_of_zero_values", zero_fraction(value))
    histogram(f"{name}/activation", value)


class DNNClassifier(Classifier, _DNN):
    """A classifier of fully connected layers, as `tf.estimator.DNNClassifier`.

    Variables are named `dnn/hiddenlayer_0/kernel`, ..., `dnn/logits/bias`; two classes have one logit.

    Args:
        hidden_units: sizes of the hidden layers.
        feature_columns: dense columns; by default a numeric one for each column of what `fit` is given.
        model_dir: folder of checkpoints and event files.
        n_classes: number of classes, labels are 0 to n_classes - 1; None for two, or for those that `fit` finds in y.
        weight_column: the feature of the examples' weights.
        label_vocabulary: the classes' names, where labels are strings.
        optimizer: a name ("Adagrad", "Adam", "Ftrl", "RMSProp", "SGD"), an optimizer, or a function that makes one.
        activation_fn: of the hidden layers.
        dropout: share of the hidden outputs dropped in training, None for none.
        config: a RunConfig.
        warm_start_from: a checkpoint, its folder, or WarmStartSettings: where the first training starts.
        loss_reduction: how the losses of a batch become one.
        batch_norm: normalize the outputs of each hidden layer over the batch.
        input_layer_partitioner: cuts the variables of embedding columns.
        random_state: a seed or a random generator of NumPy's, in place of the RunConfig's seed.

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
        hidden_units: Sequence[int] = (100,),
        feature_columns: Sequence[FeatureColumn] | None = None,
        model_dir: str | None = None,
        n_classes: int | None = None,
        weight_column: WeightColumn = None,
        label_vocabulary: Sequence[str] | None = None,
        optimizer: OptimizerLike = "Adagrad",
        activation_fn: Activation = relu,
        dropout: float | None = None,
        config: RunConfig | None = None,
        warm_start_from: Any = None,
        loss_reduction: str = Reduction.SUM_OVER_BATCH_SIZE,
        batch_norm: bool = False,
        *,
        input_layer_partitioner: Any = None,
        random_state: Any = None,
    ) -> None:
        self.n_classes = n_classes
        self.random_state = random_state
        head = class_head(n_classes, weight_column, label_vocabulary, loss_reduction)
        network = Network(hidden_units, activation_fn, dropout, batch_norm, input_layer_partitioner)
        _DNN.__init__(self, head, network, feature_columns, optimizer, model_dir, config, warm_start_from)


class DNNRegressor(Regressor, _DNN):
    """A regressor of fully connected layers, as `tf.estimator.DNNRegressor`.

    Arguments as for DNNClassifier, with the numbers an example in place of the classes.

    Args:
        label_dimension: numbers an example; labels are [batch, label_dimension], or [batch] where it is 1.
    """

    def __init__(
        self,
        hidden_units: Sequence[int] = (100,),
        feature_columns: Sequence[FeatureColumn] | None = None,
        model_dir: str | None = None,
        label_dimension: int = 1,
        weight_column: WeightColumn = None,
        optimizer: OptimizerLike = "Adagrad",
        activation_fn: Activation = relu,
        dropout: float | None = None,
        config: RunConfig | None = None,
        warm_start_from: Any = None,
        loss_reduction: str = Reduction.SUM_OVER_BATCH_SIZE,
        batch_norm: bool = False,
        *,
        input_layer_partitioner: Any = None,
        random_state: Any = None,
    ) -> None:
        self.label_dimension = label_dimension
        self.random_state = random_state
        head = RegressionHead(label_dimension, weight_column, loss_reduction)
        network = Network(hidden_units, activation_fn, dropout, batch_norm, input_layer_partitioner)
        _DNN.__init__(self, head, network, feature_columns, optimizer, model_dir, config, warm_start_from)


class DNNEstimator(_DNN):
    """Fully connected layers below any head, as `tf.estimator.DNNEstimator`.

    Arguments as for DNNClassifier, with a head in place of classes, weights and loss.

    Args:
        head: makes loss, metrics and predictions of the logits, such as `tf.estimator.MultiLabelHead(3)`.

    Example:
        >>> import numpy as np
        >>> import headrace as tf
        >>> head = tf.estimator.MultiLabelHead(n_classes=2)
        >>> model = tf.estimator.DNNEstimator(head, [4], [tf.feature_column.numeric_column("x")])
        >>> x, y = np.array([[-1.0], [0.5], [2.0]]), np.array([[0, 0], [1, 0], [1, 1]])
        >>> model.fit({"x": x}, y, epochs=2, verbose=0).predict({"x": x}).shape
        (3, 2)
    """

    _predicted_key = "probabilities"

    def __init__(
        self,
        head: Head,
        hidden_units: Sequence[int],
        feature_columns: Sequence[FeatureColumn] | None = None,
        model_dir: str | None = None,
        optimizer: OptimizerLike = "Adagrad",
        activation_fn: Activation = relu,
        dropout: float | None = None,
        config: RunConfig | None = None,
        warm_start_from: Any = None,
        batch_norm: bool = False,
        *,
        input_layer_partitioner: Any = None,
        random_state: Any = None,
    ) -> None:
        self.head, self.random_state = head, random_state
        network = Network(hidden_units, activation_fn, dropout, batch_norm, input_layer_partitioner)
        super().__init__(head, network, feature_columns, optimizer, model_dir, config, warm_start_from)
