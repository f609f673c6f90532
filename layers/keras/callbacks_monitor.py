"""Callbacks that watch a metric or the learning rate: early stopping, plateaus, schedules, NaN."""

from __future__ import annotations

import logging
import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from ..fitting.callbacks import Callback, Logs

logger = logging.getLogger("headrace")

# Parts of names of metrics that are better when they are larger.
_LARGER = (
    "acc", "auc", "precision", "recall", "f1", "fbeta", "iou", "r2", "true_", "correlation", "cosine", "sensitivity",
    "specificity",
)  # fmt: skip


def say(verbose: int, text: str) -> None:
    """Writes a line to standard error unless `verbose` is 0."""
    if verbose:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()


class MonitorCallback(Callback):
    """What follows a metric: which one, in which direction, and whether a value is an improvement.

    Args:
        monitor: the metric's name.
        mode: "min", "max", or "auto" to tell by the name.
        min_delta: how much better counts.

    Raises:
        ValueError: another mode.
    """

    needs_batch_logs = False
    # The attributes that a fit that was interrupted goes on with.
    _kept: tuple[str, ...] = ("best",)

    def __init__(self, monitor: str = "val_loss", mode: str = "auto", min_delta: float = 0.0) -> None:
        super().__init__()
        if mode not in ("auto", "min", "max"):
            raise ValueError(f"mode of {type(self).__name__} must be 'auto', 'min' or 'max', got {mode!r}")
        self.monitor, self.mode, self.min_delta = monitor, mode, abs(min_delta)
        self.best: Any = None

    def kept_state(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self._kept}

    def take_state(self, state: dict[str, Any]) -> None:
        vars(self).update({name: state[name] for name in self._kept})

    def _is_improvement(self, value: Any, reference: Any) -> bool:
        if reference is None:
            return True
        if self._larger_is_better():
            return bool(value - self.min_delta > reference)
        return bool(value + self.min_delta < reference)

    def _larger_is_better(self) -> bool:
        if self.mode != "auto":
            return self.mode == "max"
        name = self.monitor.removeprefix("val_")
        return "loss" not in name and any(part in name for part in _LARGER)

    def _monitored(self, logs: Logs | None) -> Any:
        """The metric's value, None with a warning where there is none."""
        value = (logs or {}).get(self.monitor)
        if value is None:
            logger.warning(
                "%s is conditioned on the metric %s, which is not available; there are: %s",
                type(self).__name__, self.monitor, ", ".join(logs or ()),
            )  # fmt: skip
        return value


class EarlyStopping(MonitorCallback):
    """Ends training when a metric has not become better for some epochs.

    Args:
        monitor: the metric's name.
        min_delta: how much better counts.
        patience: after how many epochs without an improvement to stop.
        verbose: 1 for a line when it happens.
        mode: "min", "max", or "auto" to tell by the name.
        baseline: the metric must become better than this.
        restore_best_weights: whether the weights of the best epoch are put back at the end.
        start_from_epoch: epochs before this number do not count.
    """

    _kept = ("wait", "stopped_epoch", "best_epoch", "best", "best_weights")

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        self.patience, self.verbose, self.baseline = patience, verbose, baseline
        self.restore_best_weights, self.start_from_epoch = restore_best_weights, start_from_epoch
        self.on_train_begin()

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best = None
        self.best_weights: list[Any] | None = None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        value = self._monitored(logs)
        if value is None or epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self._keep(epoch)
        self.wait += 1
        if self._is_improvement(value, self.best):
            self.best = value
            if self.restore_best_weights:
                self._keep(epoch)
            self.best_epoch = epoch
            if self.baseline is None or self._is_improvement(value, self.baseline):
                self.wait = 0
                return
        if self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def _keep(self, epoch: int) -> None:
        self.best_weights = self.model.get_weights()
        self.best_epoch = epoch

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self.stopped_epoch:
            say(self.verbose, f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.restore_best_weights and self.best_weights is not None:
            say(self.verbose, f"Restoring model weights from the end of the best epoch: {self.best_epoch + 1}.")
            self.model.set_weights(self.best_weights)


class ReduceLROnPlateau(MonitorCallback):
    """Makes the learning rate smaller when a metric has not become better for some epochs.

    Args:
        monitor: the metric's name.
        factor: the learning rate is multiplied by it.
        patience: after how many epochs without an improvement.
        verbose: 1 for a line when it happens.
        mode: "min", "max", or "auto" to tell by the name.
        min_delta: how much better counts.
        cooldown: epochs after a change that do not count.
        min_lr: the smallest learning rate.

    Raises:
        ValueError: factor is 1 or more.
    """

    _kept = ("wait", "cooldown_counter", "best")

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
    ) -> None:
        super().__init__(monitor, mode, min_delta)
        if factor >= 1.0:
            raise ValueError(f"factor of ReduceLROnPlateau must be below 1, got {factor}")
        self.factor, self.patience, self.verbose = factor, patience, verbose
        self.cooldown, self.min_lr = cooldown, min_lr
        self.on_train_begin()

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self.wait = self.cooldown_counter = 0
        self.best = None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        rate = self.model.optimizer.current_learning_rate()
        if logs is not None:
            logs["learning_rate"] = rate
        value = self._monitored(logs)
        if value is None:
            return
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.wait = 0
        if self._is_improvement(value, self.best):
            self.best = value
            self.wait = 0
        elif self.cooldown_counter <= 0:
            self.wait += 1
            if self.wait >= self.patience:
                self._reduce(epoch, rate)

    def _reduce(self, epoch: int, rate: float) -> None:
        if rate <= np.float32(self.min_lr):
            return
        new = max(rate * self.factor, self.min_lr)
        self.model.optimizer.learning_rate = new
        say(self.verbose, f"Epoch {epoch + 1}: ReduceLROnPlateau reducing learning rate to {new}.")
        self.cooldown_counter, self.wait = self.cooldown, 0


class LearningRateScheduler(Callback):
    """Sets the learning rate before each epoch to `schedule(epoch, learning_rate)` (or `schedule(epoch)`).

    Raises:
        ValueError: the schedule gives no number.
    """

    needs_batch_logs = False

    def __init__(self, schedule: Callable[..., Any], verbose: int = 0) -> None:
        super().__init__()
        self.schedule, self.verbose = schedule, verbose

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        optimizer = self.model.optimizer
        try:
            rate = self.schedule(epoch, optimizer.current_learning_rate())
        except TypeError:
            rate = self.schedule(epoch)
        if isinstance(rate, bool) or not isinstance(rate, int | float | np.floating | np.integer):
            raise ValueError(
                f"The schedule of LearningRateScheduler must give a number, got {rate!r} for epoch {epoch}"
            )
        optimizer.learning_rate = float(rate)
        say(self.verbose, f"Epoch {epoch + 1}: LearningRateScheduler setting learning rate to {rate}.")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if logs is not None:
            logs["learning_rate"] = self.model.optimizer.current_learning_rate()


class TerminateOnNaN(Callback):
    """Ends training when the loss becomes NaN or infinite."""

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        loss = (logs or {}).get("loss")
        if loss is not None and not math.isfinite(loss):
            say(1, f"Batch {batch}: Invalid loss, terminating training")
            self.model.stop_training = True
