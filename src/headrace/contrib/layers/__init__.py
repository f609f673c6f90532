"""The names of TensorFlow 1.15's `tf.contrib.layers`."""

from ...engine.initializers import (
    contrib_variance_scaling_initializer as variance_scaling_initializer,
    xavier_initializer,
    xavier_initializer_conv2d,
)
from ...engine.ops.nn_embedding import safe_embedding_lookup_sparse
from ...estimators.columns.contrib_names import (
    bucketized_column,
    create_feature_spec_for_parsing,
    crossed_column,
    embedding_column,
    input_from_feature_columns,
    one_hot_column,
    real_valued_column,
    shared_embedding_columns,
    sparse_column_with_hash_bucket,
    sparse_column_with_integerized_feature,
    sparse_column_with_keys,
    sparse_column_with_vocabulary_file,
    weighted_sparse_column,
    weighted_sum_from_feature_columns,
)
from ...layers.contrib_convolution import (
    conv1d,
    conv2d,
    conv2d_transpose,
    conv3d,
    conv3d_transpose,
    convolution,
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
    elu,
    embed_sequence,
    embedding_lookup_unique,
    flatten,
    fully_connected,
    linear,
    one_hot_encoding,
    relu,
    relu6,
    repeat,
    softmax,
    stack,
    unit_norm,
)
from ...layers.contrib_encoders import bow_encoder, dense_to_sparse, maxout, spatial_softmax
from ...layers.contrib_normalization import batch_norm, instance_norm, layer_norm
from ...layers.contrib_optimizers import OPTIMIZER_CLS_NAMES, OPTIMIZER_SUMMARIES, optimize_loss
from ...layers.contrib_pooling import avg_pool2d, avg_pool3d, max_pool2d, max_pool3d
from ...layers.contrib_regularizers import (
    apply_regularization,
    l1_l2_regularizer,
    l1_regularizer,
    l2_regularizer,
    sum_regularizer,
)
from ...layers.contrib_summaries import (
    summarize_activation,
    summarize_activations,
    summarize_biases,
    summarize_collection,
    summarize_tensor,
    summarize_tensors,
    summarize_variables,
    summarize_weights,
)
from . import python, summaries, utils

__all__ = [
    "OPTIMIZER_CLS_NAMES", "OPTIMIZER_SUMMARIES", "apply_regularization", "avg_pool2d", "avg_pool3d", "batch_norm",
    "bias_add", "bow_encoder", "bucketized_column", "conv1d", "conv2d", "conv2d_transpose", "conv3d",
    "conv3d_transpose", "convolution", "convolution1d", "convolution2d", "convolution2d_transpose", "convolution3d",
    "convolution3d_transpose", "create_feature_spec_for_parsing", "crossed_column", "dense_to_sparse", "dropout",
    "elu", "embed_sequence", "embedding_column", "embedding_lookup_unique", "flatten", "fully_connected",
    "input_from_feature_columns", "instance_norm", "l1_l2_regularizer", "l1_regularizer", "l2_regularizer",
    "layer_norm", "linear", "max_pool2d", "max_pool3d", "maxout", "one_hot_column", "one_hot_encoding",
    "optimize_loss", "python", "real_valued_column", "relu", "relu6", "repeat", "safe_embedding_lookup_sparse",
    "separable_conv2d", "separable_convolution2d", "shared_embedding_columns", "softmax",
    "sparse_column_with_hash_bucket", "sparse_column_with_integerized_feature", "sparse_column_with_keys",
    "sparse_column_with_vocabulary_file", "spatial_softmax", "stack", "sum_regularizer", "summaries",
    "summarize_activation", "summarize_activations", "summarize_biases", "summarize_collection", "summarize_tensor",
    "summarize_tensors", "summarize_variables", "summarize_weights", "unit_norm", "utils",
    "variance_scaling_initializer", "weighted_sparse_column", "weighted_sum_from_feature_columns",
    "xavier_initializer", "xavier_initializer_conv2d",
]  # fmt: skip
