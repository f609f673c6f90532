"""The names of TensorFlow 1.15's `tf.keras.datasets.cifar10`."""

from ...datasets.cifar10 import load_data

__all__ = [
    "load_data",
]  # fmt: skip
