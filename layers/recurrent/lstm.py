"""BasicLSTMCell and LSTMCell, as TensorFlow 1.15's: one kernel, gates in the order input, new input, forget, output."""

from __future__ import annotations

from typing import Any, NamedTuple

from ...engine.dtypes import DType
from ...engine.graph import Tensor
from ...engine.initializers import zeros_initializer
from ...engine.ops.array_parts import concat
from ...engine.ops.array_split import split
from ...engine.ops.choice import clip_by_value
from ...engine.ops.nn_bias import bias_add
from ...engine.ops.products import matmul
from ...engine.ops.trigonometric import sigmoid, tanh
from ...engine.partitioned import fixed_size_partitioner
from ...engine.shapes import TensorShape
from ..input_spec import InputSpec
from .cell import RNNCell, activation_of, depth_of, units_of
from .sequences import lstm_over


class LSTMStateTuple(NamedTuple):
    """The state of an LSTM cell: `c`, what the cell keeps, and `h`, its output."""

    c: Any
    h: Any

    @property
    def dtype(self) -> DType:
        """The dtype of both.

        Raises:
            TypeError: they differ.
        """
        if self.c.dtype != self.h.dtype:
            raise TypeError(f"Inconsistent internal state: {self.c.dtype} vs {self.h.dtype}")
        dtype: DType = self.c.dtype
        return dtype


class BasicLSTMCell(RNNCell):
    """An LSTM cell without peepholes, clipping and projection.

    Args:
        num_units: size of the state and of the output.
        forget_bias: added to the forget gate's input.
        state_is_tuple: whether the state is an LSTMStateTuple; otherwise `c` and `h` joined along the columns.
        activation: tanh by default.
        reuse: whether the variables are there already.
        name, dtype: as for every layer.

    Example:
        >>> import headrace as tf
        >>> cell = tf.nn.rnn_cell.BasicLSTMCell(4)
        >>> output, state = cell(tf.zeros([2, 3]), cell.zero_state(2, tf.float32))
        >>> output.shape, state.c.shape
        (TensorShape([Dimension(2), Dimension(4)]), TensorShape([Dimension(2), Dimension(4)]))
    """

    def __init__(
        self,
        num_units: int,
        forget_bias: float = 1.0,
        state_is_tuple: bool = True,
        activation: Any = None,
        reuse: bool | None = None,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, dtype=dtype, _reuse=reuse, **kwargs)
        self.input_spec = InputSpec(ndim=2)
        self._num_units = units_of(self, num_units)
        self._forget_bias = forget_bias
        self._state_is_tuple = state_is_tuple
        self._activation = activation_of(activation, tanh)

    @property
    def state_size(self) -> Any:
        return LSTMStateTuple(self._num_units, self._num_units) if self._state_is_tuple else 2 * self._num_units

    @property
    def output_size(self) -> int:
        return self._num_units

    def build(self, input_shape: TensorShape) -> None:
        units = self._num_units
        self._kernel = self.add_weight("kernel", [depth_of(input_shape, type(self).__name__) + units, 4 * units])
        self._bias = self.add_weight("bias", [4 * units], initializer=zeros_initializer())

    def call(self, inputs: Any, state: Any = None, *, sequence: Any = None, **kwargs: Any) -> Any:
        c, h = state if self._state_is_tuple else split(state, 2, 1)
        if sequence is not None:
            outputs, *last = lstm_over(sequence, c, h, self._kernel, self._bias, self._forget_bias)
            return outputs, LSTMStateTuple(*last) if self._state_is_tuple else concat(last, 1)
        gates = bias_add(matmul(concat([inputs, h], 1), self._kernel), self._bias)
        enter, fresh, forget, leave = split(gates, 4, 1)
        c = c * sigmoid(forget + self._forget_bias) + sigmoid(enter) * self._activation(fresh)
        h = self._activation(c) * sigmoid(leave)
        return h, LSTMStateTuple(c, h) if self._state_is_tuple else concat([c, h], 1)


class LSTMCell(RNNCell):
    """An LSTM cell with optional peepholes, clipping and projection.

    Args:
        num_units: size of what the cell keeps.
        use_peepholes: whether the gates see it, each through a diagonal matrix.
        cell_clip: it is clipped to plus or minus this.
        initializer: of all matrices; by default the scope's.
        num_proj: size of the output, which is projected; not projected by default.
        proj_clip: the projection is clipped to plus or minus this.
        num_unit_shards, num_proj_shards: slices of the matrices; deprecated in TensorFlow 1 too.
        forget_bias: added to the forget gate's input.
        state_is_tuple: whether the state is an LSTMStateTuple; otherwise `c` and `h` joined along the columns.
        activation: tanh by default.
        reuse: whether the variables are there already.
        name, dtype: as for every layer.
    """

    def __init__(
        self,
        num_units: int,
        use_peepholes: bool = False,
        cell_clip: float | None = None,
        initializer: Any = None,
        num_proj: int | None = None,
        proj_clip: float | None = None,
        num_unit_shards: int | None = None,
        num_proj_shards: int | None = None,
        forget_bias: float = 1.0,
        state_is_tuple: bool = True,
        activation: Any = None,
        reuse: bool | None = None,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, dtype=dtype, _reuse=reuse, **kwargs)
        self.input_spec = InputSpec(ndim=2)
        self._num_units = units_of(self, num_units)
        self._use_peepholes = use_peepholes
        self._cell_clip, self._proj_clip = cell_clip, proj_clip
        self._initializer = initializer
        self._num_proj = num_proj
        self._unit_shards, self._proj_shards = num_unit_shards, num_proj_shards
        self._forget_bias = forget_bias
        self._state_is_tuple = state_is_tuple
        self._activation = activation_of(activation, tanh)

    @property
    def state_size(self) -> Any:
        c, h = self._num_units, self.output_size
        return LSTMStateTuple(c, h) if self._state_is_tuple else c + h

    @property
    def output_size(self) -> int:
        return self._num_proj or self._num_units

    def build(self, input_shape: TensorShape) -> None:
        units, initializer = self._num_units, self._initializer
        rows = depth_of(input_shape, type(self).__name__) + self.output_size
        shards = _partitioner(self._unit_shards)
        self._kernel = self.add_weight("kernel", [rows, 4 * units], initializer=initializer, partitioner=shards)
        self._bias = self.add_weight("bias", [4 * units], initializer=zeros_initializer())
        if self._use_peepholes:
            self._forget_diagonal = self.add_weight("w_f_diag", [units], initializer=initializer)
            self._enter_diagonal = self.add_weight("w_i_diag", [units], initializer=initializer)
            self._leave_diagonal = self.add_weight("w_o_diag", [units], initializer=initializer)
        if self._num_proj:
            self._projection = self.add_weight(
                "projection/kernel",
                [units, self._num_proj],
                initializer=initializer,
                partitioner=_partitioner(self._proj_shards),
            )

    def call(self, inputs: Any, state: Any = None, *, sequence: Any = None, **kwargs: Any) -> Any:
        c, h = state if self._state_is_tuple else split(state, [self._num_units, self.output_size], 1)
        if sequence is not None:
            diagonals = (
                (self._enter_diagonal, self._forget_diagonal, self._leave_diagonal) if self._use_peepholes else None
            )
            outputs, *last = lstm_over(sequence, c, h, self._kernel, self._bias, self._forget_bias, diagonals)
            return outputs, LSTMStateTuple(*last) if self._state_is_tuple else concat(last, 1)
        gates = bias_add(matmul(concat([inputs, h], 1), self._kernel), self._bias)
        enter, fresh, forget, leave = split(gates, 4, 1)
        forget = forget + self._forget_bias
        if self._use_peepholes:
            forget, enter = forget + self._forget_diagonal * c, enter + self._enter_diagonal * c
        c = _clipped(sigmoid(forget) * c + sigmoid(enter) * self._activation(fresh), self._cell_clip)
        if self._use_peepholes:
            leave = leave + self._leave_diagonal * c
        h = sigmoid(leave) * self._activation(c)
        if self._num_proj:
            h = _clipped(matmul(h, self._projection), self._proj_clip)
        return h, LSTMStateTuple(c, h) if self._state_is_tuple else concat([c, h], 1)


def _clipped(value: Tensor, limit: float | None) -> Any:
    return value if limit is None else clip_by_value(value, -limit, limit)


def _partitioner(shards: int | None) -> Any:
    return None if shards is None else fixed_size_partitioner(shards)
