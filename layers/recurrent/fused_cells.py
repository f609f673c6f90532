"""Layers that take whole sequences at once: LSTMBlockFusedCell, and cells seen so, as TensorFlow 1.15's contrib.rnn."""

from __future__ import annotations

from typing import Any

from ...engine.conversion import convert_to_tensor
from ...engine.dtypes import as_dtype, int64
from ...engine.initializers import zeros_initializer
from ...engine.ops.array import shape, stack
from ...engine.ops.array_order import reverse, reverse_sequence
from ...engine.ops.array_parts import concat, zeros
from ...engine.ops.array_shape import expand_dims
from ...engine.ops.array_split import unstack
from ...engine.ops.binary import maximum
from ...engine.ops.casting import cast
from ...engine.ops.indexing import gather_nd
from ...engine.ops.ranges import range as range_of
from ...engine.ops.recurrent_lstm import block_lstm_op
from ...engine.ops.reduce import reduce_max
from ...engine.shapes import TensorShape
from ..base import Layer
from ..input_spec import InputSpec
from .cell import depth_of, units_of
from .dynamic import dynamic_rnn
from .lstm import LSTMStateTuple
from .static import static_rnn


class FusedRNNCell:
    """What takes whole sequences: `outputs, state = cell(inputs, initial_state, dtype, sequence_length, scope)`.

    `inputs` are `[time, batch, size]`, or a list of `[batch, size]`; outputs come in the same form.
    """

    def __call__(
        self,
        inputs: Any,
        initial_state: Any = None,
        dtype: Any = None,
        sequence_length: Any = None,
        scope: Any = None,
    ) -> Any:
        """The outputs of all steps and the last state."""
        raise NotImplementedError(f"{type(self).__name__} does not define __call__")


class FusedRNNCellAdaptor(FusedRNNCell):
    """A cell over whole sequences.

    Args:
        cell: an RNNCell.
        use_dynamic_rnn: whether `dynamic_rnn` runs it; `static_rnn` otherwise.
    """

    def __init__(self, cell: Any, use_dynamic_rnn: bool = False) -> None:
        self._cell = cell
        self._dynamic = use_dynamic_rnn

    def __call__(
        self,
        inputs: Any,
        initial_state: Any = None,
        dtype: Any = None,
        sequence_length: Any = None,
        scope: Any = None,
    ) -> Any:
        """The outputs of all steps and the last state."""
        is_list = isinstance(inputs, list)
        if self._dynamic:
            whole = stack(inputs) if is_list else inputs
            outputs, state = dynamic_rnn(
                self._cell, whole, sequence_length, initial_state, dtype, time_major=True, scope=scope
            )
            return (unstack(outputs) if is_list else outputs), state
        steps = inputs if is_list else unstack(inputs)
        found, state = static_rnn(self._cell, steps, initial_state, dtype, sequence_length, scope)
        return (found if is_list else stack(found)), state


class TimeReversedFusedRNN(FusedRNNCell):
    """A FusedRNNCell that sees the sequences from their ends; outputs stand at the places of their inputs."""

    def __init__(self, cell: Any) -> None:
        self._cell = cell

    def __call__(
        self,
        inputs: Any,
        initial_state: Any = None,
        dtype: Any = None,
        sequence_length: Any = None,
        scope: Any = None,
    ) -> Any:
        """The outputs of all steps and the state at the sequences' beginnings."""
        turned = _turned(inputs, sequence_length)
        outputs, state = self._cell(
            turned, initial_state=initial_state, dtype=dtype, sequence_length=sequence_length, scope=scope
        )
        return _turned(outputs, sequence_length), state


def _turned(values: Any, lengths: Any) -> Any:
    if isinstance(values, list):
        return list(reversed(values))
    return reverse(values, [0]) if lengths is None else reverse_sequence(values, lengths, seq_axis=0, batch_axis=1)


class LSTMBlockFusedCell(Layer):
    """An LSTM over whole sequences `[time, batch, size]` in one operation; its variables are those of LSTMCell.

    Args:
        num_units: size of the state and of the output.
        forget_bias: added to the forget gate's input.
        cell_clip: the cell state is clipped to plus or minus this; gradients pass as if it was not.
        use_peephole: whether the gates see the cell state, each through a diagonal matrix.
        reuse: whether the variables are there already.
        dtype, name: as for every layer.
    """

    def __init__(
        self,
        num_units: int,
        forget_bias: float = 1.0,
        cell_clip: float | None = None,
        use_peephole: bool = False,
        reuse: bool | None = None,
        dtype: Any = None,
        name: str | None = "lstm_fused_cell",
    ) -> None:
        super().__init__(name=name, dtype=dtype, _reuse=reuse)
        self._num_units = units_of(self, num_units)
        self._forget_bias = forget_bias
        self._cell_clip = -1.0 if cell_clip is None else cell_clip
        self._use_peephole = use_peephole
        self.input_spec = InputSpec(ndim=3)

    @property
    def num_units(self) -> int:
        """Size of the state and of the output."""
        return self._num_units

    def __call__(  # type: ignore[override]
        self,
        inputs: Any,
        initial_state: Any = None,
        dtype: Any = None,
        sequence_length: Any = None,
        scope: Any = None,
    ) -> Any:
        """The outputs of all steps and the last state.

        Args:
            inputs: `[time, batch, size]`, or a list of `[batch, size]`.
            initial_state: a pair of cell state and output; zeros of `dtype` by default.
            dtype: of the state; needed without an initial one.
            sequence_length: int vector `[batch]`: past a sequence's end outputs are zeros and the state stays.
            scope: the variable scope to use instead of one of the cell's name.

        Raises:
            ValueError: neither `initial_state` nor `dtype` is given, or the state is not a pair.
        """
        is_list = isinstance(inputs, list)
        whole = stack(inputs) if is_list else convert_to_tensor(inputs)
        outputs, state = super().__call__(whole, initial_state, dtype, sequence_length, scope=scope)
        return (unstack(outputs) if is_list else outputs), state

    def build(self, input_shape: TensorShape) -> None:
        """Makes the variables."""
        units = self._num_units
        self._kernel = self.add_weight("kernel", [depth_of(input_shape, type(self).__name__) + units, 4 * units])
        self._bias = self.add_weight("bias", [4 * units], initializer=zeros_initializer())
        if self._use_peephole:
            self._diagonals = [self.add_weight(name, [units]) for name in ("w_i_diag", "w_f_diag", "w_o_diag")]

    def call(
        self, inputs: Any, initial_state: Any = None, dtype: Any = None, sequence_length: Any = None, **kwargs: Any
    ) -> Any:
        """The outputs `[time, batch, units]` and the last state."""
        c, h = self._first_state(inputs, initial_state, dtype)
        lengths = None if sequence_length is None else cast(convert_to_tensor(sequence_length), int64)
        steps = shape(inputs)[0]
        # The largest of no lengths is below zero.
        limit = cast(steps, int64) if lengths is None else maximum(reduce_max(lengths), 0)
        diagonals = self._diagonals if self._use_peephole else [zeros([self._num_units], self.dtype)] * 3
        options = {"forget_bias": self._forget_bias, "cell_clip": self._cell_clip, "use_peephole": self._use_peephole}
        operation = block_lstm_op.make([limit, inputs, c, h, self._kernel, *diagonals, self._bias], options)
        cells, outputs = operation.outputs[1], operation.outputs[6]
        if lengths is None:
            return outputs, LSTMStateTuple(cells[-1], outputs[-1])
        outputs = _masked(outputs, lengths)
        last = [_at(concat([expand_dims(a, 0), b], 0), lengths) for a, b in ((c, cells), (h, outputs))]
        return outputs, LSTMStateTuple(*last)

    def _first_state(self, inputs: Any, initial_state: Any, dtype: Any) -> Any:
        if initial_state is not None:
            if len(initial_state) != 2:
                raise ValueError("Expecting initial_state to be a tuple with length 2 or None")
            return [convert_to_tensor(part) for part in initial_state]
        if dtype is None:
            raise ValueError("Either initial_state or dtype needs to be specified")
        rows = inputs.sizes[1] if inputs.sizes[1] is not None else shape(inputs)[1]
        return [zeros(stack([rows, self._num_units]), as_dtype(dtype)) for _ in range(2)]


def _masked(outputs: Any, lengths: Any) -> Any:
    """Zeros where a sequence is over."""
    times = cast(range_of(0, shape(outputs)[0]), int64)
    return outputs * expand_dims(cast(expand_dims(times, 1) < lengths, outputs.dtype), 2)


def _at(values: Any, times: Any) -> Any:
    """`values[times[row], row]` of every row of the batch."""
    rows = cast(range_of(0, shape(values)[1]), int64)
    return gather_nd(values, stack([times, rows], 1))
