"""The names of TensorFlow 1.15's `tf.contrib.framework.python.framework`."""

from . import checkpoint_utils

__all__ = [
    "checkpoint_utils",
]  # fmt: skip
