"""The names of TensorFlow 1.15's `tf.function`."""

from .engine.defun import Defun

__all__ = [
    "Defun",
]  # fmt: skip
