"""The names of TensorFlow 1.15's `tf.contrib`."""

from . import data, framework, layers, learn, lookup, losses, metrics, opt, rnn, slim, staging, training, util

__all__ = [
    "data", "framework", "layers", "learn", "lookup", "losses", "metrics", "opt", "rnn", "slim", "staging",
    "training", "util",
]  # fmt: skip
