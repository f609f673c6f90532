"""GRU layers that reset the state after its product, as cuDNN and Keras do, in one operation, with their gradients.

The gates r and u and the candidate c lie side by side in this order. The kernels are in engine/kernels/gru_after.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..dtypes import FLOATING
from ..graph import Operation, Sizes, Tensor
from ..inference import InferenceContext
from ..kernels.gru_after import gru_after_sequence, gru_after_sequence_grad
from ..registry import op
from ..samples import Failure, Sample
from .array_parts import zeros_like
from .recurrent_lstm import agree, in_working_dtype, late, part

Gradients = list[Any]
_INPUTS = "x: T, h_prev: T, w_x: T, w_h: T, b_x: T, b_h: T"
_STEPS = "r: T, u: T, c: T, s: T, h: T"


@op("GRUResetAfterSequence", _INPUTS, _STEPS, T=FLOATING)
def gru_reset_after_sequence_op(
    x: Any, h_prev: Any, w_x: Any, w_h: Any, b_x: Any, b_h: Any, *, name: str | None = None
) -> Any:
    """All steps of r, u, c, s, h `[time, batch, units]` of a GRU over x `[time, batch, size]`.

    With the gates and parts `[batch, 3 * units]` side by side: z is `x @ w_x + b_x`, p is `h_prev @ w_h + b_h`; r and u
    are sigmoids of z + p; s is p's last part, c is `tanh(z's last part + r * s)`, h is `u * h_prev + (1 - u) * c`.
    """


@op(
    "GRUResetAfterSequenceGrad",
    f"{_INPUTS}, {_STEPS}, d_h: T",
    "d_x: T, d_h_prev: T, d_w_x: T, d_w_h: T, d_b_x: T, d_b_h: T",
    T=FLOATING,
)
def gru_reset_after_sequence_grad_op(
    x: Any,
    h_prev: Any,
    w_x: Any,
    w_h: Any,
    b_x: Any,
    b_h: Any,
    r: Any,
    u: Any,
    c: Any,
    s: Any,
    h: Any,
    d_h: Any,
    *,
    name: str | None = None,
) -> Any:
    """The gradient of GRUResetAfterSequence from the gradients of its h."""


def _checked(context: InferenceContext) -> tuple[tuple[int | None, ...], int | None]:
    """The shape of x and the number of units; ValueError where inputs do not fit together."""
    x = context.with_rank(0, 3)
    h, w_x, w_h = (context.with_rank(k, 2) for k in (1, 2, 3))
    (b_x,), (b_h,) = context.with_rank(4, 1), context.with_rank(5, 1)
    units = agree("the number of units", h[1], w_h[0], part(w_x[1], 3), part(b_x, 3))
    batch = agree("the batch's size", x[1], h[0])
    agree("3 * units", w_x[1], w_h[1], b_x, b_h, None if units is None else 3 * units)
    return (x[0], batch, agree("the number of rows of w_x", w_x[0], x[2])), units


@gru_reset_after_sequence_op.shape
def gru_reset_after_sequence_shape(context: InferenceContext) -> list[Sizes]:
    x, units = _checked(context)
    return [(*x[:2], units)] * 5


@gru_reset_after_sequence_grad_op.shape
def gru_reset_after_sequence_grad_shape(context: InferenceContext) -> list[Sizes]:
    _checked(context)
    return list(context.sizes[:6])


@gru_reset_after_sequence_op.into
def gru_reset_after_sequence_into(xp: Any, out: Any, *values: Any) -> None:
    in_working_dtype(gru_after_sequence, out, values)


@gru_reset_after_sequence_op.kernel
def gru_reset_after_sequence_kernel(xp: Any, x: Any, h_prev: Any, *values: Any) -> Any:
    out = tuple(xp.empty((len(x), *h_prev.shape), x.dtype) for _ in range(5))
    gru_reset_after_sequence_into(xp, out, x, h_prev, *values)
    return out


def _grad(out: Sequence[Any], *values: Any) -> None:
    x, h_prev, w_x, w_h, _, _, *steps, d_h = values
    gru_after_sequence_grad(out, x, h_prev, w_x, w_h, steps, d_h)


@gru_reset_after_sequence_grad_op.into
def gru_reset_after_sequence_grad_into(xp: Any, out: Any, *values: Any) -> None:
    in_working_dtype(_grad, out, values)


@gru_reset_after_sequence_grad_op.kernel
def gru_reset_after_sequence_grad_kernel(xp: Any, *values: Any) -> Any:
    out = tuple(xp.empty(value.shape, value.dtype) for value in values[:6])
    gru_reset_after_sequence_grad_into(xp, out, *values)
    return out


# From the gradient of the outputs by an operation; from those of gates, and of the gradients themselves, by loops.


@gru_reset_after_sequence_op.gradient
def gru_reset_after_sequence_gradient(op: Operation, *dys: Tensor | None) -> Gradients:
    if any(dy is not None for dy in dys[:4]):
        return late("gru_after_sequence_gradient", op, dys)
    d_h = zeros_like(op.outputs[4]) if dys[4] is None else dys[4]
    return gru_reset_after_sequence_grad_op.make([*op.inputs, *op.outputs, d_h], {}).outputs


@gru_reset_after_sequence_grad_op.gradient
def gru_reset_after_sequence_grad_gradient(op: Operation, *dys: Tensor | None) -> Gradients:
    return late("gru_after_sequence_grad_gradient", op, dys)


def _arrays(rng: np.random.Generator, sizes: tuple[int, int, int], units: int) -> tuple[Any, ...]:
    kernels = (rng.normal(size=(rows, 3 * units)) * 0.5 for rows in (sizes[2], units))
    biases = (rng.normal(size=3 * units) for _ in range(2))
    return (rng.normal(size=sizes), rng.normal(size=(sizes[1], units)), *kernels, *biases)


@gru_reset_after_sequence_op.samples
def gru_reset_after_sequence_samples(rng: np.random.Generator) -> list[Sample]:
    shapes = ((3, 2, 3), (0, 2, 3), (1, 1, 1))
    return [Sample(_arrays(rng, shape, 4), differentiable=shape[0] > 0) for shape in shapes]


@gru_reset_after_sequence_grad_op.samples
def gru_reset_after_sequence_grad_samples(rng: np.random.Generator) -> list[Sample]:
    found = []
    for sample in gru_reset_after_sequence_samples(rng):
        steps = gru_reset_after_sequence_kernel(np, *sample.inputs)
        inputs = (*sample.inputs, *steps, rng.normal(size=steps[0].shape))
        found.append(Sample(inputs, differentiable=sample.differentiable, second=False))
    return found


@gru_reset_after_sequence_op.failing
def gru_reset_after_sequence_failing(rng: np.random.Generator) -> list[Failure]:
    x, h, w_x, w_h, *biases = _arrays(rng, (2, 3, 3), 4)
    return [
        Failure((x, h, w_x[:2], w_h, *biases), ValueError, "rows of w_x"),
        Failure((x, h[:, :2], w_x, w_h, *biases), ValueError, "number of units"),
        Failure((x, h[:1], w_x, w_h, *biases), ValueError, "batch"),
        Failure((x, h, w_x, w_h, biases[0], biases[1][:3]), ValueError, "3 . units"),
    ]
