"""The names of TensorFlow 1.15's `tf.bitwise`."""

from .engine.ops.comparison import bitwise_and as bitwise_and
from .engine.ops.comparison import bitwise_or as bitwise_or
from .engine.ops.comparison import bitwise_xor as bitwise_xor
from .engine.ops.comparison import left_shift as left_shift
from .engine.ops.comparison import right_shift as right_shift
from .engine.ops.rounding import invert as invert
