"""Products of matrices."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dtypes import COMPLEX, FLOATING, int32, int64
from ..graph import Operation, Sizes, Tensor
from ..inference import InferenceContext
from ..registry import op
from ..samples import Failure, Sample

Gradients = list[Any]


@op("MatMul", "a: T, b: T", "product: T", T=(*FLOATING, *COMPLEX, int32, int64))
def matmul_op(
    a: Any, b: Any, *, transpose_a: bool = False, transpose_b: bool = False, name: str | None = None
) -> Tensor:
    """The product of two matrices [m, k] and [k, n], either of them given transposed."""


@matmul_op.shape
def matmul_shape(context: InferenceContext) -> list[Sizes]:
    a, b = context.with_rank(0, 2), context.with_rank(1, 2)
    m, k = reversed(a) if context["transpose_a"] else a
    k2, n = reversed(b) if context["transpose_b"] else b
    if k is not None and k2 is not None and k != k2:
        raise ValueError(f"Dimensions must be equal, but are {k} and {k2}")
    return [(m, n)]


def _factor(x: Any, transpose: bool) -> Any:
    return x.T if transpose else x


@matmul_op.kernel
def matmul_kernel(xp: Any, a: Any, b: Any, *, transpose_a: bool, transpose_b: bool) -> Any:
    return xp.matmul(_factor(a, transpose_a), _factor(b, transpose_b))


@matmul_op.into
def matmul_into(xp: Any, out: Any, a: Any, b: Any, *, transpose_a: bool, transpose_b: bool) -> None:
    xp.matmul(_factor(a, transpose_a), _factor(b, transpose_b), out)


@matmul_op.gradient
def matmul_gradient(op: Operation, dy: Tensor) -> Gradients:
    a, b = op.inputs
    ta, tb = op.attrs["transpose_a"], op.attrs["transpose_b"]
    if not ta:
        return [matmul_op(dy, b, transpose_b=not tb), _second(op, dy)]
    return [matmul_op(b, dy, transpose_a=tb, transpose_b=True), _second(op, dy)]


def _second(op: Operation, dy: Tensor) -> Tensor:
    a = op.inputs[0]
    ta, tb = op.attrs["transpose_a"], op.attrs["transpose_b"]
    if not tb:
        return matmul_op(a, dy, transpose_a=not ta)
    return matmul_op(dy, a, transpose_a=True, transpose_b=ta)


@matmul_op.samples
def matmul_samples(rng: np.random.Generator) -> list[Sample]:
    a, b = rng.normal(size=(2, 3)), rng.normal(size=(3, 4))
    return [
        Sample((a, b)),
        Sample((a.T.copy(), b), {"transpose_a": True}),
        Sample((a, b.T.copy()), {"transpose_b": True}),
        Sample((a.T.copy(), b.T.copy()), {"transpose_a": True, "transpose_b": True}),
        Sample((np.ones((2, 0)), np.ones((0, 3)))),
    ]


@matmul_op.failing
def matmul_failing(rng: np.random.Generator) -> list[Failure]:
    return [
        Failure((np.ones((2, 3)), np.ones((4, 2))), ValueError, "Dimensions must be equal, but are 3 and 4"),
        Failure((np.ones(3), np.ones((3, 2))), ValueError, "rank 2"),
    ]
