"""The names of TensorFlow 1.15's `tf.contrib.layers.python.layers.initializers`."""

from .....engine.initializers import (
    contrib_variance_scaling_initializer as variance_scaling_initializer,
    xavier_initializer,
    xavier_initializer_conv2d,
)

__all__ = [
    "variance_scaling_initializer", "xavier_initializer", "xavier_initializer_conv2d",
]  # fmt: skip
