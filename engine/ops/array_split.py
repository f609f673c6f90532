"""Tensors in pieces: Split, SplitV, and the lists of tensors that stacking joins."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..conversion import convert_to_tensor
from ..dtypes import INDEX
from ..errors import InvalidArgumentError
from ..graph import Operation, Sizes, Tensor, get_default_graph
from ..inference import InferenceContext, axis_of, show
from ..registry import op
from ..samples import Failure, Sample
from .array import pack_op, stack
from .array_parts import concat_v2_op, unpack_op, zeros_like_tensor

Gradients = list[Any]


@op("Split", "split_dim: int32, value: T", "output: num_split * T")
def split_op(split_dim: Any, value: Any, *, num_split: int, name: str | None = None) -> list[Tensor]:
    """`value` in `num_split` equal pieces along a dimension."""


@split_op.shape
def split_shape(context: InferenceContext) -> list[Sizes]:
    sizes, axis, number = context.sizes[1], context.value(0), context["num_split"]
    if sizes is None or axis is None:
        return [None if sizes is None else (None,) * len(sizes)] * number
    place = axis_of(int(axis), len(sizes))
    size = sizes[place]
    if number < 1:
        raise ValueError(f"num_split must be at least 1, got {number}")
    if size is not None and size % number:
        raise ValueError(f"Dimension size must be evenly divisible by {number} but is {size}")
    return [(*sizes[:place], None if size is None else size // number, *sizes[place + 1 :])] * number


@split_op.kernel
def split_kernel(xp: Any, axis: Any, x: Any, *, num_split: int) -> Any:
    size = x.shape[int(axis)]
    if size % num_split:
        text = f"Dimension size must be evenly divisible by {num_split} but is {size}"
        raise InvalidArgumentError(None, None, text)
    return [part.copy() for part in np.split(x, num_split, int(axis))]


@split_op.into
def split_into(xp: Any, out: Any, axis: Any, x: Any, *, num_split: int) -> None:
    for part, piece in zip(out, np.split(x, num_split, int(axis)), strict=True):
        xp.copyto(part, piece)


@split_op.gradient
def split_gradient(op: Operation, *dys: Tensor | None) -> Gradients:
    return [None, concat_v2_op(_present(op, dys), op.inputs[0])]


def _present(op: Operation, dys: Any) -> list[Tensor]:
    return [zeros_like_tensor(y) if dy is None else dy for y, dy in zip(op.outputs, dys, strict=True)]


@split_op.samples
def split_samples(rng: np.random.Generator) -> list[Sample]:
    x = rng.normal(size=(4, 6))
    return [
        Sample((np.array(1, np.int32), x), {"num_split": 3}, gradients=(1,)),
        Sample((np.array(-2, np.int32), x), {"num_split": 4}, gradients=(1,)),
        Sample((np.array(0, np.int32), np.ones((0, 2))), {"num_split": 2}, gradients=(1,)),
    ]


@split_op.failing
def split_failing(rng: np.random.Generator) -> list[Failure]:
    x = (np.array(0, np.int32), np.ones((3, 2)))
    return [Failure(x, ValueError, "evenly divisible by 2 but is 3", {"num_split": 2})]


@op("SplitV", "value: T, size_splits: Tlen, split_dim: int32", "output: num_split * T", Tlen=INDEX)
def split_v_op(
    value: Any, size_splits: Any, split_dim: Any, *, num_split: int, name: str | None = None
) -> list[Tensor]:
    """`value` in pieces of the given sizes along a dimension; one size may be -1."""


@split_v_op.shape
def split_v_shape(context: InferenceContext) -> list[Sizes]:
    sizes, parts, axis = context.sizes[0], context.value(1), context.value(2)
    number = context["num_split"]
    if sizes is None or axis is None:
        return [None if sizes is None else (None,) * len(sizes)] * number
    place = axis_of(int(axis), len(sizes))
    lengths = [None] * number if parts is None else _lengths(parts.tolist(), sizes[place])
    if len(lengths) != number:
        raise ValueError(f"Expected {number} sizes, got {len(lengths)}")
    return [(*sizes[:place], length, *sizes[place + 1 :]) for length in lengths]


def _lengths(parts: list[int], size: int | None) -> list[Any]:
    open_ended = [i for i, part in enumerate(parts) if part == -1]
    known = sum(part for part in parts if part >= 0)
    if len(open_ended) > 1 or any(part < -1 for part in parts):
        raise ValueError(f"Only one of the sizes may be -1, and none below: got {parts}")
    if size is None:
        return [None if part == -1 else part for part in parts]
    if known > size or (not open_ended and known != size):
        raise ValueError(f"The sizes {parts} must sum to the dimension, which is {size}")
    return [size - known if part == -1 else part for part in parts]


def _pieces(x: Any, size_splits: Any, axis: Any) -> list[Any]:
    try:
        lengths = _lengths(size_splits.tolist(), x.shape[int(axis)])
    except ValueError as error:
        raise InvalidArgumentError(None, None, str(error)) from None
    return np.split(x, np.cumsum(lengths[:-1], dtype=np.int64), int(axis))


@split_v_op.kernel
def split_v_kernel(xp: Any, x: Any, size_splits: Any, axis: Any, *, num_split: int) -> Any:
    return [part.copy() for part in _pieces(x, size_splits, axis)]


@split_v_op.into
def split_v_into(xp: Any, out: Any, x: Any, size_splits: Any, axis: Any, *, num_split: int) -> None:
    for part, piece in zip(out, _pieces(x, size_splits, axis), strict=True):
        xp.copyto(part, piece)


@split_v_op.gradient
def split_v_gradient(op: Operation, *dys: Tensor | None) -> Gradients:
    return [concat_v2_op(_present(op, dys), op.inputs[2]), None, None]


@split_v_op.samples
def split_v_samples(rng: np.random.Generator) -> list[Sample]:
    x, axis = rng.normal(size=(2, 6)), np.array(1, np.int32)
    return [
        Sample((x, np.array([1, 2, 3], np.int32), axis), {"num_split": 3}, gradients=(0,)),
        Sample((x, np.array([0, -1]), axis), {"num_split": 2}, gradients=(0,)),
    ]


@split_v_op.failing
def split_v_failing(rng: np.random.Generator) -> list[Failure]:
    inputs = (np.ones(5), np.array([1, 2]), np.array(0, np.int32))
    return [Failure(inputs, ValueError, r"\[1, 2\] must sum to the dimension, which is 5", {"num_split": 2})]


# TensorFlow's names


def split(
    value: Any, num_or_size_splits: Any, axis: Any = 0, num: int | None = None, name: str = "split",
    split_dim: Any = None, num_split: int | None = None,
) -> list[Tensor]:  # fmt: skip
    """`value` in pieces along a dimension.

    Args:
        value: the tensor.
        num_or_size_splits: how many equal pieces, or a list or vector of their sizes, one of which may be -1.
        axis: the dimension.
        num: how many pieces, where the sizes are a vector of unknown length.
        name: the operation's name.
        split_dim: `axis` before 1.0, as first argument: `split(split_dim, num_split, value)` is understood too.
        num_split: `num_or_size_splits` before 1.0.

    Raises:
        ValueError: the pieces do not fit the dimension.

    Example:
        >>> import headrace as tf
        >>> [t.shape.as_list() for t in tf.split(tf.zeros([4, 6]), [1, 5], 1)]
        [[4, 1], [4, 5]]
    """
    axis = axis if split_dim is None else split_dim
    sizes = num_or_size_splits if num_split is None else num_split
    if _is_number(value) and _is_count(sizes) and not _is_number(axis):
        value, axis = axis, value
    value = convert_to_tensor(value)
    if _is_count(sizes):
        return split_op(_int32(axis), value, num_split=int(sizes), name=name)
    lengths = sizes if isinstance(sizes, Tensor) else np.array([int(s) for s in sizes])  # type: ignore[union-attr]
    number = num if num is not None else lengths.shape[0] if not isinstance(lengths, Tensor) else None
    if number is None and isinstance(lengths, Tensor) and lengths.sizes is not None:
        number = lengths.sizes[0]
    if number is None:
        raise ValueError("Cannot infer num from the length of num_or_size_splits: pass num")
    return split_v_op(value, lengths, _int32(axis), num_split=number, name=name)


split_v = split


def _is_number(value: Any) -> bool:
    if isinstance(value, Tensor):
        return value.sizes == () and value.dtype.base_dtype.is_integer
    return _is_count(value)


def _is_count(value: Any) -> bool:
    # Every array has __index__; only those without dimensions are numbers.
    return hasattr(value, "__index__") and not isinstance(value, Tensor) and np.ndim(value) == 0


def _int32(axis: Any) -> Any:
    return axis if isinstance(axis, Tensor) else np.array(axis, np.int32)


def pack(values: Any, axis: int = 0, name: str = "pack") -> Tensor:
    """`stack`, as it was called before 1.0."""
    return stack(values, axis, name)


def parallel_stack(values: Any, name: str = "parallel_stack") -> Tensor:
    """Tensors of one static shape stacked along a new first axis."""
    return stack(values, 0, name)


def unstack(value: Any, num: int | None = None, axis: int = 0, name: str = "unstack") -> list[Tensor]:
    """The slices of `value` along `axis`, each with one dimension less.

    Raises:
        ValueError: the number of slices is neither static nor given as `num`.
    """
    value = convert_to_tensor(value)
    if num is None:
        sizes = value.sizes
        if sizes is not None:
            num = sizes[axis_of(axis, len(sizes))]
        if num is None:
            raise ValueError(f"Cannot infer num from shape {show(sizes)}")
    return unpack_op(value, num=num, axis=axis, name=name)


def unpack(value: Any, num: int | None = None, axis: int = 0, name: str = "unpack") -> list[Tensor]:
    """`unstack`, as it was called before 1.0."""
    return unstack(value, num, axis, name)


def meshgrid(*args: Any, indexing: str = "xy", name: str = "meshgrid") -> list[Tensor]:
    """The coordinates of the points of a grid, one tensor a vector; the first two axes are swapped with "xy".

    Raises:
        ValueError: `indexing` is neither "xy" nor "ij".
    """
    from .array import reshape
    from .array_parts import broadcast_to_op
    from .array_shape import size

    if indexing not in ("xy", "ij"):
        raise ValueError(f"indexing parameter must be either 'xy' or 'ij', got {indexing!r}")
    with get_default_graph().name_scope(name or "meshgrid"):
        vectors = [reshape(convert_to_tensor(a), [-1]) for a in args]
        order = [1, 0, *range(2, len(vectors))] if indexing == "xy" and len(vectors) > 1 else list(range(len(vectors)))
        lengths = [size(vectors[i]) for i in order]
        whole = pack_op(lengths) if lengths else None
        grids = []
        for i, vector in enumerate(vectors):
            sizes = [1] * len(vectors)
            sizes[order.index(i)] = -1
            grids.append(broadcast_to_op(reshape(vector, sizes), whole))
        return grids
