"""A session's step on the tasks of a cluster: its own stages run here, the others are sent once and run by message."""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..engine.errors import CancelledError
from ..engine.graph import Graph, Operation, Tensor
from ..engine.placement import Placement, device_of
from ..engine.recorder import Recorder
from ..engine.runtime import Runtime
from .clients import Fed
from .failures import error_of
from .messages import Kind, Message
from .partition import Partition, Stage, Task, task_name
from .show import show_stages
from .stages import as_fed, as_fetched, local_program, may_block, placed_on, written
from .steps.client import ClientRun
from .steps.plans import StagePlan, TaskPlan
from .watched import Watched

if TYPE_CHECKING:
    from ..engine.compiler import Options
    from .server import Server

logger = logging.getLogger("headrace")


class ClusterStep:
    """What `Session(server.target)` runs in the place of a CompiledStep."""

    def __init__(
        self,
        server: Server,
        here: Task,
        graph: Graph,
        fetches: Sequence[Tensor],
        targets: Sequence[Operation],
        feeds: Sequence[Tensor],
        runtime: Runtime,
        options: Options,
    ) -> None:
        self.server = server
        self.graph = graph
        self.fetches = list(fetches)
        self.targets = list(targets)
        self.feeds = list(feeds)
        self.runtime = runtime
        self.options = placed_on(options, server.placement)
        self.partition = Partition(fetches, targets, feeds, here, server.tasks)
        self.stages = _needed(self.partition.stages, server.task)
        # Steps are numbered in the order in which tasks hear of them.
        self.key = (server.rank, 0)
        self._ids = {t: i for i, t in enumerate(self._tensors())}
        self._numbers = {stage: i for i, stage in enumerate(self.stages)}
        self._programs = {
            self._numbers[s]: local_program(s, graph, runtime, self.options)
            for s in self.stages
            if s.task == server.task and not s.is_idle
        }
        # Those that may wait for another thread.
        self._waits = {n for s, n in self._numbers.items() if n in self._programs and any(map(may_block, s.operations))}
        self._lock = threading.Lock()
        self._defined = False
        if options.placement.log:
            self._log_placement()

    def _log_placement(self) -> None:
        for op in self.partition.operations:
            logger.info("%s: (%s): %s", op.name, op.type, self.device_of(op))

    def device_of(self, op: Operation) -> str:
        """The full name of the device on which an operation of the step runs."""
        task = self.partition.task_of(op)
        if task == self.server.task:
            return device_of(op, self.options.placement)
        return device_of(op, Placement(*task, soft=self.options.placement.soft, placed=True))

    def _tensors(self) -> dict[Tensor, None]:
        found = dict.fromkeys(self.feeds) | dict.fromkeys(self.fetches)
        for stage in self.stages:
            found |= dict.fromkeys(stage.feeds) | dict.fromkeys(stage.fetches)
        return found

    # What the tasks are told

    def _define(self) -> None:
        """Sends their stages to the other tasks, and keeps what a run needs."""
        server = self.server
        self._receivers = self._found_receivers()
        tasks = dict.fromkeys(s.task for s in self.stages)
        self._ranks = {task: server.rank_of(task) for task in tasks}
        self._own = self._plan(server.task)
        self._sent_to = {rank: self._fed_at(task) for task, rank in self._ranks.items() if task != server.task}
        self._own_feeds = self._fed_at(server.task)
        with server.defining:
            self.key = (server.rank, server.next_step())
            for task, rank in self._ranks.items():
                if task != server.task:
                    server.send(rank, self._definition(task))
        if self._sent_to:
            # When the session drops the step, the other tasks do too.
            weakref.finalize(self, server.forget, self.key, tuple(self._sent_to)).atexit = False
        self._defined = True

    def _stages_of(self, task: Task) -> list[Stage]:
        return [s for s in self.stages if s.task == task]

    def _definition(self, task: Task) -> Message:
        parts = [written(stage) for stage in self._stages_of(task)]
        info = {
            "plan": self._plan(task).as_dict(),
            "stages": [words for words, _ in parts],
            "off": sorted(self.options.off),
            "backend": self.options.backend,
            "soft": self.options.placement.soft,
        }
        graphs = [np.frombuffer(graph, np.uint8) for _, graph in parts]
        return Message(Kind.DEFINE, *self.key, ids=range(len(graphs)), values=graphs, info=info)

    def _plan(self, task: Task) -> TaskPlan:
        return TaskPlan(tuple(map(self._stage_plan, self._stages_of(task))), self._returns(task))

    def _stage_plan(self, stage: Stage) -> StagePlan:
        sends = self._receivers.get(stage, {})
        return StagePlan(
            self._numbers[stage],
            tuple(self._ids[t] for t in stage.feeds),
            tuple(self._numbers[s] for s in stage.awaits if s.task != stage.task),
            tuple(self._ids[t] for t in stage.fetches),
            tuple((self._ranks[other], tuple(ids)) for other, ids in sends.items()),
        )

    def _found_receivers(self) -> dict[Stage, dict[Task, dict[int, None]]]:
        """For each stage, the other tasks that wait for it, and the values that they want of it."""
        found: dict[Stage, dict[Task, dict[int, None]]] = {}
        for other in self.stages:
            pairs = [(source, {self._ids[t]: None}) for t, source in other.feeds.items() if source is not None]
            for source, wanted in [*pairs, *((stage, {}) for stage in other.awaits)]:
                if other.task != source.task:
                    found.setdefault(source, {}).setdefault(other.task, {}).update(wanted)
        return found

    def _returns(self, task: Task) -> tuple[int, ...]:
        """The fetches that come from a task and that the client does not get on the way."""
        if task == self.server.task:
            return ()
        comes = {t for s in self._stages_of(self.server.task) for t in s.feeds}
        sources = self.partition.sources.items()
        return tuple(self._ids[t] for t, s in sources if s is not None and s.task == task and t not in comes)

    def _fed_at(self, task: Task) -> list[int]:
        """Which of the fed values, by their place in `feeds`, a task needs."""
        wanted = {t for s in self._stages_of(task) for t, source in s.feeds.items() if source is None}
        if task == self.server.task:
            wanted |= {t for t, source in self.partition.sources.items() if source is None}
        return [i for i, t in enumerate(self.feeds) if t in wanted]

    # Running

    def run(self, values: Sequence[Any]) -> list[Any]:
        """The fetched values, given one value a fed tensor.

        Raises:
            tf.errors.NotFoundError: a task has no process, or its program has ended.
            tf.errors.OpError: what went wrong, here or on another task, which is named.
        """
        if not self._defined:
            with self._lock:
                if not self._defined:
                    self._define()
        recorders = self.runtime.recorders
        recorder = recorders.get(threading.get_ident()) if recorders else None
        run = self._begin(values, recorder)
        try:
            self._drive(run)
        except BaseException:
            self._send(run.abort())
            raise
        finally:
            self.server.end_run(run)
        if run.failure is not None:
            rank, words = run.failure
            self._send(run.abort())
            raise error_of(words, self.graph, task_name(self.server.task_of_rank(rank)))
        if recorder is not None:
            recorder.elsewhere += [trace.tobytes() for trace in run.traces()]
        return [as_fetched(v) for v in run.results([self._ids[t] for t in self.fetches])]

    def _begin(self, values: Sequence[Any], recorder: Recorder | None) -> ClientRun:
        sent = {rank: self._values(places, values) for rank, places in self._sent_to.items()}
        # As RunOptions say it: with native kernels, or without.
        traced = 0 if recorder is None else 2 if recorder.kernels else 1
        return self.server.begin_run(self.key, self._own, sent, self._values(self._own_feeds, values), traced)

    def _values(self, places: Sequence[int], values: Sequence[Any]) -> Fed:
        return [self._ids[self.feeds[i]] for i in places], [values[i] for i in places]

    def _drive(self, run: ClientRun) -> None:
        while True:
            stage = run.start()
            if stage is not None:
                results = self._run_stage(run, stage)
                if results is None:
                    return
                self._send(run.stage_ended(stage, results))
            elif run.is_over:
                return
            else:
                self.server.wait(run, self.runtime.run_cancellation)

    def _run_stage(self, run: ClientRun, stage: StagePlan) -> list[Any] | None:
        """The results of a stage of this task; None if it waited, and another task failed meanwhile."""
        program = self._programs.get(stage.number)
        if program is None:
            return []
        values = [as_fed(v) for v in run.state.inputs(stage)]
        if stage.number not in self._waits or not run.waiting:
            return program.run(values)
        watched = Watched(self.server, run)
        try:
            with self.runtime.cancelled_by(watched):
                return program.run(values)
        except CancelledError:
            if run.failure is None:
                raise
            return None
        finally:
            watched.finish()

    def _send(self, actions: Sequence[Any]) -> None:
        for action in actions:
            self.server.send(action.rank, action.message)

    def explain(self, signature: tuple[tuple[int, ...], ...]) -> str:
        """The stages in their order: where each runs, what comes in and goes out, and the programs of this task's own."""
        shapes = dict(zip(self.feeds, signature, strict=True))
        return show_stages(self.stages, self._programs, shapes, self.server.task)


def _needed(stages: list[Stage], here: Task) -> list[Stage]:
    """Leaves out stages that nobody wants anything of, and those of the client that only wait: it waits for all anyway."""
    kept = []
    awaited: set[Stage] = set()
    # Those that wait for a stage come after it.
    for stage in reversed(stages):
        only_waits = stage.task == here and stage.is_idle and stage not in awaited
        if stage.fetches or (stage.targets and not only_waits):
            kept.append(stage)
            awaited |= stage.awaits.keys()
    return kept[::-1]
