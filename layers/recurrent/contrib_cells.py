"""Cells of TensorFlow 1.15's contrib.rnn: coupled gates, layer normalisation, UGRNN, intersection RNN and NASCell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...engine.initializers import constant_initializer, zeros_initializer
from ...engine.ops.array_parts import concat
from ...engine.ops.array_split import split
from ...engine.ops.choice import clip_by_value
from ...engine.ops.nn_activations import relu
from ...engine.ops.nn_bias import bias_add
from ...engine.ops.nn_layers import dropout
from ...engine.ops.products import matmul
from ...engine.ops.trigonometric import sigmoid, tanh
from ...engine.shapes import TensorShape
from ...engine.variable_scope import get_variable, variable_scope
from ..contrib_normalization import layer_norm
from .cell import RNNCell, depth_of, units_of
from .linear import linear
from .lstm import LSTMStateTuple


class _GatedCell(RNNCell):
    """An LSTM cell with layer normalisation of the gates."""

    _units: int
    _gain: float
    _shift: float

    @property
    def state_size(self) -> Any:
        return LSTMStateTuple(self._units, self._units)

    @property
    def output_size(self) -> int:
        return self._units

    def _norm(self, value: Any, scope: str) -> Any:
        with variable_scope(scope):
            shape, dtype = value.shape[-1:], value.dtype.base_dtype
            get_variable("gamma", shape, dtype, constant_initializer(self._gain))
            get_variable("beta", shape, dtype, constant_initializer(self._shift))
        return layer_norm(value, reuse=True, scope=scope)


class LayerNormBasicLSTMCell(_GatedCell):
    """An LSTM cell with layer normalisation and dropout of the new inputs (recurrent dropout without memory loss).

    Args:
        num_units: size of the state and of the output.
        forget_bias: added to the forget gate's input.
        input_size: accepted and not used.
        activation: tanh by default.
        layer_norm: whether the gates and the cell state are normalised.
        norm_gain, norm_shift: what `gamma` and `beta` start with.
        dropout_keep_prob: the share of the new inputs that is kept; a number or a scalar tensor.
        dropout_prob_seed: of the masks.
        reuse: whether the variables are there already.
    """

    def __init__(
        self,
        num_units: int,
        forget_bias: float = 1.0,
        input_size: Any = None,
        activation: Callable[[Any], Any] = tanh,
        layer_norm: bool = True,
        norm_gain: float = 1.0,
        norm_shift: float = 0.0,
        dropout_keep_prob: Any = 1.0,
        dropout_prob_seed: int | None = None,
        reuse: bool | None = None,
    ) -> None:
        super().__init__(_reuse=reuse)
        self._units = units_of(self, num_units)
        self._activation = activation
        self._forget_bias = forget_bias
        self._keep, self._seed = dropout_keep_prob, dropout_prob_seed
        self._normalized = layer_norm
        self._gain, self._shift = norm_gain, norm_shift

    def call(self, inputs: Any, state: Any = None, **kwargs: Any) -> Any:
        c, h = state
        gates = linear([inputs, h], 4 * self._units, not self._normalized)
        enter, fresh, forget, leave = split(gates, 4, 1)
        if self._normalized:
            enter, fresh = self._norm(enter, "input"), self._norm(fresh, "transform")
            forget, leave = self._norm(forget, "forget"), self._norm(leave, "output")
        fresh = self._activation(fresh)
        if not isinstance(self._keep, int | float) or self._keep < 1:
            fresh = dropout(fresh, rate=1 - self._keep, seed=self._seed)
        c = c * sigmoid(forget + self._forget_bias) + sigmoid(enter) * fresh
        if self._normalized:
            c = self._norm(c, "state")
        h = self._activation(c) * sigmoid(leave)
        return h, LSTMStateTuple(c, h)


class CoupledInputForgetGateLSTMCell(_GatedCell):
    """An LSTM cell whose input gate is one less the forget gate.

    Args:
        num_units: size of what the cell keeps.
        use_peepholes: whether the gates see it, each through a diagonal matrix.
        initializer: of all matrices; by default the scope's.
        num_proj: size of the output, which is projected; not projected by default.
        proj_clip: the projection is clipped to plus or minus this.
        num_unit_shards, num_proj_shards: into how many variables the matrices are cut.
        forget_bias: added to the forget gate's input.
        state_is_tuple: whether the state is an LSTMStateTuple; otherwise `c` and `h` joined along the columns.
        activation: tanh by default.
        reuse: whether the variables are there already.
        layer_norm: whether the gates and the cell state are normalised.
        norm_gain, norm_shift: what `gamma` and `beta` start with.
    """

    def __init__(
        self,
        num_units: int,
        use_peepholes: bool = False,
        initializer: Any = None,
        num_proj: int | None = None,
        proj_clip: float | None = None,
        num_unit_shards: int = 1,
        num_proj_shards: int = 1,
        forget_bias: float = 1.0,
        state_is_tuple: bool = True,
        activation: Callable[[Any], Any] = tanh,
        reuse: bool | None = None,
        layer_norm: bool = False,
        norm_gain: float = 1.0,
        norm_shift: float = 0.0,
    ) -> None:
        super().__init__(_reuse=reuse)
        self._units, self._proj = units_of(self, num_units), num_proj
        self._peepholes, self._proj_clip = use_peepholes, proj_clip
        self._initializer = initializer
        self._unit_shards, self._proj_shards = num_unit_shards, num_proj_shards
        self._forget_bias = forget_bias
        self._is_tuple = state_is_tuple
        self._activation = activation
        self._normalized = layer_norm
        self._gain, self._shift = norm_gain, norm_shift

    @property
    def state_size(self) -> Any:
        return LSTMStateTuple(self._units, self.output_size) if self._is_tuple else self._units + self.output_size

    @property
    def output_size(self) -> int:
        return self._proj or self._units

    def call(self, inputs: Any, state: Any = None, **kwargs: Any) -> Any:
        c, h = state if self._is_tuple else split(state, [self._units, self.output_size], 1)
        dtype = inputs.dtype.base_dtype
        fresh, forget, leave = split(self._gates(inputs, h), 3, 1)
        if self._normalized:
            fresh, forget, leave = (
                self._norm(value, name) for value, name in ((fresh, "transform"), (forget, "forget"), (leave, "output"))
            )
        if self._peepholes:
            forget = forget + get_variable("W_F_diag", [self._units], dtype, self._initializer) * c
        forget = sigmoid(forget + self._forget_bias)
        c = forget * c + (1 - forget) * self._activation(fresh)
        if self._normalized:
            c = self._norm(c, "state")
        if self._peepholes:
            leave = leave + get_variable("W_O_diag", [self._units], dtype, self._initializer) * c
        h = sigmoid(leave) * self._activation(c)
        if self._proj is not None:
            h = self._projected(h)
        return h, LSTMStateTuple(c, h) if self._is_tuple else concat([c, h], 1)

    def _gates(self, inputs: Any, h: Any) -> Any:
        rows = depth_of(inputs.shape, type(self).__name__) + self.output_size
        kernel = self._sharded("W", [rows, 3 * self._units], inputs.dtype, self._unit_shards)
        bias = get_variable("B", [3 * self._units], inputs.dtype.base_dtype, zeros_initializer())
        product = matmul(concat([inputs, h], 1), kernel)
        return product if self._normalized else bias_add(product, bias)

    def _projected(self, h: Any) -> Any:
        h = matmul(h, self._sharded("W_P", [self._units, self.output_size], h.dtype, self._proj_shards))
        return h if self._proj_clip is None else clip_by_value(h, -self._proj_clip, self._proj_clip)

    def _sharded(self, name: str, shape: list[int], dtype: Any, count: int) -> Any:
        """A matrix made of variables with nearly equal numbers of rows."""
        rows, rest = divmod(shape[0], count)
        if not rows:
            raise ValueError(f"Too many shards: {count} for a matrix of {shape[0]} rows")
        sizes = [rows + (index < rest) for index in range(count)]
        parts = [
            get_variable(f"{name}_{index}", [size, shape[1]], dtype.base_dtype, self._initializer)
            for index, size in enumerate(sizes)
        ]
        return parts[0] if count == 1 else concat(parts, 0)


class UGRNNCell(RNNCell):
    """An update gate recurrent network: one gate chooses between the state before and a candidate.

    Args:
        num_units: size of the state and of the output.
        initializer: of the matrix; by default the scope's.
        forget_bias: added to the gate's input.
        activation: of the candidate; tanh by default.
        reuse: whether the variables are there already.
    """

    def __init__(
        self,
        num_units: int,
        initializer: Any = None,
        forget_bias: float = 1.0,
        activation: Callable[[Any], Any] = tanh,
        reuse: bool | None = None,
    ) -> None:
        super().__init__(_reuse=reuse)
        self._units = units_of(self, num_units)
        self._initializer = initializer
        self._forget_bias = forget_bias
        self._activation = activation

    @property
    def state_size(self) -> int:
        return self._units

    @property
    def output_size(self) -> int:
        return self._units

    def call(self, inputs: Any, state: Any = None, **kwargs: Any) -> Any:
        both = linear([inputs, state], 2 * self._units, True, kernel_initializer=self._initializer)
        gate, candidate = split(both, 2, 1)
        gate = sigmoid(gate + self._forget_bias)
        following = gate * state + (1.0 - gate) * self._activation(candidate)
        return following, following


class IntersectionRNNCell(RNNCell):
    """A recurrent network with a gate through time and one through depth (+RNN).

    Args:
        num_units: size of the state and of the output.
        num_in_proj: whether inputs of another size are projected; `num_units` or nothing.
        initializer: of the matrices; by default the scope's.
        forget_bias: added to the gates' inputs.
        y_activation: of the candidate output; relu by default.
        reuse: whether the variables are there already.

    Raises:
        ValueError: when called, the inputs are of another size and not projected.
    """

    def __init__(
        self,
        num_units: int,
        num_in_proj: int | None = None,
        initializer: Any = None,
        forget_bias: float = 1.0,
        y_activation: Callable[[Any], Any] = relu,
        reuse: bool | None = None,
    ) -> None:
        super().__init__(_reuse=reuse)
        self._units = units_of(self, num_units)
        self._in_proj = num_in_proj
        self._initializer = initializer
        self._forget_bias = forget_bias
        self._activation = y_activation

    @property
    def state_size(self) -> int:
        return self._units

    @property
    def output_size(self) -> int:
        return self._units

    def call(self, inputs: Any, state: Any = None, **kwargs: Any) -> Any:
        inputs = self._sized(inputs)
        four = linear([inputs, state], 4 * self._units, True, kernel_initializer=self._initializer)
        state_gate, new_state, output_gate, new_output = split(four, 4, 1)
        state_gate, output_gate = sigmoid(state_gate + self._forget_bias), sigmoid(output_gate + self._forget_bias)
        state = state_gate * state + (1.0 - state_gate) * tanh(new_state)
        return output_gate * inputs + (1.0 - output_gate) * self._activation(new_output), state

    def _sized(self, inputs: Any) -> Any:
        if depth_of(inputs.shape, type(self).__name__) == self._units:
            return inputs
        if not self._in_proj:
            raise ValueError(
                f"IntersectionRNNCell needs inputs of its own size {self._units}, got {inputs.shape}: "
                "set num_in_proj to num_units to project them"
            )
        return linear(inputs, self._units, True, scope="in_projection", kernel_initializer=self._initializer)


class NASCell(RNNCell):
    """The recurrent cell that neural architecture search found.

    Args:
        num_units: size of what the cell keeps.
        num_proj: size of the output, which is projected; not projected by default.
        use_bias: whether there are biases.
        reuse: whether the variables are there already.
        name, dtype: as for every layer.
    """

    def __init__(
        self,
        num_units: int,
        num_proj: int | None = None,
        use_bias: bool = False,
        reuse: bool | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(_reuse=reuse, **kwargs)
        self._units, self._proj, self._use_bias = units_of(self, num_units), num_proj, use_bias

    @property
    def state_size(self) -> LSTMStateTuple:
        return LSTMStateTuple(self._units, self.output_size)

    @property
    def output_size(self) -> int:
        return self._proj or self._units

    def build(self, input_shape: TensorShape) -> None:
        columns = 8 * self._units
        self._recurrent = self.add_weight("recurrent_kernel", [self.output_size, columns])
        self._kernel = self.add_weight("kernel", [depth_of(input_shape, type(self).__name__), columns])
        if self._use_bias:
            self._bias = self.add_weight("bias", [columns], initializer=zeros_initializer())
        if self._proj:
            self._projection = self.add_weight("projection_weights", [self._units, self._proj])

    def call(self, inputs: Any, state: Any = None, **kwargs: Any) -> Any:
        c, h = state
        own = matmul(h, self._recurrent)
        m = split(bias_add(own, self._bias) if self._use_bias else own, 8, 1)
        x = split(matmul(inputs, self._kernel), 8, 1)
        first = tanh(sigmoid(x[0] + m[0]) * relu(x[1] + m[1]))
        second = tanh(sigmoid(x[2] + m[2]) + relu(x[3] * m[3]))
        third = tanh(tanh(x[4] + m[4]) * sigmoid(x[5] + m[5]))
        fourth = sigmoid(tanh(x[6] + m[6]) + sigmoid(x[7] + m[7]))
        c = tanh(first + c) * second
        h = tanh(c * tanh(third + fourth))
        if self._proj:
            h = matmul(h, self._projection)
        return h, LSTMStateTuple(c, h)
