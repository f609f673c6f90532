"""Graphs of functions: the branches and bodies of structured control flow, which capture tensors of the graph around."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .dtypes import DType
from .graph import Graph, Operation, Sizes, Tensor
from .registry import definition_of


class FunctionGraph(Graph):
    """A graph with inputs and outputs. A tensor of the graph around, when used inside, becomes a further input.

    `inputs` are placeholders; those after the declared ones stand for `captures`, in order.
    """

    def __init__(self, name: str, outer_graph: Graph) -> None:
        super().__init__()
        self.name = name
        self.outer_graph = outer_graph
        self.building_function = True
        self.seed = outer_graph.seed
        self.collections = outer_graph.collections
        self.extras = outer_graph.extras
        self.inputs: list[Tensor] = []
        self.outputs: list[Tensor] = []
        # Operations that a call runs although no output needs them.
        self.control_outputs: list[Operation] = []
        self.captured: dict[Tensor, Tensor] = {}

    def add_input(self, dtype: DType, sizes: Sizes, name: str = "arg") -> Tensor:
        """A new placeholder among the inputs."""
        with self.as_default():
            tensor: Tensor = definition_of("Placeholder")(dtype=dtype.base_dtype, shape=sizes, name=name)
        self.inputs.append(tensor)
        return tensor

    def capture(self, tensor: Tensor) -> Tensor:
        """The input that stands for `tensor` of the graph around; made at its first use."""
        if tensor.graph is self:
            return tensor
        outer = self.outer_graph
        if outer is None or not _encloses(tensor.graph, outer):
            return super().capture(tensor)
        if tensor.graph is not outer:
            tensor = outer.capture(tensor)
        if tensor not in self.captured:
            self.captured[tensor] = self._make_capture(tensor)
        return self.captured[tensor]

    def _make_capture(self, tensor: Tensor) -> Tensor:
        scope, controls = self._scope, self._controls
        self._scope, self._controls = "", []
        try:
            inner = self.add_input(tensor.dtype, tensor.sizes, "capture_" + tensor.op.name.rpartition("/")[2])
        finally:
            self._scope, self._controls = scope, controls
        # A captured reference stays one, so that it can be assigned to inside.
        inner._dtype = tensor.dtype
        return inner

    @property
    def captures(self) -> list[Tensor]:
        """The tensors of the graph around that the trailing inputs stand for."""
        return list(self.captured)

    def captured_handle(self, inner: Tensor) -> Tensor | None:
        """The outer tensor that `inner` stands for if it is a variable's handle, else None."""
        if not (inner.dtype._is_ref_dtype or inner.dtype.name == "resource"):
            return None
        return next((outer for outer, own in self.captured.items() if own is inner), None)


def _encloses(candidate: Graph, graph: Graph | None) -> bool:
    while graph is not None:
        if candidate is graph:
            return True
        graph = graph.outer_graph
    return False


def trace_function(
    name: str, function: Callable[..., Any], signature: list[tuple[DType, Sizes]], outer: Graph
) -> tuple[FunctionGraph, Any]:
    """The graph of `function` called on placeholders of the given dtypes and shapes, and what it returned."""
    graph = FunctionGraph(name, outer)
    arguments = [graph.add_input(dtype, sizes) for dtype, sizes in signature]
    with graph.as_default():
        result = function(*arguments)
    return graph, result


def functions_of(op: Operation) -> list[FunctionGraph]:
    """The graphs among an operation's attributes."""
    found: list[FunctionGraph] = []
    for value in op.attrs.values():
        items = value if isinstance(value, list) else [value]
        found.extend(item for item in items if isinstance(item, FunctionGraph))
    return found
