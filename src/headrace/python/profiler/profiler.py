"""The names of `tensorflow.python.profiler.profiler`: those of `tf.profiler`."""

from ...profiler import *  # noqa: F403
from ...profiler import __all__ as __all__
