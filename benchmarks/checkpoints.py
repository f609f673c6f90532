"""Saving and restoring beside plain files: bandwidth of headrace's Saver, TensorFlow's and torch.save, in one run.

`python benchmarks/checkpoints.py [--megabytes 400] [--rounds 5] [--folder FOLDER]`. Peers are run by the interpreters that
BENCH_PY_tf215 and BENCH_PY_torch name, if set. The plain file is written in one go, synced, and renamed over the one before,
which so keeps its memory until then, as with checkpoints; "in place" it is written over the one before. All are read from the
page cache. "first" reads into memory that was never used, as a process that has just started does; "again" into memory that
holds values already, which a headrace session keeps unless all of the checkpoint is good. Medians of rounds that take turns.

Then a training loop: what its steps take while an asynchronous save is written beside it, and what the call of that save takes
beyond a copy of the values. `--training MEGABYTES` sets the size of that model; 0 leaves this part out.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

TENSORS = 20
Step = Callable[[], Any]
Steps = tuple[Step, Step, Step]


def arrays(megabytes: int) -> list[Any]:
    """Float tensors of so many megabytes together."""
    rng = np.random.default_rng(0)
    return [rng.standard_normal((megabytes * 1000 // 4 // TENSORS, 1000), np.float32) for _ in range(TENSORS)]


def plain(folder: Path, megabytes: int, is_new: bool = True) -> Steps:
    data = np.concatenate([a.reshape(-1) for a in arrays(megabytes)])
    into = np.zeros_like(data)

    def write() -> None:
        path = folder / ("new" if is_new else "plain")
        with path.open("wb", buffering=0) as stream:
            view, done = data.view(np.uint8).data, 0
            while done < len(view):
                done += stream.write(view[done:])
            os.fsync(stream.fileno())
        path.rename(folder / "plain")

    def read(target: Any) -> None:
        with (folder / "plain").open("rb", buffering=0) as stream:
            view, done = target.view(np.uint8).data, 0
            while done < len(view):
                done += stream.readinto(view[done:])

    return write, lambda: read(np.empty_like(data)), lambda: read(into)


def in_place(folder: Path, megabytes: int) -> Steps:
    return plain(folder, megabytes, is_new=False)


def saver_of(tf: Any, folder: Path, megabytes: int) -> Steps:
    tf.disable_v2_behavior()
    values = arrays(megabytes)
    fed = [tf.placeholder(tf.float32, v.shape) for v in values]
    variables = [tf.get_variable(f"v{i}", initializer=p) for i, p in enumerate(fed)]
    saver = tf.train.Saver()
    session = tf.Session()
    session.run([v.initializer for v in variables], dict(zip(fed, values, strict=True)))
    prefix = str(folder / "model")

    def first() -> None:
        with tf.Session() as other:
            saver.restore(other, prefix)

    return lambda: saver.save(session, prefix, write_meta_graph=False), first, lambda: saver.restore(session, prefix)


def headrace(folder: Path, megabytes: int) -> Steps:
    import headrace as tf

    return saver_of(tf, folder, megabytes)


def tensorflow(folder: Path, megabytes: int) -> Steps:
    import tensorflow.compat.v1 as tf

    return saver_of(tf, folder, megabytes)


def torch(folder: Path, megabytes: int) -> Steps:
    import torch

    values = {f"v{i}": torch.from_numpy(a) for i, a in enumerate(arrays(megabytes))}
    path = folder / "model.pt"

    def again() -> None:
        for name, value in torch.load(path, weights_only=True).items():
            values[name].copy_(value)

    return lambda: torch.save(values, path), lambda: torch.load(path, weights_only=True), again


def synced(folder: Path, step: Step) -> None:
    """A save whose files are on the disk, which not everyone waits for by itself."""
    step()
    for path in folder.iterdir():
        with path.open("rb") as stream:
            os.fsync(stream.fileno())


SIDES = {"plain file": plain, "in place": in_place, "headrace": headrace, "tensorflow": tensorflow, "torch": torch}
ACTIONS = {"save": "save", "synced": "save, synced", "first": "restore, first", "again": "restore, again"}
PEERS = {"tensorflow": "BENCH_PY_tf215", "torch": "BENCH_PY_torch"}


def beside_training(folder: Path, megabytes: int, rounds: int) -> None:
    """Prints what an asynchronous save costs the steps that are made while it is written."""
    import headrace as tf

    units = int((megabytes * 250_000 / 4) ** 0.5)
    x = tf.placeholder(tf.float32, [64, units])
    hidden: Any = x
    for number in range(4):
        hidden = tf.layers.dense(hidden, units, tf.nn.relu, use_bias=False, name=f"dense{number}")
    train = tf.train.GradientDescentOptimizer(1e-6).minimize(tf.reduce_mean(tf.square(hidden)))
    saver, variables = tf.train.Saver(max_to_keep=2), tf.global_variables()
    feeds = {x: np.random.default_rng(0).standard_normal((64, units), np.float32)}
    found: dict[str, list[float]] = {name: [] for name in ("without", "beside", "call", "copy", "save", "steps")}
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        values = session.run(variables)
        for number in range(rounds + 1):
            taken = one_save(session, train, feeds, saver, f"{folder}/model", number)
            taken["copy"] = timed(lambda: [np.array(value) for value in values])
            for name, seconds in taken.items():
                if number:
                    found[name].append(seconds)
    middle = {name: statistics.median(times) for name, times in found.items()}
    shares = [b / w - 1 for b, w in zip(found["beside"], found["without"], strict=True)]
    extra = [c - a + n * (b - w) for c, a, n, b, w in zip(*(found[k] for k in EXTRA), strict=True)]
    print(f"\n{megabytes} MB saved beside a training loop, medians of {rounds} (mean of the steps of each)")
    print(
        f"a step without saves {middle['without'] * 1e3:.1f} ms, while one is written {middle['beside'] * 1e3:.1f} ms"
    )
    print(
        f"    longer by {statistics.median(shares):.1%} in each of {middle['steps']:.0f} steps ({middle['save']:.2f} s)"
    )
    print(f"the call of a save {middle['call'] * 1e3:.1f} ms, a copy of the values alone {middle['copy'] * 1e3:.1f} ms")
    beyond = statistics.median(extra)
    every_100 = beyond / (100 * middle["without"])
    print(
        f"a save in all, beyond the copy, {beyond * 1e3:.1f} ms: {every_100:.1%} of a step's time if saved every 100 steps"
    )


EXTRA = ("call", "copy", "steps", "beside", "without")


def timed(step: Step) -> float:
    start = time.perf_counter()
    step()
    return time.perf_counter() - start


def one_save(session: Any, train: Any, feeds: Any, saver: Any, prefix: str, number: int) -> dict[str, float]:
    """Steps without a save, and those that are made while one is written: mean seconds of each, and of the save."""
    without = statistics.mean(timed(lambda: session.run(train, feeds)) for _ in range(15))
    start = time.perf_counter()
    call = timed(lambda: saver.save(session, prefix, number, write_meta_graph=False, asynchronous=True))
    beside = []
    while saver.is_saving:
        beside.append(timed(lambda: session.run(train, feeds)))
    saver.wait()
    return {
        "without": without,
        "beside": statistics.mean(beside or [without]),
        "call": call,
        "save": time.perf_counter() - start,
        "steps": len(beside),
    }


def serve(side: str, folder: Path, megabytes: int) -> None:
    """Times a save or a restore for each line of the standard input."""
    save, first, again = SIDES[side](folder, megabytes)
    actions = {"save": save, "synced": lambda: synced(folder, save), "first": first, "again": again}
    for line in sys.stdin:
        start = time.perf_counter()
        actions[line.strip()]()
        print(json.dumps(time.perf_counter() - start), flush=True)


class Side:
    """A process that saves and restores when told."""

    def __init__(self, name: str, python: str, folder: Path, megabytes: int) -> None:
        folder.mkdir()
        command = [python, __file__, "--serve", name, "--folder", str(folder), "--megabytes", str(megabytes)]
        errors = (folder.parent / f"{name}.log").open("w")
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
        )

    def seconds(self, action: str) -> float:
        assert self.process.stdin is not None and self.process.stdout is not None  # noqa: S101
        self.process.stdin.write(f"{action}\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            if line[:1].isdigit():
                return float(line)
        raise RuntimeError(f"a side ended with status {self.process.wait()}")


def main(options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        pythons = {side: os.environ.get(PEERS[side]) if side in PEERS else sys.executable for side in SIDES}
        sides = {s: Side(s, p, Path(name) / s, options.megabytes) for s, p in pythons.items() if p}
        times: dict[str, dict[str, list[float]]] = {s: {action: [] for action in ACTIONS} for s in sides}
        for number in range(options.rounds + 1):
            for action in ACTIONS:
                for side, process in sides.items():
                    found = process.seconds(action)
                    # The first round warms up.
                    if number:
                        times[side][action].append(found)
        print(
            f"{options.megabytes} MB in {TENSORS} tensors, MB/s (share of the plain file), median of {options.rounds}"
        )
        print(f"{'':12}" + "".join(f"{title:>18}" for title in ACTIONS.values()))
        for side, taken in times.items():
            row = [statistics.median(taken[action]) for action in taken]
            base = [statistics.median(times["plain file"][action]) for action in taken]
            cells = [f"{options.megabytes / t:.0f} ({b / t:.0%})" for t, b in zip(row, base, strict=True)]
            print(f"{side:12}" + "".join(f"{cell:>18}" for cell in cells))
        for process in sides.values():
            process.process.communicate()
        if options.training:
            beside_training(Path(name), options.training, options.rounds)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--training", type=int, default=100, metavar="MEGABYTES")
    parser.add_argument("--serve", choices=SIDES)
    chosen = parser.parse_args()
    if chosen.serve:
        serve(chosen.serve, chosen.folder, chosen.megabytes)
    else:
        main(chosen)
