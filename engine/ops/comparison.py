"""Comparisons, and logic on bools and bits."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from ..dtypes import ALL, INTEGER, NUMERIC, REAL, bool as boolean, string
from ..graph import Sizes, Tensor
from ..inference import InferenceContext, broadcast
from ..registry import op
from ..samples import Failure, Sample
from ..scalar import call
from ..shapes import broadcast_sizes
from .elementwise import unlike

Gradients = list[Any]
_COMPARABLE = (*NUMERIC, boolean, string, *(d for d in ALL if d.is_quantized))


@op("Less", "x: T, y: T", "z: bool", shape=broadcast, T=REAL)
def less_op(x: Any, y: Any, *, name: str | None = None) -> Tensor:
    """X < y; False if one is NaN."""


@op("LessEqual", "x: T, y: T", "z: bool", shape=broadcast, T=REAL)
def less_equal_op(x: Any, y: Any, *, name: str | None = None) -> Tensor:
    """X <= y; False if one is NaN."""


@op("Greater", "x: T, y: T", "z: bool", shape=broadcast, T=REAL)
def greater_op(x: Any, y: Any, *, name: str | None = None) -> Tensor:
    """X > y; False if one is NaN."""


@op("GreaterEqual", "x: T, y: T", "z: bool", shape=broadcast, T=REAL)
def greater_equal_op(x: Any, y: Any, *, name: str | None = None) -> Tensor:
    """X >= y; False if one is NaN."""


def _equality_shape(context: InferenceContext) -> list[Sizes]:
    x, y = context.sizes
    if context["incompatible_shape_error"]:
        return [broadcast_sizes(x, y)]
    if x is None or y is None or None in x or None in y:
        return [None]
    try:
        return [broadcast_sizes(x, y)]
    except ValueError:
        return [()]


@op("Equal", "x: T, y: T", "z: bool", shape=_equality_shape, T=_COMPARABLE)
def equal_op(x: Any, y: Any, *, incompatible_shape_error: bool = True, name: str | None = None) -> Tensor:
    """X == y; with incompatible_shape_error=False shapes that do not fit are unequal as a whole."""


@op("NotEqual", "x: T, y: T", "z: bool", shape=_equality_shape, T=_COMPARABLE)
def not_equal_op(x: Any, y: Any, *, incompatible_shape_error: bool = True, name: str | None = None) -> Tensor:
    """X != y; with incompatible_shape_error=False shapes that do not fit are unequal as a whole."""


def _compared(xp: Any, function: Callable[..., Any], x: Any, y: Any, otherwise: bool, strict: bool) -> Any:
    try:
        np.broadcast_shapes(x.shape, y.shape)
    except ValueError:
        if strict:
            raise
        return xp.array(otherwise)
    return function(x, y)


@equal_op.kernel
def equal_kernel(xp: Any, x: Any, y: Any, *, incompatible_shape_error: bool) -> Any:
    return _compared(xp, xp.equal, x, y, False, incompatible_shape_error)


@not_equal_op.kernel
def not_equal_kernel(xp: Any, x: Any, y: Any, *, incompatible_shape_error: bool) -> Any:
    return _compared(xp, xp.not_equal, x, y, True, incompatible_shape_error)


_PLAIN = tuple(d for d in _COMPARABLE if d != string)
equal_op.scalar(lambda x, y, **_: call("equal", x, y), _PLAIN)
equal_op.scalar_when = not_equal_op.scalar_when = lambda attrs: bool(attrs["incompatible_shape_error"])
not_equal_op.scalar(lambda x, y, **_: call("not_equal", x, y), _PLAIN)


@op("ApproximateEqual", "x: T, y: T", "z: bool", shape=broadcast, T=NUMERIC)
def approximate_equal_op(x: Any, y: Any, *, tolerance: float = 1e-5, name: str | None = None) -> Tensor:
    """|x - y| < tolerance."""


@approximate_equal_op.kernel
def approximate_equal_kernel(xp: Any, x: Any, y: Any, *, tolerance: float) -> Any:
    # Unsigned numbers would wrap around: the smaller is taken from the larger.
    apart = xp.maximum(x, y) - xp.minimum(x, y) if x.dtype.kind in "iu" else xp.abs(x - y)
    return apart < tolerance


@op("LogicalAnd", "x: bool, y: bool", "z: bool", shape=broadcast)
def logical_and_op(x: Any, y: Any, *, name: str | None = None) -> Tensor:
    """X and y."""


@op("LogicalOr", "x: bool, y: bool", "z: bool", shape=broadcast)
def logical_or_op(x: Any, y: Any, *, name: str | None = None) -> Tensor:
    """X or y."""


@op("BitwiseAnd", "x: T, y: T", "z: T", shape=broadcast, T=INTEGER)
def bitwise_and_op(x: Any, y: Any, *, name: str | None = None) -> Tensor:
    """The bits set in both."""


@op("BitwiseOr", "x: T, y: T", "z: T", shape=broadcast, T=INTEGER)
def bitwise_or_op(x: Any, y: Any, *, name: str | None = None) -> Tensor:
    """The bits set in one or both."""


@op("BitwiseXor", "x: T, y: T", "z: T", shape=broadcast, T=INTEGER)
def bitwise_xor_op(x: Any, y: Any, *, name: str | None = None) -> Tensor:
    """The bits set in just one."""


@op("LeftShift", "x: T, y: T", "z: T", shape=broadcast, T=INTEGER)
def left_shift_op(x: Any, y: Any, *, name: str | None = None) -> Tensor:
    """The bits of x moved up by y, which is brought into the range of the width."""


@op("RightShift", "x: T, y: T", "z: T", shape=broadcast, T=INTEGER)
def right_shift_op(x: Any, y: Any, *, name: str | None = None) -> Tensor:
    """The bits of x moved down by y, the sign kept; y is brought into the range of the width."""


@left_shift_op.kernel
def left_shift_kernel(xp: Any, x: Any, y: Any) -> Any:
    return xp.left_shift(x, _places(xp, x, y))


@right_shift_op.kernel
def right_shift_kernel(xp: Any, x: Any, y: Any) -> Any:
    return xp.right_shift(x, _places(xp, x, y))


def _places(xp: Any, x: Any, y: Any) -> Any:
    return xp.clip(y, 0, x.dtype.itemsize * 8 - 1)


for _definition, _primitive in (
    (less_op, "less"),
    (less_equal_op, "less_equal"),
    (greater_op, "greater"),
    (greater_equal_op, "greater_equal"),
    (logical_and_op, "logical_and"),
    (logical_or_op, "logical_or"),
    (bitwise_and_op, "bitwise_and"),
    (bitwise_or_op, "bitwise_or"),
    (bitwise_xor_op, "bitwise_xor"),
):
    _definition.scalar(partial(call, _primitive))

_ORDER = (less_op, less_equal_op, greater_op, greater_equal_op)
_BITS = (bitwise_and_op, bitwise_or_op, bitwise_xor_op, left_shift_op, right_shift_op)
for _definition in (*_ORDER, equal_op, not_equal_op, approximate_equal_op, logical_and_op, logical_or_op, *_BITS):
    _definition.not_differentiable = True


def compared_samples(rng: np.random.Generator) -> list[Sample]:
    """Equal, unequal and unordered numbers, broadcast and empty."""
    return [
        Sample((np.array([1.0, np.nan, 3]), np.array([1.0, 2, np.nan])), differentiable=False),
        Sample((np.arange(6.0).reshape(2, 3), np.array([[2.0], [4]])), differentiable=False),
        Sample((np.array([1, 2], np.uint8), np.uint8(2))),
        Sample((np.zeros((0, 3)), np.zeros(3)), differentiable=False),
    ]


for _definition in (*_ORDER, approximate_equal_op):
    _definition.samples(compared_samples)
    _definition.failing(unlike)


@equal_op.samples
@not_equal_op.samples
def equality_samples(rng: np.random.Generator) -> list[Sample]:
    """As for other comparisons, and strings, bools and shapes that do not fit."""
    text = Sample((np.array([b"a", b"b"], object), np.array([b"a"], object)))
    other = Sample((np.ones(2, np.int32), np.ones(3, np.int32)), {"incompatible_shape_error": False})
    return [*compared_samples(rng), text, Sample((np.array([True, False]), np.bool_(True))), other]


equal_op.failing(unlike)
not_equal_op.failing(unlike)


def truth_samples(rng: np.random.Generator) -> list[Sample]:
    """The truth table."""
    return [Sample((np.array([True, True, False, False]), np.array([True, False, True, False])))]


def numbers_fail(rng: np.random.Generator) -> list[Failure]:
    """Numbers, which are not bools."""
    return [Failure((np.ones(2), np.ones(2)), TypeError, "bool")]


for _definition in (logical_and_op, logical_or_op):
    _definition.samples(truth_samples)
    _definition.failing(numbers_fail)


def bit_samples(rng: np.random.Generator) -> list[Sample]:
    """Integers, signed and not, and shifts beyond the width."""
    x, y = np.array([-5, 12, 7], np.int32), np.array([3, 1, 40], np.int32)
    return [Sample((x, y)), Sample((np.array([[200], [3]], np.uint8), np.array([1, 2], np.uint8)))]


def fractions_fail(rng: np.random.Generator) -> list[Failure]:
    """Floats, which have no bits here."""
    return [Failure((np.ones(2), np.ones(2)), TypeError, "float64")]


for _definition in _BITS:
    _definition.samples(bit_samples)
    _definition.failing(fractions_fail)


# TensorFlow's names


def less(x: Any, y: Any, name: str | None = None) -> Tensor:
    """X < y element-wise; False if one is NaN."""
    return less_op(x, y, name=name)


def less_equal(x: Any, y: Any, name: str | None = None) -> Tensor:
    """X <= y element-wise; False if one is NaN."""
    return less_equal_op(x, y, name=name)


def greater(x: Any, y: Any, name: str | None = None) -> Tensor:
    """X > y element-wise; False if one is NaN."""
    return greater_op(x, y, name=name)


def greater_equal(x: Any, y: Any, name: str | None = None) -> Tensor:
    """X >= y element-wise; False if one is NaN."""
    return greater_equal_op(x, y, name=name)


def equal(x: Any, y: Any, name: str | None = None) -> Tensor:
    """X == y element-wise, on numbers, bools and strings."""
    return equal_op(x, y, name=name)


def not_equal(x: Any, y: Any, name: str | None = None) -> Tensor:
    """X != y element-wise, on numbers, bools and strings."""
    return not_equal_op(x, y, name=name)


def approximate_equal(x: Any, y: Any, tolerance: float = 1e-5, name: str | None = None) -> Tensor:
    """Whether |x - y| < tolerance, element-wise."""
    return approximate_equal_op(x, y, tolerance=tolerance, name=name)


def logical_and(x: Any, y: Any, name: str | None = None) -> Tensor:
    """X and y, element-wise on bools."""
    return logical_and_op(x, y, name=name)


def logical_or(x: Any, y: Any, name: str | None = None) -> Tensor:
    """X or y, element-wise on bools."""
    return logical_or_op(x, y, name=name)


def logical_xor(x: Any, y: Any, name: str = "LogicalXor") -> Tensor:
    """Whether just one of x and y holds, element-wise on bools."""
    from .rounding import logical_not_op

    return logical_and_op(logical_or_op(x, y), logical_not_op(logical_and_op(x, y)), name=name)


def bitwise_and(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The bits set in both integers, as `tf.bitwise.bitwise_and`."""
    return bitwise_and_op(x, y, name=name)


def bitwise_or(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The bits set in one or both integers."""
    return bitwise_or_op(x, y, name=name)


def bitwise_xor(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The bits set in just one of the integers."""
    return bitwise_xor_op(x, y, name=name)


def left_shift(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The bits of x moved up by y."""
    return left_shift_op(x, y, name=name)


def right_shift(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The bits of x moved down by y, the sign kept."""
    return right_shift_op(x, y, name=name)
