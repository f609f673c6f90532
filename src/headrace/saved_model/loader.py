"""The names of TensorFlow 1.15's `tf.saved_model.loader`."""

from ..engine.saved_model.loader import load, maybe_saved_model_directory

__all__ = [
    "load", "maybe_saved_model_directory",
]  # fmt: skip
