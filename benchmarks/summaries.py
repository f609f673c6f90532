"""What summaries cost a step: scalars and histograms written at every step, in microseconds beyond the step without them.

`python benchmarks/summaries.py [--rounds 7] [--steps 200] [--folder FOLDER]`. The step is that of a small net (784-128-10,
batch 100, SGD). Ways take turns; figures are medians of rounds, the last column what the file takes. The two last lines are
the writer alone: a summary that is made already, and a flush, which waits for the disk.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

import headrace as tf

Step = Callable[[int], object]


def ways(session: tf.Session, folder: Path) -> dict[str, Step]:
    """The step without summaries and with several kinds of them, by name."""
    rng = np.random.default_rng(0)
    x, y = tf.placeholder(tf.float32, [None, 784]), tf.placeholder(tf.int32, [None])
    hidden = tf.layers.dense(x, 128, tf.nn.relu)
    loss = tf.losses.sparse_softmax_cross_entropy(y, tf.layers.dense(hidden, 10))
    train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
    kernel = tf.trainable_variables()[0]
    kinds = {
        "1 scalar": [tf.summary.scalar("loss", loss)],
        "20 scalars": [tf.summary.scalar(f"loss{number}", loss) for number in range(20)],
        "histogram of 12,800": [tf.summary.histogram("hidden", hidden)],
        "histogram of 100,352": [tf.summary.histogram("kernel", kernel)],
    }
    session.run(tf.global_variables_initializer())
    feeds = {x: rng.standard_normal((100, 784), np.float32), y: rng.integers(0, 10, 100)}
    found: dict[str, Step] = {"no summaries": lambda _: session.run(train, feeds)}
    for name, summaries in kinds.items():
        found[name] = written(session, train, tf.summary.merge(summaries), feeds, folder / name)
    writer = tf.summary.FileWriter(folder / "alone")
    ready = session.run(kinds["1 scalar"][0], feeds)
    found["add_summary alone"] = lambda step: writer.add_summary(ready, step)
    found["add_summary and flush"] = lambda step: (writer.add_summary(ready, step), writer.flush())
    return found


def written(session: tf.Session, train: tf.Operation, merged: tf.Tensor, feeds: dict, folder: Path) -> Step:
    writer = tf.summary.FileWriter(folder)

    def step(number: int) -> None:
        _, summary = session.run([train, merged], feeds)
        writer.add_summary(summary, number)

    return step


def timed(step: Step, steps: int) -> float:
    """Microseconds a step."""
    begin = time.perf_counter()
    for number in range(steps):
        step(number)
    return (time.perf_counter() - begin) / steps * 1e6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder, tf.Session() as session:
        steps = ways(session, Path(folder))
        for step in steps.values():
            timed(step, 20)
        times = {name: [] for name in steps}
        for _ in range(given.rounds):
            for name, step in steps.items():
                times[name].append(timed(step, given.steps))
        base = statistics.median(times["no summaries"])
        count = given.rounds * given.steps + 20
        print(f"{'':24}{'us a step':>12}{'beyond':>10}{'bytes a step':>14}")
        for name, found in times.items():
            middle = statistics.median(found)
            row = f"{name:24}{middle:12.1f}"
            if (Path(folder) / name).exists():
                size = sum(path.stat().st_size for path in (Path(folder) / name).glob("*"))
                row += f"{middle - base:10.1f}{size / count:14.0f}"
            print(row)


if __name__ == "__main__":
    main()
