"""What a task does for the clients of others: it keeps the steps they define, and runs their stages as values come in.

A state machine: `handle`, `stage_ended` and `stage_failed` tell it what happened and give what is to be done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ..messages import Kind, Message
from .plans import StagePlan, TaskPlan
from .run import TaskRun

StepKey = tuple[int, int]
# A client and the number that it counts its runs by.
RunKey = tuple[int, int]


@dataclass(frozen=True)
class Send:
    """A message to a rank."""

    rank: int
    message: Message


@dataclass(frozen=True)
class Define:
    """A step's graphs came: stages of `step` will be started. An error in them is told at the first run."""

    step: StepKey
    plan: TaskPlan
    message: Message


@dataclass(frozen=True)
class Start:
    """A stage of a run can run, with these values for what it takes."""

    step: StepKey
    run: RunKey
    stage: StagePlan
    inputs: Sequence[Any]


@dataclass(frozen=True)
class Cancel:
    """What a run is doing or waiting for shall end."""

    run: RunKey


@dataclass(frozen=True)
class Forget:
    """A step's programs are not needed any more."""

    step: StepKey


Action = Send | Define | Start | Cancel | Forget


class TaskMachine:
    """The steps of other tasks' clients at one task.

    A client counts its runs up, and what it sends arrives in order; so a message of a run that is not known and not newer
    than the last one that the client started belongs to a run that is over, and is dropped. What other tasks send may
    come before the client's own word, and is kept until then.
    """

    def __init__(self) -> None:
        self._plans: dict[StepKey, TaskPlan] = {}
        self._runs: dict[RunKey, tuple[StepKey, TaskRun]] = {}
        self._early: dict[RunKey, list[Message]] = {}
        self._latest: dict[int, int] = {}

    @property
    def run_count(self) -> int:
        """How many runs are going on."""
        return len(self._runs)

    def handle(self, message: Message) -> list[Action]:
        """What a message about a step asks for."""
        step, run = (message.client, message.step), (message.client, message.run)
        if message.kind is Kind.DEFINE:
            return self._define(step, message)
        if message.kind is Kind.RUN:
            return self._run(step, run, message)
        if message.kind is Kind.DATA:
            return self._data(run, message)
        if message.kind is Kind.ABORT:
            return [Cancel(run)] if self._runs.pop(run, None) is not None else []
        if message.kind is Kind.FORGET:
            return [Forget(step)] if self._plans.pop(step, None) is not None else []
        raise ValueError(f"a task does not take messages of kind {message.kind!r}")

    def stage_ended(self, run: RunKey, stage: StagePlan, results: Sequence[Any]) -> list[Action]:
        """What follows when a stage has run."""
        if run not in self._runs:
            return []
        step, state = self._runs[run]
        state.ended(stage, results)
        actions = sends_of(step, run, stage, state)
        if not state.is_over:
            return actions + self._started(run)
        del self._runs[run]
        done = Message(Kind.DONE, *step, run[1], ids=state.plan.returns, values=state.returned)
        return [*actions, Send(run[0], done)]

    def stage_failed(self, run: RunKey, info: dict[str, Any]) -> list[Action]:
        """What follows when a stage has raised an error, given in words."""
        if run not in self._runs:
            return []
        step, _ = self._runs.pop(run)
        return [Send(run[0], Message(Kind.FAILED, *step, run[1], info=info))]

    def client_ended(self, client: int) -> list[Action]:
        """What follows when a client is gone: its runs end and its steps are forgotten."""
        runs = [run for run in self._runs if run[0] == client]
        steps = [step for step in self._plans if step[0] == client]
        for run in runs:
            del self._runs[run]
        for step in steps:
            del self._plans[step]
        self._early = {run: messages for run, messages in self._early.items() if run[0] != client}
        return [*map(Cancel, runs), *map(Forget, steps)]

    def _define(self, step: StepKey, message: Message) -> list[Action]:
        if step in self._plans:
            return []
        plan = self._plans[step] = TaskPlan.from_dict(message.info["plan"])
        return [Define(step, plan, message)]

    def _run(self, step: StepKey, run: RunKey, message: Message) -> list[Action]:
        if run[1] <= self._latest.get(run[0], 0):
            return []
        self._latest[run[0]] = run[1]
        plan = self._plans.get(step)
        if plan is None:
            info = {"code": "INTERNAL", "message": f"step {step[1]} of rank {step[0]} was not defined here"}
            return [Send(run[0], Message(Kind.FAILED, *step, run[1], info=info))]
        state = TaskRun(plan)
        state.offer(message.ids, message.values)
        for early in self._early.pop(run, ()):
            state.offer(early.ids, early.values, early.level)
        self._runs[run] = (step, state)
        return self._started(run)

    def _data(self, run: RunKey, message: Message) -> list[Action]:
        if run in self._runs:
            self._runs[run][1].offer(message.ids, message.values, message.level)
            return self._started(run)
        if run[1] > self._latest.get(run[0], 0):
            self._early.setdefault(run, []).append(message)
        return []

    def _started(self, run: RunKey) -> list[Action]:
        step, state = self._runs[run]
        stage = state.start()
        return [] if stage is None else [Start(step, run, stage, state.inputs(stage))]


def sends_of(step: StepKey, run: RunKey, stage: StagePlan, state: TaskRun) -> list[Action]:
    """What goes to other tasks when a stage has ended."""
    return [
        Send(rank, Message(Kind.DATA, *step, run[1], stage.number, ids, [state.values[i] for i in ids]))
        for rank, ids in stage.sends
    ]
