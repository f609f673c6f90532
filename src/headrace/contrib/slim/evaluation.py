"""The names of TensorFlow 1.15's `tf.contrib.slim.evaluation`."""

from ...engine.training.basic_loops import checkpoints_iterator, wait_for_new_checkpoint
from ...layers.contrib_evaluation import slim_evaluate_once as evaluate_once, slim_evaluation_loop as evaluation_loop

__all__ = [
    "checkpoints_iterator", "evaluate_once", "evaluation_loop", "wait_for_new_checkpoint",
]  # fmt: skip
