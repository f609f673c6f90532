"""The names of TensorFlow 1.15's `tf.contrib.layers`."""

from ..engine.initializers import variance_scaling_initializer as variance_scaling_initializer
from ..engine.initializers import xavier_initializer as xavier_initializer
from ..engine.initializers import xavier_initializer_conv2d as xavier_initializer_conv2d
from ..engine.ops.array import stack as stack
from ..engine.ops.nn_activations import relu as relu
from ..engine.ops.nn_convolution import conv2d as conv2d
from ..engine.ops.nn_convolution import conv2d_transpose as conv2d_transpose
from ..engine.ops.nn_convolution import convolution as convolution
from ..engine.ops.nn_embedding import safe_embedding_lookup_sparse as safe_embedding_lookup_sparse
from ..engine.ops.nn_layers import dropout as dropout
from ..engine.ops.nn_losses import softmax as softmax
from ..engine.ops.nn_pooling import max_pool2d as max_pool2d
from ..layers.core import flatten as flatten
