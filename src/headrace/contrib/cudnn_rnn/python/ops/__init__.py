"""The names of TensorFlow 1.15's `tf.contrib.cudnn_rnn.python.ops`."""

from . import cudnn_rnn_ops

__all__ = [
    "cudnn_rnn_ops",
]  # fmt: skip
