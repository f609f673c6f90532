"""The names of TensorFlow 1.15's `tf.keras.mixed_precision.experimental`."""

from ...engine.training.loss_scale import global_policy, set_policy

__all__ = [
    "global_policy", "set_policy",
]  # fmt: skip
