"""What a trace costs a step: without options, with a trace, and with the native kernels' rows as well.

    OMP_NUM_THREADS=1 python benchmarks/tracing.py

Prints the best and the median of rounds that take turns, in microseconds, and the sum of the nodes' times as a share of
the step's.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

import headrace as tf

ROUNDS = 200


def dense(layers: int, units: int, rows: int) -> tuple[list[Any], dict[Any, Any]]:
    """A training step of dense layers."""
    x, labels = tf.placeholder(tf.float32, [None, units]), tf.placeholder(tf.int32, [None])
    hidden: Any = x
    for i in range(layers):
        hidden = tf.layers.dense(hidden, units, tf.nn.relu, name=f"dense_{i}")
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=hidden))
    rng = np.random.default_rng(0)
    feeds = {x: rng.normal(size=(rows, units)).astype(np.float32), labels: rng.integers(0, units, rows)}
    return [loss, tf.train.AdamOptimizer().minimize(loss)], feeds


def loop(iterations: int) -> tuple[list[Any], dict[Any, Any]]:
    """A loop of small iterations, each of which leaves entries of its own."""
    x = tf.placeholder(tf.float32, [64])
    body = lambda i, total: (i + 1, total + tf.tanh(x))  # noqa: E731
    result = tf.while_loop(lambda i, total: i < iterations, body, [tf.constant(0), tf.zeros([64])])
    return list(result), {x: np.ones(64, np.float32)}


def share(metadata: Any) -> float:
    """The sum of the nodes' times over the time from the first node to the end of the last."""
    nodes = [n for d in metadata.step_stats.dev_stats for n in d.node_stats if "/stream:" not in d.device]
    # What runs within a loop is in the loop's time too.
    spans = sorted((n.all_start_nanos, n.all_start_nanos + n.all_end_rel_nanos) for n in nodes)
    total, reached = 0, 0
    for start, end in spans:
        total += max(0, end - max(start, reached))
        reached = max(reached, end)
    return total / (reached - spans[0][0])


def measure(name: str, make: Callable[[], tuple[list[Any], dict[Any, Any]]]) -> None:
    """Prints a line for each kind of run."""
    with tf.Graph().as_default(), tf.Session() as session:
        fetches, feeds = make()
        session.run(tf.global_variables_initializer())
        metadata = tf.RunMetadata()
        levels = {"off": None, "on": tf.RunOptions.FULL_TRACE, "kernels": tf.RunOptions.HARDWARE_TRACE}
        times: dict[str, list[float]] = {kind: [] for kind in levels}
        for _ in range(ROUNDS):
            for kind, level in levels.items():
                options = None if level is None else tf.RunOptions(trace_level=level)
                start = time.perf_counter()
                session.run(fetches, feeds, options, None if level is None else metadata)
                times[kind].append((time.perf_counter() - start) * 1e6)
        entries = sum(len(d.node_stats) for d in metadata.step_stats.dev_stats)
        for kind, found in times.items():
            print(f"{name:32s} {kind:8s} best {min(found):8.1f} us, median {statistics.median(found):8.1f} us")
        print(f"{name:32s} {entries} entries, nodes are {share(metadata):.1%} of the step\n")


def main() -> None:
    """Times small, middling and large steps, and a loop."""
    measure("2 dense layers of 16, 8 rows", lambda: dense(2, 16, 8))
    measure("4 dense layers of 256, 64 rows", lambda: dense(4, 256, 64))
    measure("3 dense layers of 512, 256 rows", lambda: dense(3, 512, 256))
    measure("a loop of 100 iterations", lambda: loop(100))


if __name__ == "__main__":
    main()
