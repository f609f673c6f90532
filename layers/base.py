"""Layer: something with variables that is built at its first call, as TensorFlow 1.15's `tf.layers.Layer`."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

from ..engine.conversion import convert_to_tensor
from ..engine.dtypes import DType, as_dtype, float32
from ..engine.graph import Graph, Tensor, get_default_graph
from ..engine.nest import flatten, map_structure
from ..engine.ops.array import shape as shape_of
from ..engine.ops.casting import cast
from ..engine.partitioned import PartitionedVariable
from ..engine.scopes import GraphKeys
from ..engine.shapes import TensorShape
from ..engine.variable_lists import global_variables
from ..engine.variable_scope import get_variable, variable_scope
from .input_spec import InputSpec, check_input


class Layer:
    """A callable with variables. Subclasses define `build(input_shape)` and `call(inputs)`.

    The variables live in a variable scope called after the layer, made unique within the graph at the first call.

    Args:
        trainable: whether the variables belong to the trainable ones.
        name: of the layer's scope; by default made of the class's name.
        dtype: of the variables; by default that of the first input.
        activity_regularizer: a function of the output that gives a loss; divided by the batch's size.
    """

    def __init__(self, trainable: bool = True, name: str | None = None, dtype: Any = None, **kwargs: Any) -> None:
        self._scope_option = kwargs.pop("_scope", None)
        self._reuse = kwargs.pop("_reuse", None)
        self.activity_regularizer: Callable[..., Any] | None = kwargs.pop("activity_regularizer", None)
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
        """A variable of the layer, made by get_variable in the layer's scope.

        Args:
            name: put under the layer's scope.
            shape: static shape.
            dtype: by default the layer's.
            initializer: by default the scope's, else Glorot's uniform distribution.
            regularizer: a function of the variable that gives a loss, added once for a shared variable.
            trainable: whether training changes it.
            constraint: applied to it after an update.
            partitioner: by default the scope's.
            use_resource: by default the scope's.
        """
        known = {id(v) for v in global_variables()}
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
        if regularizer is not None and not known.intersection(map(id, _parts(variable))):
            self._regularize(name, variable, regularizer)
        (self._trainable_weights if trainable else self._non_trainable_weights).append(variable)
        return variable

    add_variable = add_weight

    def _regularize(self, name: str, variable: Any, regularizer: Callable[..., Any]) -> None:
        with get_default_graph().name_scope(name + "/Regularizer"):
            self.add_loss([regularizer(convert_to_tensor(part)) for part in _parts(variable)])

    def add_loss(self, losses: Any, inputs: Any = None) -> None:
        """Adds regularization losses; they also go to the collection REGULARIZATION_LOSSES."""
        del inputs
        for loss in flatten(losses):
            if loss is None:
                continue
            self._losses.append(loss)
            get_default_graph().add_to_collection(GraphKeys.REGULARIZATION_LOSSES, loss)

    def add_update(self, updates: Any, inputs: Any = None) -> None:
        """Adds operations to run with training; they also go to the collection UPDATE_OPS."""
        del inputs
        for update in flatten(updates):
            self._updates.append(update)
            get_default_graph().add_to_collection(GraphKeys.UPDATE_OPS, update)

    # Calling

    def __call__(self, inputs: Any, *args: Any, scope: Any = None, **kwargs: Any) -> Any:
        """The outputs for inputs; `scope` is the variable scope to use instead of one of the layer's name."""
        if self._scope_option is None:
            self._scope_option = scope
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
                outputs = self.call(inputs, *args, **kwargs)
                if self.activity_regularizer is not None:
                    self._regularize_activity(self.activity_regularizer, outputs)
                return outputs

    apply = __call__

    def _regularize_activity(self, regularizer: Callable[..., Any], outputs: Any) -> None:
        with get_default_graph().name_scope("ActivityRegularizer"):
            for output in flatten(outputs):
                loss = regularizer(output)
                self.add_loss(loss / cast(shape_of(output)[0], loss.dtype.base_dtype))

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
        """The constructor's arguments: initializers, regularizers and the like as the objects that they are."""
        parameters = inspect.signature(type(self).__init__).parameters.values()
        names = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD and p.name not in ("self", "name")]
        dtype = None if self.dtype is None else self.dtype.name
        return {"name": self._name, **{name: getattr(self, name) for name in names}, "dtype": dtype}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Layer:
        """A layer with the constructor's arguments of `config`."""
        return cls(**config)

    def count_params(self) -> int:
        """The number of elements of all variables."""
        return sum(v.shape.num_elements() or 0 for v in self.weights)


def _parts(variable: Any) -> list[Any]:
    return list(variable) if isinstance(variable, PartitionedVariable) else [variable]


def snake_case(name: str) -> str:
    """A class's name as a layer's: `BatchNormalization` to `batch_normalization`, `Conv2D` to `conv2d`."""
    spaced = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", spaced).lower().lstrip("_")
