"""Pass: attention that is written with products and a softmax becomes one node, and so does its gradient.

Matches `matmul(dropout(softmax(matmul(query, key, transpose_b=True) * scale + mask)), value)` in float32, bfloat16 or float16 on
matrices with one or two leading axes, where scale, mask and dropout may be missing or written otherwise (attention_forms.py),
and what `tf.gradients` makes of it, where no other node reads what is computed on the way. Where query, key and value come
from one array through Transpose and Unpack, and their gradients go back that way, nothing is copied in between.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..dtypes import DType, float32, int32, uint32
from ..graph import Sizes
from ..ops.array_slice import MASKS
from ..registry import definition_of
from .attention_forms import PRODUCTS, Dropout, Step, allowed, peel, peel_weights
from .dataflow import Dataflow, Node, Value, constant_node
from .einsum_products import multiply_einsums
from .replacing import Replacing

# Heads and rows change places; query, key and value come first, or behind the rows.
_BY_ROWS, _PACKED = (0, 2, 1, 3), (1, 3, 0, 2, 4)
# Heads of 16 bits are no wider than the tiles of matrix units are on a GPU.
WIDEST_HEADS = 256


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
    # From the product with the value to the softmax, and from there to the scores.
    outer: list[Step]
    inner: list[Step]
    dropout: Dropout | None = None
    scale: float = 1.0
    # One, or two of one kind.
    masks: list[Step] = field(default_factory=list)
    mask_factor: float = 1.0
    hidden: float = 0.0
    nodes: list[Node] = field(default_factory=list)
    dy: Value | None = None
    gradient_nodes: list[Node] = field(default_factory=list)
    gradients: list[Value] = field(default_factory=list)


def fuse_attention(flow: Dataflow) -> None:
    """Replaces each attention and its gradient."""
    if any(node.type == "Softmax" for node in flow.nodes):
        multiply_einsums(flow)
    finder = _Finder(flow)
    for node in [n for n in flow.nodes if n.type in PRODUCTS]:
        found = _attention(node)
        if found is not None and finder.gradient(found) and finder.closed(found):
            finder.replace(found)
    finder.finish()


def _attention(last: Node) -> _Attention | None:
    """Attention that ends in this product, all but its gradient."""
    weights, value = last.inputs
    if _adjoint(last) != (False, False) or not allowed(value.dtype):
        return None
    outer, dropout = _outer(weights)
    softmax = outer[-1].inner if outer else weights
    if softmax.node.type != "Softmax" or (dropout is None and any(step.kind == "scale" for step in outer)):
        return None
    inner = list[Step]()
    scores = softmax.node.inputs[0]
    while scores.node.type not in PRODUCTS:
        step = peel(scores)
        if step is None:
            return None
        inner.append(step)
        scores = step.inner
    product = scores.node
    query, key = product.inputs
    if _adjoint(product)[0] or query.dtype != value.dtype:
        return None
    found = _Attention(last, softmax, query, key, value, key, outer, inner, dropout)
    found.nodes = [last, softmax.node, product]
    for step in [*outer, *inner]:
        found.nodes += [step.node, *step.besides]
    if not _adjoint(product)[1]:
        if not _turns(key.node):
            return None
        found.key = key.node.inputs[0]
        found.nodes.append(key.node)
    return found if _weigh(found) and _fits(found) else None


def _outer(weights: Value) -> tuple[list[Step], Dropout | None]:
    """The steps between weights and the softmax, and the dropout among them."""
    steps, dropout, factor = list[Step](), None, None
    while weights.node.type != "Softmax":
        peeled = peel_weights(weights, weights.sizes)
        again = peeled is not None and peeled[0].kind in {step.kind for step in steps} - {"cast"}
        if peeled is None or again:
            return [], None
        steps.append(peeled[0])
        dropout = peeled[1] or dropout
        factor = peeled[0].other if peeled[0].kind == "scale" else factor
        weights = peeled[0].inner
    if dropout is not None:
        dropout.factor = factor
    return steps, dropout


def _weigh(found: _Attention) -> bool:
    """Sums up the steps before the softmax; False where masks cannot be added to one another."""
    weights = set[tuple[float, float]]()
    for step in found.inner:
        if step.kind == "scale":
            found.scale *= step.number
        elif step.kind != "cast":
            found.masks.append(step)
            weights.add((found.scale * step.number, 0.0) if step.kind == "mask" else (1.0, step.number * found.scale))
    if len(weights) > 1 or len(found.masks) > 2:
        return False
    found.mask_factor, found.hidden = next(iter(weights), (1.0, 0.0))
    return found.hidden <= 0 and bool(np.isfinite(found.mask_factor))


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
    if found.value.dtype != float32 and max(query[-1] or 0, value[-1] or 0) > WIDEST_HEADS:
        return False
    for mask in [step.other for step in found.masks if step.other is not None]:
        if mask.sizes is None or None in mask.sizes or len(mask.sizes) > len(query):
            return False
        pairs = zip(mask.sizes[::-1], (*query[:-1], key[-2])[::-1], strict=False)
        whole = whole and all(one in (1, other) for one, other in pairs) and mask.variable is None
    return whole and query[-1] == key[-1]


class _Finder(Replacing):
    """Who reads what, who waits for what, and what is replaced by what."""

    def gradient(self, found: _Attention) -> bool:
        """Finds the gradient, if there is one; False where it is not as expected."""
        weights, value = found.last.inputs
        begins = [n for n in self.users.get(value, ()) if n.type in PRODUCTS and n is not found.last]
        begins = [n for n in begins if n.inputs[1] is value and _adjoint(n) == (False, True)]
        inner = set(found.nodes)
        read = [weights, found.softmax, *(step.inner for step in found.outer)]
        if all(n in inner for v in read for n in self.users.get(v, ())):
            return True
        if len(begins) != 1:
            return False
        begin = begins[0]
        found.dy, slopes = begin.inputs[0], begin.outputs[0]
        nodes = found.gradient_nodes = [begin]

        def user(
            op_type: str, *inputs: Value, any_order: bool = False, selects: Step | None = None, **attrs: Any
        ) -> Value | None:
            for node in self.users.get(inputs[0], ()):
                same = node.inputs[: len(inputs)] == list(inputs) or (any_order and node.inputs == list(inputs[::-1]))
                if selects is not None and node.type == op_type:
                    part = selects.selects_alike(node, inputs[0])
                    nodes.extend(part or ())
                    if part is not None:
                        return node.outputs[0]
                elif node.type == op_type and same and all(node.attrs.get(k) == v for k, v in attrs.items()):
                    nodes.append(node)
                    return node.outputs[0]
            return None

        product = begin.type
        dvalue = user(product, weights, found.dy, adj_x=True, adj_y=False)
        back: Value | None = slopes
        for step in found.outer:
            back = back and step.gradient(back, user)
        back = back and self._through_softmax(found.softmax, back, user)
        for step in found.inner:
            back = back and step.gradient(back, user)
        if back is None:
            return False
        turned = found.factor is not found.key
        dquery = user(product, back, found.factor, adj_x=False, adj_y=turned)
        dkey = user(product, *((found.query, back) if turned else (back, found.query)), adj_x=True, adj_y=False)
        if turned and dkey is not None:
            ends = [n for n in self.users.get(dkey, ()) if _turns(n)]
            nodes += ends
            dkey = ends[0].outputs[0] if len(ends) == 1 else None
        if dquery is None or dkey is None or dvalue is None:
            return False
        found.gradients = [dquery, dkey, dvalue]
        return True

    def _through_softmax(self, weights: Value, slopes: Value, user: Any) -> Value | None:
        weighted = user("Mul", slopes, weights, any_order=True)
        total = weighted and user("Sum", weighted, keep_dims=True)
        if total is None or not _along_last(total.node):
            return None
        less = user("Sub", slopes, total)
        found: Value | None = less and user("Mul", less, weights, any_order=True)
        return found

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
            if self._comes_back(later, end, nodes):
                return False
        return True

    def _comes_back(self, readers: list[Node], end: int, nodes: list[Node]) -> bool:
        """Whether one of `nodes`, the last of which is at `end`, needs what `readers` outside of them give."""
        group, seen = set(nodes), set[Node]()
        stack = [n for n in readers if n not in group]
        while stack:
            node = stack.pop()
            if node in group:
                return True
            if node not in seen and self.position[node] < end:
                seen.add(node)
                stack += self.waiting.get(node, ())
                stack += [n for v in node.outputs for n in self.users.get(v, ())]
        return False

    def replace(self, found: _Attention) -> None:
        """Makes the new nodes and notes what they stand for."""
        query, key, value = (self._view(v) for v in (found.query, found.key, found.value))
        dtype, sizes = value.dtype, (*(query.sizes or ())[:-1], (value.sizes or (0,))[-1])
        turned = self._only(found.last.outputs[0], _BY_ROWS)
        mask, chance = self._mask(found), self._chance(found)
        attrs = {
            "scale": found.scale, "mask_factor": found.mask_factor, "hidden": found.hidden, "by_rows": turned is not None,
            "T": dtype, "U": float32, "masks": len(mask), "chances": len(chance),
        }  # fmt: skip
        mixed: Sizes = sizes if turned is None else turned.outputs[0].sizes
        outputs = [(dtype, mixed), (float32, sizes[:-1]), (float32, sizes[:-1])]
        parts = [*([turned] if turned is not None else []), *found.nodes]
        given = [query, key, value, *mask, *chance]
        made = self.make("_Attention", found.last, attrs, given, outputs, parts)
        self.replaced[parts[0].outputs[0]] = made.outputs[0]
        if found.dy is None:
            return
        inputs = [found.dy, query, key, value, *made.outputs, *mask, *chance]
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

    def _mask(self, found: _Attention) -> list[Value]:
        """What is added to the scores as one mask, of two their sum."""
        masks = [self._added(step, step.other) for step in found.masks if step.other is not None]
        if len(masks) < 2:
            return masks
        place, arrays = found.masks[0].node, [mask.node.constant for mask in masks]
        if arrays[0] is not None and arrays[1] is not None:
            both = arrays[0] + arrays[1]
            return [self._add(constant_node(both, float32, f"{place.name}/masks", place.order))]
        sizes = np.broadcast_shapes(*(tuple(size or 0 for size in mask.sizes or ()) for mask in masks))
        return [self._add(self._node("AddV2", f"{place.name}/masks", {"T": float32}, masks, float32, sizes, place))]

    def _added(self, step: Step, mask: Value) -> Value:
        """A mask as float32 that is added; of a selection, zeros and -inf."""
        if step.kind == "mask" and mask.dtype == float32:
            return mask
        array, place = mask.node.constant, step.node
        if array is not None:
            known = array.astype(np.float32)
            if step.kind != "mask":
                known = np.where(known != step.turned, np.float32(0), np.float32(-np.inf))
            return self._add(constant_node(known, float32, f"{place.name}/mask", mask.node.order))
        name = f"{place.name}/mask"
        if step.kind == "mask":
            attrs: dict[str, Any] = {"SrcT": mask.dtype, "DstT": float32, "Truncate": False}
            return self._add(self._node("Cast", name, attrs, [mask], float32, mask.sizes, place))
        ends = [np.float32(-np.inf if hides else 0) for hides in (step.turned, not step.turned)]
        constants = [
            self._add(constant_node(np.array(end), float32, f"{name}/{i}", place.order)) for i, end in enumerate(ends)
        ]
        return self._add(self._node("SelectV2", name, {"T": float32}, [mask, *constants], float32, mask.sizes, place))

    def _chance(self, found: _Attention) -> list[Value]:
        """What decides which weights are dropped, drawn where all of them were."""
        if found.dropout is None:
            return []
        draw, rate, factor = found.dropout.draw, found.dropout.rate, found.dropout.factor
        if factor is None:
            factor = self._add(constant_node(np.ones((), np.float32), float32, f"{draw.name}/factor", draw.order))
        attrs = {"seed": draw.attrs["seed"], "seed2": draw.attrs["seed2"], "S": draw.inputs[0].dtype}
        attrs |= {"T": rate.dtype, "F": factor.dtype}
        inputs = [draw.inputs[0], rate, factor]
        node = self.make("_DropoutChance", draw, attrs, inputs, [(uint32, (9,))], [draw])
        return [node.outputs[0]]

    def _node(
        self, op_type: str, name: str, attrs: dict[str, Any], inputs: list[Value], dtype: DType, sizes: Sizes, place: Node
    ) -> Node:  # fmt: skip
        node = Node(definition_of(op_type), name, attrs, inputs, [(dtype, sizes)], place.order, place.origin)
        node.device = place.device
        return node

    def _add(self, node: Node) -> Value:
        self.new.append(node)
        return node.outputs[0]

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
