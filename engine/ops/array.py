"""Shapes of tensors: reading them, and giving tensors other ones."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..conversion import convert_to_tensor
from ..dtypes import INDEX, DType, as_dtype, int32
from ..errors import InvalidArgumentError
from ..graph import Operation, Sizes, Tensor
from ..inference import InferenceContext, axis_of, from_shape_input, like_first, scalar_shape, show
from ..registry import op
from ..samples import Failure, Sample
from ..shapes import merge_sizes
from ..tensor_types import SparseTensor, SparseTensorValue
from .constant import constant

Gradients = list[Any]


@op("Identity", "input: T", "output: T", shape=like_first)
def identity_op(input: Any, *, name: str | None = None) -> Tensor:
    """The same value; a variable is read at this point of the order of operations."""


@identity_op.kernel
def identity_kernel(xp: Any, x: Any) -> Any:
    return x


@identity_op.view
def identity_view(x: Any) -> Any:
    return x


@identity_op.gradient
def identity_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [dy]


@identity_op.samples
def identity_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((rng.normal(size=(2, 3)),)), Sample((np.array(["a", "b"], object),), differentiable=False)]


@op("Shape", "input: T", "output: out_type")
def shape_op(input: Any, *, out_type: DType = int32, name: str | None = None) -> Tensor:
    """The shape of a tensor as a vector of `out_type`."""


@shape_op.shape
def shape_shape(context: InferenceContext) -> list[Sizes]:
    return [(context.rank(0),)]


@shape_op.kernel
def shape_kernel(xp: Any, x: Any, *, out_type: DType) -> Any:
    return np.array(np.shape(x), out_type.numpy)


@shape_op.gradient
def shape_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [None]


@shape_op.samples
def shape_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((np.ones((2, 0, 3)),)), Sample((np.float32(1),))]


@op("Reshape", "tensor: T, shape: Tshape", "output: T", Tshape=INDEX)
def reshape_op(tensor: Any, shape: Any, *, name: str | None = None) -> Tensor:
    """The elements of `tensor` in row-major order under another shape; one size may be -1."""


@reshape_op.shape
def reshape_shape(context: InferenceContext) -> list[Sizes]:
    wanted, given = context.shape_value(1), context.sizes[0]
    value = context.value(1)
    if value is not None:
        _check_sizes(value)
    if wanted is None or given is None or None in given:
        return [wanted]
    total = math.prod(given)  # type: ignore[arg-type]
    if wanted.count(None) == 0 and math.prod(wanted) != total:  # type: ignore[arg-type]
        raise ValueError(
            f"Cannot reshape a tensor with {total} elements to shape {list(wanted)} ({_count(wanted)} elements)"
        )
    return [_filled(context, wanted, total)]


def _count(sizes: tuple[int | None, ...]) -> int:
    return math.prod(s for s in sizes if s is not None)


def _filled(context: InferenceContext, wanted: tuple[int | None, ...], total: int) -> Sizes:
    # A None may stand for -1 or for a size that is computed: only with a known value is it the rest.
    if wanted.count(None) != 1 or context.value(1) is None:
        return wanted
    known = _count(wanted)
    if known == 0 or total % known:
        shape = [-1 if s is None else s for s in wanted]
        raise ValueError(f"Cannot reshape a tensor with {total} elements to shape {shape}: {known} does not divide it")
    return tuple(total // known if s is None else s for s in wanted)


@reshape_op.kernel
def reshape_kernel(xp: Any, x: Any, shape: Any) -> Any:
    try:
        sizes = _check_sizes(shape)
    except ValueError as error:
        raise InvalidArgumentError(None, None, str(error)) from None
    return xp.reshape(x, sizes)


def _check_sizes(shape: Any) -> tuple[int, ...]:
    sizes = tuple(int(s) for s in np.reshape(shape, -1))
    if sum(s < 0 for s in sizes) > 1 or any(s < -1 for s in sizes):
        raise ValueError(f"Only one input size may be -1, and none below: got {list(sizes)}")
    return sizes


@reshape_op.view
def reshape_view(x: Any, shape: Any) -> Any:
    return np.reshape(x, tuple(int(s) for s in shape), copy=False)


@reshape_op.gradient
def reshape_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [reshape(dy, shape(op.inputs[0])), None]


@reshape_op.samples
def reshape_samples(rng: np.random.Generator) -> list[Sample]:
    return [
        Sample((rng.normal(size=(2, 3)), np.array([3, -1], np.int32)), gradients=(0,)),
        Sample((rng.normal(size=(2, 0)), np.array([0, 5], np.int32)), gradients=(0,)),
        Sample((rng.normal(size=(1,)), np.array([], np.int32)), gradients=(0,)),
    ]


@reshape_op.failing
def reshape_failing(rng: np.random.Generator) -> list[Failure]:
    return [Failure((np.ones((2, 3)), np.array([4], np.int32)), ValueError, "6 elements.*4")]


@op("Pack", "values: N * T", "output: T")
def pack_op(values: Any, *, axis: int = 0, name: str | None = None) -> Tensor:
    """Tensors of one shape, stacked along a new axis."""


@pack_op.shape
def pack_shape(context: InferenceContext) -> list[Sizes]:
    sizes: Sizes = None
    for own in context.sizes:
        sizes = merge_sizes(sizes, own)
    if sizes is None:
        return [None]
    axis = axis_of(context["axis"], len(sizes) + 1)
    return [(*sizes[:axis], len(context.sizes), *sizes[axis:])]


@pack_op.kernel
def pack_kernel(xp: Any, values: Any, *, axis: int) -> Any:
    return xp.stack(values, axis)


@pack_op.into
def pack_into(xp: Any, out: Any, values: Any, *, axis: int) -> None:
    xp.stack(values, axis, out)


@pack_op.gradient
def pack_gradient(op: Operation, dy: Tensor) -> Gradients:
    from .array_parts import unpack_op

    return list(unpack_op(dy, num=len(op.inputs), axis=op.attrs["axis"]))


@pack_op.samples
def pack_samples(rng: np.random.Generator) -> list[Sample]:
    parts = [rng.normal(size=(2, 3)) for _ in range(3)]
    return [Sample((parts,)), Sample((parts,), {"axis": -1}), Sample(([np.float64(1)],))]


@op("Fill", "dims: index_type, value: T", "output: T", index_type=INDEX)
def fill_op(dims: Any, value: Any, *, name: str | None = None) -> Tensor:
    """A tensor of shape `dims` filled with the scalar `value`."""


@fill_op.shape
def fill_shape(context: InferenceContext) -> list[Sizes]:
    if context.sizes[1] not in (None, ()):
        raise ValueError(f"value must be a scalar, got shape {show(context.sizes[1])}")
    return from_shape_input(context)


@fill_op.kernel
def fill_kernel(xp: Any, dims: Any, value: Any) -> Any:
    if (np.asarray(dims) < 0).any():
        raise InvalidArgumentError(None, None, f"Dimensions must be >= 0, got {list(dims)}")
    return xp.full(tuple(int(d) for d in dims), value, np.asarray(value).dtype)


@fill_op.into
def fill_into(xp: Any, out: Any, dims: Any, value: Any) -> None:
    xp.copyto(out, value)


@fill_op.gradient
def fill_gradient(op: Operation, dy: Tensor) -> Gradients:
    from .reduction import sum_op

    return [None, sum_op(dy, np.arange(len(dy.sizes or ()), dtype=np.int32), keep_dims=False)]


@fill_op.samples
def fill_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((np.array([2, 3], np.int32), np.float64(1.5)), gradients=(1,))]


@op("Rank", "input: T", "output: int32", shape=scalar_shape)
def rank_op(input: Any, *, name: str | None = None) -> Tensor:
    """The number of dimensions."""


@rank_op.kernel
def rank_kernel(xp: Any, x: Any) -> Any:
    return np.array(np.ndim(x), np.int32)


@rank_op.samples
def rank_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((np.ones((2, 3)),))]


# TensorFlow's names


def shape(input: Any, name: str | None = None, out_type: Any = int32) -> Tensor:
    """The shape of a tensor or SparseTensor as a vector of `out_type`; a constant where it is static."""
    if isinstance(input, SparseTensor | SparseTensorValue):
        from .casting import cast  # casts know shapes

        return cast(SparseTensor.from_value(input).dense_shape, out_type, name)  # type: ignore[no-any-return]
    tensor = convert_to_tensor(input)
    if tensor.sizes is not None and None not in tensor.sizes:
        return constant(np.array(tensor.sizes, as_dtype(out_type).numpy), name=name or "Shape")
    return shape_op(tensor, out_type=as_dtype(out_type), name=name)


def reshape(tensor: Any, shape: Any, name: str | None = None) -> Tensor:
    """The elements of `tensor`, in row-major order, under another shape.

    Args:
        tensor: any dtype and shape.
        shape: the new sizes; one of them may be -1 and stands for what is left.

    Raises:
        ValueError: the number of elements does not fit.
    """
    return reshape_op(tensor, shape, name=name)


def shape_array(sizes: Any) -> np.ndarray[Any, Any]:
    """Known sizes as the vector that ops take: int32, or int64 where one does not fit."""
    array = np.array(sizes, np.int64)
    return array if array.size and array.max() > int32.max else array.astype(np.int32)


def fill(dims: Any, value: Any, name: str | None = None) -> Tensor:
    """A tensor of shape `dims` filled with the scalar `value`."""
    return fill_op(dims, value, name=name)


def identity(input: Any, name: str | None = None) -> Tensor:
    """A tensor with the value of `input` at this point of the order of operations."""
    return identity_op(input, name=name)


def stack(values: Any, axis: int = 0, name: str = "stack") -> Tensor:
    """Tensors of one shape stacked along a new axis."""
    return pack_op(list(values), axis=axis, name=name)


def stack_values(values: Any, dtype: DType | None, name: str | None) -> Tensor:
    """A nested list with tensors in it as one tensor."""
    dtype = dtype if dtype is not None else _dtype_inside(values)
    parts = [
        stack_values(v, dtype, None) if isinstance(v, list | tuple) else convert_to_tensor(v, dtype) for v in values
    ]
    return pack_op(parts, name=name or "packed")


def _dtype_inside(values: Any) -> DType | None:
    for value in values:
        found = _dtype_inside(value) if isinstance(value, list | tuple) else getattr(value, "dtype", None)
        if isinstance(found, DType):
            return found.base_dtype
    return None
