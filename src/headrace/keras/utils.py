"""The names of TensorFlow 1.15's `tf.keras.utils`."""

from ..datasets.directories import (
    image_dataset_from_directory,
    text_dataset_from_directory,
    timeseries_dataset_from_array,
)
from ..layers.keras.backend import clear_session
from ..layers.keras.files import get_file
from ..layers.keras.image_arrays import array_to_img, img_to_array, load_img, save_img
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
from ..layers.keras.several_gpus import multi_gpu_model

__all__ = [
    "CustomObjectScope", "PyDataset", "Sequence", "array_to_img", "clear_session", "custom_object_scope",
    "deserialize_keras_object", "get_custom_objects", "get_file", "get_registered_name", "get_registered_object",
    "image_dataset_from_directory", "img_to_array", "load_img", "multi_gpu_model", "normalize", "pad_sequences",
    "register_keras_serializable", "save_img", "serialize_keras_object", "set_random_seed",
    "text_dataset_from_directory", "timeseries_dataset_from_array", "to_categorical",
]  # fmt: skip
