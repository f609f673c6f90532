"""Rows by index: gathers, scatters into variables, sums by segment. Sorted first, so that bits do not depend on scheduling."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from ...kernels.segments import limits
from ..calls import THREADS, Bound, DeviceArray, gpu
from ..source import Kernel
from ..template import template
from ..text import kernel_of, stored
from .compact import compact
from .movement import fill

_FILE = "rows.cuh"
# As in rows.cuh: threads that sort, and rows of a tile. Up to so many rows are sorted by one block.
_SORTERS, _TILE, _FEW = 256, 4096, 8192
_LEAST = -(2**62)
_INDICES = (np.dtype(np.int32), np.dtype(np.int64))
# Units of bytes that are copied at a time.
_UNITS = {16: "sixteen_bytes", 8: "uint64", 4: "uint32", 2: "uint16", 1: "uint8"}


def lanes_of(inner: int) -> int:
    """How many threads work on a row of so many elements."""
    return min(32, 1 << max(inner - 1, 0).bit_length())


def blocks_of(threads: int) -> int:
    """How many blocks have so many threads, within what grids may have."""
    return min(-(-threads // THREADS), 65535)


@gpu("Gather", "GatherV2", "ResourceGather")
@compact
def gather(bound: Bound) -> None:
    """Slices of an array along one axis."""
    params, indices, out = bound.inputs[0], bound.inputs[1], bound.outputs[0]
    bound.require(params.ndim > 0, "rows of a scalar")
    axis = _gather_axis(bound) % params.ndim
    for array in (params, indices, out):
        bound.require(array.contiguous, "strided memory")
    bound.require(indices.dtype in _INDICES, f"indices of {indices.dtype}")
    outer, inner = math.prod(params.shape[:axis]), math.prod(params.shape[axis + 1 :])
    unit = _unit(inner * params.dtype.itemsize, params.address, out.address)
    units = inner * params.dtype.itemsize // unit
    whole = outer * indices.size * units
    small = max(whole, outer * params.shape[axis] * units) < 2**30
    sizes = whole, params.shape[axis], indices.size, units
    kernel = _gather_kernel(_UNITS[unit], stored(indices.dtype), "int" if small else "long long")
    bound.for_each(kernel, whole, params, indices, out, *sizes, bound.error, bound.step)


@cache
def _gather_kernel(unit: str, index: str, counter: str) -> Kernel:
    parameters = [(f"const {unit}*", "params"), (f"const {index}*", "indices"), (f"{unit}*", "out")]
    parameters += [(counter, "whole"), *(("long long", name) for name in ("size", "count", "inner"))]
    call = f"gather_unit<{index}, {unit}, {counter}>(i, params, indices, out, size, count, inner, error, step);"
    # The loop is the kernel's own, so that several gathers can be one launch.
    return kernel_of("gather", [*parameters, ("int*", "error"), ("int", "step")], f"HR_EACH(i, whole) {call}", (_FILE,))


def _gather_axis(bound: Bound) -> int:
    bound.require(not bound.attrs.get("batch_dims"), "batch_dims")
    return int(np.ravel(bound.known(2))[0]) if bound.type == "GatherV2" else 0


def _unit(*sizes: int) -> int:
    """The widest unit that divides all of these."""
    return next(u for u in _UNITS if not any(s % u for s in sizes))


def _of_units(name: str, places: str, index: np.dtype[Any], unit: int, *words: str) -> Kernel:
    word = _UNITS[unit]
    return template(name, _FILE, places.replace("U*", f"{word}*"), index, word, *words)


@gpu("GatherNd", "ResourceGatherNd")
@compact
def gather_nd(bound: Bound) -> None:
    """Slices of an array, each named by an index into its first dimensions."""
    params, indices, out = bound.inputs[0], bound.inputs[1], bound.outputs[0]
    for array in (params, indices, out):
        bound.require(array.contiguous, "strided memory")
    rank = indices.shape[-1]
    bound.require(rank > 0 and params.size > 0, "no elements")
    count, inner = math.prod(indices.shape[:-1]), math.prod(params.shape[rank:])
    unit = _unit(inner * params.dtype.itemsize, params.address, out.address)
    units = inner * params.dtype.itemsize // unit
    places = (
        "const U* params, const T* indices, U* out, const long long* sizes, int rank, long long count, long long inner, "
        "int* error, int step"
    )
    kernel = _of_units("gather_nd", places, indices.dtype, unit)
    sizes = slices_table(bound, params.shape, rank)
    bound.for_each(kernel, count * units, params, indices, out, sizes, rank, count, units, bound.error, bound.step)


def slices_table(bound: Bound, shape: tuple[int, ...], rank: int) -> DeviceArray:
    """The first `rank` sizes of an array, and how many slices lie between neighbours along each."""
    steps = [math.prod(shape[d + 1 : rank]) for d in range(rank)]
    return bound.table(np.array([*shape[:rank], *steps], np.int64))


def row_stride(bound: Bound, values: DeviceArray, lead: int) -> int:
    """How many elements lie between rows of `values`, whose first `lead` dimensions number them."""
    if values.contiguous:
        return math.prod(values.shape[lead:])
    row = DeviceArray(values.address, values.dtype, values.shape[1:], values.strides[1:])
    whole = row.contiguous and values.strides[0] % values.dtype.itemsize == 0 and values.strides[0] >= 0
    bound.require(lead == 1 and whole, "strided memory")
    return values.strides[0] // values.dtype.itemsize


@dataclass(frozen=True)
class Sorted:
    """Row numbers in order, and the places that they came from."""

    keys: DeviceArray
    places: DeviceArray
    count: int
    limit: int


def sort_rows(bound: Bound, indices: DeviceArray, least: int, limit: int) -> Sorted:
    """Sorts row numbers below `limit`, or of any size if that is negative; those below 0 are left out.

    One below `least`, or not below `limit`, is an error.
    """
    bound.require(indices.dtype in _INDICES and indices.contiguous, f"strided or {indices.dtype} indices")
    bits = limit.bit_length() if limit >= 0 else 8 * indices.dtype.itemsize
    mask = -1 if indices.dtype.itemsize == 8 else 2**32 - 1
    places = (
        "const T* indices, long long count, long long least, long long limit, long long mask, row_key* keys, int* places, "
        "int* error, int step"
    )
    arrays = _room(bound, indices.size)
    arguments = indices.size, least, limit, mask, *arrays[:2], bound.error, bound.step
    bound.for_each(template("row_keys", _FILE, places, indices.dtype), indices.size, indices, *arguments)
    return _sorted(bound, arrays, indices.size, bits, limit)


def sort_each(bound: Bound, wanted: Sequence[tuple[DeviceArray, int]]) -> list[Sorted]:
    """Sorts several arrays of row numbers, each below its limit: those of few in one launch for each dtype."""
    found: list[Sorted] = []
    tables: dict[np.dtype[Any], list[list[int]]] = {}
    for indices, limit in wanted:
        if indices.size > _FEW:
            found.append(sort_rows(bound, indices, 0, limit))
            continue
        bound.require(indices.dtype in _INDICES and indices.contiguous, f"strided or {indices.dtype} indices")
        keys, places, *others = _room(bound, indices.size)
        found.append(Sorted(keys, places, indices.size, limit))
        addresses = [array.address for array in (indices, keys, places, *others)]
        row = [*addresses, indices.size, limit, _passes(limit.bit_length())]
        if indices.size:
            tables.setdefault(indices.dtype, []).append(row)
    for dtype, rows in tables.items():
        kernel = template("sort_each", _FILE, "const SortedRows* table, int* error, int step", dtype, synchronizes=True)
        bound.launch(kernel, len(rows), _SORTERS, bound.table(np.array(rows, np.int64)), bound.error, bound.step)
    return found


def sort_slices(bound: Bound, indices: DeviceArray, shape: tuple[int, ...]) -> Sorted:
    """Sorts the numbers of the slices of an array of `shape` that rows of indices name."""
    bound.require(indices.dtype in _INDICES and indices.contiguous, f"strided or {indices.dtype} indices")
    rank, count = indices.shape[-1], math.prod(indices.shape[:-1])
    limit = math.prod(shape[:rank])
    places = (
        "const T* indices, long long count, const long long* sizes, int rank, long long limit, row_key* keys, int* places, "
        "int* error, int step"
    )
    arrays = _room(bound, count)
    arguments = count, slices_table(bound, shape, rank), rank, limit, *arrays[:2], bound.error, bound.step
    bound.for_each(template("row_keys_nd", _FILE, places, indices.dtype), count, indices, *arguments)
    return _sorted(bound, arrays, count, limit.bit_length(), limit)


def _room(bound: Bound, count: int) -> list[DeviceArray]:
    bound.require(count < 2**30, "too many rows to sort")
    return [bound.scratch((count,), d) for d in (np.int64, np.int32, np.int64, np.int32)]


def _sorted(bound: Bound, arrays: list[DeviceArray], count: int, bits: int, limit: int) -> Sorted:
    passes = _passes(bits)
    if count <= 1:
        pass
    elif count <= _FEW:
        places = "row_key* keys, int* places, row_key* other_keys, int* other_places, int count, int passes"
        kernel = template("sort_few", _FILE, places, synchronizes=True)
        bound.launch(kernel, 1, _SORTERS, *arrays, count, passes)
    else:
        _sort_many(bound, arrays, count, passes)
    return Sorted(arrays[0], arrays[1], count, limit)


def _passes(bits: int) -> int:
    """Over four bits each, an even number of them."""
    return -(-max(bits, 1) // 8) * 2


def _sort_many(bound: Bound, arrays: list[DeviceArray], count: int, passes: int) -> None:
    tiles = -(-count // _TILE)
    totals = bound.scratch((tiles * 16,), np.int32)
    counting = template(
        "sort_count", _FILE, "const row_key* keys, int count, int shift, int* totals, int tiles", synchronizes=True
    )
    starting = template("sort_starts", _FILE, "int* totals, int n", synchronizes=True)
    places = (
        "const row_key* keys, const int* places, int count, int shift, const int* starts, int tiles, row_key* keys_out, "
        "int* places_out"
    )
    moving = template("sort_move", _FILE, places, synchronizes=True)
    for number in range(passes):
        source, target = (arrays[2:], arrays[:2]) if number % 2 else (arrays[:2], arrays[2:])
        bound.launch(counting, tiles, _SORTERS, source[0], count, 4 * number, totals, tiles)
        bound.launch(starting, 1, _SORTERS, totals, tiles * 16)
        bound.launch(moving, tiles, _SORTERS, *source, count, 4 * number, totals, tiles, *target)


def combine(
    bound: Bound,
    kind: str,
    order: Sorted,
    values: DeviceArray,
    lead: int,
    target: DeviceArray,
    inner: int,
    *,
    changes: bool,
) -> None:
    """Combines rows of `values`, or the one number that they are, with those of the target.

    `lead`: how many dimensions of the values number their rows; `changes`: whether the target is a variable, which must
    stay as it is if anything failed.
    """
    bound.require(target.contiguous, "strided memory")
    bound.require(values.dtype == target.dtype, f"{values.dtype} into {target.dtype}")
    number = order.count * inner != values.size
    stride = 0 if number else row_stride(bound, values, lead)
    places = (
        "const row_key* keys, const int* places, long long count, long long limit, const T* values, long long stride, "
        "int along, T* target, long long inner, int lanes, const int* error"
    )
    lanes = lanes_of(inner)
    kernel = template("combine_rows", _FILE, places, target.dtype, f"rows_{kind}")
    grid = blocks_of(order.count * lanes if inner else 0)
    arguments = values, stride, int(not number), target, inner, lanes, bound.error if changes else 0
    bound.launch(kernel, grid, THREADS, order.keys, order.places, order.count, order.limit, *arguments)


def scatter(bound: Bound) -> None:
    """Rows of a variable combined with updates, those of equal indices in their order."""
    kind = bound.type.removeprefix("Resource").removeprefix("Scatter").lower()
    variable, indices, updates = bound.inputs[:3]
    bound.require(
        variable.ndim > 0 and (updates.shape == () or updates.shape == (*indices.shape, *variable.shape[1:])),
        "updates of another shape",
    )
    bound.require(kind != "div" or variable.dtype.kind not in "iub", "a division of whole numbers")
    inner = math.prod(variable.shape[1:])
    order = sort_rows(bound, indices, 0, variable.shape[0])
    combine(bound, kind, order, updates, indices.ndim, variable, inner, changes=True)


for _word in ("Update", "Add", "Sub", "Mul", "Div", "Min", "Max"):
    gpu(f"Scatter{_word}", f"ResourceScatter{_word}")(compact(scatter))


@gpu("UnsortedSegmentSum")
def segment_sum(bound: Bound) -> None:
    """Sums of rows by the number of their segment."""
    (data, segments, _), out = bound.inputs, bound.outputs[0]
    bound.require(bool(out.shape), "no segments")
    bound.require(data.shape[: segments.ndim] == segments.shape, "segment numbers of another shape")
    bound.zero(out)
    order = sort_rows(bound, segments, _LEAST, out.shape[0])
    combine(bound, "add", order, data, segments.ndim, out, math.prod(out.shape[1:]), changes=False)


_EMPTY = {"Prod": ("mul", 1), "Max": ("max", None), "Min": ("min", None)}


@gpu(*(f"UnsortedSegment{word}" for word in _EMPTY))
def segment_extremes(bound: Bound) -> None:
    """Products, maxima and minima by segment; what is in no segment gives 1, or the dtype's other end."""
    (data, segments, _), out = bound.inputs, bound.outputs[0]
    kind, empty = _EMPTY[bound.type.removeprefix("UnsortedSegment")]
    bound.require(bool(out.shape), "no segments")
    bound.require(data.shape[: segments.ndim] == segments.shape, "segment numbers of another shape")
    bound.require(empty is not None or out.dtype.kind != "c", f"{out.dtype}")
    fill(bound, out, limits(out.dtype)[kind == "min"] if empty is None else empty)
    order = sort_rows(bound, segments, _LEAST, out.shape[0])
    combine(bound, kind, order, data, segments.ndim, out, math.prod(out.shape[1:]), changes=False)


@gpu("_SummedRows")
def summed_rows(bound: Bound) -> None:
    """Sums of the rows of equal index, each at the first of them."""
    (values, indices), sums = bound.inputs, bound.outputs[0]
    bound.require(sums.contiguous, "strided memory")
    inner, stride = math.prod(values.shape[1:]), row_stride(bound, values, 1)
    order = sort_rows(bound, indices, 0, -1)
    places = (
        "const row_key* keys, const int* places, long long count, const T* values, long long stride, T* out, "
        "long long inner, int lanes"
    )
    lanes = lanes_of(inner)
    kernel = template("summed_rows", _FILE, places, values.dtype)
    grid = blocks_of(order.count * lanes if inner else 0)
    bound.launch(kernel, grid, THREADS, order.keys, order.places, order.count, values, stride, sums, inner, lanes)


@gpu("ScatterNd")
@compact
def scatter_nd(bound: Bound) -> None:
    """Zeros with slices added."""
    indices, updates, out = bound.inputs[0], bound.inputs[1], bound.outputs[0]
    bound.zero(out)
    _scatter_slices(bound, "add", indices, updates, out, changes=False)


def scatter_slices(bound: Bound) -> None:
    """Slices of a variable, or of a copy of a tensor, combined with updates."""
    kind = bound.type.rpartition("Nd")[2].lower() or bound.type.rpartition("Scatter")[2].lower()
    target, indices, updates = bound.inputs[:3]
    _scatter_slices(bound, kind, indices, updates, target, changes=True)


for _word in ("Update", "Add", "Sub"):
    gpu(f"ScatterNd{_word}", f"ResourceScatterNd{_word}")(compact(scatter_slices))


@gpu("TensorScatterUpdate", "TensorScatterAdd", "TensorScatterSub")
@compact
def tensor_scatter(bound: Bound) -> None:
    """A copy of a tensor with slices combined with updates."""
    source, indices, updates = bound.inputs
    out, kind = bound.outputs[0], bound.type.removeprefix("TensorScatter").lower()
    bound.require(source.contiguous, "strided memory")
    if out.address != source.address:
        bound.copy(out, source)
    _scatter_slices(bound, kind, indices, updates, out, changes=False)


def _scatter_slices(
    bound: Bound, kind: str, indices: DeviceArray, updates: DeviceArray, target: DeviceArray, *, changes: bool
) -> None:
    rank = indices.shape[-1] if indices.ndim else 0
    bound.require(0 < rank <= target.ndim, "no indices")
    bound.require(updates.shape == (*indices.shape[:-1], *target.shape[rank:]), "updates of another shape")
    order = sort_slices(bound, indices, target.shape)
    combine(bound, kind, order, updates, indices.ndim - 1, target, math.prod(target.shape[rank:]), changes=changes)
