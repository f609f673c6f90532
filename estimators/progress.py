"""Progress of training: a bar with loss and examples/s on a terminal, a line every few seconds elsewhere."""

from __future__ import annotations

from typing import Any, TextIO

from ..engine.training.session_run_hook import SessionRunArgs, SessionRunContext, SessionRunHook, SessionRunValues
from ..layers.fitting.callbacks import Callback, Logs
from ..layers.fitting.display import Display


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
        self._stream = stream
        self.steps = self.examples = 0
        self.last: Any = None
        self._display: Display | None = None

    def begin(self) -> None:
        """Starts the clock and draws the bar."""
        self._display = Display(self._stream, self.verbose == 1, self.total, "fit")

    def step(self, loss: Any, examples: int | None = None) -> None:
        """Counts a step, and shows it where it is time."""
        self.steps += 1
        self.examples += examples or self.batch_size or 0
        self.last = loss
        if self.verbose == 1 and self._display is not None and self._display.is_due():
            self._show(self._display)

    def epoch(self, number: int, epochs: int, logs: Logs) -> None:
        """Shows the end of an epoch: for `verbose=2`, a line."""
        if self.verbose == 2 and self._display is not None:
            numbers = ", ".join(f"{name} {float(value):.4g}" for name, value in logs.items())
            self._display.line(f"epoch {number + 1}/{epochs}: {numbers}, {self._speed(self._display)}")

    def _show(self, display: Display) -> None:
        text = f"loss {float(self.last):.4g}, {self._speed(display)}"
        display.show(self.steps, text, f"step {self.steps}{f'/{self.total}' if self.total else ''}: {text}")

    def _speed(self, display: Display) -> str:
        seconds = max(display.seconds, 1e-9)
        if not self.examples:
            return f"{self.steps / seconds:.1f} steps/s"
        return f"{self.examples / seconds:.0f} examples/s"

    def end(self) -> None:
        """Shows the last step and closes the bar."""
        if self._display is None:
            return
        if self.verbose == 1 and self.last is not None:
            self._show(self._display)
        self._display.close()
        self._display = None


class ProgressCallback(Callback):
    """Shows the progress of `fit`, whose steps are counted by whoever makes them."""

    needs_batch_logs = False

    def __init__(self, progress: Progress) -> None:
        super().__init__()
        self._progress = progress

    def on_train_begin(self, logs: Logs | None = None) -> None:
        self._progress.begin()

    def on_epoch_end(self, epoch: int, logs: Logs | None = None) -> None:
        self._progress.epoch(epoch, self.params["epochs"], logs or {})


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
