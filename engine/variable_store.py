"""The variables of a graph by name: what `get_variable` finds, checks and makes. Scopes are in variable_scope.py."""

from __future__ import annotations

import enum
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .dtypes import DType, as_dtype
from .graph import Graph
from .scopes import GraphKeys, init_scope
from .shapes import TensorShape
from .variables import Variable


class ReuseMode(enum.Enum):
    """What `reuse` may be beside True, False and None."""

    AUTO_REUSE = 1


AUTO_REUSE = ReuseMode.AUTO_REUSE


@dataclass
class Request:
    """All that is asked of a variable, as custom getters see it in their keyword arguments."""

    name: str
    shape: Any = None
    dtype: Any = None
    initializer: Any = None
    regularizer: Any = None
    reuse: Any = None
    trainable: bool | None = None
    collections: Any = None
    caching_device: Any = None
    partitioner: Any = None
    validate_shape: bool = True
    use_resource: bool | None = None
    constraint: Any = None
    synchronization: Any = None
    aggregation: Any = None


class VariableStore:
    """A graph's variables and partitioned variables by full name."""

    def __init__(self) -> None:
        self.variables: dict[str, Variable] = {}
        self.partitioned: dict[str, Any] = {}

    @staticmethod
    def of(graph: Graph) -> VariableStore:
        """The store of a graph, made at first use."""
        store: VariableStore = graph.extras.setdefault("variable_store", VariableStore())
        return store

    def get(self, request: Request, custom_getter: Callable[..., Any] | None) -> Any:
        """The variable asked for, through `custom_getter` if there is one."""
        if custom_getter is None:
            return self.true_getter(**vars(request))
        if not callable(custom_getter):
            raise ValueError(f"Passed a custom_getter which is not callable: {custom_getter}")
        options = dict(vars(request))
        if not _takes(custom_getter, "constraint"):
            del options["constraint"]
        return custom_getter(self.true_getter, **options)

    def true_getter(self, name: str, *args: Any, **options: Any) -> Any:
        """The getter at the end of a chain of custom getters."""
        request = Request(name, *args, **options)
        partitioner = request.partitioner
        scalar = request.shape is not None and isinstance(request.shape, Sequence) and not request.shape
        if partitioner is not None and not scalar:
            if not callable(partitioner):
                raise ValueError(f"Partitioner must be callable, but received: {partitioner}")
            return self._partitioned(request)
        if request.reuse is True and partitioner is None and name in self.partitioned:
            return self._partitioned(request)
        if f"{name}/part_0" in self.variables:
            raise ValueError(
                f"No partitioner was provided, but a partitioned version of the variable was found: {name}/part_0. "
                "Perhaps a variable of the same name was already created with partitioning?"
            )
        return self.single(request)

    def _partitioned(self, request: Request) -> Any:
        from .partitioned import get_partitioned  # slices are variables of this store

        return get_partitioned(self, request)

    def single(self, request: Request, partition_info: Any = None) -> Variable:
        """One whole variable: the one of that name, checked, or a new one."""
        constant = request.initializer is not None and not callable(request.initializer)
        if request.shape is not None and constant:
            raise ValueError("If initializer is a constant, do not specify shape.")
        dtype = as_dtype(request.dtype).base_dtype
        shape = TensorShape(request.shape)
        if request.name in self.variables:
            return self._found(request, shape, dtype)
        if request.reuse is True:
            raise ValueError(
                f"Variable {request.name} does not exist, or was not created with tf.get_variable(). "
                "Did you mean to set reuse=tf.AUTO_REUSE in VarScope?"
            )
        return self._new(request, shape, dtype, partition_info)

    def _found(self, request: Request, shape: TensorShape, dtype: DType) -> Variable:
        found, name = self.variables[request.name], request.name
        if request.reuse in (False, None):
            raise ValueError(
                f"Variable {name} already exists, disallowed. Did you mean to set reuse=True or reuse=tf.AUTO_REUSE in "
                f"VarScope? Originally defined at: {found.op.made_at}"
            )
        if not shape.is_compatible_with(found.shape):
            raise ValueError(
                f"Trying to share variable {name}, but specified shape {shape} and found shape {found.shape}."
            )
        if not dtype.is_compatible_with(found.dtype.base_dtype):
            raise ValueError(
                f"Trying to share variable {name}, but specified dtype {dtype.name} and found dtype "
                f"{found.dtype.base_dtype.name}."
            )
        return found

    def _new(self, request: Request, shape: TensorShape, dtype: DType, partition_info: Any) -> Variable:
        initializer = request.initializer
        if initializer is None:
            initializer = default_initializer(request.name, dtype)
        value, value_dtype = _initial_value(request.name, initializer, shape, dtype, partition_info)
        variable = Variable(
            value,
            trainable=request.trainable,
            collections=request.collections,
            validate_shape=request.validate_shape,
            caching_device=request.caching_device,
            name=request.name,
            dtype=value_dtype,
            constraint=request.constraint,
            use_resource=bool(request.use_resource),
            synchronization=request.synchronization,
            aggregation=request.aggregation,
        )
        self.variables[request.name] = variable
        if request.regularizer is not None:
            _regularize(variable, request)
        return variable


def _regularize(variable: Variable, request: Request) -> None:
    graph = variable.graph
    with init_scope(), graph.colocate_with(variable.op), graph.name_scope(request.name + "/Regularizer/"):
        loss = request.regularizer(variable)
    if loss is not None:
        graph.add_to_collection(GraphKeys.REGULARIZATION_LOSSES, loss)


def default_initializer(name: str, dtype: DType) -> Any:
    """What a variable without an initializer starts from; ValueError where no default makes sense."""
    from .initializers import glorot_uniform_initializer, zeros_initializer

    if dtype.is_floating:
        return glorot_uniform_initializer()
    if dtype.is_integer or dtype.is_bool:
        return zeros_initializer()
    raise ValueError(f"An initializer for variable {name} of {dtype} is required")


def _initial_value(
    name: str, initializer: Any, shape: TensorShape, dtype: DType, partition_info: Any
) -> tuple[Any, DType | None]:
    """What to pass to Variable as the initial value, and the dtype to ask for."""
    if not callable(initializer):
        return initializer, None
    if inspect.isclass(initializer):
        initializer = initializer()
    if shape.is_fully_defined():
        sizes = shape.as_list()
        options = {"partition_info": partition_info} if _takes(initializer, "partition_info") else {}
        return lambda: _fitting(name, initializer(sizes, dtype=dtype, **options), shape), dtype
    if _needs_no_arguments(initializer):
        return initializer, None
    raise ValueError(f"Shape of a new variable ({name}) must be fully defined, but instead was {shape}.")


def _fitting(name: str, value: Any, shape: TensorShape) -> Any:
    if value is None:
        raise ValueError(f"The initializer of the variable {name!r} gave None, but the variable has shape {shape}")
    found = value.shape if hasattr(value, "shape") else np.shape(value)
    if not shape.is_compatible_with(found):
        raise ValueError(
            f"The initializer of the variable {name!r} gave shape {found}, but the variable has shape {shape}"
        )
    return value


def _takes(function: Callable[..., Any], argument: str) -> bool:
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False
    return argument in parameters or any(
        p.kind is p.VAR_KEYWORD and argument == "constraint" for p in parameters.values()
    )


def _needs_no_arguments(function: Callable[..., Any]) -> bool:
    parameters = inspect.signature(function).parameters.values()
    return all(p.default is not p.empty or p.kind in (p.VAR_POSITIONAL, p.VAR_KEYWORD) for p in parameters)


def part_of(request: Request, **changes: Any) -> Request:
    """A request like another with some fields changed."""
    return replace(request, **changes)
