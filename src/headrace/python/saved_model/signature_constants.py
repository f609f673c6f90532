"""The names of `tensorflow.python.saved_model.signature_constants`: those of `tf.saved_model.signature_constants`."""

from ...saved_model.signature_constants import *  # noqa: F403
from ...saved_model.signature_constants import __all__ as __all__
