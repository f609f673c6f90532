"""One peer in a process of its own, which imports its library and then obeys lines on its standard input.

    python benchmarks/gpu/peer.py headrace G1 [--small] [--sim]

`start` (builds a program and takes its first steps, which the others need), `run SECONDS`, `losses`, `memory`, `rate`, `explain`
and `quit` are each answered by a line of JSON, with an "error" where it went wrong.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import statistics
import sys
import time
import traceback
from collections.abc import Iterator
from typing import Any

import programs

PEERS = {
    "headrace": ("headrace_gpu", ""),
    "torch": ("torch_gpu", "eager"),
    "torchc": ("torch_gpu", "compile"),
    "torchm": ("torch_gpu", "max"),
    "jax": ("jax_gpu", ""),
}
CHECKED, WARM = 10, 12


class Runner:
    """A program on a peer, with its losses."""

    def __init__(self, arguments: argparse.Namespace, workload: Any, build: Any, variant: str) -> None:
        self.workload = workload
        start = time.perf_counter()
        self.step, self.read = build(self.workload, variant, not arguments.sim)
        self.count = 0
        self.losses = [self.one()]
        self.first = time.perf_counter() - start
        while len(self.losses) < CHECKED:
            self.losses.append(self.one())
        for _ in range(WARM):
            self.one()

    def one(self) -> float:
        batches = self.workload.batches
        loss = self.read(self.step(batches[self.count % len(batches)]))
        self.count += 1
        return loss

    def run(self, seconds: float) -> dict[str, float]:
        """Whole steps, each fed anew and with its loss read, for so long and ten at least."""
        times: list[float] = []
        last = start = time.perf_counter()
        while last < start + seconds or len(times) < 10:
            self.one()
            now = time.perf_counter()
            times.append(now - last)
            last = now
        return {"step": statistics.median(times), "mean": (last - start) / len(times), "count": len(times)}


def used_bytes() -> int:
    """What this process's library has taken of the GPU's memory at most, as it counts itself; 0 where it does not."""
    if "torch" in sys.modules:
        return int(sys.modules["torch"].cuda.max_memory_reserved())
    if "jax" in sys.modules:
        return int((sys.modules["jax"].devices()[0].memory_stats() or {}).get("peak_bytes_in_use", 0))
    from headrace.engine.gpu.find import find_device
    from headrace.engine.gpu.memory import ledger_of

    device = find_device()
    return 0 if device is None else ledger_of(device).used


def answer(runner: Runner, words: list[str]) -> Any:
    match words:
        case ["run", seconds]:
            return runner.run(float(seconds))
        case ["losses"]:
            return runner.losses
        case ["memory"]:
            return used_bytes()
        case ["rate"]:
            return importlib.import_module("headrace_gpu").matrix_rate()
        case ["explain"]:
            return importlib.import_module("headrace_gpu").explained(runner.workload)
    raise ValueError(f"no such command: {' '.join(words)}")


def hello(runner: Runner, arguments: argparse.Namespace) -> dict[str, Any]:
    version = str(getattr(sys.modules[arguments.peer.rstrip("cm")], "__version__", "?"))
    found = {"first": runner.first, "version": version}
    if arguments.peer == "headrace":
        found["device"] = "the simulated GPU" if arguments.sim else device_name()
    return found


def answered(arguments: argparse.Namespace) -> Iterator[Any]:
    """The answer to each line of the standard input."""
    module, variant = PEERS[arguments.peer]
    workload, build = programs.get(arguments.program, arguments.small), importlib.import_module(module).build
    runner: Runner | None = None
    for line in sys.stdin:
        words = line.split()
        if words == ["quit"]:
            return
        try:
            if words == ["start"]:
                runner = Runner(arguments, workload, build, variant)
                yield hello(runner, arguments)
            elif runner is None:
                raise ValueError("it was not started")
            else:
                yield answer(runner, words)
        except Exception as error:
            traceback.print_exc()
            yield {"error": f"{type(error).__name__}: {str(error)[:500]}"}


def device_name() -> str:
    from headrace.engine.gpu.cuda.driver import find

    cards = find().cards
    return cards[0].name if cards else "no GPU"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peer", choices=PEERS)
    parser.add_argument("program", choices=programs.PROGRAMS)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--sim", action="store_true")
    arguments = parser.parse_args()
    # What a library prints must not come between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for found in answered(arguments):
        print(json.dumps(found), file=answers, flush=True)


if __name__ == "__main__":
    main()
