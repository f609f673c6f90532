"""The names of `tensorflow.python.ops.variables`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.partitioned import PartitionedVariable
    from ...engine.variable_lists import (
        all_variables,
        assert_variables_initialized,
        global_variables,
        global_variables_initializer,
        initialize_all_variables,
        initialize_local_variables,
        initialize_variables,
        local_variables,
        local_variables_initializer,
        model_variables,
        moving_average_variables,
        report_uninitialized_variables,
        trainable_variables,
        variables_initializer,
    )
    from ...engine.variable_protos import VariableAggregation, VariableSynchronization
    from ...engine.variables import Variable, Variable as RefVariable

__all__ = [
    "PartitionedVariable", "RefVariable", "Variable", "VariableAggregation", "VariableSynchronization",
    "all_variables", "assert_variables_initialized", "global_variables", "global_variables_initializer",
    "initialize_all_variables", "initialize_local_variables", "initialize_variables", "local_variables",
    "local_variables_initializer", "model_variables", "moving_average_variables", "report_uninitialized_variables",
    "trainable_variables", "variables_initializer",
]  # fmt: skip

_PLACES: Places = {
    "PartitionedVariable": ("...engine.partitioned", "PartitionedVariable"),
    "RefVariable": ("...engine.variables", "Variable"),
    "Variable": ("...engine.variables", "Variable"),
    "VariableAggregation": ("...engine.variable_protos", "VariableAggregation"),
    "VariableSynchronization": ("...engine.variable_protos", "VariableSynchronization"),
    "all_variables": ("...engine.variable_lists", "all_variables"),
    "assert_variables_initialized": ("...engine.variable_lists", "assert_variables_initialized"),
    "global_variables": ("...engine.variable_lists", "global_variables"),
    "global_variables_initializer": ("...engine.variable_lists", "global_variables_initializer"),
    "initialize_all_variables": ("...engine.variable_lists", "initialize_all_variables"),
    "initialize_local_variables": ("...engine.variable_lists", "initialize_local_variables"),
    "initialize_variables": ("...engine.variable_lists", "initialize_variables"),
    "local_variables": ("...engine.variable_lists", "local_variables"),
    "local_variables_initializer": ("...engine.variable_lists", "local_variables_initializer"),
    "model_variables": ("...engine.variable_lists", "model_variables"),
    "moving_average_variables": ("...engine.variable_lists", "moving_average_variables"),
    "report_uninitialized_variables": ("...engine.variable_lists", "report_uninitialized_variables"),
    "trainable_variables": ("...engine.variable_lists", "trainable_variables"),
    "variables_initializer": ("...engine.variable_lists", "variables_initializer"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
