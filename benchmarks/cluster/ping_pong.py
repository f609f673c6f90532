"""Constants for the simulator from two ranks of this machine: `mpirun -n 2 python benchmarks/cluster/ping_pong.py`.

The chief prints them as JSON. Two ranks of one host share memory: of a network between hosts this says nothing.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable

import numpy as np

from headrace.cluster.messages import Kind, Message
from headrace.cluster.transport import MpiTransport
from headrace.cluster.world import world

SMALL, LARGE = 500, 1 << 24


def main() -> None:
    """Measures, and prints where it is the chief."""
    joined = world()
    if joined.size != 2:
        raise SystemExit("start it with mpirun -n 2")
    transport = MpiTransport(joined.requests)
    other = 1 - joined.rank
    empty = Message(Kind.DATA, joined.rank)
    large = Message(Kind.DATA, joined.rank, ids=[1], values=[np.zeros(LARGE, np.uint8)])

    def receive(count: int = 1) -> None:
        while count > 0:
            count -= len(transport.receive())

    def both_ways(message: Message, times: int) -> None:
        for _ in range(times):
            if joined.rank == 0:
                transport.send(other, message)
                receive()
            else:
                receive()
                transport.send(other, message)

    def one_way() -> None:
        if joined.rank == 0:
            for _ in range(SMALL):
                transport.send(other, empty)
            receive()
        else:
            receive(SMALL)
            transport.send(other, empty)

    both_ways(empty, 50)
    trip = seconds(lambda: both_ways(empty, SMALL)) / SMALL / 2
    overhead = seconds(one_way) / SMALL
    whole = seconds(lambda: both_ways(large, 3)) / 3 / 2
    array = np.zeros(LARGE, np.uint8)
    copied = np.ones_like(array)
    memory = LARGE / seconds(lambda: np.copyto(copied, array))
    found = {
        "latency": max(trip - 2 * overhead, 1e-7),
        "bandwidth": LARGE / whole,
        "overhead": overhead,
        "memory": memory,
        "host_memory": 2 * memory,
    }
    transport.close()
    if joined.rank == 0:
        print(json.dumps(found), flush=True)


def seconds(work: Callable[[], object]) -> float:
    """The median time of three."""
    times = []
    for _ in range(3):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


if __name__ == "__main__":
    main()
