"""The names of `tensorflow.python.ops.custom_gradient`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.custom_gradient import custom_gradient, grad_pass_through
    from ...engine.gradients import UnconnectedGradients

__all__ = [
    "UnconnectedGradients", "custom_gradient", "grad_pass_through",
]  # fmt: skip

_PLACES: Places = {
    "UnconnectedGradients": ("...engine.gradients", "UnconnectedGradients"),
    "custom_gradient": ("...engine.custom_gradient", "custom_gradient"),
    "grad_pass_through": ("...engine.custom_gradient", "grad_pass_through"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
