"""Sums of many tensors, and cross products."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..conversion import convert_to_tensor
from ..dtypes import NUMERIC, REAL, as_dtype
from ..graph import Operation, Sizes, Tensor
from ..inference import InferenceContext, all_alike
from ..registry import op
from ..samples import Failure, Sample
from ..shapes import TensorShape, merge_sizes
from ..tensor_types import IndexedSlices

Gradients = list[Any]


@op("AddN", "inputs: N * T", "sum: T", shape=all_alike, T=NUMERIC)
def add_n_op(inputs: Any, *, name: str | None = None) -> Tensor:
    """The sum of tensors of one shape."""


@add_n_op.kernel
def add_n_kernel(xp: Any, inputs: Any) -> Any:
    total = xp.array(inputs[0])
    for part in inputs[1:]:
        total += part
    return total


@add_n_op.into
def add_n_into(xp: Any, out: Any, inputs: Any) -> None:
    if len(inputs) == 1:
        xp.copyto(out, inputs[0])
        return
    xp.add(inputs[0], inputs[1], out)
    for part in inputs[2:]:
        xp.add(out, part, out)


@op("AccumulateNV2", "inputs: N * T", "sum: T", T=NUMERIC)
def accumulate_n_v2_op(inputs: Any, *, shape: TensorShape, name: str | None = None) -> Tensor:
    """The sum of tensors of the one shape given."""


@accumulate_n_v2_op.shape
def accumulate_n_v2_shape(context: InferenceContext) -> list[Sizes]:
    return [merge_sizes(all_alike(context)[0], context["shape"].sizes)]


@accumulate_n_v2_op.kernel
def accumulate_n_v2_kernel(xp: Any, inputs: Any, *, shape: TensorShape) -> Any:
    return add_n_kernel(xp, inputs)


@accumulate_n_v2_op.into
def accumulate_n_v2_into(xp: Any, out: Any, inputs: Any, *, shape: TensorShape) -> None:
    add_n_into(xp, out, inputs)


@add_n_op.gradient
@accumulate_n_v2_op.gradient
def add_n_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [dy] * len(op.inputs)


@add_n_op.samples
def add_n_samples(rng: np.random.Generator) -> list[Sample]:
    parts = [rng.normal(size=(2, 3)) for _ in range(3)]
    return [Sample((parts,)), Sample((parts[:1],)), Sample(([np.int32(2), np.int32(3)],))]


@accumulate_n_v2_op.samples
def accumulate_n_v2_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample(([rng.normal(size=(2, 3)) for _ in range(3)],), {"shape": TensorShape([2, 3])})]


@add_n_op.failing
def add_n_failing(rng: np.random.Generator) -> list[Failure]:
    return [Failure(([np.ones(2), np.ones(3)],), ValueError, "2|3")]


@accumulate_n_v2_op.failing
def accumulate_n_v2_failing(rng: np.random.Generator) -> list[Failure]:
    return [Failure(([np.ones(2), np.ones(2)],), ValueError, "2|3", {"shape": TensorShape([3])})]


@op("Cross", "a: T, b: T", "product: T", shape=all_alike, T=REAL)
def cross_op(a: Any, b: Any, *, name: str | None = None) -> Tensor:
    """The cross products of vectors of three along the last axis."""


@cross_op.shape
def cross_shape(context: InferenceContext) -> list[Sizes]:
    sizes = all_alike(context)[0]
    if sizes is not None and (not sizes or sizes[-1] not in (None, 3)):
        raise ValueError(f"Cross-products are only defined for 3-element vectors, got {list(sizes)}")
    return [sizes]


@cross_op.kernel
def cross_kernel(xp: Any, a: Any, b: Any) -> Any:
    if a.shape != b.shape or not a.ndim or a.shape[-1] != 3:
        raise ValueError(f"Cross-products are only defined for 3-element vectors, got {a.shape} and {b.shape}")
    first = xp.roll(a, -1, -1) * xp.roll(b, -2, -1)
    return first - xp.roll(a, -2, -1) * xp.roll(b, -1, -1)


@cross_op.gradient
def cross_gradient(op: Operation, dz: Tensor) -> Gradients:
    a, b = op.inputs
    return [cross_op(b, dz), cross_op(dz, a)]


@cross_op.samples
def cross_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((rng.normal(size=(2, 3)), rng.normal(size=(2, 3)))), Sample((np.arange(3), np.ones(3, np.int64)))]


@cross_op.failing
def cross_failing(rng: np.random.Generator) -> list[Failure]:
    return [Failure((np.ones((2, 4)), np.ones((2, 4))), ValueError, "3-element")]


# TensorFlow's names


def add_n(inputs: Any, name: str | None = None) -> Tensor:
    """The sum of a list of tensors (or IndexedSlices) of one shape and dtype.

    Raises:
        ValueError: the list is empty, or shapes or dtypes differ.
    """
    if not isinstance(inputs, list | tuple) or not inputs:
        raise ValueError(
            "inputs must be an iterable of at least one Tensor/IndexedSlices with the same dtype and shape"
        )
    parts = _dense(inputs)
    if len(parts) == 1 and not name:
        return parts[0]
    return add_n_op(parts, name=name)


def _dense(inputs: Any) -> list[Tensor]:
    from .aggregation import as_dense

    return [as_dense(x) if isinstance(x, IndexedSlices) else convert_to_tensor(x) for x in inputs]


def accumulate_n(inputs: Any, shape: Any = None, tensor_dtype: Any = None, name: str | None = None) -> Tensor:
    """As `add_n`, with the shape and dtype of all inputs given or found.

    Raises:
        ValueError: the list is empty, or shapes do not fit.
        TypeError: an input is not of `tensor_dtype`.
    """
    if not isinstance(inputs, list | tuple) or not inputs:
        raise ValueError("inputs must be a list of at least one Tensor with the same dtype and shape")
    parts = _dense(inputs)
    if tensor_dtype is not None and any(p.dtype.base_dtype != as_dtype(tensor_dtype) for p in parts):
        raise TypeError(f"tensor_dtype is {tensor_dtype}, but input is of type {parts[0].dtype}")
    if len(parts) == 1 and name is None:
        return parts[0]
    merged: Sizes = TensorShape(shape).sizes
    for part in parts:
        merged = merge_sizes(merged, part.sizes)
    return accumulate_n_v2_op(parts, shape=TensorShape(merged), name=name)


def cross(a: Any, b: Any, name: str | None = None) -> Tensor:
    """The cross products of vectors of three along the last axis, as `tf.linalg.cross`."""
    return cross_op(a, b, name=name)
