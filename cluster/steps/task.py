"""What a task does for the clients of others: it keeps the steps they define, and runs their stages as values come in.

A state machine: `handle`, `stage_ended` and `stage_failed` tell it what happened and give what is to be done.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from ...engine.errors import INTERNAL
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
    # Above zero the client wants a trace.
    traced: int = 0


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

    A client counts its runs and the steps that it defines up, and what it sends arrives in order; so a message of a run
    that is not known and not newer than the last one that the client spoke of belongs to a run that is over, and is
    dropped. What other tasks send may come before the client's own word, and is kept until then.
    """

    def __init__(self) -> None:
        self._plans: dict[StepKey, TaskPlan] = {}
        self._runs: dict[RunKey, tuple[StepKey, TaskRun]] = {}
        # By client, then by run.
        self._early: dict[int, dict[int, list[Message]]] = {}
        # By client: the last run and the last step that it spoke of. They outlive the client: its numbers never come again.
        self._latest: dict[int, int] = {}
        self._newest: dict[int, int] = {}
        self._gone: set[int] = set()

    @property
    def runs(self) -> Collection[RunKey]:
        """The runs that are going on."""
        return self._runs.keys()

    @property
    def run_count(self) -> int:
        """How many runs are going on."""
        return len(self._runs)

    @property
    def step_count(self) -> int:
        """How many steps are known."""
        return len(self._plans)

    @property
    def early_count(self) -> int:
        """For how many runs something came before the client's own word."""
        return sum(map(len, self._early.values()))

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
            self._has_heard_of(run)
            return [Cancel(run)] if self._runs.pop(run, None) is not None else []
        if message.kind is Kind.FORGET:
            return self._forget(step)
        raise ValueError(f"a task does not take messages of kind {message.kind!r}")

    def stage_ended(self, run: RunKey, stage: StagePlan, results: Sequence[Any], trace: Any = None) -> list[Action]:
        """What follows when a stage has run; the client gets its trace at the end."""
        if run not in self._runs:
            return []
        step, state = self._runs[run]
        state.ended(stage, results)
        if trace is not None:
            state.traces[trace_id(stage.number)] = trace
        actions: list[Action] = [*sends_of(step, run, stage, state)]
        if not state.is_over:
            return actions + self._started(run)
        del self._runs[run]
        ids, values = (*state.plan.returns, *state.traces), [*state.returned, *state.traces.values()]
        done = Message(Kind.DONE, *step, run[1], ids=ids, values=values)
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
        for run in runs:
            del self._runs[run]
        steps = [step for step in self._plans if step[0] == client]
        self._early.pop(client, None)
        self._gone.add(client)
        return [*map(Cancel, runs), *(action for step in steps for action in self._forget(step))]

    def client_came(self, client: int) -> None:
        """Takes in that a rank which was gone is there again."""
        self._gone.discard(client)

    def _has_heard_of(self, run: RunKey) -> None:
        """All of the client's runs up to this one have been spoken of: what came early for those that were lost can go."""
        client, number = run
        self._latest[client] = max(number, self._latest.get(client, 0))
        early = self._early.get(client, {})
        for over in [n for n in early if n <= number]:
            del early[over]
        if not early:
            self._early.pop(client, None)

    def _forget(self, step: StepKey) -> list[Action]:
        if self._plans.pop(step, None) is None:
            return []
        runs = [run for run, (of, _) in self._runs.items() if of == step]
        for run in runs:
            del self._runs[run]
        return [*map(Cancel, runs), Forget(step)]

    def _define(self, step: StepKey, message: Message) -> list[Action]:
        if step[1] <= self._newest.get(step[0], 0):
            return []
        self._newest[step[0]] = step[1]
        plan = self._plans[step] = TaskPlan.from_dict(message.info["plan"])
        return [Define(step, plan, message)]

    def _run(self, step: StepKey, run: RunKey, message: Message) -> list[Action]:
        if run[1] <= self._latest.get(run[0], 0):
            return []
        early = self._early.get(run[0], {}).pop(run[1], ())
        self._has_heard_of(run)
        plan = self._plans.get(step)
        if plan is None:
            info = {"code": INTERNAL, "message": f"step {step[1]} of rank {step[0]} was not defined here"}
            return [Send(run[0], Message(Kind.FAILED, *step, run[1], info=info))]
        state = TaskRun(plan, message.level)
        state.offer(message.ids, message.values)
        for data in early:
            state.offer(data.ids, data.values, data.level)
        self._runs[run] = (step, state)
        return self._started(run)

    def _data(self, run: RunKey, message: Message) -> list[Action]:
        if run in self._runs:
            self._runs[run][1].offer(message.ids, message.values, message.level)
            return self._started(run)
        if run[1] > self._latest.get(run[0], 0) and run[0] not in self._gone:
            self._early.setdefault(run[0], {}).setdefault(run[1], []).append(message)
        return []

    def _started(self, run: RunKey) -> list[Action]:
        step, state = self._runs[run]
        stage = state.start()
        return [] if stage is None else [Start(step, run, stage, state.inputs(stage), state.traced)]


def trace_id(stage: int) -> int:
    """The number under which the trace of a stage goes among the values of a run."""
    return -1 - stage


def sends_of(step: StepKey, run: RunKey, stage: StagePlan, state: TaskRun) -> list[Send]:
    """What goes to other tasks when a stage has ended."""
    return [
        Send(rank, Message(Kind.DATA, *step, run[1], stage.number, ids, [state.values[i] for i in ids]))
        for rank, ids in stage.sends
    ]
