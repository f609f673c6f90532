"""add_metrics, forward_features and clip_gradients_by_norm: estimators and optimizers with something more."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..engine.conversion import convert_to_tensor
from ..engine.ops.clipping import clip_by_global_norm
from ..engine.ops.sparse_functions import sparse_tensor_to_dense
from ..engine.tensor_types import SparseTensor
from ..engine.training.optimizer import Optimizer
from .estimator import Estimator
from .export_outputs import ExportOutput, PredictOutput
from .model_fn import EstimatorSpec, ModeKeys

_METRIC_ARGUMENTS = ("features", "labels", "predictions", "config")


def add_metrics(estimator: Estimator, metric_fn: Callable[..., Mapping[str, Any]]) -> Estimator:
    """An estimator on the same folder whose evaluations give more metrics, as `tf.estimator.add_metrics`.

    Args:
        estimator: the estimator.
        metric_fn: takes any of features, labels, predictions, config by name, and gives pairs (value, update) by key;
            those of the estimator are replaced where the keys are the same.

    Raises:
        ValueError: metric_fn takes other arguments.

    Example:
        >>> import headrace as tf
        >>> model = tf.estimator.LinearRegressor([tf.feature_column.numeric_column("x")])
        >>> data = lambda: ({"x": tf.constant([[1.0]])}, tf.constant([1.0]))
        >>> def more(labels, predictions):
        ...     return {"mae": tf.metrics.mean_absolute_error(labels[:, None], predictions["predictions"])}
        >>> model = tf.estimator.add_metrics(model.train(data, steps=1), more)
        >>> "mae" in model.evaluate(data, steps=1)
        True
    """
    names = list(inspect.signature(metric_fn).parameters)
    if unknown := [name for name in names if name not in _METRIC_ARGUMENTS]:
        raise ValueError(f"metric_fn takes {unknown}, but only {list(_METRIC_ARGUMENTS)} are given")

    def model_fn(features: Any, labels: Any, mode: str, config: Any) -> EstimatorSpec:
        spec = estimator._spec(features, labels, mode)
        if mode != ModeKeys.EVAL:
            return spec
        given = {"features": features, "labels": labels, "predictions": spec.predictions, "config": config}
        more = metric_fn(**{name: given[name] for name in names})
        return dataclasses.replace(spec, eval_metric_ops={**spec.eval_metric_ops, **(more or {})})

    return _extended(estimator, model_fn)


def _extended(estimator: Estimator, model_fn: Callable[..., EstimatorSpec]) -> Estimator:
    return Estimator(model_fn, estimator.model_dir, estimator.config, warm_start_from=estimator._warm_start_settings)


def forward_features(
    estimator: Estimator,
    keys: str | Sequence[str] | None = None,
    sparse_default_values: Mapping[str, Any] | None = None,
) -> Estimator:
    """An estimator on the same folder whose predictions hold features, as `tf.contrib.estimator.forward_features`.

    Args:
        estimator: the estimator; its predictions must be a dictionary.
        keys: which features, all by default.
        sparse_default_values: for features that are sparse: what stands for missing values.

    Raises:
        ValueError: when the model is made: a feature is missing, sparse without a default, or called as a prediction.
        TypeError: keys are no strings.
    """
    wanted = [keys] if isinstance(keys, str) else None if keys is None else list(keys)
    if wanted is not None and not all(isinstance(key, str) for key in wanted):
        raise TypeError(f"keys should be either a string or a list of strings. Given: {keys!r}")

    def model_fn(features: Any, labels: Any, mode: str) -> EstimatorSpec:
        spec = estimator._spec(features, labels, mode)
        if mode != ModeKeys.PREDICT:
            return spec
        if not isinstance(spec.predictions, Mapping):
            raise ValueError(f"Predictions should be a dict, given: {spec.predictions!r}")
        more = _forwarded(features, wanted, sparse_default_values or {}, spec.predictions)
        outputs = {key: _with(output, more) for key, output in (spec.export_outputs or {}).items()}
        return dataclasses.replace(
            spec, predictions={**spec.predictions, **more}, export_outputs=outputs or spec.export_outputs
        )

    return _extended(estimator, model_fn)


def _forwarded(
    features: Any, wanted: list[str] | None, defaults: Mapping[str, Any], predictions: Mapping[Any, Any]
) -> dict[str, Any]:
    if not isinstance(features, Mapping):
        raise ValueError(f"Features should be a dict, given: {features!r}")
    found = {}
    for key in sorted(features) if wanted is None else wanted:
        if key not in features:
            raise ValueError(f"keys should be subset of features: {key!r} is not in {sorted(features)}")
        if key in predictions:
            raise ValueError(f"The feature {key!r} has the name of a prediction; there are {sorted(predictions)}")
        found[key] = _dense(key, features[key], defaults)
    return found


def _dense(key: str, feature: Any, defaults: Mapping[str, Any]) -> Any:
    if not isinstance(feature, SparseTensor):
        return convert_to_tensor(feature)
    if key not in defaults:
        raise ValueError(f"The feature {key!r} is sparse: give a default in sparse_default_values")
    return sparse_tensor_to_dense(feature, default_value=defaults[key])


def _with(output: ExportOutput, more: Mapping[str, Any]) -> ExportOutput:
    return PredictOutput({**output.outputs, **more}) if isinstance(output, PredictOutput) else output


class ClippingOptimizer(Optimizer):
    """An optimizer that gets gradients of a limited global norm; see clip_gradients_by_norm."""

    def __init__(self, optimizer: Optimizer, clip_norm: float) -> None:
        super().__init__(False, f"ClipByNorm{optimizer.get_name()}")
        self._optimizer, self._clip_norm = optimizer, clip_norm

    def compute_gradients(self, *args: Any, **kwargs: Any) -> list[tuple[Any, Any]]:
        """The pairs of gradient and variable, clipped."""
        pairs = self._optimizer.compute_gradients(*args, **kwargs)
        gradients, _ = clip_by_global_norm([gradient for gradient, _ in pairs], self._clip_norm)
        return [(gradient, variable) for gradient, (_, variable) in zip(gradients, pairs, strict=True)]

    def apply_gradients(self, *args: Any, **kwargs: Any) -> Any:
        """Changes the variables."""
        return self._optimizer.apply_gradients(*args, **kwargs)

    def get_slot(self, *args: Any, **kwargs: Any) -> Any:
        """A slot of the optimizer."""
        return self._optimizer.get_slot(*args, **kwargs)

    def get_slot_names(self, *args: Any, **kwargs: Any) -> Any:
        """The names of the optimizer's slots."""
        return self._optimizer.get_slot_names(*args, **kwargs)

    def variables(self) -> Any:
        """The optimizer's variables."""
        return self._optimizer.variables()


def clip_gradients_by_norm(optimizer: Optimizer, clip_norm: float) -> Optimizer:
    """An optimizer that scales gradients down to a global norm, as `tf.contrib.estimator.clip_gradients_by_norm`.

    Args:
        optimizer: the optimizer that changes the variables.
        clip_norm: the largest norm of all gradients together.

    Raises:
        TypeError: `optimizer` is none.
    """
    if not isinstance(optimizer, Optimizer):
        raise TypeError(f"optimizer must be a tf.train.Optimizer, got {optimizer!r}")
    return ClippingOptimizer(optimizer, clip_norm)
