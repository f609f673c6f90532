"""All steps of a cell in one operation: what the cells say about themselves over whole sequences `[time, batch, size]`."""

from __future__ import annotations

from typing import Any

from ...engine.dtypes import int64
from ...engine.graph import Tensor
from ...engine.ops.array import shape
from ...engine.ops.array_parts import concat, zeros
from ...engine.ops.array_shape import expand_dims
from ...engine.ops.casting import cast
from ...engine.ops.constant import constant
from ...engine.ops.recurrent_gru import gru_sequence_op
from ...engine.ops.recurrent_gru_after import gru_reset_after_sequence_op
from ...engine.ops.recurrent_lstm import block_lstm_op


def lstm_over(
    sequence: Tensor,
    c: Any,
    h: Any,
    kernel: Any,
    bias: Any,
    forget_bias: float,
    diagonals: Any = None,
    cell_clip: float = -1.0,
) -> tuple[Tensor, Tensor, Tensor]:
    """Outputs of all steps, last cell state and last output of an LSTM.

    Args:
        sequence: `[time, batch, size]`.
        c, h: the state before.
        kernel, bias: of the gates i, c, f, o.
        forget_bias: added to the forget gate's input.
        diagonals: the peepholes of i, f and o, None for none.
        cell_clip: the cell state is clipped to plus or minus this; not where it is zero or less.
    """
    steps = None if sequence.sizes is None else sequence.sizes[0]
    count = cast(shape(sequence)[0], int64) if steps is None else constant(steps, int64)
    given = diagonals or [zeros([h.sizes[1]], sequence.dtype.base_dtype)] * 3
    options = {"forget_bias": forget_bias, "cell_clip": cell_clip, "use_peephole": diagonals is not None}
    operation = block_lstm_op.make([count, sequence, c, h, kernel, *given, bias], options)
    cells, outputs = operation.outputs[1], operation.outputs[6]
    return outputs, _last(cells, c), _last(outputs, h)


def gru_over(sequence: Tensor, h: Any, gates: tuple[Any, Any], candidate: tuple[Any, Any]) -> tuple[Tensor, Tensor]:
    """Outputs of all steps and the last one of a GRU, by kernel and bias of its gates and of its candidate."""
    *_, outputs = gru_sequence_op(sequence, h, gates[0], candidate[0], gates[1], candidate[1])
    return outputs, _last(outputs, h)


def gru_after_over(
    sequence: Tensor, h: Any, kernels: tuple[Any, Any], biases: tuple[Any, Any]
) -> tuple[Tensor, Tensor]:
    """As `gru_over`, of a GRU that resets after its product: kernel and bias of the inputs, and of the states."""
    *_, outputs = gru_reset_after_sequence_op(sequence, h, *kernels, *biases)
    return outputs, _last(outputs, h)


def _last(values: Any, first: Any) -> Any:
    """The last step's value, and where there may be no steps the first one's."""
    if values.sizes is not None and values.sizes[0]:
        return values[-1]
    return concat([expand_dims(first, 0), values[-1:]], 0)[-1]
