"""What is known of each node of a graph: parameters and operations from the graph, times and bytes from its runs."""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..device import DeviceSpec
from ..function import FunctionGraph, functions_of
from ..graph import Graph, Operation, Sizes
from ..graph_def import node_def_of
from ..protos import NodeExecStats, OpLogProto, RunMetadata, StepStats
from ..scopes import GraphKeys
from ..shapes import TensorShape, are_compatible
from . import flops as flops  # registers the rules
from .options import TRAINABLE_VARIABLES
from .statistics import get_stats_for_node_def

logger = logging.getLogger("headrace")

# Numbers of a node under the names that the messages have for them; totals have "total_" before these.
Stats = Counter[str]

_VARIABLES = ("Variable", "VariableV2", "AutoReloadVariable", "VarHandleOp")


@dataclass(eq=False)
class Profiled:
    """An operation with its numbers. `types` are its op type, its devices and what an OpLogProto calls it."""

    operation: Operation
    types: list[str]
    stats: Stats = field(default_factory=Counter)
    devices: list[str] = field(default_factory=list)
    shapes: list[Sizes] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The operation's name."""
        return self.operation.name


def operations_of(graph: Graph) -> Iterator[Operation]:
    """The operations of a graph and of the branches, bodies and functions in it; their arguments are none."""
    seen: set[Graph] = set()
    stack = [graph]
    while stack:
        current = stack.pop()
        if current in seen:
            continue
        seen.add(current)
        arguments = {t.op for t in current.inputs} if isinstance(current, FunctionGraph) else set()
        for op in current.get_operations():
            if op not in arguments:
                yield op
                stack.extend(functions_of(op))


def profiled_nodes(graph: Graph, runs: Sequence[RunMetadata], op_log: OpLogProto | None = None) -> list[Profiled]:
    """The nodes of a graph; where there are several runs, times and bytes are means."""
    nodes = [Profiled(op, [op.type], shapes=_parameter_shapes(op)) for op in operations_of(graph)]
    by_name = {n.name: n for n in nodes}
    trainable = {v.op.name for v in graph.get_collection(GraphKeys.TRAINABLE_VARIABLES)}
    entries = {e.name: e for e in op_log.log_entries} if op_log is not None else {}
    counts = float_ops_of(graph, runs)
    for node in nodes:
        entry = entries.get(node.name)
        node.types += [TRAINABLE_VARIABLES] if node.name in trainable else []
        node.types += list(entry.types) if entry is not None else []
        given = entry.float_ops if entry is not None else 0
        node.stats["float_ops"] = given or counts.get(node.operation, 0)
        node.stats["parameters"] = sum(map(_count, node.shapes))
    for run in runs:
        _add_run(by_name, run, len(runs))
    return nodes


def _count(sizes: Sizes) -> int:
    """The number of elements; 0 where it is not known."""
    return 0 if sizes is None or None in sizes else math.prod(s or 0 for s in sizes)


def _parameter_shapes(op: Operation) -> list[Sizes]:
    if op.type not in _VARIABLES:
        return []
    shape = op.attrs.get("shape")
    return [shape.sizes if isinstance(shape, TensorShape) else op.outputs[0].sizes]


class _Shapes:
    """A graph as rules see it: with shapes that were seen in runs where the graph knows less."""

    def __init__(self, graph: Graph, seen: Mapping[str, Sequence[Sizes]]) -> None:
        self._graph = graph
        self._seen = seen

    def get_tensor_by_name(self, name: str) -> Any:
        tensor = self._graph.get_tensor_by_name(name)
        found = self._seen.get(tensor.op.name, ())
        if len(found) != len(tensor.op.outputs) or (tensor.sizes is not None and None not in tensor.sizes):
            return tensor
        sizes = found[tensor.value_index]
        known = sizes is not None and are_compatible(sizes, tensor.sizes)
        return _Shaped(tensor, TensorShape(sizes)) if known else tensor

    def __getattr__(self, name: str) -> Any:
        return getattr(self._graph, name)


class _Shaped:
    """A tensor with another shape than the graph's."""

    def __init__(self, tensor: Any, shape: TensorShape) -> None:
        self._tensor = tensor
        self.shape = shape

    def get_shape(self) -> TensorShape:
        return self.shape

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tensor, name)


def float_ops_of(graph: Graph, runs: Iterable[RunMetadata] = ()) -> dict[Operation, int]:
    """The floating-point operations of each operation for which there is a rule and whose shapes are known."""
    runs = list(runs)
    seen = {s.node_name: _shapes_in(s) for run in runs for s in node_stats(run)}
    counts: dict[Operation, int] = {}
    unknown = 0
    for op in operations_of(graph):
        try:
            value = get_stats_for_node_def(_Shapes(op.graph, seen), node_def_of(op), "flops").value
        except ValueError:
            unknown += 1
            continue
        if value:
            counts[op] = int(value)
    if unknown and not runs:
        logger.warning(
            "%d operations have shapes that are not known without a run: their float_ops are not counted", unknown
        )
    return counts


def node_stats(run: RunMetadata) -> Iterator[NodeExecStats]:
    """What a run tells of its nodes; rows of streams and kernels tell of the same work again."""
    for device in run.step_stats.dev_stats:
        if "/stream:" not in device.device:
            yield from device.node_stats


def _shapes_in(stats: NodeExecStats) -> list[Sizes]:
    shapes = [o.tensor_description.shape for o in stats.output]
    return [None if s.unknown_rank else tuple(None if d.size < 0 else d.size for d in s.dim) for s in shapes]


def _add_run(nodes: Mapping[str, Profiled], run: RunMetadata, count: int) -> None:
    for name, stats, micros in own_times(run.step_stats):
        node = nodes.get(stats.node_name)
        if node is None:
            continue
        if name not in node.devices:
            node.devices.append(name)
            node.types.append(name)
        for key, number in _numbers(stats, micros, on_accelerator(name)).items():
            node.stats[key] += number / count  # type: ignore[assignment]


def on_accelerator(device: str) -> bool:
    """Whether a device, by its full name, is none of CPUs."""
    return DeviceSpec.from_string(device).device_type not in (None, "CPU")


def _numbers(stats: NodeExecStats, micros: float, accelerated: bool) -> dict[str, float]:
    outputs = {o.tensor_description.allocation_description.ptr: o for o in stats.output}
    described = [o.tensor_description.allocation_description for o in outputs.values()]
    return {
        "run_count": 1,
        "exec_micros": micros,
        "accelerator_exec_micros" if accelerated else "cpu_exec_micros": micros,
        "requested_bytes": sum(m.total_bytes for m in stats.memory),
        "peak_bytes": sum(m.peak_bytes for m in stats.memory),
        "residual_bytes": sum(m.live_bytes for m in stats.memory),
        "output_bytes": sum(d.allocated_bytes for d in described),
    }


def own_times(run: StepStats) -> Iterator[tuple[str, NodeExecStats, float]]:
    """Each device and entry with the microseconds that it took itself, without what ran within it (the body of a loop).

    Within it runs what the same thread did meanwhile, on whichever device of its task.
    """
    around: dict[tuple[str, int], list[list[Any]]] = {}
    finished: list[list[Any]] = []
    devices = [device for device in run.dev_stats if "/stream:" not in device.device]
    entries = [(device.device.lower(), stats) for device in devices for stats in device.node_stats]
    for name, stats in sorted(entries, key=lambda entry: (_start(entry[1]), -_span(entry[1]))):
        stack = around.setdefault((name.partition("/device:")[0], stats.thread_id), [])
        start, end = _start(stats), _start(stats) + _span(stats)
        while stack and stack[-1][2] <= start:
            stack.pop()
        if stack and end <= stack[-1][2]:
            stack[-1][1] -= _span(stats)
        item = [stats, _span(stats), end, name]
        finished.append(item)
        if end > start:
            stack.append(item)
    for stats, nanos, _, name in finished:
        yield name, stats, max(nanos, 0) / 1000


def _start(stats: NodeExecStats) -> int:
    return stats.all_start_nanos or stats.all_start_micros * 1000


def _span(stats: NodeExecStats) -> int:
    return stats.all_end_rel_nanos if stats.all_start_nanos else stats.all_end_rel_micros * 1000
