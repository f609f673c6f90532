"""The names of `tensorflow.python.framework.dtypes`: those of `tf.dtypes`."""

from ...dtypes import *  # noqa: F403
from ...dtypes import __all__ as __all__
