"""The names of TensorFlow 1.15's `tf.contrib.training`."""

from ..engine.device_setter import GreedyLoadBalancingStrategy, byte_size_load_fn

__all__ = [
    "GreedyLoadBalancingStrategy", "byte_size_load_fn",
]  # fmt: skip
