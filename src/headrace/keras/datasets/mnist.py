"""The names of TensorFlow 1.15's `tf.keras.datasets.mnist`."""

from ...datasets.mnist import load_data

__all__ = [
    "load_data",
]  # fmt: skip
