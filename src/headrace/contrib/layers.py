"""The names of TensorFlow 1.15's `tf.contrib.layers`."""

from ..engine.initializers import variance_scaling_initializer, xavier_initializer, xavier_initializer_conv2d
from ..engine.linear_map import linear
from ..engine.ops.array import stack
from ..engine.ops.nn_activations import relu
from ..engine.ops.nn_convolution import conv2d, conv2d_transpose, convolution
from ..engine.ops.nn_embedding import safe_embedding_lookup_sparse
from ..engine.ops.nn_layers import dropout
from ..engine.ops.nn_losses import softmax
from ..engine.ops.nn_pooling import max_pool2d
from ..layers.core import flatten

__all__ = [
    "conv2d", "conv2d_transpose", "convolution", "dropout", "flatten", "linear", "max_pool2d", "relu",
    "safe_embedding_lookup_sparse", "softmax", "stack", "variance_scaling_initializer", "xavier_initializer",
    "xavier_initializer_conv2d",
]  # fmt: skip
