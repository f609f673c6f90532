"""The names of `tensorflow.python.platform.app`: those of `tf.app`."""

from ...app import *  # noqa: F403
from ...app import __all__ as __all__
