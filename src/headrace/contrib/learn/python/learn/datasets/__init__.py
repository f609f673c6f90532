"""The names of TensorFlow 1.15's `tf.contrib.learn.python.learn.datasets`."""

from . import base, mnist

__all__ = [
    "base", "mnist",
]  # fmt: skip
