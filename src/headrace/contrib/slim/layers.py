"""The names of TensorFlow 1.15's `tf.contrib.slim.layers`."""

from ...layers.contrib_convolution import (
    conv1d,
    conv2d,
    conv2d_transpose,
    conv3d,
    conv3d_transpose,
    convolution1d,
    convolution2d,
    convolution2d_transpose,
    convolution3d,
    convolution3d_transpose,
    separable_conv2d,
    separable_convolution2d,
)
from ...layers.contrib_core import (
    bias_add,
    dropout,
    flatten,
    fully_connected,
    one_hot_encoding,
    repeat,
    softmax,
    stack,
    unit_norm,
)
from ...layers.contrib_normalization import batch_norm, instance_norm, layer_norm
from ...layers.contrib_pooling import avg_pool2d, avg_pool3d, max_pool2d, max_pool3d
from ...layers.contrib_regularizers import apply_regularization

__all__ = [
    "apply_regularization", "avg_pool2d", "avg_pool3d", "batch_norm", "bias_add", "conv1d", "conv2d",
    "conv2d_transpose", "conv3d", "conv3d_transpose", "convolution1d", "convolution2d", "convolution2d_transpose",
    "convolution3d", "convolution3d_transpose", "dropout", "flatten", "fully_connected", "instance_norm",
    "layer_norm", "max_pool2d", "max_pool3d", "one_hot_encoding", "repeat", "separable_conv2d",
    "separable_convolution2d", "softmax", "stack", "unit_norm",
]  # fmt: skip
