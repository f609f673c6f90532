"""The names of TensorFlow 1.15's `tf.keras.preprocessing`."""

from . import sequence

__all__ = [
    "sequence",
]  # fmt: skip
