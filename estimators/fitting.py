"""The loop of `fit`: epochs over arrays, with callbacks, validation and progress, on a model that is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from ..engine.training.basic_session_run_hooks import NanLossDuringTrainingError
from .array_input import ArrayInput
from .callbacks import Callbacks
from .kept import Values
from .progress import Progress

# Steps that `fit` makes where no number of epochs is given; a whole number of epochs, one at least.
USUAL_STEPS = 1000


@dataclass(frozen=True)
class Plan:
    """How long `fit` trains and what it does on the way; arguments as for `ArrayEstimator.fit`."""

    epochs: int
    initial_epoch: int
    steps_per_epoch: int | None
    shuffle: bool
    validation_freq: int | Sequence[int]
    verbose: int

    @classmethod
    def of(cls, epochs: Any, steps_per_epoch: Any, batches: int, initial_epoch: Any, **rest: Any) -> Plan:
        """A plan, checked.

        Raises:
            TypeError: a number is no integer.
            ValueError: it is too small.
        """
        for name, value, least in (
            ("epochs", epochs, 1), ("steps_per_epoch", steps_per_epoch, 1), ("initial_epoch", initial_epoch, 0)
        ):  # fmt: skip
            if value is None:
                continue
            if not isinstance(value, int | np.integer) or isinstance(value, bool):
                raise TypeError(f"{name} must be an integer, got {value!r}")
            if value < least:
                raise ValueError(f"{name} must be at least {least}, got {value}")
        if epochs is None:
            epochs = initial_epoch + max(1, round(USUAL_STEPS / (steps_per_epoch or batches)))
        return cls(int(epochs), int(initial_epoch), steps_per_epoch, **rest)

    def validates(self, epoch: int) -> bool:
        """Whether the validation data are evaluated after an epoch."""
        if isinstance(self.validation_freq, int | np.integer):
            return (epoch + 1) % int(self.validation_freq) == 0
        return epoch + 1 in self.validation_freq


class Loop:
    """Runs a plan.

    Args:
        plan: what to do.
        data: what is trained on.
        rng: draws the order of the examples.
        run: makes a step with a batch; gives the loss.
        validate: evaluates the validation data with the weights as they are, None if there are none.
        callbacks: called on the way.
    """

    def __init__(
        self,
        plan: Plan,
        data: ArrayInput,
        rng: np.random.Generator,
        run: Callable[[Values], Any],
        validate: Callable[[], dict[str, Any]] | None,
        callbacks: Callbacks,
    ) -> None:
        self.plan, self.data, self.rng = plan, data, rng
        self.run, self.validate, self.callbacks = run, validate, callbacks
        self.history: dict[str, list[float]] = {}
        steps = plan.steps_per_epoch or len(data)
        self.steps = steps
        self.progress = Progress(steps * (plan.epochs - plan.initial_epoch), None, plan.verbose)

    def __call__(self) -> dict[str, list[float]]:
        """The losses and metrics of each epoch, by name."""
        self.callbacks.call("on_train_begin", {})
        self.progress.begin()
        # Steps go on in the data from one epoch to the next; a pass is an epoch where nothing else is said.
        stream = self._stream()
        logs: dict[str, Any] = {}
        try:
            for epoch in range(self.plan.initial_epoch, self.plan.epochs):
                logs = self._epoch(epoch, islice(stream, self.steps))
                if self.callbacks.model.stop_training:
                    break
        finally:
            self.progress.end()
        self.callbacks.call("on_train_end", logs)
        return self.history

    def _stream(self) -> Iterator[Values]:
        while True:
            yield from self.data.shuffled(self.rng) if self.plan.shuffle else self.data.batches()

    def _epoch(self, epoch: int, batches: Iterator[Values]) -> dict[str, Any]:
        self.callbacks.call("on_epoch_begin", epoch, {})
        logs: dict[str, Any] = {"loss": self._trained(batches)}
        if self.validate is not None and self.plan.validates(epoch):
            self.callbacks.call("on_test_begin", {})
            found = {name: float(value) for name, value in self.validate().items() if np.ndim(value) == 0}
            self.callbacks.call("on_test_end", found)
            logs.update({f"val_{name}": value for name, value in found.items()})
        for name, value in logs.items():
            self.history.setdefault(name, []).append(value)
        self.progress.epoch(epoch, self.plan.epochs, logs)
        self.callbacks.call("on_epoch_end", epoch, logs)
        return logs

    def _trained(self, batches: Iterator[Values]) -> float:
        """The mean loss of the examples of an epoch."""
        total, seen = 0.0, 0
        for step, values in enumerate(batches):
            if self.callbacks:
                self.callbacks.call("on_train_batch_begin", step, {})
            rows = len(values[0])
            loss = float(self.run(values))
            if loss != loss:
                raise NanLossDuringTrainingError
            total, seen = total + loss * rows, seen + rows
            self.progress.step(loss, rows)
            if self.callbacks:
                self.callbacks.call("on_train_batch_end", step, {"loss": loss})
                if self.callbacks.model.stop_training:
                    break
        return total / max(seen, 1)
