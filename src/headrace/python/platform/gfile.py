"""The names of `tensorflow.python.platform.gfile`: those of `tf.gfile`."""

from ...gfile import *  # noqa: F403
from ...gfile import __all__ as __all__
