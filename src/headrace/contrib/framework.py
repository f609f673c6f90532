"""The names of TensorFlow 1.15's `tf.contrib.framework`."""

from ..engine.checkpoint.reader import list_variables, load_checkpoint, load_variable
from ..engine.training.global_step import (
    assert_global_step,
    create_global_step,
    get_global_step,
    get_or_create_global_step,
)

__all__ = [
    "assert_global_step", "create_global_step", "get_global_step", "get_or_create_global_step", "list_variables",
    "load_checkpoint", "load_variable",
]  # fmt: skip
