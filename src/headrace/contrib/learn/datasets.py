"""The names of TensorFlow 1.15's `tf.contrib.learn.datasets`."""

from ...datasets.contrib_learn import load_dataset, load_iris

__all__ = [
    "load_dataset", "load_iris",
]  # fmt: skip
