"""Model: layers with inputs and outputs that can be trained, saved and used as a layer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...engine.conversion import convert_to_tensor
from ...engine.graph import Graph, Tensor, get_default_graph
from ...engine.nest import flatten, map_structure
from ...engine.ops.constant import placeholder
from . import backend
from .base import Layer, map_shapes
from .graph_record import CONTEXT
from .metric import Metric
from .network import Network
from .serialization import registered
from .training import Trainer


@registered("models", "Functional")
class Model(Trainer, Layer):
    """Layers with inputs and outputs, as Keras 3's `keras.Model`; or what a subclass's `call` makes of its inputs.

    Args:
        inputs: tensors of keras.Input, alone or in a list, tuple or dict.
        outputs: tensors that layers made of them, in the same way.
        name: of the model.
        trainable: whether training changes the weights.

    A subclass has layers as attributes, which are tracked in the order in which they are set, and defines
    `call(inputs)`, which may take `training` and `mask`.

    Raises:
        ValueError: an output depends on an Input that is not among the inputs.

    Example:
        >>> import headrace as tf
        >>> x = tf.keras.Input((4,))
        >>> model = tf.keras.Model(x, tf.keras.layers.Dense(2)(x))
        >>> model.count_params()
        10
    """

    supports_masking = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        named = dict(zip(("inputs", "outputs", "name"), args, strict=False))
        twice = sorted(set(named) & set(kwargs))
        if len(args) > len(named) or twice:
            raise TypeError(
                f"A model takes inputs, outputs and a name by place, each once, got {len(args)} and {twice}"
            )
        options = {**kwargs, **named}
        inputs, outputs = options.pop("inputs", None), options.pop("outputs", None)
        if (inputs is None) != (outputs is None):
            raise ValueError("A model needs both inputs and outputs, or neither in a subclass with a call of its own")
        if inputs is not None and options.get("name") is None and type(self) is Model:
            options["name"] = backend.unique_name("functional")
        super().__init__(**options)
        self._network: Network | None = None
        self._built_for: dict[str, Any] | None = None
        self._start_training()
        if inputs is not None:
            self._connect(inputs, outputs)

    def _connect(self, inputs: Any, outputs: Any) -> None:
        """Takes what lies between tensors for the model's layers."""
        network = Network(inputs, outputs, self.name)
        self._layers_in_order = network.layers
        self._network = network
        self._graph = get_default_graph().outermost()
        self.built = True
        self._output_structure = outputs
        self._forget_steps()

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        """The outputs for inputs; subclasses say how."""
        del training, mask
        if self._network is None:
            raise NotImplementedError(
                f"Model {type(self).__name__} does not define call, and was not made of inputs and outputs"
            )
        return self._network.call(inputs)

    # Building

    def _own_graph(self) -> Graph:
        if self._graph is None:
            return get_default_graph()
        return self._graph

    def get_build_config(self) -> dict[str, Any] | None:
        """The shapes (and dtypes, where they are not the model's) of the input that the variables were made for."""
        return self._built_for

    def build_from_config(self, config: Mapping[str, Any]) -> None:
        """Makes the variables for an input as of `get_build_config`."""
        if self._network is not None or (self.built and self.weights) or config.get("input_shape") is None:
            return
        dtypes = iter(config.get("input_dtypes") or ())
        if "input_dtypes" not in config:
            self.build(config["input_shape"])
            return
        with CONTEXT.inside(False):
            self(map_shapes(lambda shape: placeholder(next(dtypes), shape), config["input_shape"]))

    def build(self, input_shape: Any = None) -> None:
        """Makes the variables, for inputs of a shape that includes the batch's size (None)."""
        if self._network is not None or (self.built and self.weights):
            return
        with CONTEXT.inside(False):
            self(map_shapes(self._stand_in, input_shape))

    def _build_for(self, arguments: dict[str, Any], first: Any) -> None:
        self._built_for = _shapes_and_dtypes(arguments, first)
        if type(self).build is not Model.build:
            super()._build_for(arguments, first)

    def _feed_inputs(self) -> list[Any] | None:
        """The placeholders to feed; None if there are none yet."""
        return None if self._network is None else self._network.input_tensors

    # Structure

    @property
    def layers(self) -> list[Any]:
        """The layers: from the inputs on, or in the order of attributes."""
        return list(self._flatten_layers())

    def get_layer(self, name: str | None = None, index: int | None = None) -> Any:
        """The layer of a name or number.

        Raises:
            ValueError: there is none, or neither or both are given.
        """
        if (name is None) == (index is None):
            raise ValueError("get_layer needs either a name or an index")
        layers = self.layers
        if index is not None:
            if not -len(layers) <= index < len(layers):
                raise ValueError(f"Model {self.name!r} has {len(layers)} layers, asked for number {index}")
            return layers[index]
        for layer in layers:
            if layer.name == name:
                return layer
        raise ValueError(
            f"Model {self.name!r} has no layer {name!r}; there are {', '.join(one.name for one in layers)}"
        )

    def _connected(self, what: str) -> Network:
        if self._network is None:
            raise AttributeError(f"Model {self.name!r} has no {what}: it was not made of inputs and outputs")
        return self._network

    @property
    def inputs(self) -> list[Any]:
        """The input tensors."""
        return list(self._connected("inputs").input_tensors)

    @property
    def outputs(self) -> list[Any]:
        """The output tensors."""
        return list(self._connected("outputs").output_tensors)

    @property
    def input(self) -> Any:
        """The inputs as they were given, a single one itself."""
        return _single(self._connected("input").inputs)

    @property
    def output(self) -> Any:
        """The outputs as they were given, a single one itself."""
        return _single(self._connected("output").outputs)

    @property
    def input_names(self) -> list[str]:
        """The names of the inputs' layers."""
        return list(self._connected("input_names").input_names)

    @property
    def output_names(self) -> list[str]:
        """The names of the outputs."""
        return self._output_names()

    @property
    def input_shape(self) -> Any:
        """The static shape of the input, or of several in a list."""
        shapes = [tuple(t.sizes) for t in self.inputs]
        return shapes[0] if len(shapes) == 1 else shapes

    @property
    def output_shape(self) -> Any:
        """The static shape of the output, or of several in a list."""
        shapes = [tuple(t.sizes) for t in self.outputs]
        return shapes[0] if len(shapes) == 1 else shapes

    # Losses and metrics of the model's own

    def add_loss(self, losses: Any, inputs: Any = None) -> None:
        """Adds losses to what training minimizes: in `call`, or tensors of the model's inputs and outputs."""
        if CONTEXT.depth:
            super().add_loss(losses, inputs)
            return
        for loss in flatten(losses):
            self._added_losses.append(convert_to_tensor(loss() if callable(loss) else loss))
        self._forget_steps()

    def add_metric(self, value: Any, name: str | None = None, aggregation: str | None = "mean") -> None:
        """Adds a tensor of the model's inputs and outputs, averaged over batches, to the metrics.

        Raises:
            ValueError: another aggregation than "mean".
        """
        from .metric import Mean

        if aggregation not in ("mean", None):
            raise ValueError(f"aggregation must be 'mean' or None, got {aggregation!r}")
        metric = value if isinstance(value, Metric) else Mean(name or "metric")
        update = None if isinstance(value, Metric) else metric.update_state(value)
        self._added_metrics[name or metric.name] = metric, update
        self._forget_steps()

    @property
    def losses(self) -> list[Any]:
        """The losses of layers, with those that were added to the model."""
        return [*super().losses, *self._added_losses]

    # Weights

    def save_weights(self, filepath: Any, overwrite: bool = True) -> None:
        """Writes the weights to a file whose name ends in .weights.h5 (or .h5), or to a checkpoint of that prefix."""
        from .saving import save_weights

        save_weights(self, filepath, overwrite)

    def load_weights(self, filepath: Any, skip_mismatch: bool = False, by_name: bool = False) -> None:
        """Reads weights that save_weights or save wrote.

        Raises:
            ValueError: the file holds other layers or shapes; with skip_mismatch these are left as they are.
        """
        from .saving import load_weights

        load_weights(self, filepath, skip_mismatch, by_name)

    def save(self, filepath: Any, overwrite: bool = True, include_optimizer: bool = True) -> None:
        """Writes configuration, weights and the optimizer's state to one file."""
        from .saving import save_model

        save_model(self, filepath, overwrite, include_optimizer)

    # Text

    def summary(
        self,
        line_length: int | None = None,
        positions: Sequence[float] | None = None,
        print_fn: Any = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Sequence[str] | None = None,
    ) -> None:
        """Prints a table of the layers, with shapes of outputs and numbers of weights."""
        from .summary import show_summary

        show_summary(self, line_length, positions, print_fn, expand_nested, show_trainable, layer_range)

    # Configurations

    def get_config(self) -> dict[str, Any]:
        """What the model is made of: layers and which calls of them it consists of."""
        if self._network is None or type(self).get_config is not Model.get_config:
            config: dict[str, Any] = super().get_config()
            return config
        from .model_config import functional_config

        return functional_config(self)

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        """A model of a configuration.

        Raises:
            ValueError: a class is unknown; custom ones are given by `custom_objects`.
        """
        from .model_config import is_functional_config, model_of_config

        if is_functional_config(config):
            return model_of_config(cls, config, custom_objects)
        return super().from_config(config)

    def to_json(self, **kwargs: Any) -> str:
        """The configuration as JSON."""
        from .model_config import model_to_json

        return model_to_json(self, **kwargs)


def _shapes_and_dtypes(arguments: dict[str, Any], first: Any) -> dict[str, Any] | None:
    """What to build a model for again; None where it is called with more tensors than in its first argument."""
    leaves = flatten(first)
    others = [value for value in list(arguments.values())[1:] if any(isinstance(v, Tensor) for v in flatten([value]))]
    if others or not all(isinstance(leaf, Tensor) and leaf.sizes for leaf in leaves):
        return None
    shapes = map_structure(lambda leaf: (None, *leaf.sizes[1:]), first)
    return {"input_shape": shapes, "input_dtypes": [leaf.dtype.base_dtype.name for leaf in leaves]}


def _single(structure: Any) -> Any:
    return structure[0] if isinstance(structure, list | tuple) and len(structure) == 1 else structure
