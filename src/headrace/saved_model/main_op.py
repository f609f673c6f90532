"""The names of TensorFlow 1.15's `tf.saved_model.main_op`."""

from ..engine.saved_model.main_op import main_op, main_op_with_restore

__all__ = [
    "main_op", "main_op_with_restore",
]  # fmt: skip
