"""The names of TensorFlow 1.15's `tf.saved_model.builder`."""

from ..engine.saved_model.builder import SavedModelBuilder

__all__ = [
    "SavedModelBuilder",
]  # fmt: skip
