"""Runs with options: a RunMetadata filled with what the step did and with the graph that it ran."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from ..attr_values import shape_proto
from ..graph import Operation
from ..graph_def import graph_def_of
from ..protos import GraphDef, NodeDef, RunOptions
from ..recorder import Recorder
from ..rewriting.lower import reachable_operations
from ..runtime import Runtime
from ..targets import TargetStep
from .step_stats import fill_step_stats


def run_traced(step: TargetStep, run: Callable[[], Any], options: Any, run_metadata: Any) -> Any:
    """The result of `run()`, which runs `step`, with `run_metadata` filled in as the RunOptions ask for.

    Each trace level gives one entry a node; HARDWARE_TRACE adds the calls of native kernels as a device of their own. A step
    that fails leaves the trace of what it did, on several tasks that of what this process did.
    """
    if run_metadata is None:
        return run()
    run_metadata.Clear()
    if options is None:
        return run()
    result = run() if not options.trace_level else _recorded(step, run, options, run_metadata)
    if options.output_partition_graphs:
        run_metadata.partition_graphs.extend(partition_graphs(step))
    return result


def _recorded(step: TargetStep, run: Callable[[], Any], options: Any, run_metadata: Any) -> Any:
    recorder = Recorder(options.trace_level == RunOptions.HARDWARE_TRACE)
    try:
        with recording(step.runtime, recorder):
            return run()
    finally:
        fill_step_stats(run_metadata.step_stats, recorder, step.options.placement)


@contextmanager
def recording(runtime: Runtime, recorder: Recorder) -> Iterator[None]:
    """Lets all programs that this thread runs leave their records."""
    thread = threading.get_ident()
    around = runtime.recorders.get(thread)
    runtime.recorders[thread] = recorder
    try:
        yield
    finally:
        if around is None:
            del runtime.recorders[thread]
        else:
            runtime.recorders[thread] = around


def partition_graphs(step: TargetStep) -> list[GraphDef]:
    """The operations that a step needs, as one GraphDef a device; what is fed is a Placeholder there."""
    needed = reachable_operations(step.fetches, step.targets, set(step.feeds))
    fed = {t.op.name: t.op for t in step.feeds if t.op not in needed}
    devices = {op.name: step.device_of(op) for op in (*needed, *fed.values())}
    whole = graph_def_of(step.graph)
    graphs: dict[str, GraphDef] = {}
    for node in whole.node:
        if node.name not in devices:
            continue
        device = devices[node.name]
        if device not in graphs:
            graphs[device] = GraphDef(versions=whole.versions, library=whole.library)
        graphs[device].node.append(_placeholder(fed[node.name]) if node.name in fed else node)
        graphs[device].node[-1].device = device
    return list(graphs.values())


def _placeholder(op: Operation) -> NodeDef:
    output = op.outputs[0]
    node = NodeDef(name=op.name, op="Placeholder")
    node.attr["dtype"].type = output.dtype.base_dtype.as_datatype_enum  # type: ignore[assignment]
    node.attr["shape"].shape.CopyFrom(shape_proto(output.sizes))
    return node
