"""The dialect of arrays: fit, evaluate and predict on x and y, as Keras's models and scikit-learn's estimators."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from ..engine.checkpoint.reader import load_checkpoint
from ..engine.checkpoint.state import update_checkpoint_state
from ..engine.checkpoint.writer import Part, write_checkpoint
from ..engine.dtypes import as_dtype
from ..engine.training.data_parallel import is_chief
from ..layers.fitting.callbacks import CallbackList, History
from ..layers.fitting.loop import Loop, Plan
from ..layers.fitting.replicas import replicas
from ..layers.fitting.rows import split_at
from .array_input import ArrayInput
from .callbacks import FittedModel, FittedOptimizer
from .columns import FeatureColumn, NumericColumn
from .estimator import Estimator
from .fit_place import FitPlace
from .fitting import Stream, plan_of
from .kept import KeptCreator, KeptModel, Kind
from .model_fn import ModeKeys
from .parameter_servers import fit_on_servers, on_servers
from .parameters import Parameters, seed_of, unfitted_error
from .progress import Progress, ProgressCallback
from .rank_steps import agreed_seed, evaluated_on_ranks, steps_of
from .schema import Schema
from .tables import Table, table_of
from .targets import labels_of, sample_weights

DEFAULT_BATCH = 32
# Data of no more rows than this are one batch: what is left over of two would be a step of a few rows.
ONE_BATCH = 2 * DEFAULT_BATCH
# Rows a batch where nothing is learnt: large enough that Python's part does not show.
EVALUATION_BATCH = 256

Array = np.ndarray[Any, Any]


class ArrayEstimator(Parameters, Estimator):
    """An estimator that also takes arrays: `fit(x, y)`, `evaluate(x, y)`, `predict(x)`.

    The examples x are an array, a list, a dictionary of columns, a data frame or a sparse matrix of SciPy's. What is
    callable is an input function, as `tf.estimator`'s estimators take it.
    """

    # Which of the predictions `predict` gives for an array.
    _predicted_key = "predictions"
    # What a fit without feature_columns found, and what it was made of.
    _columns: list[FeatureColumn] | None = None
    _schema: Schema | None = None
    _drawn_seed: int | None = None

    def fit(
        self,
        x: Any,
        y: Any = None,
        *,
        epochs: int | None = None,
        batch_size: int | None = None,
        verbose: int = 1,
        callbacks: Sequence[Any] | None = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: Any = None,
        sample_weight: Any = None,
        initial_epoch: int = 0,
        steps_per_epoch: int | None = None,
        validation_steps: int | None = None,
        validation_batch_size: int | None = None,
        validation_freq: int | Sequence[int] = 1,
    ) -> Self:
        """Trains on arrays; the losses and validation metrics of each epoch are in `history_`.

        Without a model_dir each fit starts anew, as scikit-learn has it; with one, or with an `initial_epoch`, training
        goes on from the newest checkpoint. All that is given is checked before the first step.

        Args:
            x: examples: an array, list, dictionary of columns, data frame or sparse matrix.
            y: a label an example.
            epochs: passes over the data, or the last epoch's number plus one; by default 1,000 steps' worth.
            batch_size: examples a step; 32, or all of at most 64, by default.
            verbose: 0 for no progress, 1 for a bar or lines, 2 for a line an epoch.
            callbacks: objects with the methods of Keras's Callback.
            validation_split: share of the examples, the last ones, that is evaluated and not trained on.
            validation_data: (x, y) or (x, y, sample_weight), evaluated after epochs.
            shuffle: draw the examples in another order each epoch.
            class_weight: weights by class, or "balanced".
            sample_weight: a weight an example; only their ratios count.
            initial_epoch: the first epoch's number.
            steps_per_epoch: steps from one validation to the next; the data go on where they were.
            validation_steps, validation_batch_size: how much is evaluated.
            validation_freq: epochs from one validation to the next, or the numbers (from 1) of those that have one.

        Raises:
            ValueError: x and y differ in length, are empty, hold NaN, or a label that is no class; the column and the
                first bad row are named.
            NanLossDuringTrainingError: the loss became NaN.
        """
        self._check_made()
        goes_on = initial_epoch > 0 or not self._temporary
        data = self._training_data(x, y, batch_size, class_weight, sample_weight, None, goes_on)
        data, validation = self._split(data, validation_split, validation_data, validation_batch_size)
        data = data.merged() if len(data) == 1 else data
        plan = plan_of(epochs, initial_epoch, steps_per_epoch, len(data), validation_freq)
        self._fit(data, plan, shuffle, int(verbose), validation, validation_steps, callbacks, goes_on=initial_epoch > 0)
        return self

    def partial_fit(self, x: Any, y: Any = None, classes: Any = None, sample_weight: Any = None) -> Self:
        """Trains for one pass over x and y, from where the training before ended.

        Args:
            x, y, sample_weight: as for `fit`.
            classes: all classes there are, for the first call of a classifier.
        """
        self._check_made()
        data = self._training_data(x, y, None, None, sample_weight, classes, goes_on=True)
        self._fit(data, Plan(1, steps_per_epoch=len(data)), True, 0, None, None, None, goes_on=True)
        return self

    # What fit is made of

    def _training_data(
        self, x: Any, y: Any, batch_size: int | None, class_weight: Any, sample_weight: Any, classes: Any,
        goes_on: bool,
    ) -> ArrayInput:  # fmt: skip
        """What fit trains on, checked, and what the estimator learns from it before its model is built."""
        table = self._numbers(table_of(x, self._infers))
        if len(table) == 0:
            raise ValueError("The arrays are empty, Found array with 0 sample(s): there is nothing to train on")
        if goes_on:
            self._recall()
            classes = getattr(self, "classes_", classes)
        if goes_on and self._schema is not None:
            table = self._schema.conformed(table, type(self).__name__)
        columns = self._inferred_columns(table)
        raw, labels, found = self._targets(y, len(table), classes)
        weights = sample_weights(sample_weight, class_weight, raw, len(table))
        if batch_size is None:
            batch_size = len(table) if len(table) <= ONE_BATCH else DEFAULT_BATCH
        data = ArrayInput(ModeKeys.TRAIN, table, labels, weights, batch_size)
        self._learn(table, columns, found)
        return data

    def _learn(self, table: Table, columns: list[FeatureColumn] | None, classes: Any) -> None:
        known: Any = getattr(self, "classes_", None)
        if self._columns != columns or not np.array_equal(known, classes):
            # What is kept was built for others.
            self.close()
        self._schema = Schema.of(table)
        self._columns = columns
        if table.counted:
            self.n_features_in_ = table.width
        if table.names is not None and all(isinstance(name, str) for name in table.names):
            self.feature_names_in_ = np.array(table.names, dtype=object)
        elif hasattr(self, "feature_names_in_"):
            del self.feature_names_in_
        self._use_classes(classes)

    @property
    def _infers(self) -> bool:
        """Whether the feature columns are found in the examples."""
        return getattr(self, "feature_columns", ()) is None

    def _numbers(self, table: Table) -> Table:
        """The table with float32 for all numbers, where its columns are inferred."""
        if not self._infers:
            return table
        columns = {
            name: column if column.dtype.kind in "OSU" or column.dtype == np.float32 else column.astype(np.float32)
            for name, column in table.columns.items()
        }
        return table.of(columns)

    def _inferred_columns(self, table: Table) -> list[FeatureColumn] | None:
        if not self._infers:
            return None
        for name, column in table.columns.items():
            if column.dtype.kind not in "fiub":
                raise ValueError(f"The column {name!r} holds {column.dtype}, not numbers: give feature_columns")
        columns = [NumericColumn(name, tuple(c.shape[1:]) or (1,)) for name, c in table.columns.items()]
        return list(self._without_weights(columns))

    def _without_weights(self, columns: list[Any]) -> list[Any]:
        return columns

    def _targets(self, y: Any, rows: int, classes: Any) -> tuple[Array, Array, Any]:
        """Labels as given, labels as the model takes them, and the classes if they are found in the labels."""
        labels = labels_of(y, rows, type(self).__name__)
        return labels, labels.astype(np.float32) if labels.dtype == np.float64 else labels, None

    def _known_targets(self, y: Any, rows: int) -> Array:
        """Labels as the fitted model takes them."""
        return self._targets(y, rows, getattr(self, "classes_", None))[1]

    def _use_classes(self, classes: Any) -> None:
        """Prepares the model for classes that were found in labels."""

    def _remember(self) -> None:
        """Notes in the folder what a new estimator on it has to know."""

    def _recall(self) -> None:
        """Learns what an estimator before noted in the folder."""

    def _split(
        self, data: ArrayInput, share: float, given: Any, batch_size: int | None
    ) -> tuple[ArrayInput, ArrayInput | None]:
        if given is not None:
            if not isinstance(given, list | tuple) or len(given) not in (2, 3):
                raise ValueError("validation_data must be (x, y) or (x, y, sample_weight)")
            return data, self._data(ModeKeys.EVAL, given[0], given[1], batch_size, *given[2:])
        if not share:
            return data, None
        first = split_at(len(data.table), share)
        validation = data.part(ModeKeys.EVAL, slice(first, None))
        validation.batch_size = batch_size or EVALUATION_BATCH
        return data.part(ModeKeys.TRAIN, slice(first)), validation

    def _fit(
        self, data: ArrayInput, plan: Plan, shuffle: bool, verbose: int, validation: ArrayInput | None,
        validation_steps: int | None, callbacks: Sequence[Any] | None, goes_on: bool,
    ) -> None:  # fmt: skip
        self._drawn_seed = seed_of(getattr(self, "random_state", None))
        if self._temporary and not goes_on:
            self._start_anew()
        elif self._folder is None:
            self._use_temporary()
        if on_servers(self.config):
            fit_on_servers(self, data, plan, shuffle, verbose, validation, validation_steps, callbacks)
            return
        start = self._trained_steps()
        model = self._model(ModeKeys.TRAIN, data.kind(), start)
        if model is None:
            raise ValueError("fit needs a model function without training hooks and scaffold: use train(input_fn)")

        optimizer = FittedOptimizer(model)

        def loop(run: Any) -> None:
            # Another order in each fit that goes on, and the same for the same seed.
            seed = agreed_seed(self._parallel(), self._seed())
            stream = Stream(data, shuffle, np.random.default_rng(None if seed is None else [seed, start]))
            self._looped(model, optimizer, plan, stream, run, verbose, validation, validation_steps, callbacks)

        with model.used(), model.lock, model.graph.as_default():
            if self._temporary:
                self._run_quietly(model, optimizer, loop)
            else:
                self._run_in_folder(model, optimizer, loop)
        self._saved(model)

    def _looped(
        self, model: KeptModel, optimizer: FittedOptimizer, plan: Plan, stream: Stream, run: Any, verbose: int,
        validation: ArrayInput | None, validation_steps: int | None, callbacks: Sequence[Any] | None,
    ) -> None:  # fmt: skip
        steps = plan.steps_per_epoch or 1
        chief = self._parallel() is None or is_chief()
        progress = Progress(steps * (plan.epochs - plan.initial_epoch), None, verbose if chief else 0)
        fitted = FittedModel(self, model, optimizer, lambda prefix: self._save(model, prefix))
        history = History()
        does: Any = steps_of(self._parallel(), model, run, progress)
        places = (
            []
            if self._temporary or on_servers(self.config)
            else [FitPlace(self.model_dir, does, stream, lambda: optimizer.iterations)]
        )
        called = CallbackList(
            [*(callbacks or ()), history, ProgressCallback(progress), *places], fitted, epochs=plan.epochs, steps=steps,
            verbose=verbose,
        )  # fmt: skip

        def validate() -> dict[str, Any]:
            called.call("on_test_begin")
            metrics = self._validated(model, validation, validation_steps)
            found = {name: float(value) for name, value in metrics.items() if np.ndim(value) == 0}
            called.call("on_test_end", found)
            return found

        try:
            Loop(plan, stream, self._on_ranks(does, called), called, fitted, None if validation is None else validate)()
        finally:
            progress.end()
        self.history_ = history.history

    def _on_ranks(self, does: Any, called: CallbackList) -> Any:
        return does if self._parallel() is None else replicas(does, True, called.may_stop("train_batch"))

    def _run_quietly(self, model: KeptModel, optimizer: FittedOptimizer, loop: Any) -> None:
        """A folder that nobody asked for holds just the checkpoint at the end: no summaries, no graph."""
        KeptCreator(model, self.model_dir, self._newest()).create_session()
        fetches = [model.spec.train_op, model.spec.loss]
        step = model.function("train", fetches)

        def run(values: list[Any]) -> Any:
            fed = optimizer.fed
            if not fed:
                return step(*values)[1]
            return model.function("train at a rate", fetches, list(fed))(*values, *fed.values())[1]

        loop(run)
        self._save(model, f"{self.model_dir}/model.ckpt-{int(model.open().run(model.step))}", write_state=True)

    def _run_in_folder(self, model: KeptModel, optimizer: FittedOptimizer, loop: Any) -> None:
        creator = KeptCreator(model, self.model_dir, self._newest())
        fetches = [model.spec.train_op, model.spec.loss]
        with self._training(model.spec, model.scaffold, creator, [], ()) as session:
            if self._shows():
                self._remember()
            loop(lambda v: session.run(fetches, {**dict(zip(model.feeds, v, strict=True)), **optimizer.fed})[1])

    def _save(self, model: KeptModel, prefix: str, write_state: bool = False) -> None:
        model.scaffold.saver.save(model.open(), prefix, write_meta_graph=False, write_state=write_state)

    def _validated(self, model: KeptModel, validation: Any, steps: int | None) -> dict[str, Any]:
        """The metrics of the weights as they are now, without a checkpoint."""
        values = model.open().run({variable.op.name: variable for variable in model.variables()})
        found = self._evaluation_model(validation.kind())
        with found.used(), found.lock:
            found.assign(values)
            metrics = evaluated_on_ranks(self._parallel(), found, validation.batches(), steps)
        del metrics["global_step"]
        return metrics

    def _evaluation_model(self, kind: Kind) -> KeptModel:
        model = self._model(ModeKeys.EVAL, kind)
        if model is None:
            raise ValueError("Validation needs a model function without evaluation hooks: use train_and_evaluate")
        return model

    def _start_anew(self) -> None:
        self.close()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._use_temporary()

    def _use_temporary(self) -> None:
        self._folder = tempfile.mkdtemp(prefix="headrace-")
        weakref.finalize(self, shutil.rmtree, self._folder, True)

    def _forget(self) -> None:
        if self._failure is None:
            self.close()

    # The input functions' dialect, and the arrays' beside it

    def train(self, *args: Any, **kwargs: Any) -> Self:
        """Trains on an input function; see `tf.estimator.Estimator.train`."""
        self._check_made()
        self._recall()
        super().train(*args, **kwargs)
        return self

    # The second argument is labels after an array, and tf.estimator's `steps` after an input function.
    def evaluate(self, input_fn: Any, y: Any = None, *args: Any, **kwargs: Any) -> dict[str, Any]:  # type: ignore[override]
        """The metrics on arrays (x, y), or on an input function as for every estimator.

        For arrays also `batch_size` and `sample_weight`.
        """
        self._check_made()
        if callable(input_fn):
            if y is not None:
                args = (y, *args)
            return super().evaluate(input_fn, *args, **kwargs)
        batch_size, weights = kwargs.pop("batch_size", None), kwargs.pop("sample_weight", None)
        return super().evaluate(self._data(ModeKeys.EVAL, input_fn, y, batch_size, weights), *args, **kwargs)

    def predict(self, input_fn: Any, *args: Any, **kwargs: Any) -> Any:
        """The predictions for an array of examples, or what an input function's examples give, one by one."""
        self._check_made()
        if callable(input_fn):
            return super().predict(input_fn, *args, **kwargs)
        return self._predicted(input_fn, self._predicted_key)

    def _table(self, x: Any) -> Table:
        table = self._numbers(table_of(x, self._infers))
        return table if self._schema is None else self._schema.conformed(table, type(self).__name__)

    def _data(self, mode: str, x: Any, y: Any, batch_size: int | None, weights: Any = None) -> ArrayInput:
        self._recall()
        table = self._table(x)
        labels = None if y is None else self._known_targets(y, len(table))
        found = sample_weights(weights, None, None, len(table))
        return ArrayInput(mode, table, labels, found, batch_size or EVALUATION_BATCH)

    def _predicted(self, x: Any, key: str) -> Array:
        prefix = self._checkpoint(None)
        data = self._data(ModeKeys.PREDICT, x, None, None)
        model = self._model(ModeKeys.PREDICT, data.kind())
        if model is None:
            parts = super().predict(data, predict_keys=key, yield_single_examples=False)
            return np.concatenate([part[key] for part in parts])
        found = []
        with model.used():
            for values in data.batches():
                rows = len(values[0])
                with model.lock:
                    model.load(prefix)
                    found.append(model.function(key, model.spec.predictions[key])(*_padded(values, rows))[:rows])
        return found[0] if len(found) == 1 else np.concatenate(found)

    def _seed(self) -> int | None:
        return super()._seed() if self._drawn_seed is None else self._drawn_seed

    def _checkpoint(self, path: str | None) -> str:
        self._check_made()
        self._recall()
        return super()._checkpoint(path)

    def _unfitted(self) -> Exception:
        return unfitted_error(str(super()._unfitted()))

    def __sklearn_is_fitted__(self) -> bool:
        return self._failure is None and self._newest() is not None

    # What is stored of an estimator: its arguments, what it was fitted to, and the variables' values

    def __getstate__(self) -> dict[str, Any]:
        newest = None if self._failure is not None else self._newest()
        fitted = {name: v for name, v in vars(self).items() if name.endswith("_") and not name.startswith("_")}
        state: dict[str, Any] = {"parameters": dict(self._given), "fitted": fitted, "columns": self._columns}
        state["schema"] = None if self._schema is None else tuple(self._schema)
        if newest is not None:
            reader = load_checkpoint(newest)
            state["values"] = {name: reader.get_tensor(name) for name in reader.get_variable_to_shape_map()}
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state["parameters"])  # type: ignore[misc]
        vars(self).update(state["fitted"])
        self._columns = state["columns"]
        self._schema = None if state["schema"] is None else Schema(*state["schema"])
        self._use_classes(getattr(self, "classes_", None))
        if "values" in state:
            self._use_temporary()
            prefix = f"{self._folder}/model.ckpt-{int(state['values']['global_step'])}"
            parts = [Part(name, value, as_dtype(value.dtype)) for name, value in state["values"].items()]
            write_checkpoint(prefix, [parts])
            update_checkpoint_state(self.model_dir, prefix)


def _padded(values: list[Any], rows: int) -> list[Any]:
    """A batch with its last row repeated up to a power of two: there is a program for each number of rows."""
    wanted = 1 << (rows - 1).bit_length()
    if wanted == rows:
        return values
    return [np.concatenate([array, np.repeat(array[-1:], wanted - rows, 0)]) for array in values]
