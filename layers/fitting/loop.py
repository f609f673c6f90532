"""The loop of `fit`: epochs of batches with callbacks and validation, for Keras's models and for estimators."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from .callbacks import CallbackList, Logs
from .replicas import Replicas
from .rows import Array
from .sources import Batch, Source


@dataclass(frozen=True)
class Plan:
    """How long a fit trains: up to `epochs`, each of `steps_per_epoch` batches (all by default), validated now and then."""

    epochs: int
    initial_epoch: int = 0
    steps_per_epoch: int | None = None
    validation_freq: Any = 1

    def validates(self, epoch: int) -> bool:
        """Whether an epoch (counted from 0) is followed by a validation."""
        if hasattr(self.validation_freq, "__index__"):
            return (epoch + 1) % int(self.validation_freq) == 0
        return epoch + 1 in self.validation_freq


class Steps(Protocol):
    """The steps of a model: what a dialect does with a batch."""

    def begin(self) -> None:
        """Before the first batch of an epoch."""

    def __call__(self, arrays: list[Array], rows: int) -> Logs:
        """A step with a batch; the metrics so far, none where no callback looks at them."""

    def logs(self) -> Logs:
        """The metrics of all batches since `begin`."""

    def end(self) -> None:
        """After the last epoch."""


def run_batches(
    kind: str, source: Source, steps: Steps, callbacks: CallbackList, limit: int | None = None, skip: int = 0,
    stops: Callable[[], bool] = lambda: False, where: str = "",
) -> int:  # fmt: skip
    """One epoch of batches.

    Args:
        kind: which methods of callbacks are called: "train_batch", "test_batch" or "predict_batch".
        source: of the batches.
        steps: what is done with them.
        callbacks: called before and after each.
        limit: number of batches, by default all there are.
        skip: batches that were done before.
        stops: whether to leave after a batch.
        where: what follows the number of a batch in a note at the error of its step.

    Returns:
        The number of rows.

    Raises:
        ValueError: there was no batch.
    """
    looks, rows = callbacks.looks_at_batches(kind), 0
    if limit is not None and skip >= limit:
        return 0
    for number, (arrays, count) in enumerate(_batches(source, steps), skip):
        if looks:
            callbacks.batch_begin(kind, number)
        try:
            logs = steps(arrays, count)
        except Exception as error:
            error.add_note(f"In batch {number + 1}{where}.")
            raise
        rows += count
        if looks:
            callbacks.batch_end(kind, number, logs)
        if _agreed(steps, stops(), True) or (limit is not None and number + 1 >= limit):
            break
    if not rows and not skip:
        raise ValueError("The data gave no batch")
    return rows


def _batches(source: Source, steps: Any) -> Iterator[Batch]:
    return steps.batches(source) if isinstance(steps, Replicas) else source.epoch()


def _agreed(steps: Any, wants: bool, in_epoch: bool) -> bool:
    """Whether to stop: on several ranks all do if one wants to."""
    return steps.stops(wants, in_epoch) if isinstance(steps, Replicas) else wants


class Loop:
    """Runs a plan.

    Args:
        plan: what to do.
        source: of the batches.
        steps: of training.
        callbacks: called on the way.
        model: whose `stop_training` ends the loop.
        validate: the metrics of the validation data with the weights as they are; None where there are none.
    """

    def __init__(
        self, plan: Plan, source: Source, steps: Steps, callbacks: CallbackList, model: Any,
        validate: Callable[[], Logs] | None = None,
    ) -> None:  # fmt: skip
        self.plan, self.source, self.steps, self.callbacks = plan, source, steps, callbacks
        self.model, self.validate = model, validate

    def __call__(self) -> Logs:
        """Trains; the metrics of the last epoch."""
        with self.callbacks.around():
            return self._trained()

    def _trained(self) -> Logs:
        self.model.stop_training = False
        self.callbacks.call("on_train_begin")
        first, skip = self._place()
        logs: Logs = {}
        for epoch in range(first, self.plan.epochs):
            logs = self._epoch(epoch, skip)
            skip = 0
            if _agreed(self.steps, bool(self.model.stop_training), False):
                break
        self.steps.end()
        self.callbacks.call("on_train_end", logs)
        if isinstance(self.steps, Replicas):
            # What the chief has written is there for all.
            self.steps.meet()
        return logs

    def _place(self) -> tuple[int, int]:
        """Where to begin: epoch and batch, which a callback may know."""
        places = [callback.goes_on_at(self) for callback in self.callbacks]
        return next((place for place in places if place is not None), (self.plan.initial_epoch, 0))

    def _epoch(self, epoch: int, skip: int) -> Logs:
        if not skip:
            self.steps.begin()
        self.callbacks.on_epoch_begin(epoch)
        run_batches(
            "train_batch", self.source, self.steps, self.callbacks, self.plan.steps_per_epoch, skip,
            lambda: bool(self.model.stop_training), f" of epoch {epoch + 1} of {self.plan.epochs}",
        )  # fmt: skip
        self.source.on_epoch_end()
        logs = self.steps.logs()
        if self.validate is not None and self.plan.validates(epoch):
            logs.update({f"val_{name}": value for name, value in self.validate().items()})
        self.callbacks.on_epoch_end(epoch, logs)
        return logs
