"""The names of TensorFlow 1.15's `tf.bitwise`."""

from .engine.ops.comparison import bitwise_and, bitwise_or, bitwise_xor, left_shift, right_shift
from .engine.ops.rounding import invert

__all__ = [
    "bitwise_and", "bitwise_or", "bitwise_xor", "invert", "left_shift", "right_shift",
]  # fmt: skip
