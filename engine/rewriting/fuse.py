"""Pass: fusion of element-wise chains. A node whose only user is element-wise too becomes part of it.

The result is a `_Fused` node whose scalar expression is the composition; a backend runs it blocked, in registers or in
one kernel, and no intermediate array exists.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from ..dtypes import DType, bool as bool_dtype, float32, float64
from ..graph import Sizes
from ..registry import definition_of
from ..scalar import Expression, Instruction, Operand
from .dataflow import Dataflow, Node, Value

# Longer expressions need more temporaries than a block of them leaves in the cache.
LONGEST = 24
MOST_INPUTS = 12


def fuse(flow: Dataflow) -> None:
    """Merges each element-wise node into its only user where that is element-wise on the same shape and dtype."""
    Fusion(flow, expression_of).run()


class Fusion:
    """What is known while nodes are merged: uses of values, who waits for whom, and the expressions so far.

    `expression_of` tells what a node that may be merged computes of an element.
    """

    def __init__(self, flow: Dataflow, expression_of: Callable[[Node], Expression | None]) -> None:
        self.flow = flow
        self.expression_of = expression_of
        # How many inputs take each value.
        self.uses = Counter(v for node in flow.nodes for v in node.inputs)
        self.kept = {v.node for v in flow.fetches} | set(flow.targets)
        self.position = {node: i for i, node in enumerate(flow.nodes)}
        self.waiting: dict[Node, list[Node]] = {}
        for node in flow.nodes:
            for before in node.control:
                self.waiting.setdefault(before, []).append(node)
        self.expressions: dict[Node, Expression] = {}
        self.absorbed: dict[Node, Node] = {}

    def run(self) -> None:
        """Merges what can be merged."""
        for node in self.flow.nodes:
            self._visit(node)
        self.flow.nodes = [n for n in self.flow.nodes if n not in self.absorbed]
        self.flow.redirect_control({inner: self._holder_of(inner) for inner in self.absorbed})

    def _visit(self, node: Node) -> None:
        expression = self.expression_of(node)
        if expression is None:
            return
        self.expressions[node] = expression
        # What a node takes in may have been the other reader of another input.
        while any([self._absorb(node, value) for value in dict.fromkeys(node.inputs)]):
            pass

    def _absorb(self, node: Node, value: Value) -> bool:
        inner = value.node
        if not self._may_absorb(node, inner, value):
            return False
        before = [*node.inputs, *inner.inputs]
        if not _merge(node, inner, value, self.expressions):
            return False
        node.take_in(inner)
        self.uses.subtract(before)
        self.uses.update(node.inputs)
        self._note(node, inner)
        return True

    def _may_absorb(self, node: Node, inner: Node, value: Value) -> bool:
        if inner not in self.expressions or inner in self.kept or not _alike(inner.outputs[0], node):
            return False
        if self.uses[value] != node.inputs.count(value):
            return False
        # What waits for the inner node will wait for the outer one, which must not come after it.
        return all(self.position[w] > self.position[node] for w in self.waiting.get(inner, ()))

    def _note(self, node: Node, inner: Node) -> None:
        self.absorbed[inner] = node
        node.control += [c for c in inner.control if c not in node.control]
        self.waiting.setdefault(node, []).extend(self.waiting.get(inner, ()))

    def _holder_of(self, inner: Node) -> Node:
        node = self.absorbed[inner]
        return self._holder_of(node) if node in self.absorbed else node


def _alike(value: Value, node: Node) -> bool:
    sizes: Sizes = node.outputs[0].sizes
    return sizes is not None and None not in sizes and value.sizes == sizes


def _merge(node: Node, inner: Node, value: Value, expressions: dict[Node, Expression]) -> bool:
    inputs, expression = compose(node.inputs, expressions[node], value, inner.inputs, expressions[inner])
    if len(expression.instructions) > LONGEST or len(inputs) > MOST_INPUTS:
        return False
    parts = [*node.attrs.get("parts", [node.type]), *inner.attrs.get("parts", [inner.type])]
    node.definition = definition_of("_Fused")
    node.attrs = {"expression": expression, "parts": parts, "dtype": node.outputs[0].dtype}
    node.inputs = inputs
    expressions[node] = expression
    return True


def compose(
    outer_inputs: list[Value], outer: Expression, value: Value, inner_inputs: list[Value], inner: Expression
) -> tuple[list[Value], Expression]:
    """The expression of `outer` with input `value` replaced by `inner`, over the inputs of both, each once."""
    inputs = list(dict.fromkeys([*(v for v in outer_inputs if v is not value), *inner_inputs]))
    shift = len(inner.instructions)

    def of_inner(o: Operand) -> Operand:
        return Operand("input", inputs.index(inner_inputs[o.index])) if o.kind == "input" else o

    def of_outer(o: Operand) -> Operand:
        if o.kind == "result":
            return Operand("result", o.index + shift)
        if o.kind == "constant":
            return o
        source = outer_inputs[o.index]
        return Operand("result", shift - 1) if source is value else Operand("input", inputs.index(source))

    instructions = [Instruction(i.primitive, tuple(map(of_inner, i.operands))) for i in inner.instructions]
    instructions += [Instruction(i.primitive, tuple(map(of_outer, i.operands))) for i in outer.instructions]
    return inputs, Expression(len(inputs), tuple(instructions))


def expression_of(node: Node) -> Expression | None:
    """The scalar expression of a node that may be fused, else None."""
    if not node.pure or len(node.outputs) != 1 or not node.inputs or any(v.variable for v in node.inputs):
        return None
    if node.type == "_Fused":
        return node.attrs["expression"]  # type: ignore[no-any-return]
    if not _one_dtype(node):
        return None
    if node.type == "AddN":
        return sum_of(len(node.inputs)) if node.inputs[0].dtype in (float32, float64) else None
    return node.definition.expression(node.inputs[-1].dtype, node.attrs)


def sum_of(count: int) -> Expression | None:
    """The sum of inputs from first to last."""
    if not 2 <= count <= MOST_INPUTS:
        return None
    first = Instruction("add", (Operand("input", 0), Operand("input", 1)))
    rest = [Instruction("add", (Operand("result", i - 2), Operand("input", i))) for i in range(2, count)]
    return Expression(count, (first, *rest))


def _one_dtype(node: Node) -> bool:
    # Casts between dtypes inside an expression would need typed instructions; bool results are fine.
    dtypes: set[DType] = {v.dtype for v in node.inputs if v.dtype != bool_dtype}
    dtypes |= {v.dtype for v in node.outputs if v.dtype != bool_dtype}
    return len(dtypes) <= 1
