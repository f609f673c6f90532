"""`tf.contrib.tensorboard`: what TensorBoard's plugins read."""

from . import plugins

__all__ = [
    "plugins",
]  # fmt: skip
