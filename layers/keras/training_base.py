"""What a model has for training: what compile was given, outputs, metrics and steps."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...engine.graph import get_default_graph
from ...engine.nest import flatten
from ..fitting.callbacks import History, Logs
from . import optimizers
from .backend import get_session
from .compiling import Compiled
from .metric import Metric
from .steps import Columns, Spec, Step, StepBuilder

# What a model of Keras may define to train in another way.
_OWN_STEPS = ("train_step", "test_step", "predict_step", "compute_loss", "compute_metrics")


@dataclass(frozen=True)
class Trained:
    """Weights in a wrapper: a list of variables would make them the model's own."""

    weights: list[Any]


class Compilable:
    """A model that can be compiled: its losses and metrics, and a step for each use."""

    name: str
    built: bool
    _network: Any
    trainable_weights: list[Any]
    weights: list[Any]

    def _start_training(self) -> None:
        self.optimizer: Any = None
        self.stop_training = False
        self.history: History | None = None
        self._compile_config: dict[str, Any] | None = None
        # The options and metadata of each run, which whoever traces steps may change between them.
        self.session_arguments: dict[str, Any] = {}
        self._compiled: Compiled | None = None
        self._steps: dict[Any, tuple[Columns, Step]] = {}
        # What training changes: the weights that were trainable when compile, or the first fit after it, asked.
        self._trained: Trained | None = None
        # Iterators of the datasets that were used, by mode.
        self._iterators: dict[str, dict[Any, Any]] = {}
        self._output_structure: Any = None
        self._x_structure: Any = None
        self._added_losses: list[Any] = []
        self._added_metrics: dict[str, tuple[Metric, Any]] = {}
        self._results: Any = None
        self._resets: Any = None

    # Compiling

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        loss_weights: Any = None,
        metrics: Any = None,
        weighted_metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: Any = "auto",
        auto_scale_loss: bool = True,
        **session_arguments: Any,
    ) -> None:
        """Says how to train.

        Args:
            optimizer: a name, an Optimizer, or one of tf.train.
            loss: a name, function or Loss; a list or dict of them for several outputs.
            loss_weights: a number for each output, in a list or dict.
            metrics: a list of names, functions or Metrics; for several outputs a list or dict of such lists.
            weighted_metrics: the same, to which sample weights apply.
            run_eagerly, steps_per_execution, jit_compile, auto_scale_loss: accepted; steps are compiled anyway.
            session_arguments: as in TensorFlow 1.15: `options`, a RunOptions, and `run_metadata`, a RunMetadata, for each
                step of fit, evaluate and predict; so a step is traced.

        Raises:
            TypeError: another argument.
            ValueError: a name is unknown, there are more or fewer losses than outputs, or the model defines steps of
                its own (train_step and so on).
        """
        del steps_per_execution, jit_compile, auto_scale_loss
        if unknown := sorted(session_arguments.keys() - {"options", "run_metadata"}):
            raise TypeError(f"compile got unexpected arguments: {', '.join(unknown)}")
        if run_eagerly:
            raise ValueError("Steps run as compiled graphs: run_eagerly=True is not possible")
        if optimizer is None:
            raise ValueError("optimizer must be a name, an Optimizer or one of tf.train, got None")
        self._check_own_steps()
        if isinstance(loss_weights, list | tuple) and any(isinstance(one, str | Metric) for one in loss_weights):
            # TensorFlow 1.15 has the metrics in third place.
            loss_weights, metrics = None, loss_weights
        with self._in_graph():
            self.optimizer = optimizers.get(optimizer)
            self._compile_config = {
                "loss": loss,
                "loss_weights": loss_weights,
                "metrics": metrics,
                "weighted_metrics": weighted_metrics,
            }
            self._compiled = None
            self.session_arguments = session_arguments
            self._forget_steps()
            if self._output_tensors() is not None:
                self._compiled_for(self._output_structure)
                self._weights_to_train()

    def _check_own_steps(self) -> None:
        """Raises ValueError for methods that Keras's fit would call: they would be passed over here."""
        found = [name for name in _OWN_STEPS if hasattr(type(self), name)]
        if found:
            raise ValueError(
                f"Model {type(self).__name__} defines {', '.join(found)}, which fit and evaluate do not call: steps are "
                "graphs of the loss and metrics that compile is given; use add_loss, a Loss or a loop of your own"
            )

    @property
    def compiled(self) -> bool:
        """Whether compile was called."""
        return self._compile_config is not None

    @property
    def loss(self) -> Any:
        """The loss that compile was given."""
        return None if self._compile_config is None else self._compile_config["loss"]

    def _forget_steps(self) -> None:
        self._steps = {}
        self._trained = None
        self._results = self._resets = None

    def _weights_to_train(self) -> list[Any]:
        if self._trained is None:
            self._trained = Trained(self.trainable_weights)
        return list(self._trained.weights)

    def _warn_of_frozen(self) -> None:
        """Warns where `trainable` was set since: that takes effect at the next compile."""
        known = self._trained
        if known is not None and {id(v) for v in known.weights} != {id(v) for v in self.trainable_weights}:
            warnings.warn(
                "Discrepancy between trainable weights and collected trainable weights, did you set `model.trainable` "
                f"without calling `model.compile` after? Model {self.name!r} trains what was trainable then",
                stacklevel=3,
            )

    def _compiled_for(self, outputs: Any) -> Compiled:
        """Losses and metrics for the outputs, made once."""
        if self._compiled is None:
            config = self._needed_config()
            if self._output_structure is None:
                self._output_structure = outputs
            self._compiled = Compiled(
                config["loss"], config["loss_weights"], config["metrics"], config["weighted_metrics"],
                self._output_names(), self._output_keys(),
            )  # fmt: skip
        return self._compiled

    def _needed_config(self) -> dict[str, Any]:
        if self._compile_config is None:
            raise RuntimeError(
                f"Model {self.name!r} is not compiled: call compile(optimizer, loss, metrics) before training it"
            )
        return self._compile_config

    # Outputs

    def _output_tensors(self) -> list[Any] | None:
        """The outputs in order, None before the model was called."""
        if self._output_structure is None and self._network is not None:
            self._output_structure = self._network.outputs
        return None if self._output_structure is None else flatten(self._output_structure)

    def _output_keys(self) -> list[Any] | None:
        structure = self._output_structure
        return sorted(structure) if isinstance(structure, Mapping) else None

    def _output_names(self) -> list[str]:
        found = self._output_tensors() or []
        keys = self._output_keys()
        if keys is not None:
            return [str(key) for key in keys]
        if self._network is not None:
            return list(self._network.output_names)
        return [f"output_{i + 1}" for i in range(len(found))]

    def _class_count(self, index: int, guess: Any) -> int | None:
        return None if self._compiled is None else self._compiled.class_count(index, guess)

    # Metrics

    @property
    def metrics(self) -> list[Metric]:
        """All metrics, the mean loss first; those of compile once the model was trained or evaluated."""
        own = [] if self._compiled is None else self._compiled.metrics
        return [*own, *(metric for metric, _ in self._added_metrics.values())]

    @property
    def metrics_names(self) -> list[str]:
        """The names of the metrics, in the order in which evaluate gives them."""
        own = [] if self._compiled is None else list(self._compiled.names) or ["loss"]
        return [*own, *self._added_metrics]

    def _metric_updates(self) -> list[Any]:
        return [update for _, update in self._added_metrics.values() if update is not None]

    def _result_tensors(self) -> dict[str, Any]:
        own = {} if self._compiled is None else self._compiled.names
        everything = {**own, **{name: metric for name, (metric, _) in self._added_metrics.items()}}
        return {name: metric.result() for name, metric in everything.items()}

    def get_metrics_result(self) -> Logs:
        """The metrics by name, over all batches since they were reset."""
        with self._in_graph():
            return self._logs()

    def _logs(self) -> Logs:
        session = get_session()
        if self._results is None or self._results[0] is not session:
            with get_default_graph().name_scope("metrics"):
                tensors = self._result_tensors()
            self._results = session, list(tensors), session.make_callable(list(tensors.values()))
        return dict(zip(self._results[1], map(plain, self._results[2]()), strict=True))

    def reset_metrics(self) -> None:
        """Starts all metrics from the beginning."""
        session = get_session()
        if self._resets is None or self._resets[0] is not session:
            variables = [v for metric in self.metrics for v in metric.variables]
            self._resets = session, session.make_callable([v.initializer for v in variables])
        self._resets[1]()

    # Steps

    @contextmanager
    def _in_graph(self) -> Iterator[None]:
        """The model's graph as the default one, outside of name scopes."""
        graph = self._own_graph()
        if graph is get_default_graph():
            yield
            return
        with graph.as_default():
            yield

    def _own_graph(self) -> Any:
        raise NotImplementedError

    def _step(self, mode: str, columns: Columns) -> Step:
        """The step of a mode for arrays of some dtypes and shapes, built where there is none yet."""
        if self._network is not None:
            # The placeholders are there, with shapes of their own.
            columns = Columns(
                tuple((dtype, (None,) * len(shape)) for dtype, shape in columns.x), columns.y, columns.weights
            )
        key = (mode, columns.kinds, _shape_of_structure(self._x_structure))
        known = self._steps.get(key)
        if known is not None:
            if known[0].holds(columns):
                return known[1]
            columns = known[0].merged(columns)
        # One node of the graph for a step; but weights that its first call makes have the names of their layers alone.
        graph, scope = get_default_graph(), mode if self.built else None
        with graph.name_scope(None), graph.name_scope(scope), graph.control_dependencies(None):
            step: Step = getattr(StepBuilder(self), mode)(columns)
        self._steps[key] = columns, step
        self._results = self._resets = None
        return step

    def _packed(self, inputs: Sequence[Any]) -> Any:
        from .feeding import packed

        if self._network is not None:
            return list(inputs) if len(inputs) != 1 else inputs[0]
        return packed(self._x_structure, inputs)

    def _ensure_built(self, arrays: Sequence[Any]) -> None:
        """Builds the model for inputs like some arrays, to know its outputs."""
        if self._output_tensors() is None:
            self._build_from(arrays)
        if self._output_tensors() is None:
            specs = tuple(_free_rows(a) for a in arrays)
            step = self._step("predict", Columns(specs, (), ()))
            self._output_structure = step.fetches

    def _build_from(self, arrays: Sequence[Any]) -> None:
        """Makes the network that the shapes of the inputs decide, in models that wait for it."""


def plain(value: Any) -> Any:
    """A number as Python's, an array as it is."""
    return value.item() if np.ndim(value) == 0 else value


def _free_rows(array: Any) -> Spec:
    return array.dtype.name if not array.dtype.hasobject else "string", (None, *array.shape[1:])


def _shape_of_structure(structure: Any) -> Any:
    if isinstance(structure, Mapping):
        return tuple((key, _shape_of_structure(value)) for key, value in sorted(structure.items()))
    if isinstance(structure, list | tuple):
        return tuple(_shape_of_structure(value) for value in structure)
    return None
