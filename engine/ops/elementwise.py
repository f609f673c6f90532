"""Element-wise arithmetic on two tensors, with broadcasting, and its gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dtypes import NUMERIC, REAL
from ..errors import InvalidArgumentError
from ..graph import Operation, Tensor
from ..inference import broadcast
from ..registry import op
from ..samples import Failure, Sample
from ..scalar import Scalar
from .broadcasting import unbroadcast
from .complex_parts import conjugate

Gradients = list[Any]


def pairs(rng: np.random.Generator) -> list[Sample]:
    """Pairs of arrays that every broadcasting op must take."""
    return [
        Sample((rng.normal(size=(2, 3)), rng.normal(size=(2, 3)))),
        Sample((rng.normal(size=(2, 3)), rng.normal(size=(3,)))),
        Sample((rng.normal(size=(4, 1)), rng.normal(size=(1, 3)))),
        Sample((rng.normal(size=()), rng.normal(size=(2, 0)))),
    ]


def unlike(rng: np.random.Generator) -> list[Failure]:
    """Shapes that no broadcasting op may take."""
    return [Failure((np.ones((2, 3)), np.ones((2, 4))), ValueError, r"\b3\b.*\b4\b|broadcast|compatible")]


@op("Add", "x: T, y: T", "z: T", shape=broadcast, T=NUMERIC)
def add_op(x: Any, y: Any, *, name: str | None = None) -> Tensor:
    """X + y element-wise."""


@op("AddV2", "x: T, y: T", "z: T", shape=broadcast, T=NUMERIC)
def add_v2_op(x: Any, y: Any, *, name: str | None = None) -> Tensor:
    """X + y element-wise."""


@add_op.scalar
@add_v2_op.scalar
def add_scalar(x: Scalar, y: Scalar) -> Scalar:
    return x + y


@add_op.gradient
@add_v2_op.gradient
def add_gradient(op: Operation, dz: Tensor) -> Gradients:
    return [unbroadcast(dz, op.inputs[0]), unbroadcast(dz, op.inputs[1])]


@op("Sub", "x: T, y: T", "z: T", shape=broadcast, T=NUMERIC)
def subtract_op(x: Any, y: Any, *, name: str | None = None) -> Tensor:
    """X - y element-wise."""


@subtract_op.scalar
def subtract_scalar(x: Scalar, y: Scalar) -> Scalar:
    return x - y


@subtract_op.gradient
def subtract_gradient(op: Operation, dz: Tensor) -> Gradients:
    return [unbroadcast(dz, op.inputs[0]), unbroadcast(-dz, op.inputs[1])]


@op("Mul", "x: T, y: T", "z: T", shape=broadcast, T=NUMERIC)
def multiply_op(x: Any, y: Any, *, name: str | None = None) -> Tensor:
    """X * y element-wise."""


@multiply_op.scalar
def multiply_scalar(x: Scalar, y: Scalar) -> Scalar:
    return x * y


@multiply_op.gradient
def multiply_gradient(op: Operation, dz: Tensor) -> Gradients:
    x, y = op.inputs
    return [unbroadcast(dz * conjugate(y), x), unbroadcast(dz * conjugate(x), y)]


for _definition in (add_op, add_v2_op, subtract_op, multiply_op):
    _definition.samples(pairs)
    _definition.failing(unlike)


@op("FloorDiv", "x: T, y: T", "z: T", shape=broadcast, T=REAL)
def floor_div_op(x: Any, y: Any, *, name: str | None = None) -> Tensor:
    """X / y rounded towards negative infinity; InvalidArgumentError for an integer division by zero."""


@floor_div_op.kernel
def floor_div_kernel(xp: Any, x: Any, y: Any) -> Any:
    return xp.floor_divide(x, nonzero(x, y))


def nonzero(x: Any, y: Any) -> Any:
    """`y`; InvalidArgumentError if it is an integer array with a zero and `x` has elements to divide."""
    if x.size and y.dtype.kind in "iu" and not y.all():
        raise InvalidArgumentError(None, None, "Integer division by zero")
    return y


@floor_div_op.gradient
def floor_div_gradient(op: Operation, dz: Tensor) -> Gradients:
    return [None, None]


@floor_div_op.samples
def floor_div_samples(rng: np.random.Generator) -> list[Sample]:
    return [
        Sample((np.array([7, -7, 7, -7]), np.array([2, 2, -2, -2]))),
        Sample((rng.normal(size=3), np.array([0.5, 2, -1]))),
    ]


@floor_div_op.failing
def floor_div_failing(rng: np.random.Generator) -> list[Failure]:
    return [Failure((np.array([1, 2]), np.array([1, 0])), InvalidArgumentError, "division by zero", at_run=True)]
