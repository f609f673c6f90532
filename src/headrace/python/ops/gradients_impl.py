"""The names of `tensorflow.python.ops.gradients_impl`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.gradients import UnconnectedGradients, gradients, hessians

__all__ = [
    "UnconnectedGradients", "gradients", "hessians",
]  # fmt: skip

_PLACES: Places = {
    "UnconnectedGradients": ("...engine.gradients", "UnconnectedGradients"),
    "gradients": ("...engine.gradients", "gradients"),
    "hessians": ("...engine.gradients", "hessians"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
