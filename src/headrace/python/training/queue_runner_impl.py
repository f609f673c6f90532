"""The names of `tensorflow.python.training.queue_runner_impl`: those of `queue_runner`."""

from .queue_runner import *  # noqa: F403
from .queue_runner import __all__ as __all__
