"""The names of TensorFlow 1.15's `tf.keras`."""

from . import datasets

__all__ = [
    "datasets",
]  # fmt: skip
