"""The names of TensorFlow 1.15's `tf.contrib.cudnn_rnn.python.layers`."""

from . import cudnn_rnn

__all__ = [
    "cudnn_rnn",
]  # fmt: skip
