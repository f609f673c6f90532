"""TrainSpec, EvalSpec and train_and_evaluate: training in one process, with evaluations of the checkpoints it saves."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..cluster.roles import EVALUATOR
from ..engine.training.basic_session_run_hooks import CheckpointSaverListener
from ..engine.training.data_parallel import alone
from ..engine.training.preemption import asked_to_stop
from ..engine.training.session_run_hook import SessionRunHook
from ..engine.training.timer import SecondOrStepTimer
from .continuous import evaluate_continuously
from .estimator import Estimator
from .parameter_servers import has_evaluator, on_servers
from .rank_results import told_to_all

logger = logging.getLogger("headrace")


class Exporter(ABC):
    """What writes a trained model elsewhere after an evaluation, as `tf.estimator.Exporter`."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The folder below `model_dir/export`; one exporter of an EvalSpec each."""

    @abstractmethod
    def export(
        self, estimator: Any, export_path: str, checkpoint_path: str, eval_result: Any, is_the_final_export: bool
    ) -> Any:
        """Writes the model of the checkpoint below `export_path`; the result is part of train_and_evaluate's."""


def _hooks(hooks: Iterable[Any] | None) -> tuple[SessionRunHook, ...]:
    found = tuple(hooks or ())
    for hook in found:
        if not isinstance(hook, SessionRunHook):
            raise TypeError(f"All hooks must be `SessionRunHook` instances, given: {hook!r}")
    return found


def _listeners(listeners: Iterable[Any] | None) -> tuple[CheckpointSaverListener, ...]:
    found = tuple(listeners or ())
    for listener in found:
        if not isinstance(listener, CheckpointSaverListener):
            raise TypeError(f"All saving_listeners must be `CheckpointSaverListener` instances, given: {listener!r}")
    return found


def _exporters(exporters: Any) -> tuple[Exporter, ...]:
    given = (exporters,) if isinstance(exporters, Exporter) else exporters or ()
    found = tuple(given) if isinstance(given, Iterable) else (given,)
    if not all(isinstance(exporter, Exporter) for exporter in found):
        raise TypeError(f"`exporters` must be an Exporter, an iterable of Exporter, or `None`, found {exporters!r}.")
    names = [exporter.name for exporter in found]
    if not all(isinstance(name, str) and name for name in names):
        raise ValueError(f"An Exporter must have a name that is a string and not empty. All exporter names: {names}")
    if len(set(names)) < len(names):
        raise ValueError(f"`exporters` must have unique names. All exporter names: {names}")
    return found


def _check_input_fn(input_fn: Any) -> None:
    if not callable(input_fn):
        raise TypeError(f"`input_fn` must be callable, given: {input_fn!r}")


@dataclass(frozen=True)
class TrainSpec:
    """The training of a `train_and_evaluate`, as `tf.estimator.TrainSpec`.

    Args:
        input_fn: gives the tensors of (features, labels).
        max_steps: the global step up to which is trained; None for as long as there is input.
        hooks: SessionRunHooks of the training.
        saving_listeners: CheckpointSaverListeners.

    Raises:
        ValueError: max_steps is not positive.
        TypeError: an argument is of another type.
    """

    input_fn: Callable[..., Any]
    max_steps: int | None = None
    hooks: Any = None
    saving_listeners: Any = None

    def __post_init__(self) -> None:
        _check_input_fn(self.input_fn)
        if self.max_steps is not None and self.max_steps <= 0:
            raise ValueError(f"Must specify max_steps > 0, given: {self.max_steps}")
        object.__setattr__(self, "hooks", _hooks(self.hooks))
        object.__setattr__(self, "saving_listeners", _listeners(self.saving_listeners))


@dataclass(frozen=True)
class EvalSpec:
    """The evaluations of a `train_and_evaluate`, as `tf.estimator.EvalSpec`.

    Args:
        input_fn: gives the tensors of (features, labels), anew for each evaluation.
        steps: batches of an evaluation; None for all.
        name: ends the name of the folder of event files, `eval_<name>`.
        hooks: SessionRunHooks of the evaluations.
        exporters: an Exporter or several, called after each evaluation.
        start_delay_secs: how long an evaluator waits at first; elsewhere the first checkpoint is evaluated at once.
        throttle_secs: an evaluation starts so long after the one before, or later; the last is always made.

    Raises:
        ValueError: a number is out of its range, or an exporter's name is missing or there twice.
        TypeError: an argument is of another type.
    """

    input_fn: Callable[..., Any]
    steps: int | None = 100
    name: str | None = None
    hooks: Any = None
    exporters: Any = None
    start_delay_secs: float = 120
    throttle_secs: float = 600

    def __post_init__(self) -> None:
        _check_input_fn(self.input_fn)
        if self.steps is not None and self.steps <= 0:
            raise ValueError(f"Must specify steps > 0, given: {self.steps}")
        if self.name is not None and not isinstance(self.name, str):
            raise TypeError(f"`name` must be string, given: {self.name!r}")
        for field in ("start_delay_secs", "throttle_secs"):
            if getattr(self, field) < 0:
                raise ValueError(f"Must specify {field} >= 0, given: {getattr(self, field)}")
        object.__setattr__(self, "hooks", _hooks(self.hooks))
        object.__setattr__(self, "exporters", _exporters(self.exporters))


class EvaluationListener(CheckpointSaverListener):
    """Evaluates checkpoints as they are saved, and the last one; the training goes on with its input where it was.

    Args:
        evaluate: evaluates the newest checkpoint.
        every_secs: an evaluation starts so long after the one before, or later; 0 for every checkpoint.
        every_steps: the same in steps; exactly one of the two is given.
        last_step: where training ends; before it a process that a signal asks to stop does not evaluate any more.
    """

    def __init__(
        self,
        evaluate: Callable[[], Any],
        every_secs: float | None = None,
        every_steps: int | None = None,
        last_step: int | None = None,
    ) -> None:
        self._evaluate = evaluate
        self._every = (every_secs, every_steps)
        self._last_step = last_step
        self.result: Any = None

    def begin(self) -> None:
        """Starts over."""
        secs, steps = self._every
        self._timer = SecondOrStepTimer(every_secs=secs, every_steps=steps)
        self._untrained = True

    def after_save(self, session: Any, global_step_value: int) -> bool | None:
        """Evaluates where it is time, and not at the start."""
        if self._untrained:
            self._untrained = False
        elif self._timer.should_trigger_for_step(global_step_value):
            self._run(global_step_value)
        else:
            logger.info("Skip the evaluation of the checkpoint of step %d: it is too early.", global_step_value)
        return None

    def end(self, session: Any, global_step_value: int) -> None:
        """Evaluates the last checkpoint if that was not done yet."""
        if global_step_value != self._timer.last_triggered_step():
            self._run(global_step_value)

    def _run(self, step: int) -> None:
        if asked_to_stop() and (self._last_step is None or step < self._last_step):
            logger.info("Skip the evaluation of the checkpoint of step %d: the training was asked to stop.", step)
            return
        self._timer.update_last_triggered_step(step)
        # The other ranks of a training wait meanwhile.
        with alone():
            self.result = self._evaluate()


def _exported(
    estimator: Estimator, spec: EvalSpec, checkpoint: str, metrics: dict[str, Any], last: int | None
) -> list[Any]:
    final = last is not None and metrics["global_step"] >= last
    folder = Path(estimator.model_dir) / "export"
    return [e.export(estimator, str(folder / e.name), checkpoint, metrics, final) for e in spec.exporters]


def train_and_evaluate(
    estimator: Estimator, train_spec: TrainSpec, eval_spec: EvalSpec
) -> tuple[dict[str, Any] | None, list[Any] | None]:
    """Trains, and evaluates the checkpoints as they are saved, as `tf.estimator.train_and_evaluate`.

    How often a checkpoint is saved, the estimator's RunConfig says; the last one is always evaluated. The input of the
    training goes on during evaluations.

    With parameter servers each process does what its role is: a server keeps variables until the workers' programs have
    ended, and then ends its own; workers train, with the chief, who saves; the evaluator, a process of the job that is no
    task of the cluster, evaluates until the training is over. Without one the chief evaluates.

    Returns:
        The metrics of the last evaluation and the results of its exporters, of ranks that train together on each; with
        parameter servers (None, None) where another process evaluates, and everywhere if there was nothing to train.

    Raises:
        TypeError: an argument is of another type.
    """
    for name, value, kind in (
        ("estimator", estimator, Estimator), ("train_spec", train_spec, TrainSpec), ("eval_spec", eval_spec, EvalSpec)
    ):  # fmt: skip
        if not isinstance(value, kind):
            raise TypeError(f"`{name}` must have type {kind.__name__}, given {type(value).__name__}")

    def evaluate() -> tuple[dict[str, Any], list[Any]]:
        checkpoint = estimator.latest_checkpoint() or ""
        metrics = estimator.evaluate(
            eval_spec.input_fn, steps=eval_spec.steps, hooks=eval_spec.hooks, checkpoint_path=checkpoint,
            name=eval_spec.name,
        )  # fmt: skip
        return metrics, _exported(estimator, eval_spec, checkpoint, metrics, train_spec.max_steps)

    config = estimator.config
    if config.task_type == EVALUATOR:
        return evaluate_continuously(
            estimator.latest_checkpoint, evaluate, eval_spec.start_delay_secs, eval_spec.throttle_secs,
            train_spec.max_steps,
        )  # fmt: skip
    if on_servers(config) and (has_evaluator(config) or not config.is_chief):
        _train(estimator, train_spec)
        return None, None
    listener = EvaluationListener(evaluate, every_secs=eval_spec.throttle_secs, last_step=train_spec.max_steps)
    _train(estimator, train_spec, listener)
    result = listener.result if on_servers(config) else told_to_all(listener.result)
    return result or (None, None)


def _train(estimator: Estimator, spec: TrainSpec, *listeners: CheckpointSaverListener) -> None:
    estimator.train(
        spec.input_fn,
        hooks=spec.hooks,
        max_steps=spec.max_steps,
        saving_listeners=[*spec.saving_listeners, *listeners],
    )
