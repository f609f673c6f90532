"""Movement of data: nearly every op here is copies between strided views of its inputs and outputs."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..calls import MOST_BLOCKS, THREADS, Bound, DeviceArray, gpu, row_major
from ..layout import broadcast, reshaped, view
from ..source import Kernel
from ..text import is_small, kernel_of, stored

_FILES = ("movement.cuh",)
_MOST_RANK = 6
_ITEMS = {1: "unsigned char", 2: "unsigned short", 4: "unsigned int", 8: "unsigned long long", 16: "copied_16"}
_TILE = 32
# Elements of a block where one launch does several copies: HR_COPY_BLOCK of kernels/movement.cuh.
_PIECE = 2048
# Sizes from which turning matrices in tiles pays.
_WORTH_TURNING = 8
_AXES = [("long long", f"{kind}{i}") for kind in "nab" for i in range(_MOST_RANK)]
_AXES_TEXT = (
    "copy_axes{" + ", ".join("{" + ", ".join(f"{kind}{i}" for i in range(_MOST_RANK)) + "}" for kind in "nab") + "}"
)
# A size, the step of what is written and that of what is read, in bytes.
_Dim = tuple[int, int, int]


def copy_view(bound: Bound, out: DeviceArray, source: DeviceArray, guarded: bool = False) -> None:
    """Adds the work that copies a view to another one of the same shape and dtype.

    With `guarded` nothing is written once a step of the run has failed.
    """
    bound.require(out.shape == source.shape and out.dtype == source.dtype, "a copy that converts")
    bound.require(not out.dtype.hasobject, f"{out.dtype}")
    if not out.size:
        return
    if out.contiguous and source.contiguous and not guarded:
        bound.copy(out, source)
        return
    dims = _dims(out, source)
    bound.require(len(dims) <= _MOST_RANK, f"a copy along {len(dims)} axes")
    error = bound.error if guarded else 0
    turned = _turned(dims, out.dtype.itemsize)
    if turned is not None:
        _turn(bound, out, source, dims, turned, error)
    else:
        _copy(bound, out, source, dims, error)


def copy_views(bound: Bound, pairs: Iterable[tuple[DeviceArray, DeviceArray]]) -> None:
    """Adds the work that copies the second array of each pair to the first: one launch an item size, where that does."""
    found = [(out, source) for out, source in pairs if out.size]
    groups: dict[int, list[list[int]]] = {}
    for out, source in found:
        dims, item = _widest(_dims(out, source), out, source)
        plain = len(dims) <= _MOST_RANK and not any(s % item for d in dims for s in d[1:]) and not out.dtype.hasobject
        if len(found) == 1 or not plain or _turned(dims, item) is not None:
            copy_view(bound, out, source)
        else:
            bound.require(out.shape == source.shape and out.dtype == source.dtype, "a copy that converts")
            count = math.prod(d[0] for d in dims)
            row = [out.address, source.address, count, 0, len(dims), *_columns(dims[::-1], item)]
            groups.setdefault(item, []).append(row)
    for item, rows in groups.items():
        _copy_pieces(bound, item, rows)


def _copy_pieces(bound: Bound, item: int, rows: list[list[int]]) -> None:
    blocks = 0
    for row in rows:
        row[3] = blocks
        blocks += -(-row[2] // _PIECE)
    parameters = [("const copy_piece*", "pieces"), ("int", "count")]
    kernel = kernel_of("copy_pieces", parameters, f"copy_pieces<{_ITEMS[item]}>(pieces, count);", _FILES)
    bound.launch(kernel, blocks, THREADS, bound.table(np.array(rows, np.int64)), len(rows))


def _dims(out: DeviceArray, source: DeviceArray) -> list[_Dim]:
    """The axes, as few as there can be, the widest strides of `out` first."""
    axes = [d for d in zip(out.shape, out.strides, source.strides, strict=True) if d[0] != 1]
    axes.sort(key=lambda d: -abs(d[1]))
    dims: list[_Dim] = []
    for size, to, come in axes:
        if dims and dims[-1][1] == to * size and dims[-1][2] == come * size:
            dims[-1] = (dims[-1][0] * size, to, come)
        else:
            dims.append((size, to, come))
    return dims or [(1, out.dtype.itemsize, out.dtype.itemsize)]


def _turned(dims: Sequence[_Dim], item: int) -> int | None:
    """The axis along which the source's elements lie one after the other, if it is not that of the output's."""
    if dims[-1][1] != item or dims[-1][2] in (0, item) or dims[-1][0] < _WORTH_TURNING:
        return None
    return next((i for i, d in enumerate(dims[:-1]) if d[2] == item and d[0] >= _WORTH_TURNING), None)


def _copy(bound: Bound, out: DeviceArray, source: DeviceArray, dims: list[_Dim], error: int) -> None:
    dims, item = _widest(dims, out, source)
    steps = [s for d in dims for s in d[1:]]
    bound.require(not any(s % item for s in steps), "strides between elements")
    count = math.prod(d[0] for d in dims)
    small = is_small(count)
    bound.for_each(_copy_kernel(item, small), count, error, out, source, count, len(dims), *_columns(dims[::-1], item))


def _widest(dims: list[_Dim], out: DeviceArray, source: DeviceArray) -> tuple[list[_Dim], int]:
    """The axes and the item size with neighbouring elements taken together as far as memory allows."""
    item = out.dtype.itemsize
    size, to, come = dims[-1]
    if to != item or come != item:
        return dims, item
    others = [s for d in dims[:-1] for s in d[1:]]
    for wide in (16, 8, 4, 2):
        if wide > item and not any(n % wide for n in (size * item, out.address, source.address, *others)):
            return [*dims[:-1], (size * item // wide, wide, wide)], wide
    return dims, item


def _columns(dims: Sequence[_Dim], item: int) -> list[int]:
    """Sizes and steps of axes, the innermost first, as the kernels take them."""
    padding = [0] * (_MOST_RANK - len(dims))
    return [*(d[0] for d in dims), *padding, *(d[1] // item for d in dims), *padding, *(d[2] // item for d in dims),
            *padding]  # fmt: skip


def _copy_kernel(item: int, small: bool) -> Kernel:
    index, kind = "int" if small else "long long", _ITEMS[item]
    parameters = [("const int*", "error"), (f"{kind}*", "out"), (f"const {kind}*", "in"), (index, "count")]
    unsigned = "unsigned" if small else "unsigned long long"
    body = f"copy_strided<{kind}, {unsigned}>(error, out, in, ({unsigned})count, rank, {_AXES_TEXT});"
    return kernel_of("copy", [*parameters, ("int", "rank"), *_AXES], body, _FILES)


def _turn(bound: Bound, out: DeviceArray, source: DeviceArray, dims: list[_Dim], other: int, error: int) -> None:
    item = out.dtype.itemsize
    height, out_step, _ = dims[other]
    width, _, in_step = dims[-1]
    rest = [d for i, d in enumerate(dims[:-1]) if i != other]
    bound.require(not any(s % item for d in dims for s in d[1:]), "strides between elements")
    matrices = math.prod(d[0] for d in rest)
    blocks = -(-width // _TILE) * -(-height // _TILE) * matrices
    kind = _ITEMS[item]
    names = ("width", "height", "out_step", "in_step", "matrices")
    parameters = [("const int*", "error"), (f"{kind}*", "out"), (f"const {kind}*", "in")]
    parameters += [("long long", name) for name in names]
    body = f"copy_turned<{kind}>(error, out, in, {', '.join(names)}, rank, {_AXES_TEXT});"
    kernel = kernel_of("turn", [*parameters, ("int", "rank"), *_AXES], body, _FILES, synchronizes=True)
    numbers = width, height, out_step // item, in_step // item, matrices, len(rest), *_columns(rest[::-1], item)
    bound.launch(kernel, min(blocks, MOST_BLOCKS), (_TILE, 8, 1), error, out, source, *numbers)


_FILL = kernel_of(
    "fill",
    [
        ("unsigned char*", "out"),
        ("long long", "count"),
        ("long long", "low"),
        ("long long", "high"),
        ("int", "aligned"),
    ],
    "fill_pattern(out, count, (unsigned long long)low, (unsigned long long)high, aligned);",
    _FILES,
)


def fill(bound: Bound, out: DeviceArray, value: Any) -> None:
    """Adds the work that makes all elements of a contiguous array one number that is known now."""
    bound.require(out.contiguous, "strided memory")
    pattern = np.asarray(value).astype(out.dtype).tobytes() * (16 // out.dtype.itemsize)
    if not any(pattern):
        bound.zero(out)
        return
    low, high = np.frombuffer(pattern, np.int64).tolist()
    aligned = out.address % 16 == 0
    bound.for_each(_FILL, -(-out.nbytes // 16) if aligned else out.nbytes, out, out.nbytes, low, high, aligned)


@gpu("Identity", "StopGradient", "PreventGradient", "PlaceholderWithDefault", "ReadVariableOp", "EnsureShape")
def copy(bound: Bound) -> None:
    """A copy of any memory and dtype."""
    copy_view(bound, bound.outputs[0], bound.inputs[0])


@gpu("IdentityN")
def copies(bound: Bound) -> None:
    """A copy of each."""
    copy_views(bound, zip(bound.outputs, bound.inputs, strict=True))


@gpu("Reshape", "ExpandDims", "Squeeze")
def reshape(bound: Bound) -> None:
    """The elements in row-major order, from memory that lies otherwise."""
    copy_view(bound, reshaped(bound.outputs[0], *bound.inputs[0].shape), bound.inputs[0])


@gpu("Bitcast")
def bitcast(bound: Bound) -> None:
    """The bytes of an array as another dtype."""
    x, out = bound.inputs[0], bound.outputs[0]
    source = replace(out, dtype=x.dtype, shape=x.shape, strides=row_major(x.shape, x.dtype))
    bound.require(out.contiguous and source.nbytes == out.nbytes, "strided memory")
    copy_view(bound, source, x)


@gpu("Transpose")
def transpose(bound: Bound) -> None:
    """Axes in another order."""
    order = [int(i) for i in bound.known(1)]
    copy_view(bound, bound.outputs[0], view(bound.inputs[0], lambda a: a.transpose(order)))


@gpu("BroadcastTo", "Fill")
def broadcast_to(bound: Bound) -> None:
    """Elements repeated."""
    out = bound.outputs[0]
    copy_view(bound, out, broadcast(bound.inputs[1 if bound.type == "Fill" else 0], out.shape))


@gpu("ZerosLike", "OnesLike")
def like(bound: Bound) -> None:
    """An array of one number."""
    bound.require(not bound.outputs[0].dtype.hasobject, f"{bound.outputs[0].dtype}")
    fill(bound, bound.outputs[0], 0 if bound.type == "ZerosLike" else 1)


@gpu("Tile")
def tile(bound: Bound) -> None:
    """The whole array repeated along each axis."""
    x, out = bound.inputs[0], bound.outputs[0]
    times = [int(n) for n in bound.known(1)]
    pairs = [n for pair in zip(times, x.shape, strict=True) for n in pair]
    spread = reshaped(x, *(n for size in x.shape for n in (1, size)))
    copy_view(bound, reshaped(out, *pairs), broadcast(spread, pairs))


@gpu("ReverseV2")
def reverse(bound: Bound) -> None:
    """Axes backwards."""
    axes = tuple(int(i) for i in np.ravel(bound.known(1)))
    copy_view(bound, bound.outputs[0], view(bound.inputs[0], lambda a: np.flip(a, axes)))


@gpu("ConcatV2", "Concat")
def concat(bound: Bound) -> None:
    """Arrays one after the other along an axis."""
    first = bound.type == "Concat"
    axis = int(bound.known(0 if first else len(bound.inputs) - 1))
    _deal(bound, bound.outputs[0], axis, bound.inputs[1:] if first else bound.inputs[:-1], into=True)


@gpu("Split", "SplitV")
def split(bound: Bound) -> None:
    """The parts of an array along an axis."""
    value, axis = (1, 0) if bound.type == "Split" else (0, 2)
    _deal(bound, bound.inputs[value], int(bound.known(axis)), bound.outputs, into=False)


def _deal(bound: Bound, whole: DeviceArray, axis: int, parts: Iterable[DeviceArray], into: bool) -> None:
    start, pairs = 0, []
    for part in parts:
        window = _window(whole, axis % whole.ndim, start, part.shape[axis])
        start += part.shape[axis]
        pairs.append((window, part) if into else (part, window))
    copy_views(bound, pairs)


def _window(x: DeviceArray, axis: int, start: int, length: int) -> DeviceArray:
    place: Any = (slice(None),) * axis + (slice(start, start + length), ...)
    return view(x, lambda a: a[place])


@gpu("Pack")
def pack(bound: Bound) -> None:
    """Arrays side by side along a new axis."""
    turned = view(bound.outputs[0], lambda a: np.moveaxis(a, bound.attrs["axis"], 0))
    copy_views(bound, [(_item(turned, i), value) for i, value in enumerate(bound.inputs)])


@gpu("Unpack")
def unpack(bound: Bound) -> None:
    """An axis dropped, an array for each place along it."""
    turned = view(bound.inputs[0], lambda a: np.moveaxis(a, bound.attrs["axis"], 0))
    copy_views(bound, [(out, _item(turned, i)) for i, out in enumerate(bound.outputs)])


def _item(x: DeviceArray, i: int) -> DeviceArray:
    return view(x, lambda a: a[i, ...])


@gpu("Slice")
def slice_(bound: Bound) -> None:
    """A window."""
    out = bound.outputs[0]
    begins = [int(n) for n in bound.known(1)]
    window: Any = tuple(slice(b, b + n) for b, n in zip(begins, out.shape, strict=True))
    copy_view(bound, out, view(bound.inputs[0], lambda a: a[(*window, ...)]))


@gpu("StridedSlice", "StridedSliceGrad")
def strided_slice(bound: Bound) -> None:
    """A strided window, or an array of zeros with such a window."""
    gradient = bound.type == "StridedSliceGrad"
    cuts = [bound.known(i) for i in (1, 2, 3)]
    out = bound.outputs[0]
    whole, part = (out, bound.inputs[4]) if gradient else (bound.inputs[0], out)
    window = view(whole, lambda a: a[_index(whole.ndim, cuts, bound.attrs)])
    if gradient:
        bound.require(window.shape == part.shape, "a window of another shape")
        fill(bound, out, 0)
        copy_view(bound, window, part)
    else:
        copy_view(bound, part, window)


def _index(rank: int, cuts: Sequence[Any], masks: dict[str, Any]) -> tuple[Any, ...]:
    """NumPy's index for a strided slice; what is not a good one raised an error when the graph was made."""
    begins, ends, strides = ([int(v) for v in cut] for cut in cuts)
    found: list[Any] = []
    for i, (begin, end, stride) in enumerate(zip(begins, ends, strides, strict=True)):
        bits = {name: bool(masks[f"{name}_mask"] >> i & 1) for name in ("begin", "end", "ellipsis", "new_axis",
                                                                        "shrink_axis")}  # fmt: skip
        if bits["ellipsis"]:
            found.append(...)
        elif bits["new_axis"]:
            found.append(None)
        elif bits["shrink_axis"]:
            found.append(begin)
        else:
            found.append(slice(None if bits["begin"] else begin, None if bits["end"] else end, stride))
    # The ellipsis makes the result a view even if every axis is dropped.
    return tuple(found) if ... in found else (*found, ...)


@gpu("Pad", "PadV2")
def pad(bound: Bound) -> None:
    """The array in the midst of one number."""
    x, out = bound.inputs[0], bound.outputs[0]
    inside = _inside(x, out, bound.known(1))
    if bound.type == "Pad" or (bound.constants and bound.constants[2] is not None):
        fill(bound, out, 0 if bound.type == "Pad" else bound.known(2))
    else:
        copy_view(bound, out, broadcast(bound.inputs[2], out.shape))
    copy_view(bound, inside, x)


def _inside(x: DeviceArray, out: DeviceArray, pairs: Any) -> DeviceArray:
    window: Any = tuple(slice(int(p[0]), int(p[0]) + n) for p, n in zip(pairs, x.shape, strict=True))
    return view(out, lambda a: a[(*window, ...)])


@gpu("MirrorPad")
def mirror_pad(bound: Bound) -> None:
    """The array in the midst of its own reflections: axis by axis, each from what is there by then."""
    x, out = bound.inputs[0], bound.outputs[0]
    pairs = [(int(b), int(a)) for b, a in bound.known(1)]
    skipped = int(bound.attrs["mode"] == "REFLECT")
    bound.require(all(max(p) <= n - skipped for p, n in zip(pairs, x.shape, strict=True)), "paddings beyond the array")
    copy_view(bound, _inside(x, out, pairs), x)
    for axis, ((before, after), size) in enumerate(zip(pairs, x.shape, strict=True)):
        # Later axes are filled in from the array alone, whose rows are not whole yet.
        rows = _rows(out, axis, pairs, x.shape)
        end = before + size
        left = _window(rows, axis, 0, before), _backwards(rows, axis, before + skipped, before)
        right = _window(rows, axis, end, after), _backwards(rows, axis, end - skipped - after, after)
        copy_views(bound, [left, right])


def _rows(out: DeviceArray, axis: int, pairs: Sequence[tuple[int, int]], sizes: Sequence[int]) -> DeviceArray:
    index: Any = (slice(None),) * (axis + 1)
    index += tuple(slice(p[0], p[0] + n) for p, n in zip(pairs[axis + 1 :], sizes[axis + 1 :], strict=True))
    return view(out, lambda a: a[index])


def _backwards(x: DeviceArray, axis: int, start: int, length: int) -> DeviceArray:
    return view(_window(x, axis, start, length), lambda a: np.flip(a, axis))


@gpu("Roll")
def roll(bound: Bound) -> None:
    """Axes shifted round: each splits what is copied in two."""
    x, out = bound.inputs[0], bound.outputs[0]
    shifts: dict[int, int] = {}
    for shift, axis in zip(np.ravel(bound.known(1)).tolist(), np.ravel(bound.known(2)).tolist(), strict=True):
        bound.require(-x.ndim <= axis < x.ndim, "an axis that is not there")
        shifts[axis % x.ndim] = shifts.get(axis % x.ndim, 0) + shift
    parts = [(out, x)]
    for axis, shift in shifts.items():
        size = x.shape[axis]
        moved = shift % size if size else 0
        parts = [
            (_window(to, axis, start, length), _window(source, axis, (start - moved) % max(size, 1), length))
            for to, source in parts
            for start, length in ((moved, size - moved), (0, moved))
            if length
        ]
    copy_views(bound, parts)


@gpu("SpaceToDepth", "DepthToSpace")
def space_and_depth(bound: Bound) -> None:
    """Blocks of pixels as depth, and back."""
    x, out, b = bound.inputs[0], bound.outputs[0], bound.attrs["block_size"]
    space, depth = (x, out) if bound.type == "SpaceToDepth" else (out, x)
    if bound.attrs["data_format"] == "NHWC":
        n, h, w, c = space.shape
        blocks = view(reshaped(space, n, h // b, b, w // b, b, c), lambda a: a.transpose(0, 1, 3, 2, 4, 5))
    else:
        n, c, h, w = space.shape
        blocks = view(reshaped(space, n, c, h // b, b, w // b, b), lambda a: a.transpose(0, 3, 5, 1, 2, 4))
    _between(bound, blocks, reshaped(depth, *blocks.shape), bound.type == "SpaceToDepth")


def _between(bound: Bound, first: DeviceArray, second: DeviceArray, forward: bool) -> None:
    if forward:
        copy_view(bound, second, first)
    else:
        copy_view(bound, first, second)


@gpu("SpaceToBatchND", "BatchToSpaceND")
def space_and_batch(bound: Bound) -> None:
    """Blocks of space as batches, and back: place (i, j) of the blocks is every so many pixels of the space."""
    x, out = bound.inputs[0], bound.outputs[0]
    block = [int(b) for b in bound.known(1)]
    borders = [(int(b), int(a)) for b, a in bound.known(2)]
    forward = bound.type == "SpaceToBatchND"
    space, batch = (x, out) if forward else (out, x)
    rank, n = len(block), space.shape[0]
    parts = reshaped(batch, *block, n, *batch.shape[1:])
    if forward and any(p for pair in borders for p in pair):
        fill(bound, out, 0)
    pairs = []
    for place in np.ndindex(*block):
        spaces, places = [], []
        for axis in range(rank):
            # The first pixel at this place of its block, and how many blocks the border takes before it.
            skipped = max(-(-(borders[axis][0] - place[axis]) // block[axis]), 0)
            start = place[axis] + skipped * block[axis] - borders[axis][0]
            count = len(range(start, space.shape[1 + axis], block[axis]))
            spaces.append(slice(start, None, block[axis]))
            places.append(slice(skipped, skipped + count))
        inner = view(space, _taking((slice(None), *spaces)))
        outer = view(parts, _taking((*place, slice(None), *places)))
        pairs.append((outer, inner) if forward else (inner, outer))
    copy_views(bound, pairs)


def _taking(index: tuple[Any, ...]) -> Any:
    return lambda a: a[(*index, ...)]


@gpu("MatrixDiag", "MatrixSetDiag", "MatrixDiagPart", "Diag", "DiagPart")
def diagonals(bound: Bound) -> None:
    """Diagonals taken, or put into zeros or other matrices."""
    out = bound.outputs[0]
    if bound.type == "MatrixDiagPart":
        copy_view(bound, out, _diagonal(bound.inputs[0]))
    elif bound.type == "DiagPart":
        diagonal = _diagonal(reshaped(bound.inputs[0], out.size, out.size))
        copy_view(bound, out, reshaped(diagonal, *out.shape))
    elif bound.type == "MatrixSetDiag":
        copy_view(bound, out, bound.inputs[0])
        copy_view(bound, _diagonal(out), bound.inputs[1])
    else:
        x = bound.inputs[0]
        fill(bound, out, 0)
        whole = out if bound.type == "MatrixDiag" else reshaped(out, x.size, x.size)
        copy_view(bound, reshaped(_diagonal(whole), *x.shape), x)


def _diagonal(x: DeviceArray) -> DeviceArray:
    *batch, rows, columns = x.shape
    *steps, down, across = x.strides
    return DeviceArray(x.address, x.dtype, (*batch, min(rows, columns)), (*steps, down + across))


def _item_type(bound: Bound, x: DeviceArray) -> str:
    bound.require(not x.dtype.hasobject and x.dtype.itemsize in _ITEMS, f"{x.dtype}")
    return _ITEMS[x.dtype.itemsize]


@gpu("MatrixBandPart")
def band_part(bound: Bound) -> None:
    """Matrices with zeros outside a band."""
    x, out = bound.inputs[0], bound.outputs[0]
    bound.require(x.contiguous and out.contiguous, "strided memory")
    kind, (rows, columns) = _item_type(bound, x), x.shape[-2:]
    lower, upper = int(bound.known(1)), int(bound.known(2))
    bound.require(lower <= rows and upper <= columns, "a band beyond the matrix")
    names = ("count", "rows", "columns", "lower", "upper")
    parameters = [(f"{kind}*", "out"), (f"const {kind}*", "in"), *(("long long", name) for name in names)]
    kernel = kernel_of("band_part", parameters, f"band_part<{kind}>(out, in, {', '.join(names)});", _FILES)
    bound.for_each(kernel, out.size, out, x, out.size, rows, columns, lower, upper)


@gpu("OneHot")
def one_hot(bound: Bound) -> None:
    """One value at the index, another one elsewhere."""
    places, _, on, off = bound.inputs
    out = bound.outputs[0]
    bound.require(places.contiguous and out.contiguous, "strided memory")
    kind, place = _item_type(bound, out), stored(places.dtype)
    axis = bound.attrs["axis"] % out.ndim
    depth, inner = out.shape[axis], math.prod(out.shape[axis + 1 :])
    pointers = [(f"{kind}*", "out"), (f"const {place}*", "places"), (f"const {kind}*", "on"), (f"const {kind}*", "off")]
    names = ("count", "depth", "inner")
    body = f"one_hot<{kind}, {place}>(out, places, on, off, {', '.join(names)});"
    kernel = kernel_of("one_hot", [*pointers, *(("long long", name) for name in names)], body, _FILES)
    bound.for_each(kernel, out.size, out, places, on, off, out.size, depth, inner)


@gpu("ReverseSequence")
def reverse_sequence(bound: Bound) -> None:
    """For each member of the batch so many elements backwards."""
    x, lengths = bound.inputs
    out = bound.outputs[0]
    bound.require(lengths.contiguous and out.ndim <= _MOST_RANK, "strided memory")
    kind, length, item = _item_type(bound, x), stored(lengths.dtype), x.dtype.itemsize
    bound.require(not any(s % item for s in (*x.strides, *out.strides)), "strides between elements")
    dims = list(zip(out.shape, out.strides, x.strides, strict=True))[::-1]
    batch, sequence = (x.ndim - 1 - bound.attrs[name] % x.ndim for name in ("batch_dim", "seq_dim"))
    pointers = [("int*", "error"), ("int", "step"), (f"{kind}*", "out"), (f"const {kind}*", "in")]
    pointers += [(f"const {length}*", "lengths"), ("long long", "count"), ("int", "rank")]
    body = f"reverse_sequence<{kind}, {length}>(error, step, out, in, lengths, count, rank, {_AXES_TEXT}, batch, sequence);"
    kernel = kernel_of("reverse_sequence", [*pointers, *_AXES, ("int", "batch"), ("int", "sequence")], body, _FILES)
    rank = len(dims)
    arguments = bound.error, bound.step, out, x, lengths, out.size, rank, *_columns(dims, item), batch, sequence
    bound.for_each(kernel, out.size, *arguments)
