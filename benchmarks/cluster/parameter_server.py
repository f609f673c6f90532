"""Steps per second of two workers on one parameter server, beside TensorFlow's own servers, interleaved in one run.

The processor time of all three processes by step is shown too: it says the same on a machine that does other things.

    BENCH_PY_tf215=... python benchmarks/cluster/parameter_server.py [--rounds 3] [--seconds 3]

BENCH_PY_tf215 names an interpreter with TensorFlow 2.15, whose compat.v1 still has the servers. Every process has one
thread for its kernels. The mpirun beside this Python starts headrace's processes.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

PROGRAM = Path(__file__).with_name("parameter_server_program.py")
JOBS = [("ps", 0), ("worker", 0), ("worker", 1)]
MPI = {
    "OMPI_ALLOW_RUN_AS_ROOT": "1",
    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1",
    "PRTE_MCA_rmaps_default_mapping_policy": ":oversubscribe",
}
ENVIRONMENT = {**os.environ, **MPI, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "TF_CPP_MIN_LOG_LEVEL": "2"}


def free_port() -> int:
    """A port of this machine that nothing listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def cluster() -> str:
    """Addresses for a server and two workers."""
    ports = [f"127.0.0.1:{free_port()}" for _ in JOBS]
    return json.dumps({"ps": ports[:1], "worker": ports[1:]})


def of_headrace(workload: str, seconds: float, folder: Path) -> None:
    """One mpirun of three programs."""
    mpirun, tasks = Path(sys.executable).with_name("mpirun"), cluster()
    command = [str(mpirun)]
    for i, (job, task) in enumerate(JOBS):
        arguments = ["headrace", workload, tasks, job, str(task), str(seconds), str(folder / f"{job}{task}")]
        command += [":"] * (i > 0) + ["-n", "1", sys.executable, str(PROGRAM), *arguments]
    subprocess.run(command, env=ENVIRONMENT, check=True, timeout=120 + 4 * seconds)


def of_tensorflow(workload: str, seconds: float, folder: Path) -> None:
    """Three processes; the server never ends by itself."""
    tasks, processes = cluster(), []
    for job, task in JOBS:
        arguments = [
            "tensorflow.compat.v1",
            workload,
            tasks,
            job,
            str(task),
            str(seconds),
            str(folder / f"{job}{task}"),
        ]
        command = [os.environ["BENCH_PY_tf215"], str(PROGRAM), *arguments]
        processes.append(subprocess.Popen(command, env=ENVIRONMENT, stderr=subprocess.DEVNULL))
    try:
        for process in processes[1:]:
            process.wait(timeout=120 + 4 * seconds)
    finally:
        for process in processes:
            process.kill()


def measured(library: str, workload: str, seconds: float) -> tuple[float, float]:
    """Steps per second of both workers together, and milliseconds of processors that a step costs, the server's too."""
    with tempfile.TemporaryDirectory() as scratch:
        (of_headrace if library == "headrace" else of_tensorflow)(workload, seconds, Path(scratch))
        workers = [json.loads((Path(scratch) / f"worker{i}").read_text()) for i in (0, 1)]
    used = sum(w["worker"] for w in workers) + workers[0]["server"]
    return sum(w["rate"] for w in workers), 1000 * used / sum(w["steps"] for w in workers)


def main() -> None:
    """Prints medians and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--workloads", default="W2,W8")
    options = parser.parse_args()
    libraries = ["headrace"] + ["tensorflow"] * ("BENCH_PY_tf215" in os.environ)
    for workload in options.workloads.split(","):
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in libraries}
        for _ in range(options.rounds):
            for name in libraries:
                found[name].append(measured(name, workload, options.seconds))
        medians = {name: statistics.median(rate for rate, _ in values) for name, values in found.items()}
        used = {name: statistics.median(spent for _, spent in values) for name, values in found.items()}
        text = ", ".join(
            f"{name} {rate:.0f} steps/s ({used[name]:.2f} ms of processors)" for name, rate in medians.items()
        )
        ratio = f", ratio {medians['headrace'] / medians['tensorflow']:.2f}" if len(medians) > 1 else ""
        print(f"{workload}: {text}{ratio}", flush=True)


if __name__ == "__main__":
    main()
