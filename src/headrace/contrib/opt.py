"""The names of TensorFlow 1.15's `tf.contrib.opt`."""

from ..engine.training.adam import AdamWOptimizer, LazyAdamOptimizer, NadamOptimizer

__all__ = [
    "AdamWOptimizer", "LazyAdamOptimizer", "NadamOptimizer",
]  # fmt: skip
