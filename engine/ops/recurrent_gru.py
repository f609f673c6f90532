"""GRU cells and layers in one operation each, with their gradients: GRUBlockCell of TensorFlow 1.15, GRUSequence.

The gates r and u lie side by side in this order. The kernels are plain functions of arrays in engine/kernels/gru.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..dtypes import FLOATING
from ..graph import Operation, Sizes, Tensor
from ..inference import InferenceContext
from ..kernels.gru import gru_gate_grads, gru_sequence, gru_sequence_grad
from ..registry import op
from ..samples import Failure, Sample
from .array_parts import concat, zeros_like
from .nn_bias import bias_add_grad_op
from .products import matmul
from .recurrent_lstm import agree, in_working_dtype, late, part

Gradients = list[Any]
_INPUTS = "x: T, h_prev: T, w_ru: T, w_c: T, b_ru: T, b_c: T"
_GATES = "r: T, u: T, c: T"


@op("GRUBlockCell", _INPUTS, _GATES + ", h: T", T=FLOATING)
def gru_block_cell_op(x: Any, h_prev: Any, w_ru: Any, w_c: Any, b_ru: Any, b_c: Any, *, name: str | None = None) -> Any:
    """One step of a GRU: r, u, c, h `[batch, units]` of x `[batch, size]` and the state before.

    `w_ru` is `[size + units, 2 * units]`, `w_c` `[size + units, units]`; h is `u * h_prev + (1 - u) * c`.
    """


@op("GRUBlockCellGrad", f"{_INPUTS}, {_GATES}, d_h: T", "d_x: T, d_h_prev: T, d_c_bar: T, d_r_bar_u_bar: T", T=FLOATING)
def gru_block_cell_grad_op(
    x: Any,
    h_prev: Any,
    w_ru: Any,
    w_c: Any,
    b_ru: Any,
    b_c: Any,
    r: Any,
    u: Any,
    c: Any,
    d_h: Any,
    *,
    name: str | None = None,
) -> Any:
    """The gradient of GRUBlockCell for x and h_prev, and for the inputs of candidate and gates."""


@op("GRUSequence", _INPUTS, _GATES + ", h: T", T=FLOATING)
def gru_sequence_op(x: Any, h_prev: Any, w_ru: Any, w_c: Any, b_ru: Any, b_c: Any, *, name: str | None = None) -> Any:
    """GRUBlockCell over x `[time, batch, size]`: all steps of r, u, c, h `[time, batch, units]`."""


@op(
    "GRUSequenceGrad",
    f"{_INPUTS}, {_GATES}, h: T, d_h: T",
    "d_x: T, d_h_prev: T, d_w_ru: T, d_w_c: T, d_b_ru: T, d_b_c: T",
    T=FLOATING,
)
def gru_sequence_grad_op(
    x: Any,
    h_prev: Any,
    w_ru: Any,
    w_c: Any,
    b_ru: Any,
    b_c: Any,
    r: Any,
    u: Any,
    c: Any,
    h: Any,
    d_h: Any,
    *,
    name: str | None = None,
) -> Any:
    """The gradient of GRUSequence from the gradients of its h."""


def _checked(context: InferenceContext, rank: int) -> tuple[tuple[int | None, ...], int | None]:
    """The shape of x and the number of units; ValueError where inputs do not fit together."""
    x = context.with_rank(0, rank)
    h, w_ru, w_c = (context.with_rank(k, 2) for k in (1, 2, 3))
    (b_ru,), (b_c,) = context.with_rank(4, 1), context.with_rank(5, 1)
    units = agree("the number of units", h[1], w_c[1], b_c, part(w_ru[1], 2), part(b_ru, 2))
    batch = agree("the batch's size", x[-2], h[0])
    agree("2 * units", w_ru[1], b_ru, None if units is None else 2 * units)
    rows = agree("the number of rows of w_ru and w_c", w_ru[0], w_c[0])
    if x[-1] is not None and units is not None:
        agree("the number of rows of w_ru", rows, x[-1] + units)
    return (*x[:-2], batch, x[-1]), units


@gru_block_cell_op.shape
@gru_sequence_op.shape
def gru_shape(context: InferenceContext) -> list[Sizes]:
    x, units = _checked(context, 2 if context.definition.type == "GRUBlockCell" else 3)
    return [(*x[:-1], units)] * 4


@gru_block_cell_grad_op.shape
def gru_block_cell_grad_shape(context: InferenceContext) -> list[Sizes]:
    x, units = _checked(context, 2)
    return [x, (x[0], units), (x[0], units), (x[0], None if units is None else 2 * units)]


@gru_sequence_grad_op.shape
def gru_sequence_grad_shape(context: InferenceContext) -> list[Sizes]:
    _checked(context, 3)
    return list(context.sizes[:6])


# Kernels


@gru_block_cell_op.into
def gru_block_cell_into(xp: Any, out: Any, x: Any, *values: Any) -> None:
    in_working_dtype(gru_sequence, [target[None] for target in out], (x[None], *values))


@gru_sequence_op.into
def gru_sequence_into(xp: Any, out: Any, *values: Any) -> None:
    in_working_dtype(gru_sequence, out, values)


@gru_block_cell_op.kernel
def gru_block_cell_kernel(xp: Any, x: Any, h_prev: Any, *values: Any) -> Any:
    out = tuple(xp.empty(h_prev.shape, x.dtype) for _ in range(4))
    gru_block_cell_into(xp, out, x, h_prev, *values)
    return out


@gru_sequence_op.kernel
def gru_sequence_kernel(xp: Any, x: Any, h_prev: Any, *values: Any) -> Any:
    out = tuple(xp.empty((len(x), *h_prev.shape), x.dtype) for _ in range(4))
    gru_sequence_into(xp, out, x, h_prev, *values)
    return out


def _step_grad(out: Sequence[Any], *values: Any) -> None:
    x, h_prev, w_ru, w_c, _, _, *steps, d_h = values
    dx, dh, dc, dz = out
    size = x.shape[1]
    dh[...] = 0
    gates = [value[None] for value in steps]
    gru_gate_grads(dz[None], dc[None], dh, h_prev[None], gates, d_h[None], w_ru[size:], w_c[size:])
    np.matmul(dz, w_ru[:size].T, dx)
    dx += dc @ w_c[:size].T


def _sequence_grad(out: Sequence[Any], *values: Any) -> None:
    x, h_prev, w_ru, w_c, _, _, *steps, d_h = values
    gru_sequence_grad(out, x, h_prev, w_ru, w_c, steps, d_h)


@gru_block_cell_grad_op.into
def gru_block_cell_grad_into(xp: Any, out: Any, *values: Any) -> None:
    in_working_dtype(_step_grad, out, values)


@gru_block_cell_grad_op.kernel
def gru_block_cell_grad_kernel(xp: Any, x: Any, h_prev: Any, w_ru: Any, *values: Any) -> Any:
    shapes = (x.shape, h_prev.shape, h_prev.shape, (len(x), w_ru.shape[1]))
    out = tuple(xp.empty(shape, x.dtype) for shape in shapes)
    gru_block_cell_grad_into(xp, out, x, h_prev, w_ru, *values)
    return out


@gru_sequence_grad_op.into
def gru_sequence_grad_into(xp: Any, out: Any, *values: Any) -> None:
    in_working_dtype(_sequence_grad, out, values)


@gru_sequence_grad_op.kernel
def gru_sequence_grad_kernel(xp: Any, *values: Any) -> Any:
    out = tuple(xp.empty(value.shape, value.dtype) for value in values[:6])
    gru_sequence_grad_into(xp, out, *values)
    return out


# Gradients: from that of the outputs by an operation; from those of gates, and of the gradients themselves, by loops.


@gru_block_cell_op.gradient
def gru_block_cell_gradient(op: Operation, *dys: Tensor | None) -> Gradients:
    if any(dy is not None for dy in dys[:3]):
        return late("gru_cell_gradient", op, dys)
    x, h_prev = op.inputs[:2]
    d_h = zeros_like(op.outputs[3]) if dys[3] is None else dys[3]
    dx, dh, d_c_bar, d_gates = gru_block_cell_grad_op.make([*op.inputs, *op.outputs[:3], d_h], {}).outputs
    dw_ru = matmul(concat([x, h_prev], 1), d_gates, transpose_a=True)
    dw_c = matmul(concat([x, op.outputs[0] * h_prev], 1), d_c_bar, transpose_a=True)
    return [dx, dh, dw_ru, dw_c, bias_add_grad_op(d_gates), bias_add_grad_op(d_c_bar)]


@gru_sequence_op.gradient
def gru_sequence_gradient(op: Operation, *dys: Tensor | None) -> Gradients:
    if any(dy is not None for dy in dys[:3]):
        return late("gru_sequence_gradient", op, dys)
    d_h = zeros_like(op.outputs[3]) if dys[3] is None else dys[3]
    return gru_sequence_grad_op.make([*op.inputs, *op.outputs, d_h], {}).outputs


@gru_block_cell_grad_op.gradient
def gru_block_cell_grad_gradient(op: Operation, *dys: Tensor | None) -> Gradients:
    return late("gru_cell_grad_gradient", op, dys)


@gru_sequence_grad_op.gradient
def gru_sequence_grad_gradient(op: Operation, *dys: Tensor | None) -> Gradients:
    return late("gru_sequence_grad_gradient", op, dys)


# Samples


def _arrays(rng: np.random.Generator, shape: tuple[int, ...], units: int) -> tuple[Any, ...]:
    rows = shape[-1] + units
    state, biases = rng.normal(size=(shape[-2], units)), (rng.normal(size=2 * units), rng.normal(size=units))
    kernels = rng.normal(size=(rows, 2 * units)) * 0.5, rng.normal(size=(rows, units)) * 0.5
    return (rng.normal(size=shape), state, *kernels, *biases)


@gru_block_cell_op.samples
def gru_block_cell_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample(_arrays(rng, shape, 4)) for shape in ((2, 3), (0, 3), (1, 1))]


@gru_sequence_op.samples
def gru_sequence_samples(rng: np.random.Generator) -> list[Sample]:
    shapes = ((3, 2, 3), (0, 2, 3), (1, 1, 1))
    return [Sample(_arrays(rng, shape, 4), differentiable=shape[0] > 0) for shape in shapes]


def _with_grads(sample: Sample, kernel: Any, kept: int, rng: np.random.Generator) -> Sample:
    steps = kernel(np, *sample.inputs)
    inputs = (*sample.inputs, *steps[:kept], rng.normal(size=steps[0].shape))
    return Sample(inputs, differentiable=sample.differentiable, second=False)


@gru_block_cell_grad_op.samples
def gru_block_cell_grad_samples(rng: np.random.Generator) -> list[Sample]:
    return [_with_grads(sample, gru_block_cell_kernel, 3, rng) for sample in gru_block_cell_samples(rng)]


@gru_sequence_grad_op.samples
def gru_sequence_grad_samples(rng: np.random.Generator) -> list[Sample]:
    return [_with_grads(sample, gru_sequence_kernel, 4, rng) for sample in gru_sequence_samples(rng)]


@gru_block_cell_op.failing
def gru_block_cell_failing(rng: np.random.Generator) -> list[Failure]:
    x, h, w_ru, w_c, *biases = _arrays(rng, (2, 3), 4)
    return [
        Failure((x, h, w_ru[:5], w_c, *biases), ValueError, "rows of w_ru"),
        Failure((x, h[:, :2], w_ru, w_c, *biases), ValueError, "number of units"),
        Failure((x[:1], h, w_ru, w_c, *biases), ValueError, "batch"),
    ]
