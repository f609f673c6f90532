"""The names of TensorFlow 1.15's `tf.nn`."""

from ..engine.linear_map import linear
from ..engine.ops.array_space import depth_to_space, space_to_batch, space_to_depth
from ..engine.ops.clipping import l2_normalize
from ..engine.ops.nn_activations import elu, leaky_relu, relu, relu6, selu, softplus, softsign
from ..engine.ops.nn_bias import bias_add, l2_loss, relu_layer, xw_plus_b
from ..engine.ops.nn_candidates import (
    all_candidate_sampler,
    compute_accidental_hits,
    fixed_unigram_candidate_sampler,
    learned_unigram_candidate_sampler,
    log_uniform_candidate_sampler,
    uniform_candidate_sampler,
)
from ..engine.ops.nn_convolution import (
    atrous_conv2d,
    atrous_conv2d_transpose,
    conv1d,
    conv2d,
    conv2d_backprop_filter,
    conv2d_backprop_input,
    conv2d_transpose,
    conv3d,
    conv3d_backprop_filter,
    conv3d_backprop_filter as conv3d_backprop_filter_v2,
    conv3d_transpose,
    convolution,
    deconv2d,
    depthwise_conv2d,
    depthwise_conv2d_native,
    depthwise_conv2d_native_backprop_filter,
    depthwise_conv2d_native_backprop_input,
    separable_conv2d,
)
from ..engine.ops.nn_ctc import ctc_beam_search_decoder, ctc_beam_search_decoder_v2, ctc_greedy_decoder, ctc_loss
from ..engine.ops.nn_embedding import embedding_lookup, embedding_lookup_sparse, safe_embedding_lookup_sparse
from ..engine.ops.nn_layers import crelu, dropout, swish, zero_fraction
from ..engine.ops.nn_losses import (
    log_poisson_loss,
    log_softmax,
    sigmoid_cross_entropy_with_logits,
    softmax,
    softmax_cross_entropy_with_logits,
    softmax_cross_entropy_with_logits_v2,
    sparse_softmax_cross_entropy_with_logits,
    weighted_cross_entropy_with_logits,
)
from ..engine.ops.nn_moments import (
    batch_norm_with_global_normalization,
    batch_normalization,
    fused_batch_norm,
    local_response_normalization,
    lrn,
    moments,
    normalize_moments,
    sufficient_statistics,
    weighted_moments,
)
from ..engine.ops.nn_pooling import (
    avg_pool,
    avg_pool1d,
    avg_pool2d,
    avg_pool3d,
    max_pool,
    max_pool1d,
    max_pool2d,
    max_pool3d,
    max_pool_with_argmax,
    pool,
)
from ..engine.ops.nn_sampled import nce_loss, sampled_softmax_loss
from ..engine.ops.top import in_top_k, top_k
from ..engine.ops.trigonometric import sigmoid, tanh
from ..layers.recurrent.bidirectional import (
    bidirectional_dynamic_rnn,
    static_bidirectional_rnn,
    static_bidirectional_rnn as bidirectional_rnn,
)
from ..layers.recurrent.dynamic import dynamic_rnn
from ..layers.recurrent.raw import raw_rnn
from ..layers.recurrent.static import static_rnn, static_rnn as rnn
from . import rnn_cell, seq2seq

__all__ = [
    "all_candidate_sampler", "atrous_conv2d", "atrous_conv2d_transpose", "avg_pool", "avg_pool1d", "avg_pool2d",
    "avg_pool3d", "batch_norm_with_global_normalization", "batch_normalization", "bias_add",
    "bidirectional_dynamic_rnn", "bidirectional_rnn", "compute_accidental_hits", "conv1d", "conv2d",
    "conv2d_backprop_filter", "conv2d_backprop_input", "conv2d_transpose", "conv3d", "conv3d_backprop_filter",
    "conv3d_backprop_filter_v2", "conv3d_transpose", "convolution", "crelu", "ctc_beam_search_decoder",
    "ctc_beam_search_decoder_v2", "ctc_greedy_decoder", "ctc_loss", "deconv2d", "depth_to_space", "depthwise_conv2d",
    "depthwise_conv2d_native", "depthwise_conv2d_native_backprop_filter", "depthwise_conv2d_native_backprop_input",
    "dropout", "dynamic_rnn", "elu", "embedding_lookup", "embedding_lookup_sparse", "fixed_unigram_candidate_sampler",
    "fused_batch_norm", "in_top_k", "l2_loss", "l2_normalize", "leaky_relu", "learned_unigram_candidate_sampler",
    "linear", "local_response_normalization", "log_poisson_loss", "log_softmax", "log_uniform_candidate_sampler",
    "lrn", "max_pool", "max_pool1d", "max_pool2d", "max_pool3d", "max_pool_with_argmax", "moments", "nce_loss",
    "normalize_moments", "pool", "raw_rnn", "relu", "relu6", "relu_layer", "rnn", "rnn_cell",
    "safe_embedding_lookup_sparse", "sampled_softmax_loss", "selu", "separable_conv2d", "seq2seq", "sigmoid",
    "sigmoid_cross_entropy_with_logits", "softmax", "softmax_cross_entropy_with_logits",
    "softmax_cross_entropy_with_logits_v2", "softplus", "softsign", "space_to_batch", "space_to_depth",
    "sparse_softmax_cross_entropy_with_logits", "static_bidirectional_rnn", "static_rnn", "sufficient_statistics",
    "swish", "tanh", "top_k", "uniform_candidate_sampler", "weighted_cross_entropy_with_logits", "weighted_moments",
    "xw_plus_b", "zero_fraction",
]  # fmt: skip
