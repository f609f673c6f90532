"""Estimator: a model function trained, evaluated and asked for predictions, with all its state in a folder."""

from __future__ import annotations

import logging
import os
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from ..engine.checkpoint.state import latest_checkpoint
from ..engine.errors import OutOfRangeError
from ..engine.graph import Graph, get_default_graph
from ..engine.lookup import tables_initializer
from ..engine.ops.random import set_random_seed
from ..engine.ops.summaries import scalar as scalar_summary
from ..engine.session import Session
from ..engine.summary.values import merged, scalar, text
from ..engine.summary.writer import FileWriter
from ..engine.training.basic_session_run_hooks import (
    CheckpointSaverHook,
    CheckpointSaverListener,
    LoggingTensorHook,
    NanTensorHook,
    ProfilerHook,
    StepCounterHook,
    StopAtStepHook,
    SummarySaverHook,
)
from ..engine.training.data_parallel import DataParallel, is_chief, replicate
from ..engine.training.global_step import get_global_step, get_or_create_global_step
from ..engine.training.monitored_session import ChiefSessionCreator, MonitoredSession, SessionCreator, with_preemption
from ..engine.training.preemption import PreemptionHook, any_of_all
from ..engine.training.saver import Saver
from ..engine.training.scaffold import Scaffold
from ..engine.variable_lists import global_variables, local_variables_initializer
from .array_input import ArrayInput
from .bad_rows import noting_bad_rows
from .distribution import given_by, ranks_of, ranks_of_training
from .exporting import Exporting
from .inputs import InputFn
from .kept import GraphInput, KeptCreator, KeptModel, KeptSaverHook, Kind, any_rows, stamp_of
from .model_calls import call_with, chosen_predictions, examples_of, split_input
from .model_fn import EstimatorSpec, ModeKeys
from .parameter_servers import on_servers, server_of, train_on_servers
from .rank_steps import agreed_seed, evaluated_on_ranks, own_part, train_on_ranks
from .run_config import RunConfig
from .step_check import StepCheck
from .warm_start import settings_of

logger = logging.getLogger("headrace")

# Models that are kept at once; the one that was longest not used goes first.
MOST_KEPT = 8


class Estimator(Exporting):
    """Trains and evaluates the model that a model function builds, as `tf.estimator.Estimator`.

    Args:
        model_fn: `(features, labels, mode, params, config) -> EstimatorSpec`; all but features may be left out.
        model_dir: folder of checkpoints and event files; a temporary one by default.
        config: a RunConfig.
        params: passed on to the model function: a dict, or HParams.
        warm_start_from: a checkpoint, its folder, or WarmStartSettings: where the variables of the first training start.

    A new estimator on the same model_dir goes on from the newest checkpoint there.

    Graphs and sessions are kept from one call to the next wherever nothing speaks against it (hooks do, and input
    functions with variables or queues); `close`, or the end of a `with` block, frees them. Several threads may predict.
    """

    def __init__(
        self,
        model_fn: Callable[..., EstimatorSpec],
        model_dir: str | None = None,
        config: RunConfig | None = None,
        params: Any = None,
        warm_start_from: Any = None,
    ) -> None:
        self._warm_start_settings = settings_of(warm_start_from)
        self._model_fn = model_fn
        self.config = config if config is not None else RunConfig()
        self.params: Any = dict(params or {}) if isinstance(params, Mapping | None) else params
        wanted = model_dir if model_dir is not None else self.config.model_dir
        self._folder: str | None = None if wanted is None else os.fspath(wanted)
        self._temporary = wanted is None
        self._kept: dict[tuple[str, Kind], KeptModel] = {}
        # Modes whose models have to be made anew each time.
        self._unkept: set[str] = set()
        self._drawn: set[str] = set()  # folders of evaluations with their graph
        self._newest_known: tuple[Any, str | None] = (None, None)
        # What ranks that train together use where no seed is given.
        self._shared_seed: int | None = None
        self._lock = threading.RLock()

    @property
    def model_dir(self) -> str:
        """The folder of checkpoints and event files; a temporary one is made where none was given."""
        if self._folder is None:
            self._folder = tempfile.mkdtemp(prefix="headrace-")
            logger.warning("Using temporary folder as model directory: %s", self._folder)
        return self._folder

    def eval_dir(self, name: str | None = None) -> str:
        """The folder of the event files of evaluations of this name."""
        return str(Path(self.model_dir) / (f"eval_{name}" if name else "eval"))

    @property
    def model_fn(self) -> Callable[..., EstimatorSpec]:
        """The model function, as `(features, labels, mode, config)`."""

        def public_model_fn(features: Any, labels: Any, mode: str, config: Any = None) -> EstimatorSpec:
            return self._spec(features, labels, mode)

        return public_model_fn

    def latest_checkpoint(self) -> str | None:
        """The prefix of the newest checkpoint, None if there is none."""
        return None if self._folder is None else latest_checkpoint(self._folder)

    def _newest(self) -> str | None:
        """The same, looked up only where the folder's state file is another one than before."""
        if self._folder is None:
            return None
        try:
            found = os.stat(f"{self._folder}/checkpoint")  # noqa: PTH116  a Path costs as much again
        except OSError:
            return None
        stamp = (self._folder, found.st_mtime_ns, found.st_ino, found.st_size)
        if self._newest_known[0] != stamp:
            self._newest_known = (stamp, self.latest_checkpoint())
        return self._newest_known[1]

    def close(self) -> None:
        """Frees the graphs and sessions that are kept; they are made anew when they are needed again."""
        with self._lock:
            for model in self._kept.values():
                model.retire()
            self._kept.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # Training

    def train(
        self,
        input_fn: InputFn,
        hooks: Sequence[Any] | None = None,
        steps: int | None = None,
        max_steps: int | None = None,
        saving_listeners: Sequence[CheckpointSaverListener] | None = None,
    ) -> Estimator:
        """Trains until the input ends, or for `steps` more steps, or up to global step `max_steps`.

        Args:
            input_fn: gives the tensors of (features, labels).
            hooks: SessionRunHooks.
            steps, max_steps: when to stop; only one may be given.
            saving_listeners: CheckpointSaverListeners, called around each checkpoint.

        Raises:
            ValueError: both steps and max_steps are given, or one is not positive.
            NanLossDuringTrainingError: the loss became NaN.
        """
        _check_steps(steps, max_steps)
        if on_servers(self.config):
            train_on_servers(self, input_fn, hooks or (), steps, max_steps, saving_listeners or ())
            return self
        start = self._trained_steps()
        if max_steps is not None and start >= max_steps:
            logger.info("Skipping training since max_steps has already been saved.")
            return self
        stop = [StopAtStepHook(steps, max_steps)] if steps is not None or max_steps is not None else []
        parallel = ranks_of_training(self.config)
        self._shared_seed = agreed_seed(parallel, self._seed())
        given = self._input(input_fn, ModeKeys.TRAIN)
        model = self._model_of(given, start, bool(hooks or saving_listeners))
        if model is not None:
            with model.used(), noting_bad_rows(given), model.lock, model.graph.as_default():
                made = [*(_made(h, model.spec) for h in hooks or ()), *stop]
                self._train_kept(model, given.batches(), made, saving_listeners or (), bool(stop))
            return self
        with noting_bad_rows(given), given.graph.as_default():
            together = own_part(parallel, given)
            spec = self._spec(given.features, given.labels, ModeKeys.TRAIN)
            scaffold = self._finished(spec, start)
            made = [*together, *(_made(h, spec) for h in hooks or ()), *stop]
            creator = ChiefSessionCreator(scaffold, config=self.config.session_options, checkpoint_dir=self.model_dir)
            with self._training(spec, scaffold, creator, made, saving_listeners or ()) as session:
                check = StepCheck(spec.train_op, get_global_step()) if stop else None
                while not session.should_stop():
                    session.run([spec.train_op, spec.loss])
                    if check is not None:
                        check.after(_plain(session))
        self._meet()
        return self

    def _train_kept(
        self, model: KeptModel, batches: Iterator[list[Any]], hooks: list[Any], listeners: Sequence[Any], checks: bool
    ) -> None:
        creator = KeptCreator(model, self.model_dir, self._newest())
        fetches = [model.spec.train_op, model.spec.loss]
        check = StepCheck(model.spec.train_op, model.step) if checks else None
        parallel = ranks_of_training(self.config)
        with self._training(model.spec, model.scaffold, creator, hooks, listeners) as session:

            def run(values: list[Any]) -> Any:
                loss = session.run(fetches, dict(zip(model.feeds, values, strict=True)))[1]
                if check is not None:
                    check.after(model.open())
                return loss

            if parallel is not None:
                train_on_ranks(parallel, model, batches, session, run)
                batches = iter(())
            while not session.should_stop() and (values := next(batches, None)) is not None:
                run(values)
        self._saved(model)

    def _parallel(self) -> DataParallel | None:
        """The ranks to train with, None where each trains by itself."""
        return ranks_of(self.config)

    def _shows(self) -> bool:
        """Whether this process writes to the model's folder. In a temporary one each rank has its own."""
        if on_servers(self.config):
            return self._temporary or self.config.is_chief
        return self._temporary or self._parallel() is None or is_chief()

    def _meet(self) -> None:
        """Waits for the other ranks: what the chief has written is there for all."""
        parallel = self._parallel()
        if parallel is not None:
            parallel.ranks.barrier("end of training")

    def _saved(self, model: KeptModel) -> None:
        """Notes that what the session of a trained model holds is the newest checkpoint."""
        self._meet()
        newest = self._newest()
        model.loaded = None if newest is None or not self._saves else stamp_of(newest)

    def _finished(self, spec: EstimatorSpec, start: int) -> Scaffold:
        """What training needs besides the model."""
        if self._warm_start_settings is not None and start == 0:
            self._warm_start_settings.apply()
        scalar_summary("loss", spec.loss)
        config = self.config
        saver = Saver(
            max_to_keep=config.keep_checkpoint_max or 0,
            keep_checkpoint_every_n_hours=config.keep_checkpoint_every_n_hours,
        )
        scaffold: Scaffold = spec.scaffold or Scaffold()
        return scaffold if scaffold.saver is not None else Scaffold(copy_from_scaffold=scaffold, saver=saver)

    def _training(
        self,
        spec: EstimatorSpec,
        scaffold: Scaffold,
        creator: SessionCreator,
        hooks: list[Any],
        listeners: Sequence[CheckpointSaverListener],
    ) -> MonitoredSession:
        """A session that saves checkpoints and summaries as the RunConfig says."""
        config, folder = self.config, self.model_dir
        if not self._shows():
            chosen = [*hooks, NanTensorHook(spec.loss), *spec.training_hooks]
            return MonitoredSession(creator, self._with_preemption(chosen, self._saves))
        own: list[Any] = list(spec.training_chief_hooks)
        if config.log_step_count_steps:
            own.append(StepCounterHook(output_dir=folder, every_n_steps=config.log_step_count_steps))
            shown = {"loss": spec.loss, "step": get_global_step()}
            own.append(LoggingTensorHook(shown, every_n_iter=config.log_step_count_steps))
        if config.save_summary_steps:
            steps = config.save_summary_steps
            own.append(SummarySaverHook(scaffold=scaffold, save_steps=steps, output_dir=folder))
        if config.trace_every_n:
            own.append(ProfilerHook(save_steps=config.trace_every_n, output_dir=folder))
        # After the summaries: those of a checkpoint's step are on the disk before it is.
        saving = self._saving_hooks(scaffold, listeners, creator)
        for hook in saving:
            hook.asynchronous = config.asynchronous_checkpoints
        own += saving
        # As in TensorFlow the hooks that are given come first: a debugger stops at a NaN before it ends training.
        chosen = [*own, *hooks, NanTensorHook(spec.loss), *spec.training_hooks]
        return MonitoredSession(creator, self._with_preemption(chosen, self._saves))

    def _with_preemption(self, hooks: list[Any], saves: bool) -> list[Any]:
        status = self.config.preemption_exit_status
        if on_servers(self.config) and status is not None:
            return [*hooks, PreemptionHook(status, server_of(self.config).any_asked)] if saves else hooks
        if self._parallel() is None:
            return with_preemption(hooks, status)
        return [*hooks, PreemptionHook(status, any_of_all)] if saves and status is not None else hooks

    @property
    def _saves(self) -> bool:
        """Whether checkpoints are saved."""
        return bool(self.config.save_checkpoints_secs or self.config.save_checkpoints_steps)

    def _saving_hooks(
        self, scaffold: Any, listeners: Sequence[CheckpointSaverListener], creator: SessionCreator
    ) -> list[CheckpointSaverHook]:
        seconds, steps = self.config.save_checkpoints_secs, self.config.save_checkpoints_steps
        if not seconds and not steps:
            if listeners:
                raise ValueError("saving_listeners are given, but the RunConfig says that no checkpoints are saved")
            return []
        if isinstance(creator, KeptCreator) and creator.goes_on and creator.newest is not None:
            return [KeptSaverHook(self.model_dir, seconds, steps, scaffold, creator.newest)]
        graph = self.config.checkpoint_save_graph_def
        folder = self.model_dir
        return [
            CheckpointSaverHook(folder, seconds, steps, scaffold=scaffold, listeners=listeners, save_graph_def=graph)
        ]

    def _trained_steps(self) -> int:
        newest = self._newest()
        if newest is None:
            return 0
        from ..engine.checkpoint.reader import load_variable

        return int(load_variable(newest, "global_step"))

    # Evaluation

    def evaluate(
        self,
        input_fn: InputFn,
        steps: int | None = None,
        hooks: Sequence[Any] | None = None,
        checkpoint_path: str | None = None,
        name: str | None = None,
    ) -> dict[str, Any]:
        """The model's metrics on the input, with `loss` (mean over batches) and `global_step`.

        Raises:
            ValueError: nothing was trained yet, or steps is not positive.
        """
        _check_steps(steps, None)
        prefix = self._checkpoint(checkpoint_path)
        given = self._input(input_fn, ModeKeys.EVAL)
        model = None if hooks else self._model_of(given)
        if model is not None:
            with model.used(), model.lock:
                model.load(prefix)
                values = evaluated_on_ranks(self._parallel(), model, given.batches(), steps)
        else:
            values = self._evaluated(given, steps, hooks or (), prefix)
        if self._shows():
            self._write_evaluation(values, name, prefix, given.graph if model is None else model.graph)
        return values

    def _evaluated(
        self, given: GraphInput | ArrayInput, steps: int | None, hooks: Sequence[Any], prefix: str
    ) -> dict[str, Any]:
        with given.graph.as_default():
            spec = self._spec(given.features, given.labels, ModeKeys.EVAL)
            step = get_global_step()
            with self._watched(prefix, [*spec.evaluation_hooks, *hooks]) as session:
                values = _run_evaluation(session, spec, steps)
                return {**values, "global_step": int(_plain(session).run(step))}

    def _write_evaluation(
        self, values: Mapping[str, Any], name: str | None, prefix: str | None = None, graph: Any = None
    ) -> None:
        """Metrics, which checkpoint was evaluated, and once the graph, as event files."""
        folder = self.eval_dir(name)
        found = [scalar(key, value) for key, value in values.items() if key != "global_step" and np.ndim(value) == 0]
        if prefix is not None:
            found.append(text("checkpoint_path", prefix))
        with FileWriter(folder) as writer:
            if graph is not None and folder not in self._drawn:
                writer.add_graph(graph)
                self._drawn.add(folder)
            writer.add_summary(merged(found), values["global_step"])

    # Prediction

    def predict(
        self,
        input_fn: InputFn,
        predict_keys: str | Sequence[str] | None = None,
        hooks: Sequence[Any] | None = None,
        checkpoint_path: str | None = None,
        yield_single_examples: bool = True,
    ) -> Iterator[Any]:
        """Yields the predictions, one example at a time or batch by batch.

        Raises:
            ValueError: nothing was trained yet, or a key is unknown.
        """
        prefix = self._checkpoint(checkpoint_path)
        given = self._input(input_fn, ModeKeys.PREDICT)
        model = None if hooks else self._model_of(given)
        if model is not None:
            batches = self._predicted_batches(model, given.batches(), predict_keys, prefix)
        else:
            batches = self._predicted_anew(given, predict_keys, hooks or (), prefix)
        for batch in batches:
            yield from examples_of(batch) if yield_single_examples else [batch]

    def _predicted_batches(
        self, model: KeptModel, batches: Iterator[list[Any]], keys: str | Sequence[str] | None, prefix: str
    ) -> Iterator[Any]:
        wanted = chosen_predictions(model.spec.predictions, keys)
        name = ("predict", keys if keys is None or isinstance(keys, str) else tuple(keys))
        with model.used():
            for values in batches:
                with model.lock:
                    model.load(prefix)
                    found = model.function(name, wanted)(*values)
                yield found

    def _predicted_anew(
        self, given: GraphInput | ArrayInput, keys: str | Sequence[str] | None, hooks: Sequence[Any], prefix: str
    ) -> Iterator[Any]:
        with given.graph.as_default():
            spec = self._spec(given.features, given.labels, ModeKeys.PREDICT)
            wanted = chosen_predictions(spec.predictions, keys)
            session = self._watched(prefix, [*spec.prediction_hooks, *hooks])
        # A generator must not leave a default graph or session behind between two examples.
        try:
            yield from _until_end(session, wanted)
        finally:
            session.close()

    # What the three share

    def _seed(self) -> int | None:
        """The graphs' seed."""
        seed: int | None = self.config.tf_random_seed if self._shared_seed is None else self._shared_seed
        return seed

    def _by_device_fn(self) -> Any:
        # With parameter servers trainings are placed, and evaluations are the process's own.
        function = None if on_servers(self.config) else self.config.device_fn
        return nullcontext() if function is None else get_default_graph().device(function)

    def _input(self, input_fn: InputFn, mode: str, placed: Any = nullcontext) -> GraphInput | ArrayInput:
        """Calls an input function in a graph of its own, within a context that says where operations are put."""
        if isinstance(input_fn, ArrayInput):
            return input_fn
        if not callable(input_fn):
            raise TypeError(f"input_fn must be a function that gives (features, labels), got {input_fn!r}")
        with Graph().as_default() as graph, placed(), self._by_device_fn():
            set_random_seed(self._seed())
            get_or_create_global_step()
            features, labels = split_input(given_by(input_fn, mode, self.params, self.config))
        labels = None if mode == ModeKeys.PREDICT else labels
        return GraphInput(mode, graph, features, labels, self.config.session_options)

    def _spec(self, features: Any, labels: Any, mode: str) -> EstimatorSpec:
        """Calls the model function in the default graph."""
        given = {"labels": None if mode == ModeKeys.PREDICT else labels, "mode": mode, "params": self.params}
        if mode == ModeKeys.TRAIN and (parallel := self._parallel()) is not None:
            replicate(get_default_graph().outermost(), parallel.replication)
        with self._by_device_fn():
            spec = call_with(self._model_fn, {**given, "config": self.config}, features)
        if not isinstance(spec, EstimatorSpec):
            raise ValueError(f"model_fn should return an EstimatorSpec, got {spec!r}")
        return spec

    def _model_of(self, given: GraphInput | ArrayInput, start: int = 0, anew: bool = False) -> KeptModel | None:
        """The kept model for an input; None where one cannot be kept, or it has to be made anew for hooks."""
        mode, kind = given.mode, given.kind()
        if kind is not None and mode == ModeKeys.TRAIN and self._parallel() is not None:
            # Ranks share out batches before they are fed.
            kind = (any_rows(kind[0]), any_rows(kind[1]))
            if anew:
                return self._new_model(mode, kind, start)
        return None if kind is None or anew or mode in self._unkept else self._model(mode, kind, start)

    def _model(self, mode: str, kind: Kind, start: int = 0) -> KeptModel | None:
        """The kept model for batches of this kind, made at the first call; None where one cannot be kept."""
        with self._lock:
            model = self._kept.pop((mode, kind), None)
            if model is None:
                model = self._new_model(mode, kind, start)
            if model is None:
                self._unkept.add(mode)
                return None
            self._kept[mode, kind] = model
            while len(self._kept) > MOST_KEPT:
                self._kept.pop(next(iter(self._kept))).retire()
        return model

    def _new_model(self, mode: str, kind: Kind, start: int) -> KeptModel | None:
        def build(features: Any, labels: Any) -> EstimatorSpec:
            set_random_seed(self._seed())
            get_or_create_global_step()
            return self._spec(features, labels, mode)

        config = self.config.session_options
        model = KeptModel(build, kind, mode, config, lambda spec: self._finished(spec, start))
        return model if model.can_be_kept else None

    def _checkpoint(self, path: str | None) -> str:
        found = path or self._newest()
        if found is None:
            raise self._unfitted()
        return found

    def _unfitted(self) -> Exception:
        where = "" if self._folder is None else f" in model_dir: {self._folder}"
        return ValueError(f"Could not find trained model{where}. Call fit or train first.")

    def _watched(self, prefix: str, hooks: list[Any]) -> Any:
        """A session of the checkpoint, one that calls hooks where there are any."""
        if not hooks:
            return self._restored(prefix)
        return MonitoredSession(_Restoring(self, prefix), hooks)

    def _restored(self, prefix: str) -> Session:
        session = Session(config=self.config.session_options)
        self._restore(session, prefix)
        return session

    def _restore(self, session: Session, prefix: str) -> None:
        Saver(global_variables()).restore(session, prefix)
        session.run([local_variables_initializer(), tables_initializer()])

    def get_variable_names(self) -> list[str]:
        """The names of all variables in the newest checkpoint."""
        from ..engine.checkpoint.reader import list_variables

        return [name for name, _ in list_variables(self._checkpoint(None))]

    def get_variable_value(self, name: str) -> Any:
        """The value of a variable in the newest checkpoint."""
        from ..engine.checkpoint.reader import load_variable

        return load_variable(self._checkpoint(None), name)


def _check_steps(steps: int | None, max_steps: int | None) -> None:
    if steps is not None and max_steps is not None:
        raise ValueError("Can not provide both steps and max_steps.")
    for name, value in (("steps", steps), ("max_steps", max_steps)):
        if value is not None and (isinstance(value, bool) or not hasattr(value, "__index__")):
            raise TypeError(f"{name} must be a whole number, got {value!r}")
        if value is not None and value <= 0:
            raise ValueError(f"Must specify {name} > 0, given: {value}")


def _made(hook: Any, spec: EstimatorSpec) -> Any:
    """A hook, or what a function of the spec makes (for hooks that need the loss)."""
    return hook(spec) if callable(hook) else hook


class _Restoring(SessionCreator):
    """Makes the sessions of an estimator's checkpoint."""

    def __init__(self, estimator: Estimator, prefix: str) -> None:
        self._estimator, self._prefix = estimator, prefix

    def create_session(self) -> Session:
        """A session with the values of the checkpoint."""
        return self._estimator._restored(self._prefix)


def _plain(session: Any) -> Session:
    """The session itself, whose steps no hook sees."""
    found: Session = session if isinstance(session, Session) else session._tf_sess()
    return found


def _run_evaluation(session: Any, spec: EstimatorSpec, steps: int | None) -> dict[str, Any]:
    metrics = dict(spec.eval_metric_ops)
    updates = [update for _, update in metrics.values()]
    losses: list[float] = []
    for loss, _ in _until_end(session, [spec.loss, updates], steps):
        losses.append(float(loss))
    if not losses:
        raise ValueError("The input of evaluate gave no batch")
    values = _plain(session).run({name: value for name, (value, _) in metrics.items()})
    return {**values, "loss": np.float32(np.mean(losses))}


def _until_end(session: Any, fetches: Any, steps: int | None = None) -> Iterator[Any]:
    done = 0
    while (steps is None or done < steps) and not (isinstance(session, MonitoredSession) and session.should_stop()):
        try:
            yield session.run(fetches)
        except OutOfRangeError:
            return
        done += 1
