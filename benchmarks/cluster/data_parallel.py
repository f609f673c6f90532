"""What data parallelism costs on top of the computation: W4 and W5 on two ranks with one core each, beside PyTorch's DDP.

    BENCH_PY_torch=... python benchmarks/cluster/data_parallel.py [--rounds 5] [--seconds 1]

BENCH_PY_torch names an interpreter with PyTorch (by gloo); the mpirun beside this Python starts headrace's ranks. The
processes live through all rounds and are asked in turn. A rank's batch is the workload's, in all three ways:

    single      one process computes alone, the other core has nothing to do
    beside      both compute, each by itself: what the cores cost each other, without any exchange
    parallel    both compute, and their gradients are averaged
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

PROGRAM = Path(__file__).with_name("data_parallel_rank.py")
STEPS = PROGRAM.parents[1] / "steps"
RANKS = 2
MPI = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
    "PRTE_MCA_hwloc_default_binding_policy": "none",
}
THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
# Steps before anything is measured.
WARM = 20


class Ranks:
    """The two processes of a library."""

    def __init__(self, library: str, workload: str, folder: Path) -> None:
        self.library = library
        pipes = [[folder / f"{library}-{rank}.{end}" for end in ("ask", "say")] for rank in range(RANKS)]
        for path in (path for pair in pipes for path in pair):
            os.mkfifo(path)
        self._processes = [
            subprocess.Popen(command, env=os.environ | MPI | THREADS, stdin=subprocess.DEVNULL)
            for command in commands(library, workload, folder)
        ]
        self._ends: list[tuple[IO[str], IO[str]]] = [(ask.open("w"), say.open()) for ask, say in pipes]
        self.samples: dict[str, list[float]] = {"single": [], "beside": [], "parallel": []}
        self.bytes = 0.0
        seconds = [self.ask(mode, RANKS, WARM) for mode in ("alone", "parallel")]
        self._second = 1 / max(s["step"] for s in seconds)

    def ask(self, mode: str, ranks: int, steps: int) -> dict[str, float]:
        """Lets the first ranks make steps; the slowest one's answer."""
        for ask, _ in self._ends[:ranks]:
            ask.write(f"{mode} {steps}\n")
            ask.flush()
        answers = [json.loads(say.readline()) for _, say in self._ends[:ranks]]
        return max(answers, key=lambda answer: answer["step"])

    def sample(self, seconds: float) -> None:
        """One round of all three ways."""
        steps = max(5, int(seconds * self._second))
        for way, mode, ranks in (("single", "alone", 1), ("beside", "alone", 2), ("parallel", "parallel", 2)):
            found = self.ask(mode, ranks, steps)
            self.samples[way].append(found["step"])
            self.bytes = found["bytes"]

    def end(self) -> None:
        """Lets the processes end, or makes them."""
        with contextlib.suppress(OSError):
            for ask, _ in self._ends:
                ask.write("quit\n")
                ask.close()
        for process in self._processes:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()


def commands(library: str, workload: str, folder: Path) -> list[list[str]]:
    """What starts a library's processes."""
    if library == "headrace":
        mpirun = str(Path(sys.executable).with_name("mpirun"))
        return [[mpirun, "-n", str(RANKS), sys.executable, str(PROGRAM), library, workload, "-1", str(folder)]]
    python = os.environ[f"BENCH_PY_{library}"]
    return [[python, str(PROGRAM), library, workload, str(rank), str(folder)] for rank in range(RANKS)]


@contextlib.contextmanager
def started(libraries: list[str], workload: str) -> Iterator[list[Ranks]]:
    """The processes of all libraries, while they are needed."""
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        found = []
        for library in libraries:
            found.append(Ranks(library, workload, Path(folder)))
            stack.callback(found[-1].end)
        yield found


def gradient_bytes(workload: str) -> int:
    """All parameters in float32."""
    sys.path.insert(0, str(STEPS))
    import workloads

    return sum(value.nbytes for value in workloads.get(workload, batches=1).parameters.values())


def overhead(samples: dict[str, list[float]], base: str) -> float:
    """How much longer a step of both together is, in percent: the median of rounds."""
    pairs = zip(samples["parallel"], samples[base], strict=True)
    return 100 * (statistics.median(both / alone for both, alone in pairs) - 1)


def row(ranks: Ranks, workload: str) -> str:
    """A line of the table."""
    times = " ".join(f"{1e3 * statistics.median(ranks.samples[way]):9.3f}" for way in ranks.samples)
    percents = " ".join(f"{overhead(ranks.samples, base):9.1f} %" for base in ("single", "beside"))
    return f"{workload:>8} {ranks.library:>9} {times} {percents}"


def measure(workload: str, libraries: list[str], options: argparse.Namespace) -> None:
    """Prints a workload's lines."""
    with started(libraries, workload) as found:
        for number in range(options.rounds):
            for i in range(len(found)):
                found[(i + number) % len(found)].sample(options.seconds)
    for ranks in found:
        print(row(ranks, workload), flush=True)
    sent, gradients = found[0].bytes, gradient_bytes(workload)
    more = 100 * (sent / gradients - 1)
    print(f"{workload:>8} on the wire: {sent:,.0f} bytes a step and rank, gradients {gradients:,} ({more:+.3f} %)")


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="about how long a sample is")
    parser.add_argument("--workloads", default="W4,W5")
    options: Any = parser.parse_args()
    libraries = ["headrace"] + ["torch"] * ("BENCH_PY_torch" in os.environ)
    print("steps in milliseconds, medians; overhead of `parallel` over both others")
    print(f"{'':>8} {'':>9} {'single':>9} {'beside':>9} {'parallel':>9} {'single':>11} {'beside':>11}")
    for workload in options.workloads.split(","):
        measure(workload, libraries, options)


if __name__ == "__main__":
    main()
