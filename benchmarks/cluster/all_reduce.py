"""All-reduce of 1 KB to 256 MB beside mpi4py's plain Allreduce and PyTorch's gloo, taken in turns: medians in one run.

    mpirun -n 2 python benchmarks/cluster/all_reduce.py [--most MB] [--torch PYTHON]

`--torch` names a Python that has torch: its processes are started beside the ranks, one each, and measured after them.
"""

from __future__ import annotations

import argparse
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

GLOO = """
import os, statistics, sys, time
import torch, torch.distributed as distributed
torch.set_num_threads(1)
distributed.init_process_group("gloo", init_method="file://" + sys.argv[1], rank=int(sys.argv[2]), world_size=int(sys.argv[3]))
for size in map(int, sys.argv[4:]):
    data = torch.ones(size // 4)
    times = []
    for _ in range(max(5, min(200, int(1e8 / size)))):
        distributed.barrier()
        start = time.perf_counter()
        distributed.all_reduce(data)
        times.append(time.perf_counter() - start)
    if sys.argv[2] == "0":
        print(size, statistics.median(times), flush=True)
"""


def sizes(most: int) -> list[int]:
    """Bytes from 1 KB on, four times as many each time."""
    found = [1 << k for k in range(10, 29, 2)]
    return [size for size in found if size <= most]


def median_times(calls: dict[str, Callable[[], Any]], barrier: Callable[[], Any], size: int) -> dict[str, float]:
    """Seconds of each call, in turns."""
    rounds = max(5, min(200, int(1e8 / size)))
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            barrier()
            start = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in times.items()}


def measure(most: int) -> list[tuple[int, dict[str, float]]]:
    """Medians by size; the same work on all ranks."""
    from headrace.cluster.world import world
    from headrace.engine.communicator import current

    ranks: Any = current()
    plain = world().collectives
    found = []
    for size in sizes(most):
        given, out = np.ones(size // 4, np.float32), np.empty(size // 4, np.float32)
        calls = {
            "headrace": lambda given=given, out=out: ranks.all_reduce("x", given, out=out),
            "Allreduce": lambda given=given, out=out: plain.Allreduce(given, out),
            "copy": lambda given=given, out=out: np.copyto(out, given),
        }
        found.append((size, median_times(calls, plain.Barrier, size)))
    return found


def gloo(python: str, rank: int, count: int, most: int) -> dict[int, float]:
    """PyTorch's medians by size, of processes of its own."""
    path = Path(tempfile.gettempdir()) / f"headrace-gloo-{os.getppid()}"
    arguments = [str(path), str(rank), str(count), *map(str, sizes(most))]
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("OMPI", "PMIX", "PRTE", "PMI"))}
    done = subprocess.run(
        [python, "-c", GLOO, *arguments], capture_output=True, text=True, check=False, env=environment
    )
    if rank == 0 and done.returncode:
        sys.stderr.write(done.stderr[-2000:])
    lines = [line.split() for line in done.stdout.splitlines() if line[:1].isdigit()]
    return {int(size): float(median) for size, median in lines}


def main() -> None:
    """Prints a table on rank 0."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--most", type=float, default=256, help="largest array in MB")
    parser.add_argument("--torch", default="", help="a Python with torch")
    options = parser.parse_args()

    import headrace as tf

    rank, count = tf.cluster.rank(), tf.cluster.size()
    if count == 1:
        raise SystemExit("start this with mpirun -n 2")
    most = int(options.most * (1 << 20))
    found = measure(most)
    tf.cluster.barrier()
    peer = gloo(options.torch, rank, count, most) if options.torch else {}
    tf.cluster.barrier()
    if rank:
        return
    out = sys.stdout
    out.write(f"{count} ranks, medians in microseconds\n")
    out.write(
        f"{'bytes':>10} {'headrace':>10} {'Allreduce':>10} {'gloo':>10} {'copy':>10}  Allreduce/headrace  gloo/headrace\n"
    )
    for size, times in found:
        torch_time = peer.get(size)
        row = [times["headrace"], times["Allreduce"], torch_time, times["copy"]]
        shown = " ".join(f"{'-' if t is None else f'{t * 1e6:.1f}':>10}" for t in row)
        ratio = "" if torch_time is None else f"{torch_time / times['headrace']:.2f}"
        out.write(f"{size:>10} {shown}  {times['Allreduce'] / times['headrace']:>18.2f}  {ratio:>13}\n")


if __name__ == "__main__":
    main()
