"""LSTM layers over whole sequences and their gradients: one product of matrices for all inputs, one more each step.

Gates lie side by side in the order i, c, f, o (input, candidate, forget, output), as in the kernel `w` and the bias `b`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .scratch import scratch

Array = NDArray[Any]

# Steps are taken in blocks whose gates have about so many elements, so that the memory between them stays small.
_BLOCK = 1 << 21


class Steps(NamedTuple):
    """What a forward pass keeps of its steps, `[time, batch, units]` each: gates, cell state, its tanh, output."""

    i: Array
    cs: Array
    f: Array
    o: Array
    ci: Array
    co: Array
    h: Array


def lstm_sequence(
    out: Sequence[Array],
    x: Array,
    cs_prev: Array,
    h_prev: Array,
    w: Array,
    b: Array,
    peepholes: tuple[Array, Array, Array] | None,
    forget_bias: float,
    cell_clip: float,
) -> None:
    """Writes all steps of a layer to `out`: i, cs, f, o, ci, co, h.

    Args:
        out: seven arrays `[time, batch, units]`.
        x: inputs `[time, batch, size]`, of the same dtype (float32 or float64) as everything here.
        cs_prev, h_prev: the state before `[batch, units]`.
        w: `[size + units, 4 * units]`, the rows of the inputs first.
        b: `[4 * units]`.
        peepholes: the diagonals of the gates i, f and o `[units]`, or None.
        forget_bias: added to the forget gate's input.
        cell_clip: the cell state is clipped to plus or minus this; not where it is zero or less.
    """
    steps = Steps(*out)
    size, units = x.shape[2], h_prev.shape[1]
    w_x, w_h = w[:size], w[size:]
    bias = b.copy()
    bias[2 * units : 3 * units] += b.dtype.type(forget_bias)
    cs, h = cs_prev, h_prev
    with np.errstate(over="ignore"):  # exp(-x) may overflow: the gate is then 0
        for start, stop in blocks(x, 4 * units):
            gates = input_products("lstm_gates", x[start:stop], w_x, bias)
            for t in range(start, stop):
                now = Steps(*(values[t] for values in steps))
                _step(now, gates[t - start], cs, h, w_h, peepholes, cell_clip)
                cs, h = now.cs, now.h


def _step(
    now: Steps,
    z: Array,
    cs_prev: Array,
    h_prev: Array,
    w_h: Array,
    peepholes: tuple[Array, Array, Array] | None,
    cell_clip: float,
) -> None:
    """One step from `z`, the inputs' part of the gates, which is overwritten."""
    units = h_prev.shape[1]
    z += np.matmul(h_prev, w_h, scratch("lstm_product", z.shape, z.dtype))
    enter, fresh, forget, leave = (z[:, k * units : (k + 1) * units] for k in range(4))
    if peepholes is not None:
        enter += cs_prev * peepholes[0]
        forget += cs_prev * peepholes[1]
        leave = leave.copy()
    np.tanh(fresh, now.ci)
    _denominators(z)
    np.divide(1, enter, now.i)
    np.divide(1, forget, now.f)
    np.multiply(now.f, cs_prev, now.cs)
    np.add(now.cs, np.multiply(now.i, now.ci, now.h), now.cs)
    if cell_clip > 0:
        np.clip(now.cs, -cell_clip, cell_clip, now.cs)
    np.tanh(now.cs, now.co)
    if peepholes is not None:
        leave += now.cs * peepholes[2]
        _denominators(leave)
    np.divide(1, leave, now.o)
    np.multiply(now.o, now.co, now.h)


def _denominators(z: Array) -> None:
    """Turns `z` to 1 + exp(-z), of which a sigmoid is the reciprocal."""
    np.negative(z, z)
    np.exp(z, z)
    z += 1


def sigmoid_in_place(z: Array) -> None:
    """Turns `z` to its sigmoid."""
    _denominators(z)
    np.divide(1, z, z)


def rows_of(values: Array) -> Array:
    """`[time, batch, width]` as a matrix with a row for each step of each sequence."""
    return values.reshape(values.shape[0] * values.shape[1], values.shape[2])


def blocks(x: Array, width: int) -> Iterator[tuple[int, int]]:
    """First and last step (exclusive) of each block of the steps of `x`, whose values are `[batch, width]`."""
    time, batch = x.shape[:2]
    count = max(1, _BLOCK // max(1, batch * width))
    for start in range(0, time, count):
        yield start, min(start + count, time)


def input_products(purpose: str, x: Array, w_x: Array, bias: Array) -> Array:
    """`x @ w_x + bias` of some steps at once, in scratch memory."""
    result = scratch(purpose, (*x.shape[:2], w_x.shape[1]), w_x.dtype)
    np.matmul(rows_of(x), w_x, rows_of(result))
    result += bias
    return result


def before(values: Array, first: Array, start: int, stop: int) -> Array:
    """What steps `start` to `stop` began with: `values` one step earlier, and `first` at the very start."""
    if start:
        return values[start - 1 : stop - 1]
    return np.concatenate([first[None], values[: stop - 1]])


def lstm_sequence_grad(
    out: Sequence[Array],
    x: Array,
    cs_prev: Array,
    h_prev: Array,
    w: Array,
    peepholes: tuple[Array, Array, Array] | None,
    steps: Steps,
    cs_grad: Array,
    h_grad: Array,
) -> None:
    """Writes the gradients of x, cs_prev, h_prev, w, the three peepholes and b to `out`.

    Where the cell state was clipped the gradient passes as if it was not, as in TensorFlow.

    Args:
        out: eight arrays.
        x, cs_prev, h_prev, w, peepholes: as they went into the forward pass.
        steps: what the forward pass wrote.
        cs_grad, h_grad: the gradients of all cell states and of all outputs `[time, batch, units]`.
    """
    dx, dc, dh, dw, *diagonals, db = out
    size, units = x.shape[2], h_prev.shape[1]
    for sums in (dc, dh, dw, *diagonals, db):
        sums[...] = 0
    for start, stop in reversed(list(blocks(x, 4 * units))):
        part = Steps(*(values[start:stop] for values in steps))
        cells = before(steps.cs, cs_prev, start, stop)
        shape = (stop - start, x.shape[1], 4 * units)
        gates = scratch("lstm_gate_grads", shape, w.dtype)
        lstm_gate_grads(gates, dc, dh, cells, part, peepholes, cs_grad[start:stop], h_grad[start:stop], w[size:])
        rows = rows_of(gates)
        np.matmul(rows, w[:size].T, rows_of(dx[start:stop]))
        dw[:size] += rows_of(x[start:stop]).T @ rows
        dw[size:] += rows_of(before(steps.h, h_prev, start, stop)).T @ rows
        db += rows.sum(0)
        if peepholes is not None:
            _add_peepholes(diagonals, gates, cells, part.cs)


def lstm_gate_grads(
    gates: Array,
    dc: Array,
    dh: Array,
    cells: Array,
    steps: Steps,
    peepholes: tuple[Array, Array, Array] | None,
    cs_grad: Array,
    h_grad: Array,
    w_h: Array | None,
) -> None:
    """Writes the gradients of the gates' inputs of some steps to `gates` `[time, batch, 4 * units]`.

    `dc` and `dh` hold the gradients of the state after the last of them, and then of the state before the first;
    without `w_h` (a single step) `dh` stays. `cells` are the cell states before each step.
    """
    time, batch, width = gates.shape
    units = width // 4
    parts = gates.reshape(time, batch, 4, units)
    _factors(parts, cells, steps)
    through = np.multiply(1 - steps.co * steps.co, steps.o)
    total = np.empty_like(dc)
    for t in reversed(range(time)):
        dh += h_grad[t]
        dc += cs_grad[t]
        dc += np.multiply(through[t], dh, total)
        parts[t, :, 3] *= dh
        if peepholes is not None:
            dc += parts[t, :, 3] * peepholes[2]
        parts[t, :, :3] *= dc[:, None]
        dc *= steps.f[t]
        if peepholes is not None:
            dc += parts[t, :, 0] * peepholes[0] + parts[t, :, 2] * peepholes[1]
        if w_h is not None:
            np.matmul(gates[t], w_h.T, dh)


def _factors(parts: Array, cells: Array, steps: Steps) -> None:
    """What the gradients of cell state (for i, c, f) and output (for o) are to be multiplied by."""
    np.multiply(steps.i * (1 - steps.i), steps.ci, parts[:, :, 0])
    np.multiply(1 - steps.ci * steps.ci, steps.i, parts[:, :, 1])
    np.multiply(steps.f * (1 - steps.f), cells, parts[:, :, 2])
    np.multiply(steps.o * (1 - steps.o), steps.co, parts[:, :, 3])


def _add_peepholes(diagonals: Sequence[Array], gates: Array, cells: Array, cs: Array) -> None:
    time, batch, width = gates.shape
    parts = gates.reshape(time, batch, 4, width // 4)
    for diagonal, gate, values in zip(diagonals, (0, 2, 3), (cells, cells, cs), strict=True):
        diagonal += np.einsum("tbu,tbu->u", parts[:, :, gate], values)


def lstm_step_grad(
    out: Sequence[Array],
    cs_prev: Array,
    peepholes: tuple[Array, Array, Array] | None,
    steps: Steps,
    cs_grad: Array,
    h_grad: Array,
) -> None:
    """Writes the gradients of cs_prev, the gates' inputs and the three peepholes of a single step to `out`.

    All values are `[batch, units]`, the gates' gradients `[batch, 4 * units]`.
    """
    dc, gates, *diagonals = out
    dc[...] = 0
    part = Steps(*(values[None] for values in steps))
    dh = np.zeros_like(dc)
    lstm_gate_grads(gates[None], dc, dh, cs_prev[None], part, peepholes, cs_grad[None], h_grad[None], None)
    for diagonal in diagonals:
        diagonal[...] = 0
    if peepholes is not None:
        _add_peepholes(diagonals, gates[None], cs_prev[None], part.cs)
