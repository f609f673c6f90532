"""Small layers: dropout, concatenated relu, swish, and how many elements are zero."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np

from ..conversion import convert_to_tensor
from ..dtypes import float32
from ..graph import Tensor, get_default_graph
from ..static import constant_value
from .array import shape
from .array_parts import concat
from .casting import cast
from .comparison import equal
from .nn_activations import relu_op
from .random import random_uniform, shape_tensor
from .reduce import reduce_mean
from .trigonometric import sigmoid


def dropout(
    x: Any,
    keep_prob: Any = None,
    noise_shape: Any = None,
    seed: int | None = None,
    name: str | None = None,
    rate: Any = None,
) -> Tensor:
    """`x` with elements set to 0 by chance, the others scaled up so that the sum is kept on average.

    Args:
        x: floats of any shape.
        keep_prob: the probability that an element is kept; a number or a scalar tensor.
        noise_shape: of the decisions, broadcast to `x`: dimensions of size 1 are kept or dropped together.
        seed: of the random op.
        name: of the scope.
        rate: `1 - keep_prob`, the later way to say it.

    Raises:
        ValueError: `x` is no float, both or neither of `keep_prob` and `rate` are given, or one is out of range.
    """
    rate = _rate(keep_prob, rate)
    with get_default_graph().name_scope(name or "dropout"):
        tensor = convert_to_tensor(x, None, "x")
        dtype = tensor.dtype.base_dtype
        if not dtype.is_floating:
            raise ValueError(
                f"x has to be a floating point tensor since it's going to be scaled. Got a {dtype} tensor."
            )
        if isinstance(rate, numbers.Real) and rate == 0:
            return tensor
        dropped = convert_to_tensor(rate, dtype, "rate")
        known = constant_value(dropped)
        if known is not None and known == 0:
            return tensor
        drawn = random_uniform(_noise_shape(tensor, noise_shape), dtype=dtype, seed=seed)
        kept = cast(drawn >= dropped, dtype)
        result: Tensor = tensor * (1 / (1 - dropped)) * kept
        result.set_shape(tensor.shape)
        return result


def _rate(keep_prob: Any, rate: Any) -> Any:
    if (keep_prob is None) == (rate is None):
        raise ValueError("dropout needs exactly one of keep_prob and rate")
    if rate is None:
        _check_probability("keep_prob", keep_prob, lambda p: 0 < p <= 1, "(0, 1]")
        return 1 - keep_prob
    _check_probability("rate", rate, lambda p: 0 <= p < 1, "[0, 1)")
    return rate


def _check_probability(name: str, value: Any, holds: Any, interval: str) -> None:
    if isinstance(value, numbers.Real) and not holds(value):
        raise ValueError(f"{name} must be a scalar tensor or a float in the range {interval}, got {value:g}")


def _noise_shape(x: Tensor, noise_shape: Any) -> Any:
    if noise_shape is None:
        return shape(x)
    if isinstance(noise_shape, Tensor | np.ndarray):
        return noise_shape
    sizes = [getattr(size, "value", size) for size in noise_shape]
    if x.sizes is not None and len(sizes) == len(x.sizes):
        sizes = [own if size is None else size for size, own in zip(sizes, x.sizes, strict=True)]
    return shape_tensor(sizes)


def crelu(features: Any, name: str | None = None, axis: int = -1) -> Tensor:
    """`relu` of `features` and of `-features`, one behind the other along `axis`."""
    with get_default_graph().name_scope(name or "CRelu") as scope:
        x = convert_to_tensor(features, None, "features")
        return relu_op(concat([x, -x], axis, name=scope + "concat"), name=scope)


def swish(features: Any, name: str | None = None) -> Tensor:
    """`features * sigmoid(features)`."""
    with get_default_graph().name_scope(name or "swish"):
        x = convert_to_tensor(features, None, "features")
        return x * sigmoid(x)


def zero_fraction(value: Any, name: str | None = None) -> Tensor:
    """The part of the elements of `value` that are zero, a float32 scalar; NaN for an empty tensor."""
    with get_default_graph().name_scope(name or "zero_fraction"):
        x = convert_to_tensor(value, None, "value")
        zero = np.zeros((), x.dtype.base_dtype.numpy)
        return reduce_mean(cast(equal(x, zero), float32), name="fraction")
