"""LSTM cells and layers over whole sequences, and their gradients: products over many steps, and a call a step."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..calls import Argument, Array, Bound, Scratch, native

# Numbers that the gates of a block of steps may have, and multiply-adds that are worth a chunk of their own.
_BLOCK, _CHUNK = 1 << 21, 60_000
_UNITS = {4: 16, 3: 16, 2: 16, 1: 32}


@dataclass(frozen=True)
class Layer:
    """The sizes of a layer, and from which step on its outputs are zeros, where they may be."""

    time: int
    batch: int
    size: int
    units: int
    limit: Array | None

    def blocks(self, width: int) -> Iterator[tuple[int, int]]:
        """First and last step (exclusive) of each block of steps that have `width` numbers a row."""
        count = max(1, _BLOCK // (self.batch * width))
        for start in range(0, self.time, count):
            yield start, min(start + count, self.time)

    def place(self, gates: int, depth: int, step: int) -> tuple[tuple[Any, ...], int]:
        """The arguments by which a step's kernel knows its place, and its number of chunks."""
        block = _UNITS[gates]
        groups = -(-self.units // block)
        work = groups * block * gates * max(depth, 64)
        if work * self.batch <= 2 * _CHUNK:
            return (self.batch, self.batch, self.units, groups * block, self.limit, step), 1
        parts = min(max(1, 14 // groups), max(1, work * self.batch // groups // _CHUNK))
        rows = -(-self.batch // parts)
        return (self.batch, rows, self.units, block, self.limit, step), groups * -(-self.batch // rows)


def layer_of(x: Array, units: int, limit: Array | None) -> Layer:
    """The sizes of a layer over inputs `[time, batch, size]`."""
    time, batch, size = x.shape
    return Layer(time, batch, size, units, limit)


def product(
    bound: Bound,
    sizes: tuple[int, int, int],
    a: tuple[Argument, int],
    b: tuple[Argument, int],
    out: tuple[Argument, int],
    turned: tuple[bool, bool] = (False, False),
    beta: float = 0.0,
    limited: tuple[Array | None, int, int, int] = (None, 0, 0, 0),
) -> None:
    """Out = op(a) . op(b) + beta out, from places with leading dimensions; `limited` as in the kernel."""
    m, n, k = sizes
    slices = int(np.clip(m * n * k // 500_000, 1, 8))
    size = -(-n // (slices * 16)) * 16
    bound.call("sequence_product_f32", -(-n // size), *turned, m, n, k, *a, *b, *out, beta, size, *limited)


def pack(bound: Bound, w: Array, depth: int, units: int, gates: int, *, transposed: bool) -> Scratch:
    """Panels of a matrix that each step is multiplied by."""
    padded = -(-units // 32) * 32
    panels = bound.scratch(padded * gates * depth * 4)
    block = _UNITS[gates]
    bound.call(
        "pack_panels_f32", -(-units // block), depth, units, gates, block, transposed, w, w.strides[0] // 4, panels
    )
    return panels


def column_sums(bound: Bound, rows: int, columns: int, a: tuple[Any, int], b: Any, out: Array, *, add: bool) -> None:
    """Sums over rows of a (times b) added to, or written to, `out`."""
    size = 64 if rows * columns > 32 * 1024 else columns
    bound.call("column_products_f32", -(-columns // size), rows, columns, size, *a, *(b or (None, 0)), out, add)


def within(scratch: Scratch, numbers: int) -> Scratch:
    """The place that many float32 numbers further on."""
    return Scratch(scratch.offset + 4 * numbers, scratch.nbytes - 4 * numbers)


def require_arrays(bound: Bound, first: int) -> None:
    """Raises UnsupportedError unless inputs from `first` on, and outputs, are float32, in C order and not empty."""
    for array in [*bound.inputs[first:], *bound.outputs]:
        bound.require(array.dtype == np.float32, f"{array.dtype}")
        bound.require(array.flags.c_contiguous, "strided memory")
    bound.require(bool(bound.outputs[0].size) and bool(bound.inputs[first].size), "nothing to compute")


@native("BlockLSTM")
def block_lstm(bound: Bound) -> None:
    """A layer over a sequence."""
    require_arrays(bound, 1)
    limit, x, *rest = bound.inputs
    layer = layer_of(x, bound.outputs[0].shape[2], limit)
    bound.call("sequence_limit", 1, limit, layer.time)
    _forward(bound, layer, [x, *rest], bound.outputs)


@native("LSTMBlockCell")
def lstm_block_cell(bound: Bound) -> None:
    """A step of it."""
    require_arrays(bound, 0)
    x, *rest = bound.inputs
    layer = layer_of(x[None], bound.outputs[0].shape[1], None)
    _forward(bound, layer, [x[None], *rest], [out[None] for out in bound.outputs])


def _peepholes(bound: Bound, diagonals: Sequence[Array]) -> list[Array | None]:
    return [d if bound.attrs["use_peephole"] else None for d in diagonals]


def _forward(bound: Bound, layer: Layer, inputs: Sequence[Array], outputs: Sequence[Array]) -> None:
    x, cs_prev, h_prev, w, *diagonals, bias = inputs
    units, batch, size = layer.units, layer.batch, layer.size
    panels = pack(bound, w[size:], units, units, 4, transposed=False) if layer.time > 1 else None
    steps = next(layer.blocks(4 * units))[1]
    gates = bound.scratch(steps * batch * units * 16)
    weights = *_peepholes(bound, diagonals), bound.attrs["forget_bias"], float(bound.attrs["cell_clip"])
    for start, stop in layer.blocks(4 * units):
        rows = (stop - start) * batch
        product(bound, (rows, 4 * units, size), (x[start], size), (w, 4 * units), (gates, 4 * units))
        if panels is None:
            state = (h_prev, units), (w[size:], 4 * units), (gates, 4 * units)
            product(bound, (batch, 4 * units, units), *state, beta=1.0)
        for t in range(start, stop):
            cs, h = (outputs[1][t - 1], outputs[6][t - 1]) if t else (cs_prev, h_prev)
            place, chunks = layer.place(4, units, t)
            z = within(gates, (t - start) * batch * 4 * units)
            bound.call("lstm_step_f32", chunks, *place, z, panels, cs, h, bias, *weights, *(out[t] for out in outputs))


@native("LSTMBlockCellGrad")
def lstm_block_cell_gradient(bound: Bound) -> None:
    """The gradient as far as the gates' inputs."""
    require_arrays(bound, 0)
    x, cs_prev, _, _, *diagonals, _, i, cs, f, o, ci, co, cs_grad, h_grad = bound.inputs
    dc, gates, *sums = bound.outputs
    layer = layer_of(x[None], dc.shape[1], None)
    place, chunks = layer.place(1, 0, 0)
    values = cs_prev, i, f, o, ci, co, *_peepholes(bound, diagonals), cs_grad, h_grad
    bound.call("lstm_step_grad_f32", chunks, *place, None, None, *values, True, dc, gates)
    _peephole_sums(bound, layer, gates, layer.batch, (cs_prev, cs_prev, cs), sums, add=False)


@native("BlockLSTMGrad")
def block_lstm_gradient(bound: Bound) -> None:
    """The gradients of a layer over a sequence, from its last steps to its first."""
    require_arrays(bound, 1)
    limit, x, _, h_prev, w = bound.inputs[:5]
    dx, _, dh, dw, *sums, db = bound.outputs
    layer = layer_of(x, h_prev.shape[1], limit)
    time, batch, size, units = layer.time, layer.batch, layer.size, layer.units
    width = 4 * units
    bound.call("sequence_limit", 1, limit, time)
    panels = pack(bound, w[size:], width, units, 1, transposed=True) if time > 1 else None
    blocks = list(layer.blocks(width))
    # One step more than a block has: the first of the block after it.
    room = bound.scratch((blocks[0][1] + 1) * batch * width * 4)
    for start, stop in reversed(blocks):
        last = stop == time
        after = within(room, (stop - start) * batch * width)
        if not last:
            nbytes = batch * width * 4
            bound.call("copy_bytes", 1, nbytes, nbytes, after, room)
        for t in reversed(range(start, stop)):
            _gradient_step(bound, layer, t, panels, within(room, (t - start) * batch * width))
        rows = (stop - start) * batch
        gates, beta = (room, width), 0.0 if last else 1.0
        product(
            bound,
            (rows, size, width),
            gates,
            (w, width),
            (dx[start], size),
            (False, True),
            limited=(limit, start, batch, 1),
        )
        inputs, limited = (x[start], size), (limit, start, batch, 2)
        product(bound, (size, width, rows), inputs, gates, (dw, width), (True, False), beta, limited)
        _state_weights(bound, layer, start, stop, room, beta)
        column_sums(bound, rows, width, gates, None, db, add=not last)
        _block_peephole_sums(bound, layer, start, stop, room, sums)
    product(bound, (batch, units, width), (room, width), (w[size:], width), (dh, units), (False, True))


def _gradient_step(bound: Bound, layer: Layer, t: int, panels: Scratch | None, gates: Scratch) -> None:
    _, _, cs_prev, _, _, *diagonals, _, i, cs, f, o, ci, co, _, cs_grad, h_grad = bound.inputs
    last = t == layer.time - 1
    place, chunks = layer.place(1, 4 * layer.units, t)
    following = None if last else within(gates, layer.batch * 4 * layer.units)
    values = [cs[t - 1] if t else cs_prev, *(v[t] for v in (i, f, o, ci, co))]
    options = *_peepholes(bound, diagonals), cs_grad[t], h_grad[t], last, bound.outputs[1], gates
    bound.call("lstm_step_grad_f32", chunks, *place, None if last else panels, following, *values, *options)


def _state_weights(bound: Bound, layer: Layer, start: int, stop: int, room: Scratch, beta: float) -> None:
    """The gradient of the rows of w that the states are multiplied by: those before each step."""
    h_prev, h, dw = bound.inputs[3], bound.inputs[15], bound.outputs[3]
    batch, units, width = layer.batch, layer.units, 4 * layer.units
    out = dw[layer.size :], width
    first = start
    if start == 0:
        limited = (layer.limit, 0, batch, 2)
        product(
            bound,
            (units, width, batch),
            (h_prev, units),
            (room, width),
            out,
            (True, False),
            beta=beta,
            limited=limited,
        )
        first, beta = 1, 1.0
    if stop > first:
        gates = within(room, (first - start) * batch * width), width
        sizes = (units, width, (stop - first) * batch)
        limited = (layer.limit, first, batch, 2)
        product(bound, sizes, (h[first - 1], units), gates, out, (True, False), beta=beta, limited=limited)


def _block_peephole_sums(
    bound: Bound, layer: Layer, start: int, stop: int, room: Scratch, sums: Sequence[Array]
) -> None:
    cs_prev, cs = bound.inputs[2], bound.inputs[10]
    batch, add = layer.batch, stop < layer.time
    if not bound.attrs["use_peephole"]:
        if not add:
            _peephole_sums(bound, layer, room, 0, (cs_prev, cs_prev, cs), sums, add=False)
        return
    first = start
    if start == 0:
        _peephole_sums(bound, layer, room, batch, (cs_prev, cs_prev, cs), sums, add=add)
        first, add = 1, True
    if stop > first:
        gates = within(room, (first - start) * batch * 4 * layer.units)
        values = cs[first - 1], cs[first - 1], cs[first]
        _peephole_sums(bound, layer, gates, (stop - first) * batch, values, sums, add=add)


def _peephole_sums(
    bound: Bound, layer: Layer, gates: Any, rows: int, values: Sequence[Array], sums: Sequence[Array], *, add: bool
) -> None:
    """Sums of the gates' gradients times cell states; zeros where there are no peepholes."""
    units = layer.units
    used = rows if bound.attrs["use_peephole"] else 0
    for gate, value, out in zip((0, 2, 3), values, sums, strict=True):
        place = gates.reshape(-1)[gate * units :] if isinstance(gates, np.ndarray) else within(gates, gate * units)
        column_sums(bound, used, units, (place, 4 * units), (value, units), out, add=add)
