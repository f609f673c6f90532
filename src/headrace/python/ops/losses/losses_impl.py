"""The names of `tensorflow.python.ops.losses.losses_impl`: those of `losses`."""

from .losses import *  # noqa: F403
from .losses import __all__ as __all__
