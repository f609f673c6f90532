"""Cells whose step is one operation: LSTMBlockCell, GRUBlockCell and GRUBlockCellV2 of TensorFlow 1.15's contrib.rnn."""

from __future__ import annotations

from typing import Any

from ...engine.initializers import constant_initializer, zeros_initializer
from ...engine.ops.array_parts import zeros
from ...engine.ops.recurrent_gru import gru_block_cell_op
from ...engine.ops.recurrent_lstm import lstm_block_cell_op
from ...engine.shapes import TensorShape
from ..input_spec import InputSpec
from .cell import RNNCell, depth_of, units_of
from .lstm import LSTMStateTuple
from .sequences import gru_over, lstm_over


class LSTMBlockCell(RNNCell):
    """An LSTM cell with optional peepholes and clipping whose step is one operation.

    Its variables are those of LSTMCell, so that either can read the other's checkpoints under one name.

    Args:
        num_units: size of the state and of the output.
        forget_bias: added to the forget gate's input.
        cell_clip: the cell state is clipped to plus or minus this; gradients pass as if it was not.
        use_peephole: whether the gates see the cell state, each through a diagonal matrix.
        dtype, name: as for every layer.
        reuse: whether the variables are there already.
    """

    # dynamic_rnn and static_rnn may call it with a whole sequence.
    over_sequences = True

    def __init__(
        self,
        num_units: int,
        forget_bias: float = 1.0,
        cell_clip: float | None = None,
        use_peephole: bool = False,
        dtype: Any = None,
        reuse: bool | None = None,
        name: str | None = "lstm_cell",
    ) -> None:
        super().__init__(name=name, dtype=dtype, _reuse=reuse)
        self.input_spec = InputSpec(ndim=2)
        self._num_units = units_of(self, num_units)
        self._forget_bias = forget_bias
        self._cell_clip = -1.0 if cell_clip is None else cell_clip
        self._use_peephole = use_peephole

    @property
    def state_size(self) -> LSTMStateTuple:
        return LSTMStateTuple(self._num_units, self._num_units)

    @property
    def output_size(self) -> int:
        return self._num_units

    def build(self, input_shape: TensorShape) -> None:
        units = self._num_units
        self._kernel = self.add_weight("kernel", [depth_of(input_shape, type(self).__name__) + units, 4 * units])
        self._bias = self.add_weight("bias", [4 * units], initializer=zeros_initializer())
        if self._use_peephole:
            self._diagonals = [self.add_weight(name, [units]) for name in ("w_i_diag", "w_f_diag", "w_o_diag")]

    def call(self, inputs: Any, state: Any = None, *, sequence: Any = None, **kwargs: Any) -> Any:
        if len(state) != 2:
            raise ValueError("Expecting state to be a tuple with length 2.")
        if sequence is not None:
            given = self._diagonals if self._use_peephole else None
            c, h = state
            weights = self._kernel, self._bias, self._forget_bias, given, self._cell_clip
            outputs, cells, last = lstm_over(sequence, c, h, *weights)
            return outputs, LSTMStateTuple(cells, last)
        diagonals = self._diagonals if self._use_peephole else [zeros([self._num_units], self.dtype)] * 3
        options = {"forget_bias": self._forget_bias, "cell_clip": self._cell_clip, "use_peephole": self._use_peephole}
        operation = lstm_block_cell_op.make([inputs, *state, self._kernel, *diagonals, self._bias], options)
        _, cs, *_, h = operation.outputs
        return h, LSTMStateTuple(cs, h)


class GRUBlockCell(RNNCell):
    """A GRU cell whose step is one operation; variables `w_ru`, `b_ru`, `w_c` and `b_c`.

    Args:
        num_units: size of the state and of the output.
        cell_size: the old name of it.
        reuse: whether the variables are there already.
        name, dtype: as for every layer.

    Raises:
        ValueError: both sizes are given, or neither.
    """

    over_sequences = True
    _names = ("w_ru", "b_ru", "w_c", "b_c")

    def __init__(
        self,
        num_units: int | None = None,
        cell_size: int | None = None,
        reuse: bool | None = None,
        name: str | None = "gru_cell",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype, _reuse=reuse)
        if (num_units is None) == (cell_size is None):
            raise ValueError("Exactly one of num_units and its old name cell_size must be given")
        self.input_spec = InputSpec(ndim=2)
        self._num_units: int = num_units if num_units is not None else cell_size  # type: ignore[assignment]

    @property
    def state_size(self) -> int:
        return self._num_units

    @property
    def output_size(self) -> int:
        return self._num_units

    def build(self, input_shape: TensorShape) -> None:
        units = self._num_units
        rows = depth_of(input_shape, type(self).__name__) + units
        gate, gate_bias, candidate, candidate_bias = self._names
        self._gate_kernel = self.add_weight(gate, [rows, 2 * units])
        self._gate_bias = self.add_weight(gate_bias, [2 * units], initializer=constant_initializer(1.0))
        self._candidate_kernel = self.add_weight(candidate, [rows, units])
        self._candidate_bias = self.add_weight(candidate_bias, [units], initializer=zeros_initializer())

    def call(self, inputs: Any, state: Any = None, *, sequence: Any = None, **kwargs: Any) -> Any:
        if sequence is not None:
            gates, candidate = (self._gate_kernel, self._gate_bias), (self._candidate_kernel, self._candidate_bias)
            return gru_over(sequence, state, gates, candidate)
        kernels = (self._gate_kernel, self._candidate_kernel, self._gate_bias, self._candidate_bias)
        *_, h = gru_block_cell_op(inputs, state, *kernels)
        return h, h


class GRUBlockCellV2(GRUBlockCell):
    """GRUBlockCell with the variables' names of GRUCell."""

    over_sequences = True
    _names = ("gates/kernel", "gates/bias", "candidate/kernel", "candidate/bias")
