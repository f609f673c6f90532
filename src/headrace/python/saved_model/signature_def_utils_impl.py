"""The names of `tensorflow.python.saved_model.signature_def_utils_impl`: those of `signature_def_utils`."""

from .signature_def_utils import *  # noqa: F403
from .signature_def_utils import __all__ as __all__
