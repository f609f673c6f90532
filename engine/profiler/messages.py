"""The profiler's views as TensorFlow's messages."""

from __future__ import annotations

from typing import Any

from ..attr_values import shape_proto
from ..protos import GraphNodeProto, MultiGraphNodeProto
from .nodes import Profiled
from .views import ViewNode

_NUMBERS = (
    "exec_micros", "cpu_exec_micros", "accelerator_exec_micros", "requested_bytes", "peak_bytes", "residual_bytes",
    "output_bytes", "parameters", "float_ops", "run_count",
)  # fmt: skip


def graph_node(line: ViewNode) -> GraphNodeProto:
    """A tree as a GraphNodeProto."""
    message = GraphNodeProto(name=line.name)
    _fill(message, line)
    for node in line.nodes:
        _describe(message, node)
    message.children.extend(graph_node(child) for child in line.children)
    return message


def multi_graph_node(line: ViewNode) -> MultiGraphNodeProto:
    """A tree of lines that stand for several nodes as a MultiGraphNodeProto."""
    message = MultiGraphNodeProto(name=line.name)
    _fill(message, line)
    message.graph_nodes.extend(graph_node(ViewNode(n.name, [n], stats=n.stats, total=n.stats)) for n in line.nodes)
    message.children.extend(multi_graph_node(child) for child in line.children)
    return message


def _fill(message: Any, line: ViewNode) -> None:
    known = message.DESCRIPTOR.fields_by_name
    for name in _NUMBERS:
        if name in known:
            setattr(message, name, round(line.stats[name]))
        if f"total_{name}" in known:
            setattr(message, f"total_{name}", round(line.total[name]))
    if "total_definition_count" in known:
        message.total_definition_count = round(line.total["definition_count"])


def _describe(message: GraphNodeProto, node: Profiled) -> None:
    message.devices.extend(node.devices)
    message.shapes.extend(shape_proto(s) for s in node.shapes)
    for i, tensor in enumerate(node.operation.inputs):
        if tensor.sizes is not None:
            message.input_shapes[i].CopyFrom(shape_proto(tensor.sizes))
