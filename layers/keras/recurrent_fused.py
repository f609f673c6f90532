"""LSTM and GRU over all steps by one operation each, with weights in Keras's order of gates."""

from __future__ import annotations

from typing import Any

from ...engine.dtypes import int64
from ...engine.ops.array import shape as shape_of
from ...engine.ops.array_parts import concat, zeros
from ...engine.ops.array_split import split, unstack
from ...engine.ops.casting import cast
from ...engine.ops.recurrent_gru import gru_sequence_op
from ...engine.ops.recurrent_gru_after import gru_reset_after_sequence_op
from ...engine.ops.recurrent_lstm import block_lstm_op

Result = tuple[Any, list[Any]]


def _reordered(value: Any, parts: int, order: tuple[int, ...], axis: int) -> Any:
    """The gates of a weight in another order."""
    pieces = split(value, parts, axis)
    return concat([pieces[place] for place in order], axis)


def lstm(inputs: Any, states: list[Any], kernel: Any, recurrent_kernel: Any, bias: Any) -> Result:
    """The outputs [time, batch, units] and the last states; Keras's gates are i, f, c, o, the operation's i, c, f, o.

    Args:
        inputs: [time, batch, size].
        states: output and cell [batch, units].
        kernel, recurrent_kernel: [size, 4 * units] and [units, 4 * units].
        bias: [4 * units], or None.
    """
    units = recurrent_kernel.shape.as_list()[0]
    dtype = inputs.dtype.base_dtype
    order = (0, 2, 1, 3)
    weights = _reordered(concat([kernel, recurrent_kernel], 0), 4, order, 1)
    offsets = zeros([4 * units], dtype) if bias is None else _reordered(bias, 4, order, 0)
    none = zeros([units], dtype)
    result = block_lstm_op(
        cast(shape_of(inputs)[0], int64), inputs, states[1], states[0], weights, none, none, none, offsets,
        forget_bias=0.0, cell_clip=-1.0,
    )  # fmt: skip
    return result.h, [result.h[-1], result.cs[-1]]


def gru(inputs: Any, states: list[Any], kernel: Any, recurrent_kernel: Any, bias: Any) -> Result:
    """The outputs [time, batch, units] and the last state of a GRU that resets the state before its product.

    Args:
        inputs: [time, batch, size].
        states: one, [batch, units].
        kernel, recurrent_kernel: [size, 3 * units] and [units, 3 * units]; gates are update, reset, candidate.
        bias: [3 * units], or None.
    """
    units = recurrent_kernel.shape.as_list()[0]
    update, reset, fresh = split(concat([kernel, recurrent_kernel], 0), 3, 1)
    offsets = zeros([3 * units], inputs.dtype.base_dtype) if bias is None else bias
    b_update, b_reset, b_fresh = split(offsets, 3, 0)
    result = gru_sequence_op(
        inputs, states[0], concat([reset, update], 1), fresh, concat([b_reset, b_update], 0), b_fresh
    )
    return result.h, [result.h[-1]]


def gru_that_resets_after(inputs: Any, states: list[Any], kernel: Any, recurrent_kernel: Any, bias: Any) -> Result:
    """As `gru`, but the state is reset after its product; `bias` is [2, 3 * units], of the inputs and of the state."""
    units = recurrent_kernel.shape.as_list()[0]
    offsets = [zeros([3 * units], inputs.dtype.base_dtype)] * 2 if bias is None else unstack(bias, 2)
    kernels = (_reordered(value, 3, (1, 0, 2), 1) for value in (kernel, recurrent_kernel))
    biases = offsets if bias is None else (_reordered(value, 3, (1, 0, 2), 0) for value in offsets)
    result = gru_reset_after_sequence_op(inputs, states[0], *kernels, *biases)
    return result.h, [result.h[-1]]
