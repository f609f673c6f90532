"""The names of `tensorflow.python.saved_model.constants`: those of `tf.saved_model.constants`."""

from ...saved_model.constants import *  # noqa: F403
from ...saved_model.constants import __all__ as __all__
