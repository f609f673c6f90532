"""`tf.contrib.learn`'s estimators: fit, evaluate and predict with the arguments of the old interface."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..engine.graph import Graph, Tensor
from ..engine.ops.clipping import clip_by_global_norm
from ..engine.ops.nn_activations import relu
from ..engine.training.optimizer import Optimizer
from . import dnn, estimator, linear
from .canned import _columns_of_tensors
from .contrib_monitors import replace_monitors_with_hooks
from .inputs import ARRAY_FEATURE, InputFn, batches, input_fn_of, numeric_columns_of
from .model_calls import call_with, split_input
from .model_fn import EstimatorSpec, ModeKeys as CoreModeKeys
from .optimizers import optimizer_of

_NO_DATA = "Either x or input_fn must be provided."


class ModeKeys:
    """What a model function is called for."""

    TRAIN = CoreModeKeys.TRAIN
    EVAL = CoreModeKeys.EVAL
    INFER = CoreModeKeys.PREDICT


def infer_real_valued_columns_from_input(x: Any) -> list[Any]:
    """A numeric column for an array of examples, or for each of a dictionary of them.

    Raises:
        ValueError: the examples are no numbers.
    """
    return list(numeric_columns_of(x))


def infer_real_valued_columns_from_input_fn(input_fn: Callable[[], Any]) -> list[Any]:
    """A numeric column for each feature of an input function.

    Raises:
        ValueError: a feature's shape is not known.
    """
    with Graph().as_default():
        features, _ = split_input(_named(input_fn)())
        return list(_columns_of_tensors(features))


def _named(input_fn: Callable[[], Any]) -> InputFn:
    """An input function whose features have names, as an array's in `fit`."""

    def named() -> Any:
        features, labels = split_input(input_fn())
        return ({ARRAY_FEATURE: features} if isinstance(features, Tensor) else features), labels

    return named


class BaseEstimator:
    """The old interface over an estimator of this library, which is `core`."""

    def __init__(self, core: estimator.Estimator) -> None:
        self.core = core

    @property
    def model_dir(self) -> str:
        """The folder of checkpoints and event files."""
        return self.core.model_dir

    @property
    def config(self) -> Any:
        """The RunConfig."""
        return self.core.config

    def get_variable_names(self) -> list[str]:
        """The names of all variables in the newest checkpoint."""
        return self.core.get_variable_names()

    def get_variable_value(self, name: str) -> Any:
        """The value of a variable in the newest checkpoint."""
        return self.core.get_variable_value(name)

    def _input(
        self, x: Any, y: Any, input_fn: Any, batch_size: int | None, epochs: int | None, shuffle: bool = False
    ) -> InputFn:
        if (x is None) == (input_fn is None):
            raise ValueError(_NO_DATA if x is None else "Can not provide both input_fn and x or y.")
        if input_fn is not None:
            if y is not None or batch_size is not None:
                raise ValueError("Can not provide y or batch_size with input_fn.")
            return _named(input_fn)
        first = next(iter(x.values())) if isinstance(x, Mapping) else x
        return input_fn_of(batches(x, y, batch_size or len(first), epochs, shuffle, self.config.tf_random_seed))

    def fit(
        self, x: Any = None, y: Any = None, input_fn: Any = None, steps: int | None = None,
        batch_size: int | None = None, monitors: Sequence[Any] | None = None, max_steps: int | None = None,
    ) -> BaseEstimator:  # fmt: skip
        """Trains for `steps` more steps, or up to the global step `max_steps`.

        Args:
            x: examples, or a dictionary of columns; drawn in random order, again and again.
            y: labels.
            input_fn: in place of x and y, gives the tensors of (features, labels).
            steps, max_steps: when to stop; one is needed for arrays, without it an input function is used to its end.
            batch_size: examples a step; by default all.
            monitors: SessionRunHooks, or monitors of `tf.contrib.learn.monitors`.

        Raises:
            ValueError: both or none of x and input_fn are given, or arrays with neither steps nor max_steps.
            TypeError: a monitor is no SessionRunHook.
        """
        given = self._input(x, y, input_fn, batch_size, None, shuffle=True)
        if x is not None and steps is None and max_steps is None:
            raise ValueError("fit needs steps or max_steps for arrays: they are gone through without an end")
        self.core.train(given, hooks=replace_monitors_with_hooks(monitors, self), steps=steps, max_steps=max_steps)
        return self

    def partial_fit(
        self, x: Any = None, y: Any = None, input_fn: Any = None, steps: int | None = 1,
        batch_size: int | None = None, monitors: Sequence[Any] | None = None,
    ) -> BaseEstimator:  # fmt: skip
        """`fit`, of one step by default."""
        return self.fit(x, y, input_fn, steps, batch_size, monitors)

    def evaluate(
        self, x: Any = None, y: Any = None, input_fn: Any = None, batch_size: int | None = None,
        steps: int | None = None, name: str | None = None, checkpoint_path: str | None = None,
        hooks: Sequence[Any] | None = None,
    ) -> dict[str, Any]:  # fmt: skip
        """The metrics on arrays, once through, or on an input function's batches, `steps` of them at most.

        Raises:
            ValueError: both or none of x and input_fn are given.
        """
        given = self._input(x, y, input_fn, batch_size, 1)
        return estimator.Estimator.evaluate(
            self.core,
            given,
            steps=steps,
            hooks=replace_monitors_with_hooks(hooks, self),
            checkpoint_path=checkpoint_path,
            name=name,
        )

    def predict(
        self, x: Any = None, input_fn: Any = None, batch_size: int | None = None,
        outputs: Sequence[str] | None = None, as_iterable: bool = True,
    ) -> Any:  # fmt: skip
        """The predictions, or those of them that `outputs` names: one example at a time, or as arrays.

        Raises:
            ValueError: both or none of x and input_fn are given, or an output is unknown.
        """
        found = estimator.Estimator.predict(
            self.core, self._input(x, None, input_fn, batch_size, 1), outputs, yield_single_examples=as_iterable
        )
        return found if as_iterable else _together(list(found))

    def _predict_one(self, key: str, x: Any, input_fn: Any, batch_size: int | None, as_iterable: bool) -> Any:
        found = BaseEstimator.predict(self, x, input_fn, batch_size, [key], as_iterable)
        return (example[key] for example in found) if as_iterable else found[key]


def _together(parts: list[Any]) -> Any:
    if not parts:
        raise ValueError("The input of predict gave no batch")
    if isinstance(parts[0], Mapping):
        return {key: np.concatenate([part[key] for part in parts]) for key in parts[0]}
    return np.concatenate(parts)


class Classifier(BaseEstimator):
    """The predictions of classifiers."""

    def predict(
        self, x: Any = None, input_fn: Any = None, batch_size: int | None = None,
        outputs: Sequence[str] | None = None, as_iterable: bool = True,
    ) -> Any:  # fmt: skip
        """The classes; or, where `outputs` is given, those predictions, as `BaseEstimator.predict`."""
        if outputs:
            return super().predict(x, input_fn, batch_size, outputs, as_iterable)
        return self.predict_classes(x, input_fn, batch_size, as_iterable)

    def predict_classes(
        self, x: Any = None, input_fn: Any = None, batch_size: int | None = None, as_iterable: bool = True
    ) -> Any:
        """The class of each example: its number, or its name in bytes where the classes have names."""
        named = getattr(self.core, "_head").label_vocabulary is not None  # noqa: B009
        found = self._predict_one("classes" if named else "class_ids", x, input_fn, batch_size, as_iterable)
        return _flat(found, as_iterable)

    def predict_proba(
        self, x: Any = None, input_fn: Any = None, batch_size: int | None = None, as_iterable: bool = True
    ) -> Any:
        """The probabilities of each example's classes."""
        return self._predict_one("probabilities", x, input_fn, batch_size, as_iterable)


class Regressor(BaseEstimator):
    """The predictions of regressors."""

    def predict(
        self, x: Any = None, input_fn: Any = None, batch_size: int | None = None,
        outputs: Sequence[str] | None = None, as_iterable: bool = True,
    ) -> Any:  # fmt: skip
        """The numbers; or, where `outputs` is given, those predictions, as `BaseEstimator.predict`."""
        if outputs:
            return super().predict(x, input_fn, batch_size, outputs, as_iterable)
        return self.predict_scores(x, input_fn, batch_size, as_iterable)

    def predict_scores(
        self, x: Any = None, input_fn: Any = None, batch_size: int | None = None, as_iterable: bool = True
    ) -> Any:
        """The number of each example, or its numbers."""
        found = self._predict_one("predictions", x, input_fn, batch_size, as_iterable)
        dimension: int = getattr(self.core, "label_dimension")  # noqa: B009
        return _flat(found, as_iterable) if dimension == 1 else found


def _flat(found: Any, as_iterable: bool) -> Any:
    if as_iterable:
        return _firsts(found)
    return found.reshape(-1)


def _firsts(found: Iterator[Any]) -> Iterator[Any]:
    for row in found:
        yield row[0]


class _ClippedOptimizer(Optimizer):
    """Another optimizer, given gradients whose global norm is bounded."""

    def __init__(self, inner: Optimizer, norm: float) -> None:
        super().__init__(False, "Clipped")
        self._inner, self._norm = inner, norm

    def apply_gradients(self, grads_and_vars: Any, global_step: Any = None, name: str | None = None) -> Any:
        """Clips the gradients, and lets the other optimizer apply them."""
        gradients, variables = zip(*grads_and_vars, strict=True)
        clipped, _ = clip_by_global_norm(list(gradients), self._norm)
        return self._inner.apply_gradients(list(zip(clipped, variables, strict=True)), global_step, name)


def _clipped(given: Any, norm: float | None, usual: Any) -> Any:
    given = usual if given is None else given
    if norm is None:
        return given
    return lambda: _ClippedOptimizer(optimizer_of(given), norm)


class DNNClassifier(Classifier):
    """A classifier of fully connected layers, as `tf.contrib.learn.DNNClassifier`.

    Args:
        hidden_units: sizes of the hidden layers.
        feature_columns: dense columns.
        model_dir, config: where the model is kept, and how it runs.
        n_classes: number of classes, labels are 0 to n_classes - 1.
        weight_column_name: the feature of the examples' weights.
        optimizer: an optimizer, its name, or a function that makes one; Adagrad with a learning rate of 0.05 if None.
        activation_fn: of the hidden layers.
        dropout: share of the hidden outputs dropped in training.
        gradient_clip_norm: bound of the gradients' global norm.
        label_keys: the classes' names, where labels are strings.
    """

    def __init__(
        self, hidden_units: Sequence[int], feature_columns: Sequence[Any], model_dir: str | None = None,
        n_classes: int = 2, weight_column_name: str | None = None, optimizer: Any = None,
        activation_fn: Callable[[Tensor], Tensor] = relu, dropout: float | None = None,
        gradient_clip_norm: float | None = None, config: Any = None, label_keys: Sequence[str] | None = None,
    ) -> None:  # fmt: skip
        optimizer = _clipped(optimizer, gradient_clip_norm, "Adagrad")
        core = dnn.DNNClassifier(
            hidden_units, feature_columns, model_dir, n_classes, weight_column_name, label_keys, optimizer,
            activation_fn, dropout, config,
        )  # fmt: skip
        super().__init__(core)


class DNNRegressor(Regressor):
    """A regressor of fully connected layers, as `tf.contrib.learn.DNNRegressor`; see DNNClassifier."""

    def __init__(
        self, hidden_units: Sequence[int], feature_columns: Sequence[Any], model_dir: str | None = None,
        weight_column_name: str | None = None, optimizer: Any = None,
        activation_fn: Callable[[Tensor], Tensor] = relu, dropout: float | None = None,
        gradient_clip_norm: float | None = None, config: Any = None, label_dimension: int = 1,
    ) -> None:  # fmt: skip
        optimizer = _clipped(optimizer, gradient_clip_norm, "Adagrad")
        core = dnn.DNNRegressor(
            hidden_units, feature_columns, model_dir, label_dimension, weight_column_name, optimizer, activation_fn,
            dropout, config,
        )  # fmt: skip
        super().__init__(core)


class LinearClassifier(Classifier):
    """A linear classifier, as `tf.contrib.learn.LinearClassifier`; see DNNClassifier.

    The optimizer is Ftrl with a learning rate of 1 / sqrt(columns), 0.2 at most, if None.
    """

    def __init__(
        self, feature_columns: Sequence[Any], model_dir: str | None = None, n_classes: int = 2,
        weight_column_name: str | None = None, optimizer: Any = None, gradient_clip_norm: float | None = None,
        config: Any = None, label_keys: Sequence[str] | None = None,
    ) -> None:  # fmt: skip
        optimizer = _clipped(optimizer, gradient_clip_norm, linear._usual_optimizer(feature_columns))
        core = linear.LinearClassifier(
            feature_columns, model_dir, n_classes, weight_column_name, label_keys, optimizer, config
        )
        super().__init__(core)


class LinearRegressor(Regressor):
    """A linear regressor, as `tf.contrib.learn.LinearRegressor`; see LinearClassifier."""

    def __init__(
        self, feature_columns: Sequence[Any], model_dir: str | None = None, weight_column_name: str | None = None,
        optimizer: Any = None, gradient_clip_norm: float | None = None, label_dimension: int = 1, config: Any = None,
    ) -> None:  # fmt: skip
        optimizer = _clipped(optimizer, gradient_clip_norm, linear._usual_optimizer(feature_columns))
        core = linear.LinearRegressor(
            feature_columns, model_dir, label_dimension, weight_column_name, optimizer, config
        )
        super().__init__(core)


@dataclass(frozen=True)
class ModelFnOps:
    """What a model function of `tf.contrib.learn.Estimator` gives; see `tf.estimator.EstimatorSpec`."""

    mode: str
    predictions: Any = None
    loss: Tensor | None = None
    train_op: Any = None
    eval_metric_ops: Mapping[str, tuple[Any, Any]] | None = None
    training_chief_hooks: Sequence[Any] = ()
    training_hooks: Sequence[Any] = ()
    scaffold: Any = None


class Estimator(BaseEstimator):
    """A model of one's own, as `tf.contrib.learn.Estimator`.

    Args:
        model_fn: `(features, labels, mode, params, config)`, all but the first two may be left out; gives ModelFnOps, or
            (predictions, loss, train_op). Of an array `x` it gets the tensor itself, of a dictionary one of tensors.
        model_dir, config: where the model is kept, and how it runs.
        params: passed on to the model function.
    """

    def __init__(
        self, model_fn: Callable[..., Any], model_dir: str | None = None, config: Any = None,
        params: Mapping[str, Any] | None = None,
    ) -> None:  # fmt: skip
        def adapted(features: Any, labels: Any, mode: str, params: Any, config: Any) -> EstimatorSpec:
            given = {"mode": mode, "params": params, "config": config}
            return _spec_of(call_with(model_fn, given, features, labels), mode)

        super().__init__(estimator.Estimator(adapted, model_dir, config, params))

    def _input(
        self, x: Any, y: Any, input_fn: Any, batch_size: int | None, epochs: int | None, shuffle: bool = False
    ) -> InputFn:
        found = super()._input(x, y, input_fn, batch_size, epochs, shuffle)
        if input_fn is not None:
            return lambda: input_fn()
        return found if isinstance(x, Mapping) else lambda: _unnamed(found())


def _unnamed(found: Any) -> Any:
    """What an input function for an array gives, with the tensor of the array itself as features."""
    if isinstance(found, Mapping):
        return found[ARRAY_FEATURE]
    return found[0][ARRAY_FEATURE], found[1]


def _spec_of(found: Any, mode: str) -> EstimatorSpec:
    if isinstance(found, tuple) and len(found) == 3:
        found = ModelFnOps(mode, *found)
    if not isinstance(found, ModelFnOps):
        raise ValueError(f"model_fn should return ModelFnOps or (predictions, loss, train_op), got {found!r}")
    return EstimatorSpec(
        mode,
        found.predictions,
        found.loss,
        found.train_op,
        found.eval_metric_ops or {},
        training_chief_hooks=found.training_chief_hooks,
        training_hooks=found.training_hooks,
        scaffold=found.scaffold,
    )


class SKCompat:
    """An estimator of `tf.contrib.learn` with scikit-learn's arguments: arrays in, arrays out.

    Args:
        estimator: the estimator.
    """

    def __init__(self, estimator: BaseEstimator) -> None:
        if not isinstance(estimator, BaseEstimator):
            raise ValueError(f"SKCompat needs an estimator of tf.contrib.learn, got {estimator!r}")
        self._estimator = estimator

    def fit(
        self, x: Any, y: Any, batch_size: int = 128, steps: int | None = None, max_steps: int | None = None,
        monitors: Sequence[Any] | None = None,
    ) -> SKCompat:  # fmt: skip
        """Trains; steps or max_steps is needed."""
        self._estimator.fit(x, y, None, steps, batch_size, monitors, max_steps)
        return self

    def score(
        self, x: Any, y: Any, batch_size: int = 128, steps: int | None = None, name: str | None = None
    ) -> dict[str, Any]:
        """The metrics."""
        return self._estimator.evaluate(x, y, None, batch_size, steps, name)

    def predict(self, x: Any, batch_size: int = 128, outputs: Sequence[str] | None = None) -> Any:
        """The predictions as arrays by name."""
        return BaseEstimator.predict(self._estimator, x, None, batch_size, outputs, as_iterable=False)
