"""The names of `tensorflow.python.platform.test`: those of `tf.test`."""

from ...test import *  # noqa: F403
from ...test import __all__ as __all__
