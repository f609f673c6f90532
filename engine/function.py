"""Graphs of functions: the branches and bodies of structured control flow, which capture tensors of the graph around."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
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
        # Names go on as if the function's operations stood in the graph around: errors can tell them apart.
        self._names = outer_graph._names
        self._scope = self._base_scope = outer_graph._scope
        self._devices = list(outer_graph._devices)
        self._attr_scopes = list(outer_graph._attr_scopes)
        self._gradient_overrides = list(outer_graph._gradient_overrides)
        self._containers = list(outer_graph._containers)
        self.seed = outer_graph.seed
        self.collections = outer_graph.collections
        self.extras = outer_graph.extras
        self.inputs: list[Tensor] = []
        self.outputs: list[Tensor] = []
        # Operations that a call runs although no output needs them.
        self.control_outputs: list[Operation] = []
        self.captured: dict[Tensor, Tensor] = {}
        # The function whose gradient this is: its tensors can be used too.
        self.forward: FunctionGraph | None = None
        # Which outputs of the operation hold what a loop gives to its gradient: the values of tensors of the body,
        # and under None the number of iterations.
        self.kept: dict[Tensor | None, int] = {}
        # A gradient that the function brings along: of the call and the gradients of its outputs.
        self.own_gradient: Callable[..., list[Any]] | None = None
        # Operations of the graph around that the call must wait for.
        self.outer_controls: dict[Operation, None] = {}

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
        if outer is None or not sees(outer, tensor.graph):
            return super().capture(tensor)
        if tensor.graph is not outer:
            tensor = outer.capture(tensor)
        if tensor not in self.captured:
            self.captured[tensor] = self._make_capture(tensor)
        return self.captured[tensor]

    def _make_capture(self, tensor: Tensor) -> Tensor:
        with self.bare():
            inner = self.add_input(tensor.dtype, tensor.sizes, "captured")
        # A captured reference stays one, so that it can be assigned to inside.
        inner._dtype = tensor.dtype
        return inner

    @contextmanager
    def bare(self) -> Iterator[None]:
        """Lifts name scopes and control dependencies from what is added for the function itself."""
        scope, controls = self._scope, self._controls
        self._scope, self._controls = self._base_scope, []
        try:
            yield
        finally:
            self._scope, self._controls = scope, controls

    @contextmanager
    def control_dependencies(self, control_inputs: Sequence[Any] | None) -> Iterator[None]:
        """As Graph's; operations of the graphs around become dependencies of the call."""
        own = None if control_inputs is None else [c for c in control_inputs if not self._is_outer(c)]
        with super().control_dependencies(own):
            yield

    def _is_outer(self, item: Any) -> bool:
        item = getattr(item, "values", item) if hasattr(item, "dense_shape") else item
        convert = getattr(item, "_as_graph_element", None)
        op = convert() if convert is not None else item
        op = getattr(op, "op", op)
        if not isinstance(op, Operation) or op.graph is self or not sees(self.outer_graph, op.graph):
            return False
        graph: Graph | None = self
        while isinstance(graph, FunctionGraph) and graph.outer_graph is not op.graph:
            graph = graph.outer_graph
        if isinstance(graph, FunctionGraph):
            graph.outer_controls[op] = None
        return True

    @property
    def captures(self) -> list[Tensor]:
        """The tensors of the graph around that the trailing inputs stand for."""
        return list(self.captured)

    def captured_handle(self, inner: Tensor) -> Tensor | None:
        """The outer tensor that `inner` stands for if it is a variable's handle, else None."""
        if not (inner.dtype._is_ref_dtype or inner.dtype.name == "resource"):
            return None
        return next((outer for outer, own in self.captured.items() if own is inner), None)


def sees(viewer: Graph | None, graph: Graph) -> bool:
    """Whether functions inside `viewer` may use the tensors of `graph`."""
    while viewer is not None:
        if viewer is graph or (isinstance(viewer, FunctionGraph) and viewer.forward is graph):
            return True
        viewer = viewer.outer_graph
    return False


def align_captures(graphs: Sequence[FunctionGraph], first: int) -> list[Tensor]:
    """Gives functions that are called on the same values the same captures in the same order; what they capture.

    `first` is the number of their declared inputs.
    """
    captures = list(dict.fromkeys(t for graph in graphs for t in graph.captured))
    for graph in graphs:
        for tensor in captures:
            graph.capture(tensor)
        graph.captured = {t: graph.captured[t] for t in captures}
        graph.inputs[first:] = graph.captured.values()
    return captures


def functions_of(op: Operation) -> list[FunctionGraph]:
    """The graphs among an operation's attributes."""
    found: list[FunctionGraph] = []
    for value in op.attrs.values():
        items = value if isinstance(value, list) else [value]
        found.extend(item for item in items if isinstance(item, FunctionGraph))
    return found


def extend_operation(
    op: Operation, inputs: Sequence[Tensor], outputs: Sequence[tuple[DType, Sizes]], attrs: dict[str, Any]
) -> list[Tensor]:
    """Gives an operation further inputs, outputs and attributes, and returns the new outputs.

    The one exception to "operations never change": the gradient of a branch or of a loop needs values from inside the
    forward operation, which only it can give. What the old outputs mean stays. Steps compiled before hold the old
    attributes in a dict of their own and ask functions for as many outputs as they know of.
    """
    start = len(op.outputs)
    added = [Tensor(op, start + i, dtype, sizes) for i, (dtype, sizes) in enumerate(outputs)]
    op.attrs = {**op.attrs, **attrs}
    op.inputs = (*op.inputs, *inputs)
    op.outputs.extend(added)
    for tensor in inputs:
        tensor._consumers.append(op)
    return added


def set_input(op: Operation, index: int, tensor: Tensor) -> None:
    """Replaces one input of an operation: how an imported graph closes a loop through Merge and NextIteration."""
    op.inputs[index]._consumers.remove(op)
    op.inputs = (*op.inputs[:index], tensor, *op.inputs[index + 1 :])
    tensor._consumers.append(op)
