"""The names of TensorFlow 1.15's `tf.keras.datasets.fashion_mnist`."""

from ...datasets.fashion_mnist import load_data

__all__ = [
    "load_data",
]  # fmt: skip
