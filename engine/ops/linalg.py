"""Products of matrices, single and in batches."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dtypes import COMPLEX, FLOATING, int32, int64
from ..graph import Operation, Sizes, Tensor
from ..inference import InferenceContext
from ..registry import op
from ..samples import Failure, Sample
from ..shapes import broadcast_sizes
from .broadcasting import unbroadcast
from .complex_parts import conjugate

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
    b = conjugate(op.inputs[1])
    ta, tb = op.attrs["transpose_a"], op.attrs["transpose_b"]
    if not ta:
        return [matmul_op(dy, b, transpose_b=not tb), _second(op, dy)]
    return [matmul_op(b, dy, transpose_a=tb, transpose_b=True), _second(op, dy)]


def _second(op: Operation, dy: Tensor) -> Tensor:
    a = conjugate(op.inputs[0])
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


_BATCHES = (*FLOATING, *COMPLEX, int32, int64)


@op("BatchMatMul", "x: T, y: T", "output: T", T=_BATCHES)
def batch_matmul_op(x: Any, y: Any, *, adj_x: bool = False, adj_y: bool = False, name: str | None = None) -> Tensor:
    """The products of matrices in two batches of one shape, either given as its conjugate transpose."""


@op("BatchMatMulV2", "x: T, y: T", "output: T", T=_BATCHES)
def batch_matmul_v2_op(x: Any, y: Any, *, adj_x: bool = False, adj_y: bool = False, name: str | None = None) -> Tensor:
    """The products of matrices in two batches, which are broadcast together."""


@batch_matmul_op.shape
@batch_matmul_v2_op.shape
def batch_matmul_shape(context: InferenceContext) -> list[Sizes]:
    x, y = context.with_rank_at_least(0, 2), context.with_rank_at_least(1, 2)
    if x is None or y is None:
        return [None]
    m, k = reversed(x[-2:]) if context["adj_x"] else x[-2:]
    k2, n = reversed(y[-2:]) if context["adj_y"] else y[-2:]
    if k is not None and k2 is not None and k != k2:
        raise ValueError(f"Dimensions must be equal, but are {k} and {k2}")
    batch = broadcast_sizes(x[:-2], y[:-2])
    if context.definition.type == "BatchMatMul" and len(x) != len(y):
        raise ValueError(f"Batches must have one shape, but have {list(x[:-2])} and {list(y[:-2])}")
    return [None if batch is None else (*batch, m, n)]


def _adjoint(xp: Any, x: Any, adjoint: bool) -> Any:
    if not adjoint:
        return x
    turned = xp.swapaxes(x, -1, -2)
    return xp.conj(turned) if x.dtype.kind == "c" else turned


@batch_matmul_op.kernel
@batch_matmul_v2_op.kernel
def batch_matmul_kernel(xp: Any, x: Any, y: Any, *, adj_x: bool, adj_y: bool) -> Any:
    return xp.matmul(_adjoint(xp, x, adj_x), _adjoint(xp, y, adj_y))


@batch_matmul_op.into
@batch_matmul_v2_op.into
def batch_matmul_into(xp: Any, out: Any, x: Any, y: Any, *, adj_x: bool, adj_y: bool) -> None:
    xp.matmul(_adjoint(xp, x, adj_x), _adjoint(xp, y, adj_y), out)


@batch_matmul_op.gradient
@batch_matmul_v2_op.gradient
def batch_matmul_gradient(op: Operation, dy: Tensor) -> Gradients:
    x, y = op.inputs
    adj_x, adj_y = op.attrs["adj_x"], op.attrs["adj_y"]
    if adj_x:
        dx = batch_matmul_v2_op(y, dy, adj_x=adj_y, adj_y=True)
    else:
        dx = batch_matmul_v2_op(dy, y, adj_y=not adj_y)
    if adj_y:
        dother = batch_matmul_v2_op(dy, x, adj_x=True, adj_y=adj_x)
    else:
        dother = batch_matmul_v2_op(x, dy, adj_x=not adj_x)
    return [unbroadcast(dx, x), unbroadcast(dother, y)]


@batch_matmul_op.samples
def batch_matmul_samples(rng: np.random.Generator) -> list[Sample]:
    x, y = rng.normal(size=(2, 2, 3)), rng.normal(size=(2, 3, 4))
    turned = x.swapaxes(1, 2).copy(), y.swapaxes(1, 2).copy()
    return [
        Sample((x, y)),
        Sample((turned[0], y), {"adj_x": True}),
        Sample((x, turned[1]), {"adj_y": True}),
        Sample(turned, {"adj_x": True, "adj_y": True}),
    ]


@batch_matmul_v2_op.samples
def batch_matmul_v2_samples(rng: np.random.Generator) -> list[Sample]:
    x, y = rng.normal(size=(2, 1, 2, 3)), rng.normal(size=(4, 3, 2))
    return [*batch_matmul_samples(rng), Sample((x, y)), Sample((x[0, 0], y))]


@batch_matmul_op.failing
@batch_matmul_v2_op.failing
def batch_matmul_failing(rng: np.random.Generator) -> list[Failure]:
    return [
        Failure((np.ones((2, 2, 3)), np.ones((2, 4, 2))), ValueError, "Dimensions must be equal, but are 3 and 4"),
        Failure((np.ones((2, 2, 3)), np.ones((3, 3, 2))), ValueError, "2|3"),
    ]
