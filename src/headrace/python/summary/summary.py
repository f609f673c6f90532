"""The names of `tensorflow.python.summary.summary`: those of `tf.summary`."""

from ...summary import *  # noqa: F403
from ...summary import __all__ as __all__
