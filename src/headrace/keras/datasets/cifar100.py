"""The names of TensorFlow 1.15's `tf.keras.datasets.cifar100`."""

from ...datasets.cifar100 import load_data

__all__ = [
    "load_data",
]  # fmt: skip
