"""The names of TensorFlow 1.15's `tf.contrib.learn.datasets`."""

from ....datasets.contrib_learn import load_dataset, load_iris
from . import base, mnist

__all__ = [
    "base", "load_dataset", "load_iris", "mnist",
]  # fmt: skip
