"""The names of `tensorflow.python.saved_model.builder_impl`: those of `builder`."""

from .builder import *  # noqa: F403
from .builder import __all__ as __all__
