"""The names of TensorFlow 1.15's `tf.contrib.training`."""

from ..engine.device_setter import GreedyLoadBalancingStrategy as GreedyLoadBalancingStrategy
from ..engine.device_setter import byte_size_load_fn as byte_size_load_fn
