"""Cells that compute what CudnnLSTM and CudnnGRU do, step by step, with variables that read their checkpoints."""

from __future__ import annotations

from typing import Any

from ...engine.initializers import constant_initializer, zeros_initializer
from ...engine.ops.array_parts import concat, zeros_like
from ...engine.ops.array_split import split
from ...engine.ops.nn_bias import bias_add
from ...engine.ops.products import matmul
from ...engine.ops.trigonometric import sigmoid
from ...engine.shapes import TensorShape
from ..recurrent.basic import GRUCell
from ..recurrent.blocks import LSTMBlockCell
from ..recurrent.cell import depth_of
from ..recurrent.sequences import gru_after_over


class CudnnCompatibleLSTMCell(LSTMBlockCell):
    """LSTMBlockCell without an addition to the forget gate; see CudnnLSTM for how it reads that one's checkpoints."""

    over_sequences = True

    def __init__(self, num_units: int, reuse: bool | None = None) -> None:
        super().__init__(num_units, forget_bias=0.0, reuse=reuse, name="cudnn_compatible_lstm_cell")


class CudnnCompatibleGRUCell(GRUCell):
    """A GRU cell that resets the state after its product, for which there is a bias of its own."""

    over_sequences = True

    def __init__(self, num_units: int, reuse: bool | None = None, kernel_initializer: Any = None) -> None:
        super().__init__(num_units, reuse=reuse, kernel_initializer=kernel_initializer)

    def build(self, input_shape: TensorShape) -> None:
        units, size = self._num_units, depth_of(input_shape, type(self).__name__)
        self._gates = self._affine("gates", size + units, 2 * units, constant_initializer(1.0))
        self._of_inputs = self._affine("candidate/input_projection", size, units, zeros_initializer())
        self._of_state = self._affine("candidate/hidden_projection", units, units, zeros_initializer())

    def _affine(self, name: str, rows: int, columns: int, start: Any) -> tuple[Any, Any]:
        kernel = self.add_weight(f"{name}/kernel", [rows, columns], initializer=self._kernel_initializer)
        return kernel, self.add_weight(f"{name}/bias", [columns], initializer=start)

    def call(self, inputs: Any, state: Any = None, *, sequence: Any = None, **kwargs: Any) -> Any:
        if sequence is not None:
            return self._over(sequence, state)
        gates = sigmoid(_applied(self._gates, concat([inputs, state], 1)))
        reset, update = split(gates, 2, 1)
        fresh = self._activation(_applied(self._of_inputs, inputs) + reset * _applied(self._of_state, state))
        following = update * state + (1 - update) * fresh
        return following, following

    def _over(self, sequence: Any, state: Any) -> Any:
        """All steps in one operation."""
        rows = [self._of_inputs[0].shape.as_list()[0], self._num_units]
        kernels = zip(split(self._gates[0], rows, 0), (self._of_inputs[0], self._of_state[0]), strict=True)
        of_inputs, of_states = (concat([gates, candidate], 1) for gates, candidate in kernels)
        input_bias = concat([self._gates[1], self._of_inputs[1]], 0)
        state_bias = concat([zeros_like(self._gates[1]), self._of_state[1]], 0)
        return gru_after_over(sequence, state, (of_inputs, of_states), (input_bias, state_bias))


def _applied(affine: tuple[Any, Any], values: Any) -> Any:
    return bias_add(matmul(values, affine[0]), affine[1])
