"""GRU layers that reset after the product with the state, over whole sequences, and their gradients.

The gates r and u and the candidate c lie side by side in this order, in both kernels and both biases.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .lstm import before, blocks, input_products, rows_of, sigmoid_in_place
from .scratch import scratch

Array = NDArray[Any]


def gru_after_sequence(
    out: Sequence[Array], x: Array, h_prev: Array, w_x: Array, w_h: Array, b_x: Array, b_h: Array
) -> None:
    """Writes all steps of a layer to `out`: r, u, c, s, h.

    s is the state's part of the candidate before it is reset, c is `tanh(x's part + r * s)`, h `u * h_prev + (1 - u) * c`.

    Args:
        out: five arrays `[time, batch, units]`.
        x: inputs `[time, batch, size]`, of the same dtype (float32 or float64) as everything here.
        h_prev: the state before `[batch, units]`.
        w_x, w_h: `[size, 3 * units]` and `[units, 3 * units]`.
        b_x, b_h: `[3 * units]`.
    """
    h, units = out[4], h_prev.shape[1]
    with np.errstate(over="ignore"):  # exp(-x) may overflow: the gate is then 0
        for start, stop in blocks(x, 3 * units):
            parts = input_products("gru_after_inputs", x[start:stop], w_x, b_x)
            for t in range(start, stop):
                _step([values[t] for values in out], parts[t - start], h_prev, w_h, b_h)
                h_prev = h[t]


def _step(now: Sequence[Array], z: Array, h_prev: Array, w_h: Array, b_h: Array) -> None:
    """One step from the inputs' parts, which are overwritten."""
    r, u, c, s, h = now
    units = h_prev.shape[1]
    product = np.matmul(h_prev, w_h, scratch("gru_after_product", z.shape, z.dtype))
    product += b_h
    gates = z[:, : 2 * units]
    gates += product[:, : 2 * units]
    sigmoid_in_place(gates)
    r[...], u[...], s[...] = z[:, :units], z[:, units : 2 * units], product[:, 2 * units :]
    np.multiply(r, s, c)
    c += z[:, 2 * units :]
    np.tanh(c, c)
    np.subtract(h_prev, c, h)
    h *= u
    h += c


def gru_after_sequence_grad(
    out: Sequence[Array],
    x: Array,
    h_prev: Array,
    w_x: Array,
    w_h: Array,
    steps: Sequence[Array],
    h_grad: Array,
) -> None:
    """Writes the gradients of x, h_prev, w_x, w_h, b_x and b_h to `out`.

    Args:
        out: six arrays.
        x, h_prev, w_x, w_h: as they went into the forward pass.
        steps: what the forward pass wrote: r, u, c, s, h.
        h_grad: the gradients of all outputs `[time, batch, units]`.
    """
    dx, dh, dw_x, dw_h, db_x, db_h = out
    for sums in (dh, dw_x, dw_h, db_x, db_h):
        sums[...] = 0
    for start, stop in reversed(list(blocks(x, 3 * h_prev.shape[1]))):
        states = before(steps[4], h_prev, start, stop)
        shape = (stop - start, *x.shape[1:2], w_h.shape[1])
        of_inputs, of_states = (scratch(f"gru_after_{what}_grads", shape, x.dtype) for what in ("input", "state"))
        gates = [values[start:stop] for values in steps[:4]]
        _gate_grads(of_inputs, of_states, dh, states, gates, h_grad[start:stop], w_h)
        rows, later = rows_of(of_inputs), rows_of(of_states)
        np.matmul(rows, w_x.T, rows_of(dx[start:stop]))
        dw_x += rows_of(x[start:stop]).T @ rows
        dw_h += rows_of(states).T @ later
        db_x += rows.sum(0)
        db_h += later.sum(0)


def _gate_grads(
    of_inputs: Array,
    of_states: Array,
    dh: Array,
    states: Array,
    steps: Sequence[Array],
    h_grad: Array,
    w_h: Array,
) -> None:
    """Writes the gradients of the inputs' and of the states' parts of some steps.

    `dh` holds the gradient of the state after the last of them, and then of the state before the first. `states` are
    the states before each step, `steps` their r, u, c and s.
    """
    r, u, c, s = steps
    units = u.shape[2]
    fresh = of_inputs[:, :, 2 * units :]
    np.multiply(1 - u, 1 - c * c, fresh)
    np.multiply(fresh, s * r * (1 - r), of_inputs[:, :, :units])
    np.multiply(states - c, u * (1 - u), of_inputs[:, :, units : 2 * units])
    through = np.empty_like(dh)
    for t in reversed(range(len(of_inputs))):
        dh += h_grad[t]
        parts = of_inputs[t].reshape(len(dh), 3, units)
        parts *= dh[:, None]
        of_states[t] = of_inputs[t]
        of_states[t, :, 2 * units :] *= r[t]
        dh *= u[t]
        dh += np.matmul(of_states[t], w_h.T, through)
