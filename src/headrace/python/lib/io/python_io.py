"""The names of `tensorflow.python.lib.io.python_io`: those of `tf.python_io`."""

from ....python_io import *  # noqa: F403
from ....python_io import __all__ as __all__
