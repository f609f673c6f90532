"""The names of TensorFlow 1.15's `tf.keras.preprocessing`."""

from . import image, sequence, text

__all__ = [
    "image", "sequence", "text",
]  # fmt: skip
