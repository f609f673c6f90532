"""Pass: layer normalisation that is written with moments becomes one node, and so does its gradient.

Matches, in float32, `tf.nn.batch_normalization(x, *tf.nn.moments(x, [-1], keep_dims=True), offset, scale, epsilon)`, that is
`x * g + (offset - mean * g)` with `g = rsqrt(variance + epsilon) * scale`, and what `tf.gradients` makes of it, where no other
node reads what is computed on the way. LayerNormalization gives the value and LayerNormalizationGrad all three gradients.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import permutations, product

import numpy as np

from ..dtypes import float32
from .dataflow import Dataflow, Node, Value
from .replacing import Replacing

_ADDITIONS = ("AddV2", "Add")


@dataclass(eq=False)
class _Gradient:
    """The nodes of a gradient, what it is of, and where its results go: None where nobody asks for them."""

    dy: Value
    nodes: list[Node] = field(default_factory=list)
    offset: Value | None = None
    scale: Value | None = None
    # The three parts of the gradient with respect to x, which one AddN adds up.
    parts: list[Value] = field(default_factory=list)
    total: Node | None = None


@dataclass(eq=False)
class _Norm:
    """A normalisation: its inputs, and the values that its gradient reads."""

    x: Value
    scale: Value
    offset: Value
    epsilon: float
    mean: Value
    inverse: Value
    factor: Value
    nodes: list[Node]


def fuse_layer_norm(flow: Dataflow) -> None:
    """Replaces each normalisation and its gradients."""
    finder = _Finder(flow)
    for node in [n for n in flow.nodes if n.type in _ADDITIONS]:
        found = next(_normalizations(node), None)
        if found is not None:
            gradients = finder.gradients(found)
            if finder.closed(found, gradients):
                finder.replace(found, gradients)
    finder.finish()


def _normalizations(last: Node) -> Iterator[_Norm]:
    if not _plain(last.outputs[0]):
        return
    for (scaled, moved), both in product(permutations(last.inputs), (0, 1)):
        if scaled.node.type != "Mul" or moved.node.type != "Sub" or moved.node.inputs[1].node.type != "Mul":
            continue
        offset, shift = moved.node.inputs
        x, factor = scaled.node.inputs[:: -1 if both else 1]
        mean = _other(shift.node, factor)
        if mean is not None and factor.node.type == "Mul" and mean.node.type == "Mean":
            nodes = [last, scaled.node, moved.node, shift.node, factor.node, mean.node]
            yield from _with_moments(x, offset, factor, mean, nodes)


def _with_moments(x: Value, offset: Value, factor: Value, mean: Value, nodes: list[Node]) -> Iterator[_Norm]:
    for inverse, scale in permutations(factor.node.inputs):
        added = inverse.node.inputs[0].node if inverse.node.type == "Rsqrt" else None
        if added is None or added.type not in _ADDITIONS:
            continue
        for variance, epsilon in permutations(added.inputs):
            squares = variance.node.inputs[0].node if variance.node.type == "Mean" else None
            number = epsilon.node.constant
            if squares is None or squares.type != "SquaredDifference" or number is None or number.size != 1:
                continue
            along = _along_last(variance.node, squares.outputs[0]) and _along_last(mean.node, x)
            if along and _other(squares, mean) is x and _fits(x, scale, offset, nodes[0]):
                inner = [inverse.node, added, variance.node, squares]
                yield _Norm(x, scale, offset, float(number.reshape(())), mean, inverse, factor, nodes + inner)


class _Finder(Replacing):
    """Who reads what, and what is replaced by what."""

    def gradients(self, norm: _Norm) -> list[_Gradient]:
        """The gradients of a normalisation, as far as they are found: each begins with -dy * mean."""
        found = []
        for node in self.users.get(norm.mean, ()):
            negative = _other(node, norm.mean) if node.type == "Mul" else None
            if negative is not None and negative.node.type == "Neg":
                found.append(self._gradient(norm, negative.node, node))
        return found

    def _gradient(self, norm: _Norm, negative: Node, by_mean: Node) -> _Gradient:
        found = _Gradient(negative.inputs[0], [negative, by_mean])
        rank = len(norm.x.sizes or ())
        found.offset = self._sum(found.dy, range(rank - 1), found)
        by_x = self._user("Mul", found.dy, norm.x, found)
        change = by_x and self._user("AddN", by_x, by_mean.outputs[0], found)
        by_inverse = change and self._user("Mul", change, norm.inverse, found)
        found.scale = by_inverse and self._sum(by_inverse, range(rank - 1), found)
        by_scale = change and self._user("Mul", change, norm.scale, found)
        if by_scale is not None:
            self._parts(norm, negative.outputs[0], by_scale, found)
        return found

    def _parts(self, norm: _Norm, negative: Value, by_scale: Value, found: _Gradient) -> None:
        """The gradient with respect to x: directly, through the variance and through the mean."""
        direct = self._user("Mul", found.dy, norm.factor, found)
        slope = self._column(by_scale, norm, found)
        slope = slope and self._user("RsqrtGrad", norm.inverse, slope, found)
        spread = slope and self._spread(slope, norm, found)
        centered = self._user("Sub", norm.x, norm.mean, found)
        varied = spread and centered and self._user("Mul", spread, centered, found)
        doubled = varied and self._by_number("Mul", varied, 2, found)
        shift = self._user("Mul", negative, norm.factor, found)
        shift = shift and self._column(shift, norm, found)
        moved = shift and self._spread(shift, norm, found)
        if direct is None or doubled is None or moved is None:
            return
        found.parts = [direct, doubled, moved]
        totals = [self.users.get(v, []) for v in found.parts]
        if len(totals[0]) == 1 and totals[0][0].type == "AddN" and totals.count(totals[0]) == 3:
            found.total = totals[0][0]

    def _user(self, op_type: str, first: Value, second: Value, found: _Gradient) -> Value | None:
        """The result of the op on two values, in any order where it may be any."""
        ordered = op_type in ("Sub", "RsqrtGrad")
        for node in self.users.get(first, ()):
            if node.type == op_type and len(node.inputs) == 2:
                if (node.inputs == [first, second]) if ordered else (_other(node, first) is second):
                    found.nodes.append(node)
                    return node.outputs[0]
        return None

    def _by_number(self, op_type: str, value: Value, number: float, found: _Gradient) -> Value | None:
        for node in self.users.get(value, ()):
            other = _other(node, value) if node.type == op_type else None
            constant = None if other is None else other.node.constant
            right = node.inputs[0] is value or op_type == "Mul"
            if right and constant is not None and constant.size == 1 and float(constant.reshape(())) == number:
                found.nodes.append(node)
                return node.outputs[0]
        return None

    def _sum(self, value: Value, axes: range, found: _Gradient) -> Value | None:
        for node in self.users.get(value, ()):
            if node.type == "Sum" and _axes(node) == set(axes) and not node.attrs["keep_dims"]:
                found.nodes.append(node)
                return node.outputs[0]
        return None

    def _column(self, value: Value, norm: _Norm, found: _Gradient) -> Value | None:
        """The sum along the last axis, in the shape of the mean."""
        rank = len(norm.x.sizes or ())
        total = self._sum(value, range(rank - 1, rank), found)
        for node in self.users.get(total, ()) if total is not None else ():
            if node.type == "Reshape" and node.outputs[0].sizes == norm.mean.sizes:
                found.nodes.append(node)
                return node.outputs[0]
        return None

    def _spread(self, value: Value, norm: _Norm, found: _Gradient) -> Value | None:
        """The gradient of a mean along the last axis."""
        for node in self.users.get(value, ()):
            if node.type == "BroadcastTo" and node.outputs[0].sizes == norm.x.sizes:
                found.nodes.append(node)
                return self._by_number("RealDiv", node.outputs[0], (norm.x.sizes or (0,))[-1] or 0, found)
        return None

    def closed(self, norm: _Norm, gradients: list[_Gradient]) -> bool:
        """Whether nothing else reads what goes, and all that reads or awaits the results comes after them."""
        inner = {*norm.nodes, *(n for g in gradients for n in g.nodes)}
        groups = [(norm.nodes, {norm.nodes[0].outputs[0]})]
        for found in gradients:
            results = {v for v in (found.offset, found.scale) if v is not None}
            groups.append((found.nodes, results | set(found.parts if found.total is not None else ())))
        return all(self._replaceable(nodes, results, inner) for nodes, results in groups)

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

    def replace(self, norm: _Norm, gradients: list[_Gradient]) -> None:
        """Makes the new nodes and notes what they stand for."""
        last, dtype = norm.nodes[0], norm.x.dtype
        sizes = norm.x.sizes or ()
        outputs = [(dtype, sizes), (dtype, sizes[:-1]), (dtype, sizes[:-1])]
        attrs = {"epsilon": norm.epsilon, "T": dtype}
        inputs = [norm.x, norm.scale, norm.offset]
        made = self.make("LayerNormalization", last, attrs, inputs, outputs, norm.nodes)
        self.replaced[last.outputs[0]] = made.outputs[0]
        for found in gradients:
            inputs = [found.dy, norm.x, norm.scale, *made.outputs[1:]]
            outputs = [(dtype, sizes), (dtype, sizes[-1:]), (dtype, sizes[-1:])]
            grad = self.make("LayerNormalizationGrad", found.nodes[0], {"T": dtype}, inputs, outputs, found.nodes)
            for old, new in zip((found.scale, found.offset), grad.outputs[1:], strict=True):
                if old is not None:
                    self.replaced[old] = new
            if found.total is not None:
                self._add(found.total, found.parts, grad.outputs[0])

    def _add(self, total: Node, parts: list[Value], gradient: Value) -> None:
        places = [v for v in total.inputs if v not in parts[1:]]
        total.inputs = [gradient if v is parts[0] else v for v in places]
        total.attrs = {**total.attrs, "N": len(places)}
        self.users.setdefault(gradient, []).append(total)
        if len(places) == 1 and not total.control:
            self.replaced[total.outputs[0]] = gradient
            self.holders[total] = gradient.node


def _other(node: Node, value: Value) -> Value | None:
    """The other input of a node of two, or None where `value` is none of them."""
    if len(node.inputs) != 2 or value not in node.inputs:
        return None
    return node.inputs[1] if node.inputs[0] is value else node.inputs[0]


def _axes(node: Node) -> set[int]:
    axes, rank = node.inputs[1].node.constant, len(node.inputs[0].sizes or ())
    return set() if axes is None or not rank else {int(a) % rank for a in np.ravel(axes)}


def _along_last(mean: Node, value: Value) -> bool:
    sizes = value.sizes or ()
    return mean.inputs[0] is value and bool(mean.attrs["keep_dims"]) and _axes(mean) == {len(sizes) - 1}


def _plain(value: Value) -> bool:
    known = value.sizes is not None and None not in value.sizes
    return known and len(value.sizes or ()) > 1 and value.dtype == float32


def _fits(x: Value, scale: Value, offset: Value, last: Node) -> bool:
    row = (x.sizes or ())[-1:]
    return x.sizes == last.outputs[0].sizes and scale.sizes == row and offset.sizes == row
