"""The names of TensorFlow 1.15's `tf.contrib.cudnn_rnn.python`."""

from . import layers, ops

__all__ = [
    "layers", "ops",
]  # fmt: skip
