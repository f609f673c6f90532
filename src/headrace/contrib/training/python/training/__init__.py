"""The names of TensorFlow 1.15's `tf.contrib.training.python.training`."""

from . import hparam

__all__ = [
    "hparam",
]  # fmt: skip
