"""The names of TensorFlow 1.15's `tf.contrib.saved_model`."""

from ..engine.saved_model.signature_defs import get_signature_def_by_key

__all__ = [
    "get_signature_def_by_key",
]  # fmt: skip
