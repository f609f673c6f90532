"""Training steps of headrace and its peers on one GPU, side by side in one run: every peer is a live process, asked in turn.

    python benchmarks/gpu/side_by_side.py --results results.json --write docs/gpu.md
    python benchmarks/gpu/side_by_side.py --sim --small --seconds 0.1 --rounds 1     # does it start?

Every step is fed NumPy arrays and its loss is read. BENCH_PY_torch and BENCH_PY_jax name interpreters that have them where
this one has not; a peer that does not start or does not answer is left out, and what it printed last is shown. Results are kept
after each program. Ratios are taken round by round against headrace; medians are shown.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import select
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
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
# Lines of what a peer printed that are shown when it fails.
SHOWN = 12


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class Peer:
    """A peer's process, which imports its library at once, and builds its program when it is told to start."""

    def __init__(self, name: str, program: str, arguments: argparse.Namespace) -> None:
        self.name = name
        python = os.environ.get(f"BENCH_PY_{FAMILY.get(name, 'headrace')}", sys.executable)
        flags = [f"--{flag}" for flag in ("small", "sim") if getattr(arguments, flag)]
        # What it prints is shown when it fails.
        self.printed = None if arguments.verbose else tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [python, str(HERE / "peer.py"), name, program, *flags],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.printed,
            bufsize=0,
            env=environment(arguments.sim),
        )
        self.read = b""
        self.samples: list[float] = []
        self.hello: dict[str, Any] = {}
        self.losses: list[float] = []

    def start(self, patience: float) -> None:
        self.hello = self.ask("start", patience)
        self.losses = self.ask("losses")

    def ask(self, command: str, patience: float = 60.0) -> Any:
        if self.process.stdin is None:
            raise RuntimeError(f"{self.name} takes no commands")
        # Who is gone does not answer either, and that is said.
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(f"{command}\n".encode())
        found = json.loads(self.line(patience))
        if isinstance(found, dict) and "error" in found:
            raise RuntimeError(f"{self.name}: {found['error']}{self.words()}")
        return found

    def line(self, patience: float) -> bytes:
        out, end = self.process.stdout, time.monotonic() + patience
        while out is not None and b"\n" not in self.read:
            if not select.select([out], [], [], max(end - time.monotonic(), 0))[0]:
                raise RuntimeError(f"{self.name} did not answer for {patience:.0f} s{self.words()}")
            part = os.read(out.fileno(), 1 << 16)
            if not part:
                raise RuntimeError(f"{self.name} ended with status {self.process.wait()}{self.words()}")
            self.read += part
        line, _, self.read = self.read.partition(b"\n")
        return line

    def words(self) -> str:
        """The end of what it printed."""
        if self.printed is None:
            return ""
        self.printed.seek(0)
        lines = self.printed.read().decode(errors="replace").splitlines()[-SHOWN:]
        return "".join(f"\n    {line[:300]}" for line in lines)

    def end(self) -> None:
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            self.process.communicate(b"quit\n", timeout=5)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.printed is not None:
            self.printed.close()


def environment(sim: bool) -> dict[str, str]:
    """That of the peers: headrace need not be installed."""
    paths = [str(HERE.parents[1] / "src"), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    found = dict(os.environ) | {"PYTHONPATH": os.pathsep.join(path for path in paths if path)}
    return found | ({"HEADRACE_GPU": "sim", "JAX_PLATFORMS": "cpu"} if sim else {})


def tried(peers: list[Peer], do: Callable[[Peer], Any]) -> list[Peer]:
    """Has each peer do something, and returns those that could; none without the first, which the others stand beside."""
    able = []
    for peer in peers:
        try:
            do(peer)
        except RuntimeError as error:
            say(f"left out: {error}")
            if peer is peers[0]:
                return []
        else:
            able.append(peer)
    return able


def check_losses(program: str, peers: list[Peer]) -> None:
    """Says which peers do not do the same work."""
    tolerance = TOLERANCE[PROGRAMS[program].precision]
    for peer in peers[1:]:
        for i, (own, expected) in enumerate(zip(peer.losses, peers[0].losses, strict=True)):
            if not abs(own - expected) <= tolerance * max(1.0, abs(expected)):
                say(f"{program}: {peer.name} has loss {own:.5f} after step {i + 1}, {peers[0].name} {expected:.5f}")
                break


def measure(program: str, arguments: argparse.Namespace, patience: float) -> dict[str, Any]:
    """The results of every peer on one program."""
    say(f"{program}: {PROGRAMS[program].title}")
    everybody = [Peer(name, program, arguments) for name in arguments.peers]
    try:
        # One by one: some try several algorithms, and see how long each takes.
        peers = tried(everybody, lambda peer: peer.start(patience))
        check_losses(program, peers)
        for i in range(arguments.rounds):
            peers = one_round(peers, i, arguments.seconds)
        found = {peer.name: result_of(peer, peers[0]) for peer in peers}
        if peers:
            found["headrace"]["device"] = peers[0].hello["device"]
        if peers and not arguments.sim and matrix_operations(program):
            tried(peers[:1], lambda peer: found["headrace"].update(rate=peer.ask("rate")))
        return found
    finally:
        for peer in everybody:
            peer.end()


def one_round(peers: list[Peer], number: int, seconds: float) -> list[Peer]:
    """A sample of each, the next peer first each time; those that gave one."""
    turn = number % max(len(peers), 1)
    # Nobody gives ten steps in less than this.
    patience = 60 + 10 * seconds
    for peer in peers[turn:] + peers[:turn]:
        try:
            peer.samples.append(peer.ask(f"run {seconds}", patience)["step"])
        except RuntimeError as error:
            say(f"left out: {error}")
    able = [peer for peer in peers if len(peer.samples) == number + 1]
    return able if able[:1] == peers[:1] else []


def result_of(peer: Peer, base: Peer) -> dict[str, Any]:
    ratios = [own / other for own, other in zip(peer.samples, base.samples, strict=True)]
    found: dict[str, Any] = {
        "step": statistics.median(peer.samples),
        "ratio": statistics.median(ratios),
        "ratios": [min(ratios), max(ratios)],
        "first": peer.hello["first"],
        "version": peer.hello["version"],
        "losses": [peer.losses[0], peer.losses[-1]],
    }
    tried([peer], lambda peer: found.update(memory=peer.ask("memory")))
    return found


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
    parser.add_argument("--seconds", type=float, default=1.0, help="length of a sample")
    parser.add_argument(
        "--patience", type=float, default=150.0, help="seconds that a peer may take for its first steps"
    )
    parser.add_argument(
        "--limit", type=float, default=0.0, help="seconds after which no further program begins; 0: none"
    )
    parser.add_argument("--small", action="store_true", help="sizes at which a step takes no time")
    parser.add_argument("--sim", action="store_true", help="headrace on the simulated GPU, the others on the processor")
    parser.add_argument("--results", type=Path, help="a JSON file to keep results in; programs not measured now stay")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the table between the markers of this page")
    parser.add_argument("--verbose", action="store_true", help="show what the peers print")
    arguments = parser.parse_args()
    for wanted, known in ((arguments.programs, PROGRAMS), (arguments.peers, PEERS)):
        if unknown := set(wanted) - set(known):
            parser.error(f"there is no {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    if arguments.peers[:1] != ["headrace"]:
        parser.error("--peers begins with headrace, which the others are compared with")
    return arguments


def main() -> None:
    arguments = parsed()
    kept = arguments.results and arguments.results.exists()
    results = json.loads(arguments.results.read_text(encoding="utf-8")) if kept else {}
    begin = time.monotonic()
    for program in arguments.programs:
        if arguments.limit and time.monotonic() - begin > arguments.limit:
            say(f"{program}: left out, the time is over")
            continue
        found = measure(program, arguments, arguments.patience)
        # What was measured before stays where nothing was now.
        if found:
            results[program] = found
            say(table({program: found}))
        if found and arguments.results:
            arguments.results.write_text(json.dumps(results, indent=1), encoding="utf-8")
    print(table(results))
    if arguments.write:
        write(arguments.write, table(results))


if __name__ == "__main__":
    main()
