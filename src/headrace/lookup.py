"""The names of TensorFlow 1.15's `tf.lookup`."""

from .engine.lookup import KeyValueTensorInitializer, StaticHashTable, TextFileIndex, TextFileInitializer

__all__ = [
    "KeyValueTensorInitializer", "StaticHashTable", "TextFileIndex", "TextFileInitializer",
]  # fmt: skip
