"""What passes share that put one node in the place of many: the new nodes, and what they stand for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..dtypes import DType
from ..graph import Sizes
from ..registry import definition_of
from .dataflow import Dataflow, Node, Value
from .lower import schedule


class Replacing:
    """A step in which nodes are replaced; nothing of it changes until `finish`."""

    def __init__(self, flow: Dataflow) -> None:
        self.flow = flow
        self.users = flow.users()
        self.kept = {v.node for v in flow.fetches} | set(flow.targets)
        self.position = {node: i for i, node in enumerate(flow.nodes)}
        # By node, those that wait for it without an input from it.
        self.waiting: dict[Node, list[Node]] = {}
        for node in flow.nodes:
            for before in node.control:
                self.waiting.setdefault(before, []).append(node)
        self.new: list[Node] = []
        self.replaced: dict[Value, Value] = {}
        # The node that does the work of one that goes.
        self.holders: dict[Node, Node | None] = {}

    def make(
        self,
        op_type: str,
        place: Node,
        attrs: dict[str, Any],
        inputs: list[Value],
        outputs: Sequence[tuple[DType, Sizes]],
        parts: list[Node],
    ) -> Node:
        """A new node with the name and place of an old one, which does what `parts` did."""
        node = Node(definition_of(op_type), place.name, attrs, inputs, outputs, place.order, place.origin)
        node.take_in(*parts)
        self.holders.update(dict.fromkeys(parts, node))
        self.new.append(node)
        return node

    def finish(self) -> None:
        """Makes the step one of the new nodes."""
        if not self.new:
            return
        self.flow.nodes = [n for n in self.flow.nodes if n not in self.holders] + self.new
        self.flow.targets = list(dict.fromkeys(self.holders.get(n) or n for n in self.flow.targets))
        self.flow.replace(self.replaced)
        self.flow.redirect_control(self.holders)
        self.flow.nodes = schedule(self.flow.nodes)
        self.flow.prune()
