"""Callbacks that write files: checkpoints of the model, backups to go on from, tables of metrics."""

from __future__ import annotations

import csv
import io
import json
import os
from pathlib import Path
from typing import Any

import numpy as np

from ..fitting.callbacks import Callback, Logs
from .callbacks_monitor import MonitorCallback, say
from .reading_h5 import arrays_in, group_in
from .saving import set_fitting, weight_groups, write_groups, written


class ModelCheckpoint(MonitorCallback):
    """Writes the model, or its weights, after epochs or every some batches.

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

    Raises:
        ValueError: the file's name does not fit, or save_freq is neither.
    """

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
        _check_frequency("ModelCheckpoint", save_freq)
        self.needs_batch_logs = save_freq != "epoch"
        self._epoch, self._batches = 0, 0

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if self.save_freq == "epoch":
            return
        self._batches += 1
        if self._batches % self.save_freq == 0:
            self._save(self._epoch, batch, logs or {})

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        if self.save_freq == "epoch":
            self._save(epoch, None, logs or {})

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


def _check_frequency(name: str, save_freq: Any) -> None:
    if save_freq != "epoch" and (isinstance(save_freq, bool) or not isinstance(save_freq, int) or save_freq < 1):
        raise ValueError(f"save_freq of {name} must be 'epoch' or a positive number of batches, got {save_freq!r}")


class BackupAndRestore(Callback):
    """Keeps what fit needs to go on where it was interrupted: a fit with the same folder begins there.

    The weights, the optimizer's state, the metrics so far and the state of NumPy's generator, which says the order of
    rows, are written to one file; so that the rest is what it would have been without an interruption (but for what
    random layers draw). The file is deleted when fit ends.

    Args:
        backup_dir: a folder of its own.
        save_freq: "epoch", or a number of batches.
        double_checkpoint: keep the backup before the last one too.
        delete_checkpoint: delete the backup when fit ends.
    """

    needs_batch_logs = False

    def __init__(
        self,
        backup_dir: Any,
        save_freq: Any = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ) -> None:
        super().__init__()
        if not os.fspath(backup_dir):
            raise ValueError("backup_dir of BackupAndRestore must name a folder")
        _check_frequency("BackupAndRestore", save_freq)
        self.backup_dir, self.save_freq = Path(os.fspath(backup_dir)), save_freq
        self.double_checkpoint, self.delete_checkpoint = double_checkpoint, delete_checkpoint
        self._epoch, self._batches = 0, 0
        self._order: Any = None
        self._place: tuple[int, int] | None = None

    @property
    def _file(self) -> Path:
        return self.backup_dir / "backup.h5"

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._place = None
        if self._file.exists():
            self._restore()

    def goes_on_at(self, loop: Any) -> tuple[int, int] | None:
        return self._place

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._epoch = epoch
        self._order = np.random.get_state(legacy=True)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._batches += 1
        if self.save_freq != "epoch" and self._batches % self.save_freq == 0:
            self._save(self._epoch, batch + 1, self._order)

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self._save(epoch + 1, 0, np.random.get_state(legacy=True))

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self.delete_checkpoint:
            for path in (self._file, self._file.with_suffix(".before.h5")):
                path.unlink(missing_ok=True)

    def _variables(self) -> list[tuple[str, list[Any]]]:
        model = self.model
        if not model.optimizer.built:
            model.optimizer.build(model.trainable_weights)
        metrics = [v for metric in model.metrics for v in metric.variables]
        return [
            *weight_groups(model),
            ("optimizer/vars", list(model.optimizer.variables)),
            ("metrics/vars", metrics),
        ]

    def _save(self, epoch: int, batch: int, order: Any) -> None:
        import h5py

        stream = io.BytesIO()
        with h5py.File(stream, "w") as file:
            write_groups(file, self._variables())
            kind, keys, *rest = order
            file.create_dataset("random/keys", data=keys)
            file.attrs["place"] = json.dumps({"epoch": epoch, "batch": batch, "random": [str(kind), *map(float, rest)]})
        self.backup_dir.mkdir(parents=True, exist_ok=True)
        if self.double_checkpoint and self._file.exists():
            self._file.replace(self._file.with_suffix(".before.h5"))
        written(self._file, stream.getvalue())

    def _restore(self) -> None:
        import h5py

        with h5py.File(self._file, "r") as file:
            place = json.loads(file.attrs["place"])
            pairs: list[tuple[Any, Any]] = []
            for group, variables in self._variables():
                stored = group_in(file, group)
                if group == "metrics/vars" and (stored is None or len(stored) != len(variables)):
                    continue
                if stored is None or len(stored) != len(variables):
                    raise ValueError(f"{self._file} is the backup of another model: it does not fit {group!r}")
                pairs += zip(variables, arrays_in(stored), strict=True)
            kind, position, has_gauss, cached = place["random"]
            keys = file["random/keys"][()]
            set_fitting(pairs, False, str(self._file))
        np.random.set_state((kind, keys, int(position), int(has_gauss), cached))
        self._place = place["epoch"], place["batch"]


class CSVLogger(Callback):
    """Writes the metrics of each epoch as a row of a table.

    Args:
        filename: of the table.
        separator: between columns.
        append: go on with a table that is there.
    """

    needs_batch_logs = False

    def __init__(self, filename: Any, separator: str = ",", append: bool = False) -> None:
        super().__init__()
        self.filename, self.sep, self.append = Path(os.fspath(filename)), separator, append
        self.keys: list[str] | None = None

    def on_train_begin(self, logs: Logs | None = None) -> None:
        has_rows = self.append and self.filename.exists() and self.filename.stat().st_size > 0
        self._with_header = not has_rows
        if not self.append:
            self.filename.write_text("")
        self.keys = None

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        logs = logs or {}
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
