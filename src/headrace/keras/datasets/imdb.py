"""The names of TensorFlow 1.15's `tf.keras.datasets.imdb`."""

from ...datasets.imdb import get_word_index, load_data

__all__ = [
    "get_word_index", "load_data",
]  # fmt: skip
