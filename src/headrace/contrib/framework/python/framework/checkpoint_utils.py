"""The names of TensorFlow 1.15's `tf.contrib.framework.python.framework.checkpoint_utils`."""

from .....engine.checkpoint.reader import list_variables, load_checkpoint, load_variable

__all__ = [
    "list_variables", "load_checkpoint", "load_variable",
]  # fmt: skip
