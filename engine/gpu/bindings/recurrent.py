"""LSTM and GRU cells and layers over whole sequences, and their gradients: products over many steps, and a few calls a step."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..calls import Bound, DeviceArray, gpu, row_major
from ..device import Product
from ..source import Kernel
from ..template import template
from .columns import column_sums
from .compact import compact

# What the gates of a whole sequence may take in scratch memory.
_MOST_BYTES = 1 << 30
_CELL = "const T* wci, const T* wcf, const T* wco"


def _kernel(name: str, places: str, *types: np.dtype[Any]) -> Kernel:
    return template(name, "recurrent.cuh", places, *types)


def at(array: DeviceArray, first: int, count: int | None = None) -> DeviceArray:
    """Part of an array along its first axis: without a count, one of its elements."""
    shape = array.shape[1:] if count is None else (count, *array.shape[1:])
    address = array.address + first * math.prod(array.shape[1:]) * array.dtype.itemsize
    return DeviceArray(address, array.dtype, shape, row_major(shape, array.dtype))


@dataclass(frozen=True)
class Layer:
    """The sizes of a layer, and where the number of its steps lies, if they may be fewer."""

    bound: Bound
    time: int
    batch: int
    size: int
    units: int
    limit: DeviceArray | int

    def product(
        self,
        a: DeviceArray,
        b: DeviceArray,
        out: DeviceArray,
        *,
        turned: tuple[bool, bool] = (False, False),
        beta: float = 0.0,
    ) -> None:
        """Out = op(a) . op(b) + beta * out; leading axes of a and out are rows."""
        (rows, depth) = _matrix(a)[:: -1 if turned[0] else 1]
        columns = _matrix(b)[0 if turned[1] else 1]
        leading = _matrix(a)[1], _matrix(b)[1], _matrix(out)[1]
        compute = self.bound.precision if a.dtype == np.float32 else a.dtype.name
        places = a.address, b.address, out.address, rows, columns, depth, a.dtype, leading
        self.bound.product(Product(*places, *turned, beta=beta, compute=compute))


def _matrix(array: DeviceArray) -> tuple[int, int]:
    return math.prod(array.shape[:-1]), array.shape[-1]


def require_arrays(bound: Bound, first: int = 0) -> None:
    """Raises UnsupportedError for layers of other dtypes, or of nothing; `first` is the first input that is a float."""
    for array in [*bound.inputs[first:], *bound.outputs]:
        bound.require(array.dtype in (np.float32, np.float64), f"{array.dtype}")
        bound.require(array.contiguous, "strided memory")
    bound.require(bound.outputs[0].size > 0 and bound.inputs[first].size > 0, "nothing to compute")


def layer_over(bound: Bound, x: DeviceArray, units: int, limit: DeviceArray | int = 0) -> Layer:
    """The sizes of a layer over `x`; UnsupportedError for a sequence whose gates take too much."""
    time, batch, size = x.shape
    bound.require(time * batch * units * 4 * x.dtype.itemsize <= _MOST_BYTES, "a long sequence")
    return Layer(bound, time, batch, size, units, limit)


def _check_limit(bound: Bound, limit: DeviceArray, time: int) -> None:
    places = "const long long* limit, long long steps, int* error, int step"
    bound.launch(_kernel("sequence_limit", places), 1, 32, limit, time, bound.error, bound.step)


# LSTM


@gpu("BlockLSTM")
@compact
def block_lstm(bound: Bound) -> None:
    """A layer over a sequence."""
    require_arrays(bound, 1)
    limit, x, *rest = bound.inputs
    layer = layer_over(bound, x, bound.outputs[0].shape[2], limit)
    _check_limit(bound, limit, layer.time)
    lstm_steps(layer, [x, *rest], bound.outputs)


@gpu("LSTMBlockCell")
@compact
def lstm_block_cell(bound: Bound) -> None:
    """A step of it."""
    require_arrays(bound, 0)
    x, *rest = (_sequence(array) if i == 0 else array for i, array in enumerate(bound.inputs))
    lstm_steps(layer_over(bound, x, bound.outputs[0].shape[1]), [x, *rest], [_sequence(out) for out in bound.outputs])


def _sequence(array: DeviceArray) -> DeviceArray:
    """The same as a sequence of one step."""
    return array.reshaped(1, *array.shape)


def _peepholes(bound: Bound, diagonals: Sequence[DeviceArray]) -> list[DeviceArray | int]:
    return [d if bound.attrs["use_peephole"] else 0 for d in diagonals]


def lstm_steps(layer: Layer, inputs: Sequence[DeviceArray], outputs: Sequence[DeviceArray]) -> None:
    """All steps of a layer: `inputs` and `outputs` are BlockLSTM's, without a limit."""
    bound = layer.bound
    x, cs_prev, h_prev, w, *diagonals, bias = inputs
    w_x, w_h = at(w, 0, layer.size), at(w, layer.size, layer.units)
    z = bound.scratch((layer.time, layer.batch, 4 * layer.units), x.dtype)
    layer.product(x, w_x, z)
    places = (
        f"const T* z, const T* cs_prev, const T* bias, {_CELL}, double forget_bias, double cell_clip, "
        "const long long* limit, int t, long long batch, int units, T* i, T* cs, T* f, T* o, T* ci, T* co, T* h"
    )
    kernel = _kernel("lstm_cell", places, x.dtype)
    options = *_peepholes(bound, diagonals), float(bound.attrs["forget_bias"]), float(bound.attrs["cell_clip"])
    for t in range(layer.time):
        cs, h = (at(outputs[1], t - 1), at(outputs[6], t - 1)) if t else (cs_prev, h_prev)
        layer.product(h, w_h, at(z, t), beta=1.0)
        sizes = layer.limit, t, layer.batch, layer.units
        results = [at(out, t) for out in outputs]
        bound.for_each(kernel, layer.batch * layer.units, at(z, t), cs, bias, *options, *sizes, *results)


def _lstm_step_gradient(
    layer: Layer, t: int, dh: DeviceArray | int, values: Sequence[Any], dc: DeviceArray, gates: DeviceArray
) -> None:
    """`values`: the state before, i, f, o, ci, co, the peepholes, and the gradients of state and output."""
    places = (
        f"const T* dh, const T* cs_prev, const T* i, const T* f, const T* o, const T* ci, const T* co, {_CELL}, "
        "const T* cs_grad, const T* h_grad, const long long* limit, int t, int last, long long batch, int units, T* dc, "
        "T* gates"
    )
    sizes = layer.limit, t, int(t == layer.time - 1), layer.batch, layer.units
    kernel = _kernel("lstm_cell_gradient", places, dc.dtype)
    layer.bound.for_each(kernel, layer.batch * layer.units, dh, *values, *sizes, dc, gates)


@gpu("LSTMBlockCellGrad")
@compact
def lstm_block_cell_gradient(bound: Bound) -> None:
    """The gradient as far as the gates' inputs."""
    require_arrays(bound, 0)
    x, cs_prev, _, _, *diagonals, _, i, cs, f, o, ci, co, cs_grad, h_grad = bound.inputs
    dc, gates, *sums = bound.outputs
    layer = layer_over(bound, _sequence(x), dc.shape[1])
    values = cs_prev, i, f, o, ci, co, *_peepholes(bound, diagonals), cs_grad, h_grad
    _lstm_step_gradient(layer, 0, 0, values, dc, gates)
    _peephole_sums(layer, _sequence(gates), cs_prev, _sequence(cs), sums)


@gpu("BlockLSTMGrad")
@compact
def block_lstm_gradient(bound: Bound) -> None:
    """The gradients of a layer over a sequence."""
    require_arrays(bound, 1)
    limit, x, *rest = bound.inputs
    layer = layer_over(bound, x, bound.inputs[3].shape[1], limit)
    _check_limit(bound, limit, layer.time)
    lstm_gradient(layer, [x, *rest], bound.outputs)


def lstm_gradient(layer: Layer, inputs: Sequence[DeviceArray], outputs: Sequence[DeviceArray]) -> None:
    """The gradients of a layer, from its last steps to its first: `inputs` and `outputs` are BlockLSTMGrad's, without a limit."""
    bound = layer.bound
    x, cs_prev, h_prev, w, *diagonals, _, i, cs, f, o, ci, co, h, cs_grad, h_grad = inputs
    dx, dc, dh, dw, *sums, db = outputs
    w_x, w_h = at(w, 0, layer.size), at(w, layer.size, layer.units)
    gates = bound.scratch((layer.time, layer.batch, 4 * layer.units), x.dtype)
    for t in reversed(range(layer.time)):
        last = t == layer.time - 1
        if not last:
            layer.product(at(gates, t + 1), w_h, dh, turned=(False, True))
        cells = at(cs, t - 1) if t else cs_prev
        values = (
            cells,
            *(at(v, t) for v in (i, f, o, ci, co)),
            *_peepholes(bound, diagonals),
            at(cs_grad, t),
            at(h_grad, t),
        )
        _lstm_step_gradient(layer, t, 0 if last else dh, values, dc, at(gates, t))
    layer.product(at(gates, 0), w_h, dh, turned=(False, True))
    layer.product(gates, w_x, dx, turned=(False, True))
    layer.product(
        x, gates.reshaped(layer.time * layer.batch, 4 * layer.units), at(dw, 0, layer.size), turned=(True, False)
    )
    state_weights(layer, h_prev, h, gates, at(dw, layer.size, layer.units))
    column_sums(bound, gates, layer.time * layer.batch, 4 * layer.units, db)
    _peephole_sums(layer, gates, cs_prev, cs, sums)


def state_weights(layer: Layer, h_prev: DeviceArray, h: DeviceArray, gates: DeviceArray, dw: DeviceArray) -> None:
    """The gradient of the rows that the states before each step are multiplied by."""
    rows, width = (layer.time - 1) * layer.batch, gates.shape[-1]
    layer.product(h_prev, at(gates, 0), dw, turned=(True, False))
    if rows:
        later = at(gates, 1, layer.time - 1).reshaped(rows, width)
        layer.product(at(h, 0, layer.time - 1), later, dw, turned=(True, False), beta=1.0)


def _peephole_sums(
    layer: Layer, gates: DeviceArray, cs_prev: DeviceArray, cs: DeviceArray, sums: Sequence[DeviceArray]
) -> None:
    """Sums of the gates' gradients times cell states; zeros where there are no peepholes."""
    bound, units, batch = layer.bound, layer.units, layer.batch
    if not bound.attrs["use_peephole"]:
        for out in sums:
            bound.zero(out)
        return
    steps, row = (4 * units, units), batch * 4 * units * gates.dtype.itemsize
    for gate, out in zip((0, 2, 3), sums, strict=True):
        start = gates.address + gate * units * gates.dtype.itemsize
        if gate == 3:
            column_sums(bound, start, layer.time * batch, units, out, cs, steps)
            continue
        column_sums(bound, start, batch, units, out, cs_prev, steps)
        if layer.time > 1:
            column_sums(bound, start + row, (layer.time - 1) * batch, units, out, cs, steps, adds=True)


# GRU


@gpu("GRUSequence")
@compact
def gru_sequence(bound: Bound) -> None:
    """A layer over a sequence."""
    require_arrays(bound, 0)
    _gru(layer_over(bound, bound.inputs[0], bound.outputs[0].shape[2]), bound.inputs, bound.outputs)


@gpu("GRUBlockCell")
@compact
def gru_block_cell(bound: Bound) -> None:
    """A step of it."""
    require_arrays(bound, 0)
    x = _sequence(bound.inputs[0])
    layer = layer_over(bound, x, bound.outputs[0].shape[1])
    _gru(layer, [x, *bound.inputs[1:]], [_sequence(out) for out in bound.outputs])


def _gru(layer: Layer, inputs: Sequence[DeviceArray], outputs: Sequence[DeviceArray]) -> None:
    bound, units = layer.bound, layer.units
    x, h_prev, w_ru, w_c, b_ru, b_c = inputs
    r, u, c, h = outputs
    z = bound.scratch((layer.time, layer.batch, 2 * units), x.dtype)
    fresh, reset = bound.scratch(r.shape, x.dtype), bound.scratch(r.shape[1:], x.dtype)
    layer.product(x, at(w_ru, 0, layer.size), z)
    layer.product(x, at(w_c, 0, layer.size), fresh)
    sizes = "long long batch, int units"
    gates = _kernel("gru_gates", f"const T* z, const T* h_prev, const T* bias, {sizes}, T* r, T* u, T* reset", x.dtype)
    places = f"const T* fresh, const T* h_prev, const T* bias, const T* u, {sizes}, T* c, T* h"
    state, count = _kernel("gru_state", places, x.dtype), layer.batch * units
    for t in range(layer.time):
        before = at(h, t - 1) if t else h_prev
        layer.product(before, at(w_ru, layer.size, units), at(z, t), beta=1.0)
        bound.for_each(gates, count, at(z, t), before, b_ru, layer.batch, units, at(r, t), at(u, t), reset)
        layer.product(reset, at(w_c, layer.size, units), at(fresh, t), beta=1.0)
        bound.for_each(state, count, at(fresh, t), before, b_c, at(u, t), layer.batch, units, at(c, t), at(h, t))


@gpu("GRUSequenceGrad")
@compact
def gru_sequence_gradient(bound: Bound) -> None:
    """The gradients of a layer over a sequence."""
    require_arrays(bound, 0)
    x, h_prev, w_ru, w_c, _, _, r, u, c, h, h_grad = bound.inputs
    dx, dh, dw_ru, dw_c, db_ru, db_c = bound.outputs
    layer = layer_over(bound, x, h_prev.shape[1])
    rows, size, units = layer.time * layer.batch, layer.size, layer.units
    dz = bound.scratch((layer.time, layer.batch, 2 * units), x.dtype)
    dc, reset = (bound.scratch(r.shape, x.dtype) for _ in range(2))
    _gru_steps(layer, (w_ru, w_c), (h_prev, h, r, u, c, h_grad), dh, (dz, dc, reset))
    _gru_inputs(layer, (w_ru, w_c), dx, dz, dc)
    for gates, dw, db in ((dz, dw_ru, db_ru), (dc, dw_c, db_c)):
        layer.product(x, gates.reshaped(rows, gates.shape[-1]), at(dw, 0, size), turned=(True, False))
        column_sums(bound, gates, rows, gates.shape[-1], db)
    layer.product(reset, dc.reshaped(rows, units), at(dw_c, size, units), turned=(True, False))
    state_weights(layer, h_prev, h, dz, at(dw_ru, size, units))


@gpu("GRUBlockCellGrad")
@compact
def gru_block_cell_gradient(bound: Bound) -> None:
    """The gradient of a step as far as the inputs of candidate and gates."""
    require_arrays(bound, 0)
    x, h_prev, w_ru, w_c, _, _, r, u, c, h_grad = bound.inputs
    dx, dh, dc, dz = bound.outputs
    layer = layer_over(bound, _sequence(x), h_prev.shape[1])
    reset = bound.scratch((1, *h_prev.shape), x.dtype)
    values = h_prev, h_prev, *(_sequence(a) for a in (r, u, c, h_grad))
    _gru_steps(layer, (w_ru, w_c), values, dh, (_sequence(dz), _sequence(dc), reset))
    _gru_inputs(layer, (w_ru, w_c), dx, dz, dc)


def _gru_steps(
    layer: Layer,
    weights: tuple[DeviceArray, DeviceArray],
    values: Sequence[DeviceArray],
    dh: DeviceArray,
    results: tuple[DeviceArray, DeviceArray, DeviceArray],
) -> None:
    """The gradients of all steps' gates and candidates, and of the state before the first step."""
    bound, units, batch = layer.bound, layer.units, layer.batch
    h_prev, h, r, u, c, h_grad = values
    dz, dc, reset = results
    w_ru, w_c = (at(w, layer.size, units) for w in weights)
    through = bound.scratch(dh.shape, dh.dtype)
    sizes = "long long batch, int units"
    places = (
        f"const T* later, const T* h_grad, const T* h_prev, const T* r, const T* u, const T* c, {sizes}, T* dh, T* dz, "
        "T* dc, T* reset"
    )
    state = _kernel("gru_state_gradient", places, dh.dtype)
    places = f"const T* through, const T* h_prev, const T* r, const T* u, {sizes}, T* dh, T* dz"
    gates, count = _kernel("gru_reset_gradient", places, dh.dtype), batch * units
    for t in reversed(range(layer.time)):
        before, last = at(h, t - 1) if t else h_prev, t == layer.time - 1
        if not last:
            layer.product(at(dz, t + 1), w_ru, through, turned=(False, True))
        given = 0 if last else through, at(h_grad, t), before, at(r, t), at(u, t), at(c, t)
        bound.for_each(state, count, *given, batch, units, dh, at(dz, t), at(dc, t), at(reset, t))
        layer.product(at(dc, t), w_c, through, turned=(False, True))
        bound.for_each(gates, count, through, before, at(r, t), at(u, t), batch, units, dh, at(dz, t))
    layer.product(at(dz, 0), w_ru, dh, turned=(False, True), beta=1.0)


def _gru_inputs(
    layer: Layer, weights: tuple[DeviceArray, DeviceArray], dx: DeviceArray, dz: DeviceArray, dc: DeviceArray
) -> None:
    w_ru, w_c = (at(w, 0, layer.size) for w in weights)
    layer.product(dz, w_ru, dx, turned=(False, True))
    layer.product(dc, w_c, dx, turned=(False, True), beta=1.0)
