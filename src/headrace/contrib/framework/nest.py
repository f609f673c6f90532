"""The names of TensorFlow 1.15's `tf.contrib.framework.nest`."""

from ...engine.nest import assert_same_structure, flatten, is_nested as is_sequence, map_structure, pack_sequence_as

__all__ = [
    "assert_same_structure", "flatten", "is_sequence", "map_structure", "pack_sequence_as",
]  # fmt: skip
