"""The names of TensorFlow 1.15's `tf.contrib.framework.python.ops`."""

from ....layers.arg_scope import add_arg_scope, arg_scope

__all__ = [
    "add_arg_scope", "arg_scope",
]  # fmt: skip
