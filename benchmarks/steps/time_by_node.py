"""Which nodes of headrace's plan take a workload's time.

    python benchmarks/steps/time_by_node.py W4 W9 [--threads 2] [--steps 50] [--lines 25] [--plan]

Nodes with the same kernel and shapes make one line: how often, share of the step, and the first one's name in the graph.
`--plan` prints `session.explain` instead.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from workloads import Workload, get


def kind_of(node: Any) -> str:
    return str("+".join(reversed(node.attrs["parts"])) if node.type == "_Fused" else node.type)


def shape_of(value: Any) -> str:
    """Sizes, with the dtype where it is not float32."""
    if value.variable is not None:
        return f"var{sizes_text(value.variable.sizes)}"
    kind = "" if value.dtype.name == "float32" else value.dtype.name
    return f"{kind}{sizes_text(value.sizes)}"


def sizes_text(sizes: Any) -> str:
    return "[?]" if sizes is None else "[" + ",".join("?" if size is None else str(size) for size in sizes) + "]"


def signature_of(node: Any) -> str:
    shown = [", ".join(map(shape_of, values[:6])) for values in (node.inputs, node.outputs)]
    more = ["", f", ... {len(node.inputs)} inputs"][len(node.inputs) > 6]
    return f"{kind_of(node)}({shown[0]}{more}) -> {shown[1] or '()'}"


def traced(session: Any, run: Callable[[], Any]) -> Any:
    """The records of a run: every node, those within native segments too."""
    from headrace.engine.recorder import Recorder

    recorder = session.runtime.recorders[threading.get_ident()] = Recorder()
    try:
        run()
    finally:
        session.runtime.recorders.clear()
    return recorder.records()


def program_of(step: Any) -> Any:
    """The program that the step has just run."""
    (programs,) = step.compiled._idle.values()
    return programs[0]


def profile(w: Workload, threads: int, steps: int, lines: int) -> None:
    import headrace_programs

    import headrace as tf

    with tf.Graph().as_default(), tf.Session(config=tf.ConfigProto(intra_op_parallelism_threads=threads)) as session:
        batch, loss, train = headrace_programs.program(w)
        headrace_programs.start(w, session)
        fetches, feeds = [loss, train], [{t: b[k] for k, t in batch.items()} for b in w.batches]
        whole = []
        for i in range(steps):
            start = time.perf_counter()
            session.run(fetches, feeds[i % len(feeds)])
            whole.append(time.perf_counter() - start)
        program = program_of(session._step(fetches, tuple(feeds[0])))
        times: dict[Any, list[float]] = {}
        for i in range(steps):
            feed = feeds[i % len(feeds)]
            for record in traced(session, lambda feed=feed: session.run(fetches, feed)):
                times.setdefault(record.work, []).append((record.end - record.begin) / 1e9)
    medians = {work: statistics.median(t) for work, t in times.items()}
    nodes = [
        (step.node, medians.get(work, 0.0)) for step, work in zip(program.plan.steps, program.timing.steps, strict=True)
    ]
    report(w, program, statistics.median(whole), nodes, lines)


def report(w: Workload, program: Any, whole: float, times: list[tuple[Any, float]], lines: int) -> None:
    nodes: dict[str, dict[int, float]] = {}
    names: dict[str, str] = {}
    for node, seconds in times:
        key = signature_of(node)
        names.setdefault(key, node.name)
        calls = nodes.setdefault(key, {})
        calls[id(node)] = calls.get(id(node), 0.0) + seconds
    total = sum(seconds for _, seconds in times)
    plan = program.plan
    print(f"\n## {w.name}: step {whole * 1e3:.3f} ms, nodes {total * 1e3:.3f} ms, {len(times)} nodes, "
          f"{len(program.calls)} calls, arena {plan.arena_bytes / 2**20:.1f} MiB")  # fmt: skip
    print("passes: " + ", ".join(f"{n} {before}->{after}" for n, before, after in plan.rewrites if before != after))
    print("\n| share | us | count | node | first |\n|---|---|---|---|---|")
    ranked = sorted(nodes.items(), key=lambda item: -sum(item[1].values()))
    for key, calls in ranked[:lines]:
        spent = sum(calls.values())
        print(f"| {spent / total:.1%} | {spent * 1e6:.0f} | {len(calls)} | {key} | {names[key]} |")
    rest = ranked[lines:]
    if rest:
        spent = sum(sum(calls.values()) for _, calls in rest)
        print(
            f"| {spent / total:.1%} | {spent * 1e6:.0f} | {sum(len(c) for _, c in rest)} | {len(rest)} other kinds | |"
        )


def explain(w: Workload) -> None:
    import headrace_programs

    import headrace as tf

    with tf.Graph().as_default(), tf.Session() as session:
        batch, loss, train = headrace_programs.program(w)
        print(session.explain([loss, train], {t: w.batches[0][k] for k, t in batch.items()}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workloads", nargs="+")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--lines", type=int, default=25)
    parser.add_argument("--plan", action="store_true")
    arguments = parser.parse_args()
    for name in arguments.workloads:
        if arguments.plan:
            explain(get(name))
        else:
            profile(get(name), arguments.threads, arguments.steps, arguments.lines)


if __name__ == "__main__":
    # NumPy's matrix library reads this when it is loaded: the script has to be started with it set.
    if "OMP_NUM_THREADS" not in os.environ and "--plan" not in sys.argv:
        print(f"OMP_NUM_THREADS is not set: NumPy {np.__version__} uses every core", file=sys.stderr)
    main()
