"""Progress of training: a bar with loss and examples/s on a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Any, TextIO

from ..engine.training.session_run_hook import SessionRunArgs, SessionRunContext, SessionRunHook, SessionRunValues

# Seconds between lines where there is no terminal, and between readings of the loss for the bar.
LINE_SECONDS = 5.0
BAR_SECONDS = 0.1


class ProgressHook(SessionRunHook):
    """Shows how far training is; verbose=0 shows nothing.

    Args:
        loss: the tensor to show.
        total: steps there will be, None if not known.
        batch_size: examples a step, None if not known.
        verbose: 0 for silence.
        stream: where to; standard error by default.
    """

    def __init__(
        self, loss: Any, total: int | None, batch_size: int | None, verbose: int = 1, stream: TextIO | None = None
    ) -> None:
        self.loss, self.total, self.batch_size, self.verbose = loss, total, batch_size, verbose
        self.stream = stream if stream is not None else sys.stderr
        self.steps = 0
        self.last: Any = None
        self.bar: Any = None

    def begin(self) -> None:
        self.started = self.shown = time.monotonic()
        if self.verbose and self.stream.isatty():
            from tqdm import tqdm

            self.bar = tqdm(total=self.total, file=self.stream, unit="step", desc="fit")

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs | None:
        return SessionRunArgs(self.loss) if self.verbose else None

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        self.steps += 1
        self.last = run_values.results
        now = time.monotonic()
        if not self.verbose or now - self.shown < (LINE_SECONDS if self.bar is None else BAR_SECONDS):
            return
        self._show(float(run_values.results), now)

    def _show(self, loss: float, now: float) -> None:
        self.shown = now
        if self.bar is not None:
            self.bar.update(self.steps - self.bar.n)
            self.bar.set_postfix_str(self._text(loss, now))
        else:
            of = f"/{self.total}" if self.total else ""
            self.stream.write(f"step {self.steps}{of}: {self._text(loss, now)}\n")
            self.stream.flush()

    def _text(self, loss: float, now: float) -> str:
        rate = self.steps / max(now - self.started, 1e-9)
        speed = f"{rate:.1f} steps/s" if self.batch_size is None else f"{rate * self.batch_size:.0f} examples/s"
        return f"loss {loss:.4g}, {speed}"

    def end(self, session: Any) -> None:
        if self.verbose and self.last is not None:
            self._show(float(self.last), time.monotonic())
        if self.bar is not None:
            self.bar.close()
