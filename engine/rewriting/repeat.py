"""Pass: cheap element-wise results are computed again by each of their readers, so that no array is made for them.

A node of one addition, subtraction, multiplication or negation on one array and numbers, whose readers are all element-wise
on the same shape, gets a copy for each of them, which `fuse` then takes in. GELU written out has two of these, whose
readers are forward and backward.
"""

from __future__ import annotations

from .dataflow import Dataflow, Node, Value
from .fuse import expression_of

_CHEAP = frozenset({"add", "sub", "mul", "neg", "square", "copy"})
_MOST_READERS = 4


def repeat(flow: Dataflow) -> None:
    """Gives readers of cheap results copies of their own."""
    users = flow.users()
    kept = {v.node for v in flow.fetches} | set(flow.targets) | {before for n in flow.nodes for before in n.control}
    copies: dict[Node, list[Node]] = {}
    for node in flow.nodes:
        if node in kept or node.control or not _cheap(node):
            continue
        value = node.outputs[0]
        readers = list(dict.fromkeys(users.get(value, ())))
        if 1 < len(readers) <= _MOST_READERS and all(_joins(reader, value) for reader in readers):
            for reader in readers[1:]:
                copies.setdefault(reader, []).append(_copy(node, reader, value))
    if copies:
        flow.nodes = [n for node in flow.nodes for n in [*copies.get(node, ()), node]]


def _cheap(node: Node) -> bool:
    expression = expression_of(node)
    if expression is None or len(expression.instructions) != 1 or expression.instructions[0].primitive not in _CHEAP:
        return False
    sizes = node.outputs[0].sizes
    arrays = [v for v in node.inputs if v.sizes != ()]
    return sizes is not None and None not in sizes and len(arrays) == 1 and arrays[0].sizes == sizes


def _joins(reader: Node, value: Value) -> bool:
    return expression_of(reader) is not None and reader.outputs[0].sizes == value.sizes


def _copy(node: Node, reader: Node, value: Value) -> Node:
    outputs = [(v.dtype, v.sizes) for v in node.outputs]
    copy = Node(node.definition, node.name, node.attrs, node.inputs, outputs, node.order, node.origin)
    copy.fused = dict(node.fused)
    reader.inputs = [copy.outputs[0] if v is value else v for v in reader.inputs]
    return copy
