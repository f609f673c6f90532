"""The names of TensorFlow 1.15's `tf.train.queue_runner`."""

from ..engine.training.queue_runner import QueueRunner as QueueRunner
from ..engine.training.queue_runner import add_queue_runner as add_queue_runner
from ..engine.training.queue_runner import start_queue_runners as start_queue_runners
