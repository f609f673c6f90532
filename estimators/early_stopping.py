"""Hooks that stop training by the metrics of evaluations, as tf.estimator.experimental's."""

from __future__ import annotations

import logging
import operator
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..engine.summary.events import summary_iterator
from ..engine.training.global_step import get_global_step
from ..engine.training.session_run_hook import SessionRunArgs, SessionRunContext, SessionRunHook, SessionRunValues
from ..engine.training.timer import SecondOrStepTimer
from .estimator import Estimator

logger = logging.getLogger("headrace")

Better = Callable[[Any, Any], bool]


def read_eval_metrics(eval_dir: str) -> OrderedDict[int, dict[str, float]]:
    """The metrics in the event files of evaluations, by step; as `tf.contrib.estimator.read_eval_metrics`."""
    found: dict[int, dict[str, float]] = {}
    for path in sorted(Path(eval_dir).glob("*.tfevents.*")):
        for event in summary_iterator(str(path)):
            values = {v.tag: v.simple_value for v in event.summary.value if v.HasField("simple_value")}
            if values:
                found.setdefault(event.step, {}).update(values)
    return OrderedDict(sorted(found.items()))


def make_early_stopping_hook(
    estimator: Estimator,
    should_stop_fn: Callable[[], bool],
    run_every_secs: float | None = 60,
    run_every_steps: int | None = None,
) -> SessionRunHook:
    """A hook that stops training when `should_stop_fn` says so.

    Args:
        estimator: the estimator that is trained.
        should_stop_fn: asked every so often.
        run_every_secs, run_every_steps: how often; exactly one is given.

    Raises:
        TypeError: `estimator` is none.
        ValueError: both or none of the two are given.

    Example:
        >>> import headrace as tf
        >>> model = tf.estimator.LinearRegressor([tf.feature_column.numeric_column("x")])
        >>> hook = tf.estimator.experimental.make_early_stopping_hook(model, lambda: True, None, run_every_steps=1)
        >>> data = lambda: ({"x": tf.constant([[1.0]])}, tf.constant([1.0]))
        >>> _ = model.train(data, hooks=[hook], max_steps=100)
        >>> int(model.get_variable_value("global_step"))
        1
    """
    if not isinstance(estimator, Estimator):
        raise TypeError(f"`estimator` must have type `tf.estimator.Estimator`. Got: {type(estimator)}")
    if (run_every_secs is None) == (run_every_steps is None):
        raise ValueError("Exactly one of run_every_secs and run_every_steps must be set.")
    return _StopWhen(should_stop_fn, run_every_secs, run_every_steps)


class _StopWhen(SessionRunHook):
    """Asks a function every so often whether to stop."""

    def __init__(self, should_stop: Callable[[], bool], secs: float | None, steps: int | None) -> None:
        self._should_stop = should_stop
        self._timer = SecondOrStepTimer(every_secs=secs, every_steps=steps)

    def begin(self) -> None:
        """Finds the global step."""
        self._timer.reset()
        self._step = get_global_step()

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs | None:
        """Asks for the global step."""
        return SessionRunArgs(self._step)

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """Stops if it is time to ask and the answer is yes."""
        step = int(run_values.results)
        if not self._timer.should_trigger_for_step(step):
            return
        self._timer.update_last_triggered_step(step)
        if self._should_stop():
            logger.info("Requesting early stopping at global step %d", step)
            run_context.request_stop()


def stop_if_higher_hook(
    estimator: Estimator,
    metric_name: str,
    threshold: float,
    eval_dir: str | None = None,
    min_steps: int = 0,
    run_every_secs: float | None = 60,
    run_every_steps: int | None = None,
) -> SessionRunHook:
    """A hook that stops training when a metric of an evaluation is above a threshold.

    Args:
        estimator: the estimator that is trained.
        metric_name: the metric's key, such as "accuracy".
        threshold: above which training stops.
        eval_dir: the folder of the evaluations' event files; that of unnamed evaluations by default.
        min_steps: evaluations of earlier steps do not count.
        run_every_secs, run_every_steps: how often the event files are read; exactly one is given.
    """
    return _threshold_hook(
        estimator, metric_name, threshold, operator.gt, eval_dir, min_steps, run_every_secs, run_every_steps
    )


def stop_if_lower_hook(
    estimator: Estimator,
    metric_name: str,
    threshold: float,
    eval_dir: str | None = None,
    min_steps: int = 0,
    run_every_secs: float | None = 60,
    run_every_steps: int | None = None,
) -> SessionRunHook:
    """A hook that stops training when a metric is below a threshold; arguments as for stop_if_higher_hook."""
    return _threshold_hook(
        estimator, metric_name, threshold, operator.lt, eval_dir, min_steps, run_every_secs, run_every_steps
    )


def stop_if_no_increase_hook(
    estimator: Estimator,
    metric_name: str,
    max_steps_without_increase: int,
    eval_dir: str | None = None,
    min_steps: int = 0,
    run_every_secs: float | None = 60,
    run_every_steps: int | None = None,
) -> SessionRunHook:
    """A hook that stops training when a metric has not risen for some steps.

    Args:
        max_steps_without_increase: steps since the highest value after which training stops.
        estimator, metric_name, eval_dir, min_steps, run_every_secs, run_every_steps: see stop_if_higher_hook.
    """
    return _improvement_hook(
        estimator, metric_name, max_steps_without_increase, operator.gt, eval_dir, min_steps, run_every_secs,
        run_every_steps,
    )  # fmt: skip


def stop_if_no_decrease_hook(
    estimator: Estimator,
    metric_name: str,
    max_steps_without_decrease: int,
    eval_dir: str | None = None,
    min_steps: int = 0,
    run_every_secs: float | None = 60,
    run_every_steps: int | None = None,
) -> SessionRunHook:
    """A hook that stops training when a metric has not fallen for some steps.

    Args:
        max_steps_without_decrease: steps since the lowest value after which training stops.
        estimator, metric_name, eval_dir, min_steps, run_every_secs, run_every_steps: see stop_if_higher_hook.
    """
    return _improvement_hook(
        estimator, metric_name, max_steps_without_decrease, operator.lt, eval_dir, min_steps, run_every_secs,
        run_every_steps,
    )  # fmt: skip


def _results(folder: str, metric: str, min_steps: int) -> list[tuple[int, float]]:
    """The steps and values of a metric; ValueError where evaluations have no such metric."""
    found = []
    for step, metrics in read_eval_metrics(folder).items():
        if step < min_steps:
            continue
        if metric not in metrics:
            raise ValueError(f"The evaluation of step {step} in {folder} has no metric {metric!r}: {sorted(metrics)}")
        found.append((step, metrics[metric]))
    return found


def _folder(estimator: Any, eval_dir: str | None) -> str:
    if not isinstance(estimator, Estimator):
        raise TypeError(f"`estimator` must have type `tf.estimator.Estimator`. Got: {type(estimator)}")
    return eval_dir or estimator.eval_dir()


def _threshold_hook(
    estimator: Estimator, metric: str, threshold: float, beyond: Better, eval_dir: str | None, min_steps: int,
    secs: float | None, steps: int | None,
) -> SessionRunHook:  # fmt: skip
    folder = _folder(estimator, eval_dir)

    def should_stop() -> bool:
        return any(beyond(value, threshold) for _, value in _results(folder, metric, min_steps))

    return make_early_stopping_hook(estimator, should_stop, secs, steps)


def _improvement_hook(
    estimator: Estimator, metric: str, patience: int, better: Better, eval_dir: str | None, min_steps: int,
    secs: float | None, steps: int | None,
) -> SessionRunHook:  # fmt: skip
    folder = _folder(estimator, eval_dir)

    def should_stop() -> bool:
        best: tuple[int, float] | None = None
        for step, value in _results(folder, metric, min_steps):
            if best is None or better(value, best[1]):
                best = (step, value)
            if step - best[0] >= patience:
                logger.info("No improvement of %s for %d steps, best %s of step %d", metric, patience, best[1], best[0])
                return True
        return False

    return make_early_stopping_hook(estimator, should_stop, secs, steps)
