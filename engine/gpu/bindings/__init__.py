"""Bindings of op types to kernels of a device, a file a family; importing this registers them."""

from . import (
    assigns,
    elementwise,
    movement,
    products,
    random,
    reductions,
    rows,
    softmax,
    updates,
)

__all__ = [
    "assigns",
    "elementwise",
    "movement",
    "products",
    "random",
    "reductions",
    "rows",
    "softmax",
    "updates",
]
