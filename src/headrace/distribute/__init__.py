"""The names of TensorFlow 1.15's `tf.distribute`."""

from . import cluster_resolver

__all__ = [
    "cluster_resolver",
]  # fmt: skip
