"""GRU cells and layers over whole sequences, and their gradients: products over many steps, and two calls a step."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..calls import Array, Bound, Scratch, native
from .recurrent import Layer, column_sums, layer_of, pack, product, require_arrays, within

# A whole sequence is kept in scratch memory: longer ones go to NumPy, which takes them in blocks.
_MOST = 1 << 24


@native("GRUSequence")
def gru_sequence(bound: Bound) -> None:
    """A layer over a sequence."""
    require_arrays(bound, 0)
    _forward(bound, bound.inputs[0], bound.outputs)


@native("GRUBlockCell")
def gru_block_cell(bound: Bound) -> None:
    """A step of it."""
    require_arrays(bound, 0)
    _forward(bound, bound.inputs[0][None], [out[None] for out in bound.outputs])


def _layer(bound: Bound, x: Array, units: int) -> Layer:
    layer = layer_of(x, units, None)
    bound.require(layer.time * layer.batch * units < _MOST, "a long sequence")
    return layer


def _forward(bound: Bound, x: Array, outputs: Sequence[Array]) -> None:
    _, h_prev, w_ru, w_c, b_ru, b_c = bound.inputs
    r, u, c, h = outputs
    layer = _layer(bound, x, h_prev.shape[1])
    time, batch, size, units = layer.time, layer.batch, layer.size, layer.units
    rows, many = time * batch, time > 1
    gates, fresh = bound.scratch(rows * units * 8), bound.scratch(rows * units * 4)
    reset = bound.scratch(batch * units * 4)
    panels_ru = pack(bound, w_ru[size:], units, units, 2, transposed=False) if many else None
    panels_c = pack(bound, w_c[size:], units, units, 1, transposed=False) if many else None
    product(bound, (rows, 2 * units, size), (x, size), (w_ru, 2 * units), (gates, 2 * units))
    product(bound, (rows, units, size), (x, size), (w_c, units), (fresh, units))
    if not many:
        state = (h_prev, units), (w_ru[size:], 2 * units), (gates, 2 * units)
        product(bound, (batch, 2 * units, units), *state, beta=1.0)
    for t in range(time):
        before, done = h[t - 1] if t else h_prev, t * batch * units
        place, chunks = layer.place(2, units, t)
        z = within(gates, 2 * done)
        bound.call("gru_gates_f32", chunks, *place, z, panels_ru, before, b_ru, r[t], u[t], reset)
        if not many:
            product(bound, (batch, units, units), (reset, units), (w_c[size:], units), (fresh, units), beta=1.0)
        place, chunks = layer.place(1, units, t)
        values = within(fresh, done), panels_c, reset, b_c, before, u[t], c[t], h[t]
        bound.call("gru_state_f32", chunks, *place, *values)


@native("GRUSequenceGrad")
def gru_sequence_gradient(bound: Bound) -> None:
    """The gradients of a layer over a sequence."""
    require_arrays(bound, 0)
    x, h_prev, _, _, _, _, r, u, c, h, h_grad = bound.inputs
    _, dh, dw_ru, dw_c, db_ru, db_c = bound.outputs
    layer = _layer(bound, x, h_prev.shape[1])
    time, batch, size, units = layer.time, layer.batch, layer.size, layer.units
    rows = time * batch
    dz, dc, reset = (bound.scratch(rows * units * 4 * n) for n in (2, 1, 1))
    _steps(bound, layer, (h_prev, h, r, u, c, h_grad), dh, dz, dc, reset)
    _inputs_gradient(bound, layer, dz, dc)
    for gates, width, dw, db in ((dz, 2 * units, dw_ru, db_ru), (dc, units, dw_c, db_c)):
        product(bound, (size, width, rows), (x, size), (gates, width), (dw, width), (True, False))
        column_sums(bound, rows, width, (gates, width), None, db, add=False)
    # The states before each step, for the gates as they are and for the candidate after the reset.
    product(bound, (units, units, rows), (reset, units), (dc, units), (dw_c[size:], units), (True, False))
    out, width = (dw_ru[size:], 2 * units), 2 * units
    product(bound, (units, width, batch), (h_prev, units), (dz, width), out, (True, False))
    if time > 1:
        later = within(dz, batch * width), width
        product(bound, (units, width, rows - batch), (h, units), later, out, (True, False), beta=1.0)


@native("GRUBlockCellGrad")
def gru_block_cell_gradient(bound: Bound) -> None:
    """The gradient of a step as far as the inputs of candidate and gates."""
    require_arrays(bound, 0)
    x, h_prev, _, _, _, _, r, u, c, h_grad = bound.inputs
    _, dh, dc, dz = bound.outputs
    layer = _layer(bound, x[None], h_prev.shape[1])
    reset = bound.scratch(layer.batch * layer.units * 4)
    _steps(bound, layer, (h_prev, h_prev[:0], r[None], u[None], c[None], h_grad[None]), dh, dz, dc, reset)
    _inputs_gradient(bound, layer, dz, dc)


def _steps(
    bound: Bound,
    layer: Layer,
    values: Sequence[Array],
    dh: Array,
    dz: Array | Scratch,
    dc: Array | Scratch,
    reset: Scratch,
) -> None:
    """The gradients of all steps' gates and candidates, and of the state before the first step."""
    h_prev, h, r, u, c, h_grad = values
    w_ru, w_c = bound.inputs[2:4]
    size, batch, units = layer.size, layer.batch, layer.units
    panels_ru = pack(bound, w_ru[size:], 2 * units, units, 1, transposed=True) if layer.time > 1 else None
    panels_c = pack(bound, w_c[size:], units, units, 1, transposed=True)
    for t in reversed(range(layer.time)):
        done = t * batch * units
        gates, fresh = _at(dz, 2 * done), _at(dc, done)
        before, last = h[t - 1] if t else h_prev, t == layer.time - 1
        following = None if last else _at(dz, 2 * (done + batch * units))
        place, chunks = layer.place(1, 2 * units, t)
        out = dh, gates, fresh, within(reset, done)
        given = h_grad[t], before, r[t], u[t], c[t]
        bound.call("gru_state_grad_f32", chunks, *place, panels_ru, following, *given, *out)
        place, chunks = layer.place(1, units, t)
        bound.call("gru_reset_grad_f32", chunks, *place, panels_c, fresh, before, r[t], u[t], dh, gates)
    state = (dz, 2 * units), (w_ru[size:], 2 * units), (dh, units)
    product(bound, (batch, units, 2 * units), *state, (False, True), beta=1.0)


def _inputs_gradient(bound: Bound, layer: Layer, dz: Array | Scratch, dc: Array | Scratch) -> None:
    w_ru, w_c = bound.inputs[2:4]
    rows, size, units = layer.time * layer.batch, layer.size, layer.units
    dx = bound.outputs[0], size
    product(bound, (rows, size, 2 * units), (dz, 2 * units), (w_ru, 2 * units), dx, (False, True))
    product(bound, (rows, size, units), (dc, units), (w_c, units), dx, (False, True), beta=1.0)


def _at(place: Array | Scratch, numbers: int) -> Array | Scratch:
    return place.reshape(-1)[numbers:] if isinstance(place, np.ndarray) else within(place, numbers)
