"""The names of TensorFlow 1.15's `tf.keras`."""

from . import datasets, experimental

__all__ = [
    "datasets", "experimental",
]  # fmt: skip
