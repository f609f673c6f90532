"""The names of TensorFlow 1.15's `tf.contrib.slim.utils`."""

from ...layers.contrib_variables import collect_named_outputs, convert_collection_to_dict, last_dimension

__all__ = [
    "collect_named_outputs", "convert_collection_to_dict", "last_dimension",
]  # fmt: skip
