"""Estimators side by side with scikit-learn, Keras and TensorFlow: predict of one row, fit of digits, wide and deep.

Every peer is a process that stays alive; they are asked in turn, round by round, and the ratios are the medians over
the rounds of each peer's time over headrace's. Run as `python benchmarks/estimators.py [--rounds 5]`. The interpreters
of the peers are found in BENCH_PY_sklearn, BENCH_PY_keras (Keras 3 with PyTorch), BENCH_PY_keras_jax (Keras 3 with JAX) and
BENCH_PY_tf215 (TensorFlow 2.15 with its estimators); a peer whose variable is not set is left out.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

WORKLOADS = {
    "predict_one_row": "predict of one row, ms",
    "fit_digits": "fit of digits, 30 epochs of 45 steps, s",
    "wide_and_deep": "a step of wide and deep, 200 rows, ms",
}
PEERS = ("headrace", "sklearn", "keras", "keras_jax", "tf215")
BACKENDS = {"keras": "torch", "keras_jax": "jax"}
# As many numerical threads for each.
THREADS = {name: "1" for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")}
THREADS |= {"XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false", "NPROC": "1"}


class Peer:
    """A process that times workloads when it is asked.

    Args:
        name: which peer.
        folder: holds the data.
    """

    def __init__(self, name: str, folder: str) -> None:
        python = sys.executable if name == "headrace" else os.environ[f"BENCH_PY_{name}"]
        script = Path(__file__).with_name("estimator_peers.py")
        environment = {**os.environ, **THREADS, "TF_CPP_MIN_LOG_LEVEL": "3"}
        if name in BACKENDS:
            environment["KERAS_BACKEND"] = BACKENDS[name]
        self.name = name
        self.process = subprocess.Popen(
            [python, str(script), name, folder],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=environment,
        )  # fmt: skip

    def ask(self, workload: str) -> float | None:
        """The time that the workload takes now; None where the peer has nothing like it."""
        stdin, stdout = self.process.stdin, self.process.stdout
        if stdin is None or stdout is None:
            raise RuntimeError(f"{self.name} has no pipes")
        stdin.write(workload + "\n")
        stdin.flush()
        for line in stdout:
            if line.startswith("time "):
                return json.loads(line[5:])
        raise RuntimeError(f"{self.name} ended while it ran {workload}")

    def close(self) -> None:
        """Ends the process."""
        self.process.kill()
        self.process.wait()


def write_data(folder: str) -> None:
    """The data of all peers, as arrays in a file."""
    import numpy as np

    import headrace as hr

    x_train, x_test, y_train, y_test = hr.datasets.digits.load_split()
    table, label = hr.datasets.synthetic.make_census(8000)
    words = {f"census/{name}": np.asarray(values).astype("U" if values.dtype.kind in "OSU" else "f4")
             for name, values in table.items()}  # fmt: skip
    digits = {"x_train": x_train.reshape(len(x_train), -1), "x_test": x_test.reshape(len(x_test), -1)}
    np.savez(Path(folder) / "data.npz", **digits, y_train=y_train, y_test=y_test, label=label, **words)


def main() -> None:
    """Runs the rounds and prints times and ratios."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=list(WORKLOADS))
    arguments = parser.parse_args()
    found = [name for name in PEERS if name == "headrace" or f"BENCH_PY_{name}" in os.environ]
    with tempfile.TemporaryDirectory() as folder:
        write_data(folder)
        peers = [Peer(name, folder) for name in found]
        try:
            for workload in [arguments.only] if arguments.only else WORKLOADS:
                compare(workload, peers, arguments.rounds)
        finally:
            for peer in peers:
                peer.close()


def compare(workload: str, peers: list[Peer], rounds: int) -> None:
    """Times a workload by all peers in turn."""
    print(WORKLOADS[workload])
    # The first call of each compiles and warms.
    alive = [peer for peer in peers if peer.ask(workload) is not None]
    times: dict[str, list[float]] = {peer.name: [] for peer in alive}
    for _ in range(rounds):
        for peer in alive:
            times[peer.name].append(peer.ask(workload) or 0.0)
    for name, values in times.items():
        ratio = statistics.median(a / b for a, b in zip(values, times["headrace"], strict=True))
        print(f"  {name:10s} median {statistics.median(values):10.4f}   best {min(values):10.4f}   ratio {ratio:9.2f}")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
