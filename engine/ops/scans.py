"""Running sums and products along an axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dtypes import INDEX, NUMERIC
from ..graph import Operation, Sizes, Tensor
from ..inference import InferenceContext, axis_of
from ..registry import op
from ..samples import Failure, Sample
from .complex_parts import conjugate
from .reduction import accumulator

Gradients = list[Any]


def scan_shape(context: InferenceContext) -> list[Sizes]:
    """The shape of the input, which must have the axis."""
    sizes, axis = context.with_rank_at_least(0, 1), context.value(1)
    if sizes is not None and axis is not None:
        axis_of(int(axis), len(sizes))
    return [sizes]


@op("Cumsum", "x: T, axis: Tidx", "out: T", shape=scan_shape, T=NUMERIC, Tidx=INDEX)
def cumsum_op(x: Any, axis: Any, *, exclusive: bool = False, reverse: bool = False, name: str | None = None) -> Tensor:
    """The running sum along an axis; exclusive ones leave out the element itself."""


@op("Cumprod", "x: T, axis: Tidx", "out: T", shape=scan_shape, T=NUMERIC, Tidx=INDEX)
def cumprod_op(x: Any, axis: Any, *, exclusive: bool = False, reverse: bool = False, name: str | None = None) -> Tensor:
    """The running product along an axis; exclusive ones leave out the element itself."""


def _scan(xp: Any, out: Any, ufunc: Any, x: Any, axis: Any, exclusive: bool, reverse: bool) -> None:
    index = axis_of(int(axis), x.ndim)
    source, target = xp.moveaxis(x, index, 0), xp.moveaxis(out, index, 0)
    if reverse:
        source, target = source[::-1], target[::-1]
    if exclusive and len(source):
        target[0] = ufunc.identity
        source, target = source[:-1], target[1:]
    wide = accumulator(x.dtype)
    if wide == x.dtype:
        ufunc.accumulate(source, 0, wide, target)
    else:
        target[...] = ufunc.accumulate(source, 0, wide)


@cumsum_op.kernel
def cumsum_kernel(xp: Any, x: Any, axis: Any, *, exclusive: bool, reverse: bool) -> Any:
    out = xp.empty(x.shape, x.dtype)
    _scan(xp, out, xp.add, x, axis, exclusive, reverse)
    return out


@cumsum_op.into
def cumsum_into(xp: Any, out: Any, x: Any, axis: Any, *, exclusive: bool, reverse: bool) -> None:
    _scan(xp, out, xp.add, x, axis, exclusive, reverse)


@cumprod_op.kernel
def cumprod_kernel(xp: Any, x: Any, axis: Any, *, exclusive: bool, reverse: bool) -> Any:
    out = xp.empty(x.shape, x.dtype)
    _scan(xp, out, xp.multiply, x, axis, exclusive, reverse)
    return out


@cumprod_op.into
def cumprod_into(xp: Any, out: Any, x: Any, axis: Any, *, exclusive: bool, reverse: bool) -> None:
    _scan(xp, out, xp.multiply, x, axis, exclusive, reverse)


@cumsum_op.gradient
def cumsum_gradient(op: Operation, dy: Tensor) -> Gradients:
    exclusive, reverse = op.attrs["exclusive"], op.attrs["reverse"]
    return [cumsum_op(dy, op.inputs[1], exclusive=exclusive, reverse=not reverse), None]


@cumprod_op.gradient
def cumprod_gradient(op: Operation, dy: Tensor) -> Gradients:
    x, axis = op.inputs
    exclusive, reverse = op.attrs["exclusive"], op.attrs["reverse"]
    product = conjugate(op.outputs[0])
    return [cumsum_op(product * dy, axis, exclusive=exclusive, reverse=not reverse) / conjugate(x), None]


@cumsum_op.samples
@cumprod_op.samples
def scan_samples(rng: np.random.Generator) -> list[Sample]:
    """Every direction, several axes, integers and no elements."""
    x = rng.uniform(0.5, 2, (2, 3, 2))
    ways = [{"exclusive": e, "reverse": r} for e in (False, True) for r in (False, True)]
    return [
        *(Sample((x, np.int32(axis)), way, gradients=(0,)) for axis, way in zip((0, 1, -1, 1), ways, strict=True)),
        Sample((np.array([1, 2, 3], np.int32), np.int64(0)), {}),
        Sample((np.zeros((2, 0)), np.int32(1)), {"exclusive": True}, gradients=(0,)),
    ]


@cumsum_op.failing
@cumprod_op.failing
def scan_failing(rng: np.random.Generator) -> list[Failure]:
    """An axis that is not there."""
    return [Failure((np.ones((2, 3)), np.int32(2)), ValueError, "2 is out of range")]


# TensorFlow's names


def cumsum(x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None) -> Tensor:
    """The running sum along an axis.

    Args:
        x: numbers of rank 1 or more.
        axis: a scalar.
        exclusive: leave out the element itself: [a, b, c] gives [0, a, a + b].
        reverse: add from the end: [a, b, c] gives [a + b + c, b + c, c].
    """
    return cumsum_op(x, axis, exclusive=exclusive, reverse=reverse, name=name)


def cumprod(x: Any, axis: Any = 0, exclusive: bool = False, reverse: bool = False, name: str | None = None) -> Tensor:
    """The running product along an axis; see `cumsum`."""
    return cumprod_op(x, axis, exclusive=exclusive, reverse=reverse, name=name)
