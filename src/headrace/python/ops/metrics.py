"""The names of `tensorflow.python.ops.metrics`: those of `tf.metrics`."""

from ...metrics import *  # noqa: F403
from ...metrics import __all__ as __all__
