"""Dimensions of size 1, the sizes of tensors, and the shapes that broadcasting gives."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..conversion import convert_to_tensor
from ..dtypes import INDEX, DType, as_dtype, int32
from ..errors import InvalidArgumentError
from ..graph import Operation, Sizes, Tensor
from ..inference import InferenceContext, axis_of, scalar_shape
from ..registry import definition_of, op
from ..samples import Failure, Sample
from ..shapes import TensorShape, as_shape, broadcast_sizes
from .array import rank_op, reshape, shape, shape_op
from .constant import constant

Gradients = list[Any]

rank_op.not_differentiable = True


@op("ExpandDims", "input: T, dim: Tdim", "output: T", Tdim=INDEX)
def expand_dims_op(input: Any, dim: Any, *, name: str | None = None) -> Tensor:
    """`input` with a dimension of size 1 put in at `dim`."""


@expand_dims_op.shape
def expand_dims_shape(context: InferenceContext) -> list[Sizes]:
    sizes, dim = context.sizes[0], context.value(1)
    if sizes is None:
        return [None]
    if dim is None:
        return [(None,) * (len(sizes) + 1)]
    place = axis_of(int(np.ravel(dim)[0]), len(sizes) + 1)
    return [(*sizes[:place], 1, *sizes[place:])]


@expand_dims_op.kernel
def expand_dims_kernel(xp: Any, x: Any, dim: Any) -> Any:
    place = int(np.ravel(dim)[0])
    if not -x.ndim - 1 <= place <= x.ndim:
        text = f"Tried to expand dim index {place} for tensor with {x.ndim} dimensions."
        raise InvalidArgumentError(None, None, text)
    return xp.expand_dims(x, place)


@expand_dims_op.view
def expand_dims_view(x: Any, dim: Any) -> Any:
    return np.expand_dims(x, int(np.ravel(dim)[0]))


@expand_dims_op.gradient
def expand_dims_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [reshape(dy, shape(op.inputs[0])), None]


@expand_dims_op.samples
def expand_dims_samples(rng: np.random.Generator) -> list[Sample]:
    x = rng.normal(size=(2, 3))
    return [Sample((x, np.array(d, np.int32)), gradients=(0,)) for d in (0, 1, -1, [2])]


@expand_dims_op.failing
def expand_dims_failing(rng: np.random.Generator) -> list[Failure]:
    return [Failure((np.ones(2), np.array(3)), ValueError, "axis 3 is out of range")]


@op("Squeeze", "input: T", "output: T")
def squeeze_op(input: Any, *, squeeze_dims: list[int] = [], name: str | None = None) -> Tensor:  # noqa: B006
    """`input` without the named dimensions of size 1, or without all of them."""


@squeeze_op.shape
def squeeze_shape(context: InferenceContext) -> list[Sizes]:
    sizes, dims = context.sizes[0], context["squeeze_dims"] or []
    if sizes is None or (not dims and None in sizes):
        return [None]
    if not dims:
        return [tuple(s for s in sizes if s != 1)]
    dropped = {axis_of(d, len(sizes)) for d in dims}
    for d in dropped:
        if sizes[d] not in (1, None):
            raise ValueError(f"Can not squeeze dim[{d}], expected a dimension of 1, got {sizes[d]}")
    return [tuple(s for i, s in enumerate(sizes) if i not in dropped)]


@squeeze_op.kernel
def squeeze_kernel(xp: Any, x: Any, *, squeeze_dims: Any) -> Any:
    for d in squeeze_dims or ():
        if x.shape[d] != 1:
            text = f"Can not squeeze dim[{d}], expected a dimension of 1, got {x.shape[d]}"
            raise InvalidArgumentError(None, None, text)
    return squeeze_view(x, squeeze_dims=squeeze_dims)


@squeeze_op.view
def squeeze_view(x: Any, *, squeeze_dims: Any) -> Any:
    return np.squeeze(x, tuple(squeeze_dims) if squeeze_dims else None)


@squeeze_op.gradient
def squeeze_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [reshape(dy, shape(op.inputs[0]))]


@squeeze_op.samples
def squeeze_samples(rng: np.random.Generator) -> list[Sample]:
    x = rng.normal(size=(1, 3, 1))
    return [Sample((x,)), Sample((x,), {"squeeze_dims": [-1]}), Sample((x,), {"squeeze_dims": [0, 2]})]


@squeeze_op.failing
def squeeze_failing(rng: np.random.Generator) -> list[Failure]:
    return [Failure((np.ones((2, 3)),), ValueError, r"Can not squeeze dim\[1\]", {"squeeze_dims": [1]})]


@op("Size", "input: T", "output: out_type", shape=scalar_shape)
def size_op(input: Any, *, out_type: DType = int32, name: str | None = None) -> Tensor:
    """The number of elements."""


@size_op.kernel
def size_kernel(xp: Any, x: Any, *, out_type: DType) -> Any:
    return np.array(np.size(x), out_type.numpy)


@size_op.samples
def size_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((np.ones((2, 3)),)), Sample((np.ones((2, 0)),), {"out_type": as_dtype("int64")})]


size_op.not_differentiable = True


@op("ShapeN", "input: N * T", "output: N * out_type")
def shape_n_op(input: Any, *, out_type: DType = int32, name: str | None = None) -> list[Tensor]:
    """The shapes of several tensors."""


@shape_n_op.shape
def shape_n_shape(context: InferenceContext) -> list[Sizes]:
    return [(context.rank(i),) for i in range(len(context.sizes))]


@shape_n_op.kernel
def shape_n_kernel(xp: Any, inputs: Any, *, out_type: DType) -> Any:
    return [np.array(np.shape(x), out_type.numpy) for x in inputs]


@shape_n_op.samples
def shape_n_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample(([np.ones((2, 3)), np.float64(1)],))]


shape_n_op.not_differentiable = True


@op("BroadcastArgs", "s0: T, s1: T", "r0: T", T=INDEX)
def broadcast_args_op(s0: Any, s1: Any, *, name: str | None = None) -> Tensor:
    """The shape that tensors of shapes s0 and s1 broadcast to."""


@broadcast_args_op.shape
def broadcast_args_shape(context: InferenceContext) -> list[Sizes]:
    ranks = [context.with_rank(i, 1)[0] for i in (0, 1)]
    return [(None if None in ranks else max(r for r in ranks if r is not None),)]


@broadcast_args_op.kernel
def broadcast_args_kernel(xp: Any, s0: Any, s1: Any) -> Any:
    try:
        return np.array(np.broadcast_shapes(tuple(s0), tuple(s1)), s0.dtype)
    except ValueError:
        text = f"Incompatible shapes: {s0.tolist()} vs. {s1.tolist()}"
        raise InvalidArgumentError(None, None, text) from None


@broadcast_args_op.samples
def broadcast_args_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((np.array([2, 1, 3]), np.array([4, 1])))]


@broadcast_args_op.failing
def broadcast_args_failing(rng: np.random.Generator) -> list[Failure]:
    return [Failure((np.array([2]), np.array([3])), InvalidArgumentError, r"\[2\] vs. \[3\]", at_run=True)]


broadcast_args_op.not_differentiable = True


# TensorFlow's names


def expand_dims(input: Any, axis: Any = None, name: str | None = None, dim: Any = None) -> Tensor:
    """`input` with a dimension of size 1 put in at `axis` (called `dim` before 1.0).

    Example:
        >>> import headrace as tf
        >>> tf.expand_dims(tf.zeros([2, 3]), -1).shape.as_list()
        [2, 3, 1]
    """
    axis = _one_of("axis", axis, "dim", dim)
    if axis is None:
        raise ValueError("Must specify an axis argument to tf.expand_dims()")
    return expand_dims_op(input, axis if isinstance(axis, Tensor) else np.array(axis, np.int32), name=name)


def _one_of(name: str, value: Any, old_name: str, old: Any) -> Any:
    if value is not None and old is not None:
        raise ValueError(f"Cannot specify both '{name}' and '{old_name}'")
    return value if value is not None else old


def squeeze(input: Any, axis: Any = None, name: str | None = None, squeeze_dims: Any = None) -> Tensor:
    """`input` without the dimensions of size 1, or without those that `axis` (a number or list) names.

    Raises:
        ValueError: a named dimension is not of size 1.
    """
    axis = _one_of("axis", axis, "squeeze_dims", squeeze_dims)
    dims = [] if axis is None else [int(a) for a in np.ravel(axis)]
    return squeeze_op(input, squeeze_dims=dims, name=name)


def _dense(input: Any) -> tuple[Tensor, Tensor | None]:
    dense_shape = getattr(input, "dense_shape", None)
    return (convert_to_tensor(input) if dense_shape is None else input), dense_shape


def rank(input: Any, name: str | None = None) -> Tensor:
    """The number of dimensions of a tensor or SparseTensor as an int32 scalar; a constant where it is static."""
    tensor, dense_shape = _dense(input)
    if dense_shape is not None:
        return size(dense_shape, name)
    if tensor.sizes is not None:
        return constant(np.array(len(tensor.sizes), np.int32), name=name or "Rank")
    return rank_op(tensor, name=name)


def size(input: Any, name: str | None = None, out_type: Any = int32) -> Tensor:
    """The number of elements of a tensor or SparseTensor; a constant where it is static."""
    tensor, dense_shape = _dense(input)
    if dense_shape is not None:
        product: Tensor = definition_of("Prod")(dense_shape, 0, keep_dims=False, name=name or "Size")
        return product
    dtype = as_dtype(out_type)
    if tensor.sizes is not None and None not in tensor.sizes:
        count = math.prod(s for s in tensor.sizes if s is not None)
        return constant(np.array(count, dtype.numpy), name=name or "Size")
    return size_op(tensor, out_type=dtype, name=name)


def shape_n(input: Any, out_type: Any = int32, name: str | None = None) -> list[Tensor]:
    """The shapes of several tensors of one dtype."""
    return shape_n_op(list(input), out_type=as_dtype(out_type), name=name)


def broadcast_static_shape(shape_x: Any, shape_y: Any) -> TensorShape:
    """The static shape that tensors of two static shapes broadcast to; ValueError where they do not."""
    return TensorShape(broadcast_sizes(as_shape(shape_x).sizes, as_shape(shape_y).sizes))


def broadcast_dynamic_shape(shape_x: Any, shape_y: Any) -> Tensor:
    """The shape, as a vector, that tensors of two shapes broadcast to."""
    return broadcast_args_op(shape_x, shape_y)


def ensure_shape(x: Any, shape: Any, name: str | None = None) -> Tensor:
    """`x`, checked while running to have the (partly known) shape."""
    return ensure_shape_op(x, shape=TensorShape(shape), name=name)


@op("EnsureShape", "input: T", "output: T")
def ensure_shape_op(input: Any, *, shape: TensorShape, name: str | None = None) -> Tensor:
    """`input`, checked while running to have the (partly known) shape."""


@ensure_shape_op.shape
def ensure_shape_shape(context: InferenceContext) -> list[Sizes]:
    from ..shapes import merge_sizes

    return [merge_sizes(context.sizes[0], context["shape"].sizes)]


@ensure_shape_op.kernel
def ensure_shape_kernel(xp: Any, x: Any, *, shape: TensorShape) -> Any:
    if not shape.is_compatible_with(x.shape):
        text = f"Shape of tensor {list(x.shape)} is not compatible with expected shape {shape}"
        raise InvalidArgumentError(None, None, text)
    return x


@ensure_shape_op.gradient
def ensure_shape_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [dy]


@ensure_shape_op.samples
def ensure_shape_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((rng.normal(size=(2, 3)),), {"shape": TensorShape([None, 3])})]


@ensure_shape_op.failing
def ensure_shape_failing(rng: np.random.Generator) -> list[Failure]:
    return [Failure((np.ones(2),), ValueError, "compatible|must be equal|merge", {"shape": TensorShape([3])})]


def shape_as_list(tensor: Tensor) -> list[Any]:
    """The sizes of a tensor: numbers where they are static, scalar tensors where not."""
    if tensor.sizes is None:
        raise ValueError(f"The rank of {tensor.name} is not known")
    dynamic = None if None not in tensor.sizes else shape_op(tensor)
    return [dynamic[i] if s is None and dynamic is not None else s for i, s in enumerate(tensor.sizes)]
