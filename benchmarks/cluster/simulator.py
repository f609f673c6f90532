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
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from simulated_ranks import (
    ClientRank,
    Clock,
    Constants,
    Job,
    Loop,
    Network,
    ServerRank,
    chief_program,
    worker_program,
)

from headrace.cluster.messages import Kind, Message


@dataclass
class Row:
    """What came out for one job."""

    strategy: str
    ranks: int
    servers: int
    step: float
    gradients: float
    efficiency: float
    processor: float = 0.0
    network: float = 0.0
    queue_mean: float = 0.0
    queue_most: int = 0
    limit: str = ""


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
    row = Row(f"all-reduce, {way}", job.ranks, 0, step, job.ranks / step, job.compute / step)
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
        "gradients/s",
        "efficiency",
        "processor",
        "network",
        "queue",
        "most",
    )
    lines: list[tuple[str, ...]] = [(*head, "limited by")]
    for r in rows:
        shares = [f"{100 * x:.0f} %" if r.servers or x else "" for x in (r.processor, r.network)]
        queue = [f"{r.queue_mean:.1f}", f"{r.queue_most}"] if r.servers else ["", ""]
        first = (r.strategy, f"{r.ranks}", f"{r.servers or ''}", f"{1000 * r.step:.1f}", f"{r.gradients:.0f}")
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
