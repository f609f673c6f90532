"""Tensors put together and taken apart: concatenation, broadcasting, unpacking, zeros and ones, shapes of reductions."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..conversion import convert_to_tensor
from ..dtypes import INDEX, DType, as_dtype, float32, int32, string
from ..errors import InvalidArgumentError
from ..graph import Operation, Sizes, Tensor
from ..inference import InferenceContext, axis_of, reduced_sizes, show
from ..registry import definition_of, op
from ..samples import Failure, Sample
from ..shapes import Dimension, TensorShape, broadcast_sizes, is_static
from ..static import constant_value
from .array import fill_op, identity_op, pack_op, shape_array, shape_op
from .broadcasting import unbroadcast
from .constant import constant

Gradients = list[Any]


@op("BroadcastTo", "input: T, shape: Tidx", "output: T", Tidx=INDEX)
def broadcast_to_op(input: Any, shape: Any, *, name: str | None = None) -> Tensor:
    """`input` repeated to `shape` by the rules of broadcasting."""


@broadcast_to_op.shape
def broadcast_to_shape(context: InferenceContext) -> list[Sizes]:
    wanted, given = context.shape_value(1), context.sizes[0]
    if wanted is None or given is None:
        return [wanted]
    if len(given) > len(wanted) or (None not in wanted and broadcast_sizes(given, wanted) != wanted):
        raise ValueError(f"Incompatible shapes: {show(given)} does not broadcast to {show(wanted)}")
    return [wanted]


def _sizes(shape: Any) -> tuple[int, ...]:
    return tuple(int(s) for s in np.ravel(shape))


@broadcast_to_op.kernel
def broadcast_to_kernel(xp: Any, x: Any, shape: Any) -> Any:
    try:
        return xp.array(xp.broadcast_to(x, _sizes(shape)))
    except ValueError:
        text = f"Incompatible shapes: {list(np.shape(x))} does not broadcast to {list(_sizes(shape))}"
        raise InvalidArgumentError(None, None, text) from None


@broadcast_to_op.into
def broadcast_to_into(xp: Any, out: Any, x: Any, shape: Any) -> None:
    xp.copyto(out, x)


@broadcast_to_op.view
def broadcast_to_view(x: Any, shape: Any) -> Any:
    return np.broadcast_to(x, _sizes(shape))


@broadcast_to_op.gradient
def broadcast_to_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [unbroadcast(dy, op.inputs[0]), None]


@broadcast_to_op.samples
def broadcast_to_samples(rng: np.random.Generator) -> list[Sample]:
    x = rng.normal(size=(3, 1))
    return [
        Sample((x, np.array([3, 4], np.int32)), gradients=(0,)),
        Sample((x, np.array([2, 3, 4])), gradients=(0,)),
        Sample((np.float64(2), np.array([2, 0])), gradients=(0,)),
    ]


@broadcast_to_op.failing
def broadcast_to_failing(rng: np.random.Generator) -> list[Failure]:
    return [Failure((np.ones((2, 3)), np.array([2, 4])), ValueError, r"\[2,3\].*\[2,4\]|3 and 4|compatible")]


@op("Unpack", "value: T", "output: num * T")
def unpack_op(value: Any, *, num: int, axis: int = 0, name: str | None = None) -> list[Tensor]:
    """The slices of `value` along `axis`, each with one dimension less."""


@unpack_op.shape
def unpack_shape(context: InferenceContext) -> list[Sizes]:
    sizes, num = context.sizes[0], context["num"]
    if sizes is None:
        return [None] * num
    axis = axis_of(context["axis"], len(sizes))
    if sizes[axis] is not None and sizes[axis] != num:
        raise ValueError(f"Cannot unpack axis {axis} of shape {show(sizes)} into {num} tensors")
    return [sizes[:axis] + sizes[axis + 1 :]] * num


@unpack_op.kernel
def unpack_kernel(xp: Any, value: Any, *, num: int, axis: int) -> Any:
    if value.shape[axis] != num:
        text = f"Input shape axis {axis} must equal {num}, got shape {list(value.shape)}"
        raise InvalidArgumentError(None, None, text)
    parts = xp.moveaxis(value, axis, 0)
    return [xp.array(parts[i, ...]) for i in range(num)]


@unpack_op.into
def unpack_into(xp: Any, out: Any, value: Any, *, num: int, axis: int) -> None:
    parts = xp.moveaxis(value, axis, 0)
    for i, part in enumerate(out):
        xp.copyto(part, parts[i])


@unpack_op.gradient
def unpack_gradient(op: Operation, *dys: Tensor | None) -> Gradients:
    parts = [zeros_like_tensor(t) if dy is None else dy for dy, t in zip(dys, op.outputs, strict=True)]
    return [pack_op(parts, axis=op.attrs["axis"])]


@unpack_op.samples
def unpack_samples(rng: np.random.Generator) -> list[Sample]:
    x = rng.normal(size=(2, 3))
    return [Sample((x,), {"num": 2}), Sample((x,), {"num": 3, "axis": -1}), Sample((np.ones((0, 2)),), {"num": 0})]


@unpack_op.failing
def unpack_failing(rng: np.random.Generator) -> list[Failure]:
    return [Failure((np.ones((2, 3)),), ValueError, r"\[2,3\] into 4", {"num": 4})]


@op("ConcatOffset", "concat_dim: int32, shape: N * int32", "offset: N * int32")
def concat_offset_op(concat_dim: Any, shape: Any, *, name: str | None = None) -> list[Tensor]:
    """Where each of the tensors of the given shapes starts in their concatenation."""


@concat_offset_op.shape
def concat_offset_shape(context: InferenceContext) -> list[Sizes]:
    return list(context.sizes[1:])


@concat_offset_op.kernel
def concat_offset_kernel(xp: Any, concat_dim: Any, shapes: Any) -> Any:
    offsets, start = [], 0
    rank = {len(s) for s in shapes}
    if len(rank) != 1 or not -max(rank) <= int(concat_dim) < max(rank):
        text = f"concat_dim {int(concat_dim)} must be an axis of shapes of one rank, got {[s.tolist() for s in shapes]}"
        raise InvalidArgumentError(None, None, text)
    for shape in shapes:
        offset = np.zeros_like(shape)
        offset[int(concat_dim)] = start
        start += int(shape[int(concat_dim)])
        offsets.append(offset)
    return offsets


@concat_offset_op.samples
def concat_offset_samples(rng: np.random.Generator) -> list[Sample]:
    shapes = [np.array(s, np.int32) for s in ([2, 2, 7], [2, 3, 7], [2, 5, 7])]
    return [Sample((np.array(1, np.int32), shapes)), Sample((np.array(-2, np.int32), shapes))]


@concat_offset_op.failing
def concat_offset_failing(rng: np.random.Generator) -> list[Failure]:
    inputs = (np.array(1, np.int32), [np.array([2], np.int32)])
    return [Failure(inputs, InvalidArgumentError, "concat_dim 1 must be an axis", at_run=True)]


concat_offset_op.not_differentiable = True


@op("ConcatV2", "values: N * T, axis: Tidx", "output: T", Tidx=INDEX)
def concat_v2_op(values: Any, axis: Any, *, name: str | None = None) -> Tensor:
    """Tensors that differ in one dimension alone, joined along it."""


@concat_v2_op.shape
def concat_v2_shape(context: InferenceContext) -> list[Sizes]:
    return [joined_sizes(context.sizes[:-1], context.value(len(context.sizes) - 1))]


@op("Concat", "concat_dim: int32, values: N * T", "output: T")
def concat_v1_op(concat_dim: Any, values: Any, *, name: str | None = None) -> Tensor:
    """ConcatV2 with its inputs the other way round."""


@concat_v1_op.shape
def concat_v1_shape(context: InferenceContext) -> list[Sizes]:
    return [joined_sizes(context.sizes[1:], context.value(0))]


def joined_sizes(shapes: Any, axis: Any) -> Sizes:
    """The shape of a concatenation along `axis` (None: not known)."""
    known = [s for s in shapes if s is not None]
    if not known:
        return None
    rank = len(known[0])
    if any(len(s) != rank for s in known) or rank == 0:
        texts = ", ".join(show(s) for s in shapes)
        raise ValueError(f"Can only concatenate tensors of one rank, at least 1, got shapes {texts}")
    if axis is None:
        return (None,) * rank
    place = axis_of(int(axis), rank)
    sizes: list[int | None] = []
    for i in range(rank):
        column = [None if s is None else s[i] for s in shapes]
        sizes.append(_total(column) if i == place else _common(column, i))
    return tuple(sizes)


def _total(column: list[int | None]) -> int | None:
    return None if None in column else sum(c for c in column if c is not None)


def _common(column: list[int | None], axis: int) -> int | None:
    found = {c for c in column if c is not None}
    if len(found) > 1:
        raise ValueError(f"Dimension {axis} in both shapes must be equal, but are {sorted(found)}")
    return found.pop() if found else None


@concat_v2_op.kernel
def concat_v2_kernel(xp: Any, values: Any, axis: Any) -> Any:
    try:
        return xp.concatenate(values, axis_of(int(axis), values[0].ndim))
    except ValueError as error:
        raise InvalidArgumentError(None, None, f"ConcatOp : {error}") from None


@concat_v2_op.into
def concat_v2_into(xp: Any, out: Any, values: Any, axis: Any) -> None:
    xp.concatenate(values, int(axis), out)


@concat_v1_op.kernel
def concat_v1_kernel(xp: Any, concat_dim: Any, values: Any) -> Any:
    return concat_v2_kernel(xp, values, concat_dim)


@concat_v1_op.into
def concat_v1_into(xp: Any, out: Any, concat_dim: Any, values: Any) -> None:
    xp.concatenate(values, int(concat_dim), out)


@concat_v2_op.gradient
def concat_v2_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [*_concat_parts(op.inputs[:-1], op.inputs[-1], dy), None]


@concat_v1_op.gradient
def concat_v1_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [None, *_concat_parts(op.inputs[1:], op.inputs[0], dy)]


def _concat_parts(values: Any, axis: Tensor, dy: Tensor) -> list[Tensor]:
    from .array_slice import slice_op  # slices' gradients build on this file

    known, rank = constant_value(axis), None if dy.sizes is None else len(dy.sizes)
    if known is not None and rank is not None:
        place = axis_of(int(known), rank)
        lengths = [None if v.sizes is None else v.sizes[place] for v in values]
        if None not in lengths:
            return _static_parts(dy, rank, place, lengths)
    shapes = [shape_op(v) for v in values]
    if axis.dtype.base_dtype != int32:
        axis = definition_of("Cast")(axis, DstT=int32)
    offsets = concat_offset_op(axis, shapes)
    return [slice_op(dy, o, s) for o, s in zip(offsets, shapes, strict=True)]


def _static_parts(dy: Tensor, rank: int, axis: int, lengths: Any) -> list[Tensor]:
    from .array_slice import slice_op  # slices' gradients build on this file

    parts, start = [], 0
    for length in lengths:
        begin, size = np.zeros(rank, np.int32), np.full(rank, -1, np.int32)
        begin[axis], size[axis] = start, length
        parts.append(slice_op(dy, begin, size))
        start += length
    return parts


@concat_v2_op.samples
def concat_v2_samples(rng: np.random.Generator) -> list[Sample]:
    a, b, axis = rng.normal(size=(2, 3)), rng.normal(size=(2, 1)), np.array(-1, np.int32)
    return [
        Sample(([a, b, a], axis), gradients=(0, 1, 2)),
        Sample(([a, np.ones((0, 3))], np.array(0, np.int32)), gradients=(0, 1)),
        Sample(([np.array([b"a", b"b"], object)] * 2, np.array(0, np.int32)), differentiable=False),
    ]


@concat_v1_op.samples
def concat_v1_samples(rng: np.random.Generator) -> list[Sample]:
    values = [rng.normal(size=(2, 3)), rng.normal(size=(1, 3))]
    return [Sample((np.array(0, np.int32), values), gradients=(1, 2))]


@concat_v2_op.failing
def concat_v2_failing(rng: np.random.Generator) -> list[Failure]:
    a, axis = np.ones((2, 3)), np.array(0, np.int32)
    return [
        Failure(([a, np.ones((2, 4))], axis), ValueError, "Dimension 1 in both shapes must be equal"),
        Failure(([a, np.ones(3)], axis), ValueError, "one rank"),
        Failure(([a, a], np.array(2, np.int32)), ValueError, "2 is out of range"),
    ]


# TensorFlow's names


def concat(values: Any, axis: Any, name: str = "concat") -> Tensor:
    """Tensors that differ in one dimension alone, joined along it.

    Args:
        values: the tensors; a single one is passed through.
        axis: the dimension, which may be negative. The order before 1.0, `concat(axis, values)`, is understood too.
        name: the operation's name.

    Raises:
        ValueError: other dimensions differ.

    Example:
        >>> import headrace as tf
        >>> tf.concat([tf.zeros([2, 3]), tf.zeros([2, 1])], 1).shape.as_list()
        [2, 4]
    """
    if _is_axis(values) and not _is_axis(axis):
        values, axis = axis, values
    parts = list(values) if isinstance(values, list | tuple) else [values]
    if not parts:
        raise ValueError("concat needs at least one tensor, got an empty list")
    if len(parts) == 1:
        return identity_op(parts[0], name=name)
    return concat_v2_op(parts, axis if isinstance(axis, Tensor) else np.array(axis, np.int32), name=name)


def _is_axis(value: Any) -> bool:
    return isinstance(value, int | np.integer) or (isinstance(value, Tensor) and value.sizes == ())


concat_v2 = concat


def zeros(shape: Any, dtype: Any = float32, name: str | None = None) -> Tensor:
    """A tensor of zeros (False, empty strings) of the given shape, which may be a tensor."""
    return _filled(shape, as_dtype(dtype), 0, name or "zeros")


def ones(shape: Any, dtype: Any = float32, name: str | None = None) -> Tensor:
    """A tensor of ones (True) of the given shape, which may be a tensor."""
    return _filled(shape, as_dtype(dtype), 1, name or "ones")


# Larger constants would only fill the graph.
_LARGEST_CONSTANT = 1000


def _filled(shape: Any, dtype: DType, number: int, name: str) -> Tensor:
    dtype = dtype.base_dtype
    value = np.array(b"" if dtype == string else number, dtype.numpy)
    sizes = _static_vector(shape)
    if sizes is not None and int(np.prod(sizes)) < _LARGEST_CONSTANT:
        return constant(np.full(sizes, value, dtype.numpy), dtype, name=name)
    return fill_op(shape_array(sizes) if sizes is not None else shape, value, name=name)


def _static_vector(shape: Any) -> tuple[int, ...] | None:
    if isinstance(shape, Tensor):
        return None
    if isinstance(shape, TensorShape):
        shape = shape.as_list()
    if isinstance(shape, int | np.integer | Dimension):
        shape = [shape]
    if any(isinstance(s, Tensor) or hasattr(s, "_as_graph_element") for s in shape):
        return None
    sizes = tuple(int(s) for s in shape)
    if any(s < 0 for s in sizes):
        raise ValueError(f"The sizes of a shape must be >= 0, got {list(sizes)}")
    return sizes


def zeros_like(tensor: Any, dtype: Any = None, name: str | None = None, optimize: bool = True) -> Tensor:
    """Zeros of the shape of `tensor` and its dtype, or another one."""
    return _alike(tensor, dtype, name or "zeros_like", optimize, zeros)


def ones_like(tensor: Any, dtype: Any = None, name: str | None = None, optimize: bool = True) -> Tensor:
    """Ones of the shape of `tensor` and its dtype, or another one."""
    return _alike(tensor, dtype, name or "ones_like", optimize, ones)


def _alike(tensor: Any, dtype: Any, name: str, optimize: bool, make: Any) -> Tensor:
    tensor = convert_to_tensor(tensor)
    wanted = tensor.dtype.base_dtype if dtype is None else dtype
    result: Tensor = make(tensor.shape if optimize and is_static(tensor.sizes) else shape_op(tensor), wanted, name)
    result.set_shape(tensor.shape)
    return result


def zeros_like_tensor(tensor: Tensor) -> Tensor:
    """Zeros of a tensor's shape and dtype: what no gradient stands for."""
    return zeros_like(tensor)


def broadcast_to(input: Any, shape: Any, name: str | None = None) -> Tensor:
    """`input` repeated to `shape` by the rules of broadcasting.

    Raises:
        ValueError: it does not broadcast to that shape; InvalidArgumentError when that shows only while running.
    """
    return broadcast_to_op(input, shape, name=name or "BroadcastTo")


def reduced_shape_op(input_shape: Tensor, axes: Tensor) -> Tensor:
    """The vector `input_shape` with 1 at `axes`: the shape after a reduction that keeps its dimensions."""
    rank = None if input_shape.sizes is None else input_shape.sizes[0]
    known = constant_value(axes)
    if known is None or rank is None:
        return _stitched_shape(input_shape, axes)
    reduced = np.array([size == 1 for size in reduced_sizes((0,) * rank, known, True) or ()], input_shape.dtype.numpy)
    return input_shape * (1 - reduced) + reduced


def _stitched_shape(input_shape: Tensor, axes: Tensor) -> Tensor:
    dtype = input_shape.dtype.base_dtype
    axes = convert_to_tensor(definition_of("Cast")(axes, DstT=dtype))
    rank = definition_of("Size")(input_shape, out_type=dtype)
    axes = definition_of("Reshape")((axes + rank) % rank, [-1])
    ones = fill_op(shape_op(axes), np.ones((), dtype.numpy))
    whole = definition_of("Range")(np.zeros((), dtype.numpy), rank, np.ones((), dtype.numpy))
    whole, axes = (definition_of("Cast")(t, DstT=int32) for t in (whole, axes))
    return definition_of("DynamicStitch")([whole, axes], [input_shape, ones])  # type: ignore[no-any-return]
