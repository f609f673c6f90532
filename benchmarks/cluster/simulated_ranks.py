"""Ranks in simulated time: clients and servers with the protocol's own state machines, a network, and the plans of steps."""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any

from headrace.cluster.clients import Fed
from headrace.cluster.messages import Message
from headrace.cluster.steps.client import ClientRun
from headrace.cluster.steps.plans import StagePlan, TaskPlan
from headrace.cluster.steps.task import Action, Send, Start, TaskMachine

HEADER_BYTES = 128
GLOBAL_STEP = 0


@dataclass(frozen=True)
class Constants:
    """The machines.

    Attributes:
        latency: seconds from one rank to another, on different hosts.
        bandwidth: bytes a second into a host, and as many out of it.
        overhead: seconds of a processor for a message, at each end.
        memory: bytes a second that a server copies or updates.
        host_memory: bytes a second that all ranks of a host together read and write.
    """

    latency: float = 2e-5
    bandwidth: float = 1.25e9
    overhead: float = 3e-5
    memory: float = 5e9
    host_memory: float = 2e10


@dataclass(frozen=True)
class Job:
    """What is trained.

    Attributes:
        ranks: workers.
        servers: parameter servers, which hold equal parts of the model.
        model: bytes of the model, of its gradients, and of what a step moves each way.
        compute: seconds of a worker's computation, and by how much of it the mean worker is late (exponentially).
        jitter: see compute.
        steps: of each worker.
    """

    ranks: int
    servers: int = 1
    model: float = 2.5e7
    compute: float = 0.2
    jitter: float = 0.02
    steps: int = 6

    @property
    def part(self) -> int:
        """Bytes of one server's part of the model."""
        return int(self.model / self.servers)

    def lateness(self, rank: int, step: int) -> float:
        """How long a worker computes in one of its steps."""
        return self.compute * (1 + self.jitter * Random(rank * 1_000_003 + step).expovariate(1.0))


@dataclass(frozen=True, slots=True)
class Blob:
    """A value, of which only the size matters."""

    nbytes: int


# Plans, as cluster/partition.py makes them


@dataclass
class Program:
    """A step: the plan of each rank, what every stage costs where it runs, and what it waits for."""

    plans: dict[int, TaskPlan]
    seconds: dict[int, Callable[[int], float]] = field(default_factory=dict)
    sizes: dict[int, int] = field(default_factory=dict)
    # Kinds of stages that touch what others wait for: "add", "take", "token" and "give".
    kinds: dict[int, str] = field(default_factory=dict)


def worker_program(job: Job, client: int, constants: Constants, synchronous: bool) -> Program:
    """A worker's step: each server sends its part, the worker computes, each server gets the gradients of its part.

    Stages 0 to S-1 read, stage S computes, the next S update; in a synchronous step these add to accumulators instead, and
    a last stage waits for a token where the global step is.
    """
    count, compute = job.servers, job.servers
    reads = [StagePlan(s, gives=(s,), sends=((client, (s,)),)) for s in range(count)]
    gradients = tuple(compute + 1 + s for s in range(count))
    work = StagePlan(
        compute, takes=tuple(range(count)), gives=gradients, sends=tuple((s, (gradients[s],)) for s in range(count))
    )
    last = compute + 1 + count
    told = ((GLOBAL_STEP, ()),) if synchronous else ()
    updates = [
        StagePlan(compute + 1 + s, takes=(gradients[s],), sends=told if s != GLOBAL_STEP else ()) for s in range(count)
    ]
    plans = {s: TaskPlan((reads[s], updates[s])) for s in range(count)}
    program = Program(plans | {client: TaskPlan((work,))})
    program.sizes = dict.fromkeys((*range(count), *gradients), job.part)
    program.seconds = {u.number: lambda _: 3 * job.part / constants.memory for u in updates}
    program.seconds[compute] = partial(job.lateness, client)
    if synchronous:
        awaits = tuple(u.number for s, u in enumerate(updates) if s != GLOBAL_STEP)
        token = StagePlan(last, awaits=awaits, gives=(last,), sends=((client, (last,)),))
        program.plans[GLOBAL_STEP] = TaskPlan((reads[GLOBAL_STEP], updates[GLOBAL_STEP], token))
        program.plans[client] = TaskPlan((work, StagePlan(last + 1, takes=(last,))))
        program.sizes[last] = 8
        program.kinds = {u.number: "add" for u in updates} | {last: "token"}
    return program


def chief_program(job: Job, client: int, constants: Constants) -> Program:
    """The chief's own step: every server takes the average and applies it, the first one then gives tokens."""
    told = ((GLOBAL_STEP, ()),)
    takes = [StagePlan(s, sends=told if s != GLOBAL_STEP else ()) for s in range(job.servers)]
    give = StagePlan(job.servers, awaits=tuple(s for s in range(job.servers) if s != GLOBAL_STEP))
    plans = {s: TaskPlan((takes[s], give) if s == GLOBAL_STEP else (takes[s],)) for s in range(job.servers)}
    seconds = {s: lambda _: 3 * job.part / constants.memory for s in range(job.servers)}
    kinds = dict.fromkeys(range(job.servers), "take") | {job.servers: "give"}
    return Program(plans | {client: TaskPlan()}, seconds, {}, kinds)


# Simulated time


class Clock:
    """Events in the order of their times; those of one time in the order in which they were made."""

    def __init__(self) -> None:
        self.now = 0.0
        self._events: list[tuple[float, int, Callable[..., None], tuple[Any, ...]]] = []
        self._count = 0

    def at(self, when: float, what: Callable[..., None], *arguments: Any) -> None:
        """Lets `what(*arguments)` happen then."""
        self._count += 1
        heapq.heappush(self._events, (when, self._count, what, arguments))

    def run(self) -> None:
        """Until nothing happens any more."""
        while self._events:
            self.now, _, what, arguments = heapq.heappop(self._events)
            what(*arguments)


class Network:
    """Links into and out of every rank, each of which carries one message at a time."""

    def __init__(self, clock: Clock, constants: Constants) -> None:
        self.clock, self.constants = clock, constants
        self.ranks: dict[int, Rank] = {}
        self._out: dict[int, float] = {}
        self._into: dict[int, float] = {}
        self.carried: dict[int, float] = {}

    def send(self, when: float, source: int, target: int, message: Message) -> None:
        """Brings a message to a rank; in order between two of them."""
        seconds = size_of(message) / self.constants.bandwidth
        left = max(when, self._out.get(source, 0.0)) + seconds
        there = max(left + self.constants.latency, self._into.get(target, 0.0) + seconds)
        self._out[source], self._into[target] = left, there
        self.carried[target] = self.carried.get(target, 0.0) + seconds
        self.carried[-1 - source] = self.carried.get(-1 - source, 0.0) + seconds
        self.clock.at(there, self.ranks[target].arrive, source, message)

    def load(self, rank: int) -> float:
        """Seconds for which the busier link of a rank carried something."""
        return max(self.carried.get(rank, 0.0), self.carried.get(-1 - rank, 0.0))


def size_of(message: Message) -> int:
    """Bytes of a message."""
    sizes: list[int] = [value.nbytes for value in message.values]
    return HEADER_BYTES + sum(sizes)


class Rank:
    """One processor that takes messages in turn."""

    def __init__(self, number: int, network: Network) -> None:
        self.number, self.network = number, network
        self.inbox: deque[tuple[int, Message]] = deque()
        self.busy = 0.0
        self.free = 0.0
        self.queue_most = 0
        self.queue_seconds = 0.0
        self._changed = 0.0
        network.ranks[number] = self

    def arrive(self, source: int, message: Message) -> None:
        """A message is here."""
        self._note_queue()
        self.inbox.append((source, message))
        self.queue_most = max(self.queue_most, len(self.inbox))
        if len(self.inbox) == 1:
            self.network.clock.at(max(self.network.clock.now, self.free), self._take)

    def _take(self) -> None:
        clock = self.network.clock
        if clock.now < self.free:
            clock.at(self.free, self._take)
            return
        self._note_queue()
        source, message = self.inbox.popleft()
        end = self.work(clock.now + self.cost(message), source, message)
        self.occupy(clock.now, end)
        if self.inbox:
            clock.at(end, self._take)

    def occupy(self, start: float, end: float) -> None:
        """The processor does nothing else from then until then."""
        self.busy += end - start
        self.free = end

    def cost(self, message: Message) -> float:
        """Seconds of the processor for one end of a message."""
        constants = self.network.constants
        return constants.overhead + size_of(message) / constants.memory

    def send(self, when: float, action: Send) -> float:
        """Sends a message, and tells when the processor is done with it."""
        when += self.cost(action.message)
        self.network.send(when, self.number, action.rank, action.message)
        return when

    def work(self, when: float, source: int, message: Message) -> float:
        """Does what a message asks for from then on, and tells when that is done."""
        raise NotImplementedError

    def _note_queue(self) -> None:
        now = self.network.clock.now
        self.queue_seconds += len(self.inbox) * (now - self._changed)
        self._changed = now


class ServerRank(Rank):
    """A parameter server: the task's state machine, accumulators and a queue of tokens."""

    def __init__(self, number: int, network: Network, job: Job) -> None:
        super().__init__(number, network)
        self.machine = TaskMachine()
        self.programs: dict[tuple[int, int], Program] = {}
        self.job = job
        self.gradients = 0
        self.tokens = 0
        self.waiting: dict[str, deque[Start]] = {"take": deque(), "token": deque()}
        # The stage that has what it waited for.
        self._granted: Start | None = None

    def work(self, when: float, source: int, message: Message) -> float:
        """Does what the machine says, and what others have waited for."""
        return self._do(when, self.machine.handle(message))

    def _do(self, when: float, actions: Iterable[Action]) -> float:
        todo = deque(actions)
        while todo or (ready := self._ready()):
            action = todo.popleft() if todo else ready
            if isinstance(action, Send):
                when = self.send(when, action)
            elif isinstance(action, Start):
                kind = self.programs[action.step].kinds.get(action.stage.number, "")
                if kind in self.waiting and action is not self._granted:
                    self.waiting[kind].append(action)
                    continue
                when += self._seconds(action)
                self._touch(kind)
                todo.extend(self.machine.stage_ended(action.run, action.stage, self._results(action)))
        return when

    def _ready(self) -> Start | None:
        """A stage that has what it waited for; it has taken that."""
        found = None
        if self.waiting["take"] and self.gradients >= self.job.ranks:
            self.gradients, found = self.gradients - self.job.ranks, self.waiting["take"].popleft()
        elif self.waiting["token"] and self.tokens:
            self.tokens, found = self.tokens - 1, self.waiting["token"].popleft()
        self._granted = found
        return found

    def _touch(self, kind: str) -> None:
        self.gradients += kind == "add"
        self.tokens += self.job.ranks if kind == "give" else 0

    def _seconds(self, action: Start) -> float:
        seconds = self.programs[action.step].seconds.get(action.stage.number)
        return 0.0 if seconds is None else seconds(action.run[1])

    def _results(self, action: Start) -> list[Any]:
        sizes = self.programs[action.step].sizes
        return [Blob(sizes[i]) for i in action.stage.gives]


class Loop:
    """A client that runs one step again and again."""

    def __init__(self, rank: ClientRank, number: int, program: Program, steps: int) -> None:
        self.rank, self.program, self.steps = rank, program, steps
        self.step = (rank.number, number)
        self.run: ClientRun | None = None
        self.times: list[float] = []
        self.began = 0.0

    def begin(self, when: float) -> float:
        """Starts the next run."""
        self.rank.runs += 1
        name = (self.rank.number, self.rank.runs)
        others: dict[int, Fed] = {r: ((), ()) for r in self.program.plans if r != self.rank.number}
        self.run = ClientRun(self.step, name, self.program.plans[self.rank.number], others, ((), ()))
        self.rank.loops[name[1]] = self
        self.began = when
        for action in self.run.begin():
            when = self.rank.send(when, action)
        return self.go_on(when)

    def go_on(self, when: float) -> float:
        """Runs the stages that can run; begins anew after the last."""
        run = self.run
        if run is None:
            return when
        while (stage := run.start()) is not None:
            seconds = self.program.seconds.get(stage.number)
            when += 0.0 if seconds is None else seconds(len(self.times))
            results = [Blob(self.program.sizes[i]) for i in stage.gives]
            for action in run.stage_ended(stage, results):
                when = self.rank.send(when, action)
        if run.failure is not None:
            raise RuntimeError(f"rank {run.failure[0]} said: {run.failure[1]}")
        if run.is_over:
            del self.rank.loops[run.run[1]]
            self.run = None
            self.times.append(when - self.began)
            self.rank.ends.append(when)
            if len(self.times) < self.steps:
                return self.begin(when)
        return when


class ClientRank(Rank):
    """A worker. Its computation keeps its processor busy; a chief's second loop waits for it as a thread would."""

    def __init__(self, number: int, network: Network) -> None:
        super().__init__(number, network)
        self.runs = 0
        self.loops: dict[int, Loop] = {}
        self.ends: list[float] = []

    def start(self, loop: Loop) -> None:
        """Begins a loop."""
        now = self.network.clock.now
        self.occupy(now, loop.begin(max(now, self.free)))

    def work(self, when: float, source: int, message: Message) -> float:
        """Hands a message to its run."""
        loop = self.loops.get(message.run)
        if loop is None or loop.run is None:
            return when
        loop.run.handle(source, message)
        return loop.go_on(when)
