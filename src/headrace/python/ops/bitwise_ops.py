"""The names of `tensorflow.python.ops.bitwise_ops`: those of `tf.bitwise`."""

from ...bitwise import *  # noqa: F403
from ...bitwise import __all__ as __all__
