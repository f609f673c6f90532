"""The names of `tensorflow.python.platform.tf_logging`: those of `tf.logging`."""

from ...logging import *  # noqa: F403
from ...logging import __all__ as __all__
