"""Pass, for devices: marks the small whole numbers that the host needs and can compute from what it has.

Loops count and compare, and lists are indexed by what they count. A device that computed that would be waited for in each
iteration; TensorFlow keeps int32 in the host's memory for the same reason.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

from .dataflow import Dataflow, Node, Value

# Bytes of a value that the host computes beside the device.
_LITTLE = 1 << 10
_CALLS = frozenset({"If", "While", "PartitionedCall", "StatefulPartitionedCall"})


def keep_counters(flow: Dataflow) -> None:
    """Marks nodes that the host computes (`at_home`): of small integers and booleans, for others that run there.

    In a loop's body a fed value counts as the host's if what is fed for it next time is, too.
    """
    fed = {value for value in flow.feeds.values() if _is_little(value)}
    while True:
        possible = _possible(flow.nodes, fed)
        strange = {flow.feeds[t] for t, i in flow.turns.items() if not _is_known(flow.fetches[i], possible, fed)} & fed
        if not strange:
            break
        fed -= strange
    needed = set(_needed_by_others(flow.nodes)) | (set(flow.fetches) if flow.of_function else set())
    for node in reversed(flow.nodes):
        if node in possible and not needed.isdisjoint(node.outputs):
            node.at_home = True
            needed.update(node.inputs)


def runs_on_host(node: Node) -> bool:
    """Whether no device has a kernel for a node because of what it takes and gives: lists, strings, unknown shapes."""
    values = [v for v in (*node.inputs, *node.outputs) if v.variable is None]
    return node.type in _CALLS or any(v.dtype.numpy.hasobject or not _is_fixed(v) for v in values)


def is_counter(value: Value) -> bool:
    """Whether a value is one whole number or truth value: what is carried of those is carried by the host."""
    return value.sizes == () and value.dtype.numpy.kind in "iub"


def _is_fixed(value: Value) -> bool:
    return value.sizes is not None and None not in value.sizes


def _is_little(value: Value) -> bool:
    if value.variable is not None or value.dtype.numpy.kind not in "iub" or not _is_fixed(value):
        return False
    count = math.prod(size or 0 for size in value.sizes or ())
    return 0 < count * value.dtype.numpy.itemsize <= _LITTLE


def _possible(nodes: Iterable[Node], fed: set[Value]) -> set[Node]:
    """The nodes that compute little from what the host has."""
    known = set(fed)
    found: set[Node] = set()
    for node in nodes:
        if node.type == "Const":
            known.update(value for value in node.outputs if _is_little(value))
        elif runs_on_host(node):
            known.update(value for value in node.outputs if is_counter(value))
        elif node.pure and node.outputs and all(map(_is_little, node.outputs)) and known.issuperset(node.inputs):
            found.add(node)
            known.update(node.outputs)
    return found


def _is_known(value: Value, possible: set[Node], fed: set[Value]) -> bool:
    node = value.node
    return value in fed or node in possible or node.type == "Const" or (runs_on_host(node) and is_counter(value))


def _needed_by_others(nodes: Iterable[Node]) -> Iterable[Value]:
    return (value for node in nodes if runs_on_host(node) for value in node.inputs)
