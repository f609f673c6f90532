"""Layer: something with variables that is built at its first call, as TensorFlow 1.15's `tf.layers.Layer`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from ..engine.conversion import convert_to_tensor
from ..engine.dtypes import DType, as_dtype, float32
from ..engine.graph import Graph, Tensor, get_default_graph
from ..engine.nest import flatten, map_structure
from ..engine.scopes import GraphKeys
from ..engine.shapes import TensorShape
from ..engine.variable_scope import get_variable, variable_scope
from .input_spec import InputSpec, check_input


class Layer:
    """A callable with variables. Subclasses define `build(input_shape)` and `call(inputs)`.

    The variables live in a variable scope called after the layer, made unique within the graph at the first call.

    Args:
        trainable: whether the variables belong to the trainable ones.
        name: of the layer's scope; by default made of the class's name.
        dtype: of the variables; by default that of the first input.
    """

    def __init__(self, trainable: bool = True, name: str | None = None, dtype: Any = None, **kwargs: Any) -> None:
        self._scope_option = kwargs.pop("_scope", None)
        self._reuse = kwargs.pop("_reuse", None)
        if kwargs:
            raise TypeError(f"{type(self).__name__} got unexpected arguments: {', '.join(sorted(kwargs))}")
        self.trainable = trainable
        self._name = name
        self.dtype: DType | None = None if dtype is None else as_dtype(dtype).base_dtype
        self.built = False
        self.input_spec: InputSpec | None = None
        self._scope: Any = None
        self._trainable_weights: list[Any] = []
        self._non_trainable_weights: list[Any] = []
        self._updates: list[Any] = []
        self._losses: list[Any] = []
        self.graph: Graph | None = None

    # What subclasses define

    def build(self, input_shape: Any) -> None:
        """Makes the variables for inputs of a shape."""
        self.built = True

    def call(self, inputs: Any, **kwargs: Any) -> Any:
        """The outputs for inputs."""
        return inputs

    # Names

    @property
    def base_name(self) -> str:
        """The name that is made unique: the given one or the class's in snake case."""
        return self._name or snake_case(type(self).__name__)

    @property
    def name(self) -> str:
        """The layer's name."""
        return self.scope_name or self.base_name

    @property
    def scope_name(self) -> str | None:
        """The variable scope's name, None before the first call."""
        return None if self._scope is None else self._scope.name

    # Variables

    @property
    def trainable_weights(self) -> list[Any]:
        """The variables that training changes."""
        return list(self._trainable_weights) if self.trainable else []

    @property
    def non_trainable_weights(self) -> list[Any]:
        """The other variables."""
        return list(self._non_trainable_weights) if self.trainable else self.weights

    @property
    def weights(self) -> list[Any]:
        """All variables, the trainable ones first."""
        return self._trainable_weights + self._non_trainable_weights

    variables = weights
    trainable_variables = trainable_weights
    non_trainable_variables = non_trainable_weights

    @property
    def updates(self) -> list[Any]:
        """Operations that training must run beside the optimizer's, such as moving averages."""
        return list(self._updates)

    @property
    def losses(self) -> list[Any]:
        """Regularization losses."""
        return list(self._losses)

    def add_weight(
        self,
        name: str,
        shape: Any,
        dtype: Any = None,
        initializer: Any = None,
        regularizer: Callable[..., Any] | None = None,
        trainable: bool = True,
        constraint: Callable[..., Any] | None = None,
        partitioner: Any = None,
        use_resource: bool | None = None,
    ) -> Any:
        """A variable of the layer, made by get_variable in the layer's scope."""
        variable = get_variable(
            name,
            shape=shape,
            dtype=as_dtype(dtype).base_dtype if dtype is not None else self.dtype or float32,
            initializer=initializer,
            trainable=trainable and self.trainable,
            constraint=constraint,
            partitioner=partitioner,
            use_resource=use_resource,
        )
        if regularizer is not None and not self._reuse_now():
            self.add_loss(regularizer(convert_to_tensor(variable)))
        (self._trainable_weights if trainable else self._non_trainable_weights).append(variable)
        return variable

    add_variable = add_weight

    def _reuse_now(self) -> bool:
        return bool(self._reuse) or bool(self._scope is not None and self._scope.reuse is True)

    def add_loss(self, losses: Any, inputs: Any = None) -> None:
        """Adds regularization losses; they also go to the collection REGULARIZATION_LOSSES."""
        del inputs
        for loss in flatten(losses):
            self._losses.append(loss)
            get_default_graph().add_to_collection(GraphKeys.REGULARIZATION_LOSSES, loss)

    def add_update(self, updates: Any, inputs: Any = None) -> None:
        """Adds operations to run with training; they also go to the collection UPDATE_OPS."""
        del inputs
        for update in flatten(updates):
            self._updates.append(update)
            get_default_graph().add_to_collection(GraphKeys.UPDATE_OPS, update)

    # Calling

    def __call__(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        inputs = map_structure(convert_to_tensor, inputs)
        graph = get_default_graph()
        if self.graph is not None and self.graph is not graph.outermost():
            raise ValueError(f"The layer {self.name!r} was built in another graph; make a new layer for each graph.")
        self._open_scope()
        with variable_scope(
            self._scope, reuse=True if self.built else self._reuse, auxiliary_name_scope=False
        ) as scope:
            with graph.name_scope(scope.original_name_scope):
                self._prepare(inputs)
                return self.call(inputs, *args, **kwargs)

    apply = __call__

    def _open_scope(self) -> None:
        if self._scope is not None:
            return
        if self._reuse:
            with variable_scope(self._scope_option if self._scope_option is not None else self.base_name) as scope:
                self._scope = scope
        else:
            with variable_scope(self._scope_option, default_name=self.base_name) as scope:
                self._scope = scope

    def _prepare(self, inputs: Any) -> None:
        if self.built:
            check_input(self.input_spec, inputs, self.name)
            return
        first = flatten(inputs)[0]
        if isinstance(first, Tensor) and self.dtype is None:
            self.dtype = first.dtype.base_dtype
        self.graph = get_default_graph().outermost()
        check_input(self.input_spec, inputs, self.name)
        self.build(map_structure(lambda t: t.shape, inputs))
        self.built = True
        check_input(self.input_spec, inputs, self.name)

    def compute_output_shape(self, input_shape: Any) -> TensorShape:
        """The output's static shape for an input's."""
        raise NotImplementedError(f"{type(self).__name__} does not say its output's shape")

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            "name": self._name,
            "trainable": self.trainable,
            "dtype": None if self.dtype is None else self.dtype.name,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Layer:
        """A layer with the constructor's arguments of `config`."""
        return cls(**config)

    def count_params(self) -> int:
        """The number of elements of all variables."""
        return sum(v.shape.num_elements() or 0 for v in self.weights)


def snake_case(name: str) -> str:
    """A class's name as a layer's: `BatchNormalization` to `batch_normalization`, `Conv2D` to `conv2d`."""
    spaced = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", spaced).lower().lstrip("_")
