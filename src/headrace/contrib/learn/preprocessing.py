"""The names of TensorFlow 1.15's `tf.contrib.learn.preprocessing`."""

from ...datasets.contrib_preprocessing import ByteProcessor, CategoricalVocabulary, VocabularyProcessor

__all__ = [
    "ByteProcessor", "CategoricalVocabulary", "VocabularyProcessor",
]  # fmt: skip
