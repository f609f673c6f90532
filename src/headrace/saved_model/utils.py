"""The names of TensorFlow 1.15's `tf.saved_model.utils`."""

from ..engine.saved_model.signature_defs import build_tensor_info, get_tensor_from_tensor_info

__all__ = [
    "build_tensor_info", "get_tensor_from_tensor_info",
]  # fmt: skip
