"""The names of TensorFlow 1.15's `tf.contrib.lookup`."""

from ..engine.lookup import HashTable as HashTable
from ..engine.lookup import KeyValueTensorInitializer as KeyValueTensorInitializer
from ..engine.lookup import index_table_from_tensor as index_table_from_tensor
from ..engine.lookup import index_to_string as index_to_string
from ..engine.lookup import index_to_string_table_from_tensor as index_to_string_table_from_tensor
from ..engine.lookup import string_to_index_table_from_file as string_to_index_table_from_file
from ..engine.lookup import string_to_index_table_from_tensor as string_to_index_table_from_tensor
