"""DNNClassifier: fully connected layers over dense features."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..engine.graph import Tensor
from ..engine.initializers import glorot_uniform_initializer
from ..engine.ops.nn_activations import relu
from ..engine.ops.nn_layers import zero_fraction
from ..engine.ops.summaries import histogram, scalar
from ..engine.training.global_step import get_global_step
from ..engine.training.optimizer import Optimizer
from ..engine.variable_scope import variable_scope
from ..layers.core import dense, dropout
from .arrays import ArrayEstimator
from .columns import NumericColumn, input_layer
from .head import MultiClassHead
from .inputs import numeric_columns_of
from .model_fn import EstimatorSpec, ModeKeys
from .optimizers import optimizer_of
from .run_config import RunConfig


class DNNClassifier(ArrayEstimator):
    """A classifier of fully connected layers, as `tf.estimator.DNNClassifier`.

    Variables are named `dnn/hiddenlayer_0/kernel`, ..., `dnn/logits/bias`.

    Args:
        hidden_units: sizes of the hidden layers.
        feature_columns: numeric columns; by default one for each column of what `fit` is given.
        model_dir: folder of checkpoints and event files.
        n_classes: number of classes, labels are 0 to n_classes - 1.
        optimizer: a name ("Adagrad", "Adam", "Ftrl", "RMSProp", "SGD"), an optimizer, or a function that makes one.
        activation_fn: of the hidden layers.
        dropout: share of the hidden outputs dropped in training, None for none.
        config: a RunConfig.

    Example:
        >>> import headrace as hr
        >>> x_train, x_test, y_train, y_test = hr.datasets.iris.load_split()
        >>> model = hr.estimators.DNNClassifier([16], n_classes=3, optimizer="Adam")
        >>> model.fit(x_train, y_train, epochs=60, verbose=0).evaluate(x_test, y_test)["accuracy"] > 0.8
        True
    """

    def __init__(
        self,
        hidden_units: Sequence[int],
        feature_columns: Sequence[NumericColumn] | None = None,
        model_dir: str | None = None,
        n_classes: int = 2,
        optimizer: str | Optimizer | Callable[[], Optimizer] = "Adagrad",
        activation_fn: Callable[[Tensor], Tensor] = relu,
        dropout: float | None = None,
        config: RunConfig | None = None,
    ) -> None:
        if any(int(units) < 1 for units in hidden_units):
            raise ValueError(f"hidden_units must be positive, got {list(hidden_units)}")
        self.hidden_units = [int(units) for units in hidden_units]
        self.feature_columns = None if feature_columns is None else list(feature_columns)
        self.n_classes = n_classes
        self.optimizer = optimizer
        self.activation_fn = activation_fn
        self.dropout = dropout
        self._head = MultiClassHead(n_classes)
        super().__init__(self._dnn_model_fn, model_dir, config)

    def _before_fit(self, x: Any, y: Any) -> None:
        if self.feature_columns is None:
            self.feature_columns = list(numeric_columns_of(x))

    def _dnn_model_fn(self, features: Any, labels: Any, mode: str) -> EstimatorSpec:
        with variable_scope("dnn"):
            logits = self._logits(features, mode)
        return self._head.create_estimator_spec(features, mode, logits, labels, self._train_op)

    def _train_op(self, loss: Tensor) -> Any:
        return optimizer_of(self.optimizer).minimize(loss, global_step=get_global_step())

    def _logits(self, features: Mapping[str, Tensor], mode: str) -> Tensor:
        columns = self.feature_columns if self.feature_columns is not None else _columns_of_tensors(features)
        net = input_layer(features, columns)
        for i, units in enumerate(self.hidden_units):
            net = self._hidden(net, units, f"hiddenlayer_{i}", mode == ModeKeys.TRAIN)
        with variable_scope("logits") as scope:
            logits = dense(
                net, self._head.logits_dimension, None, kernel_initializer=glorot_uniform_initializer(), name=scope
            )
        _summarise(logits, "logits")
        return logits

    def _hidden(self, net: Tensor, units: int, name: str, training: bool) -> Tensor:
        with variable_scope(name) as scope:
            net = dense(net, units, self.activation_fn, kernel_initializer=glorot_uniform_initializer(), name=scope)
            if self.dropout is not None and training:
                net = dropout(net, rate=self.dropout, training=True)
        _summarise(net, name)
        return net


def _columns_of_tensors(features: Mapping[str, Tensor]) -> list[NumericColumn]:
    columns = []
    for name, tensor in features.items():
        sizes = None if tensor.sizes is None else tensor.sizes[1:]
        if sizes is None or None in sizes:
            raise ValueError(f"The feature {name!r} has no known shape ({tensor.shape}): give feature_columns")
        columns.append(NumericColumn(name, tuple(s for s in sizes if s is not None) or (1,)))
    return columns


def _summarise(value: Tensor, name: str) -> None:
    scalar(f"{name}/fraction_of_zero_values", zero_fraction(value))
    histogram(f"{name}/activation", value)
