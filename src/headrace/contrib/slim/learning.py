"""The names of TensorFlow 1.15's `tf.contrib.slim.learning`."""

from ...layers.contrib_slim_training import train, train_step
from ...layers.contrib_training import (
    add_gradients_summaries,
    clip_gradient_norms,
    multiply_gradients,
    slim_create_train_op as create_train_op,
)

__all__ = [
    "add_gradients_summaries", "clip_gradient_norms", "create_train_op", "multiply_gradients", "train", "train_step",
]  # fmt: skip
