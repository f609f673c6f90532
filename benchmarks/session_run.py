"""What a cached Session.run costs: one add with one feed and one fetch, and the same through make_callable.

Run as `python benchmarks/session_run.py`; prints the best and the median of several rounds in microseconds.
"""

from __future__ import annotations

import statistics
import timeit

import numpy as np

import headrace as tf

ROUNDS, RUNS = 15, 5000


def measured(label: str, call) -> None:
    """Prints the time of a call over rounds."""
    times = [t / RUNS * 1e6 for t in timeit.repeat(call, number=RUNS, repeat=ROUNDS)]
    print(f"{label:42s} best {min(times):6.2f} us, median {statistics.median(times):6.2f} us")


def main() -> None:
    """Times scalar and small-array steps."""
    x = tf.placeholder(tf.float32, [])
    y = x + 1.0
    v = tf.placeholder(tf.float32, [64])
    with tf.Session() as sess:
        measured("session.run, scalar feed", lambda: sess.run(y, {x: 2.0}))
        call = sess.make_callable(y, [x])
        measured("make_callable, scalar feed", lambda: call(2.0))
        array = np.ones(64, np.float32)
        total = tf.reduce_sum(v * 2.0)
        measured("session.run, 64 floats, multiply and sum", lambda: sess.run(total, {v: array}))


if __name__ == "__main__":
    main()
