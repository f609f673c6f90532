"""model_to_estimator: an estimator of a Keras model, as `tf.keras.estimator.model_to_estimator`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..engine.assignments import assign_add
from ..engine.graph import get_default_graph
from ..engine.nest import flatten, map_structure
from ..engine.ops.casting import cast
from ..engine.ops.control import group
from ..engine.training.global_step import get_or_create_global_step
from ..engine.training.scaffold import Scaffold
from .estimator import Estimator
from .export_outputs import PredictOutput
from .model_fn import EstimatorSpec, ModeKeys
from .run_config import RunConfig


def model_to_estimator(
    keras_model: Any = None,
    keras_model_path: Any = None,
    custom_objects: dict[str, Any] | None = None,
    model_dir: str | None = None,
    config: RunConfig | None = None,
    checkpoint_format: str | None = "saver",
    use_v2_estimator: bool = False,
    metric_names_map: Mapping[str, str] | None = None,
    export_outputs: Mapping[str, Any] | None = None,
) -> Estimator:
    """An estimator that trains, evaluates and predicts with a Keras model, beginning with the model's weights.

    Features are matched to the model's inputs by name or order; predictions are named by the model's outputs.

    Args:
        keras_model: a compiled model made of inputs and outputs.
        keras_model_path: a file that `save` wrote, in place of the model.
        custom_objects: classes and functions by name that the model means.
        model_dir: folder of checkpoints and event files; a temporary one by default.
        config: a RunConfig.
        checkpoint_format, use_v2_estimator: accepted.
        metric_names_map: other names of metrics, by those of the model.
        export_outputs: ExportOutputs besides the default one, which has all predictions.

    Raises:
        ValueError: both or none of model and path are given, or the model is not compiled or was not made of inputs
            and outputs.
    """
    del checkpoint_format, use_v2_estimator
    if (keras_model is None) == (keras_model_path is None):
        raise ValueError("model_to_estimator needs either keras_model or keras_model_path")
    if keras_model is None:
        from ..layers.keras.saving import load_model

        keras_model = load_model(keras_model_path, custom_objects)
    if not keras_model.compiled or keras_model.optimizer is None:
        raise ValueError(f"Model {keras_model.name!r} must be compiled before it becomes an estimator")
    if keras_model._network is None:
        raise ValueError(f"Model {keras_model.name!r} must be made of inputs and outputs to become an estimator")
    return Estimator(
        _ModelFunction(keras_model, custom_objects or {}, metric_names_map, export_outputs), model_dir, config
    )


class _ModelFunction:
    """Builds a Keras model anew in the graph of an estimator."""

    def __init__(self, model: Any, custom_objects: dict[str, Any], metric_names: Any, outputs: Any) -> None:
        with model._in_graph():
            self._config = model.get_config()
            self._weights = model.get_weights()
            self._optimizer = _maker(model.optimizer)
        self._class = type(model)
        self._metric_names, self._outputs = dict(metric_names or {}), dict(outputs or {})
        self._compiling = dict(model._compile_config)
        self._custom = custom_objects

    def __call__(self, features: Any, labels: Any, mode: str) -> EstimatorSpec:
        """The specification for a mode."""
        from ..layers.keras.graph_record import CONTEXT
        from ..layers.keras.steps import call_losses

        model = self._class.from_config(self._config, self._custom)
        inputs = [_as(value, own) for value, own in zip(_features(model, features), model.inputs, strict=True)]
        before = {id(made) for made in (*model.updates, *call_losses(model))}
        with CONTEXT.inside(mode == ModeKeys.TRAIN):
            outputs = model(inputs if len(inputs) > 1 else inputs[0])
        guesses = flatten(outputs)
        predictions = dict(zip(model.output_names, guesses, strict=True))
        scaffold = Scaffold(init_fn=lambda _, session: self._begin(model, session))
        if mode == ModeKeys.PREDICT:
            served = {"serving_default": PredictOutput(predictions), **self._outputs}
            return EstimatorSpec(mode, predictions, scaffold=scaffold, export_outputs=served)
        return self._with_loss(model, mode, guesses, labels, before, scaffold)

    def _begin(self, model: Any, session: Any) -> None:
        for variable, value in zip(model.weights, self._weights, strict=True):
            variable.load(value, session)

    def _with_loss(
        self, model: Any, mode: str, guesses: Sequence[Any], labels: Any, before: set[int], scaffold: Any
    ) -> EstimatorSpec:
        from ..layers.keras.feeding import for_outputs
        from ..layers.keras.steps import call_losses, weight_losses

        self._compile(model)
        compiled = model._compiled_for(model.outputs if len(guesses) > 1 else model.output)
        truths = for_outputs(labels, model.output_names, model._output_keys(), "labels")
        nothing = [None] * len(guesses)
        extra = [*(loss for loss in call_losses(model) if id(loss) not in before), *weight_losses(model)]
        loss, parts = compiled.total_loss(truths, guesses, nothing, extra)
        predictions = dict(zip(model.output_names, guesses, strict=True))
        if mode == ModeKeys.EVAL:
            done = group(*compiled.updates(truths, guesses, nothing, loss, parts))
            names = {name: self._metric_names.get(name, name) for name in compiled.names if name != "loss"}
            metrics = {shown: (compiled.names[name].result(), done) for name, shown in names.items()}
            return EstimatorSpec(mode, predictions, loss=loss, eval_metric_ops=metrics, scaffold=scaffold)
        updates = [u for u in model.updates if id(u) not in before]
        with get_default_graph().control_dependencies([loss, *updates]):
            step = model.optimizer.minimize(loss, model.trainable_weights)
        with get_default_graph().control_dependencies([step]):
            counted = assign_add(get_or_create_global_step(), 1)
        return EstimatorSpec(mode, predictions, loss=loss, train_op=counted.op, scaffold=scaffold)

    def _compile(self, model: Any) -> None:
        """Compiles with an optimizer and metrics of the model's own, since these have variables."""
        given = self._compiling
        metrics = {key: map_structure(_again, given[key]) for key in ("metrics", "weighted_metrics")}
        model.compile(self._optimizer(), given["loss"], given["loss_weights"], **metrics)


def _maker(optimizer: Any) -> Callable[[], Any]:
    """A function that makes the optimizer anew, since it has variables, with names that are the same in every graph."""
    from ..layers.keras.optimizers import TFOptimizer

    if isinstance(optimizer, TFOptimizer):
        return lambda: TFOptimizer(optimizer.optimizer)
    config = {**optimizer.get_config(), "name": type(optimizer).__name__.lower()}
    return lambda: type(optimizer).from_config(config)


def _again(metric: Any) -> Any:
    return type(metric).from_config(metric.get_config()) if hasattr(metric, "get_config") else metric


def _as(value: Any, own: Any) -> Any:
    """A feature in the dtype and rank of an input."""
    tensor = cast(value, own.dtype.base_dtype)
    if tensor.shape.ndims is not None and own.shape.ndims == tensor.shape.ndims + 1:
        return tensor[..., None]
    return tensor


def _features(model: Any, features: Any) -> list[Any]:
    if isinstance(features, Mapping) and len(features) == 1 and len(model.inputs) == 1:
        return list(features.values())
    found: list[Any] = model._network.matched(features)
    return found
