"""Which cells go over a whole sequence in one operation each, and how: other cells go step by step."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...engine import nest
from ...engine.graph import Tensor
from ...engine.ops.tensor_array import TensorArray
from ...engine.ops.trigonometric import tanh
from ...engine.static import constant_value
from .basic import GRUCell
from .lstm import BasicLSTMCell, LSTMCell
from .multi import MultiRNNCell


def over_sequence(cell: Any, values: Any, lengths: Any, state: Any, dtype: Any) -> tuple[Tensor, Any] | None:
    """Outputs `[time, batch, units]` and last state of a cell, or None where it has to go step by step.

    Args:
        cell: a cell of any kind.
        values: the inputs, time first.
        lengths: the sequence lengths, None for none.
        state: the first state.
        dtype: of the outputs, None for that of the state.
    """
    if not can_fuse(cell) or not isinstance(values, Tensor) or not _alike(values, state, dtype):
        return None
    if lengths is not None and not _is_full(lengths, values):
        return None
    # The first step tells the cell of which shape its inputs are; it is not run.
    outputs, last = cell(values[0], state, sequence=values)
    return outputs, nest.pack_sequence_as(state, nest.flatten(last))


def can_fuse(cell: Any) -> bool:
    """Whether an operation does what the cell does, at all steps: subclasses may do anything."""
    if getattr(cell, "activity_regularizer", None) is not None or "call" in getattr(cell, "__dict__", ()):
        return False
    if type(cell) is MultiRNNCell:
        return all(can_fuse(inner) for inner in cell._cells)
    if vars(type(cell)).get("over_sequences", False):
        return True
    if type(cell) is LSTMCell:
        # The operation's gradient passes a clipped state as if it was not.
        return cell._activation is tanh and cell._cell_clip is None and not cell._num_proj
    return type(cell) in (BasicLSTMCell, GRUCell) and cell._activation is tanh


def _alike(values: Tensor, state: Any, dtype: Any) -> bool:
    """Whether inputs and state are matrices of one dtype a step, of known sizes but for time and batch."""
    flat = nest.flatten(state)
    if values.sizes is None or len(values.sizes) != 3 or values.sizes[2] is None:
        return False
    kind = values.dtype.base_dtype
    if not kind.is_floating or (dtype is not None and dtype != kind):
        return False
    if any(isinstance(part, TensorArray) or part.dtype.base_dtype != kind for part in flat):
        return False
    return all(part.sizes is not None and len(part.sizes) == 2 and part.sizes[1] is not None for part in flat)


def _is_full(lengths: Any, values: Tensor) -> bool:
    """Whether every row is known to be as long as the inputs."""
    steps, batch = (values.sizes or (None, None))[:2]
    if not isinstance(lengths, Tensor) and any(isinstance(length, Tensor) for length in lengths):
        return False
    known = constant_value(lengths) if isinstance(lengths, Tensor) else np.asarray(lengths)
    return known is not None and steps is not None and known.shape == (batch,) and bool(np.all(known == steps))
