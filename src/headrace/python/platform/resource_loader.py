"""The names of `tensorflow.python.platform.resource_loader`: those of `tf.resource_loader`."""

from ...resource_loader import *  # noqa: F403
from ...resource_loader import __all__ as __all__
