"""One run of a step at one task: the values so far, and which stage may start."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from .plans import StagePlan, TaskPlan


class TaskRun:
    """The stages of a task run one after the other, each when all that it needs is there."""

    __slots__ = ("_next", "_running", "ended_stages", "plan", "traced", "traces", "values")

    def __init__(self, plan: TaskPlan, traced: int = 0) -> None:
        self.plan = plan
        # Whether the client wants to know what the stages do, and what there is of that by now.
        self.traced = traced
        self.traces: dict[int, Any] = {}
        self.values: dict[int, Any] = {}
        self.ended_stages: set[int] = set()
        self._next = 0
        self._running = False

    def offer(self, ids: Iterable[int], values: Iterable[Any], ended: int | None = None) -> None:
        """Takes in values, and that a stage has ended."""
        self.values.update(zip(ids, values, strict=True))
        if ended is not None:
            self.ended_stages.add(ended)

    def start(self) -> StagePlan | None:
        """The stage that may start now, marked as running; None while it must wait, or when all have run."""
        if self._running or self.is_over:
            return None
        stage = self.plan.stages[self._next]
        if not self._is_ready(stage):
            return None
        self._running = True
        return stage

    def inputs(self, stage: StagePlan) -> list[Any]:
        """What a stage is fed."""
        return [self.values[i] for i in stage.takes]

    def ended(self, stage: StagePlan, results: Sequence[Any]) -> None:
        """Takes in what the running stage gave."""
        self.offer(stage.gives, results, stage.number)
        self._running = False
        self._next += 1

    @property
    def is_over(self) -> bool:
        """Whether all stages have run."""
        return self._next == len(self.plan.stages)

    @property
    def returned(self) -> list[Any]:
        """What the client gets."""
        return [self.values[i] for i in self.plan.returns]

    @property
    def missing(self) -> tuple[int | None, list[int], list[int]]:
        """The number of the stage that waits, the values it waits for, and the stages."""
        if self._running or self.is_over:
            return None, [], []
        stage = self.plan.stages[self._next]
        values = [i for i in stage.takes if i not in self.values]
        return stage.number, values, [i for i in stage.awaits if i not in self.ended_stages]

    def _is_ready(self, stage: StagePlan) -> bool:
        return all(i in self.values for i in stage.takes) and all(i in self.ended_stages for i in stage.awaits)
