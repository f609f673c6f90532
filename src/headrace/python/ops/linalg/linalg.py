"""The names of `tensorflow.python.ops.linalg.linalg`: those of `tf.linalg`."""

from ....linalg import *  # noqa: F403
from ....linalg import __all__ as __all__
