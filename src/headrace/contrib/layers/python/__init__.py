"""The names of TensorFlow 1.15's `tf.contrib.layers.python`."""

from . import layers

__all__ = [
    "layers",
]  # fmt: skip
