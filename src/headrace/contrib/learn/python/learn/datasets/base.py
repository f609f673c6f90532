"""The names of TensorFlow 1.15's `tf.contrib.learn.python.learn.datasets.base`."""

from ......datasets.contrib_learn import load_csv_with_header, load_csv_without_header, load_iris
from ......datasets.mnist import Datasets

__all__ = [
    "Datasets", "load_csv_with_header", "load_csv_without_header", "load_iris",
]  # fmt: skip
