"""ProgbarLogger: a bar on a terminal, lines elsewhere, one line an epoch, or nothing."""

from __future__ import annotations

from typing import Any, TextIO

import numpy as np

from ..fitting.callbacks import Callback, Logs
from ..fitting.display import LINE_SECONDS, Display


class ProgbarLogger(Callback):
    """Shows how far an epoch is and the metrics so far.

    Args:
        count_mode: accepted.
        verbose: 0 for nothing; 1 for a bar on a terminal, and where there is none a line every few seconds and after
            each epoch; 2 for a line after each epoch.
        stream: where to; standard error by default.
    """

    needs_batch_logs = False
    chief_only = True

    def __init__(self, count_mode: str = "steps", verbose: int = 1, stream: TextIO | None = None) -> None:
        super().__init__()
        del count_mode
        self.verbose = verbose
        self._stream = stream
        self._in_fit = False
        self._epoch = 0

    def _begin(self, title: str) -> None:
        self._title, self._seen = title, 0
        self._display = Display(self._stream, self.verbose == 1, self.params.get("steps"), title)

    def _batch(self, with_metrics: bool = True) -> None:
        self._seen += 1
        if self.verbose != 1 or not self._display.is_due():
            return
        text = _text(self.model.get_metrics_result()) if with_metrics else ""
        total = self.params.get("steps")
        of = f"/{total}" if total else ""
        self._display.show(self._seen, text, f"{self._title}: step {self._seen}{of}{', ' if text else ''}{text}")

    def _end(self, logs: Logs, always: bool) -> None:
        text, display = _text(logs), self._display
        if display.has_bar or (self.verbose and (always or display.seconds >= LINE_SECONDS)):
            said = f"{self._title}: {self._seen} steps, {display.seconds:.1f} s{', ' if text else ''}{text}"
            display.show(self._seen, text, said)
        display.close()

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._in_fit = True

    def on_train_end(self, logs: Logs | None = None) -> None:
        self._in_fit = False

    def on_epoch_begin(self, epoch: int, logs: Logs | None = None) -> None:
        self._epoch = epoch
        self._begin(f"Epoch {epoch + 1}/{self.params.get('epochs')}")

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self._end(logs or {}, True)

    def on_train_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._batch()

    def on_test_begin(self, logs: Logs | None = None) -> None:
        if not self._in_fit:
            self._begin("evaluate")

    def on_test_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        if not self._in_fit:
            self._batch()

    def on_test_end(self, logs: Logs | None = None) -> None:
        if not self._in_fit:
            self._end(logs or {}, self.verbose == 2 or self._display.has_bar)

    def on_predict_begin(self, logs: Logs | None = None) -> None:
        self._begin("predict")

    def on_predict_batch_end(self, batch: int, logs: Logs | None = None) -> None:
        self._batch(with_metrics=False)

    def on_predict_end(self, logs: Logs | None = None) -> None:
        self._end({}, False)


def _text(logs: Logs) -> str:
    return ", ".join(f"{name} {_number(value)}" for name, value in logs.items())


def _number(value: Any) -> str:
    return f"{value:.4g}" if np.ndim(value) == 0 else np.array2string(np.asarray(value), precision=4)
