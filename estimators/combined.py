"""DNNLinearCombinedClassifier, ...Regressor and ...Estimator: a linear model and a network over one head, wide and deep."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..engine.graph import Tensor
from ..engine.ops.control import group
from ..engine.ops.nn_activations import relu
from ..engine.ops.nn_layers import zero_fraction
from ..engine.ops.summaries import histogram, scalar
from ..engine.scopes import GraphKeys, get_collection
from ..engine.training.global_step import get_global_step
from ..layers.loss_reduction import Reduction
from .canned import CannedEstimator, Classifier, OptimizerLike, Regressor
from .class_heads import class_head
from .columns import FeatureColumn
from .dnn import Activation, Network
from .head import Head, WeightColumn
from .linear import linear_logits
from .optimizers import optimizer_of
from .regression_heads import RegressionHead
from .run_config import RunConfig

# tf.estimator's learning rates where the optimizers are given by name; the linear one is less for many columns.
_LINEAR_RATE, _DNN_RATE = 0.005, 0.001
Columns = Sequence[FeatureColumn] | None


class _Combined(CannedEstimator):
    """The two models that the estimators have."""

    def _combine(
        self,
        head: Head,
        linear: tuple[Columns, OptimizerLike, str],
        dnn: tuple[Columns, OptimizerLike, Network],
        model_dir: str | None,
        config: RunConfig | None,
        warm_start_from: Any,
    ) -> None:
        self._linear_columns, self.linear_optimizer, self.linear_sparse_combiner = linear
        self._dnn_columns, self.dnn_optimizer, self._network = dnn
        both = [*(self._linear_columns or ()), *(self._dnn_columns or ())]
        if not both:
            raise ValueError("Either linear_feature_columns or dnn_feature_columns must be defined.")
        if self._dnn_columns and not self._network.hidden_units:
            raise ValueError("dnn_hidden_units must be defined when dnn_feature_columns is specified.")
        CannedEstimator.__init__(self, head, both, None, model_dir, config, warm_start_from)

    def _logits(self, features: Mapping[str, Tensor], columns: Sequence[FeatureColumn], mode: str) -> Tensor:
        units, parts = self._head.logits_dimension, []
        if self._dnn_columns:
            parts.append(self._network.logits(features, self._dnn_columns, units, mode))
        if self._linear_columns:
            wide = linear_logits(features, self._linear_columns, units, self.linear_sparse_combiner)
            scalar("linear/linear/fraction_of_zero_values", zero_fraction(wide))
            histogram("linear/linear/activation", wide)
            parts.append(wide)
        return parts[0] if len(parts) == 1 else parts[0] + parts[1]

    def _train_op(self, loss: Tensor) -> Any:
        # Each optimizer has its own variables; the first one counts the step.
        step, made = get_global_step(), list[Any]()
        for scope, columns, optimizer, rate in (
            ("dnn/", self._dnn_columns, self.dnn_optimizer, _DNN_RATE),
            ("linear/", self._linear_columns, self.linear_optimizer, self._linear_rate),
        ):
            if columns:
                variables = get_collection(GraphKeys.TRAINABLE_VARIABLES, scope)
                counter = None if made else step
                made.append(optimizer_of(optimizer, rate).minimize(loss, global_step=counter, var_list=variables))
        return group(*made)

    @property
    def _linear_rate(self) -> float:
        return min(_LINEAR_RATE, 1.0 / math.sqrt(len(self._linear_columns or [None])))


class DNNLinearCombinedClassifier(Classifier, _Combined):
    """A linear classifier and a network whose logits are added, as `tf.estimator.DNNLinearCombinedClassifier`.

    Variables are named as those of LinearClassifier and DNNClassifier.

    Args:
        model_dir: folder of checkpoints and event files.
        linear_feature_columns: dense and categorical columns of the linear model.
        linear_optimizer: a name, with a learning rate of 1 / sqrt(columns), 0.005 at most, an optimizer, or a function
            that makes one.
        dnn_feature_columns: dense columns of the network.
        dnn_optimizer: a name, with a learning rate of 0.001, an optimizer, or a function that makes one.
        dnn_hidden_units: sizes of the hidden layers.
        dnn_activation_fn: of the hidden layers.
        dnn_dropout: share of the hidden outputs dropped in training, None for none.
        n_classes: number of classes, labels are 0 to n_classes - 1; two classes have one logit.
        weight_column: the feature of the examples' weights.
        label_vocabulary: the classes' names, where labels are strings.
        config: a RunConfig.
        warm_start_from: a checkpoint, its folder, or WarmStartSettings: where the first training starts.
        loss_reduction: how the losses of a batch become one.
        batch_norm: normalize the outputs of each hidden layer over the batch.
        linear_sparse_combiner: how the weights of an example's categories become one: "sum", "mean" or "sqrtn".
        input_layer_partitioner: cuts the variables of embedding columns.
        random_state: a seed or a random generator of NumPy's, in place of the RunConfig's seed.

    Raises:
        ValueError: there are no columns, or columns for a network without hidden units.

    Example:
        >>> import numpy as np
        >>> import headrace as tf
        >>> color = tf.feature_column.categorical_column_with_vocabulary_list("color", ["red", "blue"])
        >>> size = tf.feature_column.numeric_column("size")
        >>> model = tf.estimator.DNNLinearCombinedClassifier(
        ...     linear_feature_columns=[color], dnn_feature_columns=[size], dnn_hidden_units=[4]
        ... )
        >>> x = {"color": np.array(["red", "blue"] * 8), "size": np.arange(16.0)}
        >>> model.fit(x, np.array([1, 0] * 8), epochs=2, verbose=0).predict_proba(x).shape
        (16, 2)
    """

    def __init__(
        self,
        model_dir: str | None = None,
        linear_feature_columns: Columns = None,
        linear_optimizer: OptimizerLike = "Ftrl",
        dnn_feature_columns: Columns = None,
        dnn_optimizer: OptimizerLike = "Adagrad",
        dnn_hidden_units: Sequence[int] | None = None,
        dnn_activation_fn: Activation = relu,
        dnn_dropout: float | None = None,
        n_classes: int = 2,
        weight_column: WeightColumn = None,
        label_vocabulary: Sequence[str] | None = None,
        config: RunConfig | None = None,
        warm_start_from: Any = None,
        loss_reduction: str = Reduction.SUM_OVER_BATCH_SIZE,
        batch_norm: bool = False,
        linear_sparse_combiner: str = "sum",
        *,
        input_layer_partitioner: Any = None,
        random_state: Any = None,
    ) -> None:
        self.random_state = random_state
        self.n_classes = n_classes
        head = class_head(n_classes, weight_column, label_vocabulary, loss_reduction)
        network = Network(dnn_hidden_units or (), dnn_activation_fn, dnn_dropout, batch_norm, input_layer_partitioner)
        linear = (linear_feature_columns, linear_optimizer, linear_sparse_combiner)
        dnn = (dnn_feature_columns, dnn_optimizer, network)
        self._combine(head, linear, dnn, model_dir, config, warm_start_from)


class DNNLinearCombinedRegressor(Regressor, _Combined):
    """A linear regressor and a network whose outputs are added, as `tf.estimator.DNNLinearCombinedRegressor`.

    Arguments as for DNNLinearCombinedClassifier, with the numbers an example in place of the classes.

    Args:
        label_dimension: numbers an example; labels are [batch, label_dimension], or [batch] where it is 1.
    """

    def __init__(
        self,
        model_dir: str | None = None,
        linear_feature_columns: Columns = None,
        linear_optimizer: OptimizerLike = "Ftrl",
        dnn_feature_columns: Columns = None,
        dnn_optimizer: OptimizerLike = "Adagrad",
        dnn_hidden_units: Sequence[int] | None = None,
        dnn_activation_fn: Activation = relu,
        dnn_dropout: float | None = None,
        label_dimension: int = 1,
        weight_column: WeightColumn = None,
        config: RunConfig | None = None,
        warm_start_from: Any = None,
        loss_reduction: str = Reduction.SUM_OVER_BATCH_SIZE,
        batch_norm: bool = False,
        linear_sparse_combiner: str = "sum",
        *,
        input_layer_partitioner: Any = None,
        random_state: Any = None,
    ) -> None:
        self.random_state = random_state
        self.label_dimension = label_dimension
        head = RegressionHead(label_dimension, weight_column, loss_reduction)
        network = Network(dnn_hidden_units or (), dnn_activation_fn, dnn_dropout, batch_norm, input_layer_partitioner)
        linear = (linear_feature_columns, linear_optimizer, linear_sparse_combiner)
        dnn = (dnn_feature_columns, dnn_optimizer, network)
        self._combine(head, linear, dnn, model_dir, config, warm_start_from)


class DNNLinearCombinedEstimator(_Combined):
    """A linear model and a network below any head, as `tf.estimator.DNNLinearCombinedEstimator`.

    Arguments as for DNNLinearCombinedClassifier, with a head in place of classes, weights and loss.

    Args:
        head: makes loss, metrics and predictions of the logits, such as `tf.estimator.PoissonRegressionHead()`.
    """

    def __init__(
        self,
        head: Head,
        model_dir: str | None = None,
        linear_feature_columns: Columns = None,
        linear_optimizer: OptimizerLike = "Ftrl",
        dnn_feature_columns: Columns = None,
        dnn_optimizer: OptimizerLike = "Adagrad",
        dnn_hidden_units: Sequence[int] | None = None,
        dnn_activation_fn: Activation = relu,
        dnn_dropout: float | None = None,
        config: RunConfig | None = None,
        batch_norm: bool = False,
        linear_sparse_combiner: str = "sum",
        warm_start_from: Any = None,
        *,
        input_layer_partitioner: Any = None,
        random_state: Any = None,
    ) -> None:
        self.random_state = random_state
        self.head = head
        network = Network(dnn_hidden_units or (), dnn_activation_fn, dnn_dropout, batch_norm, input_layer_partitioner)
        linear = (linear_feature_columns, linear_optimizer, linear_sparse_combiner)
        self._combine(head, linear, (dnn_feature_columns, dnn_optimizer, network), model_dir, config, warm_start_from)
