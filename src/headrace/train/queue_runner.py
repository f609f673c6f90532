"""The names of TensorFlow 1.15's `tf.train.queue_runner`."""

from ..engine.training.queue_runner import QueueRunner, add_queue_runner, start_queue_runners

__all__ = [
    "QueueRunner", "add_queue_runner", "start_queue_runners",
]  # fmt: skip
