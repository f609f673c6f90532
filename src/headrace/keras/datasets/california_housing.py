"""The names of TensorFlow 1.15's `tf.keras.datasets.california_housing`."""

from ...datasets.california_housing import load_data

__all__ = [
    "load_data",
]  # fmt: skip
