"""The names of TensorFlow 1.15's `tf.contrib.staging`."""

from ..engine.staging import StagingArea

__all__ = [
    "StagingArea",
]  # fmt: skip
