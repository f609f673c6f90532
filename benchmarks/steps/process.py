"""One peer in a process of its own: takes the first step at once, then obeys lines on its standard input.

    python benchmarks/steps/process.py headrace W4 --threads 2

`run SECONDS`, `losses`, `memory` and `quit` are each answered by a line of JSON.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import json
import os
import platform
import statistics
import sys
import time
from typing import Any

from machine import busy_share, peak_memory, ticks

# When the parent started this process, by the wall clock.
START = float(os.environ.get("BENCH_START", time.time()))
CHECKED = 20

PEERS = {
    "headrace": ("headrace_programs", "callable"),
    "headrace_run": ("headrace_programs", "run"),
    "tf1": ("peers.tensorflow_session", "run"),
    "tf1c": ("peers.tensorflow_session", "callable"),
    "tf2": ("peers.tensorflow_function", "function"),
    "tf2xla": ("peers.tensorflow_function", "xla"),
    "keras": ("peers.keras_layers", ""),
    "torch": ("peers.pytorch", "eager"),
    "torchc": ("peers.pytorch", "compile"),
    "jax": ("peers.jax_jit", ""),
}
PACKAGES = ("headrace", "numpy", "tensorflow", "keras", "torch", "jax")


def versions() -> dict[str, str]:
    """Of Python and of the packages in use."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        if name in sys.modules:
            try:
                found[name] = importlib.metadata.version(name)
            except importlib.metadata.PackageNotFoundError:
                found[name] = str(getattr(sys.modules[name], "__version__", "?"))
    return found


class Runner:
    """A workload on a peer, with its losses and what its first step took."""

    def __init__(self, peer: str, workload: str, threads: int) -> None:
        import workloads

        before = time.perf_counter()
        self.workload = workloads.get(workload)
        data = time.perf_counter() - before
        module, variant = PEERS[peer]
        build = importlib.import_module(module).build
        imported = time.perf_counter()
        self.step, self.read = build(self.workload, variant, threads)
        self.count = 0
        self.losses = [self.one()]
        now = time.perf_counter()
        # Making the data is nobody's work.
        self.first = {"first_step": now - imported, "from_start": time.time() - START - data}

    def one(self) -> float:
        batches = self.workload.batches
        loss: float = self.read(self.step(batches[self.count % len(batches)]))
        self.count += 1
        return loss

    def check(self) -> list[float]:
        while len(self.losses) < CHECKED:
            self.losses.append(self.one())
        return self.losses

    def run(self, seconds: float) -> dict[str, float]:
        """Whole steps, each with its loss read, for so long."""
        batches, step, read, clock = self.workload.batches, self.step, self.read, time.perf_counter
        times = []
        used, before = os.times(), ticks()
        count, last = self.count, clock()
        end = last + seconds
        while last < end:
            read(step(batches[count % len(batches)]))
            count += 1
            now = clock()
            times.append(now - last)
            last = now
        self.count = count
        now_used = os.times()
        own = now_used.user + now_used.system - used.user - used.system
        return {"step": statistics.median(times), "others": busy_share(before, own), "cores": own / sum(times)}


def answer(runner: Runner, words: list[str]) -> Any:
    match words:
        case ["run", seconds]:
            return runner.run(float(seconds))
        case ["losses"]:
            return runner.check()
        case ["memory"]:
            return peak_memory()
    raise SystemExit(f"no such command: {' '.join(words)}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("workload")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    # What a library prints must not come between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    if hasattr(os, "sched_setaffinity") and arguments.threads < (os.cpu_count() or 1):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: arguments.threads])
    runner = Runner(arguments.peer, arguments.workload, arguments.threads)
    print(json.dumps(runner.first | {"versions": versions()}), file=answers, flush=True)
    for line in sys.stdin:
        if line.strip() == "quit":
            break
        print(json.dumps(answer(runner, line.split())), file=answers, flush=True)


if __name__ == "__main__":
    main()
