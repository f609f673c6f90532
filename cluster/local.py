"""A cluster of tasks in this process, for tests and examples: their messages go through memory."""

from __future__ import annotations

import itertools
from typing import Any

from .server import Server
from .transport import Hub

# Addresses are names: each cluster's are its own.
_ports = itertools.count(20000)


def create_local_cluster(
    num_workers: int, num_ps: int, protocol: str = "grpc", worker_config: Any = None, ps_config: Any = None
) -> tuple[list[Server], list[Server]]:
    """Servers of this process for some workers and parameter servers, as TensorFlow 1.15's.

    They share no memory: what goes from one task to another is written and read as between processes. Threads that run
    sessions on several of the targets are a between-graph replication.

    Args:
        num_workers, num_ps: how many tasks the jobs "worker" and "ps" have.
        protocol: ignored: there is one.
        worker_config, ps_config: a ConfigProto for the servers.

    Returns:
        The servers of the workers, and of the parameter servers.

    Example:
        >>> import headrace as tf
        >>> workers, servers = tf.test.create_local_cluster(num_workers=2, num_ps=1)
        >>> with tf.Graph().as_default(), tf.device("/job:ps/task:0"):
        ...     count = tf.Variable(0)
        ...     with tf.Session(workers[0].target) as one, tf.Session(workers[1].target) as other:
        ...         one.run(count.initializer)
        ...         print(one.run(tf.assign_add(count, 1)), other.run(tf.assign_add(count, 1)))
        1 2
    """
    del protocol
    counts = {"worker": num_workers, "ps": num_ps}
    cluster = {job: [f"localhost:{next(_ports)}" for _ in range(count)] for job, count in counts.items() if count}
    tasks = [(job, index) for job, addresses in cluster.items() for index in range(len(addresses))]
    requests, replies = Hub(len(tasks)), Hub(len(tasks))
    servers = [
        Server(
            cluster,
            job,
            index,
            config=worker_config if job == "worker" else ps_config,
            transports=(requests.transport(rank), replies.transport(rank)),
        )
        for rank, (job, index) in enumerate(tasks)
    ]
    return servers[:num_workers], servers[num_workers:]
