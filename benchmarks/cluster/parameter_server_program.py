"""A worker or a parameter server of W2 or W8, written in TensorFlow 1, on headrace or on TensorFlow's own servers.

python parameter_server_program.py LIBRARY WORKLOAD CLUSTER JOB TASK SECONDS RESULT   (CLUSTER as JSON)

A worker warms up, waits for the other worker, and writes the steps that it made per second and the processor time of each
to RESULT; a server writes its process there, whose processor time the first worker measures too.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

BATCHES = 8


def two_layers(tf: Any) -> tuple[Any, list[dict[Any, Any]]]:
    """W2: 1000-100-10, a batch of 64, gradient descent."""
    x, y = tf.placeholder(tf.float32, [64, 1000]), tf.placeholder(tf.int32, [64])
    hidden = x
    for i, (inputs, outputs) in enumerate([(1000, 100), (100, 10)]):
        kernel = tf.get_variable(f"kernel{i}", [inputs, outputs])
        hidden = tf.matmul(hidden, kernel) + tf.get_variable(f"bias{i}", [outputs], initializer=tf.zeros_initializer())
        hidden = tf.nn.relu(hidden) if i == 0 else hidden
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=hidden))
    random = np.random.default_rng(0)
    feeds = [
        {x: random.normal(size=(64, 1000)).astype(np.float32), y: random.integers(0, 10, 64).astype(np.int32)}
        for _ in range(BATCHES)
    ]
    return tf.train.GradientDescentOptimizer(1e-3).minimize(loss), feeds


def wide_and_deep(tf: Any) -> tuple[Any, list[dict[Any, Any]]]:
    """W8: 26 columns of 100,000 buckets (8 wide) and 13 numbers, 64-32, a batch of 512, Adagrad and FTRL."""
    columns, buckets, batch = 26, 100_000, 512
    ids = tf.placeholder(tf.int32, [batch, columns])
    numbers, y = tf.placeholder(tf.float32, [batch, 13]), tf.placeholder(tf.float32, [batch, 1])
    with tf.variable_scope("deep"):
        rows = [tf.nn.embedding_lookup(tf.get_variable(f"table{i}", [buckets, 8]), ids[:, i]) for i in range(columns)]
    with tf.variable_scope("wide"):
        wide = tf.add_n(
            [tf.nn.embedding_lookup(tf.get_variable(f"table{i}", [buckets, 1]), ids[:, i]) for i in range(columns)]
        )
        wide += tf.matmul(numbers, tf.get_variable("kernel", [13, 1]))
    with tf.variable_scope("deep"):
        hidden, size = tf.concat([*rows, numbers], 1), columns * 8 + 13
        for i, width in enumerate((64, 32, 1)):
            hidden = tf.matmul(hidden, tf.get_variable(f"kernel{i}", [size, width]))
            hidden, size = (tf.nn.relu(hidden), width) if width > 1 else (hidden, width)
    loss = tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=hidden + wide))
    deep = tf.train.AdagradOptimizer(0.05).minimize(loss, var_list=tf.trainable_variables("deep"))
    wide_update = tf.train.FtrlOptimizer(0.05).minimize(loss, var_list=tf.trainable_variables("wide"))
    random = np.random.default_rng(0)
    feeds = [
        {
            ids: random.integers(0, buckets, (batch, columns)).astype(np.int32),
            numbers: random.normal(size=(batch, 13)).astype(np.float32),
            y: random.integers(0, 2, (batch, 1)).astype(np.float32),
        }
        for _ in range(BATCHES)
    ]
    return tf.group(deep, wide_update), feeds


WORKLOADS = {"W2": two_layers, "W8": wide_and_deep}


def processor_time(process: int) -> float:
    """The seconds that a process has computed, as Linux says it; 0 elsewhere."""
    try:
        words = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def timed(session: Any, train: Any, feeds: list[dict[Any, Any]], seconds: float, server: int) -> dict[str, float]:
    """Steps per second, their number, and the processor time of this process and the server meanwhile."""
    before, start, steps = [processor_time(p) for p in (os.getpid(), server)], time.perf_counter(), 0
    while time.perf_counter() - start < seconds:
        session.run(train, feeds[steps % BATCHES])
        steps += 1
    rate = steps / (time.perf_counter() - start)
    used = [processor_time(p) - b for p, b in zip((os.getpid(), server), before, strict=True)]
    return {"rate": rate, "steps": steps, "worker": used[0], "server": used[1]}


def work(tf: Any, server: Any, cluster: Any, workload: str, task: int, seconds: float, result: Path) -> None:
    """One worker: both begin to measure when both have warmed up."""
    setter = tf.train.replica_device_setter(cluster=cluster, worker_device=f"/job:worker/task:{task}")
    with tf.device(setter):
        train, feeds = WORKLOADS[workload](tf)
        ready = tf.get_variable("ready", [], initializer=tf.zeros_initializer(), trainable=False)
    raise_ready = tf.assign_add(ready, 1.0)
    config = tf.ConfigProto(intra_op_parallelism_threads=1, inter_op_parallelism_threads=1)
    with tf.train.MonitoredTrainingSession(server.target, task == 0, config=config) as session:
        server_process = int(result.with_name("ps0").read_text())
        timed(session, train, feeds, min(1.0, seconds), server_process)
        session.run(raise_ready)
        while session.run(ready) % 2:
            time.sleep(0.01)
        result.write_text(json.dumps(timed(session, train, feeds, seconds, server_process)))
        # Neither goes before the other has measured.
        session.run(raise_ready)
        while session.run(ready) < 4:
            time.sleep(0.01)


def main(library: str, workload: str, cluster: str, job: str, task: str, seconds: str, result: str) -> None:
    """Runs one process."""
    tf = importlib.import_module(library)
    if library != "headrace":
        tf.disable_eager_execution()
    spec = tf.train.ClusterSpec(json.loads(cluster))
    server = tf.train.Server(spec, job_name=job, task_index=int(task))
    if job == "ps":
        Path(result).write_text(str(os.getpid()))
        server.join()
    else:
        work(tf, server, spec, workload, int(task), float(seconds), Path(result))


if __name__ == "__main__":
    main(*sys.argv[1:])
