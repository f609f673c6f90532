"""Maximum, power, and other functions of two elements, with broadcasting; the public sums, differences and products."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dtypes import COMPLEX, FLOATING, REAL, int32, int64
from ..errors import InvalidArgumentError
from ..graph import Operation, Tensor, get_default_graph
from ..inference import broadcast
from ..registry import op
from ..samples import Failure, Sample
from ..scalar import Scalar, call, log as scalar_log, where
from .broadcasting import unbroadcast
from .choice import select_v2_op
from .comparison import greater_equal_op, greater_op, less_equal_op, not_equal_op
from .complex_parts import conjugate
from .division import operands
from .elementwise import add_op, multiply_op, pairs, subtract_op, unlike
from .guards import ones_like_op, zeros_like_op
from .unary import log_op

Gradients = list[Any]
_INEXACT = (*FLOATING, *COMPLEX)


@op("Maximum", "x: T, y: T", "z: T", shape=broadcast, T=REAL)
def maximum_op(x: Any, y: Any, *, name: str | None = None) -> Tensor:
    """The greater of x and y; NaN if one is NaN."""


@op("Minimum", "x: T, y: T", "z: T", shape=broadcast, T=REAL)
def minimum_op(x: Any, y: Any, *, name: str | None = None) -> Tensor:
    """The smaller of x and y; NaN if one is NaN."""


@maximum_op.scalar
def maximum_scalar(x: Scalar, y: Scalar) -> Scalar:
    return call("maximum", x, y)


@minimum_op.scalar
def minimum_scalar(x: Scalar, y: Scalar) -> Scalar:
    return call("minimum", x, y)


@maximum_op.gradient
def maximum_gradient(op: Operation, dz: Tensor) -> Gradients:
    return _chosen(op, greater_equal_op(*op.inputs), dz)


@minimum_op.gradient
def minimum_gradient(op: Operation, dz: Tensor) -> Gradients:
    return _chosen(op, less_equal_op(*op.inputs), dz)


def _chosen(op: Operation, first: Tensor, dz: Tensor) -> Gradients:
    # Of equal inputs the first one gets all of the gradient.
    zero = np.zeros((), dz.dtype.numpy)
    x, y = op.inputs
    return [unbroadcast(select_v2_op(first, dz, zero), x), unbroadcast(select_v2_op(first, zero, dz), y)]


@op("Pow", "x: T, y: T", "z: T", shape=broadcast, T=(*FLOATING, int32, int64, *COMPLEX))
def pow_op(x: Any, y: Any, *, name: str | None = None) -> Tensor:
    """X to the power of y; InvalidArgumentError for an integer to a negative power."""


@pow_op.kernel
def pow_kernel(xp: Any, x: Any, y: Any) -> Any:
    if x.dtype.kind in "iu" and (y < 0).any():
        raise InvalidArgumentError(None, None, "Integers to negative integer powers are not allowed")
    return xp.power(x, y)


@pow_op.gradient
def pow_gradient(op: Operation, dz: Tensor) -> Gradients:
    x, y = op.inputs
    cx, cy, cz = conjugate(x), conjugate(y), conjugate(op.outputs[0])
    positive = not_equal_op(x, 0) if x.dtype.is_complex else greater_op(x, 0)
    safe = select_v2_op(positive, x, ones_like_op(x))
    logs = select_v2_op(positive, log_op(safe), zeros_like_op(x))
    dx = dz * cy * pow_op(cx, cy - 1)
    return [unbroadcast(dx, x), unbroadcast(dz * cz * conjugate(logs), y)]


@op("SquaredDifference", "x: T, y: T", "z: T", shape=broadcast, T=(*FLOATING, int32, int64, *COMPLEX))
def squared_difference_op(x: Any, y: Any, *, name: str | None = None) -> Tensor:
    """(x - y)^2; of complex numbers the product with the conjugate."""


@squared_difference_op.scalar
def squared_difference_scalar(x: Scalar, y: Scalar) -> Scalar:
    difference = x - y
    return call("conj", difference) * difference


@squared_difference_op.gradient
def squared_difference_gradient(op: Operation, dz: Tensor) -> Gradients:
    x, y = op.inputs
    dx = dz * (x - y) * 2
    return [unbroadcast(dx, x), unbroadcast(-dx, y)]


@op("MulNoNan", "x: T, y: T", "z: T", shape=broadcast, T=_INEXACT)
def mul_no_nan_op(x: Any, y: Any, *, name: str | None = None) -> Tensor:
    """X * y, and 0 where y is 0, whatever x is."""


@mul_no_nan_op.scalar
def mul_no_nan_scalar(x: Scalar, y: Scalar) -> Scalar:
    return where(call("equal", y, 0), y, x * y)


@mul_no_nan_op.gradient
def mul_no_nan_gradient(op: Operation, dz: Tensor) -> Gradients:
    x, y = op.inputs
    return [unbroadcast(mul_no_nan_op(dz, y), x), unbroadcast(mul_no_nan_op(x, dz), y)]


@op("Xlogy", "x: T, y: T", "z: T", shape=broadcast, T=_INEXACT)
def xlogy_op(x: Any, y: Any, *, name: str | None = None) -> Tensor:
    """X log(y), and 0 where x is 0."""


@xlogy_op.scalar
def xlogy_scalar(x: Scalar, y: Scalar) -> Scalar:
    return where(call("equal", x, 0), x, x * scalar_log(y))


@xlogy_op.gradient
def xlogy_gradient(op: Operation, dz: Tensor) -> Gradients:
    x, y = op.inputs
    present = select_v2_op(not_equal_op(x, 0), ones_like_op(x), zeros_like_op(x))
    return [unbroadcast(dz * xlogy_op(present, y), x), unbroadcast(dz * xdivy_op(x, y), y)]


@op("Xdivy", "x: T, y: T", "z: T", shape=broadcast, T=_INEXACT)
def xdivy_op(x: Any, y: Any, *, name: str | None = None) -> Tensor:
    """X / y, and 0 where x is 0."""


@xdivy_op.scalar
def xdivy_scalar(x: Scalar, y: Scalar) -> Scalar:
    return where(call("equal", x, 0), x, x / y)


@xdivy_op.gradient
def xdivy_gradient(op: Operation, dz: Tensor) -> Gradients:
    x, y = op.inputs
    present = select_v2_op(not_equal_op(x, 0), ones_like_op(x), zeros_like_op(x))
    by_y = xdivy_op(xdivy_op(-x, y), y)
    return [unbroadcast(dz * xdivy_op(present, y), x), unbroadcast(dz * by_y, y)]


@op("Atan2", "y: T, x: T", "z: T", shape=broadcast, T=FLOATING)
def atan2_op(y: Any, x: Any, *, name: str | None = None) -> Tensor:
    """The angle of the point (x, y) in [-pi, pi]."""


@atan2_op.scalar
def atan2_scalar(y: Scalar, x: Scalar) -> Scalar:
    return call("atan2", y, x)


@atan2_op.gradient
def atan2_gradient(op: Operation, dz: Tensor) -> Gradients:
    y, x = op.inputs
    scaled = dz / (x * x + y * y)
    return [unbroadcast(x * scaled, y), unbroadcast(-y * scaled, x)]


def ordered_samples(rng: np.random.Generator) -> list[Sample]:
    """Pairs, NaN, ties and integers."""
    bad = (np.array([np.nan, 1, 2]), np.array([1, np.nan, 2]))
    ints = (np.array([1, 2, 3], np.int32), np.int32(2))
    return [*pairs(rng), Sample(bad, differentiable=False), Sample(ints)]


def positive_pairs(rng: np.random.Generator) -> list[Sample]:
    """Pairs of positive numbers."""
    x, y = rng.uniform(0.5, 2, (2, 3)), rng.uniform(0.5, 2, (3,))
    return [Sample((x, y)), Sample((x, x + 0.25)), Sample((np.zeros((0, 3)), y))]


def zero_pairs(rng: np.random.Generator) -> list[Sample]:
    """Positive pairs, and pairs with zeros and NaN."""
    bad = (np.array([0.0, 0.0, 1.0, np.nan]), np.array([0.0, np.nan, 2.0, 0.0]))
    return [*positive_pairs(rng), Sample(bad, differentiable=False)]


for _definition in (maximum_op, minimum_op, squared_difference_op):
    _definition.samples(ordered_samples)
    _definition.failing(unlike)
for _definition in (mul_no_nan_op, xlogy_op, xdivy_op):
    _definition.samples(zero_pairs)
    _definition.failing(unlike)
atan2_op.samples(positive_pairs)
atan2_op.failing(unlike)


@pow_op.samples
def pow_samples(rng: np.random.Generator) -> list[Sample]:
    edge = (np.array([0.0, -2, 0, 3]), np.array([0.0, 3, 2, -1]))
    ints = (np.array([2, -3, 0]), np.array([10, 3, 0]))
    return [*positive_pairs(rng), Sample(edge, differentiable=False), Sample(ints)]


@pow_op.failing
def pow_failing(rng: np.random.Generator) -> list[Failure]:
    negative = (np.array([2, 3]), np.array([1, -1]))
    return [Failure(negative, InvalidArgumentError, "negative integer powers", at_run=True), *unlike(rng)]


# TensorFlow's names


def add(x: Any, y: Any, name: str | None = None) -> Tensor:
    """X + y element-wise, with broadcasting."""
    return add_op(x, y, name=name)


def subtract(x: Any, y: Any, name: str | None = None) -> Tensor:
    """X - y element-wise, with broadcasting."""
    return subtract_op(x, y, name=name)


def multiply(x: Any, y: Any, name: str | None = None) -> Tensor:
    """X * y element-wise, with broadcasting."""
    return multiply_op(x, y, name=name)


def maximum(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The greater of x and y element-wise; NaN if one is NaN. Of equal inputs x gets the gradient."""
    return maximum_op(x, y, name=name)


def minimum(x: Any, y: Any, name: str | None = None) -> Tensor:
    """The smaller of x and y element-wise; NaN if one is NaN. Of equal inputs x gets the gradient."""
    return minimum_op(x, y, name=name)


def pow(x: Any, y: Any, name: str | None = None) -> Tensor:
    """X to the power of y element-wise.

    Raises:
        InvalidArgumentError: an integer to a negative power, when run.
    """
    with get_default_graph().name_scope(name or "Pow") as scope:
        return pow_op(*operands(x, y), name=scope)


def squared_difference(x: Any, y: Any, name: str | None = None) -> Tensor:
    """(x - y)^2 element-wise."""
    return squared_difference_op(x, y, name=name)


def multiply_no_nan(x: Any, y: Any, name: str | None = None) -> Tensor:
    """X * y, and 0 where y is 0, whatever x is."""
    return mul_no_nan_op(x, y, name=name)


def xlogy(x: Any, y: Any, name: str | None = None) -> Tensor:
    """X log(y), and 0 where x is 0."""
    return xlogy_op(x, y, name=name)


def xdivy(x: Any, y: Any, name: str | None = None) -> Tensor:
    """X / y, and 0 where x is 0."""
    return xdivy_op(x, y, name=name)


def atan2(y: Any, x: Any, name: str | None = None) -> Tensor:
    """The angle of the point (x, y) in [-pi, pi]."""
    return atan2_op(y, x, name=name)


sub = subtract
mul = multiply
