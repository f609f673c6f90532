"""Estimator: a model function trained, evaluated and asked for predictions, with all its state in a folder."""

from __future__ import annotations

import inspect
import logging
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..engine.checkpoint.state import latest_checkpoint
from ..engine.errors import OutOfRangeError
from ..engine.graph import Graph
from ..engine.lookup import tables_initializer
from ..engine.ops.random import set_random_seed
from ..engine.ops.summaries import scalar as scalar_summary
from ..engine.session import Session
from ..engine.summary.values import merged, scalar
from ..engine.summary.writer import FileWriter
from ..engine.training.basic_session_run_hooks import (
    CheckpointSaverHook,
    CheckpointSaverListener,
    NanTensorHook,
    StopAtStepHook,
)
from ..engine.training.global_step import get_global_step, get_or_create_global_step
from ..engine.training.monitored_session import MonitoredSession, MonitoredTrainingSession, SessionCreator
from ..engine.training.saver import Saver
from ..engine.variable_lists import global_variables, local_variables_initializer
from .inputs import InputFn
from .model_fn import EstimatorSpec, ModeKeys
from .run_config import RunConfig
from .warm_start import settings_of

logger = logging.getLogger("headrace")


class Estimator:
    """Trains and evaluates the model that a model function builds, as `tf.estimator.Estimator`.

    Args:
        model_fn: `(features, labels, mode, params, config) -> EstimatorSpec`; all but features may be left out.
        model_dir: folder of checkpoints and event files; a temporary one by default.
        config: a RunConfig.
        params: passed on to the model function.
        warm_start_from: a checkpoint, its folder, or WarmStartSettings: where the variables of the first training start.

    A new estimator on the same model_dir goes on from the newest checkpoint there.
    """

    def __init__(
        self,
        model_fn: Callable[..., EstimatorSpec],
        model_dir: str | None = None,
        config: RunConfig | None = None,
        params: Mapping[str, Any] | None = None,
        warm_start_from: Any = None,
    ) -> None:
        self._warm_start_settings = settings_of(warm_start_from)
        self._model_fn = model_fn
        self.config = config if config is not None else RunConfig()
        self.params: dict[str, Any] = dict(params or {})
        wanted = model_dir if model_dir is not None else self.config.model_dir
        if wanted is None:
            wanted = tempfile.mkdtemp(prefix="headrace-")
            logger.warning("Using temporary folder as model directory: %s", wanted)
        self._model_dir = os.fspath(wanted)

    @property
    def model_dir(self) -> str:
        """The folder of checkpoints and event files."""
        return self._model_dir

    def latest_checkpoint(self) -> str | None:
        """The prefix of the newest checkpoint, None if there is none."""
        return latest_checkpoint(self._model_dir)

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
        start = self._trained_steps()
        if max_steps is not None and start >= max_steps:
            logger.info("Skipping training since max_steps has already been saved.")
            return self
        with Graph().as_default():
            spec = self._build(input_fn, ModeKeys.TRAIN)
            if self._warm_start_settings is not None and start == 0:
                self._warm_start_settings.apply()
            stop = [StopAtStepHook(steps, max_steps)] if steps is not None or max_steps is not None else []
            self._run_training(spec, [*(_made(h, spec) for h in hooks or ()), *stop], saving_listeners or ())
        return self

    def _run_training(
        self, spec: EstimatorSpec, hooks: list[Any], listeners: Sequence[CheckpointSaverListener]
    ) -> None:
        scalar_summary("loss", spec.loss)
        config = self.config
        saver = Saver(
            max_to_keep=config.keep_checkpoint_max or 0,
            keep_checkpoint_every_n_hours=config.keep_checkpoint_every_n_hours,
        )
        from ..engine.training.scaffold import Scaffold

        scaffold = spec.scaffold or Scaffold(saver=saver)
        with MonitoredTrainingSession(
            checkpoint_dir=self._model_dir,
            scaffold=scaffold,
            hooks=[NanTensorHook(spec.loss), *spec.training_hooks, *hooks],
            chief_only_hooks=[*spec.training_chief_hooks, *self._saving_hooks(scaffold, listeners)],
            # The hook above saves.
            save_checkpoint_secs=None,
            save_checkpoint_steps=None,
            save_summaries_steps=config.save_summary_steps,
            log_step_count_steps=config.log_step_count_steps,
            config=config.session_config,
        ) as session:
            while not session.should_stop():
                session.run([spec.train_op, spec.loss])

    def _saving_hooks(self, scaffold: Any, listeners: Sequence[CheckpointSaverListener]) -> list[CheckpointSaverHook]:
        seconds, steps = self.config.save_checkpoints_secs, self.config.save_checkpoints_steps
        if not seconds and not steps:
            if listeners:
                raise ValueError("saving_listeners are given, but the RunConfig says that no checkpoints are saved")
            return []
        return [CheckpointSaverHook(self._model_dir, seconds, steps, scaffold=scaffold, listeners=listeners)]

    def _trained_steps(self) -> int:
        newest = self.latest_checkpoint()
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
            ValueError: nothing was trained yet.
        """
        prefix = self._checkpoint(checkpoint_path)
        with Graph().as_default():
            spec = self._build(input_fn, ModeKeys.EVAL)
            step = get_global_step()
            with self._watched(prefix, [*spec.evaluation_hooks, *(hooks or ())]) as session:
                values = _run_evaluation(session, spec, steps)
                values["global_step"] = int(_plain(session).run(step))
        self._write_evaluation(values, name)
        return values

    def _write_evaluation(self, values: Mapping[str, Any], name: str | None) -> None:
        folder = Path(self._model_dir) / (f"eval_{name}" if name else "eval")
        writer = FileWriter(str(folder))
        numbers = [scalar(key, value) for key, value in values.items() if key != "global_step" and np.ndim(value) == 0]
        writer.add_summary(merged(numbers), values["global_step"])
        writer.close()

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
        with Graph().as_default():
            spec = self._build(input_fn, ModeKeys.PREDICT)
            wanted = _chosen(spec.predictions, predict_keys)
            session = self._watched(prefix, [*spec.prediction_hooks, *(hooks or ())])
        # A generator must not leave a default graph or session behind between two examples.
        try:
            for batch in _until_end(session, wanted):
                yield from _examples(batch) if yield_single_examples else [batch]
        finally:
            session.close()

    # What the three share

    def _build(self, input_fn: InputFn, mode: str) -> EstimatorSpec:
        set_random_seed(self.config.tf_random_seed)
        get_or_create_global_step()
        features, labels = _split_input(_call(input_fn, {"mode": mode, "params": self.params, "config": self.config}))
        given = {"labels": None if mode == ModeKeys.PREDICT else labels, "mode": mode, "params": self.params}
        spec = _call(self._model_fn, {**given, "config": self.config}, features)
        if not isinstance(spec, EstimatorSpec):
            raise ValueError(f"model_fn should return an EstimatorSpec, got {spec!r}")
        return spec

    def _checkpoint(self, path: str | None) -> str:
        found = path or self.latest_checkpoint()
        if found is None:
            raise ValueError(f"Could not find trained model in model_dir: {self._model_dir}. Train it first.")
        return found

    def _watched(self, prefix: str, hooks: list[Any]) -> Any:
        """A session of the checkpoint, one that calls hooks where there are any."""
        if not hooks:
            return self._restored(prefix)
        return MonitoredSession(_Restoring(self, prefix), hooks)

    def _restored(self, prefix: str) -> Session:
        session = Session(config=self.config.session_config)
        Saver(global_variables()).restore(session, prefix)
        session.run([local_variables_initializer(), tables_initializer()])
        return session

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
        if value is not None and value <= 0:
            raise ValueError(f"Must specify {name} > 0, given: {value}")


def _made(hook: Any, spec: EstimatorSpec) -> Any:
    """A hook, or what a function of the spec makes (for hooks that need the loss)."""
    return hook(spec) if callable(hook) else hook


def _call(function: Callable[..., Any], available: Mapping[str, Any], *args: Any) -> Any:
    """Calls `function` with those of the available arguments that it takes by name."""
    names = set(inspect.signature(function).parameters)
    return function(*args, **{name: value for name, value in available.items() if name in names})


def _split_input(result: Any) -> tuple[Any, Any]:
    if hasattr(result, "make_one_shot_iterator"):
        result = result.make_one_shot_iterator().get_next()
    if isinstance(result, list | tuple):
        if len(result) != 2:
            raise ValueError(f"input_fn should return (features, labels), got a sequence of {len(result)}")
        return result[0], result[1]
    return result, None


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


def _chosen(predictions: Any, keys: str | Sequence[str] | None) -> Any:
    if keys is None:
        return predictions
    wanted = [keys] if isinstance(keys, str) else list(keys)
    unknown = [k for k in wanted if k not in predictions]
    if unknown:
        raise ValueError(f"Unknown predict_keys {unknown}; there are {sorted(predictions)}")
    return {k: predictions[k] for k in wanted}


def _examples(batch: Any) -> Iterator[Any]:
    if not isinstance(batch, Mapping):
        yield from batch
        return
    count = len(next(iter(batch.values())))
    for i in range(count):
        yield {key: value[i] for key, value in batch.items()}
