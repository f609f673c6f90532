"""A cluster in one process: servers whose messages go through queues of memory."""

import itertools
import time
from contextlib import contextmanager

import headrace as tf
from headrace.cluster.transport import Hub

_numbers = itertools.count()


@contextmanager
def cluster(**jobs):
    """Servers of all tasks by job and index, such as `cluster(ps=1, worker=2)`; the first rank is the first job's."""
    number = next(_numbers)
    names = {job: [f"{job}{i}.cluster{number}:2222" for i in range(count)] for job, count in jobs.items()}
    tasks = [(job, i) for job, count in jobs.items() for i in range(count)]
    requests, replies = Hub(len(tasks)), Hub(len(tasks))
    servers = {}
    try:
        for rank, (job, index) in enumerate(tasks):
            transports = (requests.transport(rank), replies.transport(rank))
            servers[job, index] = tf.train.Server(names, job, index, transports=transports)
        yield servers
    finally:
        for server in servers.values():
            server.stop()


def left_over(servers):
    """What the tasks keep of runs and steps: numbers that should be zero, once what is under way has come."""
    until = time.monotonic() + 5
    while any(kept := [n for server in servers.values() for n in _kept(server)]) and time.monotonic() < until:
        time.sleep(0.005)
    return sum(kept)


def _kept(server):
    service = server._service
    machine = service.machine
    counts = machine.run_count, machine.early_count, len(service._cancellations), len(server._clients._inboxes)
    return (*counts, len(server._requests.hub.inboxes[server.rank]))
