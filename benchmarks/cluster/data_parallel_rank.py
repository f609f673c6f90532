"""One of two processes that train W4 or W5 by themselves or together, on one core each, as the other end says.

python data_parallel_rank.py LIBRARY WORKLOAD RANK FOLDER     (headrace or torch; headrace takes its rank from mpirun)

Commands come from the pipe FOLDER/LIBRARY-RANK.ask: `alone STEPS`, `parallel STEPS`, `quit`. Each is answered by a line
of JSON in FOLDER/LIBRARY-RANK.say.
"""

from __future__ import annotations

import importlib
import json
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

STEPS = Path(__file__).resolve().parents[1] / "steps"
RANKS = 2
Step = Callable[[], float]


def own_core(rank: int) -> None:
    """Keeps this process on one core."""
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[rank % len(cores)]})


def step_of(build: Callable[..., Any], workload: Any, variant: str, rank: int) -> Step:
    """Takes the next batch; the two ranks have different ones."""
    run, read = build(workload, variant, 1)
    batches, count = workload.batches, [rank]

    def step() -> float:
        count[0] += RANKS
        return float(read(run(batches[count[0] % len(batches)])))

    return step


def of_headrace(workload: Any, rank: int) -> dict[str, Step]:
    """The two programs, in graphs of their own."""
    import headrace as tf

    build, steps = importlib.import_module("headrace_programs").build, {}
    for mode, variant in (("alone", "callable"), ("parallel", "parallel")):
        with tf.Graph().as_default():
            steps[mode] = step_of(build, workload, variant, rank)
    return steps


def of_torch(workload: Any, rank: int, folder: Path) -> dict[str, Step]:
    """The same, by gloo."""
    import torch

    build = importlib.import_module("peers.pytorch").build
    torch.distributed.init_process_group("gloo", init_method=f"file://{folder}/gloo", rank=rank, world_size=RANKS)
    alone = step_of(build, workload, "eager", rank)
    return {"alone": alone, "parallel": step_of(build, workload, "parallel", rank)}


def bytes_given() -> int:
    """What this rank has handed to the others, in bytes; 0 where nobody counts."""
    if "headrace" not in sys.modules:
        return 0
    from headrace.engine.communicator import current

    ranks: Any = current()
    return int(ranks.group.exchanged_bytes)


def measured(step: Step, count: int) -> dict[str, float]:
    """The median of so many steps, each with its loss read."""
    times, before = [], bytes_given()
    used = time.process_time()
    for _ in range(count):
        start = time.perf_counter()
        loss = step()
        times.append(time.perf_counter() - start)
    used = (time.process_time() - used) / count
    return {"step": statistics.median(times), "used": used, "bytes": (bytes_given() - before) / count, "loss": loss}


def main(library: str, name: str, number: str, folder: Path) -> None:
    """Obeys."""
    sys.path.insert(0, str(STEPS))
    rank = int(number)
    if library == "headrace":
        import headrace as tf

        rank = tf.cluster.rank()
    own_core(rank)
    workload = importlib.import_module("workloads").get(name)
    steps = of_headrace(workload, rank) if library == "headrace" else of_torch(workload, rank, folder)
    path = folder / f"{library}-{rank}"
    with path.with_suffix(".ask").open() as ask, path.with_suffix(".say").open("w") as say:
        for line in ask:
            words = line.split()
            if words == ["quit"]:
                break
            print(json.dumps(measured(steps[words[0]], int(words[1]))), file=say, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:4], Path(sys.argv[4]))
