"""`tf.contrib.learn`'s Experiment, an estimator with its inputs, and learn_runner.run, which runs one."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from .contrib_learn import BaseEstimator
from .estimator import Estimator
from .training import EvaluationListener


class Experiment:
    """An estimator with all that is needed to train and evaluate it, as `tf.contrib.learn.Experiment`.

    Args:
        estimator: one of `tf.contrib.learn` or of `tf.estimator`.
        train_input_fn, eval_input_fn: give the tensors of (features, labels).
        train_steps: the global step up to which is trained; None for as long as there is input.
        eval_steps: batches of an evaluation; None for all.
        train_monitors, eval_hooks: SessionRunHooks.
        min_eval_frequency: steps from one evaluation while training to the next, or more, as checkpoints are saved;
            None for each checkpoint, 0 for none.
        saving_listeners: CheckpointSaverListeners of the training.

    Raises:
        ValueError: the estimator is none.
    """

    def __init__(
        self,
        estimator: BaseEstimator | Estimator,
        train_input_fn: Callable[..., Any],
        eval_input_fn: Callable[..., Any],
        train_steps: int | None = None,
        eval_steps: int | None = 100,
        train_monitors: Sequence[Any] | None = None,
        eval_hooks: Sequence[Any] | None = None,
        min_eval_frequency: int | None = None,
        saving_listeners: Sequence[Any] | None = None,
    ) -> None:
        if not isinstance(estimator, BaseEstimator | Estimator):
            raise ValueError(f"`estimator` must be one of tf.contrib.learn or tf.estimator, got {estimator!r}")
        self._estimator = estimator
        self._core = estimator if isinstance(estimator, Estimator) else estimator.core
        self._train_input_fn, self._eval_input_fn = train_input_fn, eval_input_fn
        self._train_steps, self._eval_steps = train_steps, eval_steps
        self._train_monitors, self._eval_hooks = list(train_monitors or ()), list(eval_hooks or ())
        self._min_eval_frequency = 1 if min_eval_frequency is None else min_eval_frequency
        self._saving_listeners = list(saving_listeners or ())

    @property
    def estimator(self) -> BaseEstimator | Estimator:
        """The estimator."""
        return self._estimator

    @property
    def train_steps(self) -> int | None:
        """The global step up to which is trained."""
        return self._train_steps

    @property
    def eval_steps(self) -> int | None:
        """Batches of an evaluation."""
        return self._eval_steps

    def extend_train_hooks(self, additional_hooks: Sequence[Any]) -> None:
        """Adds hooks to the training."""
        self._train_monitors.extend(additional_hooks)

    def train(self) -> BaseEstimator | Estimator:
        """Trains up to `train_steps`; the estimator."""
        self._train(self._train_steps, [])
        return self._estimator

    def _train(self, max_steps: int | None, listeners: list[Any]) -> None:
        self._core.train(
            self._train_input_fn,
            hooks=self._train_monitors,
            max_steps=max_steps,
            saving_listeners=[*self._saving_listeners, *listeners],
        )

    def evaluate(self, name: str | None = None) -> dict[str, Any]:
        """The metrics of the newest checkpoint, also written to the folder `eval_<name>`, "one_pass" by default."""
        return self._evaluate(self._eval_steps, name or "one_pass")

    def _evaluate(self, steps: int | None, name: str | None) -> dict[str, Any]:
        return Estimator.evaluate(self._core, self._eval_input_fn, steps=steps, hooks=self._eval_hooks, name=name)

    def train_and_evaluate(self) -> tuple[dict[str, Any], list[Any]]:
        """Trains, evaluates checkpoints on the way, and the last; its metrics, and no exports."""
        listeners = []
        if self._min_eval_frequency:
            evaluate = lambda: self._evaluate(self._eval_steps, None)  # noqa: E731
            listeners.append(EvaluationListener(evaluate, every_steps=self._min_eval_frequency))
        self._train(self._train_steps, listeners)
        last = listeners[0].result if listeners else None
        return last if last is not None else self._evaluate(self._eval_steps, None), []

    # The old name of the same.
    local_run = train_and_evaluate

    def test(self) -> tuple[dict[str, Any], list[Any]]:
        """One step of training and one of evaluation, to see whether the parts fit; the metrics, and no exports."""
        self._core.train(self._train_input_fn, hooks=self._train_monitors, steps=1)
        return self._evaluate(1, "one_pass"), []


def run(
    experiment_fn: Callable[..., Experiment],
    output_dir: str | os.PathLike[str] | None = None,
    schedule: str | None = None,
    run_config: Any = None,
    hparams: Any = None,
) -> Any:
    """Makes an experiment and calls one of its methods, as `tf.contrib.learn.learn_runner.run`.

    Args:
        experiment_fn: `experiment_fn(output_dir)`, or `experiment_fn(run_config, hparams)` where run_config is given,
            without hparams if they are None.
        output_dir: the folder of the model; one of this and run_config is given.
        schedule: the method; "train_and_evaluate" by default.
        run_config: a RunConfig that has a model_dir.
        hparams: what the function makes the model of.

    Returns:
        What the method returns.

    Raises:
        ValueError: output_dir and run_config are both given or both missing, hparams come with output_dir, the model_dir
            is missing or not the estimator's, or there is no such method.
        TypeError: experiment_fn is no function or gives no Experiment.
    """
    if not callable(experiment_fn):
        raise TypeError(f"Experiment builder {experiment_fn!r} is not callable.")
    experiment = experiment_fn(*_arguments(output_dir, run_config, hparams))
    if not isinstance(experiment, Experiment):
        raise TypeError(f"Experiment builder did not return an Experiment instance, got {type(experiment)} instead.")
    if run_config is not None and experiment.estimator.model_dir != os.fspath(run_config.model_dir):
        raise ValueError(
            f"The estimator's model_dir is {experiment.estimator.model_dir!r}, run_config's {run_config.model_dir!r}: "
            "give it `config` in experiment_fn"
        )
    return _method(experiment, schedule or "train_and_evaluate")()


def _arguments(output_dir: Any, run_config: Any, hparams: Any) -> tuple[Any, ...]:
    if (output_dir is None) == (run_config is None):
        raise ValueError(f"Give one of `output_dir` and `run_config`, got {output_dir!r} and {run_config!r}")
    if run_config is None:
        if hparams is not None:
            raise ValueError("Must set `hparams` as None for `experiment_fn` with `output_dir`.")
        return (output_dir,)
    if not run_config.model_dir:
        raise ValueError("Must specify `model_dir` in `run_config`")
    return (run_config,) if hparams is None else (run_config, hparams)


def _method(experiment: Experiment, schedule: str) -> Any:
    names = [n for n in dir(experiment) if not n.startswith("_") and callable(getattr(experiment, n))]
    if schedule not in names:
        raise ValueError(f"Schedule references non-existent task {schedule!r}; there are {names}")
    return getattr(experiment, schedule)
