"""The names of `tensorflow.python.ops.nn_ops`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.ops.nn_activations import elu, leaky_relu, relu, relu6, selu, softsign
    from ...engine.ops.nn_bias import bias_add, l2_loss, xw_plus_b
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
        depthwise_conv2d_native,
        depthwise_conv2d_native_backprop_filter,
        depthwise_conv2d_native_backprop_input,
    )
    from ...engine.ops.nn_layers import crelu, dropout
    from ...engine.ops.nn_losses import (
        log_softmax,
        softmax,
        softmax_cross_entropy_with_logits,
        softmax_cross_entropy_with_logits_v2,
        softmax_cross_entropy_with_logits_v2 as softmax_cross_entropy_with_logits_v2_helper,
        sparse_softmax_cross_entropy_with_logits,
    )
    from ...engine.ops.nn_moments import local_response_normalization, local_response_normalization as lrn
    from ...engine.ops.nn_pooling import (
        avg_pool,
        avg_pool1d,
        avg_pool2d,
        avg_pool3d,
        max_pool,
        max_pool1d,
        max_pool2d,
        max_pool3d,
        max_pool_with_argmax as max_pool_with_argmax_v1,
        pool,
    )
    from ...engine.ops.top import in_top_k, top_k

__all__ = [
    "atrous_conv2d", "atrous_conv2d_transpose", "avg_pool", "avg_pool1d", "avg_pool2d", "avg_pool3d", "bias_add",
    "conv1d", "conv2d", "conv2d_backprop_filter", "conv2d_backprop_input", "conv2d_transpose",
    "conv3d_backprop_filter_v2", "conv3d_transpose", "conv3d_v1", "convolution", "crelu", "depthwise_conv2d_native",
    "depthwise_conv2d_native_backprop_filter", "depthwise_conv2d_native_backprop_input", "dropout", "elu", "in_top_k",
    "l2_loss", "leaky_relu", "local_response_normalization", "log_softmax", "lrn", "max_pool", "max_pool1d",
    "max_pool2d", "max_pool3d", "max_pool_with_argmax_v1", "pool", "relu", "relu6", "selu", "softmax",
    "softmax_cross_entropy_with_logits", "softmax_cross_entropy_with_logits_v2",
    "softmax_cross_entropy_with_logits_v2_helper", "softsign", "sparse_softmax_cross_entropy_with_logits", "top_k",
    "xw_plus_b",
]  # fmt: skip

_PLACES: Places = {
    "atrous_conv2d": ("...engine.ops.nn_convolution", "atrous_conv2d"),
    "atrous_conv2d_transpose": ("...engine.ops.nn_convolution", "atrous_conv2d_transpose"),
    "avg_pool": ("...engine.ops.nn_pooling", "avg_pool"),
    "avg_pool1d": ("...engine.ops.nn_pooling", "avg_pool1d"),
    "avg_pool2d": ("...engine.ops.nn_pooling", "avg_pool2d"),
    "avg_pool3d": ("...engine.ops.nn_pooling", "avg_pool3d"),
    "bias_add": ("...engine.ops.nn_bias", "bias_add"),
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
    "in_top_k": ("...engine.ops.top", "in_top_k"),
    "l2_loss": ("...engine.ops.nn_bias", "l2_loss"),
    "leaky_relu": ("...engine.ops.nn_activations", "leaky_relu"),
    "local_response_normalization": ("...engine.ops.nn_moments", "local_response_normalization"),
    "log_softmax": ("...engine.ops.nn_losses", "log_softmax"),
    "lrn": ("...engine.ops.nn_moments", "local_response_normalization"),
    "max_pool": ("...engine.ops.nn_pooling", "max_pool"),
    "max_pool1d": ("...engine.ops.nn_pooling", "max_pool1d"),
    "max_pool2d": ("...engine.ops.nn_pooling", "max_pool2d"),
    "max_pool3d": ("...engine.ops.nn_pooling", "max_pool3d"),
    "max_pool_with_argmax_v1": ("...engine.ops.nn_pooling", "max_pool_with_argmax"),
    "pool": ("...engine.ops.nn_pooling", "pool"),
    "relu": ("...engine.ops.nn_activations", "relu"),
    "relu6": ("...engine.ops.nn_activations", "relu6"),
    "selu": ("...engine.ops.nn_activations", "selu"),
    "softmax": ("...engine.ops.nn_losses", "softmax"),
    "softmax_cross_entropy_with_logits": ("...engine.ops.nn_losses", "softmax_cross_entropy_with_logits"),
    "softmax_cross_entropy_with_logits_v2": ("...engine.ops.nn_losses", "softmax_cross_entropy_with_logits_v2"),
    "softmax_cross_entropy_with_logits_v2_helper": ("...engine.ops.nn_losses", "softmax_cross_entropy_with_logits_v2"),
    "softsign": ("...engine.ops.nn_activations", "softsign"),
    "sparse_softmax_cross_entropy_with_logits": ("...engine.ops.nn_losses", "sparse_softmax_cross_entropy_with_logits"),
    "top_k": ("...engine.ops.top", "top_k"),
    "xw_plus_b": ("...engine.ops.nn_bias", "xw_plus_b"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
