"""Bindings of op types to kernels of a device, a file a family; importing this registers them."""

from . import (
    assigns,
    attention,
    convolution,
    elementwise,
    images,
    movement,
    norm,
    pooling,
    products,
    random,
    recurrent,
    reductions,
    rows,
    softmax,
    sparse_updates,
    updates,
)

__all__ = [
    "assigns",
    "attention",
    "convolution",
    "elementwise",
    "images",
    "movement",
    "norm",
    "pooling",
    "products",
    "random",
    "recurrent",
    "reductions",
    "rows",
    "softmax",
    "sparse_updates",
    "updates",
]
