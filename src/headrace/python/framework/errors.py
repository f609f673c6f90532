"""The names of `tensorflow.python.framework.errors`: those of `tf.errors`."""

from ...errors import *  # noqa: F403
from ...errors import __all__ as __all__
