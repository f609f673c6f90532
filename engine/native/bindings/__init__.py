"""Which native kernels carry out which op types: one file a family. Importing this registers all of them."""

from . import (
    assigns,
    batch_norm,
    conv,
    depthwise,
    elementwise,
    gru,
    layer_norm,
    matmul,
    movement,
    pooling,
    recurrent,
    reductions,
    rows,
    softmax,
    sparse_updates,
    updates,
)

__all__ = [
    "assigns",
    "batch_norm",
    "conv",
    "depthwise",
    "elementwise",
    "gru",
    "layer_norm",
    "matmul",
    "movement",
    "pooling",
    "recurrent",
    "reductions",
    "rows",
    "softmax",
    "sparse_updates",
    "updates",
]
