"""The names of `tensorflow.python.ops.variable_scope`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.variable_creators import variable_creator_scope, variable_creator_scope as variable_creator_scope_v1
    from ...engine.variable_protos import VariableAggregation, VariableSynchronization
    from ...engine.variable_scope import (
        VariableScope,
        get_local_variable,
        get_variable,
        get_variable_scope,
        no_regularizer,
        variable_op_scope,
        variable_scope,
    )
    from ...engine.variable_store import AUTO_REUSE

__all__ = [
    "AUTO_REUSE", "VariableAggregation", "VariableScope", "VariableSynchronization", "get_local_variable",
    "get_variable", "get_variable_scope", "no_regularizer", "variable_creator_scope", "variable_creator_scope_v1",
    "variable_op_scope", "variable_scope",
]  # fmt: skip

_PLACES: Places = {
    "AUTO_REUSE": ("...engine.variable_store", "AUTO_REUSE"),
    "VariableAggregation": ("...engine.variable_protos", "VariableAggregation"),
    "VariableScope": ("...engine.variable_scope", "VariableScope"),
    "VariableSynchronization": ("...engine.variable_protos", "VariableSynchronization"),
    "get_local_variable": ("...engine.variable_scope", "get_local_variable"),
    "get_variable": ("...engine.variable_scope", "get_variable"),
    "get_variable_scope": ("...engine.variable_scope", "get_variable_scope"),
    "no_regularizer": ("...engine.variable_scope", "no_regularizer"),
    "variable_creator_scope": ("...engine.variable_creators", "variable_creator_scope"),
    "variable_creator_scope_v1": ("...engine.variable_creators", "variable_creator_scope"),
    "variable_op_scope": ("...engine.variable_scope", "variable_op_scope"),
    "variable_scope": ("...engine.variable_scope", "variable_scope"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
