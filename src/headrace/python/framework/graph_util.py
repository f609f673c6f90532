"""The names of `tensorflow.python.framework.graph_util`: those of `tf.graph_util`."""

from ...graph_util import *  # noqa: F403
from ...graph_util import __all__ as __all__
