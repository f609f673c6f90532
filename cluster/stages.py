"""The programs of stages: of this process's graph, or of a graph that another task's client has sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..engine.compiler import CompiledStep, Options
from ..engine.errors import UnimplementedError
from ..engine.function import functions_of
from ..engine.graph import Graph, Operation
from ..engine.graph_def import partial_graph_def
from ..engine.importer import import_graph_def
from ..engine.placement import Placement
from ..engine.protos import GraphDef
from ..engine.registry import find_definition
from ..engine.rewriting.lower import Part
from ..engine.runtime import Runtime
from .blocks import kept
from .partition import Stage, task_name

# Their kernels call Python of the client's process.
_PYTHON = frozenset({"PyFunc", "PyFuncStateless", "EagerPyFunc", "GeneratorDataset"})


def local_program(stage: Stage, graph: Graph, runtime: Runtime, options: Options) -> CompiledStep:
    """The program of a stage of the client's own task."""
    feeds = {stage.lent.get(t, t): source for t, source in stage.feeds.items()}
    computed = frozenset(t for t, source in feeds.items() if source is not None)
    part = Part(frozenset(stage.done), computed, frozenset(stage.lent.values()))
    return CompiledStep(graph, list(stage.fetches), list(stage.targets), list(feeds), runtime, options, part=part)


def written(stage: Stage) -> tuple[dict[str, Any], bytes]:
    """A stage for another task: names in words, and its operations as a GraphDef.

    Raises:
        UnimplementedError: an operation holds something of this process that cannot be sent.
    """
    lent = [handle.op for handle in stage.lent.values()]
    operations = sorted(dict.fromkeys([*lent, *stage.operations]), key=lambda op: op.order)
    for op in operations:
        if op.type in _PYTHON or op.attrs.get("python_function") is not None:
            raise UnimplementedError(
                None, op, f"{op.describe()} calls Python of this process, and cannot run on {task_name(stage.task)}"
            )
    taken = {op.name for op in operations}
    names = {tensor: _free(f"received/{i}", taken) for i, tensor in enumerate(stage.feeds) if tensor not in stage.lent}
    words = {
        "feeds": [stage.lent[t].op.name if t in stage.lent else names[t] for t in stage.feeds],
        "lent": [op.name for op in lent],
        "fetches": [t.name for t in stage.fetches],
        "targets": [op.name for op in stage.targets],
        "blocks": any(may_block(op) for op in operations),
    }
    return words, partial_graph_def(operations, names).SerializeToString()


def _free(name: str, taken: set[str]) -> str:
    while name in taken:
        name += "_"
    return name


def may_block(op: Operation) -> bool:
    """Whether an operation may wait for another thread, such as for an element of a queue."""
    definition = find_definition(op.type)
    if definition is not None and definition.blocking:
        return True
    return any(may_block(inner) for function in functions_of(op) for inner in function.get_operations())


class SentProgram:
    """A stage that came from another task's client."""

    def __init__(self, words: dict[str, Any], graph_def: bytes, runtime: Runtime, options: Options) -> None:
        graph = Graph()
        with graph.as_default():
            # It comes from a process of this job, which could run anything here anyway.
            import_graph_def(GraphDef.FromString(graph_def), name="", allow_io=True)
        self.blocks: bool = words["blocks"]
        self.runtime = runtime
        lent = frozenset(graph.get_operation_by_name(name).outputs[0] for name in words["lent"])
        self._step = CompiledStep(
            graph,
            [graph.get_tensor_by_name(name) for name in words["fetches"]],
            [graph.get_operation_by_name(name) for name in words["targets"]],
            [graph.get_operation_by_name(name).outputs[0] for name in words["feeds"]],
            runtime,
            options,
            part=Part(computed=lent, values=lent),
        )

    def run(self, values: Sequence[Any], traced: int) -> tuple[list[Any], Any]:
        """The stage's results and, if it is traced, its StepStats as bytes in an array."""
        # Queues and the like keep what they are given.
        values = [as_fed(kept(v) if self.blocks else v) for v in values]
        if not traced:
            return self._step.run(values), None
        from ..engine.tracing.stages import run_traced_stage  # messages are imported only where a trace is asked for

        results, trace = run_traced_stage(self._step, values, traced)
        return results, np.frombuffer(trace, np.uint8)


def placed_on(options: Options, placement: Placement) -> Options:
    """Options for a stage of a task: where its operations run is settled, on which device is not."""
    asked = options.placement
    own = replace(placement, soft=asked.soft, placed=True, device_types=asked.device_types, on_gpu=asked.on_gpu)
    return replace(options, placement=own)


def as_fed(value: Any) -> Any:
    """A result of one stage as what another is fed."""
    if isinstance(value, np.generic):
        return np.asarray(value)
    return np.array(value, object) if isinstance(value, bytes) else value


def as_fetched(value: Any) -> Any:
    """A value that came from another task as a session gives it: scalars are no arrays, and arrays one's own."""
    return value[()] if isinstance(value, np.ndarray) and value.ndim == 0 else kept(value)
