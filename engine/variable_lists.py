"""Lists of the default graph's variables by collection, and the operations that initialize and check them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .assignments import is_variable_initialized
from .dtypes import string
from .graph import Operation, Tensor, get_default_graph
from .ops.array import identity, reshape, stack
from .ops.constant import constant
from .ops.grouping import group_operations
from .registry import definition_of
from .scopes import GraphKeys


def global_variables(scope: str | None = None) -> list[Any]:
    """The variables that make up a model; with `scope`, those whose name matches that regular expression."""
    return get_default_graph().get_collection(GraphKeys.GLOBAL_VARIABLES, scope)


def all_variables() -> list[Any]:
    """`global_variables` under its name before TensorFlow 1.0."""
    return global_variables()


def local_variables(scope: str | None = None) -> list[Any]:
    """The variables that are not saved: counters of epochs, metrics."""
    return get_default_graph().get_collection(GraphKeys.LOCAL_VARIABLES, scope)


def model_variables(scope: str | None = None) -> list[Any]:
    """The variables that inference needs."""
    return get_default_graph().get_collection(GraphKeys.MODEL_VARIABLES, scope)


def trainable_variables(scope: str | None = None) -> list[Any]:
    """The variables that optimizers train by default."""
    return get_default_graph().get_collection(GraphKeys.TRAINABLE_VARIABLES, scope)


def moving_average_variables(scope: str | None = None) -> list[Any]:
    """The variables of which moving averages are kept."""
    return get_default_graph().get_collection(GraphKeys.MOVING_AVERAGE_VARIABLES, scope)


def variables_initializer(var_list: Sequence[Any] | None, name: str = "init") -> Operation:
    """An operation that runs the initializers of `var_list` side by side."""
    return group_operations([v.initializer for v in var_list or ()], name)


def initialize_variables(var_list: Sequence[Any] | None, name: str = "init") -> Operation:
    """`variables_initializer` under its name before TensorFlow 1.0."""
    return variables_initializer(var_list, name)


def global_variables_initializer() -> Operation:
    """An operation that initializes all global variables."""
    return variables_initializer(global_variables())


def initialize_all_variables() -> Operation:
    """`global_variables_initializer` under its name before TensorFlow 1.0."""
    return global_variables_initializer()


def local_variables_initializer() -> Operation:
    """An operation that initializes all local variables."""
    return variables_initializer(local_variables())


def initialize_local_variables() -> Operation:
    """`local_variables_initializer` under its name before TensorFlow 1.0."""
    return local_variables_initializer()


def assert_variables_initialized(var_list: Sequence[Any] | None = None) -> Tensor | None:
    """A tensor that raises FailedPreconditionError when run unless all variables have values; None without variables."""
    variables = list(var_list) if var_list is not None else global_variables() + local_variables()
    if not variables:
        return None
    with get_default_graph().control_dependencies([v.read_value() for v in variables]):
        return identity(constant(np.array([v.name for v in variables], object), string))


def report_uninitialized_variables(
    var_list: Sequence[Any] | None = None, name: str = "report_uninitialized_variables"
) -> Tensor:
    """The names, without ':0', of the variables that have no value yet: a vector of strings, empty when all have one.

    Args:
        var_list: by default the global and local variables.
    """
    variables = list(var_list) if var_list is not None else global_variables() + local_variables()
    graph = get_default_graph()
    with graph.name_scope(name):
        if not variables:
            return constant(np.array([], object), string)
        # TensorFlow reports from the CPU too, whatever devices are around.
        with graph.device("/cpu:0"):
            flags = [is_variable_initialized(v) for v in variables]
        names = np.array([v.op.name.encode() for v in variables], object)
        unset = definition_of("LogicalNot")(stack(flags))
        places = reshape(definition_of("Where")(unset), [-1])
        result: Tensor = definition_of("GatherV2")(constant(names, string), places, 0)
        return result
