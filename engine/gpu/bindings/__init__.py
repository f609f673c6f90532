"""Bindings of op types to kernels of a device, a file a family; importing this registers them."""

from . import random, rows, softmax, updates

__all__ = ["random", "rows", "softmax", "updates"]
