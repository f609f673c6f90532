"""Pass: an optimizer's step computes its gradient itself, block by block, where that is a matrix product.

Matches a MatMul whose only reader is ApplyGradientDescent, ApplyMomentum or ApplyAdam, by reference or by handle, as its
gradient. The node that replaces both never writes the gradient to memory. It keeps the control edges of the update, so that
what reads the variable comes first, and runs as soon as these allow it.
"""

from __future__ import annotations

from ..dtypes import float32, float64
from ..registry import definition_of
from .dataflow import Dataflow, Node, Value
from .lower import schedule

# Update -> how many variables it takes, and which input is the gradient.
_UPDATES = {"GradientDescent": (1, 2), "Momentum": (2, 3), "Adam": (3, 9)}


def fuse_matmul_updates(flow: Dataflow) -> None:
    """Replaces products and the updates that alone read them."""
    users = flow.users()
    kept = {v.node for v in flow.fetches} | set(flow.targets)
    fetched = {v.node for v in flow.fetches}
    # What waits for the product (a decay that comes after the gradients, say) may be what the update waits for.
    kept |= {before for node in flow.nodes for before in node.control}
    replaced: dict[Node, Node | None] = {}
    for node in list(flow.nodes):
        rule = node.type.removeprefix("Resource").removeprefix("Apply")
        if node.type not in (f"Apply{rule}", f"ResourceApply{rule}") or rule not in _UPDATES or node in fetched:
            continue
        gradient = node.inputs[_UPDATES[rule][1]]
        if _matches(node, gradient, rule, users) and gradient.node not in kept:
            replaced[node] = replaced[gradient.node] = _replacement(node, gradient, rule)
    if replaced:
        _put_in_place(flow, replaced)


def _matches(node: Node, gradient: Value, rule: str, users: dict[Value, list[Node]]) -> bool:
    product, variables = gradient.node, node.inputs[: _UPDATES[rule][0]]
    if product.type != "MatMul" or users[gradient] != [node] or any(users.get(v) for v in node.outputs):
        return False
    if gradient.dtype not in (float32, float64) or product.device != node.device:
        return False
    sizes = gradient.sizes
    if sizes is None or None in sizes:
        return False
    return all(v.variable is not None and v.variable.sizes == sizes for v in variables)


def _replacement(node: Node, gradient: Value, rule: str) -> Node:
    product, place = gradient.node, _UPDATES[rule][1]
    attrs = {name: product.attrs[name] for name in ("transpose_a", "transpose_b", "T")}
    if "use_nesterov" in node.attrs:
        attrs["use_nesterov"] = node.attrs["use_nesterov"]
    inputs = [v for i, v in enumerate(node.inputs) if i != place] + product.inputs
    # In the order of the product: the sooner, the less memory is in use at a time. So are the numbers that it takes.
    _hasten(inputs, product.order)
    result = Node(definition_of(f"_MatMulApply{rule}"), node.name, attrs, inputs, [], product.order, node.origin)
    result.control = list(dict.fromkeys(c for c in [*node.control, *product.control] if c is not product))
    result.reads, result.writes = node.reads, node.writes
    result.take_in(node, product)
    return result


def _hasten(inputs: list[Value], order: float) -> None:
    for node in (v.node for v in inputs):
        if node.type == "ReadVariableOp" or not node.inputs:
            node.order = min(node.order, order)
            _hasten(node.inputs, order)


def _put_in_place(flow: Dataflow, replaced: dict[Node, Node | None]) -> None:
    flow.nodes = [n for n in flow.nodes if n not in replaced] + list(dict.fromkeys(n for n in replaced.values() if n))
    flow.targets = list(dict.fromkeys(replaced.get(n) or n for n in flow.targets))
    flow.redirect_control(replaced)
    flow.nodes = schedule(flow.nodes)
