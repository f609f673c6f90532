"""Small launches of steps that need nothing of each other, as one launch a kernel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..gpu.calls import DeviceArray, Launch
from ..gpu.device import Call
from ..gpu.joined import MOST, join, may_join
from .gpu_steps import DeviceStep

Work = list[Launch | Call]
Table = Callable[[np.ndarray[Any, Any]], DeviceArray]


def joined(steps: Sequence[DeviceStep | None], table: Table) -> list[Work]:
    """The work of each step, that of neighbours joined where they leave each other's memory alone.

    What is joined is done at the first of its steps, and the others do nothing there. None stands for a step on the host.
    """
    work: list[Work] = [[] if step is None else list(step.work) for step in steps]
    waiting: list[int] = []
    for i, step in enumerate(steps):
        if step is not None and not step.work:
            continue
        if step is None or not _is_alone(step) or any(_meet(step, steps[k]) for k in waiting):
            _join_all(work, waiting, table)
            waiting = []
        if step is not None and _is_alone(step):
            waiting.append(i)
    _join_all(work, waiting, table)
    return work


def _is_alone(step: DeviceStep) -> bool:
    """Whether a step is one launch that may be joined."""
    if len(step.work) != 1 or step.parts or step.inputs:
        return False
    item = step.work[0]
    # A step that may fail is computed again from what it was given, which its output must leave as it is.
    whole = not (step.fallible and _overlap(step.writes, step.reads))
    return isinstance(item, Launch) and whole and may_join(item)


def _meet(one: DeviceStep, other: DeviceStep | None) -> bool:
    if other is None:
        return False
    return _overlap(one.writes, other.reads) or _overlap(one.reads, other.writes) or _overlap(one.writes, other.writes)


def _overlap(some: Sequence[tuple[int, int]], others: Sequence[tuple[int, int]]) -> bool:
    return any(a < d and c < b for a, b in some for c, d in others)


def _join_all(work: list[Work], steps: Sequence[int], table: Table) -> None:
    groups: dict[tuple[Any, ...], list[int]] = {}
    for i in steps:
        launch = work[i][0]
        if isinstance(launch, Launch):
            groups.setdefault((launch.kernel.name, launch.block), []).append(i)
    for members in groups.values():
        for start in range(0, len(members), MOST):
            chosen = members[start : start + MOST]
            if len(chosen) > 1:
                launches = [item for i in chosen for item in work[i] if isinstance(item, Launch)]
                for i in chosen:
                    work[i] = []
                work[chosen[0]] = [join(launches, table)]
