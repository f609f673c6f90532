"""The names of `tensorflow.python.ops.nn`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.ops.clipping import l2_normalize
    from ...engine.ops.nn_activations import elu, leaky_relu, relu, relu6, selu, softsign
    from ...engine.ops.nn_bias import bias_add, l2_loss, relu_layer, xw_plus_b
    from ...engine.ops.nn_candidates import (
        all_candidate_sampler,
        compute_accidental_hits,
        fixed_unigram_candidate_sampler,
        learned_unigram_candidate_sampler,
        log_uniform_candidate_sampler,
        uniform_candidate_sampler,
    )
    from ...engine.ops.nn_convolution import (
        atrous_conv2d,
        atrous_conv2d_transpose,
        conv1d,
        conv2d,
        conv2d_backprop_filter,
        conv2d_backprop_input,
        conv2d_transpose,
        conv3d as conv3d_v1,
        conv3d_backprop_filter as conv3d_backprop_filter_v2,
        conv3d_transpose,
        convolution,
        depthwise_conv2d,
        depthwise_conv2d_native,
        depthwise_conv2d_native_backprop_filter,
        depthwise_conv2d_native_backprop_input,
        separable_conv2d,
    )
    from ...engine.ops.nn_ctc import ctc_beam_search_decoder, ctc_beam_search_decoder_v2, ctc_greedy_decoder, ctc_loss
    from ...engine.ops.nn_embedding import embedding_lookup, embedding_lookup_sparse, safe_embedding_lookup_sparse
    from ...engine.ops.nn_layers import crelu, dropout, swish, zero_fraction
    from ...engine.ops.nn_losses import (
        log_poisson_loss,
        log_softmax,
        sigmoid_cross_entropy_with_logits,
        softmax,
        softmax_cross_entropy_with_logits,
        softmax_cross_entropy_with_logits_v2 as softmax_cross_entropy_with_logits_v2_helper,
        sparse_softmax_cross_entropy_with_logits,
        weighted_cross_entropy_with_logits,
    )
    from ...engine.ops.nn_moments import (
        batch_norm_with_global_normalization,
        batch_normalization,
        fused_batch_norm,
        local_response_normalization,
        local_response_normalization as lrn,
        moments,
        normalize_moments,
        sufficient_statistics,
        weighted_moments,
    )
    from ...engine.ops.nn_pooling import (
        avg_pool,
        avg_pool1d,
        avg_pool3d,
        max_pool,
        max_pool1d,
        max_pool2d,
        max_pool3d,
        max_pool_with_argmax as max_pool_with_argmax_v1,
        pool,
    )
    from ...engine.ops.nn_sampled import nce_loss, sampled_softmax_loss
    from ...engine.ops.top import in_top_k, top_k
    from ...engine.ops.trigonometric import sigmoid, tanh

__all__ = [
    "all_candidate_sampler", "atrous_conv2d", "atrous_conv2d_transpose", "avg_pool", "avg_pool1d", "avg_pool3d",
    "batch_norm_with_global_normalization", "batch_normalization", "bias_add", "compute_accidental_hits", "conv1d",
    "conv2d", "conv2d_backprop_filter", "conv2d_backprop_input", "conv2d_transpose", "conv3d_backprop_filter_v2",
    "conv3d_transpose", "conv3d_v1", "convolution", "crelu", "ctc_beam_search_decoder", "ctc_beam_search_decoder_v2",
    "ctc_greedy_decoder", "ctc_loss", "depthwise_conv2d", "depthwise_conv2d_native",
    "depthwise_conv2d_native_backprop_filter", "depthwise_conv2d_native_backprop_input", "dropout", "elu",
    "embedding_lookup", "embedding_lookup_sparse", "fixed_unigram_candidate_sampler", "fused_batch_norm", "in_top_k",
    "l2_loss", "l2_normalize", "leaky_relu", "learned_unigram_candidate_sampler", "local_response_normalization",
    "log_poisson_loss", "log_softmax", "log_uniform_candidate_sampler", "lrn", "max_pool", "max_pool1d", "max_pool2d",
    "max_pool3d", "max_pool_with_argmax_v1", "moments", "nce_loss", "normalize_moments", "pool", "relu", "relu6",
    "relu_layer", "safe_embedding_lookup_sparse", "sampled_softmax_loss", "selu", "separable_conv2d", "sigmoid",
    "sigmoid_cross_entropy_with_logits", "softmax", "softmax_cross_entropy_with_logits",
    "softmax_cross_entropy_with_logits_v2_helper", "softsign", "sparse_softmax_cross_entropy_with_logits",
    "sufficient_statistics", "swish", "tanh", "top_k", "uniform_candidate_sampler",
    "weighted_cross_entropy_with_logits", "weighted_moments", "xw_plus_b", "zero_fraction",
]  # fmt: skip

_PLACES: Places = {
    "all_candidate_sampler": ("...engine.ops.nn_candidates", "all_candidate_sampler"),
    "atrous_conv2d": ("...engine.ops.nn_convolution", "atrous_conv2d"),
    "atrous_conv2d_transpose": ("...engine.ops.nn_convolution", "atrous_conv2d_transpose"),
    "avg_pool": ("...engine.ops.nn_pooling", "avg_pool"),
    "avg_pool1d": ("...engine.ops.nn_pooling", "avg_pool1d"),
    "avg_pool3d": ("...engine.ops.nn_pooling", "avg_pool3d"),
    "batch_norm_with_global_normalization": ("...engine.ops.nn_moments", "batch_norm_with_global_normalization"),
    "batch_normalization": ("...engine.ops.nn_moments", "batch_normalization"),
    "bias_add": ("...engine.ops.nn_bias", "bias_add"),
    "compute_accidental_hits": ("...engine.ops.nn_candidates", "compute_accidental_hits"),
    "conv1d": ("...engine.ops.nn_convolution", "conv1d"),
    "conv2d": ("...engine.ops.nn_convolution", "conv2d"),
    "conv2d_backprop_filter": ("...engine.ops.nn_convolution", "conv2d_backprop_filter"),
    "conv2d_backprop_input": ("...engine.ops.nn_convolution", "conv2d_backprop_input"),
    "conv2d_transpose": ("...engine.ops.nn_convolution", "conv2d_transpose"),
    "conv3d_backprop_filter_v2": ("...engine.ops.nn_convolution", "conv3d_backprop_filter"),
    "conv3d_transpose": ("...engine.ops.nn_convolution", "conv3d_transpose"),
    "conv3d_v1": ("...engine.ops.nn_convolution", "conv3d"),
    "convolution": ("...engine.ops.nn_convolution", "convolution"),
    "crelu": ("...engine.ops.nn_layers", "crelu"),
    "ctc_beam_search_decoder": ("...engine.ops.nn_ctc", "ctc_beam_search_decoder"),
    "ctc_beam_search_decoder_v2": ("...engine.ops.nn_ctc", "ctc_beam_search_decoder_v2"),
    "ctc_greedy_decoder": ("...engine.ops.nn_ctc", "ctc_greedy_decoder"),
    "ctc_loss": ("...engine.ops.nn_ctc", "ctc_loss"),
    "depthwise_conv2d": ("...engine.ops.nn_convolution", "depthwise_conv2d"),
    "depthwise_conv2d_native": ("...engine.ops.nn_convolution", "depthwise_conv2d_native"),
    "depthwise_conv2d_native_backprop_filter": (
        "...engine.ops.nn_convolution",
        "depthwise_conv2d_native_backprop_filter",
    ),
    "depthwise_conv2d_native_backprop_input": (
        "...engine.ops.nn_convolution",
        "depthwise_conv2d_native_backprop_input",
    ),
    "dropout": ("...engine.ops.nn_layers", "dropout"),
    "elu": ("...engine.ops.nn_activations", "elu"),
    "embedding_lookup": ("...engine.ops.nn_embedding", "embedding_lookup"),
    "embedding_lookup_sparse": ("...engine.ops.nn_embedding", "embedding_lookup_sparse"),
    "fixed_unigram_candidate_sampler": ("...engine.ops.nn_candidates", "fixed_unigram_candidate_sampler"),
    "fused_batch_norm": ("...engine.ops.nn_moments", "fused_batch_norm"),
    "in_top_k": ("...engine.ops.top", "in_top_k"),
    "l2_loss": ("...engine.ops.nn_bias", "l2_loss"),
    "l2_normalize": ("...engine.ops.clipping", "l2_normalize"),
    "leaky_relu": ("...engine.ops.nn_activations", "leaky_relu"),
    "learned_unigram_candidate_sampler": ("...engine.ops.nn_candidates", "learned_unigram_candidate_sampler"),
    "local_response_normalization": ("...engine.ops.nn_moments", "local_response_normalization"),
    "log_poisson_loss": ("...engine.ops.nn_losses", "log_poisson_loss"),
    "log_softmax": ("...engine.ops.nn_losses", "log_softmax"),
    "log_uniform_candidate_sampler": ("...engine.ops.nn_candidates", "log_uniform_candidate_sampler"),
    "lrn": ("...engine.ops.nn_moments", "local_response_normalization"),
    "max_pool": ("...engine.ops.nn_pooling", "max_pool"),
    "max_pool1d": ("...engine.ops.nn_pooling", "max_pool1d"),
    "max_pool2d": ("...engine.ops.nn_pooling", "max_pool2d"),
    "max_pool3d": ("...engine.ops.nn_pooling", "max_pool3d"),
    "max_pool_with_argmax_v1": ("...engine.ops.nn_pooling", "max_pool_with_argmax"),
    "moments": ("...engine.ops.nn_moments", "moments"),
    "nce_loss": ("...engine.ops.nn_sampled", "nce_loss"),
    "normalize_moments": ("...engine.ops.nn_moments", "normalize_moments"),
    "pool": ("...engine.ops.nn_pooling", "pool"),
    "relu": ("...engine.ops.nn_activations", "relu"),
    "relu6": ("...engine.ops.nn_activations", "relu6"),
    "relu_layer": ("...engine.ops.nn_bias", "relu_layer"),
    "safe_embedding_lookup_sparse": ("...engine.ops.nn_embedding", "safe_embedding_lookup_sparse"),
    "sampled_softmax_loss": ("...engine.ops.nn_sampled", "sampled_softmax_loss"),
    "selu": ("...engine.ops.nn_activations", "selu"),
    "separable_conv2d": ("...engine.ops.nn_convolution", "separable_conv2d"),
    "sigmoid": ("...engine.ops.trigonometric", "sigmoid"),
    "sigmoid_cross_entropy_with_logits": ("...engine.ops.nn_losses", "sigmoid_cross_entropy_with_logits"),
    "softmax": ("...engine.ops.nn_losses", "softmax"),
    "softmax_cross_entropy_with_logits": ("...engine.ops.nn_losses", "softmax_cross_entropy_with_logits"),
    "softmax_cross_entropy_with_logits_v2_helper": ("...engine.ops.nn_losses", "softmax_cross_entropy_with_logits_v2"),
    "softsign": ("...engine.ops.nn_activations", "softsign"),
    "sparse_softmax_cross_entropy_with_logits": ("...engine.ops.nn_losses", "sparse_softmax_cross_entropy_with_logits"),
    "sufficient_statistics": ("...engine.ops.nn_moments", "sufficient_statistics"),
    "swish": ("...engine.ops.nn_layers", "swish"),
    "tanh": ("...engine.ops.trigonometric", "tanh"),
    "top_k": ("...engine.ops.top", "top_k"),
    "uniform_candidate_sampler": ("...engine.ops.nn_candidates", "uniform_candidate_sampler"),
    "weighted_cross_entropy_with_logits": ("...engine.ops.nn_losses", "weighted_cross_entropy_with_logits"),
    "weighted_moments": ("...engine.ops.nn_moments", "weighted_moments"),
    "xw_plus_b": ("...engine.ops.nn_bias", "xw_plus_b"),
    "zero_fraction": ("...engine.ops.nn_layers", "zero_fraction"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
