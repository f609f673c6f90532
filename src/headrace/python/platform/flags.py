"""The names of `tensorflow.python.platform.flags`: those of `tf.flags`."""

from ...flags import *  # noqa: F403
from ...flags import __all__ as __all__
