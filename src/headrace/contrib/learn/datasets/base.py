"""The names of TensorFlow 1.15's `tf.contrib.learn.datasets.base`."""

from ....datasets.contrib_learn import load_csv_with_header, load_csv_without_header, load_iris

__all__ = [
    "load_csv_with_header", "load_csv_without_header", "load_iris",
]  # fmt: skip
