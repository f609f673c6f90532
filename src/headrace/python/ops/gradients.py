"""The names of `tensorflow.python.ops.gradients`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.custom_gradient import custom_gradient
    from ...engine.gradients import AggregationMethod, UnconnectedGradients, gradients, hessians

__all__ = [
    "AggregationMethod", "UnconnectedGradients", "custom_gradient", "gradients", "hessians",
]  # fmt: skip

_PLACES: Places = {
    "AggregationMethod": ("...engine.gradients", "AggregationMethod"),
    "UnconnectedGradients": ("...engine.gradients", "UnconnectedGradients"),
    "custom_gradient": ("...engine.custom_gradient", "custom_gradient"),
    "gradients": ("...engine.gradients", "gradients"),
    "hessians": ("...engine.gradients", "hessians"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
