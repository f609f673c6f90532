"""Local response normalisation over channels, and its gradient."""

from __future__ import annotations

import numpy as np

from .results import compute_dtype, result_array
from .windows import Array


def lrn(
    x: Array,
    depth_radius: int = 5,
    bias: float = 1.0,
    alpha: float = 1.0,
    beta: float = 0.5,
    out: Array | None = None,
) -> Array:
    """Returns `x / (bias + alpha * s) ** beta`, s the squares within `depth_radius` channels.

    As TF 1.15's LRN; channels are the last dimension.
    """
    result = result_array(x.shape, x.dtype, out)
    rows = x.astype(compute_dtype(x.dtype), copy=False)
    result[...] = rows * _norm(rows, depth_radius, bias, alpha) ** -beta
    return result


def lrn_grad(
    dy: Array,
    x: Array,
    y: Array,
    depth_radius: int = 5,
    bias: float = 1.0,
    alpha: float = 1.0,
    beta: float = 0.5,
    out: Array | None = None,
) -> Array:
    """Returns the gradient of `lrn` with respect to x, given its output y."""
    result = result_array(x.shape, dy.dtype, out)
    dtype = compute_dtype(x.dtype)
    rows, grad = x.astype(dtype, copy=False), dy.astype(dtype, copy=False)
    norm = _norm(rows, depth_radius, bias, alpha)
    shared = _neighbours(grad * y.astype(dtype, copy=False) / norm, depth_radius)
    result[...] = grad * norm**-beta - dtype.type(2 * alpha * beta) * rows * shared
    return result


def _norm(x: Array, radius: int, bias: float, alpha: float) -> Array:
    result: Array = _neighbours(x * x, radius) * x.dtype.type(alpha) + x.dtype.type(bias)
    return result


def _neighbours(x: Array, radius: int) -> Array:
    """Adds up each channel with those within the radius: a product with a band of ones."""
    channels = x.shape[-1]
    distance = np.abs(np.subtract.outer(np.arange(channels), np.arange(channels)))
    band = (distance <= radius).astype(x.dtype)
    result: Array = np.matmul(x.reshape(-1, channels), band).reshape(x.shape)
    return result
