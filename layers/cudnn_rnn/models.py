"""The networks as TensorFlow had them before 1.4, whose weights a program keeps itself, and the functions behind them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...engine.conversion import convert_to_tensor
from ...engine.dtypes import float32, int32
from ...engine.graph import Tensor
from ...engine.ops.array import identity, reshape
from ...engine.ops.constant import constant
from ...engine.training.saveable import SaveableObject, SaveSpec
from .converters import check_projection
from .forward import run_network
from .parameters import (
    CUDNN_GRU,
    CUDNN_INPUT_LINEAR_MODE,
    CUDNN_LSTM,
    CUDNN_RNN_RELU,
    CUDNN_RNN_TANH,
    CUDNN_RNN_UNIDIRECTION,
    Layout,
    check_dropout,
)


class _Network:
    """What the networks share; see CudnnLSTM."""

    rnn_mode: str

    def __init__(
        self,
        num_layers: int,
        num_units: int,
        input_size: Any,
        input_mode: str = CUDNN_INPUT_LINEAR_MODE,
        direction: str = CUDNN_RNN_UNIDIRECTION,
        dtype: Any = float32,
        dropout: float = 0.0,
        seed: int | None = 0,
        num_proj: int | None = None,
    ) -> None:
        check_projection(num_proj)
        check_dropout(dropout)
        self.layout = Layout(self.rnn_mode, num_layers, num_units, int(input_size), input_mode, direction)
        self.num_layers, self.num_units, self.input_size = num_layers, num_units, self.layout.input_size
        self.input_mode, self.direction = input_mode, direction
        self._dtype, self._dropout, self._seed = dtype, dropout, seed

    def params_size(self) -> Tensor:
        """How many elements the vector of the weights has."""
        return constant(self.layout.size, int32)

    def params_to_canonical(self, params: Any) -> tuple[list[Any], list[Any]]:
        """The matrices and the biases of a vector of weights."""
        return self.layout.taken_apart(params)

    def canonical_to_params(self, weights: Sequence[Any], biases: Sequence[Any]) -> Any:
        """The vector of matrices and biases."""
        return self.layout.joined(weights, biases)

    def _run(self, inputs: Any, h: Any, c: Any, params: Any, is_training: Any, lengths: Any, time_major: bool) -> Any:
        inputs, h = (convert_to_tensor(value, dtype=self._dtype) for value in (inputs, h))
        c = None if c is None else convert_to_tensor(c, dtype=self._dtype)
        options = lengths, time_major, self._dropout, is_training, self._seed
        return run_network(self.layout, inputs, h, c, params, *options)


class CudnnLSTM(_Network):
    """An LSTM network whose weights are a vector that each call gets.

    Args:
        num_layers, num_units, input_size: sizes of the network.
        input_mode: "linear_input", "skip_input" or "auto_select".
        direction: "unidirectional" or "bidirectional".
        dtype: of the weights.
        dropout: the share of the outputs of each layer but the last that is dropped in training.
        seed: of what is dropped.
        num_proj: must be None or 0.

    Raises:
        ValueError: a word is unknown, a size is not above zero, or dropout not in [0, 1).
    """

    rnn_mode = CUDNN_LSTM

    def __call__(
        self,
        input_data: Any,
        input_h: Any,
        input_c: Any,
        params: Any,
        is_training: Any = True,
        sequence_lengths: Any = None,
        time_major: bool = True,
    ) -> Any:
        """Outputs `[time, batch, directions * units]`, and the last h and c `[layers * directions, batch, units]`."""
        return self._run(input_data, input_h, input_c, params, is_training, sequence_lengths, time_major)


class _WithoutCells(_Network):
    def __call__(
        self,
        input_data: Any,
        input_h: Any,
        params: Any,
        is_training: Any = True,
        sequence_lengths: Any = None,
        time_major: bool = True,
    ) -> Any:
        """Outputs `[time, batch, directions * units]`, and the last h `[layers * directions, batch, units]`."""
        return self._run(input_data, input_h, None, params, is_training, sequence_lengths, time_major)[:2]


class CudnnGRU(_WithoutCells):
    """A GRU network as CudnnLSTM."""

    rnn_mode = CUDNN_GRU


class CudnnRNNTanh(_WithoutCells):
    """A recurrent network with tanh as CudnnLSTM."""

    rnn_mode = CUDNN_RNN_TANH


class CudnnRNNRelu(_WithoutCells):
    """A recurrent network with relu as CudnnLSTM."""

    rnn_mode = CUDNN_RNN_RELU


class RNNParamsSaveable(SaveableObject):
    """Saves the vector of a network's weights as its matrices and biases, as TensorFlow before 1.4.

    Args:
        params_to_canonical, canonical_to_params: the network's methods.
        param_variables: the variable of the vector.
        name: in front of the names `weights_0`, `biases_0` and so on.
    """

    def __init__(
        self, params_to_canonical: Any, canonical_to_params: Any, param_variables: Any, name: str = "params_canonical"
    ) -> None:
        self._joined, self._variable = canonical_to_params, param_variables
        weights, biases = params_to_canonical(param_variables)
        self._shapes = [part.shape.as_list() for part in (*weights, *biases)]
        self._matrices = len(weights)
        named = [(f"weights_{k}", part) for k, part in enumerate(weights)]
        named += [(f"biases_{k}", part) for k, part in enumerate(biases)]
        specs = [SaveSpec(part, "", f"{name}/{word}") for word, part in named]
        super().__init__(identity(param_variables), specs, name)
        self.stands_for = param_variables

    def restore(self, restored_tensors: Sequence[Tensor], restored_shapes: Sequence[Any] | None) -> Any:
        """Gives the variable its matrices and biases."""
        parts = [reshape(value, shape) for value, shape in zip(restored_tensors, self._shapes, strict=True)]
        return self._variable.assign(
            self._joined(parts[: self._matrices], parts[self._matrices :]), validate_shape=False
        )


# Functions


def cudnn_rnn(
    inputs: Any,
    input_h: Any,
    input_c: Any,
    params: Any,
    is_training: Any,
    rnn_mode: str,
    sequence_lengths: Any = None,
    time_major: bool = True,
    input_mode: str = CUDNN_INPUT_LINEAR_MODE,
    direction: str = CUDNN_RNN_UNIDIRECTION,
    dropout: float = 0.0,
    seed: int | None = 0,
    num_proj: int | None = None,
    name: str | None = None,
) -> Any:
    """Outputs and last states, h and c, of the network whose weights are the vector `params`.

    Args:
        inputs: `[time, batch, size]`.
        input_h, input_c: the first states `[layers * directions, batch, units]`; `input_c` for "lstm" only.
        params: the weights.
        is_training: whether outputs between layers are dropped.
        rnn_mode: "lstm", "gru", "rnn_tanh" or "rnn_relu".
        sequence_lengths: `[batch]`: outputs after the end are zeros, last states those at the end.
        time_major: otherwise inputs, outputs and states have the batch in front.
        input_mode, direction, dropout, seed: as for CudnnLSTM.
        num_proj: must be None or 0.
        name: accepted for TensorFlow's sake.

    Raises:
        ValueError: sizes are not known, or `params` is not of the network's size.
    """
    check_projection(num_proj)
    check_dropout(dropout)
    inputs, h, params = (convert_to_tensor(value) for value in (inputs, input_h, params))
    if inputs.sizes is None or inputs.sizes[2] is None or h.sizes is None or h.sizes[2] is None:
        raise ValueError(f"cudnn_rnn needs inputs and states of known sizes, got {inputs.shape} and {h.shape}")
    count, directions = h.sizes[0 if time_major else 1], 1 if direction == CUDNN_RNN_UNIDIRECTION else 2
    if not count or count % directions:
        raise ValueError(f"cudnn_rnn needs a state for each layer and direction, got {h.shape} for {direction!r}")
    layout = Layout(rnn_mode, count // directions, h.sizes[2], inputs.sizes[2], input_mode, direction)
    if params.sizes is not None and params.sizes != (None,) and params.sizes != (layout.size,):
        raise ValueError(f"Expected {layout.size} weights for {layout}, got {params.shape}")
    c = convert_to_tensor(input_c) if rnn_mode == CUDNN_LSTM else None
    return run_network(layout, inputs, h, c, params, sequence_lengths, time_major, dropout, is_training, seed)


def cudnn_lstm(
    inputs: Any, input_h: Any, input_c: Any, params: Any, is_training: Any, *args: Any, **kwargs: Any
) -> Any:
    """Outputs and last states, h and c, of an LSTM network; see cudnn_rnn, whose further arguments but `rnn_mode` follow."""
    return cudnn_rnn(inputs, input_h, input_c, params, is_training, CUDNN_LSTM, *args, **kwargs)


def cudnn_gru(inputs: Any, input_h: Any, params: Any, is_training: Any, *args: Any, **kwargs: Any) -> Any:
    """Outputs and the last state of a GRU network; see cudnn_lstm."""
    return cudnn_rnn(inputs, input_h, None, params, is_training, CUDNN_GRU, *args, **kwargs)[:2]


def cudnn_rnn_tanh(inputs: Any, input_h: Any, params: Any, is_training: Any, *args: Any, **kwargs: Any) -> Any:
    """Outputs and the last state of a network with tanh; see cudnn_lstm."""
    return cudnn_rnn(inputs, input_h, None, params, is_training, CUDNN_RNN_TANH, *args, **kwargs)[:2]


def cudnn_rnn_relu(inputs: Any, input_h: Any, params: Any, is_training: Any, *args: Any, **kwargs: Any) -> Any:
    """Outputs and the last state of a network with relu; see cudnn_lstm."""
    return cudnn_rnn(inputs, input_h, None, params, is_training, CUDNN_RNN_RELU, *args, **kwargs)[:2]


def cudnn_rnn_opaque_params_size(
    rnn_mode: str,
    num_layers: int,
    num_units: int,
    input_size: int,
    input_mode: str = CUDNN_INPUT_LINEAR_MODE,
    direction: str = CUDNN_RNN_UNIDIRECTION,
    dtype: Any = float32,
    dropout: float = 0.0,
    seed: int | None = 0,
    num_proj: int | None = None,
    name: str | None = None,
) -> Tensor:
    """How many elements the vector of a network's weights has; other arguments than sizes and words do not matter."""
    check_projection(num_proj)
    return constant(Layout(rnn_mode, num_layers, num_units, input_size, input_mode, direction).size, int32)


def cudnn_rnn_opaque_params_to_canonical(
    rnn_mode: str,
    num_layers: int,
    num_units: int,
    input_size: int,
    params: Any,
    input_mode: str = CUDNN_INPUT_LINEAR_MODE,
    direction: str = CUDNN_RNN_UNIDIRECTION,
    dropout: float = 0.0,
    seed: int | None = 0,
    num_proj: int | None = None,
    name: str | None = None,
) -> tuple[list[Any], list[Any]]:
    """The matrices and the biases of the vector of a network's weights."""
    check_projection(num_proj)
    return Layout(rnn_mode, num_layers, num_units, input_size, input_mode, direction).taken_apart(params)


def cudnn_rnn_canonical_to_opaque_params(
    rnn_mode: str,
    num_layers: int,
    num_units: int,
    input_size: int,
    weights: Sequence[Any],
    biases: Sequence[Any],
    input_mode: str = CUDNN_INPUT_LINEAR_MODE,
    direction: str = CUDNN_RNN_UNIDIRECTION,
    dropout: float = 0.0,
    seed: int | None = 0,
    num_proj: int | None = None,
    name: str | None = None,
) -> Any:
    """The vector of a network's matrices and biases."""
    check_projection(num_proj)
    return Layout(rnn_mode, num_layers, num_units, input_size, input_mode, direction).joined(weights, biases)
