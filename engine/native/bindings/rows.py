"""Rows by index: gathers, scatters into variables, sums by segment and one-hot rows."""

from __future__ import annotations

import math

import numpy as np

from ..calls import Array, Bound, chunks_of, native

_SUFFIX = {np.dtype(d): s for d, s in (("float32", "f32"), ("float64", "f64"), ("int32", "i32"), ("int64", "i64"))}
_FLOATS = ("mul", "div", "min", "max")
# Most chunks that rows are dealt out to: each looks at all indices.
_MOST_PARTS = 8
_LEAST = -(2**62)


def indices_of(bound: Bound, indices: Array) -> tuple[bool, int, Array]:
    """The fields of `hr_indices`: whether they are int64, bytes between them, and where they begin."""
    bound.require(indices.dtype in (np.dtype(np.int32), np.dtype(np.int64)), f"indices of {indices.dtype}")
    if indices.flags.c_contiguous:
        return indices.dtype == np.int64, indices.itemsize, indices
    bound.require(indices.ndim == 1, "strided memory")
    return indices.dtype == np.int64, indices.strides[0], indices


def row_stride(bound: Bound, values: Array, lead: int) -> int:
    """How many elements lie between rows of `values`, whose first `lead` dimensions number them."""
    if values.flags.c_contiguous:
        return math.prod(values.shape[lead:])
    whole = values[:1].flags.c_contiguous and values.strides[0] % values.itemsize == 0 and values.strides[0] >= 0
    bound.require(lead == 1 and whole, "strided memory")
    return values.strides[0] // values.itemsize


def parts_of(count: int, inner: int) -> int:
    """How many chunks share `count` rows of `inner` elements by the rows' numbers."""
    return max(1, min(_MOST_PARTS, count * inner // (32 * 1024)))


@native("Gather", "GatherV2", "ResourceGather")
def gather(bound: Bound) -> None:
    """Slices of an array along one axis."""
    params, indices, out = bound.inputs[0], bound.inputs[1], bound.outputs[0]
    bound.require(params.ndim > 0, "rows of a scalar")
    axis = _gather_axis(bound) % params.ndim
    bound.require(params.flags.c_contiguous and out.flags.c_contiguous, "strided memory")
    outer, inner = math.prod(params.shape[:axis]), math.prod(params.shape[axis + 1 :])
    bound.require(outer > 0, "no elements")
    nbytes = inner * params.itemsize
    size, chunks = chunks_of(outer * indices.size, max(nbytes // 4, 4))
    places = indices_of(bound, indices)
    bound.call(
        "gather", chunks if indices.size else 0, outer, params.shape[axis], indices.size, size, nbytes, nbytes, *places,
        params, out,
    )  # fmt: skip


def _gather_axis(bound: Bound) -> int:
    bound.require(not bound.attrs.get("batch_dims"), "batch_dims")
    if bound.type != "GatherV2":
        return 0
    axis = bound.constants[2]
    bound.require(axis is not None, "an axis that is no constant")
    return int(np.ravel(axis)[0])  # type: ignore[arg-type]


@native("GatherNd", "ResourceGatherNd")
def gather_nd(bound: Bound) -> None:
    """Slices of an array, each named by an index into its first dimensions."""
    params, indices, out = bound.inputs[0], bound.inputs[1], bound.outputs[0]
    for array in (params, indices, out):
        bound.require(array.flags.c_contiguous, "strided memory")
    rank = indices.shape[-1]
    bound.require(rank > 0 and params.size > 0, "no elements")
    count = math.prod(indices.shape[:-1])
    nbytes = math.prod(params.shape[rank:]) * params.itemsize
    size, chunks = chunks_of(count, max(nbytes // 4, 4))
    limits, steps = np.array(params.shape[:rank]), np.array(params.strides[:rank])
    wide = indices_of(bound, indices)[0]
    bound.call(
        "gather_nd", chunks if count else 0, count, size, nbytes, rank, wide, indices, limits, steps, params, out
    )


def scatter(bound: Bound) -> None:
    """Rows of a variable combined with updates, those of equal indices in their order."""
    kind = bound.type.removeprefix("Resource").removeprefix("Scatter").lower()
    variable, indices, updates = bound.inputs[:3]
    bound.require(
        variable.ndim > 0 and updates.shape == (*indices.shape, *variable.shape[1:]), "one number for all rows"
    )
    _check(bound, indices, 0, len(variable))
    _combine(bound, kind, variable, indices, updates)


for _word in ("Update", "Add", "Sub", "Mul", "Div", "Min", "Max"):
    native(f"Scatter{_word}", f"ResourceScatter{_word}")(scatter)


@native("UnsortedSegmentSum")
def segment_sum(bound: Bound) -> None:
    """Sums of rows by the number of their segment."""
    (data, segments, _), out = bound.inputs, bound.outputs[0]
    bound.require(bound.constants[2] is not None, "a number of segments that is no constant")
    bound.require(data.shape[: segments.ndim] == segments.shape, "segment numbers of another shape")
    _check(bound, segments, _LEAST, len(out))
    size, chunks = chunks_of(out.nbytes)
    bound.call("zero_bytes", chunks if out.nbytes else 0, out.nbytes, size, out)
    _combine(bound, "add", out, segments, data)


@native("_SummedRows")
def summed_rows(bound: Bound) -> None:
    """Sums of the rows of equal index, each at the first of them."""
    (values, indices), sums = bound.inputs, bound.outputs[0]
    bound.require(values.dtype in (np.dtype(np.float32), np.dtype(np.float64)), f"{values.dtype}")
    bound.require(sums.flags.c_contiguous, "strided memory")
    inner = math.prod(values.shape[1:])
    parts, stride = parts_of(indices.size, inner), row_stride(bound, values, 1)
    places = indices_of(bound, indices)
    chunks = parts if values.size else 0
    kernel = f"summed_rows_{_SUFFIX[values.dtype]}"
    bound.call(kernel, chunks, parts, indices.size, inner, stride, *places, values, sums)


def _check(bound: Bound, indices: Array, least: int, limit: int) -> None:
    bound.call("check_rows", 1 if indices.size else 0, indices.size, least, limit, *indices_of(bound, indices))


def _combine(bound: Bound, kind: str, target: Array, indices: Array, values: Array) -> None:
    bound.require(target.flags.c_contiguous, "strided memory")
    suffix = str(target.itemsize) if kind == "update" else _SUFFIX.get(target.dtype, "")
    bound.require(
        suffix in ("1", "2", "4", "8", "f32", "f64") or (suffix != "" and kind not in _FLOATS), f"{target.dtype}"
    )
    inner = math.prod(target.shape[1:])
    parts = parts_of(indices.size, inner)
    stride = row_stride(bound, values, indices.ndim)
    places = indices_of(bound, indices)
    some = indices.size and inner
    bound.call(
        f"scatter_{kind}_{suffix}", parts if some else 0, parts, indices.size, inner, stride, *places, target, values
    )


@native("OneHot")
def one_hot(bound: Bound) -> None:
    """A number at the index and another elsewhere."""
    (indices, _, on, off), out = bound.inputs, bound.outputs[0]
    bound.require(out.flags.c_contiguous and out.itemsize in (1, 2, 4, 8), f"strided memory or {out.dtype}")
    axis = bound.attrs["axis"] % (indices.ndim + 1)
    outer, inner = math.prod(out.shape[:axis]), math.prod(out.shape[axis + 1 :])
    size, chunks = chunks_of(outer, max(out.shape[axis] * inner, 1))
    places = indices_of(bound, indices)
    bound.call(
        f"one_hot_{out.itemsize}", chunks if out.size else 0, outer, out.shape[axis], inner, size, *places, on, off, out
    )
