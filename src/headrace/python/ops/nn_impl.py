"""The names of `tensorflow.python.ops.nn_impl`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.ops.clipping import l2_normalize
    from ...engine.ops.nn_bias import relu_layer
    from ...engine.ops.nn_convolution import depthwise_conv2d, separable_conv2d
    from ...engine.ops.nn_layers import swish, zero_fraction
    from ...engine.ops.nn_losses import (
        log_poisson_loss,
        sigmoid_cross_entropy_with_logits,
        weighted_cross_entropy_with_logits,
    )
    from ...engine.ops.nn_moments import (
        batch_norm_with_global_normalization,
        batch_normalization,
        fused_batch_norm,
        moments,
        normalize_moments,
        sufficient_statistics,
        weighted_moments,
    )
    from ...engine.ops.nn_sampled import nce_loss, sampled_softmax_loss

__all__ = [
    "batch_norm_with_global_normalization", "batch_normalization", "depthwise_conv2d", "fused_batch_norm",
    "l2_normalize", "log_poisson_loss", "moments", "nce_loss", "normalize_moments", "relu_layer",
    "sampled_softmax_loss", "separable_conv2d", "sigmoid_cross_entropy_with_logits", "sufficient_statistics", "swish",
    "weighted_cross_entropy_with_logits", "weighted_moments", "zero_fraction",
]  # fmt: skip

_PLACES: Places = {
    "batch_norm_with_global_normalization": ("...engine.ops.nn_moments", "batch_norm_with_global_normalization"),
    "batch_normalization": ("...engine.ops.nn_moments", "batch_normalization"),
    "depthwise_conv2d": ("...engine.ops.nn_convolution", "depthwise_conv2d"),
    "fused_batch_norm": ("...engine.ops.nn_moments", "fused_batch_norm"),
    "l2_normalize": ("...engine.ops.clipping", "l2_normalize"),
    "log_poisson_loss": ("...engine.ops.nn_losses", "log_poisson_loss"),
    "moments": ("...engine.ops.nn_moments", "moments"),
    "nce_loss": ("...engine.ops.nn_sampled", "nce_loss"),
    "normalize_moments": ("...engine.ops.nn_moments", "normalize_moments"),
    "relu_layer": ("...engine.ops.nn_bias", "relu_layer"),
    "sampled_softmax_loss": ("...engine.ops.nn_sampled", "sampled_softmax_loss"),
    "separable_conv2d": ("...engine.ops.nn_convolution", "separable_conv2d"),
    "sigmoid_cross_entropy_with_logits": ("...engine.ops.nn_losses", "sigmoid_cross_entropy_with_logits"),
    "sufficient_statistics": ("...engine.ops.nn_moments", "sufficient_statistics"),
    "swish": ("...engine.ops.nn_layers", "swish"),
    "weighted_cross_entropy_with_logits": ("...engine.ops.nn_losses", "weighted_cross_entropy_with_logits"),
    "weighted_moments": ("...engine.ops.nn_moments", "weighted_moments"),
    "zero_fraction": ("...engine.ops.nn_layers", "zero_fraction"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
