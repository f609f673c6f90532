"""Pass, for devices whose library does more after a product than a kernel of its own would: gradients of relus and biases.

_FusedMatMul(.., Relu) -> y -> _FusedMatMul(ReluGrad(., y)): the first leaves a mask, a bit an element, which the other reads
in the place of y. So do _Gelu and _GeluGrad in 16 bits, which keep what the GELU is taken of; the library's tanh is not exact
enough for more. MatMul(x, dy) and BiasAddGrad(dy), or Sum(dy) over its rows, of one dtype become one product, which gives the
gradients of the weights and of the bias.
"""

from __future__ import annotations

import numpy as np

from ..dtypes import bfloat16, float16, float32, uint8
from ..kernels.relu_masks import mask_bytes
from ..registry import definition_of
from .dataflow import Dataflow, Node, Value

_DTYPES = frozenset({float32, bfloat16, float16})
_NARROW = frozenset({bfloat16, float16})
# Elements of a row of what a GELU is taken of come in so many.
ELEMENTS = 8
_WITH_RELU = (["Relu"], ["AddV2", "Relu"])


def fuse_product_gradients(flow: Dataflow) -> None:
    """Makes gradients part of the products beside them."""
    for node in flow.nodes:
        if node.type == "_FusedMatMul" and node.attrs["steps"] == ["ReluGrad"]:
            _read_mask(node)
    _Gelus(flow).run()
    _Sums(flow).run()


def _read_mask(node: Node) -> None:
    features, (result,) = node.inputs[2], node.outputs
    forward = features.node
    if forward.type == "_FusedMatMul":
        sizes = features.sizes
        if forward.attrs["steps"] not in _WITH_RELU or features.dtype not in _DTYPES or forward.device != node.device:
            return
        if sizes is None or None in sizes or sizes != result.sizes:
            return
        forward.definition = definition_of("_FusedMatMulMask")
        forward.outputs.append(Value(forward, 1, uint8, (sizes[0], mask_bytes(sizes[1] or 0))))
    if forward.type == "_FusedMatMulMask" and features.index == 0 and features.sizes == result.sizes:
        node.definition = definition_of("_MatMulReluGrad")
        node.attrs = {name: node.attrs[name] for name in ("transpose_a", "transpose_b", "T")}
        node.inputs = [*node.inputs[:2], forward.outputs[1]]


class _Gelus:
    """GELUs after products that give what they are taken of too, and their gradients after products."""

    def __init__(self, flow: Dataflow) -> None:
        self.flow = flow
        self.users = flow.users()
        self.kept = {v.node for v in flow.fetches} | set(flow.targets)
        self.position = {node: i for i, node in enumerate(flow.nodes)}
        # By node, the first that waits for it without an input from it, such as the update of a variable that it reads.
        self.waiting: dict[Node, int] = {}
        for node in reversed(flow.nodes):
            self.waiting.update(dict.fromkeys(node.control, self.position[node]))
        self.replaced: dict[Value, Value] = {}
        # What is done by which other node.
        self.gone: dict[Node, Node | None] = {}

    def run(self) -> None:
        """Merges both with the products before them."""
        for node in self.flow.nodes:
            if node.outputs and node.outputs[0].dtype in _NARROW:
                if node.type == "_Gelu":
                    self._forward(node)
                elif node.type == "_GeluGrad":
                    self._backward(node)
        if self.gone:
            self.flow.nodes = [n for n in self.flow.nodes if n not in self.gone]
            self.flow.replace(self.replaced)
            self.flow.redirect_control(self.gone)

    def _forward(self, node: Node) -> None:
        features, (result,) = node.inputs[0], node.outputs
        product = features.node
        if product.type != "_FusedMatMul" or product.attrs["steps"] != ["AddV2"] or not _even(features):
            return
        # Where nobody else reads what the GELU is taken of, it need not be written.
        read = len(self.users[features]) > 1 or product in self.kept
        if read and node not in self.flow.targets and not node.control and product.device == node.device:
            product.definition = definition_of("_FusedMatMulGelu")
            product.outputs.append(Value(product, 1, result.dtype, result.sizes))
            product.take_in(node)
            self.replaced[result] = product.outputs[1]
            self.gone[node] = product

    def _backward(self, node: Node) -> None:
        (gradient, features), product = node.inputs, node.inputs[0].node
        alone = product not in self.kept and self.users[gradient] == [node] and product.device == node.device
        alone = alone and self.waiting.get(product, len(self.position)) > self.position[node]
        if (
            product.type == "MatMul"
            and alone
            and product.outputs[0].dtype == product.inputs[0].dtype
            and _even(features)
        ):
            node.definition, node.attrs = definition_of("_MatMulGeluGrad"), product.attrs
            node.inputs = [*product.inputs, features]
            node.control += [c for c in product.control if c not in node.control]
            node.take_in(product)
            self.gone[product] = node


def _even(features: Value) -> bool:
    """Whether rows begin where the library wants them."""
    sizes = features.sizes
    return sizes is not None and None not in sizes and len(sizes) == 2 and sizes[1] % ELEMENTS == 0  # type: ignore[operator]


class _Sums:
    """Sums over rows of what products beside them take."""

    def __init__(self, flow: Dataflow) -> None:
        self.flow = flow
        self.users = flow.users()
        self.position = {node: i for i, node in enumerate(flow.nodes)}
        self.waiting: dict[Node, list[Node]] = {}
        for node in flow.nodes:
            for before in node.control:
                self.waiting.setdefault(before, []).append(node)
        # By what is summed: the products that take it, and which of their factors it is.
        self.products: dict[Value, list[tuple[Node, str]]] = {}
        # The products that took sums in.
        self.holders: dict[Node, Node] = {}

    def run(self) -> None:
        """Merges each sum into the first product that can take it."""
        for node in self.flow.nodes:
            if node.type == "MatMul" and node.inputs[0].dtype in _DTYPES:
                for i, turned in enumerate((node.attrs["transpose_a"], not node.attrs["transpose_b"])):
                    if turned:
                        self.products.setdefault(_root(node.inputs[i]), []).append((node, "ab"[i]))
        for node in self.flow.nodes:
            if _sums_rows(node):
                self._merge(node)
        if self.holders:
            self._finish()

    def _merge(self, node: Node) -> None:
        value, (sums,) = node.inputs[0], node.outputs
        for product, which in self.products.get(_root(value), ()):
            factor = product.inputs["ab".index(which)]
            alike = _columns(factor) == _columns(value) and product.outputs[0].dtype == sums.dtype
            if alike and product.type == "MatMul" and product.device == node.device and self._may_join(node, product):
                self._join(node, product, which)
                return

    def _may_join(self, one: Node, other: Node) -> bool:
        """Whether what needs the first of two nodes comes after the second, so that both may be done there."""
        first, second = sorted((one, other), key=lambda n: self.position[n])
        later = [*self.waiting.get(first, ()), *(user for v in first.outputs for user in self.users.get(v, ()))]
        return all(self.position[n] > self.position[second] for n in later)

    def _join(self, node: Node, product: Node, which: str) -> None:
        (result,), (sums,) = product.outputs, node.outputs
        product.definition = definition_of("_MatMulBiasGrad")
        product.attrs = {**product.attrs, "summed": which, "U": result.dtype}
        product.outputs.append(Value(product, 1, sums.dtype, sums.sizes))
        product.control += [c for c in node.control if c not in product.control]
        product.take_in(node)
        self.position[product] = max(self.position[product], self.position[node])
        self.waiting.setdefault(product, []).extend(self.waiting.get(node, ()))
        self.holders[node] = product

    def _finish(self) -> None:
        flow = self.flow
        flow.nodes = sorted((n for n in flow.nodes if n not in self.holders), key=self.position.__getitem__)
        flow.targets = list(dict.fromkeys(self.holders.get(n, n) for n in flow.targets))
        flow.replace({node.outputs[0]: product.outputs[1] for node, product in self.holders.items()})
        flow.redirect_control(dict(self.holders))


def _sums_rows(node: Node) -> bool:
    """Whether a node sums all but the last axis of its input."""
    if node.type not in ("BiasAddGrad", "Sum"):
        return False
    value = node.inputs[0]
    if not value.sizes or node.outputs[0].sizes != value.sizes[-1:]:
        return False
    if node.type == "BiasAddGrad":
        return len(value.sizes) == 2 or node.attrs["data_format"] == "NHWC"
    axes = node.inputs[1].node.constant
    rank = len(value.sizes)
    return axes is not None and {int(i) % rank for i in np.ravel(axes)} == set(range(rank - 1))


def _columns(value: Value) -> int | None:
    return value.sizes[-1] if value.sizes else None


def _root(value: Value) -> Value:
    """What a value is a reshaping of that keeps its rows."""
    while value.node.type == "Reshape" and _columns(value.node.inputs[0]) == _columns(value) is not None:
        value = value.node.inputs[0]
    return value
