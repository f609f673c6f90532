"""The names of TensorFlow 1.15's `tf.keras.preprocessing`."""

from . import sequence, text

__all__ = [
    "sequence", "text",
]  # fmt: skip
