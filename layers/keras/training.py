"""compile, fit, evaluate and predict: the part of a model that trains."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import numpy as np

from ...engine.nest import map_structure
from ...engine.training.data_parallel import DataParallel, check_no_servers, data_parallel
from ...engine.training.state_of_ranks import summed
from ..fitting.callbacks import CallbackList, History, Logs
from ..fitting.loop import Loop, Plan, run_batches
from ..fitting.replicas import replicas
from ..fitting.rows import Array, check_rows
from ..fitting.sources import Source
from .backend import get_session
from .checks import whole
from .data import ArraySource, source_of, split, unpack
from .feeding import Feed, arrays_of_item, check_values, feed_of, x_arrays
from .progress import ProgbarLogger
from .steps import Columns
from .training_base import Compilable, plain
from .training_generators import GeneratorMethods

DEFAULT_BATCH = 32


class ModelSteps:
    """The steps of a model over a source's batches, in the mode "train" or "test"."""

    def __init__(self, model: Compilable, mode: str, source: Any, callbacks: CallbackList) -> None:
        self._model, self._mode, self._source = model, mode, source
        self._needs_logs = callbacks.needs_logs(f"{mode}_batch")
        self._columns: Any = None
        self._step: Any = None
        self._call: Any = None

    def begin(self) -> None:
        """Starts the metrics anew."""
        if self._model.metrics:
            self._model.reset_metrics()

    def prepare(self, columns: Columns) -> None:
        """Builds the step for some columns."""
        model = self._model
        if model._network is None and len(columns.x) == 1:
            (dtype, sizes) = columns.x[0]
            model._ensure_built([np.zeros([size or 1 for size in sizes], object if dtype == "string" else dtype)])
        model._step(self._mode, columns)

    def __call__(self, arrays: list[Array], rows: int) -> Logs:
        """A step; the metrics so far where a callback looks at them."""
        self.get_ready()
        found = self._call(*arrays)
        return dict(zip(self._step.results_after, map(plain, found[0]), strict=True)) if self._needs_logs else {}

    def logs(self) -> Logs:
        """The metrics of all batches since they began."""
        return self._model._logs()

    # On several ranks

    def collect(self, arrays: list[Array], rows: int) -> None:
        """A step that only collects gradients."""
        self.get_ready()
        self._step.callable("collect")(*arrays)

    def get_ready(self) -> None:
        """Builds the step for the batch that was drawn last."""
        if self._source.columns is not self._columns:
            self._columns = self._source.columns
            step = self._model._step(self._mode, self._columns)
            if step is not self._step:
                self._check_metrics()
                self._step, self._call = step, step.callable("logs" if self._needs_logs else "run")

    def _check_metrics(self) -> None:
        parallel = data_parallel()
        for metric in self._model.metrics if parallel is not None and parallel.ranks.size > 1 else ():
            for variable in metric.variables:
                metric.aggregation_of(variable)

    def logs_of_ranks(self, parallel: DataParallel) -> Logs:
        """The metrics of all batches of all ranks."""
        ways: dict[str, list[Any]] = {}
        for metric in self._model.metrics:
            for variable in metric.variables:
                ways.setdefault(metric.aggregation_of(variable), []).append(variable)
        with ExitStack() as stack:
            for way, variables in sorted(ways.items()):
                stack.enter_context(summed(parallel.ranks, self.session(), variables, "metrics", way))
            return self.logs()

    def session(self) -> Any:
        """The session of `keras.backend`."""
        return get_session()

    def state(self) -> list[Any]:
        """The weights and the optimizer's variables."""
        optimizer = self._model.optimizer
        own = optimizer.variables
        return [*self._model.weights, *(own() if callable(own) else own)]

    def measures(self) -> list[Any]:
        """The variables of metrics."""
        return [v for metric in self._model.metrics for v in metric.variables]

    def statistics(self) -> list[Any]:
        """The weights that are not trained, without those of synchronized layers: they are alike on all ranks."""
        others = {id(v) for v in self._model._weights_to_train()}
        others |= {
            id(v) for layer in _inside(self._model) if getattr(layer, "synchronized", False) for v in layer.weights
        }
        return [v for v in self._model.weights if id(v) not in others]

    def end(self) -> None:
        """The averages of the weights become the weights, where the optimizer keeps some."""
        optimizer = self._model.optimizer
        if optimizer.use_ema:
            optimizer.finalize_variable_values(self._model._weights_to_train())


def _inside(layer: Any) -> Iterator[Any]:
    """A layer and all layers inside."""
    yield layer
    for inner in layer._flatten_layers():
        yield from _inside(inner)


class PredictSteps:
    """The steps of predict; `parts` are the outputs of each batch."""

    def __init__(self, model: Compilable, source: Any) -> None:
        self._model, self._source = model, source
        self.parts: list[Any] = []

    def begin(self) -> None:
        """Nothing."""

    def __call__(self, arrays: list[Array], rows: int) -> Logs:
        """The outputs of a batch."""
        step = self._model._step("predict", self._source.columns)
        self.parts.append(step.callable("predict")(*arrays)[0])
        return {"outputs": self.parts[-1]}

    def logs(self) -> Logs:
        """None."""
        return {}

    def end(self) -> None:
        """Nothing."""


class Trainer(GeneratorMethods, Compilable):
    """What a model can do with data."""

    # fit

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: Any = True,
        class_weight: Mapping[int, float] | None = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: Any = 1,
    ) -> History:
        """Trains.

        Args:
            x: an array, a list or dict of them for several inputs, a frame; or a tf.data.Dataset, a generator or a
                `keras.utils.Sequence` of batches `(x, y)` or `(x, y, sample_weight)`.
            y: targets; a list or dict of them for several outputs.
            batch_size: rows of a step, 32 by default.
            epochs: number of the last epoch.
            verbose: 0 silent, 1 a bar (a line every few seconds where there is no terminal), 2 a line an epoch.
            callbacks: Callbacks.
            validation_split: share of the last rows that are kept for validation.
            validation_data: (x, y), (x, y, sample_weight), or what else x may be.
            shuffle: draw the rows in another order each epoch.
            class_weight: weight of the loss by class number.
            sample_weight: weight of the loss of each row.
            initial_epoch: number of the first epoch.
            steps_per_epoch: batches of an epoch, by default all there are.
            validation_steps: batches of a validation, by default all there are.
            validation_batch_size: rows of a batch of validation, batch_size by default.
            validation_freq: validate every so many epochs, or after the epochs (from 1) of a list.

        Returns:
            The History of metrics by epoch.

        Raises:
            RuntimeError: the model is not compiled.
            ValueError, TypeError: the data do not fit the model or each other; the text names the array.
        """
        _check_counts(epochs, initial_epoch, steps_per_epoch, validation_steps, validation_freq)
        with self._in_graph():
            self._needed_config()
            check_no_servers("Model.fit")
            self._warn_of_frozen()
            source, validation = self._sources(
                x, y, sample_weight, class_weight, batch_size, shuffle, validation_split, validation_data,
                validation_batch_size,
            )  # fmt: skip
            source.goes_on = steps_per_epoch is not None
            run = CallbackList(
                _with_progress(callbacks, verbose), self, epochs=epochs, steps=steps_per_epoch or source.steps,
                verbose=verbose, batch_size=source.batch_size,
            )  # fmt: skip
            plan = Plan(epochs, initial_epoch, steps_per_epoch, validation_freq)
            steps = replicas(ModelSteps(self, "train", source, run), True, run.may_stop("train_batch"))
            Loop(
                plan, source, steps, run, self,
                None if validation is None else lambda: self._evaluated(validation, validation_steps, run),
            )()  # fmt: skip
            return next(c for c in run if isinstance(c, History))

    def _sources(
        self,
        x: Any,
        y: Any,
        sample_weight: Any,
        class_weight: Any,
        batch_size: int | None,
        shuffle: Any,
        validation_split: float,
        validation_data: Any,
        validation_batch_size: int | None,
    ) -> tuple[Source, Source | None]:
        rest: list[Any] | None = None
        source = self._stream("train", x, y, class_weight, shuffle)
        if source is None:
            feed = self._checked(x, y, sample_weight, class_weight)
            arrays = feed.arrays
            if validation_split and validation_data is None:
                arrays, rest = split(arrays, validation_split)
            source = self._array_source(feed.with_rows(arrays), batch_size, shuffle, "train")
        elif validation_split:
            raise ValueError("validation_split needs arrays; give validation_data instead")
        size = validation_batch_size or batch_size
        if rest is not None:
            return source, self._array_source(feed.with_rows(rest), size, False, "test")
        if validation_data is None:
            return source, None
        return source, self._source(validation_data, size)

    def _stream(self, mode: str, x: Any, y: Any, class_weight: Any, shuffle: Any) -> Source | None:
        """The batches of what is no array; None for arrays."""
        kept = self._iterators.setdefault(mode, {})
        source = source_of(x, lambda item, number: arrays_of_item(self, item, number, class_weight), shuffle, kept)
        if source is not None and y is not None:
            raise ValueError(f"y must be left out where x gives batches, as {type(x).__name__} does")
        return source

    def _checked(self, x: Any, y: Any, sample_weight: Any, class_weight: Any) -> Feed:
        if x is None:
            raise ValueError("Training and evaluation need data: x is None")
        feed = feed_of(self, x, y, sample_weight, class_weight)
        if not len(feed.x[0]):
            raise ValueError("x has no rows")
        self._compiled_for(self._output_structure)
        check_values(self, feed)
        return feed

    def _array_source(self, feed: Feed, batch_size: int | None, shuffle: Any, mode: str) -> ArraySource:
        source = ArraySource(feed, DEFAULT_BATCH if batch_size is None else batch_size, shuffle)
        # Built before anything runs, so that what does not fit is said first.
        self._step(mode, feed.columns)
        return source

    def _source(self, data: Any, batch_size: int | None) -> Source:
        stream = self._stream("test", data, None, None, False)
        if stream is not None:
            return stream
        if isinstance(data, list) and len(data) in (2, 3):
            data = tuple(data)
        x, y, weights = unpack(data)
        return self._array_source(self._checked(x, y, weights, None), batch_size, False, "test")

    # evaluate

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        steps: int | None = None,
        callbacks: Any = None,
        return_dict: bool = False,
        **kwargs: Any,
    ) -> Any:
        """The loss and metrics on data.

        Returns:
            The loss, a list that begins with it if there are metrics, or a dict by name with return_dict=True.

        Raises:
            RuntimeError: the model is not compiled.
            ValueError, TypeError: the data do not fit the model or each other; the text names the array.
        """
        if kwargs:
            raise TypeError(f"evaluate got unexpected arguments: {', '.join(sorted(kwargs))}")
        whole("steps", steps, 1, False)
        with self._in_graph():
            self._needed_config()
            source = self._stream("test", x, y, None, False)
            if source is None:
                source = self._array_source(self._checked(x, y, sample_weight, None), batch_size, False, "test")
            run = CallbackList(
                _with_progress(callbacks, verbose, history=False), self, steps=steps or source.steps, verbose=verbose,
                epochs=1, batch_size=source.batch_size,
            )  # fmt: skip
            logs = self._evaluated(source, steps, run)
        return logs if return_dict else _listed(logs)

    def _evaluated(self, source: Source, steps: int | None, run: CallbackList) -> Logs:
        does = replicas(ModelSteps(self, "test", source, run), False)
        does.begin()
        run.call("on_test_begin")
        run_batches("test_batch", source, does, run, steps)
        logs: Logs = does.logs()
        run.call("on_test_end", logs)
        return logs

    # predict

    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: Any = "auto",
        steps: int | None = None,
        callbacks: Any = None,
    ) -> Any:
        """The outputs for data, as an array or in the structure of the model's outputs.

        Args:
            x: as for fit; of batches that hold targets too these are left out.
            batch_size: rows of a step, 32 by default.
            verbose: 0 silent, 1 a bar.
            steps: batches, by default all there are.
            callbacks: Callbacks.

        Raises:
            ValueError, TypeError: the data do not fit the model; the text names the array.
        """
        whole("steps", steps, 1, False)
        with self._in_graph():
            source = source_of(x, self._prepared_x, False, self._iterators.setdefault("predict", {}))
            if source is None:
                arrays, names = x_arrays(self, x)
                self._ensure_built(arrays)
                feed = Feed(arrays, [], [], names)
                check_rows(feed.named())
                source = self._array_source(feed, batch_size, False, "predict")
            run = CallbackList(
                _with_progress(callbacks, verbose, history=False), self, steps=steps or source.steps, verbose=verbose,
                epochs=1, batch_size=source.batch_size,
            )  # fmt: skip
            run.call("on_predict_begin")
            does = PredictSteps(self, source)
            run_batches("predict_batch", source, does, run, steps)
            run.call("on_predict_end")
        parts = does.parts
        return parts[0] if len(parts) == 1 else map_structure(lambda *values: np.concatenate(values), *parts)

    def _prepared_x(self, item: Any, number: int) -> Feed:
        arrays, names = x_arrays(self, unpack(item)[0])
        self._ensure_built(arrays)
        return Feed(arrays, [], [], names)

    # Single batches

    def train_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        class_weight: Mapping[int, float] | None = None,
        return_dict: bool = False,
        reset_metrics: bool = True,
    ) -> Any:
        """One step of training; the loss and metrics of this batch, or of all since with reset_metrics=False."""
        return self._on_batch("train", x, y, sample_weight, class_weight, return_dict, reset_metrics)

    def test_on_batch(
        self,
        x: Any,
        y: Any = None,
        sample_weight: Any = None,
        return_dict: bool = False,
        reset_metrics: bool = True,
    ) -> Any:
        """The loss and metrics of a batch, or of all since with reset_metrics=False."""
        return self._on_batch("test", x, y, sample_weight, None, return_dict, reset_metrics)

    def _on_batch(
        self, mode: str, x: Any, y: Any, weights: Any, class_weight: Any, return_dict: bool, reset: bool
    ) -> Any:
        with self._in_graph():
            self._needed_config()
            feed = self._checked(x, y, weights, class_weight)
            self._warn_of_frozen()
            step = self._step(mode, feed.columns)
            call = step.callable("logs")
            if reset:
                self.reset_metrics()
            values = call(*feed.arrays)[0]
            logs = dict(zip(step.results_after, map(plain, values), strict=True))
        return logs if return_dict else _listed(logs)

    def predict_on_batch(self, x: Any) -> Any:
        """The outputs for one batch."""
        with self._in_graph():
            arrays, names = x_arrays(self, x)
            self._ensure_built(arrays)
            step = self._step("predict", Feed(arrays, [], [], names).columns)
            return step.callable("predict")(*arrays)[0]


def _listed(logs: Logs) -> Any:
    values = list(logs.values())
    return values[0] if len(values) == 1 else values


def _check_counts(epochs: Any, initial_epoch: Any, steps: Any, validation_steps: Any, frequency: Any) -> None:
    whole("epochs", epochs, 0)
    whole("initial_epoch", initial_epoch, 0)
    whole("steps_per_epoch", steps, 1, False)
    whole("validation_steps", validation_steps, 1, False)
    if not isinstance(frequency, list | tuple | set | frozenset | range):
        whole("validation_freq", frequency, 1)


def _with_progress(callbacks: Any, verbose: Any, history: bool = True) -> list[Any]:
    """The callbacks, then the progress, then a History, which so sees what the others add to the logs."""
    given = callbacks if isinstance(callbacks, CallbackList) else CallbackList(callbacks)
    found = list(given)
    level = 1 if verbose == "auto" else int(verbose)
    if level and not any(isinstance(c, ProgbarLogger) for c in found):
        found.append(ProgbarLogger(verbose=level))
    if history and not any(isinstance(c, History) for c in found):
        found.append(History())
    return found
