"""Results of compare.py as Markdown tables."""

from __future__ import annotations

import datetime
import os
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

from machine import cpu_name, instruction_set

Results = dict[str, dict[str, dict[str, Any]]]

TITLES = {
    "headrace": "headrace",
    "headrace_run": "headrace, session.run",
    "tf1": "TF session",
    "tf1c": "TF make_callable",
    "tf2": "tf.function",
    "tf2xla": "TF XLA",
    "keras": "Keras",
    "torch": "PyTorch",
    "torchc": "PyTorch compiled",
    "jax": "JAX",
}
# How many times headrace is to be as fast as the fastest peer.
GOALS = {"W1": 2.0, "W2": 2.0, "W3": 2.0, "W4": 1.4, "W5": 1.0, "W6": 1.0, "W7": 1.4, "W8": 2.0, "W9": 1.2}
BEGIN, END = "<!-- steps: begin -->", "<!-- steps: end -->"


def duration(seconds: float) -> str:
    if seconds < 1e-3:
        return f"{seconds * 1e6:.3g} us"
    return f"{seconds * 1e3:.3g} ms" if seconds < 1 else f"{seconds:.2f} s"


def rows(results: Results, cell: Callable[[dict[str, Any]], str], extra: Callable[[str], list[str]]) -> list[str]:
    """A line a workload, a column a peer, and what `extra` adds."""
    peers = [name for name in TITLES if any(name in found for found in results.values())]
    lines = []
    for workload, found in results.items():
        cells = [cell(found[name]) if name in found else "-" for name in peers]
        lines.append("| " + " | ".join([workload, *cells, *extra(workload)]) + " |")
    titles = ["", *(TITLES[name] for name in peers), *extra("")]
    return ["| " + " | ".join(titles) + " |", "|---" * len(titles) + "|", *lines]


def standing(results: Results) -> Callable[[str], list[str]]:
    """The columns that say how headrace stands against the fastest peer."""

    def extra(workload: str) -> list[str]:
        if not workload:
            return ["fastest peer / headrace", "goal"]
        others = {k: v["ratio"] for k, v in results[workload].items() if not k.startswith("headrace")}
        if "headrace" not in results[workload] or not others:
            return ["-", f"{GOALS[workload]:g}"]
        ratio = min(others.values())
        shown = f"**{ratio:.2f}**" if ratio >= GOALS[workload] else f"{ratio:.2f}"
        return [shown, f"{GOALS[workload]:g}"]

    return extra


def nothing(workload: str) -> list[str]:
    return []


def versions(results: Results) -> str:
    found: dict[str, set[str]] = {}
    for peers in results.values():
        for result in peers.values():
            for name, version in result["versions"].items():
                found.setdefault(name, set()).add(version)
    return ", ".join(f"{name} {'/'.join(sorted(values))}" for name, values in sorted(found.items()))


def others(results: Results) -> float:
    """Which share of the machine was someone else's, at the median over all that was measured."""
    return float(statistics.median(result["others"] for peers in results.values() for result in peers.values()))


def page(results: Results, threads: int, command: str) -> str:
    """The tables, with what one has to know to make them again."""
    if not results:
        return "Nothing was measured."
    head = [
        f"{datetime.date.today().isoformat()}, {cpu_name()} ({instruction_set()}), {os.cpu_count()} cores, {threads} threads.",
        f"{versions(results)}. Others used {others(results):.0%} of the machine at the median.",
        "",
        f"    {command}",
    ]
    parts = {
        "Time of a step (in brackets: times headrace's, round by round)": rows(
            results, lambda r: f"{duration(r['step'])} ({r['ratio']:.2f})", standing(results)
        ),
        "From the start of the process to the end of the first step": rows(
            results, lambda r: duration(r["from_start"]), nothing
        ),
        "First step alone: graph, starting values, plan and run, after the import": rows(
            results, lambda r: duration(r["first_step"]), nothing
        ),
        "Peak memory, MiB": rows(results, lambda r: f"{r['memory']:.0f}", nothing),
    }
    lines = list(head)
    for title, part in parts.items():
        lines += ["", f"{title}:", "", *part]
    return "\n".join(lines)


def write(path: Path, text: str) -> None:
    """Puts the text between the markers of a page.

    Raises:
        ValueError: the page does not have each marker once.
    """
    old = path.read_text(encoding="utf-8")
    if old.count(BEGIN) != 1 or old.count(END) != 1:
        raise ValueError(f"{path} needs the lines {BEGIN} and {END}, once each")
    before, rest = old.split(BEGIN)
    after = rest.split(END)[1]
    path.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}", encoding="utf-8")
