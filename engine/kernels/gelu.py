"""GELU with tanh (Hendrycks and Gimpel, 2016), and its slope, by NumPy in the dtype of what they are taken of."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
# sqrt(2 / pi), and the weight of the cube.
SLOPE, CUBE = 0.7978845608028654, 0.044715


def gelu(x: Array) -> Array:
    """`0.5 x (1 + tanh(SLOPE (x + CUBE x^3)))`."""
    half = x.dtype.type(0.5)
    return np.asarray(half * x * (1 + _tanh(x)))


def gelu_slope(x: Array) -> Array:
    """The derivative of `gelu`."""
    half, y = x.dtype.type(0.5), _tanh(x)
    inner = x.dtype.type(SLOPE) * (1 + x.dtype.type(3 * CUBE) * x * x)
    return np.asarray(half * (1 + y) + half * x * (1 - y * y) * inner)


def _tanh(x: Array) -> Array:
    kind = x.dtype.type
    return np.asarray(np.tanh(kind(SLOPE) * (x + kind(CUBE) * x * x * x)))
