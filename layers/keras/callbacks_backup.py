"""BackupAndRestore: a fit that was interrupted goes on where it was, bit by bit."""

from __future__ import annotations

import io
import json
import logging
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from ...engine.training.data_parallel import is_chief
from ...engine.training.preemption import PREEMPTED_STATUS, Preemption, any_of_all
from ..fitting.callbacks import Callback, Logs
from ..fitting.chances import chances, set_chances
from .backend import get_session
from .callbacks_files import check_frequency
from .reading_h5 import OddFileError, arrays_in, group_in, reading
from .saving import set_fitting, storable, weight_groups, write_groups, written
from .steps import Columns

logger = logging.getLogger("headrace")


class BackupAndRestore(Callback):
    """Keeps what fit needs to go on where it was interrupted: a fit with the same folder begins there.

    One file holds the weights, the optimizer's state, the metrics so far, the place in the data, the state of random
    ops and of NumPy's and Python's generators, and what callbacks keep (`kept_state`): early stopping, plateaus, the
    history, tables. So the rest is what it would have been without an interruption, to the last bit, where the data are
    arrays, a `tf.data.Dataset`, or come from a generator or Sequence that gives the same batches again. The file is
    deleted when fit ends.

    SIGTERM and SIGUSR1 end the fit after the step, or after the validation that is on its way: a backup is written, and
    SystemExit raised.

    Args:
        backup_dir: a folder of its own.
        save_freq: "epoch", or a number of batches.
        double_checkpoint: keep the backup before the last one too, and use it where the last one cannot be read.
        delete_checkpoint: delete the backup when fit ends.
        preemption_exit_status: the status of that SystemExit; None leaves the signals alone.

    Raises:
        ValueError: backup_dir is empty, save_freq is something else, or the backup is one of another model.
    """

    needs_batch_logs = False
    keeps_place = True

    def __init__(
        self,
        backup_dir: Any,
        save_freq: Any = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
        preemption_exit_status: int | None = PREEMPTED_STATUS,
    ) -> None:
        super().__init__()
        if not os.fspath(backup_dir):
            raise ValueError("backup_dir of BackupAndRestore must name a folder")
        check_frequency("BackupAndRestore", save_freq)
        self.backup_dir, self.save_freq = Path(os.fspath(backup_dir)), save_freq
        self.double_checkpoint, self.delete_checkpoint = double_checkpoint, delete_checkpoint
        self._epoch, self._batches = 0, 0
        self._loop: Any = None
        # Of the fit that goes on: the rest of its epoch may have no batch.
        self._columns: Any = None
        self._preemption = None if preemption_exit_status is None else Preemption(preemption_exit_status, any_of_all)

    def around(self) -> AbstractContextManager[Any]:
        return self._preemption or nullcontext()

    @property
    def _file(self) -> Path:
        return self.backup_dir / "backup.h5"

    @property
    def _file_before(self) -> Path:
        return self.backup_dir / "backup.before.h5"

    def goes_on_at(self, loop: Any) -> tuple[int, int] | None:
        self._loop = loop
        if not (self._file.exists() or self._file_before.exists()):
            return None
        try:
            return self._resumed(self._file)
        except ValueError as error:
            if not self._file_before.exists():
                raise
            logger.warning("The backup %s cannot be used, the one before is: %s", self._file, error)
            return self._resumed(self._file_before)

    def _resumed(self, path: Path) -> tuple[int, int]:
        import h5py

        loop = self._loop
        with reading(path), _naming(path), h5py.File(path, "r", locking=False) as file:
            state = _state_of(file, path)
            # In the order in which an epoch begins, so that random ops get the same seeds.
            loop.steps.begin()
            loop.source.go_to(state["source"])
            self._columns = Columns.of_plain(state["columns"])
            loop.steps.prepare(self._columns)
            self._restore(file, path)
            self._take(state)
        # What was about to end has no epoch left.
        return (loop.plan.epochs, 0) if state.get("stops") else (state["epoch"], state["batch"])

    def _take(self, state: dict[str, Any]) -> None:
        """Goes on with the state of generators, random ops and callbacks."""
        loop = self._loop
        set_chances(state["chances"])
        get_session().runtime.resources.set_random_state(state["ops"])
        waiting = list(loop.callbacks)
        for name, kept in state["callbacks"]:
            callback = next((c for c in waiting if type(c).__name__ == name), None)
            if callback is not None:
                waiting.remove(callback)
                callback.take_state(kept)
        self._batches = state["batches"]

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._epoch = epoch

    def after_train_batch(self, batch: int) -> None:
        self._batches += 1
        is_due = self.save_freq != "epoch" and self._batches % self.save_freq == 0
        self._save_where(is_due, self._epoch, batch + 1)

    def after_epoch(self, epoch: int) -> None:
        self._save_where(True, epoch + 1, 0)

    def _save_where(self, is_due: bool, epoch: int, batch: int) -> None:
        preemption = self._preemption
        stops = preemption is not None and preemption.agree()
        if is_due or stops:
            self._save(epoch, batch)
        if preemption is not None and stops:
            preemption.leave()

    def on_train_end(self, logs: Logs | None = None) -> None:
        if self.delete_checkpoint and is_chief():
            for path in (self._file, self._file_before):
                path.unlink(missing_ok=True)

    def _variables(self) -> list[tuple[str, list[Any]]]:
        model = self.model
        if not model.optimizer.built:
            model.optimizer.build(model._weights_to_train())
        metrics = [v for metric in model.metrics for v in metric.variables]
        return [
            *weight_groups(model),
            ("optimizer/vars", list(model.optimizer.variables)),
            ("metrics/vars", metrics),
        ]

    def _save(self, epoch: int, batch: int) -> None:
        import h5py

        # All ranks go on from the backup of one.
        if not is_chief():
            return
        stream = io.BytesIO()
        with h5py.File(stream, "w") as file:
            write_groups(file, self._variables())
            state = {
                "epoch": epoch,
                "batch": batch,
                "batches": self._batches,
                "stops": bool(self.model.stop_training),
                "source": self._loop.source.place(),
                "columns": (self._loop.source.columns or self._columns).parts(),
                "chances": chances(),
                "ops": get_session().runtime.resources.random_state(),
                "callbacks": [_kept(file, i, callback) for i, callback in enumerate(self._loop.callbacks)],
            }
            file["state"] = np.frombuffer(json.dumps(state, default=_plain).encode(), np.uint8)
        self.backup_dir.mkdir(parents=True, exist_ok=True)
        if self.double_checkpoint and self._file.exists():
            self._file.replace(self._file_before)
        written(self._file, stream.getvalue())

    def _restore(self, file: Any, path: Path) -> None:
        pairs: list[tuple[Any, Any]] = []
        for group, variables in self._variables():
            stored = group_in(file, group)
            if variables and (stored is None or len(stored) != len(variables)):
                raise ValueError(f"{path} is the backup of another model: it does not fit {group!r}")
            pairs += zip(variables, arrays_in(stored), strict=True) if variables else []
        set_fitting(pairs, False, str(path))


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Makes errors about odd state name the file."""
    try:
        yield
    except ValueError as error:
        if str(path) in str(error) or isinstance(error, OddFileError):
            raise
        raise ValueError(f"{path} cannot be used as a backup: {error}") from error


_NUMBERS = ("epoch", "batch", "batches")


def _state_of(file: Any, path: Path) -> dict[str, Any]:
    if "state" not in file:
        raise ValueError(f"{path} is no backup: it holds no state")
    state: Any = json.loads(bytes(file["state"][()]))
    if not isinstance(state, dict) or any(not isinstance(state.get(name), int) or state[name] < 0 for name in _NUMBERS):
        raise ValueError(f"{path} is no backup: {', '.join(_NUMBERS)} must be whole numbers")
    for number, (_, kept) in enumerate(state["callbacks"]):
        kept.update({name: _arrays(file, number, name) for name in kept.pop("arrays")})
    found: dict[str, Any] = state
    return found


def _kept(file: Any, number: int, callback: Callback) -> tuple[str, dict[str, Any]]:
    """A callback's class and its state; lists of arrays go to the file."""
    state = dict(callback.kept_state())
    arrays = [name for name, value in state.items() if _is_arrays(value)]
    for name in arrays:
        for i, value in enumerate(state.pop(name)):
            file[f"callbacks/{number}/{name}/{i}"] = storable(value)
    return type(callback).__name__, {**state, "arrays": arrays}


def _is_arrays(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, np.ndarray) for one in value)


def _arrays(file: Any, number: int, name: str) -> list[Any]:
    group = group_in(file, f"callbacks/{number}/{name}")
    return [] if group is None else [array[()] for array in arrays_in(group)]


def _plain(value: Any) -> Any:
    """NumPy's numbers and arrays as Python's."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"kept_state of a callback must give plain values or lists of arrays, got {value!r}")
