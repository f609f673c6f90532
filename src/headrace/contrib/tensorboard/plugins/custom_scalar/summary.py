"""`tf.contrib.tensorboard.plugins.custom_scalar.summary`: layouts of scalars."""

from .....engine.ops.summary_plugins import custom_scalar as op
from .....engine.summary.plugins import custom_scalar_pb as pb

__all__ = [
    "op", "pb",
]  # fmt: skip
