"""The form of a step that passes rewrite: nodes and values with no names to look up and no references left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..dtypes import DType
from ..graph import Operation, Sizes, Tensor
from ..registry import Op, definition_of

if TYPE_CHECKING:
    from collections.abc import Iterator


# The attribute of nodes that a device gives 16 bits where their dtype is float32.
NARROWED = "_narrowed"


@dataclass(frozen=True, slots=True)
class VariableRef:
    """A variable as programs know it: the key of its storage, dtype and static shape.

    `resized`: an assignment may change its shape, whatever the graph says. Then `sizes` is None.
    """

    key: str
    dtype: DType
    sizes: Sizes
    resized: bool = False


class Value:
    """One output of a node. `variable` is set where the value is a handle and not data."""

    __slots__ = ("dtype", "index", "node", "sizes", "variable")

    def __init__(self, node: Node, index: int, dtype: DType, sizes: Sizes) -> None:
        self.node = node
        self.index = index
        self.dtype = dtype
        self.sizes = sizes
        self.variable: VariableRef | None = None

    @property
    def name(self) -> str:
        """`node:index`."""
        return f"{self.node.name}:{self.index}"

    def __repr__(self) -> str:
        return f"<{self.name} {self.dtype.name}{list(self.sizes) if self.sizes is not None else '?'}>"


class Node:
    """An operation of a step: a registered op, attributes, input values, and nodes it must wait for."""

    __slots__ = (
        "at_home",
        "attrs",
        "control",
        "definition",
        "device",
        "fused",
        "inputs",
        "name",
        "order",
        "origin",
        "outputs",
        "reads",
        "writes",
    )

    def __init__(
        self,
        definition: Op[..., Any],
        name: str,
        attrs: dict[str, Any],
        inputs: Sequence[Value],
        outputs: Sequence[tuple[DType, Sizes]],
        order: float = 0,
        origin: Operation | None = None,
    ) -> None:
        self.definition = definition
        self.name = name
        self.attrs = attrs
        self.inputs = list(inputs)
        self.outputs = [Value(self, i, d, s) for i, (d, s) in enumerate(outputs)]
        self.control: list[Node] = []
        self.order = order
        self.origin = origin
        self.device = origin.device if origin is not None else ""
        # Whether the host computes it although a device could.
        self.at_home = False
        # The operations that the node stands for beside its origin, with the shapes of their outputs.
        self.fused: dict[Operation, tuple[Sizes, ...]] = {}
        # Keys of the variables whose storage the node reads or writes.
        self.reads: frozenset[str] = frozenset()
        self.writes: frozenset[str] = frozenset()

    @property
    def type(self) -> str:
        """The op type name."""
        return self.definition.type

    @property
    def constant(self) -> np.ndarray[Any, Any] | None:
        """The array of a Const node, else None."""
        return self.attrs["value"] if self.definition.type == "Const" else None

    @property
    def pure(self) -> bool:
        """Whether equal inputs give equal outputs and nothing else happens."""
        return not (self.definition.stateful or self.reads or self.writes)

    def take_in(self, *parts: Node) -> None:
        """Notes that this node does what others did."""
        for part in parts:
            if part.origin is not None and part.origin is not self.origin:
                self.fused[part.origin] = tuple(v.sizes for v in part.outputs)
            self.fused.update((op, sizes) for op, sizes in part.fused.items() if op is not self.origin)

    def describe(self) -> str:
        """The words by which errors name this node."""
        return self.origin.describe() if self.origin is not None else f"{self.type} operation {self.name!r}"

    def __repr__(self) -> str:
        return f"<{self.type} {self.name}>"


class Dataflow:
    """A step: nodes in an order that runs, the values fed (by the tensor they stand for) and those fetched."""

    def __init__(
        self, nodes: list[Node], feeds: dict[Tensor, Value], fetches: list[Value], targets: list[Node]
    ) -> None:
        self.nodes = nodes
        self.feeds = feeds
        self.fetches = fetches
        self.targets = targets
        # Of a function's graph; of a loop's body, which of the fetched values is fed for a tensor in the next iteration.
        self.of_function = False
        self.turns: dict[Tensor, int] = {}
        # Neighbours that a device may do at once: what one reads must be there until the last has run.
        self.batches: list[list[Node]] = []

    def users(self) -> dict[Value, list[Node]]:
        """The nodes that take each value as an input."""
        found: dict[Value, list[Node]] = {}
        for node in self.nodes:
            for value in node.inputs:
                found.setdefault(value, []).append(node)
        return found

    def replace(self, replacements: dict[Value, Value]) -> None:
        """Makes every use of a key use its replacement; chains of replacements are followed."""
        if not replacements:
            return
        for node in self.nodes:
            node.inputs = [_final(replacements, value) for value in node.inputs]
        self.fetches = [_final(replacements, value) for value in self.fetches]

    def redirect_control(self, replacements: dict[Node, Node | None]) -> None:
        """Makes nodes that waited for a key wait for its replacement (None: for nothing)."""
        for node in self.nodes:
            if any(c in replacements for c in node.control):
                moved = (replacements.get(c, c) for c in node.control)
                node.control = list(dict.fromkeys(c for c in moved if c is not None and c is not node))

    def prune(self) -> None:
        """Drops the nodes that no fetch or target needs, but none that does more than compute its outputs."""
        needed: set[Node] = set()
        stack: list[Node] = [v.node for v in self.fetches] + list(self.targets)
        stack += [n for n in self.nodes if n.definition.stateful and n.type != "ReadVariableOp"]
        while stack:
            node = stack.pop()
            if node not in needed:
                needed.add(node)
                stack.extend(predecessors(node))
        feeds = {v.node for v in self.feeds.values()}
        self.nodes = [n for n in self.nodes if n in needed or n in feeds]


_PRODUCTS = {
    "_MatMulBiasGrad": "MatMul+BiasAddGrad",
    "_MatMulGeluGrad": "MatMul+GeluGrad",
    "_MatMulReluGrad": "MatMul+ReluGrad",
}


def is_narrowed(node: Node) -> bool:
    """Whether some values that the node's dtype says are float32 have 16 bits instead."""
    return bool(node.attrs.get(NARROWED))


def kind_of(node: Node) -> str:
    """The op type, or what was fused into the node, in the order in which it is computed."""
    if node.type == "_Fused":
        return "+".join(reversed(node.attrs["parts"]))
    if node.type == "_MultiUpdate":
        parts = node.attrs["parts"]
        return f"{parts[0][0].type}*{len(parts)}"
    if node.type.startswith("_MatMulApply") and node.origin is not None:
        return f"MatMul+{node.origin.type}"
    if node.type.startswith("_FusedMatMul"):
        return "+".join(["MatMul", *node.attrs["steps"], *(["Gelu"] if node.type == "_FusedMatMulGelu" else [])])
    return _PRODUCTS.get(node.type, node.type)


def _final(replacements: dict[Value, Value], value: Value) -> Value:
    while value in replacements:
        value = replacements[value]
    return value


def predecessors(node: Node) -> Iterator[Node]:
    """The nodes that must run before `node`."""
    for value in node.inputs:
        yield value.node
    yield from node.control


def constant_node(
    array: np.ndarray[Any, Any], dtype: DType, name: str, order: float, origin: Operation | None = None
) -> Node:
    """A Const node that holds `array`."""
    attrs = {"value": array, "dtype": dtype}
    return Node(definition_of("Const"), name, attrs, [], [(dtype, tuple(array.shape))], order, origin)
