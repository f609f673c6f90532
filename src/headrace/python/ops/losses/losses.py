"""The names of `tensorflow.python.ops.losses.losses`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ....engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ....layers.loss_reduction import (
        Reduction,
        add_loss,
        compute_weighted_loss,
        get_losses,
        get_regularization_loss,
        get_regularization_losses,
        get_total_loss,
    )
    from ....layers.losses import (
        absolute_difference,
        cosine_distance,
        hinge_loss,
        huber_loss,
        log_loss,
        mean_pairwise_squared_error,
        mean_squared_error,
        sigmoid_cross_entropy,
        softmax_cross_entropy,
        sparse_softmax_cross_entropy,
    )

__all__ = [
    "Reduction", "absolute_difference", "add_loss", "compute_weighted_loss", "cosine_distance", "get_losses",
    "get_regularization_loss", "get_regularization_losses", "get_total_loss", "hinge_loss", "huber_loss", "log_loss",
    "mean_pairwise_squared_error", "mean_squared_error", "sigmoid_cross_entropy", "softmax_cross_entropy",
    "sparse_softmax_cross_entropy",
]  # fmt: skip

_PLACES: Places = {
    "Reduction": ("....layers.loss_reduction", "Reduction"),
    "absolute_difference": ("....layers.losses", "absolute_difference"),
    "add_loss": ("....layers.loss_reduction", "add_loss"),
    "compute_weighted_loss": ("....layers.loss_reduction", "compute_weighted_loss"),
    "cosine_distance": ("....layers.losses", "cosine_distance"),
    "get_losses": ("....layers.loss_reduction", "get_losses"),
    "get_regularization_loss": ("....layers.loss_reduction", "get_regularization_loss"),
    "get_regularization_losses": ("....layers.loss_reduction", "get_regularization_losses"),
    "get_total_loss": ("....layers.loss_reduction", "get_total_loss"),
    "hinge_loss": ("....layers.losses", "hinge_loss"),
    "huber_loss": ("....layers.losses", "huber_loss"),
    "log_loss": ("....layers.losses", "log_loss"),
    "mean_pairwise_squared_error": ("....layers.losses", "mean_pairwise_squared_error"),
    "mean_squared_error": ("....layers.losses", "mean_squared_error"),
    "sigmoid_cross_entropy": ("....layers.losses", "sigmoid_cross_entropy"),
    "softmax_cross_entropy": ("....layers.losses", "softmax_cross_entropy"),
    "sparse_softmax_cross_entropy": ("....layers.losses", "sparse_softmax_cross_entropy"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
