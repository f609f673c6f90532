"""The names of TensorFlow 1.15's `tf.contrib.legacy_seq2seq`."""

from ..engine.ops.nn_losses import sequence_loss, sequence_loss_by_example

__all__ = [
    "sequence_loss", "sequence_loss_by_example",
]  # fmt: skip
