"""Models as configurations and JSON, and back; names are looked up, and no code is run."""

from __future__ import annotations

import json
from typing import Any

from ...engine.graph import Tensor
from ...engine.nest import map_structure
from .base import static_shape
from .graph_record import Node, history_of
from .serialization import custom_object_scope, deserialize_keras_object, is_configuration, serialize_keras_object

_TENSOR = "__keras_tensor__"


def functional_config(model: Any) -> dict[str, Any]:
    """Name, layers, and which calls of the layers make the model, as Keras 3 writes them."""
    network = model._network
    numbers = _numbers_of(network.nodes)
    return {
        "name": model.name,
        "trainable": model.trainable,
        "layers": [_layer_config(layer, network.nodes, numbers) for layer in network.layers],
        "input_layers": map_structure(lambda t: _place(t, numbers), network.inputs),
        "output_layers": map_structure(lambda t: _place(t, numbers), network.outputs),
    }


def _numbers_of(nodes: list[Node]) -> dict[int, int]:
    """The number of each call among those of its layer that belong to the model."""
    counts: dict[int, int] = {}
    numbers = {}
    for node in sorted(nodes, key=lambda node: node.index):
        numbers[id(node)] = counts.get(id(node.layer), 0)
        counts[id(node.layer)] = numbers[id(node)] + 1
    return numbers


def _place(tensor: Tensor, numbers: dict[int, int]) -> Any:
    history = history_of(tensor)
    if history is None:
        raise ValueError(f"{tensor.name!r} does not come from a layer")
    node = history.layer._inbound_nodes[history.node_index]
    return [history.layer.name, numbers[id(node)], history.tensor_index]


def _layer_config(layer: Any, nodes: list[Node], numbers: dict[int, int]) -> dict[str, Any]:
    own = sorted((node for node in nodes if node.layer is layer and not node.is_input), key=lambda node: node.index)

    def written(value: Any) -> Any:
        if isinstance(value, Tensor):
            place = {"shape": static_shape(value), "dtype": value.dtype.base_dtype.name}
            return {"class_name": _TENSOR, "config": {**place, "keras_history": _place(value, numbers)}}
        if isinstance(value, list | tuple):
            return [written(part) for part in value]
        if isinstance(value, dict):
            return {key: written(part) for key, part in value.items()}
        return serialize_keras_object(value)

    calls = [{"args": written(list(node.args)), "kwargs": written(node.kwargs)} for node in own]
    return {**serialize_keras_object(layer), "name": layer.name, "inbound_nodes": calls}


def is_functional_config(config: Any) -> bool:
    """Whether a configuration is that of a model made of inputs and outputs."""
    return isinstance(config, dict) and {"layers", "input_layers", "output_layers"} <= set(config)


def model_of_config(cls: Any, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
    """The model of `functional_config`'s result."""
    with custom_object_scope(custom_objects or {}):
        return _Builder(config).model(cls)


class _Builder:
    """Makes layers and calls them in the order in which their inputs come into being."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.config = config
        self.layers: dict[str, Any] = {}
        # The calls of each layer so far, as nodes.
        self.calls: dict[str, list[Node]] = {}
        self.waiting: list[tuple[str, dict[str, Any]]] = []

    def model(self, cls: Any) -> Any:
        """The model."""
        for layer in self.config["layers"]:
            self._make(layer)
        while self.waiting:
            left = self._round()
            if len(left) == len(self.waiting):
                raise ValueError(
                    f"The configuration calls the layers {[n for n, _ in left]} on tensors that nothing makes"
                )
            self.waiting = left
        inputs, outputs = (self._tensors(self.config[key]) for key in ("input_layers", "output_layers"))
        options = {key: self.config[key] for key in ("name", "trainable") if key in self.config}
        return cls(inputs, outputs, **options)

    def _round(self) -> list[tuple[str, Any]]:
        """Makes the calls whose inputs are there, those of one layer in their order; the others are left."""
        left: list[tuple[str, Any]] = []
        held: set[str] = set()
        for name, call in self.waiting:
            if name in held or not self._called(name, call):
                held.add(name)
                left.append((name, call))
        return left

    def _make(self, layer: dict[str, Any]) -> None:
        name = str(layer.get("name") or layer["config"]["name"])
        made = deserialize_keras_object(
            {key: layer.get(key) for key in ("module", "class_name", "config", "registered_name")}
        )
        self.layers[name] = made
        # An InputLayer, or a model that is used as a layer, has calls of its own making.
        self.calls[name] = list(made._inbound_nodes) if type(made).__name__ == "InputLayer" else []
        self.waiting += [(name, call) for call in layer.get("inbound_nodes") or ()]

    def _called(self, name: str, call: Any) -> bool:
        """Calls a layer if its inputs are there."""
        try:
            args, kwargs = self._read(call)
        except _NotYetError:
            return False
        layer = self.layers[name]
        layer(*args, **kwargs)
        self.calls[name].append(layer._inbound_nodes[-1])
        return True

    def _read(self, call: Any) -> tuple[list[Any], dict[str, Any]]:
        if isinstance(call, dict):
            return [self._value(value) for value in call["args"]], {
                k: self._value(v) for k, v in call["kwargs"].items()
            }
        # Keras 2 and TensorFlow 1.15: a list of [layer, call, output, keyword arguments].
        tensors = [self._tensor(entry[:3]) for entry in call]
        kwargs = call[0][3] if call and len(call[0]) > 3 else {}
        return [tensors[0] if len(tensors) == 1 else tensors], dict(kwargs)

    def _value(self, value: Any) -> Any:
        if isinstance(value, dict) and value.get("class_name") == _TENSOR:
            return self._tensor(value["config"]["keras_history"])
        if isinstance(value, dict) and is_configuration(value):
            return deserialize_keras_object(value)
        if isinstance(value, dict):
            return {key: self._value(part) for key, part in value.items()}
        return [self._value(part) for part in value] if isinstance(value, list | tuple) else value

    def _tensor(self, place: Any) -> Tensor:
        name, node, tensor = place
        if name not in self.layers:
            raise ValueError(f"The configuration names a layer {name!r} that it does not hold")
        if node >= len(self.calls[name]):
            raise _NotYetError
        found: Tensor = self.calls[name][node].output_tensors[tensor]
        return found

    def _tensors(self, places: Any) -> Any:
        if isinstance(places, dict):
            return {key: self._tensors(place) for key, place in places.items()}
        if len(places) == 3 and isinstance(places[0], str):
            return self._tensor(places)
        return [self._tensors(place) for place in places]


class _NotYetError(Exception):
    """A tensor that a later call makes."""


def model_to_json(model: Any, **options: Any) -> str:
    """A model's class and configuration as JSON.

    Raises:
        TypeError: it holds a function that is not registered.
    """
    return json.dumps(serialize_keras_object(model), default=_refuse, **options)


def _refuse(value: Any) -> Any:
    if hasattr(value, "as_list"):
        return value.as_list()
    raise TypeError(
        f"{value!r} cannot be written to a configuration; register it by keras.utils.register_keras_serializable"
    )


def model_from_config(config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
    """The model of a class's name and configuration.

    Raises:
        ValueError: a class is unknown; custom ones are given by `custom_objects`.
    """
    if not is_configuration(config):
        raise ValueError("This is not the configuration of a model: it has no class_name and config")
    return deserialize_keras_object(config, custom_objects)


def model_from_json(json_string: str, custom_objects: dict[str, Any] | None = None) -> Any:
    """The model that `to_json` wrote, with new weights; no code is run.

    Raises:
        ValueError: it is no JSON of a model, or a class is unknown; custom ones are given by `custom_objects`.
    """
    return model_from_config(json.loads(json_string), custom_objects)


def clone_model(model: Any, input_tensors: Any = None, clone_function: Any = None) -> Any:
    """A model of the same configuration with weights of its own.

    Raises:
        ValueError: input tensors or a function are given, which is not possible.
    """
    if input_tensors is not None or clone_function is not None:
        raise ValueError(
            "clone_model makes a model of its configuration alone: input_tensors and clone_function do not go"
        )
    return type(model).from_config(model.get_config())
