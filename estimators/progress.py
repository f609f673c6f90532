"""Progress of training: a bar with loss and examples/s on a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Any, TextIO

from ..engine.training.session_run_hook import SessionRunArgs, SessionRunContext, SessionRunHook, SessionRunValues

# Seconds between lines where there is no terminal, and between readings of the loss for the bar.
LINE_SECONDS = 5.0
BAR_SECONDS = 0.1


class Progress:
    """Shows how far training is: a bar on a terminal, else a line every few seconds and one at the end.

    Args:
        total: steps there will be, None if not known.
        batch_size: examples a step, None if not known.
        verbose: 0 for silence, 1 for a bar or lines, 2 for a line an epoch.
        stream: where to; standard error by default.
    """

    def __init__(
        self, total: int | None, batch_size: int | None, verbose: int = 1, stream: TextIO | None = None
    ) -> None:
        self.total, self.batch_size, self.verbose = total, batch_size, verbose
        self.stream = stream if stream is not None else sys.stderr
        self.steps = self.examples = 0
        self.last: Any = None
        self.bar: Any = None

    def begin(self) -> None:
        """Starts the clock and draws the bar."""
        self.started = self.shown = time.monotonic()
        if self.verbose == 1 and self.stream.isatty():
            from tqdm import tqdm

            self.bar = tqdm(total=self.total, file=self.stream, unit="step", desc="fit")

    def step(self, loss: Any, examples: int | None = None) -> None:
        """Counts a step, and shows it where it is time."""
        self.steps += 1
        self.examples += examples or self.batch_size or 0
        self.last = loss
        if self.verbose != 1:
            return
        now = time.monotonic()
        if now - self.shown >= (LINE_SECONDS if self.bar is None else BAR_SECONDS):
            self._show(now)

    def epoch(self, number: int, epochs: int, logs: dict[str, Any]) -> None:
        """Shows the end of an epoch: for `verbose=2`, a line."""
        if self.verbose == 2:
            numbers = ", ".join(f"{name} {float(value):.4g}" for name, value in logs.items())
            self._write(f"epoch {number + 1}/{epochs}: {numbers}, {self._speed(time.monotonic())}")

    def _show(self, now: float) -> None:
        self.shown = now
        text = f"loss {float(self.last):.4g}, {self._speed(now)}"
        if self.bar is not None:
            self.bar.update(self.steps - self.bar.n)
            self.bar.set_postfix_str(text)
        else:
            self._write(f"step {self.steps}{f'/{self.total}' if self.total else ''}: {text}")

    def _write(self, line: str) -> None:
        self.stream.write(line + "\n")
        self.stream.flush()

    def _speed(self, now: float) -> str:
        seconds = max(now - self.started, 1e-9)
        if not self.examples:
            return f"{self.steps / seconds:.1f} steps/s"
        return f"{self.examples / seconds:.0f} examples/s"

    def end(self) -> None:
        """Shows the last step and closes the bar."""
        if self.verbose == 1 and self.last is not None:
            self._show(time.monotonic())
        if self.bar is not None:
            self.bar.close()


class ProgressHook(SessionRunHook):
    """Shows the progress of `train`; verbose=0 shows nothing.

    Args:
        loss: the tensor to show.
        total: steps there will be, None if not known.
        batch_size: examples a step, None if not known.
        verbose: 0 for silence.
        stream: where to; standard error by default.
    """

    def __init__(
        self,
        loss: Any,
        total: int | None = None,
        batch_size: int | None = None,
        verbose: int = 1,
        stream: TextIO | None = None,
    ) -> None:
        self._loss, self._verbose = loss, verbose
        self.progress = Progress(total, batch_size, verbose, stream)

    def begin(self) -> None:
        self.progress.begin()

    def before_run(self, run_context: SessionRunContext) -> SessionRunArgs | None:
        return SessionRunArgs(self._loss) if self._verbose else None

    def after_run(self, run_context: SessionRunContext, run_values: SessionRunValues) -> None:
        if self._verbose:
            self.progress.step(run_values.results)

    def end(self, session: Any) -> None:
        self.progress.end()
