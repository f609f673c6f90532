"""What static_rnn and dynamic_rnn share: checks of lengths and states, and steps past a sequence's end."""

from __future__ import annotations

from typing import Any

from ...engine import nest
from ...engine.conversion import convert_to_tensor
from ...engine.dtypes import int32
from ...engine.graph import Tensor, get_default_graph
from ...engine.ops.array import identity, shape
from ...engine.ops.array_parts import zeros_like
from ...engine.ops.casting import cast
from ...engine.ops.checking import Assert
from ...engine.ops.choice import select_op
from ...engine.ops.comparison import equal
from ...engine.ops.reduce import reduce_all
from ...engine.ops.tensor_array import TensorArray


def checked_lengths(sequence_length: Any, batch: Any) -> Tensor | None:
    """The lengths as int32 `[batch]`, None for None; another number of them is an error, now or when run."""
    if sequence_length is None:
        return None
    lengths = cast(convert_to_tensor(sequence_length, name="sequence_length"), int32)
    if lengths.sizes is not None and len(lengths.sizes) != 1:
        raise ValueError(f"sequence_length must be a vector of length batch_size, but saw shape: {lengths.shape}")
    check = Assert(
        reduce_all(equal(shape(lengths), [batch])),
        ["Expected as many sequence lengths as the batch has rows, got shape", shape(lengths)],
    )
    with get_default_graph().control_dependencies([check]):
        return identity(lengths, name="CheckSeqLen")


def first_state(cell: Any, initial_state: Any, batch: Any, dtype: Any) -> Any:
    """The given state as tensors, or one of zeros.

    Raises:
        ValueError: the state has another structure than the cell's, or neither it nor a dtype is given.
    """
    if initial_state is not None:
        wanted = cell.state_size
        if nest.is_sequence(wanted) and (not nest.is_sequence(initial_state) or len(initial_state) != len(wanted)):
            raise ValueError(
                f"initial_state must have the structure of the cell's state_size, {wanted}; got {initial_state!r}"
            )
        return nest.map_structure(_tensor, initial_state)
    if not dtype:
        raise ValueError("If there is no initial_state, you must give a dtype.")
    return cell.zero_state(batch, dtype)


def _tensor(value: Any) -> Any:
    return value if isinstance(value, TensorArray) else convert_to_tensor(value)


def masked(time: Any, lengths: Tensor | None, output: Any, before: Any, after: Any) -> tuple[Any, Any]:
    """Output and state of a step: past a sequence's end zeros and the state before.

    Raises:
        ValueError: the cell's new state is nested in another way than the one before.
    """
    nest.assert_same_structure(before, after, check_types=False)
    after = nest.pack_sequence_as(before, nest.flatten(after))
    if lengths is None:
        return output, after
    ended = lengths <= time
    output = nest.map_structure(lambda new: _either(ended, zeros_like(new), new), output)
    return output, nest.map_structure(lambda old, new: _either(ended, old, new), before, after)


def _either(ended: Tensor, old: Any, new: Any) -> Any:
    if isinstance(new, TensorArray) or new.sizes == ():
        return new
    chosen = select_op(ended, old, new)
    chosen.set_shape(new.shape)
    return chosen
