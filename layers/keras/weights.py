"""What a Keras layer keeps: variables, layers inside, losses and updates, each list in Keras's order."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ...engine.conversion import convert_to_tensor
from ...engine.dtypes import as_dtype
from ...engine.graph import get_default_graph
from ...engine.nest import flatten
from ...engine.scopes import init_scope
from ...engine.shapes import TensorShape
from ...engine.variables import Variable
from . import backend, initializers

# How add_weight takes arguments by place: as Keras 3, or with the name first, as TensorFlow 1.15.
_ORDER = ("shape", "initializer", "dtype", "trainable", "autocast", "regularizer", "constraint", "aggregation", "name")
_OLD_ORDER = ("name", "shape", "dtype", "initializer", "regularizer", "trainable", "constraint")


class WeightsHolder:
    """The variables of a layer and of the layers that are its attributes, alone or in lists, tuples and dicts."""

    name: str
    variable_dtype: str

    def __init__(self) -> None:
        self._trainable = True
        self._own_weights: list[tuple[Any, bool]] = []
        self._regularized: list[tuple[Any, Callable[..., Any]]] = []
        self._weight_losses: dict[int, Any] = {}
        self._call_losses: list[Any] = []
        self._own_updates: list[Any] = []

    # Making

    def add_weight(self, *args: Any, **options: Any) -> Any:
        """A variable of the layer, in its name scope.

        Args:
            shape: static shape, () by default.
            initializer: a name, a configuration, or a function of shape and dtype; Glorot's uniform distribution by
                default for floats, zeros for others.
            dtype: the layer's by default.
            trainable: whether training changes it.
            autocast, aggregation: accepted.
            regularizer: a name or function of the variable that gives a loss.
            constraint: a name or function that is applied after an update.
            name: of the variable.

        The name may also come first, as in TensorFlow 1.15.

        Raises:
            TypeError: an argument is unknown or given twice.
            ValueError: the shape is not wholly known.
        """
        order = _OLD_ORDER if args and isinstance(args[0], str) else _ORDER
        if len(args) > len(order):
            raise TypeError(f"add_weight of layer {self.name!r} takes at most {len(order)} arguments by place")
        named = dict(zip(order, args, strict=False))
        twice = set(named) & set(options)
        if twice:
            raise TypeError(f"add_weight of layer {self.name!r} got {', '.join(sorted(twice))} twice")
        return self._new_weight(**named, **options)

    add_variable = add_weight

    def keep(self, **options: Any) -> None:
        """Sets attributes whose names end in `_initializer`, `_regularizer` or `_constraint` to what names stand for."""
        from . import constraints, regularizers  # these and layers are apart, and only weights join them

        kinds: dict[str, Any] = {
            "initializer": initializers, "regularizer": regularizers, "constraint": constraints,
        }  # fmt: skip
        for name, value in options.items():
            setattr(self, name, kinds[name.rpartition("_")[2]].get(value))

    def make_weight(self, name: str, shape: Any, kind: str | None = None) -> Any:
        """A variable with what the layer's attributes `{kind}_initializer`, `_regularizer` and `_constraint` say.

        Args:
            name: of the variable, and what it is by default.
            shape: of the variable.
            kind: another beginning of the attributes' names.
        """
        options = {
            option: getattr(self, f"{kind or name}_{option}", None)
            for option in ("initializer", "regularizer", "constraint")
        }
        return self.add_weight(name=name, shape=shape, **options)

    def _new_weight(
        self,
        shape: Any = None,
        initializer: Any = None,
        dtype: Any = None,
        trainable: bool | None = True,
        autocast: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        aggregation: Any = None,
        name: str | None = None,
        use_resource: bool | None = None,
        **ignored: Any,
    ) -> Any:
        from . import constraints, regularizers  # these and layers are apart, and only weights join them

        del autocast, aggregation
        unexpected = set(ignored) - {"getter", "collections", "synchronization", "partitioner", "layout"}
        if unexpected:
            raise TypeError(f"add_weight of layer {self.name!r} got unexpected arguments: {sorted(unexpected)}")
        kind = as_dtype(dtype or self.variable_dtype).base_dtype
        sizes = self._known_sizes(name, () if shape is None else shape)
        start = initializers.get(initializer or ("glorot_uniform" if kind.is_floating else "zeros"))
        constraint, regularizer = constraints.get(constraint), regularizers.get(regularizer)
        trains = trainable is not False
        variable = Variable(
            lambda: convert_to_tensor(start(sizes, dtype=kind), kind),
            trainable=trains,
            name=name or "variable",
            constraint=constraint,
            # As tf.keras 1.15: by handle, whatever the scope says.
            use_resource=use_resource is not False,
        )
        self._own_weights.append((variable, trains))
        if regularizer is not None:
            self._regularized.append((variable, regularizer))
        return variable

    def _known_sizes(self, name: str | None, shape: Any) -> list[int]:
        sizes = TensorShape(shape).as_list()
        known = [size for size in sizes if size is not None]
        if len(known) != len(sizes):
            raise ValueError(
                f"Weight {name!r} of layer {self.name!r} needs a shape that is wholly known, got {tuple(sizes)}"
            )
        return known

    # Layers inside

    def _flatten_layers(self) -> list[WeightsHolder]:
        """The layers that are attributes, each once, in the order in which the attributes were set."""
        found = {id(layer): layer for layer in _holders(list(vars(self).values())) if layer is not self}
        return list(found.values())

    def _own(self) -> Iterator[tuple[Any, bool]]:
        """The layer's own variables with whether they can be trained: those of add_weight, then other attributes."""
        seen = set()
        for variable, trains in self._own_weights:
            seen.add(id(variable))
            yield variable, trains
        for value in list(vars(self).values()):
            for leaf in _variables(value):
                if id(leaf) not in seen:
                    seen.add(id(leaf))
                    yield leaf, leaf.trainable

    # Lists

    @property
    def trainable(self) -> bool:
        """Whether training changes the layer; setting it sets that of the layers inside."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        for layer in self._flatten_layers():
            layer.trainable = value

    @property
    def weights(self) -> list[Any]:
        """All variables: the layer's own, the trainable ones first, then those of the layers inside."""
        own = list(self._own())
        mine = [v for v, trains in own if trains] + [v for v, trains in own if not trains]
        return _distinct([*mine, *(w for layer in self._flatten_layers() for w in layer.weights)])

    @property
    def trainable_weights(self) -> list[Any]:
        """The variables that training changes; none if the layer is not trainable."""
        if not self.trainable:
            return []
        mine = [v for v, trains in self._own() if trains]
        return _distinct([*mine, *(w for layer in self._flatten_layers() for w in layer.trainable_weights)])

    @property
    def non_trainable_weights(self) -> list[Any]:
        """The other variables."""
        trained = {id(v) for v in self.trainable_weights}
        return [v for v in self.weights if id(v) not in trained]

    @property
    def variables(self) -> list[Any]:
        """All variables."""
        return self.weights

    @property
    def trainable_variables(self) -> list[Any]:
        """The variables that training changes."""
        return self.trainable_weights

    @property
    def non_trainable_variables(self) -> list[Any]:
        """The other variables."""
        return self.non_trainable_weights

    def count_params(self) -> int:
        """The number of elements of all variables.

        Raises:
            ValueError: the layer was not built.
        """
        if not getattr(self, "built", True):
            raise ValueError(f"Layer {self.name!r} has no weights yet: call it, or build(input_shape), first")
        return sum(math.prod(size or 0 for size in v.shape.as_list()) for v in self.weights)

    # Values

    def get_weights(self) -> list[Any]:
        """The values of all variables as arrays, in the order of `weights`."""
        return backend.batch_get_value(self.weights)

    def set_weights(self, weights: Any) -> None:
        """Writes the values of all variables.

        Raises:
            ValueError: there are more or fewer, or one has another shape.
        """
        variables = self.weights
        if len(weights) != len(variables):
            raise ValueError(
                f"Layer {self.name!r} has {len(variables)} weights ({', '.join(v.name for v in variables)}), "
                f"but set_weights got {len(weights)}"
            )
        backend.batch_set_value(list(zip(variables, weights, strict=True)))

    # Losses and updates

    def add_loss(self, losses: Any, inputs: Any = None) -> None:
        """Adds losses to those that training minimizes: scalar tensors, or functions that give one."""
        del inputs
        for loss in flatten(losses):
            if loss is not None:
                self._call_losses.append(convert_to_tensor(loss() if callable(loss) else loss))

    def add_update(self, updates: Any, inputs: Any = None) -> None:
        """Adds operations that training runs beside the optimizer's, such as moving averages."""
        del inputs
        self._own_updates.extend(update for update in flatten(updates) if update is not None)

    @property
    def losses(self) -> list[Any]:
        """The losses of calls and of regularized weights that train, with those of the layers inside."""
        trained = {id(v) for v in self.trainable_weights}
        mine = [self._weight_loss(v, r) for v, r in self._regularized if id(v) in trained]
        return _distinct([*self._call_losses, *mine, *(x for layer in self._flatten_layers() for x in layer.losses)])

    def _weight_loss(self, variable: Any, regularizer: Callable[..., Any]) -> Any:
        if id(variable) not in self._weight_losses:
            with init_scope(), get_default_graph().name_scope(f"{variable.op.name}/Regularizer"):
                self._weight_losses[id(variable)] = regularizer(convert_to_tensor(variable))
        return self._weight_losses[id(variable)]

    @property
    def updates(self) -> list[Any]:
        """The updates of the layer and of those inside that are to run with training."""
        mine = self._own_updates if self.trainable or getattr(self, "stateful", False) else []
        return _distinct([*mine, *(u for layer in self._flatten_layers() for u in layer.updates)])

    @property
    def state_updates(self) -> list[Any]:
        """The updates of stateful layers, which run whenever the layer does, also for predictions."""
        mine = self._own_updates if getattr(self, "stateful", False) else []
        return _distinct([*mine, *(u for layer in self._flatten_layers() for u in layer.state_updates)])


def _distinct(things: list[Any]) -> list[Any]:
    return list({id(thing): thing for thing in things}.values())


def _holders(value: Any) -> Iterator[WeightsHolder]:
    if isinstance(value, WeightsHolder):
        yield value
    elif isinstance(value, Mapping | list | tuple):
        for one in list(value.values()) if isinstance(value, Mapping) else value:
            yield from _holders(one)


def _variables(value: Any) -> Iterator[Any]:
    if isinstance(value, Variable):
        yield value
    elif isinstance(value, Mapping | list | tuple):
        for one in list(value.values()) if isinstance(value, Mapping) else value:
            yield from _variables(one)
