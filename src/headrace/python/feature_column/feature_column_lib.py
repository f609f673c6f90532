"""The names of `tensorflow.python.feature_column.feature_column_lib`: those of `tf.feature_column`."""

from ...feature_column import *  # noqa: F403
from ...feature_column import __all__ as __all__
