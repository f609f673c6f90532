"""The names of TensorFlow 1.15's `tf.contrib.training`."""

from ..engine.device_setter import GreedyLoadBalancingStrategy, byte_size_load_fn
from ..engine.training.basic_loops import checkpoints_iterator
from ..layers.contrib_training import (
    add_gradients_summaries,
    clip_gradient_norms,
    clip_gradient_norms_fn,
    create_train_op,
    multiply_gradients,
)

__all__ = [
    "GreedyLoadBalancingStrategy", "add_gradients_summaries", "byte_size_load_fn", "checkpoints_iterator",
    "clip_gradient_norms", "clip_gradient_norms_fn", "create_train_op", "multiply_gradients",
]  # fmt: skip
