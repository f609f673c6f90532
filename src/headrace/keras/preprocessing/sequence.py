"""The names of TensorFlow 1.15's `tf.keras.preprocessing.sequence`."""

from ...layers.keras.numpy_tools import pad_sequences

__all__ = [
    "pad_sequences",
]  # fmt: skip
