"""Network: the layers between input and output tensors, in order, and how to call them again on other tensors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ...engine.graph import Tensor
from ...engine.nest import flatten, map_structure
from ...engine.tensor_types import SparseTensor
from .graph_record import Node, history_of
from .operation_layer import record_operations


class Network:
    """What lies between tensors.

    Args:
        inputs: tensors of Input, alone or in a list, tuple or dict.
        outputs: tensors that depend on them, in the same way.
        name: of the model, for errors.

    Raises:
        ValueError: an input is not one of keras.Input, or an output depends on an Input that is not among the inputs.
        TypeError: an input or output is not a tensor.
    """

    def __init__(self, inputs: Any, outputs: Any, name: str) -> None:
        self.inputs, self.outputs, self.name = inputs, outputs, name
        self.input_tensors = _tensors(inputs, "inputs", name)
        self.output_tensors = _tensors(outputs, "outputs", name)
        self.input_names = [_input_layer_name(t, name) for t in self.input_tensors]
        self._first: dict[int, int] = {}
        self.nodes = self._ordered()
        self.layers = self._ordered_layers()
        self.output_names = _unique([self._output_name(t) for t in self.output_tensors])

    # Order

    def _ordered(self) -> list[Node]:
        """All calls, each after those that it needs; by depth, as Keras runs them."""
        found: list[Node] = []
        state: dict[int, bool] = {}
        for tensor in self.output_tensors:
            for node in self._sources(tensor):
                self._visit(node, found, state)
        for tensor in self.input_tensors:
            node = _node_of(tensor)
            if id(node) not in state:
                state[id(node)] = True
                found.append(node)
        self._first = {id(node): i for i, node in enumerate(found)}
        self._depths = self._depths_of(found)
        return sorted(found, key=lambda node: (-self._depths[id(node)], self._first[id(node)]))

    def _visit(self, root: Node, found: list[Node], state: dict[int, bool]) -> None:
        # By hand and not by recursion: networks may be deeper than Python's stack.
        stack: list[tuple[Node, Iterable[Node]]] = []
        if id(root) not in state:
            state[id(root)] = False
            stack.append((root, iter(self._parents(root))))
        while stack:
            node, parents = stack[-1]
            for parent in parents:
                if id(parent) not in state:
                    state[id(parent)] = False
                    stack.append((parent, iter(self._parents(parent))))
                    break
            else:
                state[id(node)] = True
                found.append(node)
                stack.pop()

    def _is_input(self, tensor: Tensor) -> bool:
        return any(tensor is known for known in self.input_tensors)

    def _parents(self, node: Node) -> list[Node]:
        if any(self._is_input(t) for t in node.output_tensors):
            return []
        found: dict[int, Node] = {}
        for tensor in node.input_tensors:
            for source in self._sources(tensor):
                found[id(source)] = source
        return list(found.values())

    def _sources(self, tensor: Tensor) -> list[Node]:
        """The calls that a tensor comes from: of a layer, or of an operation as a layer; none for a constant."""
        if history_of(tensor) is None:
            record_operations([tensor])
        history = history_of(tensor)
        if history is not None:
            node: Node = history.layer._inbound_nodes[history.node_index]
            if node.is_input and not self._is_input(tensor):
                raise ValueError(
                    f"Model {self.name!r}: the outputs depend on the Input {history.layer.name!r}, which is not among "
                    f"the inputs {self.input_names}"
                )
            return [node]
        return []

    def _depths_of(self, nodes: list[Node]) -> dict[int, int]:
        depths = {id(node): 0 for node in nodes}
        for node in reversed(nodes):
            for parent in self._parents(node):
                depths[id(parent)] = max(depths[id(parent)], depths[id(node)] + 1)
        deepest = max(depths.values(), default=0)
        for tensor in self.input_tensors:
            depths[id(_node_of(tensor))] = max(deepest, depths[id(_node_of(tensor))])
        return depths

    def _ordered_layers(self) -> list[Any]:
        depth: dict[int, int] = {}
        first: dict[int, int] = {}
        layers: dict[int, Any] = {}
        for tensor in self.input_tensors:
            node = _node_of(tensor)
            first[id(node.layer)] = len(first) - len(self.input_tensors)
        for node in self.nodes:
            key = id(node.layer)
            layers[key] = node.layer
            depth[key] = max(depth.get(key, 0), self._depths[id(node)])
            first.setdefault(key, self._first[id(node)])
        return sorted(layers.values(), key=lambda layer: (-depth[id(layer)], first[id(layer)]))

    def _output_name(self, tensor: Tensor) -> str:
        history = history_of(tensor)
        return str(history.layer.name) if history is not None else tensor.op.name.rsplit("/", 1)[-1]

    # Calling

    def call(self, inputs: Any) -> Any:
        """The outputs for other inputs, given in the structure of the model's inputs or as a list in their order.

        Raises:
            ValueError: the number of inputs is another.
        """
        given = self.matched(inputs)
        values: dict[Tensor, Any] = {}
        for own, new in zip(self.inputs_as_given(), given, strict=True):
            values.update(zip(_parts(own), _parts(new), strict=True))
        for node in self.nodes:
            if node.output_tensors and all(t in values for t in node.output_tensors):
                continue
            outputs = node.call_again(values)
            values.update(zip(node.output_tensors, _leaves(outputs), strict=True))
        return map_structure(lambda t: values.get(t, t), self.outputs)

    def inputs_as_given(self) -> list[Any]:
        """The inputs in order; sparse ones as they are."""
        return flatten(self.inputs)

    def matched(self, inputs: Any) -> list[Any]:
        """Inputs by name or place as a list in order.

        Raises:
            ValueError: one is missing, or there are too many.
        """
        if isinstance(inputs, dict):
            by_key = self.inputs if isinstance(self.inputs, dict) else {}
            names = list(by_key) if by_key else self.input_names
            missing = [name for name in names if name not in inputs]
            if missing:
                raise ValueError(
                    f"Model {self.name!r} has no value for the inputs {missing}; it got {sorted(map(str, inputs))}"
                )
            if by_key:
                return flatten({name: inputs[name] for name in names})
            return [inputs[name] for name in names]
        given = list(inputs) if isinstance(inputs, list | tuple) else [inputs]
        given = [
            leaf for part in given for leaf in (flatten(part) if isinstance(part, list | tuple | dict) else [part])
        ]
        if len(given) != len(self.inputs_as_given()):
            raise ValueError(
                f"Model {self.name!r} has {len(self.inputs_as_given())} inputs ({', '.join(self.input_names)}), "
                f"but got {len(given)}"
            )
        return given


def _leaves(outputs: Any) -> list[Any]:
    return [leaf for leaf in flatten(outputs) if isinstance(leaf, Tensor)]


def _parts(value: Any) -> list[Any]:
    return [value.indices, value.values, value.dense_shape] if isinstance(value, SparseTensor) else [value]


def _tensors(structure: Any, what: str, name: str) -> list[Tensor]:
    found = [part for leaf in flatten(structure) for part in _parts(leaf)]
    wrong = [leaf for leaf in found if not isinstance(leaf, Tensor)]
    if wrong or not found:
        raise TypeError(f"The {what} of model {name!r} must be tensors of keras.Input and layers, got {structure!r}")
    return found


def _node_of(tensor: Tensor) -> Node:
    history = history_of(tensor)
    if history is None:
        raise ValueError(f"{tensor.name!r} does not come from a layer")
    node: Node = history.layer._inbound_nodes[history.node_index]
    return node


def _input_layer_name(tensor: Tensor, name: str) -> str:
    history = history_of(tensor)
    if history is None:
        raise ValueError(f"Model {name!r}: the input {tensor.name!r} must come from keras.Input")
    return str(history.layer.name)


def _unique(names: list[str]) -> list[str]:
    counts: dict[str, int] = {}
    result = []
    for name in names:
        counts[name] = counts.get(name, 0) + 1
        result.append(name if counts[name] == 1 else f"{name}_{counts[name] - 1}")
    return result
