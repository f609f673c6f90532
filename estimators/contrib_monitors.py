"""`tf.contrib.learn.monitors`: what TensorFlow 1 had before hooks, as hooks with the methods of monitors."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..engine.graph import Tensor, get_default_graph
from ..engine.registry import definition_of
from ..engine.scopes import GraphKeys
from ..engine.training.basic_session_run_hooks import (
    CheckpointSaverHook,
    NanLossDuringTrainingError,
    StepCounterHook,
    StopAtStepHook,
    SummarySaverHook,
)
from ..engine.training.global_step import get_global_step
from ..engine.training.session_run_hook import SessionRunArgs, SessionRunContext, SessionRunHook, SessionRunValues

_log = logging.getLogger("absl")


class BaseMonitor(SessionRunHook):
    """A hook with the methods of TensorFlow 1.15's monitors, which subclasses define.

    `step_begin(step)` gives tensors, or their names, whose values `step_end(step, output)` gets by these; it returns
    whether to stop. `begin(max_steps)`, `end(session)`, `post_step(step, session)` and `set_estimator(estimator)` are
    called around. Steps are those of the global step.
    """

    _estimator: Any = None

    def begin(self, max_steps: int | None = None) -> None:
        """Before the session is made."""

    def end(self, session: Any = None) -> None:
        """After the last step."""

    def step_begin(self, step: int) -> list[Any]:
        """The tensors that are wanted of a step."""
        return []

    def step_end(self, step: int, output: dict[Any, Any]) -> bool:
        """Whether to stop, given the values of what was wanted."""
        return False

    def post_step(self, step: int, session: Any) -> None:
        """After `step_end`, with the session."""

    def set_estimator(self, estimator: Any) -> None:
        """Says which estimator is trained."""
        self._estimator = estimator

    def after_create_session(self, session: Any, coord: Any) -> None:
        self._counter = get_global_step()
        self._step = int(session.run(self._counter)) + 1

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs | None:
        graph = get_default_graph()
        wanted = {_key(one): _element(graph, one) for one in self.step_begin(self._step) or ()}
        return SessionRunArgs([self._counter, wanted])

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        counted, output = run_values.results
        if self.step_end(self._step, output):
            run_context.request_stop()
        self.post_step(self._step, run_context.session)
        self._step = max(self._step, int(counted)) + 1


def _is_apart(op: Any) -> bool:
    """Whether an operation depends on files or on what is fed elsewhere: it is no part of a step."""
    waiting, seen = [op], {op}
    while waiting:
        for source in [t.op for t in waiting.pop().inputs]:
            if source.type in ("Placeholder", "ReadFile") or source.type.startswith("Restore"):
                return True
            if source not in seen:
                seen.add(source)
                waiting.append(source)
    return False


def _key(wanted: Any) -> Any:
    return wanted if isinstance(wanted, str) else wanted.name


def _element(graph: Any, wanted: Any) -> Any:
    if not isinstance(wanted, str):
        return wanted
    return graph.as_graph_element(wanted if ":" in wanted else f"{wanted}:0")


class EveryN(BaseMonitor):
    """A monitor of some steps: the first ones, and those that come `every_n_steps` after the one before.

    Subclasses define `every_n_step_begin(step)`, `every_n_step_end(step, outputs)` and `every_n_post_step(step,
    session)`.

    Args:
        every_n_steps: from one to the next.
        first_n_steps: steps that all count.
    """

    def __init__(self, every_n_steps: int = 100, first_n_steps: int = 1) -> None:
        if every_n_steps < 1 or first_n_steps < 0:
            raise ValueError(f"every_n_steps must be at least 1, first_n_steps 0: got {every_n_steps}, {first_n_steps}")
        self._every_n_steps, self._first_n_steps = every_n_steps, first_n_steps
        self._last_active = self._last_step = 0
        self._is_active = False

    def begin(self, max_steps: int | None = None) -> None:
        self._max_steps = max_steps

    def every_n_step_begin(self, step: int) -> list[Any]:
        """The tensors that are wanted of a step that counts."""
        return []

    def every_n_step_end(self, step: int, outputs: dict[Any, Any]) -> bool:
        """Whether to stop after a step that counts."""
        return False

    def every_n_post_step(self, step: int, session: Any) -> None:
        """After a step that counts, and after the last one."""

    def step_begin(self, step: int) -> list[Any]:
        self._is_active = (
            step <= self._first_n_steps
            or step >= self._every_n_steps + self._last_active
            or step == getattr(self, "_max_steps", None)
        )
        return list(self.every_n_step_begin(step) or ()) if self._is_active else []

    def step_end(self, step: int, output: dict[Any, Any]) -> bool:
        return bool(self.every_n_step_end(step, output)) if self._is_active else False

    def post_step(self, step: int, session: Any) -> None:
        self._last_step = step
        if self._is_active:
            self.every_n_post_step(step, session)
            self._last_active = step

    def end(self, session: Any = None) -> None:
        if self._last_step != self._last_active:
            self.every_n_post_step(self._last_step, session)


class StopAtStep(StopAtStepHook):
    """Stops after `num_steps` more steps, or at the step `last_step`."""


class PrintTensor(EveryN):
    """Logs tensors.

    Args:
        tensor_names: names of tensors, or a dict of them by what they are called.
        every_n: steps from one line to the next.
        first_n: steps that all have a line.
    """

    def __init__(self, tensor_names: Any, every_n: int = 100, first_n: int = 1) -> None:
        super().__init__(every_n, first_n)
        given = tensor_names if isinstance(tensor_names, dict) else {_key(one): one for one in tensor_names}
        self._names = {tag: _key(one) for tag, one in given.items()}

    def every_n_step_begin(self, step: int) -> list[Any]:
        return list(self._names.values())

    def every_n_step_end(self, step: int, outputs: dict[Any, Any]) -> bool:
        shown = [f"{tag} = {outputs[name]}" for tag, name in self._names.items() if name in outputs]
        _log.info("Step %d: %s", step, ", ".join(shown))
        return False


class LoggingTrainable(EveryN):
    """Logs the values of the trainable variables, or of those in a scope."""

    def __init__(self, scope: str | None = None, every_n: int = 100, first_n: int = 1) -> None:
        super().__init__(every_n, first_n)
        self._scope = scope

    def every_n_step_begin(self, step: int) -> list[Any]:
        found = get_default_graph().get_collection(GraphKeys.TRAINABLE_VARIABLES, self._scope)
        self._names = [variable.name for variable in found]
        return self._names

    def every_n_step_end(self, step: int, outputs: dict[Any, Any]) -> bool:
        _log.info("Logging Trainable Variables for step %d", step)
        for name in self._names:
            _log.info("%s = %s", name, outputs[name])
        return False


class CaptureVariable(EveryN):
    """Keeps the values of a variable: `values` by step."""

    def __init__(self, var_name: str, every_n: int = 100, first_n: int = 1) -> None:
        super().__init__(every_n, first_n)
        self._name = var_name
        self._values: dict[int, Any] = {}

    @property
    def values(self) -> dict[int, Any]:
        """The values by step."""
        return self._values

    def every_n_step_begin(self, step: int) -> list[Any]:
        return [self._name]

    def every_n_step_end(self, step: int, outputs: dict[Any, Any]) -> bool:
        self._values[step] = np.array(outputs[self._name])
        return False


class GraphDump(BaseMonitor):
    """Keeps the values of the graph's variables and of what is computed of them, by name, for each step: `data`.

    Operations with an effect, such as reading a file or writing a variable, are not asked for their values.

    Args:
        ignore_ops: types of operations to leave out.
    """

    IGNORE_OPS = ("Const", "Assign", "Identity", "Placeholder", "RandomUniform", "Cast", "RestoreSlice")
    _READ = ("VariableV2", "ReadVariableOp")

    def __init__(self, ignore_ops: Sequence[str] | None = None) -> None:
        self._ignored = set(self.IGNORE_OPS if ignore_ops is None else ignore_ops)
        self._data: dict[int, dict[str, Any]] = {}

    @property
    def data(self) -> dict[int, dict[str, Any]]:
        """Values by name by step."""
        return self._data

    def step_begin(self, step: int) -> list[Any]:
        wanted = [op for op in get_default_graph().get_operations() if op.type not in self._ignored]
        plain = [op for op in wanted if op.type in self._READ or not definition_of(op.type).stateful]
        return [t.name for op in plain if not _is_apart(op) for t in op.outputs if t.dtype.is_numpy_compatible]

    def step_end(self, step: int, output: dict[Any, Any]) -> bool:
        self._data[step] = output
        return False

    def compare(self, other_dump: GraphDump, step: int, atol: float = 1e-06) -> tuple[list[str], dict[str, Any]]:
        """The names of the tensors of a step that are alike in another dump, and pairs of values of the others.

        Raises:
            ValueError: a dump has no such step.
        """
        both = self.data.get(step), other_dump.data.get(step)
        if both[0] is None or both[1] is None:
            raise ValueError(f"There are no values of step {step} in {'this' if both[0] is None else 'the other'} dump")
        alike, other = [], {}
        for name in both[0].keys() & both[1].keys():
            a, b = both[0][name], both[1][name]
            is_text = np.asarray(a).dtype.kind not in "biufc"
            if np.shape(a) == np.shape(b) and (np.array_equal(a, b) if is_text else np.allclose(a, b, atol=atol)):
                alike.append(name)
            else:
                other[name] = a, b
        return alike, other


class ValidationMonitor(EveryN):
    """Evaluates new checkpoints while an estimator is trained, and stops when nothing gets better.

    Args:
        x, y, input_fn, batch_size, eval_steps, hooks, name: what the estimator's `evaluate` is given.
        every_n_steps: how often to look for a new checkpoint.
        metrics: None; estimators have theirs.
        early_stopping_rounds: steps without a better value after which to stop; None for never.
        early_stopping_metric: which metric.
        early_stopping_metric_minimize: whether less is better.

    Raises:
        ValueError: neither or both of x and input_fn are given, or metrics.
    """

    def __init__(
        self, x: Any = None, y: Any = None, input_fn: Any = None, batch_size: int | None = None,
        eval_steps: int | None = None, every_n_steps: int = 100, metrics: Any = None, hooks: Any = None,
        early_stopping_rounds: int | None = None, early_stopping_metric: str = "loss",
        early_stopping_metric_minimize: bool = True, name: str | None = None, check_interval_secs: float = 5,
    ) -> None:  # fmt: skip
        super().__init__(every_n_steps, first_n_steps=1)
        del check_interval_secs
        if (x is None) == (input_fn is None):
            raise ValueError("Either x and y or input_fn should be provided.")
        if metrics is not None:
            raise ValueError("metrics of ValidationMonitor: an estimator's metrics are its own; use add_metrics")
        self._given: dict[str, Any] = {
            "x": x, "y": y, "input_fn": input_fn, "batch_size": batch_size, "steps": eval_steps, "hooks": hooks,
            "name": name,
        }  # fmt: skip
        self._rounds, self._metric, self._minimize = (
            early_stopping_rounds,
            early_stopping_metric,
            early_stopping_metric_minimize,
        )
        self._evaluated: str | None = None
        self._best_step: int | None = None
        self._best: Any = None
        self._best_metrics: dict[str, Any] | None = None
        self._stopped = False

    @property
    def early_stopped(self) -> bool:
        """Whether it ended the training."""
        return self._stopped

    @property
    def best_step(self) -> int | None:
        """The step of the best value."""
        return self._best_step

    @property
    def best_value(self) -> Any:
        """The best value of the metric."""
        return self._best

    @property
    def best_metrics(self) -> dict[str, Any] | None:
        """All metrics at the best step."""
        return self._best_metrics

    def every_n_step_end(self, step: int, outputs: dict[Any, Any]) -> bool:
        if self._estimator is None:
            raise ValueError(
                "Missing call to set_estimator: give the monitor to the fit of a tf.contrib.learn estimator"
            )
        newest = self._estimator.core.latest_checkpoint()
        if newest is None or newest == self._evaluated:
            return False
        self._evaluated = newest
        found = self._estimator.evaluate(**self._given)
        _log.info("Validation (step %d): %s", step, ", ".join(f"{key} = {value}" for key, value in found.items()))
        return self._rounds is not None and self._is_over(step, found)

    def _is_over(self, step: int, found: dict[str, Any]) -> bool:
        if self._metric not in found:
            raise ValueError(f"Metric {self._metric} missing from outputs {sorted(found)}.")
        value = found[self._metric]
        if self._best is None or (value < self._best if self._minimize else value > self._best):
            self._best, self._best_step, self._best_metrics = value, step, found
        self._stopped = step - (self._best_step or 0) >= (self._rounds or 0)
        if self._stopped:
            _log.info("Stopping. Best step: %s with %s = %s.", self._best_step, self._metric, self._best)
        return self._stopped


class StepCounter(StepCounterHook):
    """Writes the steps a second as a summary."""

    def __init__(self, every_n_steps: int = 100, output_dir: str | None = None, summary_writer: Any = None) -> None:
        super().__init__(every_n_steps, None, output_dir, summary_writer)


class SummarySaver(SummarySaverHook):
    """Writes a summary every `save_steps` steps."""

    def __init__(
        self, summary_op: Any, save_steps: int = 100, output_dir: str | None = None, summary_writer: Any = None,
        scaffold: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(save_steps, None, output_dir, summary_writer, scaffold, summary_op)


class CheckpointSaver(CheckpointSaverHook):
    """Saves checkpoints every some seconds or steps."""

    def __init__(
        self, checkpoint_dir: str, save_secs: float | None = None, save_steps: int | None = None, saver: Any = None,
        checkpoint_basename: str = "model.ckpt", scaffold: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(checkpoint_dir, save_secs, save_steps, saver, checkpoint_basename, scaffold)


class NanLoss(EveryN):
    """Stops where the loss is NaN.

    Args:
        loss_tensor: the loss.
        every_n_steps: how often to look.
        fail_on_nan_loss: whether to raise, and not just to stop.

    Raises:
        NanLossDuringTrainingError: the loss is NaN.
    """

    def __init__(self, loss_tensor: Tensor, every_n_steps: int = 100, fail_on_nan_loss: bool = True) -> None:
        super().__init__(every_n_steps)
        self._loss, self._fails = loss_tensor, fail_on_nan_loss

    def every_n_step_begin(self, step: int) -> list[Any]:
        return [self._loss]

    def every_n_step_end(self, step: int, outputs: dict[Any, Any]) -> bool:
        if not np.isnan(outputs[_key(self._loss)]).any():
            return False
        if self._fails:
            raise NanLossDuringTrainingError
        _log.error("Model diverged with loss = NaN.")
        return True


class RunHookAdapterForMonitors(SessionRunHook):
    """Several monitors as one hook; monitors are hooks already, and are called as such."""

    def __init__(self, monitors: Sequence[Any]) -> None:
        self._monitors = list(monitors)

    def begin(self) -> None:
        for monitor in self._monitors:
            monitor.begin()

    def after_create_session(self, session: Any, coord: Any) -> None:
        for monitor in self._monitors:
            monitor.after_create_session(session, coord)

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs | None:
        asked = [monitor.before_run(run_context) for monitor in self._monitors]
        return SessionRunArgs([[] if one is None else one.fetches for one in asked])

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        for monitor, results in zip(self._monitors, run_values.results, strict=True):
            monitor.after_run(run_context, SessionRunValues(results, run_values.options, run_values.run_metadata))

    def end(self, session: Any) -> None:
        for monitor in self._monitors:
            monitor.end(session)


def get_default_monitors(
    loss_op: Any = None, summary_op: Any = None, save_summary_steps: int = 100, output_dir: str | None = None,
    summary_writer: Any = None,
) -> list[Any]:  # fmt: skip
    """The usual monitors: the loss is logged, a summary written, if they are given."""
    found: list[Any] = []
    if loss_op is not None:
        found.append(PrintTensor({"loss": loss_op.name}))
    if summary_op is not None:
        found.append(SummarySaver(summary_op, save_summary_steps, output_dir, summary_writer))
    return found


def replace_monitors_with_hooks(monitors_or_hooks: Sequence[Any] | None, estimator: Any) -> list[Any]:
    """The same, as a list of hooks that know their estimator.

    Raises:
        TypeError: one is no hook.
    """
    for monitor in monitors_or_hooks or ():
        if not isinstance(monitor, SessionRunHook):
            raise TypeError(f"monitors must be SessionRunHooks, got {monitor!r}")
        if isinstance(monitor, BaseMonitor):
            monitor.set_estimator(estimator)
    return list(monitors_or_hooks or ())
