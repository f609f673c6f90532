"""Sequential: layers one after another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...engine.graph import Tensor
from . import backend
from .base import Layer, static_shape
from .graph_record import history_of
from .inputs import Input, InputLayer
from .model import Model
from .serialization import deserialize_keras_object, registered, serialize_keras_object


@registered("models")
class Sequential(Model):
    """Layers of one input and one output, one after another.

    Args:
        layers: the layers; more can be added by `add`.
        name: of the model.
        trainable: whether training changes the weights.

    Without an Input or a layer with `input_shape` at the beginning, the weights are made at the first call, by
    `build(input_shape)`, or by fit.

    Raises:
        TypeError: something that is no layer.
        ValueError: two layers have one name.

    Example:
        >>> import headrace as tf
        >>> model = tf.keras.Sequential([tf.keras.Input((3,)), tf.keras.layers.Dense(2)])
        >>> model.output_shape
        (None, 2)
    """

    def __init__(self, layers: Sequence[Any] | None = None, trainable: bool = True, name: str | None = None) -> None:
        super().__init__(trainable=trainable, name=name)
        self._chain: list[Any] = []
        self._given_input: Any = None
        for layer in layers or ():
            self.add(layer)

    @property
    def layers(self) -> list[Any]:
        """The layers, without the Input."""
        return list(self._chain)

    def _flatten_layers(self) -> list[Any]:
        return list({id(layer): layer for layer in vars(self).get("_chain", ())}.values())

    def predict_proba(self, x: Any, batch_size: int | None = 32, verbose: Any = 0) -> Any:
        """`predict`, by the name it has for models whose outputs are probabilities."""
        return self.predict(x, batch_size=batch_size, verbose=verbose)

    def predict_classes(self, x: Any, batch_size: int | None = 32, verbose: Any = 0) -> Any:
        """The number of the most likely class [n]; of a single probability [n, 1] whether it is above a half."""
        found = self.predict(x, batch_size=batch_size, verbose=verbose)
        return found.argmax(axis=-1) if found.shape[-1] > 1 else (found > 0.5).astype("int32")

    def add(self, layer: Any, rebuild: bool = True) -> None:
        """Adds a layer at the end."""
        del rebuild
        if isinstance(layer, Tensor):
            history = history_of(layer)
            layer = None if history is None else history.layer
        if isinstance(layer, InputLayer):
            if self._chain or self._given_input is not None:
                raise ValueError(f"Sequential {self.name!r} begins already; an Input can only come first")
            self._given_input = layer.output
            return
        if not isinstance(layer, Layer):
            raise TypeError(f"Only layers can be added to Sequential {self.name!r}, got {layer!r}")
        if any(layer.name == known.name for known in self._chain):
            raise ValueError(f"Sequential {self.name!r} has a layer {layer.name!r} already; names must be unique")
        self._add_checked(layer)

    def _add_checked(self, layer: Any) -> None:
        if not self._chain and self._given_input is None:
            shape = _first_shape(layer)
            if shape is not None:
                self._given_input = Input(batch_shape=shape, dtype=_input_dtype(layer))
        end = self._end()
        self._chain.append(layer)
        if end is not None:
            try:
                self._connect(self._given_input, layer(end))
            except Exception:
                self._chain.pop()
                raise

    def _end(self) -> Any:
        """The tensor that the next layer is called on."""
        return self._network.output_tensors[0] if self._network is not None else self._given_input

    def pop(self, rebuild: bool = True) -> Any:
        """Takes the last layer off.

        Raises:
            TypeError: there is none.
        """
        del rebuild
        if not self._chain:
            raise TypeError(f"Sequential {self.name!r} has no layers")
        layer = self._chain.pop()
        self._network, self._output_structure = None, None
        self._forget_steps()
        if self._chain and self._given_input is not None:
            self._connect(self._given_input, self._chain[-1].get_output_at(-1))
        return layer

    def build(self, input_shape: Any = None) -> None:
        """Makes the weights for inputs of a shape that includes the batch's size."""
        if self._network is not None:
            return
        if input_shape is None:
            raise ValueError(f"Sequential {self.name!r} needs an input_shape to be built")
        if not self._chain:
            raise ValueError(f"Sequential {self.name!r} has no layers to build")
        self._build_on(Input(batch_shape=tuple(input_shape), dtype=_input_dtype(self._chain[0])))

    def _build_on(self, tensor: Any) -> None:
        self._given_input = tensor
        end: Any = tensor
        for layer in self._chain:
            end = layer(end)
        self._connect(tensor, end)

    def _build_from(self, arrays: Sequence[Any]) -> None:
        if not self._chain:
            raise ValueError(f"Sequential {self.name!r} has no layers")
        named = self._x_structure
        if isinstance(named, Mapping):
            # For a first layer that takes tensors by name.
            self._build_on(
                {name: _input_like(a, a.dtype.name, name) for name, a in zip(sorted(named), arrays, strict=True)}
            )
            return
        if len(arrays) != 1:
            raise ValueError(f"Sequential {self.name!r} has one input, got {len(arrays)} arrays")
        self._build_on(_input_like(arrays[0], _input_dtype(self._chain[0]), None))

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        del training, mask
        if isinstance(self._given_input, Mapping) and isinstance(inputs, list):
            inputs = dict(zip(sorted(self._given_input), inputs, strict=True))
        for layer in self._chain:
            inputs = layer(inputs)
        return inputs

    def _build_for(self, arguments: dict[str, Any], first: Any) -> None:
        """Nothing: the layers build themselves when they are called."""

    def compute_output_shape(self, *args: Any, **kwargs: Any) -> Any:
        shape = args[0] if args else kwargs["input_shape"]
        for layer in self._chain:
            shape = layer.compute_output_shape(shape)
        return shape

    def get_config(self) -> dict[str, Any]:
        """The layers' configurations, with the Input first if there is one."""
        is_named = isinstance(self._given_input, Mapping)
        layers = [] if self._given_input is None or is_named else [self._given_layer()]
        config: dict[str, Any] = {
            "name": self.name,
            "trainable": self.trainable,
            "layers": [serialize_keras_object(layer) for layer in [*layers, *self._chain]],
        }
        if self._network is not None and not isinstance(self._given_input, Mapping):
            config["build_input_shape"] = list(static_shape(self._given_input))
        return config

    def _given_layer(self) -> Any:
        history = history_of(self._given_input)
        return None if history is None else history.layer

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        layers = [deserialize_keras_object(one, custom_objects) for one in config["layers"]]
        return cls(layers, name=config.get("name"), trainable=config.get("trainable", True))


def _first_shape(layer: Any) -> Any:
    """The shape of the input that a first layer names, or that of a model's."""
    if isinstance(layer, Model) and layer._network is not None:
        return layer.inputs[0].shape.as_list()
    return layer._batch_input_shape


def _input_like(array: Any, dtype: str, name: str | None) -> Any:
    """An Input for arrays like one."""
    kind = "string" if array.dtype.kind in "OSU" else dtype
    return Input(batch_shape=(None, *array.shape[1:]), dtype=kind, name=name)


def _input_dtype(layer: Any) -> str:
    if isinstance(layer, Model) and layer._network is not None:
        return str(layer.inputs[0].dtype.base_dtype.name)
    dtype: str = getattr(layer, "input_dtype", None) or backend.floatx()
    return dtype
