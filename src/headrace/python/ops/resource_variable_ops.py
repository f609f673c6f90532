"""The names of `tensorflow.python.ops.resource_variable_ops`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.variables import ResourceVariable

__all__ = [
    "ResourceVariable",
]  # fmt: skip

_PLACES: Places = {
    "ResourceVariable": ("...engine.variables", "ResourceVariable"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
