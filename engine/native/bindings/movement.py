"""Movement of data: every op here is copies between strided views of its inputs and outputs."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np

from ...unsupported import UnsupportedError
from ..calls import SMALL_WORK, Array, Bound, chunks_of, native
from .elementwise import fill

_MOST_RANK = 6
_TILE = 16
_RUNS, _SPREAD, _TURNED, _SINGLE = range(4)
_TYPES = ["bool", "uint8", "int8", "int16", "int32", "int64", "float32", "float64", "bfloat16", "float16"]


def copy_view(bound: Bound, out: Array, source: Array) -> None:
    """Adds the call that copies a view to another one of the same shape and dtype."""
    bound.require(out.shape == source.shape and out.dtype == source.dtype, "a copy that converts")
    bound.require(not out.dtype.hasobject, f"{out.dtype}")
    if not out.size:
        return
    if out.flags.c_contiguous and source.flags.c_contiguous:
        size, chunks = chunks_of(out.nbytes, least=256 * 1024)
        bound.call("copy_bytes", chunks, out.nbytes, size, out, source)
        return
    item = out.itemsize
    dims = _dims(out, source)
    mode = _mode(dims, item)
    if mode == _TURNED:
        where = next(i for i, d in enumerate(dims[:-1]) if d[2] == item)
        across = dims.pop(where)
        dims.insert(len(dims) - 1, across)
    if len(dims) > _MOST_RANK:
        raise UnsupportedError(f"a copy along {len(dims)} axes")
    counts = [d[0] for d in dims[:-1]]
    if mode == _TURNED:
        counts[-1] = -(-counts[-1] // _TILE)
    rows = math.prod(counts)
    cost = dims[-1][0] * (_TILE if mode == _TURNED else 1)
    size, chunks = chunks_of(rows, max(cost, 4), 2 * SMALL_WORK)
    padding = [0] * (_MOST_RANK - len(dims))
    columns = [value for i in range(3) for value in (*(d[i] for d in dims), *padding)]
    bound.call("copy_strided", chunks, len(dims), item, rows, size, mode, *columns, out, source)


def _dims(out: Array, source: Array) -> list[tuple[int, int, int]]:
    """Axes as (size, stride of out, stride of the source), as few as there can be, the widest strides of out first."""
    axes = [d for d in zip(out.shape, out.strides, source.strides, strict=True) if d[0] != 1]
    axes.sort(key=lambda d: -abs(d[1]))
    dims: list[tuple[int, int, int]] = []
    for size, to, come in axes:
        if dims and dims[-1][1] == to * size and dims[-1][2] == come * size:
            dims[-1] = (dims[-1][0] * size, to, come)
        else:
            dims.append((size, to, come))
    return dims or [(1, out.itemsize, out.itemsize)]


def _mode(dims: list[tuple[int, int, int]], item: int) -> int:
    _, to, come = dims[-1]
    if to != item:
        return _SINGLE
    if come == item:
        return _RUNS
    if come == 0:
        return _SPREAD
    return _TURNED if any(d[2] == item for d in dims[:-1]) else _SINGLE


@native("Identity", "StopGradient", "PreventGradient", "PlaceholderWithDefault", "ReadVariableOp")
def copy(bound: Bound) -> None:
    """A copy of any memory and dtype."""
    copy_view(bound, bound.outputs[0], bound.inputs[0])


@native("Reshape", "ExpandDims", "Squeeze", "EnsureShape")
def reshape(bound: Bound) -> None:
    """The elements in row-major order, from memory that lies otherwise."""
    copy_view(bound, bound.outputs[0].reshape(bound.inputs[0].shape), bound.inputs[0])


@native("Transpose")
def transpose(bound: Bound) -> None:
    """Axes in another order, in tiles where lines of one lie across lines of the other."""
    order = [int(i) for i in bound.known(1)]
    copy_view(bound, bound.outputs[0], bound.inputs[0].transpose(order))


@native("BroadcastTo", "Fill")
def broadcast_to(bound: Bound) -> None:
    """Elements repeated."""
    source = bound.inputs[1] if bound.type == "Fill" else bound.inputs[0]
    copy_view(bound, bound.outputs[0], np.broadcast_to(source, bound.outputs[0].shape))


@native("Tile")
def tile(bound: Bound) -> None:
    """The whole array repeated along each axis."""
    x, out = bound.inputs[0], bound.outputs[0]
    times = [int(n) for n in bound.known(1)]
    pairs = [n for pair in zip(times, x.shape, strict=True) for n in pair]
    spread = x.reshape([n for size in x.shape for n in (1, size)]) if x.flags.c_contiguous else None
    bound.require(spread is not None, "strided memory")
    copy_view(bound, out.reshape(pairs), np.broadcast_to(spread, pairs))  # type: ignore[arg-type]


@native("ReverseV2")
def reverse(bound: Bound) -> None:
    """Axes backwards."""
    x = bound.inputs[0]
    axes = {int(i) % x.ndim for i in np.ravel(bound.known(1))}
    index: Any = tuple(slice(None, None, -1 if i in axes else 1) for i in range(x.ndim))
    copy_view(bound, bound.outputs[0], x[(*index, ...)])


@native("ConcatV2", "Concat")
def concat(bound: Bound) -> None:
    """Arrays one after the other along an axis."""
    first = bound.type == "Concat"
    axis = int(bound.known(0 if first else len(bound.inputs) - 1))
    _deal(bound, bound.outputs[0], axis, bound.inputs[1:] if first else bound.inputs[:-1], into=True)


@native("Split", "SplitV")
def split(bound: Bound) -> None:
    """The parts of an array along an axis."""
    value, axis = (1, 0) if bound.type == "Split" else (0, 2)
    _deal(bound, bound.inputs[value], int(bound.known(axis)), bound.outputs, into=False)


def _deal(bound: Bound, whole: Array, axis: int, parts: Iterable[Array], into: bool) -> None:
    start = 0
    for part in parts:
        length = part.shape[axis]
        place: Any = (slice(None),) * (axis % whole.ndim) + (slice(start, start + length), ...)
        view = whole[place]
        start += length
        if into:
            copy_view(bound, view, part)
        else:
            copy_view(bound, part, view)


@native("Pack")
def pack(bound: Bound) -> None:
    """Arrays side by side along a new axis."""
    turned = np.moveaxis(bound.outputs[0], bound.attrs["axis"], 0)
    for i, value in enumerate(bound.inputs):
        copy_view(bound, turned[i, ...], value)


@native("Unpack")
def unpack(bound: Bound) -> None:
    """An axis dropped, an array for each place along it."""
    turned = np.moveaxis(bound.inputs[0], bound.attrs["axis"], 0)
    for i, out in enumerate(bound.outputs):
        copy_view(bound, out, turned[i, ...])


@native("Slice")
def slice_(bound: Bound) -> None:
    """A window."""
    out = bound.outputs[0]
    begins = [int(n) for n in bound.known(1)]
    window: Any = tuple(slice(b, b + n) for b, n in zip(begins, out.shape, strict=True))
    copy_view(bound, out, bound.inputs[0][(*window, ...)])


@native("Pad", "PadV2")
def pad(bound: Bound) -> None:
    """The array in the midst of one number."""
    x, out = bound.inputs[0], bound.outputs[0]
    pairs = bound.known(1)
    fill(bound, out, 0 if bound.type == "Pad" else bound.known(2))
    window: Any = tuple(slice(int(p[0]), int(p[0]) + n) for p, n in zip(pairs, x.shape, strict=True))
    copy_view(bound, out[(*window, ...)], x)


@native("Cast")
def cast(bound: Bound) -> None:
    """Numbers of another type."""
    x, out = bound.inputs[0], bound.outputs[0]
    if x.dtype == out.dtype:
        copy_view(bound, out, x)
        return
    bound.require(x.flags.c_contiguous and out.flags.c_contiguous, "strided memory")
    for array in (x, out):
        bound.require(array.dtype.name in _TYPES, f"{array.dtype}")
    # By way of float32 it would be rounded twice.
    bound.require((x.dtype.name, out.dtype.name) != ("float64", "float16"), "float64 as float16")
    size, chunks = chunks_of(x.size)
    types = _TYPES.index(x.dtype.name), _TYPES.index(out.dtype.name)
    bound.call("cast", chunks if x.size else 0, x.size, size, *types, x, out)
