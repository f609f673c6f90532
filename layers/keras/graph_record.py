"""What a graph remembers of Keras layers: names in use, nodes of layers, masks, the learning phase and the session."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import local
from typing import Any, NamedTuple

from ...engine.graph import Graph, Tensor, get_default_graph
from ...engine.nest import flatten, map_structure

_KEY = "keras"


class History(NamedTuple):
    """Where a tensor comes from: the layer, which of its calls, which of the call's outputs."""

    layer: Any
    node_index: int
    tensor_index: int


@dataclass
class GraphRecord:
    """The record of one graph."""

    names: dict[str, int] = field(default_factory=dict)
    histories: dict[Tensor, History] = field(default_factory=dict)
    masks: dict[Tensor, Any] = field(default_factory=dict)
    # None until asked for; then a placeholder, or 0 or 1 where it was set.
    learning_phase: Any = None
    session: Any = None
    variables: list[Any] = field(default_factory=list)


def record_of(graph: Graph | None = None) -> GraphRecord:
    """The record of a graph (of the default one), which functions inside share."""
    graph = (get_default_graph() if graph is None else graph).outermost()
    record: GraphRecord = graph.extras.setdefault(_KEY, GraphRecord())
    return record


def history_of(tensor: Any) -> History | None:
    """Which call of a layer made the tensor; None if none did."""
    return record_of(tensor.graph).histories.get(tensor) if isinstance(tensor, Tensor) else None


def mask_of(tensor: Any) -> Any:
    """The mask that goes with a tensor, None for none."""
    return record_of(tensor.graph).masks.get(tensor) if isinstance(tensor, Tensor) else None


def set_mask(tensor: Any, mask: Any) -> None:
    """Lets a mask go with a tensor."""
    if isinstance(tensor, Tensor) and mask is not None:
        record_of(tensor.graph).masks[tensor] = mask


def tensors_in(*structures: Any) -> list[Tensor]:
    """The tensors among the leaves of nested structures."""
    return [leaf for leaf in flatten(structures, expand_composites=True) if isinstance(leaf, Tensor)]


class Node:
    """One call of a layer: its arguments as given and its outputs.

    `input_tensors` and `output_tensors` are those among them that are tensors, in order.
    """

    def __init__(self, layer: Any, args: tuple[Any, ...], kwargs: dict[str, Any], outputs: Any) -> None:
        self.layer, self.args, self.kwargs, self.outputs = layer, args, kwargs, outputs
        self.input_tensors = tensors_in(args, kwargs)
        self.output_tensors = tensors_in(outputs)
        self.index = len(layer._inbound_nodes)
        layer._inbound_nodes.append(self)
        for i, tensor in enumerate(self.output_tensors):
            record_of(tensor.graph).histories[tensor] = History(layer, self.index, i)

    @property
    def parents(self) -> list[Node]:
        """The calls that made the inputs, each once; none for an Input."""
        found: dict[int, Node] = {}
        for tensor in self.input_tensors:
            history = history_of(tensor)
            if history is not None:
                node = history.layer._inbound_nodes[history.node_index]
                found[id(node)] = node
        return list(found.values())

    @property
    def is_input(self) -> bool:
        """Whether this is an Input's node."""
        return not self.input_tensors

    def call_again(self, values: dict[Tensor, Any], **options: Any) -> Any:
        """Calls the layer with the same arguments, in which `values` stand for tensors.

        Args:
            values: new tensors by those of this node; others stay as they are.
            options: further keyword arguments, such as `training`, used where the call named none.
        """

        def new(leaf: Any) -> Any:
            return values.get(leaf, leaf) if isinstance(leaf, Tensor) else leaf

        args = tuple(map_structure(new, arg, expand_composites=True) for arg in self.args)
        kwargs = {name: map_structure(new, value, expand_composites=True) for name, value in self.kwargs.items()}
        return self.layer(*args, **{**options, **kwargs})


class CallContext(local):
    """The calls of layers that are going on in a thread: how deep, and whether they train."""

    depth = 0
    training: Any = None

    @contextmanager
    def inside(self, training: Any) -> Iterator[None]:
        """One call deeper."""
        before = self.training
        self.depth, self.training = self.depth + 1, training
        try:
            yield
        finally:
            self.depth, self.training = self.depth - 1, before


CONTEXT = CallContext()
