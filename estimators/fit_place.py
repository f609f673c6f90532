"""Where a `fit` was when a signal asked it to stop: the next one with the same folder goes on with the next step."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..engine.checkpoint.files import write_durably
from ..engine.training.preemption import asked_to_stop
from ..layers.fitting.callbacks import Callback, Logs
from .fitting import EstimatorSteps, Stream

NAME = "fit.json"


class FitPlace(Callback):
    """Notes the place in the folder where a stop was asked for, and begins there.

    Args:
        folder: of the checkpoints.
        steps: of the model.
        stream: of the batches.
        global_step: gives the step that the model is at.
    """

    needs_batch_logs = False
    keeps_place = True

    def __init__(self, folder: str, steps: EstimatorSteps, stream: Stream, global_step: Callable[[], int]) -> None:
        super().__init__()
        self._path = Path(folder) / NAME
        self._steps, self._stream, self._global_step = steps, stream, global_step
        self._epoch = 0

    def goes_on_at(self, loop: Any) -> tuple[int, int] | None:
        try:
            place = json.loads(self._path.read_bytes())
        except FileNotFoundError:
            return None
        # Trained by others since: what was interrupted is over.
        if place["global_step"] != self._global_step():
            self._path.unlink()
            return None
        self._stream.go_on(place["order"], place["batches"])
        self._steps.total, self._steps.rows = place["total"], place["rows"]
        return place["epoch"], place["batch"]

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._epoch = epoch

    def after_train_batch(self, batch: int) -> None:
        if asked_to_stop():
            self._note(self._epoch, batch + 1)

    def after_epoch(self, epoch: int) -> None:
        if asked_to_stop():
            self._note(epoch + 1, 0)

    def _note(self, epoch: int, batch: int) -> None:
        place = {
            "global_step": self._global_step(),
            "epoch": epoch,
            "batch": batch,
            "order": self._stream.order,
            "batches": self._stream.batches,
            "total": self._steps.total,
            "rows": self._steps.rows,
        }
        write_durably(self._path, json.dumps(place).encode())

    def on_train_end(self, logs: Logs | None = None) -> None:
        # A signal that came at the very end is no reason to train again.
        if not asked_to_stop():
            self._path.unlink(missing_ok=True)
