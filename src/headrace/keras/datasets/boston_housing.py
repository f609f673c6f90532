"""The names of TensorFlow 1.15's `tf.keras.datasets.boston_housing`."""

from ...datasets.boston_housing import load_data

__all__ = [
    "load_data",
]  # fmt: skip
