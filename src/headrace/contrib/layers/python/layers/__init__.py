"""The names of TensorFlow 1.15's `tf.contrib.layers.python.layers`."""

from . import initializers

__all__ = [
    "initializers",
]  # fmt: skip
