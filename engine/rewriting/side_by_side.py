"""Pass, for devices: small nodes that do the same to different values come one after the other where they can.

One launch then does what they all do: casts of weights to 16 bits, moving averages of normalisations, rows of several
tables, numbers that optimizers keep.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Hashable

from .dataflow import Dataflow, Node, Value, predecessors
from .fuse import expression_of
from .lower import blocks

_ASSIGNED = frozenset(
    {"Assign", "AssignAdd", "AssignSub", "AssignVariableOp", "AssignAddVariableOp", "AssignSubVariableOp"}
)
_GATHERS = frozenset({"GatherV2", "ResourceGather"})
# Elements of a node's largest value; larger ones keep the device busy by themselves, and memory longer than they must.
_LARGEST = 1 << 16


def side_by_side(flow: Dataflow) -> None:
    """Puts off nodes that are alike until nothing else can be done, so that many of them can."""
    kinds: dict[Hashable, list[Node]] = {}
    for node in flow.nodes:
        kind = _kind(node)
        if kind is not None:
            kinds.setdefault(kind, []).append(node)
    groups = [nodes for nodes in kinds.values() if len(nodes) > 1]
    if groups:
        order = _Order(flow.nodes, groups)
        flow.nodes, flow.batches = order.nodes(), order.batches


class _Order:
    """An order that runs, near the one that there was, in which nodes of a group wait for each other."""

    def __init__(self, nodes: list[Node], groups: list[list[Node]]) -> None:
        self.position = {node: i for i, node in enumerate(nodes)}
        self.group = {node: i for i, members in enumerate(groups) for node in members}
        self.waiting = {node: set(predecessors(node)) for node in nodes}
        self.after: dict[Node, list[Node]] = {}
        for node, before in self.waiting.items():
            for other in before:
                self.after.setdefault(other, []).append(node)
        self.ready: list[tuple[int, Node]] = []
        # The nodes of each group that can be done.
        self.held: dict[int, list[Node]] = {}
        self.batches: list[list[Node]] = []

    def nodes(self) -> list[Node]:
        """The nodes in order."""
        for node, before in self.waiting.items():
            if not before:
                self._add(node)
        done: list[Node] = []
        while self.ready or self.held:
            # What may block comes after all that it may wait for.
            waits = not self.ready or (self.held and blocks(self.ready[0][-1]))
            batch = self._batch() if waits else [heapq.heappop(self.ready)[-1]]
            for node in batch:
                self._release(node)
            done += batch
        return done

    def _add(self, node: Node) -> None:
        if node in self.group:
            self.held.setdefault(self.group[node], []).append(node)
        else:
            heapq.heappush(self.ready, (self.position[node], node))

    def _batch(self) -> list[Node]:
        """The nodes of the group that has one of the earliest."""
        first = min(self.held, key=lambda i: min(self.position[node] for node in self.held[i]))
        self.batches.append(sorted(self.held.pop(first), key=self.position.__getitem__))
        return self.batches[-1]

    def _release(self, node: Node) -> None:
        for later in self.after.get(node, ()):
            self.waiting[later].discard(node)
            if not self.waiting[later]:
                self._add(later)


def _kind(node: Node) -> Hashable | None:
    """What nodes have in common that one kernel does; None for those of other kinds."""
    values = [*node.inputs, *node.outputs]
    if node.at_home or not all(v.sizes is not None and None not in v.sizes for v in values):
        return None
    if node.type == "Cast" and _is_read(node.inputs[0]):
        return _alike(node, ())
    if node.type in _GATHERS:
        return _alike(node, tuple(node.inputs[0].sizes or ())[1:]) if _is_small(node.outputs) else None
    if node.type in _ASSIGNED:
        return _alike(node, ()) if _is_small(node.inputs) else None
    expression = expression_of(node)
    return None if expression is None or not _is_small(values) else _alike(node, expression)


def _alike(node: Node, what: Hashable) -> Hashable:
    shapes = tuple((v.dtype.name, bool(v.sizes)) for v in node.inputs)
    return node.type, node.device, tuple(v.dtype.name for v in node.outputs), shapes, what


def _is_read(value: Value) -> bool:
    return value.node.type == "ReadVariableOp"


def _is_small(values: list[Value]) -> bool:
    return all(math.prod(v.sizes or ()) <= _LARGEST for v in values)  # type: ignore[arg-type]
