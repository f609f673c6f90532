"""The names of TensorFlow 1.15's `tf.nn.seq2seq`."""

from ..engine.ops.nn_losses import sequence_loss as sequence_loss
from ..engine.ops.nn_losses import sequence_loss_by_example as sequence_loss_by_example
