"""The names of TensorFlow 1.15's `tf.contrib`."""

from . import framework, layers, lookup, losses, metrics, opt, slim, staging, training, util

__all__ = [
    "framework", "layers", "lookup", "losses", "metrics", "opt", "slim", "staging", "training", "util",
]  # fmt: skip
