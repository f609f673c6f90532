"""Training steps of headrace and its peers on one GPU, side by side in one run: every peer is a live process, asked in turn.

    python benchmarks/gpu/side_by_side.py --results results.json --write docs/gpu.md
    python benchmarks/gpu/side_by_side.py --sim --small --seconds 0.1 --rounds 1     # does it start?

Every step is fed NumPy arrays and its loss is read. BENCH_PY_torch and BENCH_PY_jax name interpreters that have them where
this one has not; a peer that does not start is left out. Ratios are taken round by round against headrace; medians are shown.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

from peer import PEERS
from programs import PROGRAMS, matrix_operations

HERE = Path(__file__).resolve().parent
FAMILY = {"torch": "torch", "torchc": "torch", "torchm": "torch", "jax": "jax"}
TITLES = {
    "headrace": "headrace",
    "torch": "PyTorch eager",
    "torchc": "torch.compile reduce-overhead",
    "torchm": "torch.compile max-autotune",
    "jax": "jax.jit",
}
BEGIN, END = "<!-- gpu: begin -->", "<!-- gpu: end -->"
# Losses of the first ten steps, relative: by how products are computed.
TOLERANCE = {"tf32": 2e-2, "bfloat16": 5e-2}


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class Peer:
    """A peer's process."""

    def __init__(self, name: str, program: str, arguments: argparse.Namespace) -> None:
        self.name = name
        python = os.environ.get(f"BENCH_PY_{FAMILY.get(name, 'headrace')}", sys.executable)
        flags = [f"--{flag}" for flag in ("small", "sim") if getattr(arguments, flag)]
        environment = dict(os.environ)
        if arguments.sim:
            environment |= {"HEADRACE_GPU": "sim", "JAX_PLATFORMS": "cpu"}
        self.process = subprocess.Popen(
            [python, str(HERE / "peer.py"), name, program, *flags],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None if arguments.verbose else subprocess.DEVNULL,
            text=True,
            env=environment,
        )
        self.samples: list[float] = []
        self.hello: dict[str, Any] = self.answer()
        self.losses: list[float] = self.ask("losses")

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
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            self.process.communicate("quit\n", timeout=20)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def started(program: str, arguments: argparse.Namespace) -> list[Peer]:
    """The peers that can do the program."""
    peers = []
    for name in arguments.peers:
        try:
            peers.append(Peer(name, program, arguments))
        except RuntimeError as error:
            say(f"{program}: {error} (--verbose shows why)")
    return peers


def check_losses(program: str, peers: list[Peer]) -> None:
    """Says which peers do not do the same work."""
    tolerance = TOLERANCE[PROGRAMS[program].precision]
    for peer in peers[1:]:
        for i, (own, expected) in enumerate(zip(peer.losses, peers[0].losses, strict=True)):
            if not abs(own - expected) <= tolerance * max(1.0, abs(expected)):
                say(f"{program}: {peer.name} has loss {own:.5f} after step {i + 1}, {peers[0].name} {expected:.5f}")
                break


def measure(program: str, arguments: argparse.Namespace) -> dict[str, Any]:
    """The results of every peer on one program."""
    peers = started(program, arguments)
    try:
        if not peers or peers[0].name != "headrace":
            say(f"{program}: left out, headrace is what the others are compared with")
            return {}
        check_losses(program, peers)
        for i in range(arguments.rounds):
            turn = i % len(peers)
            for peer in peers[turn:] + peers[:turn]:
                peer.samples.append(peer.ask(f"run {arguments.seconds}")["step"])
        found = {peer.name: result_of(peer, peers[0]) for peer in peers}
        found["headrace"]["device"] = peers[0].hello["device"]
        if not arguments.sim and matrix_operations(program):
            found["headrace"]["rate"] = peers[0].ask("rate")
        return found
    finally:
        for peer in peers:
            peer.end()


def result_of(peer: Peer, base: Peer) -> dict[str, Any]:
    ratios = [own / other for own, other in zip(peer.samples, base.samples, strict=True)]
    return {
        "step": statistics.median(peer.samples),
        "ratio": statistics.median(ratios),
        "ratios": [min(ratios), max(ratios)],
        "first": peer.hello["first"],
        "version": peer.hello["version"],
        "memory": peer.ask("memory"),
        "losses": [peer.losses[0], peer.losses[-1]],
    }


def duration(seconds: float) -> str:
    return f"{seconds * 1e6:.3g} us" if seconds < 1e-3 else f"{seconds * 1e3:.3g} ms"


def line(program: str, found: dict[str, Any], names: list[str]) -> str:
    """A row: the time of a step by peer, the fastest peer's over headrace's, eager's over headrace's, share of the card."""
    others = {name: result["ratio"] for name, result in found.items() if name != "headrace"}
    fastest = f"{min(others.values()):.2f}" if others else "-"
    eager = f"{others['torch']:.2f}" if "torch" in others else "-"
    own, share = found["headrace"], "-"
    if own.get("rate"):
        share = f"{100 * matrix_operations(program) / own['step'] / own['rate']:.0f} %"
    cells = [duration(found[name]["step"]) if name in found else "-" for name in names]
    return "| " + " | ".join([f"{program}: {PROGRAMS[program].title}", *cells, fastest, eager, share]) + " |"


def table(results: dict[str, Any]) -> str:
    """All rows, and what they were measured on."""
    results = {program: found for program, found in results.items() if found}
    if not results:
        return "Nothing was measured."
    names = [name for name in TITLES if any(name in found for found in results.values())]
    titles = ["", *(TITLES[n] for n in names), "fastest peer / headrace", "eager / headrace", "of the card's bf16 rate"]
    rows = [line(program, found, names) for program, found in results.items()]
    devices = sorted({found["headrace"]["device"] for found in results.values()})
    versions = sorted(
        {f"{name.rstrip('cm')} {r['version']}" for found in results.values() for name, r in found.items()}
    )
    about = f"Measured on {', '.join(devices)}; {', '.join(versions)}. Medians of interleaved rounds."
    return "\n".join(["| " + " | ".join(titles) + " |", "|---" * len(titles) + "|", *rows, "", about])


def write(page: Path, text: str) -> None:
    """Puts the table between the markers of a page."""
    before, rest = page.read_text(encoding="utf-8").split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    page.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")


def names(text: str) -> list[str]:
    return [name for name in text.split(",") if name]


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=names, default=list(PROGRAMS))
    parser.add_argument("--peers", type=names, default=list(PEERS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2.0, help="length of a sample")
    parser.add_argument("--small", action="store_true", help="sizes at which a step takes no time")
    parser.add_argument("--sim", action="store_true", help="headrace on the simulated GPU, the others on the processor")
    parser.add_argument("--results", type=Path, help="a JSON file to keep results in; programs not measured now stay")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the table between the markers of this page")
    parser.add_argument("--verbose", action="store_true", help="show what the peers print")
    arguments = parser.parse_args()
    for wanted, known in ((arguments.programs, PROGRAMS), (arguments.peers, PEERS)):
        if unknown := set(wanted) - set(known):
            parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    return arguments


def main() -> None:
    arguments = parsed()
    kept = arguments.results and arguments.results.exists()
    results = json.loads(arguments.results.read_text(encoding="utf-8")) if kept else {}
    for program in arguments.programs:
        results[program] = measure(program, arguments)
        say(table({program: results[program]}))
        if arguments.results:
            arguments.results.write_text(json.dumps(results, indent=1), encoding="utf-8")
    print(table(results))
    if arguments.write:
        write(arguments.write, table(results))


if __name__ == "__main__":
    main()
