"""The names of `tensorflow.python.ops.state_ops`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.assignments import (
        assign,
        assign_add,
        assign_sub,
        batch_scatter_update,
        count_up_to,
        is_variable_initialized,
        scatter_add,
        scatter_div,
        scatter_max,
        scatter_min,
        scatter_mul,
        scatter_nd_add,
        scatter_nd_sub,
        scatter_nd_update,
        scatter_sub,
        scatter_update,
    )
    from ...engine.ops.variables import variable_op

__all__ = [
    "assign", "assign_add", "assign_sub", "batch_scatter_update", "count_up_to", "is_variable_initialized",
    "scatter_add", "scatter_div", "scatter_max", "scatter_min", "scatter_mul", "scatter_nd_add", "scatter_nd_sub",
    "scatter_nd_update", "scatter_sub", "scatter_update", "variable_op",
]  # fmt: skip

_PLACES: Places = {
    "assign": ("...engine.assignments", "assign"),
    "assign_add": ("...engine.assignments", "assign_add"),
    "assign_sub": ("...engine.assignments", "assign_sub"),
    "batch_scatter_update": ("...engine.assignments", "batch_scatter_update"),
    "count_up_to": ("...engine.assignments", "count_up_to"),
    "is_variable_initialized": ("...engine.assignments", "is_variable_initialized"),
    "scatter_add": ("...engine.assignments", "scatter_add"),
    "scatter_div": ("...engine.assignments", "scatter_div"),
    "scatter_max": ("...engine.assignments", "scatter_max"),
    "scatter_min": ("...engine.assignments", "scatter_min"),
    "scatter_mul": ("...engine.assignments", "scatter_mul"),
    "scatter_nd_add": ("...engine.assignments", "scatter_nd_add"),
    "scatter_nd_sub": ("...engine.assignments", "scatter_nd_sub"),
    "scatter_nd_update": ("...engine.assignments", "scatter_nd_update"),
    "scatter_sub": ("...engine.assignments", "scatter_sub"),
    "scatter_update": ("...engine.assignments", "scatter_update"),
    "variable_op": ("...engine.ops.variables", "variable_op"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
