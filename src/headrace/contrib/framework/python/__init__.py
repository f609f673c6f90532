"""The names of TensorFlow 1.15's `tf.contrib.framework.python`."""

from . import framework, ops

__all__ = [
    "framework", "ops",
]  # fmt: skip
