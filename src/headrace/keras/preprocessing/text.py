"""The names of TensorFlow 1.15's `tf.keras.preprocessing.text`."""

from ...layers.keras.tokenizer import Tokenizer, hashing_trick, one_hot, text_to_word_sequence, tokenizer_from_json

__all__ = [
    "Tokenizer", "hashing_trick", "one_hot", "text_to_word_sequence", "tokenizer_from_json",
]  # fmt: skip
