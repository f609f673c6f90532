"""The names of `tensorflow.python.ops.signal.signal`: those of `tf.signal`."""

from ....signal import *  # noqa: F403
from ....signal import __all__ as __all__
