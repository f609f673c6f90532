"""The names of `tensorflow.python.ops.losses.util`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ....engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ....layers.loss_reduction import (
        add_loss,
        get_losses,
        get_regularization_loss,
        get_regularization_losses,
        get_total_loss,
    )

__all__ = [
    "add_loss", "get_losses", "get_regularization_loss", "get_regularization_losses", "get_total_loss",
]  # fmt: skip

_PLACES: Places = {
    "add_loss": ("....layers.loss_reduction", "add_loss"),
    "get_losses": ("....layers.loss_reduction", "get_losses"),
    "get_regularization_loss": ("....layers.loss_reduction", "get_regularization_loss"),
    "get_regularization_losses": ("....layers.loss_reduction", "get_regularization_losses"),
    "get_total_loss": ("....layers.loss_reduction", "get_total_loss"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
