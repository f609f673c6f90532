"""The names of TensorFlow 1.15's `tf.contrib.util`."""

from ..engine.static import constant_value
from ..engine.tensor_proto import make_ndarray, make_tensor_proto

__all__ = [
    "constant_value", "make_ndarray", "make_tensor_proto",
]  # fmt: skip
