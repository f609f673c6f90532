"""BasicRNNCell and GRUCell, as TensorFlow 1.15's."""

from __future__ import annotations

from typing import Any

from ...engine.initializers import constant_initializer, zeros_initializer
from ...engine.ops.array_parts import concat
from ...engine.ops.array_split import split
from ...engine.ops.nn_bias import bias_add
from ...engine.ops.products import matmul
from ...engine.ops.trigonometric import sigmoid, tanh
from ...engine.shapes import TensorShape
from ..input_spec import InputSpec
from .cell import RNNCell, activation_of, depth_of, units_of
from .sequences import gru_over


class BasicRNNCell(RNNCell):
    """`activation([inputs, state] @ kernel + bias)`; the output is the next state.

    Args:
        num_units: size of the state and of the output.
        activation: tanh by default.
        reuse: whether the variables are there already.
        name, dtype: as for every layer.
    """

    def __init__(
        self,
        num_units: int,
        activation: Any = None,
        reuse: bool | None = None,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, dtype=dtype, _reuse=reuse, **kwargs)
        self.input_spec = InputSpec(ndim=2)
        self._num_units = units_of(self, num_units)
        self._activation = activation_of(activation, tanh)

    @property
    def state_size(self) -> int:
        return self._num_units

    @property
    def output_size(self) -> int:
        return self._num_units

    def build(self, input_shape: TensorShape) -> None:
        rows = depth_of(input_shape, type(self).__name__) + self._num_units
        self._kernel = self.add_weight("kernel", [rows, self._num_units])
        self._bias = self.add_weight("bias", [self._num_units], initializer=zeros_initializer())

    def call(self, inputs: Any, state: Any = None, **kwargs: Any) -> Any:
        output = self._activation(bias_add(matmul(concat([inputs, state], 1), self._kernel), self._bias))
        return output, output


class GRUCell(RNNCell):
    """Gated recurrent unit: the gates reset and update, then a candidate of the next state.

    Args:
        num_units: size of the state and of the output.
        activation: of the candidate; tanh by default.
        reuse: whether the variables are there already.
        kernel_initializer: of both kernels; by default the scope's.
        bias_initializer: of both biases; by default ones for the gates and zeros for the candidate.
        name, dtype: as for every layer.
    """

    def __init__(
        self,
        num_units: int,
        activation: Any = None,
        reuse: bool | None = None,
        kernel_initializer: Any = None,
        bias_initializer: Any = None,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, dtype=dtype, _reuse=reuse, **kwargs)
        self.input_spec = InputSpec(ndim=2)
        self._num_units = units_of(self, num_units)
        self._activation = activation_of(activation, tanh)
        self._kernel_initializer = kernel_initializer
        self._bias_initializer = bias_initializer

    @property
    def state_size(self) -> int:
        return self._num_units

    @property
    def output_size(self) -> int:
        return self._num_units

    def build(self, input_shape: TensorShape) -> None:
        units = self._num_units
        rows = depth_of(input_shape, type(self).__name__) + units
        kernel, bias = self._kernel_initializer, self._bias_initializer
        self._gate_kernel = self.add_weight("gates/kernel", [rows, 2 * units], initializer=kernel)
        self._gate_bias = self.add_weight(
            "gates/bias", [2 * units], initializer=constant_initializer(1.0) if bias is None else bias
        )
        self._candidate_kernel = self.add_weight("candidate/kernel", [rows, units], initializer=kernel)
        self._candidate_bias = self.add_weight(
            "candidate/bias", [units], initializer=zeros_initializer() if bias is None else bias
        )

    def call(self, inputs: Any, state: Any = None, *, sequence: Any = None, **kwargs: Any) -> Any:
        if sequence is not None:
            kernels = (self._gate_kernel, self._gate_bias), (self._candidate_kernel, self._candidate_bias)
            return gru_over(sequence, state, *kernels)
        gates = bias_add(matmul(concat([inputs, state], 1), self._gate_kernel), self._gate_bias)
        reset, update = split(sigmoid(gates), 2, 1)
        candidate = matmul(concat([inputs, reset * state], 1), self._candidate_kernel)
        candidate = self._activation(bias_add(candidate, self._candidate_bias))
        following = update * state + (1 - update) * candidate
        return following, following
