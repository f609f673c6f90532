"""The names of TensorFlow 1.15's `tf.keras.preprocessing.sequence`."""

from ...layers.keras.numpy_tools import pad_sequences
from ...layers.keras.sequence_tools import make_sampling_table, skipgrams

__all__ = [
    "make_sampling_table", "pad_sequences", "skipgrams",
]  # fmt: skip
