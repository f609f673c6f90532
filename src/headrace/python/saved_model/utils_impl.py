"""The names of `tensorflow.python.saved_model.utils_impl`: those of `utils`."""

from .utils import *  # noqa: F403
from .utils import __all__ as __all__
