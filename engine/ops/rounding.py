"""Rounding, and tests of single elements: NaN, infinite, finite, not."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ..conversion import convert_to_tensor
from ..dtypes import COMPLEX, FLOATING, INTEGER, int32, int64
from ..graph import Operation, Tensor
from ..inference import like_first
from ..registry import op
from ..samples import Failure, Sample
from ..scalar import Scalar, call
from .unary import on_values, signed_samples

Gradients = list[Any]


@op("Floor", "x: T", "y: T", shape=like_first, T=FLOATING)
def floor_op(x: Any, *, name: str | None = None) -> Tensor:
    """The largest integer not above x."""


@op("Ceil", "x: T", "y: T", shape=like_first, T=FLOATING)
def ceil_op(x: Any, *, name: str | None = None) -> Tensor:
    """The smallest integer not below x."""


@op("Rint", "x: T", "y: T", shape=like_first, T=FLOATING)
def rint_op(x: Any, *, name: str | None = None) -> Tensor:
    """The nearest integer, halves to the even one."""


@op("Round", "x: T", "y: T", shape=like_first, T=(*FLOATING, int32, int64, *COMPLEX))
def round_op(x: Any, *, name: str | None = None) -> Tensor:
    """The nearest integer, halves to the even one; integers as they are."""


@round_op.kernel
def round_kernel(xp: Any, x: Any) -> Any:
    return xp.array(x) if x.dtype.kind in "iu" else xp.rint(x)


@round_op.into
def round_into(xp: Any, out: Any, x: Any) -> None:
    if x.dtype.kind in "iu":
        xp.copyto(out, x)
    else:
        xp.rint(x, out)


@floor_op.gradient
@ceil_op.gradient
@rint_op.gradient
@round_op.gradient
def rounding_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [None]


@op("IsNan", "x: T", "y: bool", shape=like_first, T=FLOATING)
def is_nan_op(x: Any, *, name: str | None = None) -> Tensor:
    """Whether x is not a number."""


@op("IsInf", "x: T", "y: bool", shape=like_first, T=FLOATING)
def is_inf_op(x: Any, *, name: str | None = None) -> Tensor:
    """Whether x is infinite."""


@op("IsFinite", "x: T", "y: bool", shape=like_first, T=FLOATING)
def is_finite_op(x: Any, *, name: str | None = None) -> Tensor:
    """Whether x is neither infinite nor NaN."""


@op("LogicalNot", "x: bool", "y: bool", shape=like_first)
def logical_not_op(x: Any, *, name: str | None = None) -> Tensor:
    """Not x."""


@op("Invert", "x: T", "y: T", shape=like_first, T=INTEGER)
def invert_op(x: Any, *, name: str | None = None) -> Tensor:
    """Every bit of x flipped."""


@op("PopulationCount", "x: T", "y: uint8", shape=like_first, T=INTEGER)
def population_count_op(x: Any, *, name: str | None = None) -> Tensor:
    """How many bits of x are set."""


@population_count_op.kernel
def population_count_kernel(xp: Any, x: Any) -> Any:
    unsigned = np.dtype(f"u{x.dtype.itemsize}")
    return xp.bitwise_count(xp.ascontiguousarray(x).view(unsigned)).reshape(x.shape)


@invert_op.scalar
def invert_scalar(x: Scalar) -> Scalar:
    return call("invert", x)


for _definition, _primitive in (
    (floor_op, "floor"),
    (ceil_op, "ceil"),
    (rint_op, "rint"),
    (is_nan_op, "isnan"),
    (is_inf_op, "isinf"),
    (is_finite_op, "isfinite"),
    (logical_not_op, "logical_not"),
):
    _definition.scalar(partial(call, _primitive))


def halves(rng: np.random.Generator) -> list[Sample]:
    """Halves and numbers that are not finite."""
    bad = np.array([np.nan, np.inf, -np.inf, 0, -0.0], np.float32)
    plain = [Sample(s.inputs, differentiable=False) for s in signed_samples(rng)]
    return [*plain, Sample((np.arange(-2.5, 3),), differentiable=False), Sample((bad,), differentiable=False)]


for _definition in (floor_op, ceil_op, rint_op, round_op, is_nan_op, is_inf_op, is_finite_op):
    _definition.samples(halves)
for _definition in (is_nan_op, is_inf_op, is_finite_op, logical_not_op, invert_op, population_count_op):
    _definition.not_differentiable = True


@logical_not_op.samples
def logical_not_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((np.array([True, False]),)), Sample((np.bool_(True),))]


@logical_not_op.failing
def logical_not_failing(rng: np.random.Generator) -> list[Failure]:
    return [Failure((np.ones(2),), TypeError, "bool")]


@invert_op.samples
@population_count_op.samples
def bit_samples(rng: np.random.Generator) -> list[Sample]:
    """Integers, signed and not."""
    return [Sample((np.array([-1, 0, 5], np.int32),)), Sample((np.array([[0, 7, 255]], np.uint8),))]


@invert_op.failing
def invert_failing(rng: np.random.Generator) -> list[Failure]:
    return [Failure((np.ones(2),), TypeError, "float64")]


# TensorFlow's names


def floor(x: Any, name: str | None = None) -> Tensor:
    """The largest integer not above each element, in the dtype of x."""
    return floor_op(x, name=name)


def ceil(x: Any, name: str | None = None) -> Tensor:
    """The smallest integer not below each element, in the dtype of x."""
    return ceil_op(x, name=name)


def rint(x: Any, name: str | None = None) -> Tensor:
    """The nearest integer, halves to the even one."""
    return rint_op(x, name=name)


def round(x: Any, name: str | None = None) -> Any:
    """The nearest integer, halves to the even one; integers as they are.

    Example:
        >>> import headrace as tf
        >>> tf.Session().run(tf.round([0.9, 2.5, -4.5])).tolist()
        [1.0, 2.0, -4.0]
    """
    return on_values(_round, x, name)


def _round(x: Any, name: str | None) -> Tensor:
    tensor = convert_to_tensor(x, name="x")
    return tensor if tensor.dtype.is_integer else round_op(tensor, name=name)


def is_nan(x: Any, name: str | None = None) -> Tensor:
    """Whether each element is not a number."""
    return is_nan_op(x, name=name)


def is_inf(x: Any, name: str | None = None) -> Tensor:
    """Whether each element is infinite."""
    return is_inf_op(x, name=name)


def is_finite(x: Any, name: str | None = None) -> Tensor:
    """Whether each element is neither infinite nor NaN."""
    return is_finite_op(x, name=name)


def logical_not(x: Any, name: str | None = None) -> Tensor:
    """Not x, element-wise on bools."""
    return logical_not_op(x, name=name)


def invert(x: Any, name: str | None = None) -> Tensor:
    """Every bit of each integer flipped, as `tf.bitwise.invert`."""
    return invert_op(x, name=name)


def population_count(x: Any, name: str | None = None) -> Tensor:
    """How many bits of each integer are set, as uint8."""
    return population_count_op(x, name=name)


ceiling = ceil
