"""Pass: batch normalisation and cross entropy take in the element-wise nodes beside them.

FusedBatchNormV3 -> Relu and FusedBatchNormV3 -> AddV2 -> Relu become _FusedBatchNormEx; ReluGrad -> FusedBatchNormGradV3
becomes one op that also gives ReluGrad's result where another node reads it; the gradient of a softmax cross entropy that is
multiplied by a number a row becomes _Scaled...CrossEntropyWithLogits.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..registry import definition_of
from .dataflow import Dataflow, Node, Value, predecessors
from .lower import schedule

_CROSS_ENTROPIES = ("SoftmaxCrossEntropyWithLogits", "SparseSoftmaxCrossEntropyWithLogits")
_BATCH_NORM_ATTRS = ("epsilon", "data_format", "is_training")


def fuse_norm(flow: Dataflow) -> None:
    """Replaces each pattern by one node."""
    patterns = _Patterns(flow)
    for node in flow.nodes:
        if node.control or node in patterns.holders:
            continue
        if node.type == "Relu":
            patterns.relu(node)
        elif node.type == "FusedBatchNormGradV3":
            patterns.gradient(node)
        elif node.type == "Mul":
            patterns.scale(node)
    patterns.finish()


class _Patterns:
    """Who uses and who waits for what, in which order nodes can run, and which nodes went into which others."""

    def __init__(self, flow: Dataflow) -> None:
        self.flow = flow
        self.users = flow.users()
        self.fetched = set(flow.fetches)
        self.waiting: dict[Node, list[Node]] = {}
        for node in flow.nodes:
            for before in node.control:
                self.waiting.setdefault(before, []).append(node)
        self.position: dict[Node, float] = {node: i for i, node in enumerate(flow.nodes)}
        self.holders: dict[Node, Node | None] = {}
        self.replaced: dict[Value, Value] = {}

    def finish(self) -> None:
        """Makes the step one of the new nodes."""
        if not self.holders:
            return
        self.flow.nodes = list(dict.fromkeys(self.holders.get(n) or n for n in self.flow.nodes))
        self.flow.targets = list(dict.fromkeys(self.holders.get(n) or n for n in self.flow.targets))
        self.flow.replace(self.replaced)
        self.flow.redirect_control(self.holders)
        self.flow.nodes = schedule(self.flow.nodes)

    def relu(self, node: Node) -> None:
        inner = node.inputs[0].node
        parts, side = [node], list[Value]()
        if inner.type in ("AddV2", "Add") and self._alone(inner, node):
            parts.append(inner)
            of_norm = [v for v in inner.inputs if self._normalized(v, inner)]
            if not of_norm or len(set(inner.inputs)) < 2:
                return
            # Of two, the later one: nothing that goes into the other can come from it.
            chosen = max(of_norm, key=lambda v: self.position[v.node])
            side = [v for v in inner.inputs if v is not chosen]
            inner = chosen.node
        elif not self._normalized(node.inputs[0], node):
            return
        if self._depends(side, inner):
            return
        outputs = [(v.dtype, v.sizes) for v in inner.outputs]
        attrs = {**_batch_norm_attrs(inner), "num_side_inputs": len(side)}
        fused = self._replace("_FusedBatchNormEx", [*parts, inner], attrs, [*inner.inputs, *side], outputs)
        self._rename(dict(zip([node.outputs[0], *inner.outputs[1:]], fused.outputs, strict=True)))

    def gradient(self, node: Node) -> None:
        inner = node.inputs[0].node
        if inner.type != "ReluGrad" or inner.control or inner in self.flow.targets:
            return
        sizes = node.inputs[0].sizes
        alike = [node.inputs[0], node.inputs[1], inner.inputs[0], inner.inputs[1]]
        if sizes is None or None in sizes or any(v.sizes != sizes for v in alike):
            return
        if self._depends(node.inputs[1:5], inner):
            return
        keep = not self._alone(inner, node)
        attrs = {**_batch_norm_attrs(node), "keep_masked": keep}
        masked = (node.inputs[0].dtype, sizes if keep else (0,))
        outputs = [masked, *((v.dtype, v.sizes) for v in node.outputs[:3])]
        if any(map(self._users, node.outputs[3:])):
            return
        inputs = [*inner.inputs, *node.inputs[1:5]]
        fused = self._replace("_ReluGradFusedBatchNormGrad", [node, inner], attrs, inputs, outputs)
        self._rename(dict(zip([inner.outputs[0], *node.outputs[:3]], fused.outputs, strict=True)))

    def scale(self, node: Node) -> None:
        for value, scale in (node.inputs, node.inputs[::-1]):
            inner = value.node
            if inner.type in _CROSS_ENTROPIES and value.index == 1 and self._scales(node, value, scale):
                outputs = [(v.dtype, v.sizes) for v in inner.outputs]
                fused = self._replace(f"_Scaled{inner.type}", [node, inner], {}, [*inner.inputs, scale], outputs)
                self._rename({inner.outputs[0]: fused.outputs[0], node.outputs[0]: fused.outputs[1]})
                return

    def _scales(self, node: Node, value: Value, scale: Value) -> bool:
        inner, sizes = value.node, value.sizes
        if sizes is None or None in sizes or len(sizes) != 2 or node.outputs[0].sizes != sizes:
            return False
        if scale.sizes not in ((), (1,), (1, 1), (sizes[0], 1)) or inner.control or inner in self.flow.targets:
            return False
        return self._users(value) == [node] and not self._depends([scale], inner)

    def _normalized(self, value: Value, user: Node) -> bool:
        node = value.node
        if node.type != "FusedBatchNormV3" or value.index != 0 or value.sizes != user.outputs[0].sizes:
            return False
        known = value.sizes is not None and None not in value.sizes
        return known and self._users(value) == [user] and not node.control and node not in self.flow.targets

    def _alone(self, node: Node, user: Node) -> bool:
        """Whether nothing but `user` sees the node's result, nor waits for it."""
        return (
            not node.control
            and node not in self.flow.targets
            and self._users(node.outputs[0]) == [user]
            and node.outputs[0].sizes == user.inputs[0].sizes
        )

    def _users(self, value: Value) -> list[Node | None]:
        return [*self.users.get(value, ()), *([None] if value in self.fetched else [])]

    def _depends(self, values: Iterable[Value], on: Node) -> bool:
        """Whether any of the values comes from the node."""
        stack, seen = [v.node for v in values], set[Node]()
        while stack:
            node = stack.pop()
            node = self.holders.get(node) or node
            if node is on:
                return True
            if node not in seen and self.position[node] > self.position[on]:
                seen.add(node)
                stack.extend(predecessors(node))
        return False

    def _replace(
        self, op_type: str, parts: list[Node], attrs: dict[str, Any], inputs: list[Value], outputs: list[Any]
    ) -> Node:
        """Puts a node in the place of the first of `parts`, which is the last to run; they all go."""
        last = parts[0]
        fused = Node(definition_of(op_type), last.name, attrs, inputs, outputs, last.order, last.origin)
        fused.take_in(*parts)
        for part in parts:
            for value in part.inputs:
                self.users[value] = [n for n in self.users[value] if n is not part]
            self.waiting.setdefault(fused, []).extend(self.waiting.get(part, ()))
        for value in inputs:
            self.users[value].append(fused)
        self.holders.update(dict.fromkeys(parts, fused))
        self.position[fused] = self.position[last]
        return fused

    def _rename(self, values: dict[Value, Value]) -> None:
        """Makes users of the keys use what replaces them, and puts those that now come too early behind it."""
        self.replaced.update(values)
        fused = next(iter(values.values())).node
        for old, new in values.items():
            users = self.users[new] = self.users.pop(old, [])
            for user in users:
                user.inputs = [new if v is old else v for v in user.inputs]
            if old in self.fetched:
                self.fetched.add(new)
        early = [n for n in self._successors(fused) if self.position[n] < self.position[fused]]
        while early:
            node = early.pop()
            if self.position[node] < self.position[fused]:
                self.position[node] = self.position[fused] + (self.position[node] + 1) / (4 * len(self.position))
                early += self._successors(node)

    def _successors(self, node: Node) -> list[Node]:
        found = [user for value in node.outputs for user in self.users.get(value, ())] + self.waiting.get(node, [])
        return [self.holders.get(n) or n for n in found]


def _batch_norm_attrs(node: Node) -> dict[str, Any]:
    return {name: node.attrs[name] for name in _BATCH_NORM_ATTRS}
