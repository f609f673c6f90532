"""The names of TensorFlow 1.15's `tf.contrib.training`."""

from ...engine.device_setter import GreedyLoadBalancingStrategy, byte_size_load_fn
from ...engine.training.basic_loops import checkpoints_iterator, wait_for_new_checkpoint
from ...layers.contrib_evaluation import StopAfterNEvalsHook, SummaryAtEndHook, evaluate_once, evaluate_repeatedly
from ...layers.contrib_hparams import HParams, parse_values
from ...layers.contrib_training import (
    add_gradients_summaries,
    clip_gradient_norms,
    clip_gradient_norms_fn,
    create_train_op,
    multiply_gradients,
)
from . import python

__all__ = [
    "GreedyLoadBalancingStrategy", "HParams", "StopAfterNEvalsHook", "SummaryAtEndHook", "add_gradients_summaries",
    "byte_size_load_fn", "checkpoints_iterator", "clip_gradient_norms", "clip_gradient_norms_fn", "create_train_op",
    "evaluate_once", "evaluate_repeatedly", "multiply_gradients", "parse_values", "python", "wait_for_new_checkpoint",
]  # fmt: skip
