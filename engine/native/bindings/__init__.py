"""Which native kernels carry out which op types: one file a family. Importing this registers all of them."""

from . import conv, copies, elementwise, matmul, pooling, softmax, updates

__all__ = ["conv", "copies", "elementwise", "matmul", "pooling", "softmax", "updates"]
