"""The names of TensorFlow 1.15's `tf.keras.experimental`."""

from ..estimators.columns.sequence_input import SequenceFeatures

__all__ = [
    "SequenceFeatures",
]  # fmt: skip
