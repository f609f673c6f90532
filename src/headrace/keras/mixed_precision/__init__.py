"""The names of TensorFlow 1.15's `tf.keras.mixed_precision`."""

from ...engine.training.loss_scale import global_policy, set_policy
from . import experimental

__all__ = [
    "experimental", "global_policy", "set_policy",
]  # fmt: skip
