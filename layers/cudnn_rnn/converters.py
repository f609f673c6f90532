"""Between the vector of a network's weights and the variables of the cells that compute the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...engine.errors import UnimplementedError
from ...engine.ops.array_order import transpose
from ...engine.ops.array_parts import concat
from ...engine.ops.array_split import split
from .forward import lstm_gates
from .parameters import (
    CUDNN_GRU,
    CUDNN_INPUT_LINEAR_MODE,
    CUDNN_LSTM,
    CUDNN_RNN_RELU,
    CUDNN_RNN_TANH,
    CUDNN_RNN_UNIDIRECTION,
    Layout,
    Weights,
)


def check_projection(num_proj: Any) -> None:
    """Raises UnimplementedError for an LSTM whose outputs are projected."""
    if num_proj:
        raise UnimplementedError(
            None, None, f"num_proj={num_proj}: cuDNN's projection of an LSTM's outputs is not there; use LSTMCell's"
        )


class CudnnParamsFormatConverter:
    """Converts the weights of a network.

    TensorFlow's canonical form is, for each layer and direction, the cell's matrices; and after all matrices its biases.

    Args:
        num_layers, num_units, input_size: the network's sizes.
        num_proj: must be None or 0.
        input_mode: "linear_input", "skip_input" or "auto_select".
        direction: "unidirectional" or "bidirectional".

    Raises:
        ValueError: a word is unknown.
    """

    rnn_mode: str
    # The names of a cell's matrices, those of its biases are the same with `bias` in place of `kernel`.
    kernels: tuple[str, ...] = ("kernel",)

    def __init__(
        self,
        num_layers: int,
        num_units: int,
        input_size: int,
        num_proj: int | None = None,
        input_mode: str = CUDNN_INPUT_LINEAR_MODE,
        direction: str = CUDNN_RNN_UNIDIRECTION,
    ) -> None:
        check_projection(num_proj)
        self.layout = Layout(self.rnn_mode, num_layers, num_units, input_size, input_mode, direction)

    def opaque_to_tf_canonical(self, opaque_param: Any) -> tuple[list[Any], list[Any]]:
        """The cells' matrices and their biases."""
        parts = self.layout.weights(opaque_param)
        matrices = [matrix for part in parts for matrix in self._matrices(part)]
        return matrices, [bias for part in parts for bias in self._biases(part)]

    def tf_canonical_to_opaque(self, tf_canonicals: Sequence[Any], weights_proj: Any = None) -> Any:
        """The vector of all matrices and biases in one list, matrices first; each gate's bias is in two halves.

        Raises:
            ValueError: there are not as many as the network has.
        """
        check_projection(weights_proj)
        places, each = list(self.layout.places), len(self.kernels)
        if len(tf_canonicals) != 2 * each * len(places):
            raise ValueError(f"Expected {2 * each * len(places)} canonical weights, got {len(tf_canonicals)}")
        groups = [list(tf_canonicals[start : start + each]) for start in range(0, len(tf_canonicals), each)]
        weights = []
        for layer, matrices, biases in zip(places, groups[: len(places)], groups[len(places) :], strict=True):
            weights.append(self._weights(self.layout.width(layer), matrices, biases))
        return self.layout.joined_weights(weights)

    def _matrices(self, weights: Weights) -> list[Any]:
        return [transpose(concat([weights.inputs, weights.states], 1))]

    def _biases(self, weights: Weights) -> list[Any]:
        return [weights.input_bias + weights.state_bias]

    def _weights(self, width: int, matrices: Sequence[Any], biases: Sequence[Any]) -> Weights:
        inputs, states = split(transpose(matrices[0]), [width, self.layout.num_units], 1)
        half = biases[0] * 0.5
        return Weights(inputs, states, half, half)


class CudnnParamsFormatConverterLSTM(CudnnParamsFormatConverter):
    """Converts to and from CudnnCompatibleLSTMCell's kernel and bias, whose gates are in the order i, c, f, o."""

    rnn_mode = CUDNN_LSTM

    def _matrices(self, weights: Weights) -> list[Any]:
        return [transpose(lstm_gates(concat([weights.inputs, weights.states], 1)))]

    def _biases(self, weights: Weights) -> list[Any]:
        return [lstm_gates(weights.input_bias + weights.state_bias)]

    def _weights(self, width: int, matrices: Sequence[Any], biases: Sequence[Any]) -> Weights:
        inputs, states = split(lstm_gates(transpose(matrices[0])), [width, self.layout.num_units], 1)
        half = lstm_gates(biases[0]) * 0.5
        return Weights(inputs, states, half, half)


class CudnnParamsFormatConverterGRU(CudnnParamsFormatConverter):
    """Converts to and from CudnnCompatibleGRUCell's variables: of both gates, and two projections of the candidate."""

    rnn_mode = CUDNN_GRU
    kernels = ("gates/kernel", "candidate/input_projection/kernel", "candidate/hidden_projection/kernel")

    def _matrices(self, weights: Weights) -> list[Any]:
        units = self.layout.num_units
        (gates, fresh), (of_states, of_state) = (
            split(part, [2 * units, units], 0) for part in (weights.inputs, weights.states)
        )
        return [transpose(part) for part in (concat([gates, of_states], 1), fresh, of_state)]

    def _biases(self, weights: Weights) -> list[Any]:
        units = self.layout.num_units
        (gates, fresh), (of_states, of_state) = (
            split(part, [2 * units, units], 0) for part in (weights.input_bias, weights.state_bias)
        )
        return [gates + of_states, fresh, of_state]

    def _weights(self, width: int, matrices: Sequence[Any], biases: Sequence[Any]) -> Weights:
        gates, fresh, of_state = (transpose(matrix) for matrix in matrices)
        inputs, states = split(gates, [width, self.layout.num_units], 1)
        half = biases[0] * 0.5
        return Weights(
            concat([inputs, fresh], 0),
            concat([states, of_state], 0),
            concat([half, biases[1]], 0),
            concat([half, biases[2]], 0),
        )


class CudnnParamsFormatConverterTanh(CudnnParamsFormatConverter):
    """Converts to and from BasicRNNCell's kernel and bias."""

    rnn_mode = CUDNN_RNN_TANH


class CudnnParamsFormatConverterRelu(CudnnParamsFormatConverter):
    """Converts to and from BasicRNNCell's kernel and bias."""

    rnn_mode = CUDNN_RNN_RELU
