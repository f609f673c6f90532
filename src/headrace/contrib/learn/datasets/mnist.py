"""The names of TensorFlow 1.15's `tf.contrib.learn.datasets.mnist`."""

from ....datasets.mnist import load_mnist, read_data_sets

__all__ = [
    "load_mnist", "read_data_sets",
]  # fmt: skip
