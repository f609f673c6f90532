"""Functions of logits for model functions of one's own, as tf.estimator.experimental's."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from ..engine.graph import Tensor
from ..engine.ops.nn_activations import relu
from .columns import FeatureColumn
from .dnn import Activation, Network
from .linear import linear_logits

LogitFn = Callable[..., Any]


def call_logit_fn(logit_fn: LogitFn, features: Any, mode: str, params: Any, config: Any) -> Any:
    """Calls a function of logits with those of features, mode, params and config that it takes by name."""
    names = inspect.signature(logit_fn).parameters
    given = {"features": features, "mode": mode, "params": params, "config": config}
    return logit_fn(**{name: value for name, value in given.items() if name in names})


def dnn_logit_fn_builder(
    units: int,
    hidden_units: Sequence[int],
    feature_columns: Sequence[FeatureColumn],
    activation_fn: Activation = relu,
    dropout: float | None = None,
    input_layer_partitioner: Any = None,
    batch_norm: bool = False,
) -> LogitFn:
    """A function `(features, mode)` that gives a network's logits; arguments as for DNNClassifier.

    Raises:
        ValueError: units is no integer.
    """
    if not isinstance(units, int):
        raise ValueError(f"units must be an int.  Given type: {type(units)}")
    network = Network(hidden_units, activation_fn, dropout, batch_norm, input_layer_partitioner)

    def logit_fn(features: Any, mode: str) -> Tensor:
        return network.logits(features, feature_columns, units, mode)

    return logit_fn


def linear_logit_fn_builder(
    units: int, feature_columns: Sequence[FeatureColumn], sparse_combiner: str = "sum"
) -> LogitFn:
    """A function `(features)` that gives a linear model's logits; arguments as for LinearClassifier."""

    def logit_fn(features: Any) -> Tensor:
        return linear_logits(features, feature_columns, units, sparse_combiner)

    return logit_fn
