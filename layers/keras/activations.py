"""`keras.activations`: functions of tensors by name, with Keras 3's names and defaults."""

from __future__ import annotations

import math
from typing import Any

from ...engine.conversion import convert_to_tensor
from ...engine.graph import Tensor
from ...engine.ops.array_parts import zeros_like
from ...engine.ops.array_split import split
from ...engine.ops.binary import maximum, minimum
from ...engine.ops.casting import cast
from ...engine.ops.choice import clip_by_value, where
from ...engine.ops.nn_activations import (
    elu as nn_elu,
    leaky_relu as nn_leaky_relu,
    relu as nn_relu,
    relu6 as nn_relu6,
    selu as nn_selu,
    softplus as nn_softplus,
    softsign as nn_softsign,
)
from ...engine.ops.nn_layers import swish
from ...engine.ops.nn_losses import log_softmax as nn_log_softmax, softmax as nn_softmax
from ...engine.ops.ranges import range as numbers
from ...engine.ops.reduce import reduce_logsumexp, reduce_max, reduce_sum
from ...engine.ops.scans import cumsum
from ...engine.ops.special import erf
from ...engine.ops.top import top_k
from ...engine.ops.trigonometric import sigmoid as nn_sigmoid, tanh as nn_tanh
from ...engine.ops.unary import abs as absolute, exp, sqrt, square
from .serialization import registered, resolve, serialize_keras_object

_KIND = "activations"


@registered(_KIND)
def linear(x: Any) -> Any:
    """The input itself."""
    return x


@registered(_KIND)
def relu(x: Any, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Any:
    """`max(x, 0)`; more generally `max_value` above it, `negative_slope * (x - threshold)` below the threshold."""
    if threshold == 0.0:
        if negative_slope:
            result = nn_leaky_relu(x, negative_slope)
        else:
            result = nn_relu6(x) if max_value == 6.0 else nn_relu(x)
    else:
        x = convert_to_tensor(x)
        below = negative_slope * (x - threshold) if negative_slope else zeros_like(x)
        result = where(x > threshold, x, below)
    return result if max_value is None else minimum(result, convert_to_tensor(max_value, result.dtype))


@registered(_KIND)
def leaky_relu(x: Any, negative_slope: float = 0.2) -> Any:
    """`x` above zero, `negative_slope * x` below."""
    return nn_leaky_relu(x, negative_slope)


@registered(_KIND)
def relu6(x: Any) -> Any:
    """`min(max(x, 0), 6)`."""
    return nn_relu6(x)


@registered(_KIND)
def softmax(x: Any, axis: int = -1) -> Tensor:
    """Shares along an axis (or several together) that sum to one.

    Raises:
        ValueError: the input has one axis only.
    """
    x = convert_to_tensor(x)
    if x.sizes is not None and len(x.sizes) == 1:
        raise ValueError(f"Cannot apply softmax to a tensor that is 1D. Received input: {x}")
    if isinstance(axis, list | tuple):
        if len(axis) > 1:
            return exp(x - reduce_logsumexp(x, axis=list(axis), keepdims=True))
        axis = axis[0]
    return nn_softmax(x, axis)


@registered(_KIND)
def log_softmax(x: Any, axis: int = -1) -> Tensor:
    """The logarithm of softmax."""
    return nn_log_softmax(x, axis)


@registered(_KIND)
def elu(x: Any, alpha: float = 1.0) -> Any:
    """`x` above zero, `alpha * (exp(x) - 1)` below."""
    x = convert_to_tensor(x)
    return nn_elu(x) if alpha == 1.0 else where(x > 0, x, alpha * nn_elu(x))


@registered(_KIND)
def celu(x: Any, alpha: float = 1.0) -> Any:
    """`max(x, 0) + min(alpha * (exp(x / alpha) - 1), 0)`."""
    x = convert_to_tensor(x)
    return nn_relu(x) + alpha * nn_elu(-nn_relu(-x) / alpha)


@registered(_KIND)
def selu(x: Any) -> Any:
    """ELU with the constants that keep mean 0 and variance 1."""
    return nn_selu(x)


@registered(_KIND)
def softplus(x: Any) -> Any:
    """`log(exp(x) + 1)`."""
    return nn_softplus(x)


@registered(_KIND)
def softsign(x: Any) -> Any:
    """`x / (abs(x) + 1)`."""
    return nn_softsign(x)


@registered(_KIND)
def tanh(x: Any) -> Any:
    """The hyperbolic tangent."""
    return nn_tanh(x)


@registered(_KIND)
def sigmoid(x: Any) -> Any:
    """`1 / (1 + exp(-x))`."""
    return nn_sigmoid(x)


@registered(_KIND)
def exponential(x: Any) -> Any:
    """`exp(x)`."""
    return exp(x)


@registered(_KIND)
def hard_sigmoid(x: Any) -> Any:
    """`relu6(x + 3) / 6`."""
    return nn_relu6(x + 3.0) * (1.0 / 6.0)


@registered(_KIND, "swish")
def silu(x: Any) -> Any:
    """`x * sigmoid(x)`."""
    return swish(x)


@registered(_KIND, "hard_swish")
def hard_silu(x: Any) -> Any:
    """`x * hard_sigmoid(x)`."""
    return x * hard_sigmoid(x)


@registered(_KIND)
def gelu(x: Any, approximate: bool = False) -> Any:
    """`x` times the normal distribution function of it, which may be approximated by a tanh."""
    if approximate:
        return 0.5 * x * (1.0 + nn_tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * x * x * x)))
    return 0.5 * x * (1.0 + erf(x * math.sqrt(0.5)))


@registered(_KIND)
def mish(x: Any) -> Any:
    """`x * tanh(softplus(x))`."""
    return x * nn_tanh(nn_softplus(x))


@registered(_KIND)
def log_sigmoid(x: Any) -> Any:
    """`log(sigmoid(x))`."""
    return -nn_softplus(-x)


@registered(_KIND)
def glu(x: Any, axis: int = -1) -> Any:
    """One half of an axis times the sigmoid of the other half."""
    first, second = split(x, 2, axis)
    return first * nn_sigmoid(second)


@registered(_KIND)
def tanh_shrink(x: Any) -> Any:
    """`x - tanh(x)`."""
    return x - nn_tanh(x)


@registered(_KIND)
def hard_tanh(x: Any) -> Any:
    """`x` clipped to -1 and 1."""
    return clip_by_value(x, -1.0, 1.0)


@registered(_KIND)
def hard_shrink(x: Any, threshold: float = 0.5) -> Any:
    """`x` where its absolute value is above the threshold, zero elsewhere."""
    return where(absolute(x) > threshold, x, zeros_like(x))


@registered(_KIND)
def soft_shrink(x: Any, threshold: float = 0.5) -> Any:
    """`x` brought nearer to zero by the threshold, zero within it."""
    return nn_relu(x - threshold) - nn_relu(-x - threshold)


@registered(_KIND)
def threshold(x: Any, threshold: float, default_value: float) -> Any:
    """`x` above the threshold, the default value elsewhere."""
    x = convert_to_tensor(x)
    return where(x > threshold, x, zeros_like(x) + default_value)


@registered(_KIND)
def squareplus(x: Any, b: float = 4) -> Any:
    """`(x + sqrt(x ** 2 + b)) / 2`."""
    return (x + sqrt(square(x) + b)) / 2.0


@registered(_KIND)
def sparse_plus(x: Any) -> Any:
    """0 below -1, `x` above 1, `(x + 1) ** 2 / 4` between."""
    return where(x <= -1.0, zeros_like(x), where(x < 1.0, square(x + 1.0) / 4.0, x))


@registered(_KIND)
def sparse_sigmoid(x: Any) -> Any:
    """0 below -1, 1 above 1, `(x + 1) / 2` between."""
    return clip_by_value(0.5 * (x + 1.0), 0.0, 1.0)


@registered(_KIND)
def sparsemax(x: Any, axis: int = -1) -> Any:
    """The point of the probability simplex that is nearest to the input; over the last axis.

    Raises:
        ValueError: another axis.
    """
    x = convert_to_tensor(x)
    rank = len(x.sizes or ())
    if axis not in (-1, rank - 1):
        raise ValueError(f"sparsemax works over the last axis, got axis {axis} for {x.shape}")
    size = (x.sizes or (None,))[-1]
    if size is None:
        raise ValueError(f"sparsemax needs a last axis of known size, got {x.shape}")
    ordered, _ = top_k(x, size)
    place = cast(numbers(1, size + 1), x.dtype.base_dtype)
    sums = cumsum(ordered, axis=-1)
    support = cast(1.0 + place * ordered > sums, x.dtype.base_dtype)
    count = reduce_max(support * place, axis=-1, keepdims=True)
    level = (reduce_sum(support * ordered, axis=-1, keepdims=True) - 1.0) / count
    return maximum(x - level, 0.0)


def get(identifier: Any) -> Any:
    """The function of a name; functions stay, None is `linear`.

    Raises:
        ValueError: the name is unknown.
    """
    return linear if identifier is None else resolve(_KIND, identifier)


def serialize(activation: Any) -> Any:
    """The name of an activation."""
    return serialize_keras_object(activation)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The activation of a name."""
    return resolve(_KIND, config, custom_objects)
