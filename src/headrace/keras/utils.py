"""The names of TensorFlow 1.15's `tf.keras.utils`."""

from ..layers.keras.backend import clear_session
from ..layers.keras.files import get_file
from ..layers.keras.numpy_tools import PyDataset, Sequence, normalize, pad_sequences, set_random_seed, to_categorical
from ..layers.keras.serialization import (
    CustomObjectScope,
    custom_object_scope,
    deserialize_keras_object,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
    serialize_keras_object,
)

__all__ = [
    "CustomObjectScope", "PyDataset", "Sequence", "clear_session", "custom_object_scope", "deserialize_keras_object",
    "get_custom_objects", "get_file", "get_registered_name", "get_registered_object", "normalize", "pad_sequences",
    "register_keras_serializable", "serialize_keras_object", "set_random_seed", "to_categorical",
]  # fmt: skip
