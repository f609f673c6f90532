"""Callbacks that write files: checkpoints of the model, tables of metrics."""

from __future__ import annotations

import csv
import json
import os
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from ...engine.training.preemption import PREEMPTED_STATUS, Preemption
from ..fitting.callbacks import Callback, Logs
from .callbacks_monitor import MonitorCallback, say


class ModelCheckpoint(MonitorCallback):
    """Writes the model, or its weights, after epochs or every some batches.

    SIGTERM and SIGUSR1 end the fit after the step: the model is written, and SystemExit raised; not with save_best_only
    or metrics in the file's name. BackupAndRestore besides lets the fit go on with the next batch.

    Args:
        filepath: of the file; may hold `{epoch}` and names of metrics, as in "{epoch:02d}-{val_loss:.2f}.keras". Ends in
            .keras (or .h5); with save_weights_only in .weights.h5 (or .h5).
        monitor: the metric's name.
        verbose: 1 for a line when it happens.
        save_best_only: write only if the metric is better than ever before.
        save_weights_only: the weights and not the whole model.
        mode: "min", "max", or "auto" to tell by the name.
        save_freq: "epoch", or a number of batches.
        initial_value_threshold: the metric must be better than this.
        preemption_exit_status: the status of that SystemExit; None leaves the signals alone.

    Raises:
        ValueError: the file's name does not fit, or save_freq is neither.
    """

    _kept = ("best", "_batches")
    chief_only = True

    def __init__(
        self,
        filepath: Any,
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: Any = "epoch",
        initial_value_threshold: float | None = None,
        preemption_exit_status: int | None = PREEMPTED_STATUS,
    ) -> None:
        super().__init__(monitor, mode)
        self.filepath, self.verbose = os.fspath(filepath), verbose
        self.save_best_only, self.save_weights_only = save_best_only, save_weights_only
        self.save_freq, self.best = save_freq, initial_value_threshold
        suffixes = (".weights.h5", ".h5", ".hdf5") if save_weights_only else (".keras", ".h5", ".hdf5")
        if not self.filepath.endswith(suffixes):
            raise ValueError(
                f"filepath of ModelCheckpoint must end in {' or '.join(suffixes[:2])}, got {self.filepath!r}"
            )
        check_frequency("ModelCheckpoint", save_freq)
        self.needs_batch_logs = save_freq != "epoch"
        self._epoch, self._batches = 0, 0
        self._preemption: Preemption | None = None
        if preemption_exit_status is not None and not save_best_only and self._is_named_at_any_time():
            self._preemption = Preemption(preemption_exit_status)
        self._leaves = True

    def _is_named_at_any_time(self) -> bool:
        try:
            self.filepath.format(epoch=1, batch=1)
        except (KeyError, IndexError, ValueError):
            return False
        return True

    def around(self) -> AbstractContextManager[Any]:
        return self._preemption or nullcontext()

    def goes_on_at(self, loop: Any) -> tuple[int, int] | None:
        self._leaves = not any(callback.keeps_place for callback in loop.callbacks)
        return None

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        is_due = self._preemption is not None and self._preemption.agree()
        if self.save_freq != "epoch":
            self._batches += 1
            is_due = is_due or self._batches % self.save_freq == 0
        if is_due:
            self._save(self._epoch, batch, logs or {})

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        stops = self._preemption is not None and self._preemption.agree()
        if stops or self.save_freq == "epoch":
            self._save(epoch, None, logs or {})

    def after_train_batch(self, batch: int) -> None:
        self._leave()

    def after_epoch(self, epoch: int) -> None:
        self._leave()

    def _leave(self) -> None:
        # Not before: other callbacks may save too.
        if self._preemption is not None and self._preemption.stops and self._leaves:
            self._preemption.leave()

    def _save(self, epoch: int, batch: int | None, logs: Logs) -> None:
        try:
            path = self.filepath.format(epoch=epoch + 1, batch=0 if batch is None else batch + 1, **logs)
        except KeyError as error:
            raise KeyError(
                f"filepath {self.filepath!r} of ModelCheckpoint names {error}, but there are epoch, batch and: "
                f"{', '.join(logs)}"
            ) from None
        if self.save_best_only and not self._is_better(epoch, logs):
            return
        say(self.verbose, f"Epoch {epoch + 1}: saving model to {path}")
        if self.save_weights_only:
            self.model.save_weights(path, overwrite=True)
        else:
            self.model.save(path, overwrite=True)

    def _is_better(self, epoch: int, logs: Logs) -> bool:
        value = self._monitored(logs)
        if value is None:
            return False
        if not self._is_improvement(value, self.best):
            say(self.verbose, f"Epoch {epoch + 1}: {self.monitor} did not improve from {self.best:.5f}")
            return False
        self.best = value
        return True


def check_frequency(name: str, save_freq: Any) -> None:
    """Raises ValueError for what is neither "epoch" nor a positive number of batches."""
    if save_freq != "epoch" and (isinstance(save_freq, bool) or not isinstance(save_freq, int) or save_freq < 1):
        raise ValueError(f"save_freq of {name} must be 'epoch' or a positive number of batches, got {save_freq!r}")


class CSVLogger(Callback):
    """Writes the metrics of each epoch as a row of a table.

    Args:
        filename: of the table.
        separator: between columns.
        append: go on with a table that is there.
    """

    needs_batch_logs = False
    chief_only = True

    def __init__(self, filename: Any, separator: str = ",", append: bool = False) -> None:
        super().__init__()
        self.filename, self.sep, self.append = Path(os.fspath(filename)), separator, append
        self.keys: list[str] | None = None
        self._with_header, self._is_begun = True, False

    def on_train_begin(self, logs: Logs | None = None) -> None:
        has_rows = self.append and self.filename.exists() and self.filename.stat().st_size > 0
        self._with_header, self._is_begun, self.keys = not has_rows, self.append, None

    def kept_state(self) -> dict[str, Any]:
        size = self.filename.stat().st_size if self._is_begun and self.filename.exists() else 0
        return {"size": size, "keys": self.keys, "header": self._with_header, "begun": self._is_begun}

    def take_state(self, state: dict[str, Any]) -> None:
        self.keys, self._with_header, self._is_begun = state["keys"], state["header"], state["begun"]
        if self._is_begun and self.filename.exists():
            # Rows that were written after the backup will be written again.
            os.truncate(self.filename, min(state["size"], self.filename.stat().st_size))

    def _begin(self) -> None:
        # Not before there is a row: an interrupted fit goes on with the table that is there.
        if not self._is_begun:
            self.filename.write_text("")
            self._is_begun = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._begin()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = logs or {}
        self._begin()
        if self.keys is None:
            self.keys = sorted(logs)
            if self._with_header:
                self._row(["epoch", *self.keys])
        self._row([epoch, *(_cell(logs.get(key, "NA")) for key in self.keys)])

    def _row(self, cells: list[Any]) -> None:
        with self.filename.open("a", newline="", encoding="utf-8") as file:
            csv.writer(file, delimiter=self.sep).writerow(cells)


def _cell(value: Any) -> Any:
    return value if np.ndim(value) == 0 else json.dumps(np.asarray(value).tolist())
