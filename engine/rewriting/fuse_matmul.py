"""Pass: what follows a matrix product is done while the product is warm.

Matches MatMul of floating numbers whose only reader is an element-wise op of ops/fused_matmul.py (an addition of a bias,
of a row, a column or a matrix; a multiplication; an activation; the gradient of an activation), and so on from there: the
chain becomes one `_FusedMatMul` node in the place of its last op.
"""

from __future__ import annotations

from ..dtypes import FLOATING
from ..ops.fused_matmul import STEPS, UNARY, step_expression
from ..registry import definition_of
from .dataflow import Dataflow, Node, Value

# As many steps and operands as the native kernel takes.
LONGEST = 6

_ADDITIONS = frozenset({"Add", "AddV2", "AddN", "BiasAdd", "BiasAddV1"})


def fuse_matmul(flow: Dataflow) -> None:
    """Merges element-wise nodes into the products that they follow."""
    fusion = _Fusion(flow)
    for node in flow.nodes:
        fusion.visit(node)
    flow.nodes = [n for n in flow.nodes if n not in fusion.absorbed]
    flow.redirect_control({inner: fusion.holder_of(inner) for inner in fusion.absorbed})


class _Fusion:
    """Uses of values, who waits for whom, and what became part of what."""

    def __init__(self, flow: Dataflow) -> None:
        self.users = flow.users()
        self.kept = {v.node for v in flow.fetches} | set(flow.targets)
        self.position = {node: i for i, node in enumerate(flow.nodes)}
        self.waiting: dict[Node, list[Node]] = {}
        for node in flow.nodes:
            for before in node.control:
                self.waiting.setdefault(before, []).append(node)
        self.absorbed: dict[Node, Node] = {}

    def visit(self, node: Node) -> None:
        """Makes `node` part of the product that it follows, if it follows one."""
        for place, value in enumerate(node.inputs):
            inner = value.node
            step = _step_of(node, place)
            if step is None or inner.type not in ("MatMul", "_FusedMatMul") or not self._may_absorb(node, inner, value):
                continue
            if _take(node, inner, place, step):
                self.absorbed[inner] = node
                node.take_in(inner)
                node.control += [c for c in inner.control if c not in node.control]
                self.waiting.setdefault(node, []).extend(self.waiting.get(inner, ()))
                return

    def _may_absorb(self, node: Node, inner: Node, value: Value) -> bool:
        if inner in self.kept or self.users[value] != [node] or value.dtype not in FLOATING:
            return False
        sizes = value.sizes
        if sizes is None or None in sizes or node.outputs[0].sizes != sizes or node.device != inner.device:
            return False
        # What waits for the product will wait for this node, which must not come after it.
        return all(self.position[w] > self.position[node] for w in self.waiting.get(inner, ()))

    def holder_of(self, inner: Node) -> Node:
        """The node that an absorbed one ended up in."""
        node = self.absorbed[inner]
        return self.holder_of(node) if node in self.absorbed else node


def _step_of(node: Node, place: int) -> str | None:
    """The step that a node is for its input number `place`, if it is one."""
    if node.type in _ADDITIONS:
        usual = node.attrs.get("data_format", "NHWC") == "NHWC"
        return "AddV2" if len(node.inputs) == 2 and usual and (place == 0 or "Bias" not in node.type) else None
    if node.type == "Mul":
        return "Mul"
    return node.type if STEPS.get(node.type) == place else None


def _take(node: Node, inner: Node, place: int, step: str) -> bool:
    others = [v for i, v in enumerate(node.inputs) if i != place]
    steps = [*inner.attrs.get("steps", []), step]
    if (
        len(steps) > LONGEST
        or len(others) != (step not in UNARY)
        or any(not _fits(v, inner.outputs[0]) for v in others)
    ):
        return False
    operands = [*inner.inputs[2:], *others]
    alpha = float(node.attrs.get("alpha", 0.0))
    attrs = {
        "transpose_a": inner.attrs["transpose_a"],
        "transpose_b": inner.attrs["transpose_b"],
        "steps": steps,
        "alphas": [*inner.attrs.get("alphas", []), alpha],
        # For backends that make kernels of expressions.
        "rules": [*inner.attrs.get("rules", []), step_expression(step, alpha, inner.outputs[0].dtype)],
        "N": len(operands),
        "T": inner.outputs[0].dtype,
    }
    node.definition, node.attrs = definition_of("_FusedMatMul"), attrs
    node.inputs = [*inner.inputs[:2], *operands]
    return True


def _fits(operand: Value, product: Value) -> bool:
    """Whether an operand is a matrix, a row, a column or a scalar to a product."""
    if operand.variable is not None or operand.dtype != product.dtype or operand.sizes is None or product.sizes is None:
        return False
    sizes = (1, 1, *operand.sizes)
    if len(operand.sizes) > 2:
        return False
    return all(size in (1, full) for size, full in zip(sizes[-2:], product.sizes, strict=True))
