"""The names of TensorFlow 1.15's `tf.contrib.slim.losses`."""

from ...layers.contrib_losses import (
    absolute_difference,
    compute_weighted_loss,
    cosine_distance,
    hinge_loss,
    log_loss,
    mean_pairwise_squared_error,
    mean_squared_error,
    mean_squared_error as sum_of_squares,
    sigmoid_cross_entropy,
    softmax_cross_entropy,
    sparse_softmax_cross_entropy,
)
from ...layers.loss_reduction import add_loss, get_losses, get_regularization_losses, get_total_loss

__all__ = [
    "absolute_difference", "add_loss", "compute_weighted_loss", "cosine_distance", "get_losses",
    "get_regularization_losses", "get_total_loss", "hinge_loss", "log_loss", "mean_pairwise_squared_error",
    "mean_squared_error", "sigmoid_cross_entropy", "softmax_cross_entropy", "sparse_softmax_cross_entropy",
    "sum_of_squares",
]  # fmt: skip
