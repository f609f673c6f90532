"""The names of `tensorflow.python.ops.variable_v1`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.assignments import is_variable_initialized
    from ...engine.variables import Variable as VariableV1

__all__ = [
    "VariableV1", "is_variable_initialized",
]  # fmt: skip

_PLACES: Places = {
    "VariableV1": ("...engine.variables", "Variable"),
    "is_variable_initialized": ("...engine.assignments", "is_variable_initialized"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
