"""The names of `tensorflow.python.ops.nn_impl`: those of `nn`."""

from .nn import *  # noqa: F403
from .nn import __all__ as __all__
