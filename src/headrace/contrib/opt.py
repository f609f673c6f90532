"""The names of TensorFlow 1.15's `tf.contrib.opt`."""

from ..engine.training.adam import LazyAdamOptimizer

__all__ = [
    "LazyAdamOptimizer",
]  # fmt: skip
