"""Padding and tiling: Pad, PadV2, MirrorPad, Tile and their gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..conversion import convert_to_tensor
from ..dtypes import INDEX, int32
from ..errors import InvalidArgumentError
from ..graph import Operation, Sizes, Tensor
from ..inference import InferenceContext, show
from ..registry import definition_of, op
from ..samples import Failure, Sample
from ..shapes import is_static
from ..static import constant_value
from .array import pack_op, reshape, shape
from .array_slice import slice_op, strided_slice_op
from .reduction import sum_op

Gradients = list[Any]


def padded_shape(context: InferenceContext) -> list[Sizes]:
    """The shape of input 0 with the rows of input 1 (before, after) added to its sizes."""
    sizes, paddings = context.sizes[0], context.value(1)
    rows = context.with_rank(1, 2)
    if rows[1] not in (None, 2):
        raise ValueError(f"paddings must have shape [rank, 2], got {show(rows)}")
    if sizes is None:
        return [None if rows[0] is None else (None,) * rows[0]]
    if rows[0] is not None and rows[0] != len(sizes):
        raise ValueError(f"paddings must have one row a dimension of {show(sizes)}, got {rows[0]}")
    if paddings is None:
        return [(None,) * len(sizes)]
    if (paddings < 0).any():
        raise ValueError(f"Paddings must be non-negative: {paddings.tolist()}")
    return [tuple(None if s is None else s + int(b) + int(a) for s, (b, a) in zip(sizes, paddings, strict=True))]


def _rows(x: Any, paddings: Any) -> list[tuple[int, int]]:
    rows = [(int(before), int(after)) for before, after in np.asarray(paddings).reshape(-1, 2)]
    if len(rows) != np.ndim(x) or any(n < 0 for row in rows for n in row):
        text = f"Paddings must be non-negative, one row a dimension of {list(np.shape(x))}: {rows}"
        raise InvalidArgumentError(None, None, text)
    return rows


def _inside(x: Any, rows: list[tuple[int, int]]) -> tuple[slice, ...]:
    return tuple(slice(before, before + size) for (before, _), size in zip(rows, x.shape, strict=True))


@op("Pad", "input: T, paddings: Tpaddings", "output: T", shape=padded_shape, Tpaddings=INDEX)
def pad_op(input: Any, paddings: Any, *, name: str | None = None) -> Tensor:
    """`input` with paddings[i] = (before, after) zeros around each dimension."""


@op("PadV2", "input: T, paddings: Tpaddings, constant_values: T", "output: T", shape=padded_shape, Tpaddings=INDEX)
def pad_v2_op(input: Any, paddings: Any, constant_values: Any, *, name: str | None = None) -> Tensor:
    """`input` with paddings[i] = (before, after) copies of a scalar around each dimension."""


def _padded(x: Any, paddings: Any, value: Any, out: Any = None) -> Any:
    rows = _rows(x, paddings)
    if out is None:
        out = np.empty([b + s + a for (b, a), s in zip(rows, x.shape, strict=True)], x.dtype)
    out[...] = value
    out[_inside(x, rows)] = x
    return out


def _zero(x: Any) -> Any:
    return b"" if x.dtype == object else np.zeros((), x.dtype)


@pad_op.kernel
def pad_kernel(xp: Any, x: Any, paddings: Any) -> Any:
    return _padded(x, paddings, _zero(x))


@pad_op.into
def pad_into(xp: Any, out: Any, x: Any, paddings: Any) -> None:
    _padded(x, paddings, _zero(x), out)


@pad_v2_op.kernel
def pad_v2_kernel(xp: Any, x: Any, paddings: Any, value: Any) -> Any:
    return _padded(x, paddings, value)


@pad_v2_op.into
def pad_v2_into(xp: Any, out: Any, x: Any, paddings: Any, value: Any) -> None:
    _padded(x, paddings, value, out)


def _unpadded(x: Tensor, paddings: Tensor, dy: Tensor) -> Tensor:
    dtype = paddings.dtype.base_dtype
    known = constant_value(paddings)
    if known is not None:
        begin: Any = np.ascontiguousarray(known[:, 0])
    else:
        zero, two = np.zeros(2, dtype.numpy), np.ones(2, dtype.numpy)
        begin = strided_slice_op(paddings, zero, zero + two, two, begin_mask=1, end_mask=1, shrink_axis_mask=2)
    result: Tensor = slice_op(dy, begin, shape(x, out_type=dtype))
    return result


@pad_op.gradient
def pad_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [_unpadded(op.inputs[0], op.inputs[1], dy), None]


@pad_v2_op.gradient
def pad_v2_gradient(op: Operation, dy: Tensor) -> Gradients:
    dx = _unpadded(op.inputs[0], op.inputs[1], dy)
    return [dx, None, total(dy) - total(dx)]


def total(x: Tensor) -> Tensor:
    """The sum of all elements."""
    flat = reshape(x, [-1])
    result: Tensor = sum_op(flat, np.zeros(1, np.int32))
    return result


_PADDINGS = np.array([[1, 0], [2, 3]], np.int32)


@pad_op.samples
def pad_samples(rng: np.random.Generator) -> list[Sample]:
    return [
        Sample((rng.normal(size=(2, 3)), _PADDINGS), gradients=(0,)),
        Sample((np.ones((0, 2)), np.array([[1, 1], [0, 0]])), gradients=(0,)),
        Sample((np.array([b"a"], object), np.array([[1, 1]])), differentiable=False),
    ]


@pad_v2_op.samples
def pad_v2_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((rng.normal(size=(2, 3)), _PADDINGS, np.float64(2)), gradients=(0, 2))]


@pad_op.failing
def pad_failing(rng: np.random.Generator) -> list[Failure]:
    return [
        Failure((np.ones((2, 3)), np.array([[1, 1]])), ValueError, "one row a dimension"),
        Failure((np.ones(2), np.array([[1, -1]])), ValueError, "non-negative"),
    ]


@op("MirrorPad", "input: T, paddings: Tpaddings", "output: T", shape=padded_shape, Tpaddings=INDEX)
def mirror_pad_op(input: Any, paddings: Any, *, mode: str, name: str | None = None) -> Tensor:
    """`input` continued by its mirror image: "REFLECT" leaves out the border, "SYMMETRIC" repeats it."""


@mirror_pad_op.kernel
def mirror_pad_kernel(xp: Any, x: Any, paddings: Any, *, mode: str) -> Any:
    rows = _rows(x, paddings)
    spare = 1 if mode == "REFLECT" else 0
    for axis, (before, after) in enumerate(rows):
        if max(before, after) > max(x.shape[axis] - spare, 0):
            text = f"paddings must be no greater than the dimension size (- 1 for REFLECT): {before}, {after} "
            raise InvalidArgumentError(None, None, text + f"for dimension {axis} of size {x.shape[axis]}")
    return xp.pad(x, rows, mode=mode.lower())


@op("MirrorPadGrad", "input: T, paddings: Tpaddings", "output: T", Tpaddings=INDEX)
def mirror_pad_grad_op(input: Any, paddings: Any, *, mode: str, name: str | None = None) -> Tensor:
    """The gradient of MirrorPad: mirrored borders folded back and added."""


@mirror_pad_grad_op.shape
def mirror_pad_grad_shape(context: InferenceContext) -> list[Sizes]:
    sizes, paddings = context.sizes[0], context.value(1)
    if sizes is None or paddings is None:
        return [None if sizes is None else (None,) * len(sizes)]
    return [tuple(None if s is None else s - int(b) - int(a) for s, (b, a) in zip(sizes, paddings, strict=True))]


@mirror_pad_grad_op.kernel
def mirror_pad_grad_kernel(xp: Any, dy: Any, paddings: Any, *, mode: str) -> Any:
    spare = 1 if mode == "REFLECT" else 0
    for axis, (before, after) in enumerate(_rows(dy, paddings)):
        moved = xp.moveaxis(dy, axis, 0)
        size = len(moved) - before - after
        inner = moved[before : before + size].copy()
        inner[spare : spare + before] += moved[:before][::-1]
        inner[size - spare - after : size - spare] += moved[before + size :][::-1]
        dy = xp.moveaxis(inner, 0, axis)
    return dy.copy()


@mirror_pad_op.gradient
def mirror_pad_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [mirror_pad_grad_op(dy, op.inputs[1], mode=op.attrs["mode"]), None]


@mirror_pad_grad_op.gradient
def mirror_pad_grad_gradient(op: Operation, dy: Tensor) -> Gradients:
    return [mirror_pad_op(dy, op.inputs[1], mode=op.attrs["mode"]), None]


@mirror_pad_op.samples
def mirror_pad_samples(rng: np.random.Generator) -> list[Sample]:
    x, rows = rng.normal(size=(2, 4)), np.array([[1, 1], [3, 2]], np.int32)
    return [Sample((x, rows), {"mode": mode}, gradients=(0,)) for mode in ("REFLECT", "SYMMETRIC")]


@mirror_pad_op.failing
def mirror_pad_failing(rng: np.random.Generator) -> list[Failure]:
    rows = np.array([[0, 3]])
    return [Failure((np.ones(3), rows), InvalidArgumentError, "no greater than", {"mode": "REFLECT"}, at_run=True)]


@mirror_pad_grad_op.samples
def mirror_pad_grad_samples(rng: np.random.Generator) -> list[Sample]:
    dy, rows = rng.normal(size=(4, 7)), np.array([[1, 1], [2, 1]], np.int32)
    return [Sample((dy, rows), {"mode": mode}, gradients=(0,)) for mode in ("REFLECT", "SYMMETRIC")]


@op("Tile", "input: T, multiples: Tmultiples", "output: T", Tmultiples=INDEX)
def tile_op(input: Any, multiples: Any, *, name: str | None = None) -> Tensor:
    """`input` repeated multiples[i] times along dimension i."""


@tile_op.shape
def tile_shape(context: InferenceContext) -> list[Sizes]:
    sizes, multiples = context.sizes[0], context.shape_value(1)
    if sizes is None or multiples is None:
        return [None if sizes is None else (None,) * len(sizes)]
    value = context.value(1)
    if value is not None and (np.asarray(value) < 0).any():
        raise ValueError(f"multiples must be numbers >= 0, got {np.asarray(value).tolist()}")
    if len(multiples) != len(sizes):
        raise ValueError(f"multiples needs one entry a dimension of {show(sizes)}, got {len(multiples)}")
    return [tuple(None if s is None or m is None else s * m for s, m in zip(sizes, multiples, strict=True))]


@tile_op.kernel
def tile_kernel(xp: Any, x: Any, multiples: Any) -> Any:
    counts = _multiples(x, multiples)
    out = xp.empty([s * m for s, m in zip(x.shape, counts, strict=True)], x.dtype)
    tile_into(xp, out, x, multiples)
    return out


def _multiples(x: Any, multiples: Any) -> tuple[int, ...]:
    counts = tuple(int(m) for m in multiples)
    if len(counts) != x.ndim or any(m < 0 for m in counts):
        text = f"Expected multiples to be {x.ndim} numbers >= 0, got {list(counts)}"
        raise InvalidArgumentError(None, None, text)
    return counts


@tile_op.into
def tile_into(xp: Any, out: Any, x: Any, multiples: Any) -> None:
    counts = _multiples(x, multiples)
    sizes = [n for pair in zip(counts, x.shape, strict=True) for n in pair]
    copies = xp.reshape(out, sizes, copy=False)
    copies[...] = xp.reshape(x, [n for size in x.shape for n in (1, size)])


@tile_op.gradient
def tile_gradient(op: Operation, dy: Tensor) -> Gradients:
    x, multiples = op.inputs
    sizes, counts = shape(x, out_type=multiples.dtype), constant_value(multiples)
    split: Any
    if is_static(x.sizes) and counts is not None:
        split = np.array([n for pair in zip(counts, x.sizes, strict=True) for n in pair], np.int32)
    else:
        split = reshape(pack_op([multiples, sizes], axis=1), [-1])
    return [reshape(sum_op(reshape(dy, split), _even_axes(x, multiples)), sizes), None]


def _even_axes(x: Tensor, multiples: Tensor) -> Any:
    lengths = [] if multiples.sizes is None else list(multiples.sizes)
    rank = len(x.sizes) if x.sizes is not None else lengths[0] if lengths else None
    if rank is not None:
        return np.arange(0, 2 * rank, 2, dtype=np.int32)
    count = definition_of("Size")(multiples, out_type=int32)
    return definition_of("Range")(np.int32(0), 2 * count, np.int32(2))


@tile_op.samples
def tile_samples(rng: np.random.Generator) -> list[Sample]:
    return [
        Sample((rng.normal(size=(2, 3)), np.array([3, 2], np.int32)), gradients=(0,)),
        Sample((rng.normal(size=(2,)), np.array([0])), gradients=(0,)),
        Sample((np.float64(1), np.array([], np.int32)), gradients=(0,)),
    ]


@tile_op.failing
def tile_failing(rng: np.random.Generator) -> list[Failure]:
    return [Failure((np.ones((2, 3)), np.array([2])), ValueError, "one entry a dimension")]


# TensorFlow's names


def pad(
    tensor: Any, paddings: Any, mode: str = "CONSTANT", name: str | None = None, constant_values: Any = 0
) -> Tensor:
    """`tensor` with paddings[i] = (before, after) elements added around each dimension i.

    Args:
        tensor: any tensor of rank n.
        paddings: integers [n, 2].
        mode: "CONSTANT", "REFLECT" or "SYMMETRIC", in any case.
        name: the operation's name.
        constant_values: what "CONSTANT" fills in.

    Raises:
        ValueError: an unknown mode, or paddings that do not fit.
    """
    kind = mode.upper()
    if kind == "CONSTANT":
        if not isinstance(constant_values, Tensor) and constant_values == 0:
            return pad_op(tensor, paddings, name=name)
        return pad_v2_op(convert_to_tensor(tensor), paddings, constant_values, name=name)
    if kind not in ("REFLECT", "SYMMETRIC"):
        raise ValueError(f"Unknown padding mode: {mode}; there are CONSTANT, REFLECT and SYMMETRIC")
    return mirror_pad_op(tensor, paddings, mode=kind, name=name)


def tile(input: Any, multiples: Any, name: str | None = None) -> Tensor:
    """`input` repeated multiples[i] times along dimension i.

    Example:
        >>> import headrace as tf
        >>> with tf.Session() as sess:
        ...     sess.run(tf.tile([1, 2], [2]))
        array([1, 2, 1, 2], dtype=int32)
    """
    return tile_op(input, multiples, name=name)
