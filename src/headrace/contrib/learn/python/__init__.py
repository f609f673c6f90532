"""The names of TensorFlow 1.15's `tf.contrib.learn.python`."""

from . import learn

__all__ = [
    "learn",
]  # fmt: skip
