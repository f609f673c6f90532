"""InMemoryEvaluatorHook and make_stop_at_checkpoint_step_hook, as tf.estimator.experimental's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..engine.graph import Graph
from ..engine.lookup import tables_initializer
from ..engine.session import Session
from ..engine.training.basic_session_run_hooks import StopAtStepHook
from ..engine.training.global_step import get_global_step
from ..engine.training.session_run_hook import SessionRunContext, SessionRunHook, SessionRunValues
from ..engine.training.timer import SecondOrStepTimer
from ..engine.variable_lists import global_variables, local_variables_initializer
from .estimator import Estimator, _run_evaluation
from .inputs import InputFn
from .model_fn import ModeKeys


class InMemoryEvaluatorHook(SessionRunHook):
    """Evaluates a model while it is trained, with the values that its variables have, and without a checkpoint.

    Evaluations are made at the start, every so often, and at the end; each goes through the input anew.

    Args:
        estimator: the estimator that is trained.
        input_fn: gives the tensors of (features, labels).
        steps: batches of an evaluation; None for all.
        hooks: SessionRunHooks: not supported, must be empty.
        name: ends the name of the folder of event files, `eval_<name>`.
        every_n_iter: steps between evaluations.

    Raises:
        ValueError: every_n_iter is not positive, or there are hooks.

    Example:
        >>> import headrace as tf
        >>> model = tf.estimator.LinearRegressor([tf.feature_column.numeric_column("x")])
        >>> data = lambda: ({"x": tf.constant([[1.0]])}, tf.constant([1.0]))
        >>> hook = tf.estimator.experimental.InMemoryEvaluatorHook(model, data, steps=1, every_n_iter=5)
        >>> _ = model.train(data, hooks=[hook], steps=10)
        >>> sorted(tf.contrib.estimator.read_eval_metrics(model.eval_dir()))
        [0, 5, 10]
    """

    def __init__(
        self,
        estimator: Estimator,
        input_fn: InputFn,
        steps: int | None = None,
        hooks: Sequence[Any] | None = None,
        name: str | None = None,
        every_n_iter: int = 100,
    ) -> None:
        if not every_n_iter or every_n_iter < 0:
            raise ValueError(f"invalid every_n_iter={every_n_iter}.")
        if hooks:
            raise ValueError("InMemoryEvaluatorHook takes no hooks for its evaluations")
        self._estimator, self._input_fn, self._steps, self._name = estimator, input_fn, steps, name
        self._timer = SecondOrStepTimer(every_steps=every_n_iter)
        self._iterations = 0

    def begin(self) -> None:
        """Makes the graph of the evaluations."""
        self._timer.reset()
        self._iterations = 0
        trained = {variable.op.name: variable for variable in global_variables()}
        given = self._estimator._input(self._input_fn, ModeKeys.EVAL)
        with given.graph.as_default() as graph:
            self._spec = self._estimator._spec(given.features, given.labels, ModeKeys.EVAL)
            self._init = [local_variables_initializer(), tables_initializer()]
            self._step = get_global_step()
            self._variables = {variable.op.name: variable for variable in global_variables()}
        missing = sorted(set(self._variables) - set(trained))
        if missing:
            raise ValueError(f"Variables of the evaluation are not in the graph that is trained: {missing}")
        self._trained = {name: trained[name] for name in self._variables}
        self._graph: Graph = graph

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Evaluates the start."""
        self._evaluate(session)

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        """Evaluates where it is time."""
        self._iterations += 1
        if self._timer.should_trigger_for_step(self._iterations):
            self._evaluate(run_context.session)

    def end(self, session: Any) -> None:
        """Evaluates the end if that was not done yet."""
        if self._timer.last_triggered_step() != self._iterations:
            self._evaluate(session)

    def _evaluate(self, session: Any) -> None:
        self._timer.update_last_triggered_step(self._iterations)
        values = session.run(self._trained)
        with Session(graph=self._graph, config=self._estimator.config.session_options) as own:
            loads = [variable.initializer for variable in self._variables.values()]
            feeds = {v.initializer.inputs[1]: values[name] for name, v in self._variables.items()}
            own.run(loads, feeds)
            own.run(self._init)
            found = _run_evaluation(own, self._spec, self._steps)
            found["global_step"] = int(own.run(self._step))
        self._estimator._write_evaluation(found, self._name)


def make_stop_at_checkpoint_step_hook(
    estimator: Estimator, last_step: int, wait_after_file_check_secs: float = 30
) -> SessionRunHook:
    """A hook that stops training at a global step; in one process that is `tf.train.StopAtStepHook`.

    Args:
        estimator: the estimator that is trained.
        last_step: the step.
        wait_after_file_check_secs: accepted: no other process is waited for.
    """
    del estimator, wait_after_file_check_secs
    return StopAtStepHook(last_step=last_step)
