"""The names of TensorFlow 1.15's `tf.contrib.learn.python.learn`."""

from . import datasets, estimators

__all__ = [
    "datasets", "estimators",
]  # fmt: skip
