"""The names of TensorFlow 1.15's `tf.contrib.lookup`."""

from ..engine.lookup import (
    HashTable,
    KeyValueTensorInitializer,
    index_table_from_tensor,
    index_to_string,
    index_to_string_table_from_tensor,
    string_to_index_table_from_file,
    string_to_index_table_from_tensor,
)

__all__ = [
    "HashTable", "KeyValueTensorInitializer", "index_table_from_tensor", "index_to_string",
    "index_to_string_table_from_tensor", "string_to_index_table_from_file", "string_to_index_table_from_tensor",
]  # fmt: skip
