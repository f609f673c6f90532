"""The names of `tensorflow.python.ops.gradients_impl`: those of `gradients`."""

from .gradients import *  # noqa: F403
from .gradients import __all__ as __all__
