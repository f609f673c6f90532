"""ProgbarLogger: a bar on a terminal, lines elsewhere, one line an epoch, or nothing."""

from __future__ import annotations

import sys
import time
from typing import Any, TextIO

import numpy as np

from .callbacks import Callback, Logs

# Seconds between lines where there is no terminal, and between readings of the metrics for the bar.
LINE_SECONDS = 5.0
BAR_SECONDS = 0.1


class ProgbarLogger(Callback):
    """Shows how far an epoch is and the metrics so far.

    Args:
        count_mode: accepted.
        verbose: 0 for nothing; 1 for a bar on a terminal, and where there is none a line every few seconds and after
            each epoch; 2 for a line after each epoch.
        stream: where to; standard error by default.
    """

    needs_batch_logs = False

    def __init__(self, count_mode: str = "steps", verbose: int = 1, stream: TextIO | None = None) -> None:
        super().__init__()
        del count_mode
        self.verbose = verbose
        self._stream = stream
        self._bar: Any = None
        self._in_fit = False
        self._epoch = 0

    def _begin(self, title: str) -> None:
        self._title, self._started = title, time.monotonic()
        self._shown, self._seen = self._started, 0
        out = self._stream if self._stream is not None else sys.stderr
        self._out = out
        if self.verbose == 1 and out.isatty():
            from tqdm import tqdm

            self._bar = tqdm(total=self.params.get("steps"), file=out, desc=title, unit="step", leave=True)

    def _batch(self, with_metrics: bool = True) -> None:
        self._seen += 1
        now = time.monotonic()
        if self.verbose != 1 or now - self._shown < (LINE_SECONDS if self._bar is None else BAR_SECONDS):
            return
        self._shown = now
        text = _text(self.model.get_metrics_result()) if with_metrics else ""
        if self._bar is not None:
            self._advance(text)
        else:
            total = self.params.get("steps")
            of = f"/{total}" if total else ""
            self._line(f"{self._title}: step {self._seen}{of}{', ' if text else ''}{text}")

    def _advance(self, text: str) -> None:
        self._bar.update(self._seen - self._bar.n)
        self._bar.set_postfix_str(text)

    def _line(self, text: str) -> None:
        self._out.write(text + "\n")
        self._out.flush()

    def _end(self, logs: Logs, always: bool) -> None:
        text = _text(logs)
        if self._bar is not None:
            self._advance(text)
            self._bar.close()
            self._bar = None
        elif self.verbose and (always or time.monotonic() - self._started >= LINE_SECONDS):
            seconds = time.monotonic() - self._started
            self._line(f"{self._title}: {self._seen} steps, {seconds:.1f} s{', ' if text else ''}{text}")

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
            self._end(logs or {}, self.verbose == 2 or self._bar is not None)

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
