"""Training steps of headrace and its peers, side by side in one run: every peer is a live process, asked in turn.

    BENCH_PY_tf=... BENCH_PY_keras=... BENCH_PY_torch=... BENCH_PY_jax=... \\
        python benchmarks/steps/compare.py --workloads W1,W2 --peers headrace,tf1,torch,jax --rounds 7 --threads 2

BENCH_PY_* name the interpreters that have the peers (TensorFlow and PyTorch are not installed side by side for
long); a peer without one is left out. Ratios are taken round by round against the first peer, and their medians shown.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shlex
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import table
from machine import wait_until_quiet
from process import PEERS

HERE = Path(__file__).resolve().parent
FAMILY = {"tf1": "tf", "tf1c": "tf", "tf2": "tf", "tf2xla": "tf", "keras": "keras"}
FAMILY |= {"torch": "torch", "torchc": "torch", "jax": "jax"}
ALL = [f"W{i}" for i in range(1, 10)]
# Where a step is mostly overhead, the other way to feed a session is measured as well.
OVERHEAD = ("W1", "W2", "W3")
OTHER_WAY = {"headrace": "headrace_run", "tf1": "tf1c"}
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
# Losses are compared after step 1 and 20. Rounding grows in W6, where all peers differ in the third decimal. In W7 TensorFlow
# clips by a norm that counts each use of a word by itself, PyTorch and JAX by the norm of their sums.
TOLERANCE = {"W6": 5e-3, "W7": 5e-3}
USUAL_TOLERANCE = 1e-4


def interpreter(peer: str) -> str | None:
    family = FAMILY.get(peer)
    if family is None:
        return os.environ.get("BENCH_PY_headrace", sys.executable)
    return os.environ.get(f"BENCH_PY_{family}")


class Peer:
    """A peer's process."""

    def __init__(self, name: str, workload: str, arguments: argparse.Namespace) -> None:
        self.name = name
        threads = str(arguments.threads)
        environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "BENCH_START": repr(time.time())}
        environment |= dict.fromkeys(THREAD_VARIABLES, threads)
        command = [str(interpreter(name)), str(HERE / "process.py"), name, workload, "--threads", threads]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None if arguments.verbose else subprocess.DEVNULL,
            text=True,
            env=environment,
        )
        self.samples: list[dict[str, float]] = []
        self.first: dict[str, Any] = self.answer()

    def answer(self) -> Any:
        line = self.process.stdout.readline() if self.process.stdout else ""
        if not line:
            raise RuntimeError(f"{self.name} ended with status {self.process.wait()}")
        return json.loads(line)

    def ask(self, command: str) -> Any:
        if self.process.stdin is None:
            raise RuntimeError(f"{self.name} takes no commands")
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()
        return self.answer()

    def end(self) -> None:
        with contextlib.suppress(OSError):
            self.process.communicate("quit\n", timeout=20)
        if self.process.poll() is None:
            self.process.kill()


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def started(workload: str, arguments: argparse.Namespace) -> list[Peer]:
    """The peers that are there and can do the workload, each after its first step."""
    names = [name for name in arguments.peers if interpreter(name)]
    if workload in OVERHEAD:
        names = [way for name in names for way in (name, OTHER_WAY.get(name, name))]
    peers = []
    for name in dict.fromkeys(names):
        wait_until_quiet(arguments.quiet, arguments.wait)
        try:
            peers.append(Peer(name, workload, arguments))
        except RuntimeError as error:
            say(f"{workload}: {error} (--verbose shows why)")
    return peers


def check_losses(workload: str, losses: dict[str, list[float]]) -> None:
    """Says which peers do not do the same work."""
    tolerance = TOLERANCE.get(workload, USUAL_TOLERANCE)
    base = next(iter(losses))
    for name, values in losses.items():
        for step in (0, -1):
            expected = losses[base][step]
            allowed = (tolerance if step else USUAL_TOLERANCE) * max(1.0, abs(expected))
            if not abs(values[step] - expected) <= allowed:
                number = 1 if step == 0 else len(values)
                say(f"{workload}: {name} has loss {values[step]:.5f} after step {number}, {base} {expected:.5f}")


def sample(peer: Peer, arguments: argparse.Namespace) -> None:
    # Threads of the peer before may spin for a while.
    time.sleep(0.25)
    wait_until_quiet(arguments.quiet, arguments.wait)
    peer.samples.append(peer.ask(f"run {arguments.seconds}"))


def result_of(peer: Peer, base: Peer, losses: list[float]) -> dict[str, Any]:
    steps = [s["step"] for s in peer.samples]
    ratios = [step / s["step"] for step, s in zip(steps, base.samples, strict=True)]
    return {
        "step": statistics.median(steps),
        "ratio": statistics.median(ratios),
        "ratios": [min(ratios), max(ratios)],
        "first_step": peer.first["first_step"],
        "from_start": peer.first["from_start"],
        "memory": peer.ask("memory"),
        "others": statistics.median(s["others"] for s in peer.samples),
        "losses": [losses[0], losses[-1]],
        "versions": peer.first["versions"],
    }


def measure(workload: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """The results of every peer on one workload."""
    peers = started(workload, arguments)
    try:
        if not peers or peers[0].name != arguments.peers[0]:
            say(f"{workload}: left out, {arguments.peers[0]} is what the others are compared with")
            return {}
        losses = {peer.name: peer.ask("losses") for peer in peers}
        check_losses(workload, losses)
        for peer in peers:
            peer.ask(f"run {arguments.seconds / 2}")
        for i in range(arguments.rounds):
            turn = i % len(peers)
            for peer in peers[turn:] + peers[:turn]:
                sample(peer, arguments)
        return {peer.name: result_of(peer, peers[0], losses[peer.name]) for peer in peers}
    finally:
        for peer in peers:
            peer.end()


def names(text: str) -> list[str]:
    return [name for name in text.split(",") if name]


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workloads", type=names, default=ALL)
    parser.add_argument("--peers", type=names, default="headrace,tf1,tf2,tf2xla,keras,torch,torchc,jax")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=1.5, help="length of a sample")
    parser.add_argument("--quiet", type=float, default=0.06, help="sample when less than this share is busy ...")
    parser.add_argument("--wait", type=float, default=60.0, help="... or after so many seconds")
    parser.add_argument("--results", type=Path, help="a JSON file to keep results in; workloads not measured now stay")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the tables between the markers of this page")
    parser.add_argument("--verbose", action="store_true", help="show what the peers print")
    arguments = parser.parse_args()
    arguments.peers = names(arguments.peers) if isinstance(arguments.peers, str) else arguments.peers
    for name in arguments.peers:
        if name not in PEERS:
            parser.error(f"there is no peer {name}; there are {', '.join(PEERS)}")
    for name in arguments.workloads:
        if name not in ALL:
            parser.error(f"there is no workload {name}; there are {', '.join(ALL)}")
    return arguments


def main() -> None:
    arguments = parsed()
    for name in arguments.peers:
        if not interpreter(name):
            say(f"{name} is left out: BENCH_PY_{FAMILY[name]} does not name an interpreter")
    path = arguments.results
    results: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path and path.exists() else {}
    for workload in arguments.workloads:
        results[workload] = measure(workload, arguments) or results.get(workload, {})
        if path:
            path.write_text(json.dumps(results, indent=1), encoding="utf-8")
        say(f"{workload} done")
    ordered = {name: results[name] for name in ALL if results.get(name)}
    command = "python benchmarks/steps/compare.py " + shlex.join(shown(sys.argv[1:]))
    text = table.page(ordered, arguments.threads, command)
    print(text)
    if arguments.write:
        table.write(arguments.write, text)


def shown(words: list[str]) -> list[str]:
    """The arguments that decide what is measured: a page does not name files of the machine that made it."""
    kept: list[str] = []
    skip = False
    for word in words:
        if not skip and word not in ("--write", "--results") and not word.startswith(("--write=", "--results=")):
            kept.append(word)
        skip = word in ("--write", "--results")
    return kept


if __name__ == "__main__":
    main()
