"""The evaluator of a training by other processes: it evaluates new checkpoints until the training is over."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from ..cluster.launcher import launch
from ..cluster.world import world

# Seconds between looks for a new checkpoint, and for the end of the training.
_PAUSE = 0.1


def evaluate_continuously(
    newest: Callable[[], str | None], evaluate: Callable[[], tuple[dict[str, Any], list[Any]]], delay: float,
    throttle: float, last_step: int | None,
) -> tuple[dict[str, Any] | None, list[Any] | None]:  # fmt: skip
    """Evaluates checkpoints as they come, and the last one in any case.

    The training is over when the global step `last_step` was evaluated, or a process of this job has ended its program.

    Args:
        newest: the prefix of the newest checkpoint.
        evaluate: evaluates it.
        delay: seconds before the first evaluation.
        throttle: an evaluation starts so many seconds after the one before, or later, while others train.
        last_step: where training ends; None for an unknown end.

    Returns:
        The result of the last evaluation; (None, None) if there was no checkpoint.
    """
    # The other processes wait for this one to start MPI.
    job = world() if launch().size > 1 else None

    def is_over() -> bool:
        return job is not None and bool(job.ended())

    result: tuple[dict[str, Any] | None, list[Any] | None] = (None, None)
    evaluated = None
    _wait(delay, is_over)
    while True:
        # Asked first: what was saved before the end is seen.
        over, start, found = is_over(), time.monotonic(), newest()
        if found is not None and found != evaluated:
            result, evaluated = evaluate(), found
        if over or (last_step is not None and result[0] is not None and result[0]["global_step"] >= last_step):
            return result
        # The first checkpoint is evaluated when it comes.
        _wait(_PAUSE if evaluated is None else max(_PAUSE, start + throttle - time.monotonic()), is_over)


def _wait(seconds: float, is_over: Callable[[], bool]) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until and not is_over():
        time.sleep(min(_PAUSE, max(0.0, until - time.monotonic())))
