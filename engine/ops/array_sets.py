"""Distinct values, differences of lists, one-hot vectors, masks of lengths and sorted search."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np

from ..conversion import convert_to_tensor
from ..dtypes import INDEX, DType, as_dtype, bool as bool_dtype, float32, int32, int64, uint8
from ..errors import InvalidArgumentError
from ..graph import Sizes, Tensor, get_default_graph
from ..inference import InferenceContext, axis_of
from ..kernels.selection import unique as unique_kernel, unique_slices
from ..registry import definition_of, op
from ..samples import Failure, Sample
from ..static import constant_value
from .array import reshape, shape
from .array_parts import broadcast_to_op, concat
from .array_shape import expand_dims

Gradients = list[Any]


@op("Unique", "x: T", "y: T, idx: out_idx")
def unique_op(x: Any, *, out_idx: DType = int32, name: str | None = None) -> tuple[Tensor, Tensor]:
    """The distinct values of a vector in the order they first occur, and the place among them of each element."""


@op("UniqueWithCounts", "x: T", "y: T, idx: out_idx, count: out_idx")
def unique_with_counts_op(x: Any, *, out_idx: DType = int32, name: str | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """As Unique, and how often each value occurs."""


@unique_op.shape
def unique_shape(context: InferenceContext) -> list[Sizes]:
    return [(None,), context.with_rank(0, 1)]


@unique_with_counts_op.shape
def unique_with_counts_shape(context: InferenceContext) -> list[Sizes]:
    return [(None,), context.with_rank(0, 1), (None,)]


@unique_op.kernel
def unique_op_kernel(xp: Any, x: Any, *, out_idx: DType) -> Any:
    return unique_kernel(x, out_idx.numpy)[:2]


@unique_with_counts_op.kernel
def unique_with_counts_kernel(xp: Any, x: Any, *, out_idx: DType) -> Any:
    return unique_kernel(x, out_idx.numpy)


@op("UniqueV2", "x: T, axis: Taxis", "y: T, idx: out_idx", Taxis=INDEX)
def unique_v2_op(x: Any, axis: Any, *, out_idx: DType = int32, name: str | None = None) -> tuple[Tensor, Tensor]:
    """The distinct slices of `x` along an axis in the order they first occur, and the place among them of each."""


@unique_v2_op.shape
def unique_v2_shape(context: InferenceContext) -> list[Sizes]:
    sizes, axis = context.sizes[0], context.value(1)
    if sizes is None or axis is None:
        return [None if sizes is None else (None,) * len(sizes), (None,)]
    place = axis_of(int(np.ravel(axis)[0]) if np.size(axis) else 0, len(sizes))
    return [(*sizes[:place], None, *sizes[place + 1 :]), (sizes[place],)]


@unique_v2_op.kernel
def unique_v2_kernel(xp: Any, x: Any, axis: Any, *, out_idx: DType) -> Any:
    return unique_slices(x, int(np.ravel(axis)[0]) if np.size(axis) else 0, out_idx.numpy)[:2]


@unique_op.samples
@unique_with_counts_op.samples
def unique_samples(rng: np.random.Generator) -> list[Sample]:
    words = np.array([b"b", b"a", b"b"], object)
    return [
        Sample((np.array([7, 3, 7, 7]),)),
        Sample((words,), {"out_idx": int64}, differentiable=False),
        Sample((np.zeros(0),), differentiable=False),
    ]


@unique_op.failing
@unique_with_counts_op.failing
def unique_failing(rng: np.random.Generator) -> list[Failure]:
    return [Failure((np.ones((2, 2)),), ValueError, "rank 1")]


@unique_v2_op.samples
def unique_v2_samples(rng: np.random.Generator) -> list[Sample]:
    x = np.array([[1, 0, 0], [1, 0, 0], [2, 0, 0]])
    return [Sample((x, np.array([0]))), Sample((x, np.array([1], np.int32)))]


for _definition in (unique_op, unique_with_counts_op, unique_v2_op):
    _definition.not_differentiable = True


@op("ListDiff", "x: T, y: T", "out: T, idx: out_idx")
def list_diff_op(x: Any, y: Any, *, out_idx: DType = int32, name: str | None = None) -> tuple[Tensor, Tensor]:
    """The elements of `x` that are not in `y`, in order, and their places in `x`."""


@list_diff_op.shape
def list_diff_shape(context: InferenceContext) -> list[Sizes]:
    context.with_rank(0, 1)
    context.with_rank(1, 1)
    return [(None,), (None,)]


@list_diff_op.kernel
def list_diff_kernel(xp: Any, x: Any, y: Any, *, out_idx: DType) -> Any:
    known = set(y.tolist())
    places = np.array([i for i, v in enumerate(x.tolist()) if v not in known], out_idx.numpy)
    return x[places], places


@list_diff_op.samples
def list_diff_samples(rng: np.random.Generator) -> list[Sample]:
    words = [np.array(v, object) for v in ([b"a", b"b"], [b"a"])]
    return [
        Sample((np.array([1, 2, 3, 4, 2]), np.array([2, 5]))),
        Sample(tuple(words), {"out_idx": int64}, differentiable=False),
    ]


list_diff_op.not_differentiable = True


@op("OneHot", "indices: TI, depth: int32, on_value: T, off_value: T", "output: T", TI=(uint8, *INDEX))
def one_hot_op(
    indices: Any, depth: Any, on_value: Any, off_value: Any, *, axis: int = -1, name: str | None = None
) -> Tensor:
    """A new dimension of size `depth` that holds on_value at the index and off_value elsewhere."""


@one_hot_op.shape
def one_hot_shape(context: InferenceContext) -> list[Sizes]:
    sizes, depth = context.sizes[0], context.value(1)
    if depth is not None and int(depth) < 0:
        raise ValueError(f"depth must be non-negative, got: {int(depth)}")
    if sizes is None:
        return [None]
    place = axis_of(context["axis"], len(sizes) + 1)
    return [(*sizes[:place], None if depth is None else int(depth), *sizes[place:])]


@one_hot_op.kernel
def one_hot_kernel(xp: Any, indices: Any, depth: Any, on_value: Any, off_value: Any, *, axis: int) -> Any:
    if int(depth) < 0:
        raise InvalidArgumentError(None, None, f"depth must be non-negative, got: {int(depth)}")
    place = axis % (indices.ndim + 1)
    out = np.empty((*indices.shape[:place], int(depth), *indices.shape[place:]), np.asarray(on_value).dtype)
    one_hot_into(xp, out, indices, depth, on_value, off_value, axis=axis)
    return out


@one_hot_op.into
def one_hot_into(xp: Any, out: Any, indices: Any, depth: Any, on_value: Any, off_value: Any, *, axis: int) -> None:
    out[...] = off_value
    last = np.moveaxis(out, axis, -1)
    if not indices.ndim:
        indices, last = indices[None], last[None]
    inside = (indices >= 0) & (indices < int(depth))
    last[(*np.nonzero(inside), indices[inside])] = on_value


@one_hot_op.samples
def one_hot_samples(rng: np.random.Generator) -> list[Sample]:
    depth, on, off = np.array(3, np.int32), np.float64(5), np.float64(-1)
    return [
        Sample((np.array([0, 2, -1, 7]), depth, on, off), differentiable=False),
        Sample((np.array([[0, 1]], np.int32), depth, on, off), {"axis": 1}, differentiable=False),
        Sample((np.array(2, np.uint8), depth, on, off), {"axis": 0}, differentiable=False),
    ]


@one_hot_op.failing
def one_hot_failing(rng: np.random.Generator) -> list[Failure]:
    inputs = (np.array([0]), np.array(-1, np.int32), np.float64(1), np.float64(0))
    return [Failure(inputs, ValueError, "depth must be non-negative")]


one_hot_op.not_differentiable = True


def _search_op(side: Literal["left", "right"]) -> Any:
    def kernel(xp: Any, sorted_inputs: Any, values: Any, *, out_type: DType) -> Any:
        if sorted_inputs.shape[0] != values.shape[0]:
            text = f"Leading dims must match: {list(sorted_inputs.shape)} and {list(values.shape)}"
            raise InvalidArgumentError(None, None, text)
        rows = [np.searchsorted(row, v, side) for row, v in zip(sorted_inputs, values, strict=True)]
        return np.array(rows, out_type.numpy).reshape(values.shape)

    return kernel


def _values_shape(context: InferenceContext) -> list[Sizes]:
    context.with_rank(0, 2)
    return [context.with_rank(1, 2)]


@op("LowerBound", "sorted_inputs: T, values: T", "output: out_type", shape=_values_shape)
def lower_bound_op(sorted_inputs: Any, values: Any, *, out_type: DType = int32, name: str | None = None) -> Tensor:
    """The first place in each sorted row where each value of that row of `values` could go."""


@op("UpperBound", "sorted_inputs: T, values: T", "output: out_type", shape=_values_shape)
def upper_bound_op(sorted_inputs: Any, values: Any, *, out_type: DType = int32, name: str | None = None) -> Tensor:
    """The last place in each sorted row where each value of that row of `values` could go."""


lower_bound_op.kernel(_search_op("left"))
upper_bound_op.kernel(_search_op("right"))


@lower_bound_op.samples
@upper_bound_op.samples
def bound_samples(rng: np.random.Generator) -> list[Sample]:
    rows, values = np.array([[0, 3, 9, 9, 10], [1, 2, 3, 4, 5]]), np.array([[2, 4, 9], [0, 2, 6]])
    return [Sample((rows, values))]


lower_bound_op.not_differentiable = upper_bound_op.not_differentiable = True


# TensorFlow's names


class Unique(NamedTuple):
    """What `unique` gives."""

    y: Tensor
    idx: Tensor


class UniqueWithCounts(NamedTuple):
    """What `unique_with_counts` gives."""

    y: Tensor
    idx: Tensor
    count: Tensor  # type: ignore[assignment]


class ListDiff(NamedTuple):
    """What `setdiff1d` gives."""

    out: Tensor
    idx: Tensor


def unique(x: Any, out_idx: Any = int32, name: str | None = None) -> Unique:
    """The distinct values of a vector in the order they first occur, and the place among them of each element.

    Example:
        >>> import headrace as tf
        >>> with tf.Session() as sess:
        ...     sess.run(tf.unique([7, 3, 7]).idx)
        array([0, 1, 0], dtype=int32)
    """
    return Unique(*unique_op(x, out_idx=as_dtype(out_idx), name=name))


def unique_with_counts(x: Any, out_idx: Any = int32, name: str | None = None) -> UniqueWithCounts:
    """The distinct values of a vector, the place among them of each element, and how often each occurs."""
    return UniqueWithCounts(*unique_with_counts_op(x, out_idx=as_dtype(out_idx), name=name))


def setdiff1d(x: Any, y: Any, index_dtype: Any = int32, name: str | None = None) -> ListDiff:
    """The elements of the vector `x` that are not in `y`, in order, and their places in `x`."""
    return ListDiff(*list_diff_op(x, y, out_idx=as_dtype(index_dtype), name=name))


listdiff = list_diff = setdiff1d


def one_hot(
    indices: Any, depth: Any, on_value: Any = None, off_value: Any = None, axis: int | None = None, dtype: Any = None,
    name: str | None = None,
) -> Tensor:  # fmt: skip
    """A tensor with a new dimension of size `depth` that holds on_value at the index and off_value elsewhere.

    Args:
        indices: integers of any shape; those outside of [0, depth) give off_value alone.
        depth: the size of the new dimension.
        on_value: 1 by default.
        off_value: 0 by default.
        axis: where the new dimension stands, by default last.
        dtype: of the result; by default that of the values, or float32.
        name: the operation's name.

    Raises:
        TypeError: the dtypes of the values differ.

    Example:
        >>> import headrace as tf
        >>> with tf.Session() as sess:
        ...     sess.run(tf.one_hot([1, 0], 2)).tolist()
        [[0.0, 1.0], [1.0, 0.0]]
    """
    dtypes = [convert_to_tensor(v).dtype.base_dtype for v in (on_value, off_value) if v is not None and dtype is None]
    if len(set(dtypes)) > 1:
        raise TypeError(f"dtypes of on_value and off_value do not match: {dtypes[0].name} and {dtypes[1].name}")
    wanted = as_dtype(dtype) if dtype is not None else dtypes[0] if dtypes else float32
    values = [_value(v, default, wanted) for v, default in ((on_value, 1), (off_value, 0))]
    if not isinstance(indices, Tensor) and not hasattr(indices, "_as_graph_element") and not hasattr(indices, "dtype"):
        indices = convert_to_tensor(indices, preferred_dtype=int64)
    if isinstance(depth, Tensor) and depth.dtype.base_dtype != int32:
        depth = definition_of("Cast")(depth, DstT=int32)
    place = -1 if axis is None else axis
    return one_hot_op(convert_to_tensor(indices), depth, *values, axis=place, name=name or "one_hot")


def _value(value: Any, default: int, dtype: DType) -> Any:
    if isinstance(value, Tensor) or hasattr(value, "_as_graph_element"):
        return convert_to_tensor(value, dtype)
    return np.array(default if value is None else value).astype(dtype.numpy)


def sequence_mask(lengths: Any, maxlen: Any = None, dtype: Any = bool_dtype, name: str | None = None) -> Tensor:
    """A mask whose element [..., j] tells whether j < lengths[...].

    Args:
        lengths: integers of any shape.
        maxlen: the size of the new last dimension, by default the largest length.
        dtype: of the result.
        name: the scope of the operations.
    """
    with get_default_graph().name_scope(name or "SequenceMask"):
        lengths = convert_to_tensor(lengths)
        base = lengths.dtype.base_dtype
        if maxlen is None:
            flat = concat([reshape(lengths, [-1]), np.zeros(1, base.numpy)], 0)
            maxlen = definition_of("Max")(flat, np.zeros(1, np.int32), keep_dims=False)
        limit = convert_to_tensor(maxlen)
        if limit.sizes not in (None, ()):
            raise ValueError(f"maxlen must be scalar for sequence_mask, got shape {limit.shape}")
        if limit.dtype.base_dtype != base:
            known = constant_value(limit)
            limit = convert_to_tensor(known.astype(base.numpy)) if known is not None else _cast(limit, base)
        steps = definition_of("Range")(np.zeros((), base.numpy), limit, np.ones((), base.numpy))
        mask: Tensor = steps < expand_dims(lengths, -1)
        return mask if as_dtype(dtype) == bool_dtype else _cast(mask, as_dtype(dtype))


def _cast(x: Tensor, dtype: DType) -> Tensor:
    result: Tensor = definition_of("Cast")(x, DstT=dtype)
    return result


def searchsorted(
    sorted_sequence: Any, values: Any, side: str = "left", out_type: Any = int32, name: str | None = None
) -> Tensor:
    """The places in sorted rows where values could go, the first ones ("left") or the last ones ("right").

    Args:
        sorted_sequence: [..., n], sorted along the last dimension.
        values: [..., m], of the same dtype.
        side: "left" or "right".
        out_type: int32 or int64.
        name: the operation's name.

    Returns:
        A tensor of the shape of `values`.
    """
    if side not in ("left", "right"):
        raise ValueError(f"side must be either 'right' or 'left'.  Saw: {side}.")
    rows, wanted = convert_to_tensor(sorted_sequence), convert_to_tensor(values)
    make = lower_bound_op if side == "left" else upper_bound_op
    flat = [reshape(t, concat([np.array([-1], np.int32), shape(t)[-1:]], 0)) for t in (rows, wanted)]
    return reshape(make(*flat, out_type=as_dtype(out_type), name=name), shape(wanted))


def repeat(input: Any, repeats: Any, axis: int | None = None, name: str | None = None) -> Tensor:
    """`input` with its elements, or its slices along `axis`, repeated: all `repeats` times, or each its own number."""
    from .indexing import boolean_mask

    with get_default_graph().name_scope(name or "Repeat"):
        data, counts = convert_to_tensor(input), convert_to_tensor(repeats)
        if axis is None:
            data, axis = reshape(data, [-1]), 0
        place = axis_of(axis, len(data.sizes or ()))
        sizes = shape(data)
        counts = broadcast_to_op(reshape(counts, [-1]), sizes[place : place + 1])
        mask = sequence_mask(counts)
        most = shape(mask)[1:]
        spread = broadcast_to_op(
            expand_dims(data, place + 1), concat([sizes[: place + 1], most, sizes[place + 1 :]], 0)
        )
        return boolean_mask(spread, mask, axis=place)
