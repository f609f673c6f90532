"""LSTM cells and layers in one operation each, with their gradients: BlockLSTM and LSTMBlockCell of TensorFlow 1.15.

Gates lie in the order i, c, f, o. The kernels are plain functions of arrays in engine/kernels/lstm.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..dtypes import FLOATING
from ..errors import InvalidArgumentError
from ..graph import Operation, Sizes, Tensor
from ..inference import InferenceContext
from ..kernels.lstm import Steps, lstm_sequence, lstm_sequence_grad, lstm_step_grad
from ..kernels.results import compute_dtype
from ..registry import Op, op
from ..samples import Failure, Sample
from .array import shape, stack
from .array_parts import concat, zeros_like
from .array_split import split
from .nn_bias import bias_add_grad_op
from .products import matmul

Gradients = list[Any]
_STATE = "x: T, cs_prev: T, h_prev: T, w: T, wci: T, wcf: T, wco: T, b: T"
_STEPS = "i: T, cs: T, f: T, o: T, ci: T, co: T"
_DIAGONALS = "wci_grad: T, wcf_grad: T, wco_grad: T"


@op("LSTMBlockCell", _STATE, _STEPS + ", h: T", T=FLOATING)
def lstm_block_cell_op(
    x: Any,
    cs_prev: Any,
    h_prev: Any,
    w: Any,
    wci: Any,
    wcf: Any,
    wco: Any,
    b: Any,
    *,
    forget_bias: float = 1.0,
    cell_clip: float = 3.0,
    use_peephole: bool = False,
    name: str | None = None,
) -> Any:
    """One step of an LSTM: i, cs, f, o, ci, co, h `[batch, units]` of x `[batch, size]` and the state before.

    `w` is `[size + units, 4 * units]`. The cell state is clipped to plus or minus `cell_clip` if that is above zero.
    """


@op(
    "LSTMBlockCellGrad",
    f"{_STATE}, {_STEPS}, cs_grad: T, h_grad: T",
    f"cs_prev_grad: T, dicfo: T, {_DIAGONALS}",
    T=FLOATING,
)
def lstm_block_cell_grad_op(
    x: Any,
    cs_prev: Any,
    h_prev: Any,
    w: Any,
    wci: Any,
    wcf: Any,
    wco: Any,
    b: Any,
    i: Any,
    cs: Any,
    f: Any,
    o: Any,
    ci: Any,
    co: Any,
    cs_grad: Any,
    h_grad: Any,
    *,
    use_peephole: bool,
    name: str | None = None,
) -> Any:
    """The gradient of LSTMBlockCell as far as the inputs of the gates `[batch, 4 * units]`."""


@op("BlockLSTM", f"seq_len_max: int64, {_STATE}", _STEPS + ", h: T", T=FLOATING)
def block_lstm_op(
    seq_len_max: Any,
    x: Any,
    cs_prev: Any,
    h_prev: Any,
    w: Any,
    wci: Any,
    wcf: Any,
    wco: Any,
    b: Any,
    *,
    forget_bias: float = 1.0,
    cell_clip: float = 3.0,
    use_peephole: bool = False,
    name: str | None = None,
) -> Any:
    """LSTMBlockCell over x `[time, batch, size]`: all steps of i, cs, f, o, ci, co, h `[time, batch, units]`.

    Steps from `seq_len_max` on are not taken: there all outputs are zeros.
    """


@op(
    "BlockLSTMGrad",
    f"seq_len_max: int64, {_STATE}, {_STEPS}, h: T, cs_grad: T, h_grad: T",
    f"x_grad: T, cs_prev_grad: T, h_prev_grad: T, w_grad: T, {_DIAGONALS}, b_grad: T",
    T=FLOATING,
)
def block_lstm_grad_op(
    seq_len_max: Any,
    x: Any,
    cs_prev: Any,
    h_prev: Any,
    w: Any,
    wci: Any,
    wcf: Any,
    wco: Any,
    b: Any,
    i: Any,
    cs: Any,
    f: Any,
    o: Any,
    ci: Any,
    co: Any,
    h: Any,
    cs_grad: Any,
    h_grad: Any,
    *,
    use_peephole: bool,
    name: str | None = None,
) -> Any:
    """The gradient of BlockLSTM from the gradients of its cs and h."""


def agree(what: str, *sizes: int | None) -> int | None:
    """The one size that all known ones are.

    Raises:
        ValueError: two of them differ.
    """
    known = {size for size in sizes if size is not None}
    if len(known) > 1:
        raise ValueError(f"Dimensions must be equal: {what} is {' and '.join(map(str, sorted(known)))}")
    return known.pop() if known else None


def part(size: int | None, divisor: int) -> int | None:
    """A size divided, None for None."""
    return None if size is None else size // divisor


def _checked(context: InferenceContext, start: int, rank: int) -> tuple[tuple[int | None, ...], int | None]:
    """The shape of x (input `start`) and the number of units; ValueError where inputs do not fit together."""
    x = context.with_rank(start, rank)
    cs, h, w = (context.with_rank(start + k, 2) for k in (1, 2, 3))
    diagonals = [context.with_rank(start + k, 1)[0] for k in (4, 5, 6)] if context["use_peephole"] else []
    (bias,) = context.with_rank(start + 7, 1)
    units = agree("the number of units", cs[1], h[1], *diagonals, part(w[1], 4), part(bias, 4))
    batch = agree("the batch's size", x[-2], cs[0], h[0])
    agree("a quarter of the columns of w", part(w[1], 4), units)
    agree("4 * units", w[1], bias, None if units is None else 4 * units)
    if None not in (x[-1], units):
        agree("the number of rows of w", w[0], x[-1] + units)  # type: ignore[operator]
    return (*x[:-2], batch, x[-1]), units


def _forward_shape(start: int, rank: int) -> Callable[[InferenceContext], list[Sizes]]:
    def shape(context: InferenceContext) -> list[Sizes]:
        x, units = _checked(context, start, rank)
        return [(*x[:-1], units)] * 7

    return shape


lstm_block_cell_op.shape(_forward_shape(0, 2))
block_lstm_op.shape(_forward_shape(1, 3))


@lstm_block_cell_grad_op.shape
def lstm_block_cell_grad_shape(context: InferenceContext) -> list[Sizes]:
    x, units = _checked(context, 0, 2)
    return [(x[0], units), (x[0], None if units is None else 4 * units), *context.sizes[4:7]]


@block_lstm_grad_op.shape
def block_lstm_grad_shape(context: InferenceContext) -> list[Sizes]:
    _checked(context, 1, 3)
    return list(context.sizes[1:9])


# Kernels


def in_working_dtype(function: Callable[..., None], out: Sequence[Any], arrays: Sequence[Any], *options: Any) -> None:
    """Calls `function(out, *arrays, *options)` in float32 where the arrays are 16-bit floats."""
    dtype = compute_dtype(out[0].dtype)
    if dtype == out[0].dtype:
        function(out, *arrays, *options)
        return
    results = [np.empty(target.shape, dtype) for target in out]
    function(results, *(array.astype(dtype) for array in arrays), *options)
    for target, result in zip(out, results, strict=True):
        target[...] = result


def _count(seq_len_max: Any, x: Any) -> int:
    count = int(seq_len_max)
    if not 0 <= count <= len(x):
        raise InvalidArgumentError(None, None, f"seq_len_max must be within 0 and {len(x)}, got {count}")
    return count


def _forward(
    out: Sequence[Any],
    x: Any,
    cs_prev: Any,
    h_prev: Any,
    w: Any,
    wci: Any,
    wcf: Any,
    wco: Any,
    b: Any,
    attrs: dict[str, Any],
) -> None:
    peepholes = (wci, wcf, wco) if attrs["use_peephole"] else None
    lstm_sequence(out, x, cs_prev, h_prev, w, b, peepholes, attrs["forget_bias"], attrs["cell_clip"])


def _sequence_grad(out: Sequence[Any], *values: Any) -> None:
    x, cs_prev, h_prev, w, wci, wcf, wco, _, *steps, cs_grad, h_grad, use_peephole = values
    i, cs, f, o, ci, co, h = steps
    peepholes = (wci, wcf, wco) if use_peephole else None
    lstm_sequence_grad(out, x, cs_prev, h_prev, w, peepholes, Steps(i, cs, f, o, ci, co, h), cs_grad, h_grad)


def _step_grad(out: Sequence[Any], *values: Any) -> None:
    _, cs_prev, _, _, wci, wcf, wco, _, i, cs, f, o, ci, co, cs_grad, h_grad, use_peephole = values
    peepholes = (wci, wcf, wco) if use_peephole else None
    lstm_step_grad(out, cs_prev, peepholes, Steps(i, cs, f, o, ci, co, h_grad), cs_grad, h_grad)


@lstm_block_cell_op.into
def lstm_block_cell_into(xp: Any, out: Any, x: Any, *values: Any, **attrs: Any) -> None:
    in_working_dtype(_forward, [target[None] for target in out], (x[None], *values), attrs)


@lstm_block_cell_op.kernel
def lstm_block_cell_kernel(xp: Any, x: Any, cs_prev: Any, *values: Any, **attrs: Any) -> Any:
    out = tuple(xp.empty(cs_prev.shape, x.dtype) for _ in range(7))
    lstm_block_cell_into(xp, out, x, cs_prev, *values, **attrs)
    return out


@block_lstm_op.into
def block_lstm_into(xp: Any, out: Any, seq_len_max: Any, x: Any, *values: Any, **attrs: Any) -> None:
    count = _count(seq_len_max, x)
    for target in out:
        target[count:] = 0
    in_working_dtype(_forward, [target[:count] for target in out], (x[:count], *values), attrs)


@block_lstm_op.kernel
def block_lstm_kernel(xp: Any, seq_len_max: Any, x: Any, cs_prev: Any, *values: Any, **attrs: Any) -> Any:
    out = tuple(xp.empty((len(x), *cs_prev.shape), x.dtype) for _ in range(7))
    block_lstm_into(xp, out, seq_len_max, x, cs_prev, *values, **attrs)
    return out


@lstm_block_cell_grad_op.into
def lstm_block_cell_grad_into(xp: Any, out: Any, *values: Any, use_peephole: bool) -> None:
    in_working_dtype(_step_grad, out, values, use_peephole)


@lstm_block_cell_grad_op.kernel
def lstm_block_cell_grad_kernel(xp: Any, x: Any, cs_prev: Any, h_prev: Any, w: Any, *values: Any, **attrs: Any) -> Any:
    diagonals = [xp.empty(diagonal.shape, x.dtype) for diagonal in values[:3]]
    out = (xp.empty(cs_prev.shape, x.dtype), xp.empty((len(x), w.shape[1]), x.dtype), *diagonals)
    lstm_block_cell_grad_into(xp, out, x, cs_prev, h_prev, w, *values, **attrs)
    return out


@block_lstm_grad_op.into
def block_lstm_grad_into(xp: Any, out: Any, seq_len_max: Any, x: Any, *values: Any, use_peephole: bool) -> None:
    count = _count(seq_len_max, x)
    out[0][count:] = 0
    state, taken = values[:7], [value[:count] for value in values[7:]]
    in_working_dtype(_sequence_grad, (out[0][:count], *out[1:]), (x[:count], *state, *taken), use_peephole)


@block_lstm_grad_op.kernel
def block_lstm_grad_kernel(xp: Any, seq_len_max: Any, *values: Any, **attrs: Any) -> Any:
    out = tuple(xp.empty(value.shape, value.dtype) for value in values[:8])
    block_lstm_grad_into(xp, out, seq_len_max, *values, **attrs)
    return out


# Gradients: from those of the cell states and of the outputs by an operation; from those of gates, and of the gradients
# themselves, by loops.


def _grads(grad: Op[..., Any], op: Operation, kept: int, dys: Sequence[Tensor | None]) -> list[Tensor]:
    """The outputs of the gradient's op on the op's inputs and its first outputs."""
    given = [zeros_like(op.outputs[k]) if dys[k] is None else dys[k] for k in (1, 6)]
    inputs = [*op.inputs, *op.outputs[:kept], *given]
    return grad.make(inputs, {"use_peephole": op.attrs["use_peephole"]}).outputs


def _of_gates(dys: Sequence[Tensor | None]) -> bool:
    return any(dy is not None for k, dy in enumerate(dys) if k not in (1, 6))


def late(rule: str, op: Operation, dys: Sequence[Tensor | None]) -> Gradients:
    """What a rule of recurrent_gradients.py says, which needs differentiation."""
    from .. import recurrent_gradients

    result: Gradients = getattr(recurrent_gradients, rule)(op, dys)
    return result


@lstm_block_cell_op.gradient
def lstm_block_cell_gradient(op: Operation, *dys: Tensor | None) -> Gradients:
    if _of_gates(dys):
        return late("lstm_cell_gradient", op, dys)
    x, _, h_prev, w = op.inputs[:4]
    cs_prev_grad, dicfo, *diagonals = _grads(lstm_block_cell_grad_op, op, 6, dys)
    dx, dh = split_columns(matmul(dicfo, w, transpose_b=True), x, h_prev)
    dw = matmul(concat([x, h_prev], 1), dicfo, transpose_a=True)
    return [dx, cs_prev_grad, dh, dw, *diagonals, bias_add_grad_op(dicfo)]


def split_columns(values: Any, first: Tensor, second: Tensor) -> Any:
    """The columns of `values` that belong to `first` and to `second`."""
    sizes = [t.sizes[1] if t.sizes and t.sizes[1] is not None else shape(t)[1] for t in (first, second)]
    return split(values, sizes if all(isinstance(s, int) for s in sizes) else stack(sizes), 1)


@block_lstm_op.gradient
def block_lstm_gradient(op: Operation, *dys: Tensor | None) -> Gradients:
    if _of_gates(dys):
        return late("block_lstm_gradient", op, dys)
    return [None, *_grads(block_lstm_grad_op, op, 7, dys)]


@lstm_block_cell_grad_op.gradient
def lstm_block_cell_grad_gradient(op: Operation, *dys: Tensor | None) -> Gradients:
    return late("lstm_cell_grad_gradient", op, dys)


@block_lstm_grad_op.gradient
def block_lstm_grad_gradient(op: Operation, *dys: Tensor | None) -> Gradients:
    return late("block_lstm_grad_gradient", op, dys)


# Samples


def _cell_arrays(rng: np.random.Generator, size: int, units: int) -> list[Any]:
    diagonals = [rng.normal(size=units) for _ in range(3)]
    return [rng.normal(size=(size + units, 4 * units)) * 0.5, *diagonals, rng.normal(size=4 * units)]


def _states(rng: np.random.Generator, batch: int, units: int) -> list[Any]:
    return [rng.normal(size=(batch, units)), rng.normal(size=(batch, units))]


_NO_CLIP = {"cell_clip": -1.0}
_PEEPHOLES = {"use_peephole": True, "cell_clip": 30.0, "forget_bias": 0.3}
# Where the state is clipped the gradient is not that of the values.
_CLIPPED = {"use_peephole": True, "cell_clip": 0.7}


@lstm_block_cell_op.samples
def lstm_block_cell_samples(rng: np.random.Generator) -> list[Sample]:
    inputs = (rng.normal(size=(2, 3)), *_states(rng, 2, 4), *_cell_arrays(rng, 3, 4))
    empty = (np.ones((0, 3)), *_states(rng, 0, 4), *_cell_arrays(rng, 3, 4))
    cases: Any = ((inputs, _NO_CLIP), (inputs, _PEEPHOLES), (inputs, _CLIPPED), (empty, {}))
    return [Sample(values, attrs, differentiable=attrs is not _CLIPPED) for values, attrs in cases]


@block_lstm_op.samples
def block_lstm_samples(rng: np.random.Generator) -> list[Sample]:
    inputs = (rng.normal(size=(3, 2, 3)), *_states(rng, 2, 4), *_cell_arrays(rng, 3, 4))
    empty = (np.ones((0, 2, 3)), *inputs[1:])
    cases: Any = (
        (3, inputs, _NO_CLIP),
        (2, inputs, _PEEPHOLES),
        (3, inputs, _CLIPPED),
        (0, inputs, {}),
        (0, empty, {}),
    )
    return [
        Sample((np.int64(count), *values), attrs, differentiable=count > 0 and attrs is not _CLIPPED)
        for count, values, attrs in cases
    ]


def _with_grads(sample: Sample, kernel: Callable[..., Any], kept: int, rng: np.random.Generator) -> Sample:
    attrs = {"forget_bias": 1.0, "cell_clip": 3.0, "use_peephole": False, **sample.attrs}
    steps = kernel(np, *sample.inputs, **attrs)
    grads = [rng.normal(size=steps[0].shape) for _ in range(2)]
    peephole = {"use_peephole": attrs["use_peephole"]}
    inputs = (*sample.inputs, *steps[:kept], *grads)
    return Sample(inputs, peephole, differentiable=sample.differentiable, second=False)


@lstm_block_cell_grad_op.samples
def lstm_block_cell_grad_samples(rng: np.random.Generator) -> list[Sample]:
    return [_with_grads(sample, lstm_block_cell_kernel, 6, rng) for sample in lstm_block_cell_samples(rng)]


@block_lstm_grad_op.samples
def block_lstm_grad_samples(rng: np.random.Generator) -> list[Sample]:
    return [_with_grads(sample, block_lstm_kernel, 7, rng) for sample in block_lstm_samples(rng)]


@lstm_block_cell_op.failing
def lstm_block_cell_failing(rng: np.random.Generator) -> list[Failure]:
    x, c, h, w, *rest = (rng.normal(size=(2, 3)), *_states(rng, 2, 4), *_cell_arrays(rng, 3, 4))
    return [
        Failure((x, c, h, w[:5], *rest), ValueError, "number of rows of w"),
        Failure((x, c, h[:, :3], w, *rest), ValueError, "number of units"),
        Failure((x[:1], c, h, w, *rest), ValueError, "batch"),
        Failure((x, c, h, w, *rest[:3], rest[3][:15]), ValueError, "Dimensions must be equal"),
        Failure((x[None], c, h, w, *rest), ValueError, "rank 2"),
    ]


@block_lstm_op.failing
def block_lstm_failing(rng: np.random.Generator) -> list[Failure]:
    inputs = (rng.normal(size=(3, 2, 3)), *_states(rng, 2, 4), *_cell_arrays(rng, 3, 4))
    return [Failure((np.int64(n), *inputs), InvalidArgumentError, "seq_len_max", at_run=True) for n in (4, -1)]
