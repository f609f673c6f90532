"""The names of `tensorflow.python.saved_model.tag_constants`: those of `tf.saved_model.tag_constants`."""

from ...saved_model.tag_constants import *  # noqa: F403
from ...saved_model.tag_constants import __all__ as __all__
