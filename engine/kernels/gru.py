"""GRU layers over whole sequences and their gradients: one product of matrices for all inputs, two more each step.

The gates r and u (reset, update) lie side by side in this order, as in the kernel `w_ru` and the bias `b_ru`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .lstm import before, blocks, input_products, rows_of, sigmoid_in_place
from .scratch import scratch

Array = NDArray[Any]


def gru_sequence(
    out: Sequence[Array], x: Array, h_prev: Array, w_ru: Array, w_c: Array, b_ru: Array, b_c: Array
) -> None:
    """Writes all steps of a layer to `out`: r, u, c, h, where h is `u * h_prev + (1 - u) * c`.

    Args:
        out: four arrays `[time, batch, units]`.
        x: inputs `[time, batch, size]`, of the same dtype (float32 or float64) as everything here.
        h_prev: the state before `[batch, units]`.
        w_ru, b_ru: of the gates, `[size + units, 2 * units]` with the rows of the inputs first, and `[2 * units]`.
        w_c, b_c: of the candidate, `[size + units, units]` and `[units]`.
    """
    r, u, c, h = out
    size, units = x.shape[2], h_prev.shape[1]
    with np.errstate(over="ignore"):  # exp(-x) may overflow: the gate is then 0
        for start, stop in blocks(x, 3 * units):
            gates = input_products("gru_gates", x[start:stop], w_ru[:size], b_ru)
            candidates = input_products("gru_candidates", x[start:stop], w_c[:size], b_c)
            for t in range(start, stop):
                now = (r[t], u[t], c[t], h[t])
                _step(now, gates[t - start], candidates[t - start], h_prev, w_ru[size:], w_c[size:])
                h_prev = h[t]


def _step(now: Sequence[Array], z: Array, fresh: Array, h_prev: Array, w_ru_h: Array, w_c_h: Array) -> None:
    """One step from the inputs' parts of the gates and of the candidate, which are overwritten."""
    r, u, c, h = now
    units = h_prev.shape[1]
    z += np.matmul(h_prev, w_ru_h, scratch("gru_product", z.shape, z.dtype))
    sigmoid_in_place(z)
    r[...], u[...] = z[:, :units], z[:, units:]
    fresh += np.matmul(np.multiply(r, h_prev, h), w_c_h, scratch("gru_product", fresh.shape, fresh.dtype))
    np.tanh(fresh, c)
    np.subtract(h_prev, c, h)
    h *= u
    h += c


def gru_sequence_grad(
    out: Sequence[Array],
    x: Array,
    h_prev: Array,
    w_ru: Array,
    w_c: Array,
    steps: Sequence[Array],
    h_grad: Array,
) -> None:
    """Writes the gradients of x, h_prev, w_ru, w_c, b_ru and b_c to `out`.

    Args:
        out: six arrays.
        x, h_prev, w_ru, w_c: as they went into the forward pass.
        steps: what the forward pass wrote: r, u, c, h.
        h_grad: the gradients of all outputs `[time, batch, units]`.
    """
    dx, dh, dw_ru, dw_c, db_ru, db_c = out
    size, units = x.shape[2], h_prev.shape[1]
    for sums in (dh, dw_ru, dw_c, db_ru, db_c):
        sums[...] = 0
    for start, stop in reversed(list(blocks(x, 3 * units))):
        r, u, c = (values[start:stop] for values in steps[:3])
        states = before(steps[3], h_prev, start, stop)
        dz = scratch("gru_gate_grads", (stop - start, x.shape[1], 2 * units), x.dtype)
        dc = scratch("gru_candidate_grads", (stop - start, x.shape[1], units), x.dtype)
        gru_gate_grads(dz, dc, dh, states, (r, u, c), h_grad[start:stop], w_ru[size:], w_c[size:])
        rows, fresh = rows_of(dz), rows_of(dc)
        inputs = rows_of(x[start:stop])
        into = rows_of(dx[start:stop])
        np.matmul(rows, w_ru[:size].T, into)
        into += fresh @ w_c[:size].T
        dw_ru[:size] += inputs.T @ rows
        dw_ru[size:] += rows_of(states).T @ rows
        dw_c[:size] += inputs.T @ fresh
        dw_c[size:] += rows_of(r * states).T @ fresh
        db_ru += rows.sum(0)
        db_c += fresh.sum(0)


def gru_gate_grads(
    dz: Array,
    dc: Array,
    dh: Array,
    states: Array,
    steps: Sequence[Array],
    h_grad: Array,
    w_ru_h: Array,
    w_c_h: Array,
) -> None:
    """Writes the gradients of the inputs of gates and candidate of some steps to `dz` and `dc`.

    `dh` holds the gradient of the state after the last of them, and then of the state before the first. `states` are
    the states before each step, `steps` their r, u and c.
    """
    r, u, c = steps
    units = u.shape[2]
    np.multiply(states, r * (1 - r), dz[:, :, :units])
    np.multiply(states - c, u * (1 - u), dz[:, :, units:])
    np.multiply(1 - u, 1 - c * c, dc)
    reset = np.empty_like(dh)
    through = np.empty_like(dh)
    for t in reversed(range(len(dz))):
        dh += h_grad[t]
        dc[t] *= dh
        dz[t, :, units:] *= dh
        np.matmul(dc[t], w_c_h.T, reset)
        dz[t, :, :units] *= reset
        dh *= u[t]
        dh += np.multiply(reset, r[t], reset)
        dh += np.matmul(dz[t], w_ru_h.T, through)
