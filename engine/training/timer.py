"""SecondOrStepTimer: when a hook is due, by seconds or by steps."""

from __future__ import annotations

import time
from typing import Any

import numpy as np


class NeverTriggerTimer:
    """A timer that is never due."""

    def should_trigger_for_step(self, step: int) -> bool:
        """False."""
        return False

    def update_last_triggered_step(self, step: int) -> tuple[float | None, int | None]:
        """Nothing has passed."""
        return None, None

    def last_triggered_step(self) -> int | None:
        """None."""
        return None

    def reset(self) -> None:
        """Does nothing."""


class SecondOrStepTimer:
    """Is due at the first step, and then every so many seconds or steps, as TF 1.15's.

    Args:
        every_secs: seconds; exactly one of the two must be given.
        every_steps: steps.

    Raises:
        TypeError: the number of steps is no whole number, that of seconds no number.
        ValueError: both or none are given, steps below 1, or seconds below 0.
    """

    def __init__(self, every_secs: float | None = None, every_steps: int | None = None) -> None:
        if every_secs is None and every_steps is None:
            raise ValueError("Either every_secs or every_steps should be provided.")
        if every_secs is not None and every_steps is not None:
            raise ValueError("Can not provide both every_secs and every_steps.")
        self._every_secs = seconds("every_secs", every_secs)
        self._every_steps = steps("every_steps", every_steps)
        self.reset()

    def reset(self) -> None:
        """Makes the timer due at the next step."""
        self._last_step: int | None = None
        self._last_time: float | None = None

    def should_trigger_for_step(self, step: int) -> bool:
        """Whether the timer is due at `step`; never twice at one step."""
        if self._last_step is None or self._last_time is None:
            return True
        if step == self._last_step:
            return False
        if self._every_secs is not None:
            return time.monotonic() >= self._last_time + self._every_secs
        return self._every_steps is not None and step >= self._last_step + self._every_steps

    def update_last_triggered_step(self, step: int) -> tuple[float | None, int | None]:
        """Notes that it was due at `step`; the seconds and steps since the last time, or two Nones."""
        now = time.monotonic()
        passed: tuple[float | None, int | None] = (None, None)
        if self._last_step is not None and self._last_time is not None:
            passed = now - self._last_time, step - self._last_step
        self._last_time, self._last_step = now, step
        return passed

    def last_triggered_step(self) -> int | None:
        """The step at which it was last due."""
        return self._last_step


def whole(name: str, number: Any) -> int | None:
    """A whole number, or None; TypeError names what is none."""
    is_whole = isinstance(number, int | np.integer) or (isinstance(number, float) and number.is_integer())
    if number is not None and (isinstance(number, bool) or not is_whole):
        raise TypeError(f"{name} must be a whole number, got {number!r}")
    return None if number is None else int(number)


def steps(name: str, number: Any) -> int | None:
    """A number of steps between two times, or None; TypeError or ValueError name what is none."""
    try:
        found = whole(name, number)
    except TypeError:
        raise TypeError(f"{name} must be a whole number from 1 on, got {number!r}") from None
    if found is not None and found < 1:
        raise ValueError(f"{name} must be a whole number from 1 on, got {number!r}")
    return found


def seconds(name: str, number: Any) -> float | None:
    """A number of seconds between two times, or None; TypeError or ValueError name what is none."""
    if number is None:
        return None
    if isinstance(number, bool) or not isinstance(number, int | float | np.integer | np.floating):
        raise TypeError(f"{name} must be a number of seconds, got {number!r}")
    if not number >= 0:
        raise ValueError(f"{name} must be a number of seconds from 0 on, got {number!r}")
    return float(number)
