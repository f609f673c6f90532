"""Where progress is shown: a bar on a terminal, else a line every few seconds."""

from __future__ import annotations

import sys
import time
from typing import Any, TextIO

# Seconds between lines where there is no terminal, and between changes of the bar.
LINE_SECONDS = 5.0
BAR_SECONDS = 0.1


class Display:
    """A bar, or lines.

    Args:
        stream: where to; standard error by default.
        draws: whether to draw a bar where the stream is a terminal.
        total: steps there will be, None if not known.
        title: of the bar.
    """

    def __init__(self, stream: TextIO | None, draws: bool, total: int | None, title: str) -> None:
        self.stream = stream if stream is not None else sys.stderr
        self._bar: Any = None
        self._started = self._shown = time.monotonic()
        if draws and self.stream.isatty():
            from tqdm import tqdm

            self._bar = tqdm(total=total, file=self.stream, desc=title, unit="step")

    @property
    def has_bar(self) -> bool:
        """Whether there is a bar, and lines are not written."""
        return self._bar is not None

    @property
    def seconds(self) -> float:
        """Since it was made."""
        return time.monotonic() - self._started

    def is_due(self) -> bool:
        """Whether it is time to show something again."""
        now = time.monotonic()
        due = now - self._shown >= (BAR_SECONDS if self.has_bar else LINE_SECONDS)
        if due:
            self._shown = now
        return due

    def show(self, steps: int, text: str, line: str) -> None:
        """Moves the bar to a number of steps with a text beside it; where there is none, writes a line."""
        if self._bar is None:
            self.line(line)
            return
        self._bar.update(steps - self._bar.n)
        self._bar.set_postfix_str(text)

    def line(self, text: str) -> None:
        """Writes a line at once."""
        self.stream.write(text + "\n")
        self.stream.flush()

    def close(self) -> None:
        """Leaves the bar as it is."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None
