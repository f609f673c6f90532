"""LSTM layers of which only outputs and the last cell state are kept: nodes that only steps for devices with a library hold.

See rewriting/library_lstm.py. What the gradient needs besides is the library's own; without one it is computed again.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dtypes import float32, float64
from ..graph import Sizes, Tensor
from ..inference import InferenceContext
from ..kernels.lstm import Steps, lstm_sequence, lstm_sequence_grad
from ..registry import op

_LAYER = "x: T, cs_prev: T, h_prev: T, w: T, b: T"


@op("_LibraryLSTM", _LAYER, "h: T, cs: T", T=(float32, float64))
def library_lstm_op(
    x: Any,
    cs_prev: Any,
    h_prev: Any,
    w: Any,
    b: Any,
    *,
    layer: str,
    trains: bool,
    forget_bias: float = 1.0,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """BlockLSTM without peepholes and clipping: `h` of all steps, `cs` of the last.

    `trains` says that a `_LibraryLSTMGrad` of the same `layer` follows in the step.
    """


@op(
    "_LibraryLSTMGrad",
    f"{_LAYER}, h: T, h_grad: T, cs_grad: N * T",
    "x_grad: T, cs_prev_grad: T, h_prev_grad: T, w_grad: T, b_grad: T",
    T=(float32, float64),
)
def library_lstm_grad_op(
    x: Any,
    cs_prev: Any,
    h_prev: Any,
    w: Any,
    b: Any,
    h: Any,
    h_grad: Any,
    cs_grad: Any,
    *,
    layer: str,
    forget_bias: float = 1.0,
    name: str | None = None,
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """The gradients of `_LibraryLSTM` from those of its `h` and, if anything depends on it, its `cs`."""


@library_lstm_op.shape
def library_lstm_shape(context: InferenceContext) -> list[Sizes]:
    steps, state = context.sizes[:2]
    return [None if steps is None or state is None else (steps[0], *state), state]


@library_lstm_grad_op.shape
def library_lstm_grad_shape(context: InferenceContext) -> list[Sizes]:
    return list(context.sizes[:5])


def _steps(x: Any, cs_prev: Any, h_prev: Any, w: Any, b: Any, forget_bias: float) -> Steps:
    steps = Steps(*(np.empty((len(x), *cs_prev.shape), x.dtype) for _ in range(7)))
    lstm_sequence(steps, x, cs_prev, h_prev, w, b, None, forget_bias, -1.0)
    return steps


@library_lstm_op.kernel
def library_lstm_kernel(
    xp: Any, x: Any, cs_prev: Any, h_prev: Any, w: Any, b: Any, *, layer: str, trains: bool, forget_bias: float
) -> Any:
    steps = _steps(x, cs_prev, h_prev, w, b, forget_bias)
    return steps.h, steps.cs[-1].copy()


@library_lstm_grad_op.kernel
def library_lstm_grad_kernel(
    xp: Any, x: Any, cs_prev: Any, h_prev: Any, w: Any, b: Any, h: Any, h_grad: Any, cs_grad: Any, *, layer: str,
    forget_bias: float,
) -> Any:  # fmt: skip
    steps = _steps(x, cs_prev, h_prev, w, b, forget_bias)
    cells = np.zeros_like(h_grad)
    for given in cs_grad:
        cells[-1] += given
    diagonals = [np.empty(cs_prev.shape[1:], x.dtype) for _ in range(3)]
    dx, dc, dh, dw, db = (np.empty_like(value) for value in (x, cs_prev, h_prev, w, b))
    lstm_sequence_grad([dx, dc, dh, dw, *diagonals, db], x, cs_prev, h_prev, w, None, steps, cells, h_grad)
    return dx, dc, dh, dw, db
