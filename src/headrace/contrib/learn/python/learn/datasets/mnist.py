"""The names of TensorFlow 1.15's `tf.contrib.learn.python.learn.datasets.mnist`."""

from ......datasets.mnist import read_data_sets

__all__ = [
    "read_data_sets",
]  # fmt: skip
