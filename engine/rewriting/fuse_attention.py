"""Pass: attention that is written with products and a softmax becomes one node, and so does its gradient.

Matches `matmul(softmax(matmul(query, key, transpose_b=True) * scale + mask), value)` in float32 on matrices with one or two
leading axes, where scale, a number, and mask may be missing, and what `tf.gradients` makes of it, where no other node reads
what is computed on the way. Where query, key and value come from one array through Transpose and Unpack, and their gradients
go back that way, nothing is copied in between.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..dtypes import float32, int32
from ..graph import Sizes
from ..ops.array_slice import MASKS
from ..registry import definition_of
from .dataflow import Dataflow, Node, Value, constant_node
from .replacing import Replacing

_PRODUCTS = ("BatchMatMulV2", "BatchMatMul")
# Heads and rows change places; query, key and value come first, or behind the rows.
_BY_ROWS, _PACKED = (0, 2, 1, 3), (1, 3, 0, 2, 4)


@dataclass(eq=False)
class _Attention:
    """What was found: inputs, factors, and the nodes that go."""

    last: Node
    softmax: Value
    query: Value
    key: Value
    value: Value
    # The key as the product takes it: turned, if a Transpose does that.
    factor: Value
    mask: list[Value] = field(default_factory=list)
    scale: float = 1.0
    mask_factor: float = 1.0
    scaling: Node | None = None
    nodes: list[Node] = field(default_factory=list)
    dy: Value | None = None
    gradient_nodes: list[Node] = field(default_factory=list)
    gradients: list[Value] = field(default_factory=list)


def fuse_attention(flow: Dataflow) -> None:
    """Replaces each attention and its gradient."""
    finder = _Finder(flow)
    for node in [n for n in flow.nodes if n.type in _PRODUCTS]:
        found = _attention(node)
        if found is not None and finder.gradient(found) and finder.closed(found):
            finder.replace(found)
    finder.finish()


def _attention(last: Node) -> _Attention | None:
    softmax, value = last.inputs
    if softmax.node.type != "Softmax" or _adjoint(last) != (False, False) or value.dtype != float32:
        return None
    nodes, mask, factor = [last, softmax.node], list[Value](), 1.0
    scores = softmax.node.inputs[0]
    if scores.node.type in ("AddV2", "Add", "Sub"):
        x, y = scores.node.inputs
        factor = -1.0 if scores.node.type == "Sub" else 1.0
        if factor > 0 and _is_scores(y.node) and not _is_scores(x.node):
            x, y = y, x
        nodes.append(scores.node)
        if x.sizes != scores.sizes:
            return None
        scores, mask = x, [y]
    scaling, scale = None, 1.0
    if scores.node.type in ("Mul", "RealDiv"):
        scaling = scores.node
        by = 1 if scaling.inputs[1].node.constant is not None else 0
        constant = scaling.inputs[by].node.constant
        if constant is None or constant.size != 1 or (by == 0 and scaling.type == "RealDiv"):
            return None
        number = float(constant.reshape(()))
        if number == 0 or scaling.inputs[1 - by].sizes != scores.sizes:
            return None
        scale = number if scaling.type == "Mul" else 1 / number
        nodes.append(scaling)
        scores = scaling.inputs[1 - by]
    product = scores.node
    if product.type not in _PRODUCTS or _adjoint(product)[0]:
        return None
    query, key = product.inputs
    nodes.append(product)
    found = _Attention(last, softmax, query, key, value, key, mask, scale, factor, scaling, nodes)
    if not _adjoint(product)[1]:
        if not _turns(key.node):
            return None
        found.key = key.node.inputs[0]
        nodes.append(key.node)
    return found if _fits(found) else None


def _is_scores(node: Node) -> bool:
    return node.type in (*_PRODUCTS, "Mul", "RealDiv")


def _adjoint(node: Node) -> tuple[bool, bool]:
    return bool(node.attrs["adj_x"]), bool(node.attrs["adj_y"])


def _order(node: Node) -> tuple[int, ...] | None:
    order = node.inputs[1].node.constant if node.type == "Transpose" else None
    return None if order is None else tuple(int(i) for i in order)


def _turns(node: Node) -> bool:
    order = _order(node)
    return order is not None and order == (*range(len(order) - 2), len(order) - 1, len(order) - 2)


def _fits(found: _Attention) -> bool:
    sizes = [v.sizes for v in (found.query, found.key, found.value)]
    if any(s is None or None in s or 0 in s for s in sizes):
        return False
    query, key, value = (s or () for s in sizes)
    whole = len(query) in (3, 4) and query[:-2] == key[:-2] == value[:-2] and key[-2] == value[-2]
    for mask in found.mask:
        if mask.sizes is None or None in mask.sizes or len(mask.sizes) > len(query):
            return False
        pairs = zip(mask.sizes[::-1], (*query[:-1], key[-2])[::-1], strict=False)
        whole = whole and all(one in (1, other) for one, other in pairs) and mask.variable is None
    return whole and query[-1] == key[-1]


class _Finder(Replacing):
    """Who reads what, who waits for what, and what is replaced by what."""

    def gradient(self, found: _Attention) -> bool:
        """Finds the gradient, if there is one; False where it is not as expected."""
        weights, value = found.softmax, found.value
        begins = [n for n in self.users.get(value, ()) if n.type in _PRODUCTS and n is not found.last]
        begins = [n for n in begins if n.inputs[1] is value and _adjoint(n) == (False, True)]
        others = [n for n in self.users.get(weights, ()) if n is not found.last]
        if not others:
            return True
        if len(begins) != 1:
            return False
        begin = begins[0]
        found.dy, slopes = begin.inputs[0], begin.outputs[0]
        nodes = found.gradient_nodes = [begin]

        def user(op_type: str, *inputs: Value, any_order: bool = False, **attrs: Any) -> Value | None:
            for node in self.users.get(inputs[0], ()):
                same = node.inputs[: len(inputs)] == list(inputs) or (any_order and node.inputs == list(inputs[::-1]))
                if node.type == op_type and same and all(node.attrs.get(k) == v for k, v in attrs.items()):
                    nodes.append(node)
                    return node.outputs[0]
            return None

        product = begin.type
        dvalue = user(product, weights, found.dy, adj_x=True, adj_y=False)
        weighted = user("Mul", slopes, weights, any_order=True)
        total = weighted and user("Sum", weighted, keep_dims=True)
        if total is not None and not _along_last(total.node):
            return False
        less = total and user("Sub", slopes, total)
        change = less and user("Mul", less, weights, any_order=True)
        if change is not None and found.scaling is not None:
            change = self._scaled(found, change, nodes)
        if change is None:
            return False
        turned = found.factor is not found.key
        dquery = user(product, change, found.factor, adj_x=False, adj_y=turned)
        dkey = user(product, *((found.query, change) if turned else (change, found.query)), adj_x=True, adj_y=False)
        if turned and dkey is not None:
            back = [n for n in self.users.get(dkey, ()) if _turns(n)]
            nodes += back
            dkey = back[0].outputs[0] if len(back) == 1 else None
        if dquery is None or dkey is None or dvalue is None:
            return False
        found.gradients = [dquery, dkey, dvalue]
        return True

    def _scaled(self, found: _Attention, change: Value, nodes: list[Node]) -> Value | None:
        scaling = found.scaling
        numbers = [] if scaling is None else [v for v in scaling.inputs if v.node.constant is not None]
        for node in self.users.get(change, ()):
            if scaling is not None and node.type == scaling.type and any(v in node.inputs for v in numbers):
                if node.type == "Mul" or node.inputs[0] is change:
                    nodes.append(node)
                    return node.outputs[0]
        return None

    def closed(self, found: _Attention) -> bool:
        """Whether nothing else reads what goes, and all that reads or awaits the results comes after them."""
        inner = {*found.nodes, *found.gradient_nodes}
        groups = [(found.nodes, {found.last.outputs[0]}), (found.gradient_nodes, set(found.gradients))]
        return all(self._replaceable(nodes, results, inner) for nodes, results in groups if nodes)

    def _replaceable(self, nodes: list[Node], results: set[Value], inner: set[Node]) -> bool:
        end = max(self.position[n] for n in nodes)
        for node in nodes:
            if node.control or node in self.holders or node.device != nodes[0].device:
                return False
            if node in self.kept and not set(node.outputs) <= results:
                return False
            later = list(self.waiting.get(node, ()))
            for value in node.outputs:
                readers = self.users.get(value, ())
                later += readers if value in results else ()
                if value not in results and not inner.issuperset(readers):
                    return False
            if any(self.position[n] < end for n in later):
                return False
        return True

    def replace(self, found: _Attention) -> None:
        """Makes the new nodes and notes what they stand for."""
        query, key, value = (self._view(v) for v in (found.query, found.key, found.value))
        dtype, sizes = value.dtype, (*(query.sizes or ())[:-1], (value.sizes or (0,))[-1])
        turned = self._only(found.last.outputs[0], _BY_ROWS)
        attrs = {
            "scale": found.scale, "mask_factor": found.mask_factor, "by_rows": turned is not None,
            "T": dtype, "U": dtype, "masks": len(found.mask),
        }  # fmt: skip
        mixed: Sizes = sizes if turned is None else turned.outputs[0].sizes
        outputs = [(dtype, mixed), (dtype, sizes[:-1]), (dtype, sizes[:-1])]
        parts = [*([turned] if turned is not None else []), *found.nodes]
        made = self.make("_Attention", found.last, attrs, [query, key, value, *found.mask], outputs, parts)
        self.replaced[parts[0].outputs[0]] = made.outputs[0]
        if found.dy is None:
            return
        inputs = [found.dy, query, key, value, *made.outputs, *found.mask]
        packed = self._packed(found.gradients)
        if packed is not None:
            parts = [packed, packed.inputs[0].node, *found.gradient_nodes]
            outputs = [(dtype, packed.outputs[0].sizes)]
            grad = self.make("_PackedAttentionGrad", found.gradient_nodes[0], attrs, inputs, outputs, parts)
            self.replaced[packed.outputs[0]] = grad.outputs[0]
            return
        outputs = [(dtype, v.sizes) for v in found.gradients]
        grad = self.make("_AttentionGrad", found.gradient_nodes[0], attrs, inputs, outputs, found.gradient_nodes)
        self.replaced.update(zip(found.gradients, grad.outputs, strict=True))

    def _only(self, value: Value, order: tuple[int, ...]) -> Node | None:
        """The Transpose that alone reads a value, if it has that order and nobody waits."""
        users = self.users.get(value, [])
        if len(users) != 1 or _order(users[0]) != order or value.node in self.kept:
            return None
        node = users[0]
        return None if node.control or node in self.waiting or node in self.flow.targets else node

    def _packed(self, gradients: list[Value]) -> Node | None:
        """The Transpose of the joined gradients, if they go nowhere else."""
        packs = {n for v in gradients for n in self.users.get(v, ())}
        pack = next(iter(packs)) if len(packs) == 1 else None
        alike = len({v.sizes for v in gradients}) == 1 and not self.kept & {v.node for v in gradients}
        if pack is None or not alike or pack.type != "Pack" or pack.inputs != gradients or pack.attrs["axis"] != 0:
            return None
        if pack.control or pack in self.waiting or pack in self.flow.targets:
            return None
        return self._only(pack.outputs[0], _PACKED)

    def _view(self, value: Value) -> Value:
        """A value as a view, where Unpack would copy it."""
        unpack = value.node
        sizes = unpack.inputs[0].sizes if unpack.type == "Unpack" and not unpack.control else None
        if sizes is None or None in sizes or unpack.attrs["axis"] != 0:
            return value
        name, order = unpack.name, unpack.order
        ends = [np.array([i], np.int32) for i in (value.index, value.index + 1, 1)]
        numbers = [constant_node(array, int32, f"{name}/{i}", order) for i, array in enumerate(ends)]
        masks = dict.fromkeys(MASKS, 0) | {"shrink_axis_mask": 1}
        attrs: dict[str, Any] = {**masks, "T": value.dtype, "Index": int32}
        inputs = [unpack.inputs[0], *(n.outputs[0] for n in numbers)]
        outputs = [(value.dtype, value.sizes)]
        view = Node(definition_of("StridedSlice"), name, attrs, inputs, outputs, order, unpack.origin)
        self.new += [*numbers, view]
        return view.outputs[0]


def _along_last(total: Node) -> bool:
    axes, rank = total.inputs[1].node.constant, len(total.inputs[0].sizes or ())
    return axes is not None and {int(a) % rank for a in np.ravel(axes)} == {rank - 1}
