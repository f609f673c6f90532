"""`tf.metrics`: streaming metrics."""

from .layers.metrics import accuracy, mean

__all__ = [
    "accuracy", "mean",
]  # fmt: skip
