"""Einsums that are products of many matrices become such, with transposes of what they read and give."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..dtypes import int32
from ..registry import allowed_dtypes, definition_of
from .dataflow import Dataflow, Node, Value, constant_node
from .lower import schedule

_PRODUCT = definition_of("BatchMatMulV2")


@dataclass(frozen=True)
class _Plan:
    """Labels of the two operands as the product takes them, and of what it gives."""

    first: int
    orders: tuple[str, str]
    adjoint: tuple[bool, bool]
    result: str


def multiply_einsums(flow: Dataflow) -> None:
    """Replaces the einsums of two operands that share labels with the result and sum one away."""
    rewriting = _Rewriting(flow)
    for node in flow.nodes:
        if node.type == "Einsum":
            rewriting.replace(node)
    rewriting.finish()


def _plan(node: Node) -> _Plan | None:
    left, _, right = node.attrs["equation"].replace(" ", "").partition("->")
    parts = left.split(",")
    if len(parts) != 2 or any(not p.isalpha() or len(set(p)) != len(p) for p in (*parts, right)):
        return None
    known: dict[str, int] = {}
    for part, value in zip(parts, node.inputs, strict=True):
        if value.sizes is None or None in value.sizes or len(value.sizes) != len(part):
            return None
        for label, size in zip(part, value.sizes, strict=True):
            if known.setdefault(label, size or 0) != size:
                return None
    batch = [c for c in right if c in parts[0] and c in parts[1]]
    free = [c for c in right if c not in batch]
    summed = [c for c in parts[0] if c in parts[1] and c not in right]
    if not batch or len(free) != 2 or len(summed) != 1 or any(len(p) != len(batch) + 2 for p in (*parts, right)):
        return None
    first = 0 if free[0] in parts[0] else 1
    places = [(parts[i].index(own), parts[i].index(summed[0])) for i, own in zip((first, 1 - first), free, strict=True)]
    adjoint = places[0][1] < places[0][0], places[1][0] < places[1][1]
    orders = [[own, summed[0]] for own in free]
    inner = orders[0][:: -1 if adjoint[0] else 1], orders[1][:: 1 if adjoint[1] else -1]
    texts = ["".join([*batch, *labels]) for labels in inner]
    return _Plan(first, (texts[0], texts[1]), adjoint, "".join([*batch, *free]))


class _Rewriting:
    """A step in which einsums are replaced; each value is turned once."""

    def __init__(self, flow: Dataflow) -> None:
        self.flow = flow
        self.turned: dict[tuple[Value, tuple[int, ...]], Value] = {}
        self.new: list[Node] = []
        self.replaced: dict[Value, Value] = {}
        self.holders: dict[Node, Node | None] = {}

    def replace(self, node: Node) -> None:
        """Puts a product in an einsum's place, if it is one."""
        plan, dtype = _plan(node), node.outputs[0].dtype
        # What a product turns of complex numbers it conjugates, too.
        if plan is None or dtype.is_complex or dtype not in allowed_dtypes(_PRODUCT, "T"):
            return
        parts = node.attrs["equation"].replace(" ", "").partition("->")[0].split(",")
        operands = [
            self._turn(self.replaced.get(node.inputs[i], node.inputs[i]), parts[i], order, node)
            for i, order in zip((plan.first, 1 - plan.first), plan.orders, strict=True)
        ]
        right = node.attrs["equation"].replace(" ", "").partition("->")[2]
        known = dict(zip(right, node.outputs[0].sizes or (), strict=False))
        attrs = {"T": dtype, "adj_x": plan.adjoint[0], "adj_y": plan.adjoint[1]}
        outputs = [(dtype, tuple(known[c] for c in plan.result))]
        product = Node(_PRODUCT, node.name, attrs, operands, outputs, node.order, node.origin)
        product.device, product.control = node.device, list(node.control)
        product.take_in(node)
        self.new.append(product)
        self.holders[node] = product
        self.replaced[node.outputs[0]] = self._turn(product.outputs[0], plan.result, right, node)

    def _turn(self, value: Value, labels: str, wanted: str, place: Node) -> Value:
        """`value` with its axes in another order."""
        order = tuple(labels.index(c) for c in wanted)
        if order == tuple(range(len(order))):
            return value
        if (value, order) not in self.turned:
            maker, name = value.node, f"{value.node.name}/{wanted}"
            before = maker.inputs[1].node.constant if maker.type == "Transpose" and not maker.control else None
            if before is not None and maker in self.new and np.array_equal(before[list(order)], np.arange(len(order))):
                return maker.inputs[0]
            axes = constant_node(np.array(order, np.int32), int32, f"{name}/perm", place.order)
            sizes = tuple((value.sizes or ())[i] for i in order)
            attrs = {"T": value.dtype, "Tperm": int32}
            inputs = [value, axes.outputs[0]]
            node = Node(definition_of("Transpose"), name, attrs, inputs, [(value.dtype, sizes)], place.order)
            node.device = place.device
            self.new += [axes, node]
            self.turned[value, order] = node.outputs[0]
        return self.turned[value, order]

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
