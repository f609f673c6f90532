"""The names of `tensorflow.python.ops.rnn_cell_impl`: those of `rnn_cell`."""

from .rnn_cell import *  # noqa: F403
from .rnn_cell import __all__ as __all__
