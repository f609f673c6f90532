"""Quotients and remainders, by TensorFlow's several rules for integers and zeros."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..conversion import convert_to_tensor
from ..dtypes import (
    COMPLEX,
    FLOATING,
    NUMERIC,
    REAL,
    DType,
    bfloat16,
    float16,
    float32,
    float64,
    int8,
    int16,
    int32,
    int64,
    uint8,
    uint16,
)
from ..errors import InvalidArgumentError
from ..graph import Operation, Tensor, get_default_graph
from ..inference import broadcast
from ..registry import op
from ..samples import Failure, Sample
from ..scalar import Scalar, call, where
from .broadcasting import unbroadcast
from .casting import cast
from .complex_parts import conjugate
from .elementwise import floor_div_op, nonzero, unlike

Gradients = list[Any]
_INEXACT = (*FLOATING, *COMPLEX)


@op("RealDiv", "x: T, y: T", "z: T", shape=broadcast, T=_INEXACT)
def real_div_op(x: Any, y: Any, *, name: str | None = None) -> Tensor:
    """X / y of floating or complex numbers."""


@real_div_op.scalar
def real_div_scalar(x: Scalar, y: Scalar) -> Scalar:
    return x / y


@op("Div", "x: T, y: T", "z: T", shape=broadcast, T=NUMERIC)
def div_op(x: Any, y: Any, *, name: str | None = None) -> Tensor:
    """X / y; integers are truncated towards zero, as in C."""


@op("TruncateDiv", "x: T, y: T", "z: T", shape=broadcast, T=NUMERIC)
def truncate_div_op(x: Any, y: Any, *, name: str | None = None) -> Tensor:
    """X / y truncated towards zero."""


@div_op.kernel
def div_kernel(xp: Any, x: Any, y: Any) -> Any:
    return _truncated(xp, x, y) if x.dtype.kind in "iu" else xp.divide(x, y)


@truncate_div_op.kernel
def truncate_div_kernel(xp: Any, x: Any, y: Any) -> Any:
    if x.dtype.kind in "iu":
        return _truncated(xp, x, y)
    quotient = xp.divide(x, y)
    return quotient if quotient.dtype.kind == "c" else xp.trunc(quotient)


def _truncated(xp: Any, x: Any, y: Any) -> Any:
    down = xp.floor_divide(x, nonzero(x, y))
    inexact = down * y != x
    return down + (inexact & ((x < 0) != (y < 0))).astype(down.dtype)


@real_div_op.gradient
@div_op.gradient
def div_gradient(op: Operation, dz: Tensor) -> Gradients:
    x, y = op.inputs
    if not (dz.dtype.is_floating or dz.dtype.is_complex):
        return [None, None]
    c = conjugate(y)
    dy = dz * (-conjugate(x) / c / c)
    return [unbroadcast(dz / c, x), unbroadcast(dy, y)]


@truncate_div_op.gradient
def truncate_div_gradient(op: Operation, dz: Tensor) -> Gradients:
    return [None, None]


@op("FloorMod", "x: T, y: T", "z: T", shape=broadcast, T=REAL)
def floor_mod_op(x: Any, y: Any, *, name: str | None = None) -> Tensor:
    """The remainder of x // y, with the sign of y."""


@op("Mod", "x: T, y: T", "z: T", shape=broadcast, T=REAL)
def mod_op(x: Any, y: Any, *, name: str | None = None) -> Tensor:
    """The remainder of the truncated quotient, with the sign of x, as in C."""


@op("TruncateMod", "x: T, y: T", "z: T", shape=broadcast, T=REAL)
def truncate_mod_op(x: Any, y: Any, *, name: str | None = None) -> Tensor:
    """The remainder of the truncated quotient, with the sign of x, as in C."""


@floor_mod_op.kernel
def floor_mod_kernel(xp: Any, x: Any, y: Any) -> Any:
    return xp.mod(x, nonzero(x, y))


@mod_op.kernel
@truncate_mod_op.kernel
def truncate_mod_kernel(xp: Any, x: Any, y: Any) -> Any:
    return xp.fmod(x, nonzero(x, y))


@floor_mod_op.gradient
def floor_mod_gradient(op: Operation, dz: Tensor) -> Gradients:
    x, y = op.inputs
    return [unbroadcast(dz, x), unbroadcast(dz * -floor_div_op(x, y), y)]


@mod_op.gradient
@truncate_mod_op.gradient
def truncate_mod_gradient(op: Operation, dz: Tensor) -> Gradients:
    x, y = op.inputs
    return [unbroadcast(dz, x), unbroadcast(dz * -truncate_div_op(x, y), y)]


@op("DivNoNan", "x: T, y: T", "z: T", shape=broadcast, T=_INEXACT)
def div_no_nan_op(x: Any, y: Any, *, name: str | None = None) -> Tensor:
    """X / y, and 0 where y is 0."""


@div_no_nan_op.scalar
def div_no_nan_scalar(x: Scalar, y: Scalar) -> Scalar:
    return where(call("equal", y, 0), y, x / y)


@div_no_nan_op.gradient
def div_no_nan_gradient(op: Operation, dz: Tensor) -> Gradients:
    x, y = op.inputs
    c = conjugate(y)
    dy = dz * div_no_nan_op(div_no_nan_op(-conjugate(x), c), c)
    return [unbroadcast(div_no_nan_op(dz, c), x), unbroadcast(dy, y)]


def quotient_samples(rng: np.random.Generator) -> list[Sample]:
    """Divisors away from zero, of equal and of broadcast shapes."""
    x, y = rng.normal(size=(2, 3)), rng.uniform(0.5, 2, (2, 3)) * rng.choice([-1, 1], (2, 3))
    return [Sample((x, y)), Sample((x, y[0])), Sample((x[:, :1], np.float64(2))), Sample((np.zeros((0, 3)), y[0]))]


def integer_samples(rng: np.random.Generator) -> list[Sample]:
    """Integers of both signs."""
    x, y = np.array([7, -7, 7, -7, 6], np.int32), np.array([2, 2, -2, -2, 3], np.int32)
    return [
        Sample((x, y)),
        Sample((x.astype(np.int8), np.int8(2))),
        Sample((np.array([7, 250], np.uint8), np.array([2, 7], np.uint8))),
    ]


def _both(rng: np.random.Generator) -> list[Sample]:
    return [*quotient_samples(rng), *integer_samples(rng)]


def _flat(rng: np.random.Generator) -> list[Sample]:
    # Remainders and truncated quotients jump: finite differences would cross the steps.
    floats = [Sample(s.inputs, differentiable=False) for s in quotient_samples(rng)]
    return [*floats, *integer_samples(rng)]


def zero_fails(rng: np.random.Generator) -> list[Failure]:
    """An integer division by zero, and shapes that do not fit."""
    zero = (np.array([1, 2]), np.array([1, 0]))
    return [Failure(zero, InvalidArgumentError, "division by zero", at_run=True), *unlike(rng)]


real_div_op.samples(quotient_samples)
real_div_op.failing(unlike)
div_op.samples(_both)
for _definition in (truncate_div_op, floor_mod_op, mod_op, truncate_mod_op):
    _definition.samples(_flat)
for _definition in (div_op, truncate_div_op, floor_mod_op, mod_op, truncate_mod_op):
    _definition.failing(zero_fails)


@div_no_nan_op.samples
def div_no_nan_samples(rng: np.random.Generator) -> list[Sample]:
    zero = Sample((np.array([1.0, np.nan, 3]), np.array([0.0, 0, 2])), differentiable=False)
    return [*quotient_samples(rng), zero]


# TensorFlow's names

# What integers become under true division.
_TRUE: dict[DType, DType | None] = {
    **dict.fromkeys((int8, uint8, int16, uint16), float32),
    **dict.fromkeys((int32, int64), float64),
    **dict.fromkeys((bfloat16, float16, float32, float64, *COMPLEX)),
}


def operands(x: Any, y: Any) -> tuple[Tensor, Tensor]:
    """Two values as tensors; where only one is a tensor, the other takes its dtype."""
    if isinstance(y, Tensor) and not isinstance(x, Tensor):
        return convert_to_tensor(x, y.dtype.base_dtype, "x"), y
    first = convert_to_tensor(x, name="x")
    # What has a dtype of its own is left to the op, which says what does not fit.
    return first, convert_to_tensor(y, None if hasattr(y, "dtype") else first.dtype.base_dtype, "y")


def _scoped(build: Callable[[Tensor, Tensor, str], Tensor], name: str, x: Any, y: Any) -> Tensor:
    with get_default_graph().name_scope(name) as scope:
        return build(*operands(x, y), scope)


def truediv(x: Any, y: Any, name: str | None = None) -> Tensor:
    """X / y as in Python 3: integers of up to 16 bits become float32, larger ones float64, first.

    Raises:
        TypeError: the dtypes differ, or have no true division.
    """
    return _scoped(_true_quotient, name or "truediv", x, y)


def _true_quotient(x: Tensor, y: Tensor, name: str) -> Tensor:
    dtype = x.dtype.base_dtype
    if dtype != y.dtype.base_dtype:
        raise TypeError(f"x and y must have the same dtype, got {dtype!r} != {y.dtype.base_dtype!r}")
    if dtype not in _TRUE:
        raise TypeError(f"Invalid dtype {dtype!r} in __truediv__. Expected one of {[d.name for d in _TRUE]}")
    wide = _TRUE[dtype]
    return real_div_op(x if wide is None else cast(x, wide), y if wide is None else cast(y, wide), name=name)


def divide(x: Any, y: Any, name: str | None = None) -> Tensor:
    """X / y as Python's operator on tensors: true division."""
    return truediv(x, y, name)


def div(x: Any, y: Any, name: str | None = None) -> Tensor:
    """X / y as in Python 2: integers are divided with rounding down, floats truly."""
    return _scoped(_old_quotient, name or "div", x, y)


def _old_quotient(x: Tensor, y: Tensor, name: str) -> Tensor:
    inexact = x.dtype.is_floating or x.dtype.is_complex
    return real_div_op(x, y, name=name) if inexact else floor_div_op(x, y, name=name)


def floordiv(x: Any, y: Any, name: str | None = None) -> Tensor:
    """X / y rounded towards negative infinity, in the dtype of x.

    Raises:
        InvalidArgumentError: an integer division by zero, when run.
    """
    return _scoped(lambda a, b, scope: floor_div_op(a, b, name=scope), name or "floordiv", x, y)


def floor_div(x: Any, y: Any, name: str | None = None) -> Tensor:
    """X / y rounded towards negative infinity."""
    return floor_div_op(x, y, name=name)


def realdiv(x: Any, y: Any, name: str | None = None) -> Tensor:
    """X / y of floating or complex numbers."""
    return real_div_op(x, y, name=name)


def truncatediv(x: Any, y: Any, name: str | None = None) -> Tensor:
    """X / y truncated towards zero, as in C."""
    return truncate_div_op(x, y, name=name)


def floormod(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The remainder of x // y, with the sign of y, as Python's `%`."""
    return floor_mod_op(x, y, name=name)


def truncatemod(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The remainder of the truncated quotient, with the sign of x, as in C."""
    return truncate_mod_op(x, y, name=name)


def div_no_nan(x: Any, y: Any, name: str | None = None) -> Tensor:
    """X / y, and 0 where y is 0, also if x is NaN there."""
    return _scoped(lambda a, b, scope: div_no_nan_op(a, b, name=scope), name or "div_no_nan", x, y)


mod = floormod
