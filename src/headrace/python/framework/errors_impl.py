"""The names of `tensorflow.python.framework.errors_impl`: those of `errors`."""

from .errors import *  # noqa: F403
from .errors import __all__ as __all__
