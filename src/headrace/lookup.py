"""The names of TensorFlow 1.15's `tf.lookup`."""

from .engine.lookup import KeyValueTensorInitializer as KeyValueTensorInitializer
from .engine.lookup import StaticHashTable as StaticHashTable
from .engine.lookup import TextFileIndex as TextFileIndex
from .engine.lookup import TextFileInitializer as TextFileInitializer
