"""The names of TensorFlow 1.15's `tf.contrib.slim`."""

from ...engine.initializers import (
    contrib_variance_scaling_initializer as variance_scaling_initializer,
    xavier_initializer,
    xavier_initializer_conv2d,
)
from ...engine.training.global_step import create_global_step, get_global_step, get_or_create_global_step
from ...layers.arg_scope import add_arg_scope, arg_scope, arg_scoped_arguments
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
from ...layers.contrib_encoders import bow_encoder, maxout, spatial_softmax
from ...layers.contrib_normalization import batch_norm, instance_norm, layer_norm
from ...layers.contrib_pooling import avg_pool2d, avg_pool3d, max_pool2d, max_pool3d
from ...layers.contrib_regularizers import (
    apply_regularization,
    l1_l2_regularizer,
    l1_regularizer,
    l2_regularizer,
    sum_regularizer,
)
from ...layers.contrib_variables import (
    add_model_variable,
    assign_from_checkpoint,
    assign_from_checkpoint_fn,
    assign_from_values,
    assign_from_values_fn,
    filter_variables,
    get_local_variables,
    get_model_variables,
    get_trainable_variables,
    get_unique_variable,
    get_variable_full_name,
    get_variables,
    get_variables_by_name,
    get_variables_by_suffix,
    get_variables_to_restore,
    local_variable,
    model_variable,
    variable,
)
from . import evaluation, initializers, layers, learning, losses, metrics, regularizers, summaries, utils

__all__ = [
    "add_arg_scope", "add_model_variable", "apply_regularization", "arg_scope", "arg_scoped_arguments",
    "assign_from_checkpoint", "assign_from_checkpoint_fn", "assign_from_values", "assign_from_values_fn",
    "avg_pool2d", "avg_pool3d", "batch_norm", "bias_add", "bow_encoder", "conv1d", "conv2d", "conv2d_transpose",
    "conv3d", "conv3d_transpose", "convolution1d", "convolution2d", "convolution2d_transpose", "convolution3d",
    "convolution3d_transpose", "create_global_step", "dropout", "evaluation", "filter_variables", "flatten",
    "fully_connected", "get_global_step", "get_local_variables", "get_model_variables", "get_or_create_global_step",
    "get_trainable_variables", "get_unique_variable", "get_variable_full_name", "get_variables",
    "get_variables_by_name", "get_variables_by_suffix", "get_variables_to_restore", "initializers", "instance_norm",
    "l1_l2_regularizer", "l1_regularizer", "l2_regularizer", "layer_norm", "layers", "learning", "local_variable",
    "losses", "max_pool2d", "max_pool3d", "maxout", "metrics", "model_variable", "one_hot_encoding", "regularizers",
    "repeat", "separable_conv2d", "separable_convolution2d", "softmax", "spatial_softmax", "stack", "sum_regularizer",
    "summaries", "unit_norm", "utils", "variable", "variance_scaling_initializer", "xavier_initializer",
    "xavier_initializer_conv2d",
]  # fmt: skip
