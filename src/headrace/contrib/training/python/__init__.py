"""The names of TensorFlow 1.15's `tf.contrib.training.python`."""

from . import training

__all__ = [
    "training",
]  # fmt: skip
