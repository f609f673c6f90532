"""What a client does in a run of a step: its own task's stages, and waiting for the other tasks. A state machine."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from ..messages import Kind, Message
from .plans import StagePlan, TaskPlan
from .run import TaskRun
from .task import RunKey, Send, StepKey, sends_of


class ClientRun:
    """One run, from the first message to the last answer.

    Args:
        step, run: the numbers that its messages carry.
        plan: the stages of the client's own task.
        feeds: for each other rank with stages, the values that the client feeds there: their numbers, and the values.
        own_feeds: the same for the client's own stages.
        traced: above zero, the other tasks send traces of their stages.
    """

    def __init__(
        self,
        step: StepKey,
        run: RunKey,
        plan: TaskPlan,
        feeds: dict[int, tuple[Sequence[int], Sequence[Any]]],
        own_feeds: tuple[Sequence[int], Sequence[Any]],
        traced: int = 0,
    ) -> None:
        self.step = step
        self.run = run
        self.state = TaskRun(plan)
        self.state.offer(*own_feeds)
        self._feeds = feeds
        self._traced = traced
        self.waiting: set[int] = set(feeds)
        self.failure: tuple[int, dict[str, Any]] | None = None

    def begin(self) -> list[Send]:
        """The messages that start the run at the other tasks."""
        return [
            Send(rank, self._message(Kind.RUN, ids, values, self._traced))
            for rank, (ids, values) in self._feeds.items()
        ]

    def handle(self, rank: int, message: Message) -> None:
        """Takes in a message about this run. The first failure counts."""
        if message.kind is Kind.DATA:
            self.state.offer(message.ids, message.values, message.level)
        elif message.kind is Kind.DONE:
            self.state.offer(message.ids, message.values)
            self.waiting.discard(rank)
        elif message.kind is Kind.FAILED:
            self.waiting.discard(rank)
            self.failure = self.failure or (rank, message.info)

    def start(self) -> StagePlan | None:
        """The stage of the client's own task that can run now."""
        return None if self.failure is not None else self.state.start()

    def stage_ended(self, stage: StagePlan, results: Sequence[Any]) -> list[Send]:
        """What follows when a stage has run here."""
        self.state.ended(stage, results)
        return sends_of(self.step, self.run, stage, self.state)

    def abort(self) -> list[Send]:
        """The messages that end the run at those tasks that have not ended it."""
        ranks, self.waiting = self.waiting, set()
        return [Send(rank, self._message(Kind.ABORT, (), ())) for rank in sorted(ranks)]

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to do: all has run, or something failed."""
        return self.failure is not None or (self.state.is_over and not self.waiting)

    def results(self, ids: Collection[int]) -> list[Any]:
        """The values with these numbers."""
        return [self.state.values[i] for i in ids]

    def traces(self) -> list[Any]:
        """The traces that other tasks have sent."""
        return [value for i, value in self.state.values.items() if i < 0]

    def _message(self, kind: Kind, ids: Sequence[int], values: Sequence[Any], level: int = 0) -> Message:
        return Message(kind, *self.step, self.run[1], level, ids, values)
