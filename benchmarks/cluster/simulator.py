"""How the cluster's strategies scale to ranks that are not at hand: the protocol's own state machines, in simulated time.

    python benchmarks/cluster/simulator.py [--ranks 8,64,512,10000] [--servers 1,8,64] [--model 2.5e7] [--compute 0.2]
    python benchmarks/cluster/simulator.py --measure      # latency and so on by a ping-pong of two ranks of this machine

Every client is a ClientRun and every server a TaskMachine (cluster/steps), as in a real job; the network, the processors
and the work of stages are numbers of seconds. Nothing is random but the lengths of the workers' computations, and these
are the same in every run of this program.
"""

from __future__ import annotations

import argparse
import gc
import heapq
import json
import os
import statistics
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from headrace.cluster.messages import Kind, Message
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


@dataclass
class Row:
    """What came out for one job."""

    strategy: str
    ranks: int
    servers: int
    step: float
    updates: float
    efficiency: float
    processor: float = 0.0
    network: float = 0.0
    queue_mean: float = 0.0
    queue_most: int = 0
    limit: str = ""


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
    return HEADER_BYTES + sum(value.nbytes for value in message.values)


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
        others = {r: ((), ()) for r in self.program.plans if r != self.rank.number}
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


# Strategies


def parameter_servers(job: Job, constants: Constants, synchronous: bool) -> Row:
    """Simulates parameter servers; ranks 0 to S-1 are the servers, the last is the chief's second thread."""
    clock = Clock()
    network = Network(clock, constants)
    servers = [ServerRank(s, network, job) for s in range(job.servers)]
    workers = [ClientRank(job.servers + i, network) for i in range(job.ranks)]
    loops = []
    for worker in workers:
        program = worker_program(job, worker.number, constants, synchronous)
        loops.append(Loop(worker, 1, program, job.steps))
    if synchronous:
        chief = ClientRank(job.servers + job.ranks, network)
        loops.append(Loop(chief, 1, chief_program(job, chief.number, constants), job.steps))
    for loop in loops:
        define(loop, servers)
        clock.at(0.0, loop.rank.start, loop)
    clock.run()
    return _row(
        "synchronous servers" if synchronous else "asynchronous servers", job, constants, servers, workers, clock
    )


def define(loop: Loop, servers: Sequence[ServerRank]) -> None:
    """Makes a step known to the servers, before the time begins."""
    for server in servers:
        server.programs[loop.step] = loop.program
        info = {"plan": loop.program.plans[server.number].as_dict()}
        server.machine.handle(Message(Kind.DEFINE, *loop.step, info=info))


def _row(
    strategy: str,
    job: Job,
    constants: Constants,
    servers: Sequence[ServerRank],
    workers: Sequence[ClientRank],
    clock: Clock,
) -> Row:
    # The first step finds all servers idle.
    times = [worker.ends[i] - worker.ends[i - 1] for worker in workers for i in range(1, len(worker.ends))]
    elapsed = clock.now
    step = statistics.fmean(times)
    network = workers[0].network
    row = Row(strategy, job.ranks, job.servers, step, job.ranks / step, job.compute / step)
    row.processor = max(s.busy for s in servers) / elapsed
    row.network = max(network.load(s.number) for s in servers) / elapsed
    row.queue_mean = max(s.queue_seconds for s in servers) / elapsed
    row.queue_most = max(s.queue_most for s in servers)
    if step > 1.5 * job.compute:
        row.limit = _limit(row)
    return row


def _limit(row: Row) -> str:
    if max(row.processor, row.network) < 0.7:
        return "transfers of each worker"
    return "servers' processors" if row.processor > row.network else "servers' network"


def all_reduce(job: Job, constants: Constants, per_host: int, way: str, bucket: float = 8e6) -> Row:
    """The all-reduce by cost: buckets leave during the backward pass, shared memory in a host, then hosts.

    `way`: "direct", as cluster/collectives/hosts.py does it (a part of the sum to each host, and the sums back), "ring" or
    "tree" (halving and doubling) for comparison.
    """
    hosts, local = -(-job.ranks // per_host), min(per_host, job.ranks)
    count = max(1, round(job.model / bucket))
    cost = _exchange(job.model / count, hosts, local, constants, way)
    steps = []
    for i in range(job.steps):
        slowest = max(job.lateness(rank, i) for rank in range(job.ranks))
        when = 0.0
        for b in range(count):
            ready = slowest * (1 / 3 + 2 / 3 * (b + 1) / count)
            when = max(when, ready) + cost
        steps.append((when, slowest))
    step, slowest = statistics.fmean(s for s, _ in steps), statistics.fmean(s for _, s in steps)
    row = Row(f"all-reduce, {way}", job.ranks, 0, step, 1 / step, job.compute / step)
    row.network = min(1.0, count * cost / step)
    if step > 1.5 * job.compute:
        bytes_alone = _exchange(job.model / count, hosts, local, replace(constants, overhead=0, latency=0), way)
        network = "messages" if bytes_alone < cost / 2 else "network"
        row.limit = network if step > 1.2 * slowest else "the slowest rank"
    return row


def _exchange(nbytes: float, hosts: int, local: int, constants: Constants, way: str) -> float:
    # Each rank of a host writes its part, reads a slice of all, and reads the sum.
    seconds = (3 * local + 1) * nbytes / constants.host_memory if local > 1 else 0.0
    if hosts == 1:
        return seconds
    wire = 2 * nbytes * (hosts - 1) / hosts / constants.bandwidth + 2 * nbytes / constants.memory
    message = constants.overhead + constants.latency
    if way == "direct":
        # All hosts tell all that they are there, send slices, and send sums; messages leave one after the other.
        return seconds + wire + 3 * ((hosts - 1) * constants.overhead + constants.latency)
    rounds = 2 * (hosts - 1) if way == "ring" else 2 * (hosts - 1).bit_length()
    return seconds + wire + rounds * message


# The program


def table(rows: Sequence[Row]) -> str:
    """Rows as aligned columns."""
    head = (
        "strategy",
        "ranks",
        "servers",
        "step ms",
        "updates/s",
        "efficiency",
        "processor",
        "network",
        "queue",
        "most",
    )
    lines = [(*head, "limited by")]
    for r in rows:
        shares = [f"{100 * x:.0f} %" if r.servers or x else "" for x in (r.processor, r.network)]
        queue = [f"{r.queue_mean:.1f}", f"{r.queue_most}"] if r.servers else ["", ""]
        first = (r.strategy, f"{r.ranks}", f"{r.servers or ''}", f"{1000 * r.step:.1f}", f"{r.updates:.1f}")
        lines.append((*first, f"{100 * r.efficiency:.0f} %", *shares, *queue, r.limit))
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    texts = [
        [c.ljust(w) if i in (0, 10) else c.rjust(w) for i, (c, w) in enumerate(zip(x, widths, strict=True))]
        for x in lines
    ]
    return "\n".join("  ".join(text).rstrip() for text in texts)


def rows_of(
    job: Job, constants: Constants, ranks: Sequence[int], servers: Sequence[int], per_host: int, events: float
) -> list[Row]:
    """All strategies at all sizes for which at most about `events` messages go; with many of them, fewer steps."""
    rows = []
    for synchronous in (False, True):
        for n in ranks:
            for s in servers:
                steps = int(min(job.steps, events / (4 * n * s)))
                if steps < 2:
                    continue
                rows.append(parameter_servers(replace(job, ranks=n, servers=s, steps=steps), constants, synchronous))
    for way in ("direct", "ring", "tree"):
        rows += [all_reduce(replace(job, ranks=n), constants, per_host, way) for n in ranks]
    return rows


def measured(constants: Constants) -> Constants:
    """Constants of two ranks of this machine; of the network between hosts they say nothing."""
    from headrace.cluster.supervisor.command import command_of, environment_of, find_mpirun

    found = find_mpirun(Path(sys.executable))
    program = [sys.executable, str(Path(__file__).with_name("ping_pong.py"))]
    command = command_of(found, 2, program)
    said = subprocess.run(command, env=environment_of(found, os.environ), capture_output=True, text=True, check=True)
    values: dict[str, float] = json.loads(said.stdout.strip().splitlines()[-1])
    return replace(constants, **values)


def main() -> None:
    """Prints the constants and the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ranks", default="8,64,512,10000", help="workers, by commas")
    parser.add_argument("--servers", default="1,8,64", help="parameter servers, by commas")
    parser.add_argument("--model", type=float, default=2.5e7, help="bytes")
    parser.add_argument("--compute", type=float, default=0.2, help="seconds of a step's computation")
    parser.add_argument("--jitter", type=float, default=0.02, help="by how much of it the mean worker is late")
    parser.add_argument("--steps", type=int, default=6)
    parser.add_argument("--per-host", type=int, default=8, help="ranks of a host, for the all-reduce")
    parser.add_argument("--events", type=float, default=7e5, help="rows of more messages are left out")
    parser.add_argument("--measure", action="store_true", help="take constants from a ping-pong of this machine")
    for name, value in vars(Constants()).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=float, default=value)
    arguments = parser.parse_args()
    constants = Constants(**{name: getattr(arguments, name) for name in vars(Constants())})
    if arguments.measure:
        constants = measured(constants)
    job = Job(1, 1, arguments.model, arguments.compute, arguments.jitter, arguments.steps)
    ranks, servers = ([int(n) for n in text.split(",")] for text in (arguments.ranks, arguments.servers))
    print("  ".join(f"{name}={value:g}" for name, value in vars(constants).items()))
    print(f"model={job.model:g}  compute={job.compute:g}  jitter={job.jitter:g}  per_host={arguments.per_host}")
    # Nothing here forms circles, and the collector would look through all of it.
    gc.disable()
    start = time.monotonic()
    print(table(rows_of(job, constants, ranks, servers, arguments.per_host, arguments.events)))
    print(f"({time.monotonic() - start:.0f} s to simulate)")


if __name__ == "__main__":
    main()
