"""Gradients of the LSTM and GRU operations beyond the usual ones: of gates, and of the gradients themselves.

They are differentiated as loops of elementary operations that compute the same; a plain training step needs none of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .gradients import backward
from .graph import Operation, Tensor
from .ops.aggregation import as_dense
from .ops.array import identity, reshape, shape
from .ops.array_parts import concat, zeros_like
from .ops.array_shape import expand_dims
from .ops.array_split import split
from .ops.choice import clip_by_value
from .ops.guards import stop_gradient
from .ops.map_scan import scan
from .ops.products import matmul
from .ops.reduce import reduce_sum
from .ops.trigonometric import sigmoid, tanh

Gradients = list[Any]


def differentiated(
    op: Operation, dys: Sequence[Tensor | None], compute: Any, inputs: Sequence[Tensor] | None = None
) -> Gradients:
    """The gradients of an operation's inputs by those of what `compute(*inputs)` builds in its place."""
    # Copies: one tensor may serve as several inputs.
    xs = [identity(tensor) for tensor in (op.inputs if inputs is None else inputs)]
    pairs = [(y, dy) for y, dy in zip(compute(*xs), dys, strict=True) if dy is not None and y is not None]
    found = backward([y for y, _ in pairs], xs, [dy for _, dy in pairs])
    return [None if gradient is None else as_dense(gradient) for gradient in found]


def _alike(before: Sequence[Tensor], after: Sequence[Any]) -> tuple[Any, ...]:
    """The values after a step, of which the same is known as of those before."""
    for old, new in zip(before, after, strict=True):
        new.set_shape(old.shape)
    return tuple(after)


# LSTM


def lstm_outputs(op: Operation, x: Any, c: Any, h: Any, w: Any, wci: Any, wcf: Any, wco: Any, b: Any) -> list[Any]:
    """What BlockLSTM gives for the inputs `[time, batch, size]`: i, cs, f, o, ci, co, h."""
    bias, clip, peephole = (op.attrs[name] for name in ("forget_bias", "cell_clip", "use_peephole"))

    def step(before: Any, now: Any) -> Any:
        cells = before[1]
        enter, fresh, forget, leave = split(matmul(concat([now, before[6]], 1), w) + b, 4, 1)
        i = sigmoid(enter + cells * wci if peephole else enter)
        f = sigmoid(forget + bias + cells * wcf if peephole else forget + bias)
        ci = tanh(fresh)
        cs = i * ci + f * cells
        if clip > 0:
            # Gradients pass a clipped state as if it was not.
            cs = cs + stop_gradient(clip_by_value(cs, -clip, clip) - cs)
        o = sigmoid(leave + cs * wco if peephole else leave)
        co = tanh(cs)
        return _alike(before, (i, cs, f, o, ci, co, o * co))

    nothing = zeros_like(c)
    return list(scan(step, x, (nothing, c, nothing, nothing, nothing, nothing, h)))


def block_lstm_gradient(op: Operation, dys: Sequence[Tensor | None]) -> Gradients:
    """The gradient of BlockLSTM from those of all its outputs."""
    count = op.inputs[0]
    taken = [None if dy is None else dy[:count] for dy in dys]
    return [
        None,
        *differentiated(op, taken, lambda x, *rest: lstm_outputs(op, x[:count], *rest), op.inputs[1:]),
    ]


def lstm_cell_gradient(op: Operation, dys: Sequence[Tensor | None]) -> Gradients:
    """The gradient of LSTMBlockCell from those of all its outputs."""
    return differentiated(op, dys, lambda x, *rest: [step[0] for step in lstm_outputs(op, expand_dims(x, 0), *rest)])


def _lstm_gates(op: Operation, c: Any, w_h: Any, diagonals: Any, steps: Any, cs_grad: Any, h_grad: Any) -> Any:
    """Gradients of the state before, of the gates' inputs of all steps and of the peepholes, and the cells before."""
    i, cs, f, o, ci, co = steps
    peephole = op.attrs["use_peephole"]
    cells = _before(c, cs)

    def step(after: Any, now: Any) -> Any:
        i, f, o, ci, co, cell, dcs, dh = now
        dc, dh = after[0] + dcs, after[1] + dh
        do = o * (1 - o) * co * dh
        dc = dc + (1 - co * co) * o * dh + (do * diagonals[2] if peephole else 0)
        di, dci, df = i * (1 - i) * ci * dc, (1 - ci * ci) * i * dc, f * (1 - f) * cell * dc
        gates = concat([di, dci, df, do], 1)
        dc = dc * f + (di * diagonals[0] + df * diagonals[1] if peephole else 0)
        return _alike(after, (dc, matmul(gates, w_h, transpose_b=True), gates))

    nothing = zeros_like(c)
    start = (nothing, nothing, concat([nothing] * 4, 1))
    dc, dh, gates = scan(step, (i, f, o, ci, co, cells, cs_grad, h_grad), start, reverse=True)
    di, _, df, do = split(gates, 4, 2)
    sums = [reduce_sum(d * v, [0, 1]) if peephole else None for d, v in ((di, cells), (df, cells), (do, cs))]
    return dc[0], dh[0], gates, sums


def _before(first: Any, values: Any) -> Any:
    """What each step began with: `first`, then the values of the steps before."""
    return concat([expand_dims(first, 0), values], 0)[:-1]


def _products(x: Any, states: Any, gates: Any) -> Any:
    """The gradients of kernel and bias from those of the gates' inputs."""
    rows = _rows(gates)
    return matmul(_rows(concat([x, states], 2)), rows, transpose_a=True), reduce_sum(rows, 0)


def _rows(values: Any) -> Any:
    return reshape(values, [-1, shape(values)[2]])


def _times(values: Any, w: Any) -> Any:
    """`[time, batch, n]` times the transpose of `w`."""
    sizes = shape(values)
    return reshape(matmul(_rows(values), w, transpose_b=True), concat([sizes[:2], [-1]], 0))


def block_lstm_grad_gradient(op: Operation, dys: Sequence[Tensor | None]) -> Gradients:
    """The gradient of BlockLSTMGrad."""
    count = op.inputs[0]

    def compute(*values: Any) -> list[Any]:
        x, c, h_prev, w, wci, wcf, wco, _, *steps = values
        x, *steps = (value[:count] for value in (x, *steps))
        *steps, h, cs_grad, h_grad = steps
        size = shape(x)[2]
        dc, dh, gates, sums = _lstm_gates(op, c, w[size:], (wci, wcf, wco), steps, cs_grad, h_grad)
        dw, db = _products(x, _before(h_prev, h), gates)
        return [_times(gates, w[:size]), dc, dh, dw, *sums, db]

    first = None if dys[0] is None else dys[0][:count]
    return [None, *differentiated(op, [first, *dys[1:]], compute, op.inputs[1:])]


def lstm_cell_grad_gradient(op: Operation, dys: Sequence[Tensor | None]) -> Gradients:
    """The gradient of LSTMBlockCellGrad."""

    def compute(*values: Any) -> list[Any]:
        x, c, _, w, wci, wcf, wco, _, *steps = values
        *steps, cs_grad, h_grad = (expand_dims(value, 0) for value in steps)
        dc, _, gates, sums = _lstm_gates(op, c, w[shape(x)[1] :], (wci, wcf, wco), steps, cs_grad, h_grad)
        return [dc, gates[0], *sums]

    return differentiated(op, dys, compute)


# GRU


def gru_outputs(x: Any, h: Any, w_ru: Any, w_c: Any, b_ru: Any, b_c: Any) -> list[Any]:
    """What GRUSequence gives for the inputs `[time, batch, size]`: r, u, c, h."""

    def step(before: Any, now: Any) -> Any:
        state = before[3]
        r, u = split(sigmoid(matmul(concat([now, state], 1), w_ru) + b_ru), 2, 1)
        c = tanh(matmul(concat([now, r * state], 1), w_c) + b_c)
        return _alike(before, (r, u, c, u * state + (1 - u) * c))

    nothing = zeros_like(h)
    return list(scan(step, x, (nothing, nothing, nothing, h)))


def gru_sequence_gradient(op: Operation, dys: Sequence[Tensor | None]) -> Gradients:
    """The gradient of GRUSequence from those of all its outputs."""
    return differentiated(op, dys, gru_outputs)


def gru_cell_gradient(op: Operation, dys: Sequence[Tensor | None]) -> Gradients:
    """The gradient of GRUBlockCell from those of all its outputs."""
    return differentiated(op, dys, lambda x, *rest: [step[0] for step in gru_outputs(expand_dims(x, 0), *rest)])


def _gru_gates(states: Any, w_ru_h: Any, w_c_h: Any, steps: Any, h_grad: Any) -> Any:
    """Gradients of the state before, and of the inputs of gates and candidate of all steps."""

    def step(after: Any, now: Any) -> Any:
        r, u, c, state, dh = now
        dh = after[0] + dh
        candidate = (1 - u) * (1 - c * c) * dh
        reset = matmul(candidate, w_c_h, transpose_b=True)
        gates = concat([state * r * (1 - r) * reset, (state - c) * u * (1 - u) * dh], 1)
        return _alike(after, (dh * u + reset * r + matmul(gates, w_ru_h, transpose_b=True), gates, candidate))

    nothing = zeros_like(states[0])
    start = (nothing, concat([nothing] * 2, 1), nothing)
    dh, gates, candidates = scan(step, (*steps, states, h_grad), start, reverse=True)
    return dh[0], gates, candidates


def gru_sequence_grad_gradient(op: Operation, dys: Sequence[Tensor | None]) -> Gradients:
    """The gradient of GRUSequenceGrad."""

    def compute(x: Any, h_prev: Any, w_ru: Any, w_c: Any, b_ru: Any, b_c: Any, *steps: Any) -> list[Any]:
        *gates, h, h_grad = steps
        size, states = shape(x)[2], _before(h_prev, h)
        dh, dz, dc = _gru_gates(states, w_ru[size:], w_c[size:], gates, h_grad)
        dw_ru, db_ru = _products(x, states, dz)
        dw_c, db_c = _products(x, gates[0] * states, dc)
        return [_times(dz, w_ru[:size]) + _times(dc, w_c[:size]), dh, dw_ru, dw_c, db_ru, db_c]

    return differentiated(op, dys, compute)


def gru_cell_grad_gradient(op: Operation, dys: Sequence[Tensor | None]) -> Gradients:
    """The gradient of GRUBlockCellGrad."""

    def compute(x: Any, h_prev: Any, w_ru: Any, w_c: Any, b_ru: Any, b_c: Any, *steps: Any) -> list[Any]:
        *gates, h_grad = (expand_dims(value, 0) for value in steps)
        size = shape(x)[1]
        dh, dz, dc = _gru_gates(expand_dims(h_prev, 0), w_ru[size:], w_c[size:], gates, h_grad)
        dx = matmul(dz[0], w_ru[:size], transpose_b=True) + matmul(dc[0], w_c[:size], transpose_b=True)
        return [dx, dh, dc[0], dz[0]]

    return differentiated(op, dys, compute)


# GRU that resets after the product


def gru_after_outputs(x: Any, h: Any, w_x: Any, w_h: Any, b_x: Any, b_h: Any) -> list[Any]:
    """What GRUResetAfterSequence gives: r, u, c, s, h."""

    def step(before: Any, now: Any) -> Any:
        state = before[4]
        x_r, x_u, x_c = split(matmul(now, w_x) + b_x, 3, 1)
        h_r, h_u, s = split(matmul(state, w_h) + b_h, 3, 1)
        r, u = sigmoid(x_r + h_r), sigmoid(x_u + h_u)
        c = tanh(x_c + r * s)
        return _alike(before, (r, u, c, s, u * state + (1 - u) * c))

    nothing = zeros_like(h)
    return list(scan(step, x, (nothing, nothing, nothing, nothing, h)))


def gru_after_sequence_gradient(op: Operation, dys: Sequence[Tensor | None]) -> Gradients:
    """The gradient of GRUResetAfterSequence from those of all its outputs."""
    return differentiated(op, dys, gru_after_outputs)


def gru_after_sequence_grad_gradient(op: Operation, dys: Sequence[Tensor | None]) -> Gradients:
    """The gradient of GRUResetAfterSequenceGrad."""

    def compute(x: Any, h_prev: Any, w_x: Any, w_h: Any, b_x: Any, b_h: Any, *steps: Any) -> list[Any]:
        r, u, c, s, h, h_grad = steps
        states = _before(h_prev, h)

        def step(after: Any, now: Any) -> Any:
            r, u, c, s, state, dh = now
            dh = after[0] + dh
            fresh = (1 - u) * (1 - c * c) * dh
            gates = [fresh * s * r * (1 - r), (state - c) * u * (1 - u) * dh]
            of_inputs, of_states = concat([*gates, fresh], 1), concat([*gates, fresh * r], 1)
            return _alike(after, (dh * u + matmul(of_states, w_h, transpose_b=True), of_inputs, of_states))

        nothing = zeros_like(h_prev)
        wide = concat([nothing] * 3, 1)
        dh, of_inputs, of_states = scan(step, (r, u, c, s, states, h_grad), (nothing, wide, wide), reverse=True)
        rows, later = _rows(of_inputs), _rows(of_states)
        dw_x = matmul(_rows(x), rows, transpose_a=True)
        dw_h = matmul(_rows(states), later, transpose_a=True)
        return [_times(of_inputs, w_x), dh[0], dw_x, dw_h, reduce_sum(rows, 0), reduce_sum(later, 0)]

    return differentiated(op, dys, compute)
