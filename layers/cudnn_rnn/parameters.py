"""Where the weights of a whole network lie in its one vector: all matrices, then all biases, in cuDNN's order."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...engine.conversion import convert_to_tensor
from ...engine.ops.array import reshape
from ...engine.ops.array_parts import concat, zeros
from ...engine.ops.array_split import split

CUDNN_RNN_UNIDIRECTION = "unidirectional"
CUDNN_RNN_BIDIRECTION = "bidirectional"
CUDNN_LSTM = "lstm"
CUDNN_GRU = "gru"
CUDNN_RNN_RELU = "rnn_relu"
CUDNN_RNN_TANH = "rnn_tanh"
CUDNN_INPUT_LINEAR_MODE = "linear_input"
CUDNN_INPUT_SKIP_MODE = "skip_input"
CUDNN_INPUT_AUTO_MODE = "auto_select"

# Matrices of a layer in one direction, and biases: half for its inputs, half for its states.
CUDNN_LSTM_PARAMS_PER_LAYER = 8
CUDNN_GRU_PARAMS_PER_LAYER = 6
CUDNN_RNN_TANH_PARAMS_PER_LAYER = 2
CUDNN_RNN_RELU_PARAMS_PER_LAYER = 2
PARAMS_PER_LAYER = {
    CUDNN_LSTM: CUDNN_LSTM_PARAMS_PER_LAYER,
    CUDNN_GRU: CUDNN_GRU_PARAMS_PER_LAYER,
    CUDNN_RNN_TANH: CUDNN_RNN_TANH_PARAMS_PER_LAYER,
    CUDNN_RNN_RELU: CUDNN_RNN_RELU_PARAMS_PER_LAYER,
}


def check_choice(what: str, value: Any, choices: Sequence[str]) -> None:
    """Raises ValueError unless `value` is one of some words."""
    if value not in choices:
        raise ValueError(f"Invalid {what}: {value!r}, expected one of {', '.join(choices)}")


def check_direction(direction: Any) -> None:
    """Raises ValueError unless it is "unidirectional" or "bidirectional"."""
    check_choice("direction", direction, (CUDNN_RNN_UNIDIRECTION, CUDNN_RNN_BIDIRECTION))


def check_input_mode(input_mode: Any) -> None:
    """Raises ValueError unless it is "linear_input", "skip_input" or "auto_select"."""
    check_choice("input_mode", input_mode, (CUDNN_INPUT_LINEAR_MODE, CUDNN_INPUT_SKIP_MODE, CUDNN_INPUT_AUTO_MODE))


def check_sizes(**sizes: Any) -> None:
    """Raises ValueError unless each is an integer above zero."""
    for name, value in sizes.items():
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < 1:
            raise ValueError(f"{name} must be an integer above 0, got {value!r}")


def check_dropout(dropout: Any) -> None:
    """Raises ValueError unless it is a number from 0 on below 1."""
    if not isinstance(dropout, int | float | np.number) or not 0 <= dropout < 1:
        raise ValueError(f"dropout must be a number in the range [0, 1), got {dropout!r}")


@dataclass(frozen=True)
class Weights:
    """Matrix and bias of the inputs, and of the states, of a layer in one direction: gates side by side in cuDNN's order.

    Attributes:
        inputs: [gates * units, size]; of no columns where the inputs are taken as they are.
        states: [gates * units, units].
        input_bias, state_bias: [gates * units].
    """

    inputs: Any
    states: Any
    input_bias: Any
    state_bias: Any


@dataclass(frozen=True)
class Layout:
    """A network and so the places of its weights.

    Raises:
        ValueError: a word is unknown, a size is not above zero, or inputs that are to be taken as they are have another size
            than the units.
    """

    rnn_mode: str
    num_layers: int
    num_units: int
    input_size: int
    input_mode: str = CUDNN_INPUT_LINEAR_MODE
    direction: str = CUDNN_RNN_UNIDIRECTION

    def __post_init__(self) -> None:
        check_choice("rnn_mode", self.rnn_mode, tuple(PARAMS_PER_LAYER))
        check_direction(self.direction)
        check_input_mode(self.input_mode)
        check_sizes(num_layers=self.num_layers, num_units=self.num_units, input_size=self.input_size)
        if self.input_mode == CUDNN_INPUT_SKIP_MODE and self.input_size != self.num_units:
            raise ValueError(
                f"input_mode 'skip_input' needs inputs of num_units, {self.num_units}; their size is {self.input_size}"
            )

    @property
    def gates(self) -> int:
        """How many matrices stand side by side."""
        return PARAMS_PER_LAYER[self.rnn_mode] // 2

    @property
    def directions(self) -> int:
        """One or two."""
        return 1 if self.direction == CUDNN_RNN_UNIDIRECTION else 2

    @property
    def skips(self) -> bool:
        """Whether the first layer takes its inputs as they are, without matrices."""
        return self.input_mode != CUDNN_INPUT_LINEAR_MODE and self.input_size == self.num_units

    @property
    def places(self) -> Iterator[int]:
        """The layer of each part of the network: layers from the first on, and of each the directions."""
        return (layer for layer in range(self.num_layers) for _ in range(self.directions))

    def width(self, layer: int) -> int:
        """The columns of the matrices of a layer's inputs."""
        if layer:
            return self.num_units * self.directions
        return 0 if self.skips else self.input_size

    @property
    def weight_shapes(self) -> list[tuple[int, int]]:
        """The shapes of all matrices."""
        units, gates = self.num_units, self.gates
        pairs = [[(units, self.width(layer))] * gates + [(units, units)] * gates for layer in self.places]
        return [shape for pair in pairs for shape in pair]

    @property
    def bias_shapes(self) -> list[list[int]]:
        """The shapes of all biases."""
        return [[self.num_units]] * (2 * self.gates * self.num_layers * self.directions)

    @property
    def size(self) -> int:
        """The number of elements of all of them."""
        return sum(math.prod(shape) for shape in [*self.weight_shapes, *self.bias_shapes])

    def joined(self, weights: Sequence[Any], biases: Sequence[Any]) -> Any:
        """The vector of all matrices and biases.

        Raises:
            ValueError: there are not as many as the network has.
        """
        for what, given, shapes in (("weights", weights, self.weight_shapes), ("biases", biases, self.bias_shapes)):
            if len(given) != len(shapes):
                raise ValueError(f"Expected {len(shapes)} {what}, got {len(given)}")
        return concat([reshape(part, [-1]) for part in (*weights, *biases)], 0)

    def joined_weights(self, weights: Sequence[Weights]) -> Any:
        """The vector of the weights of all layers and directions."""
        matrices = [reshape(matrix, [-1]) for part in weights for matrix in (part.inputs, part.states)]
        return concat([*matrices, *(bias for part in weights for bias in (part.input_bias, part.state_bias))], 0)

    def taken_apart(self, params: Any) -> tuple[list[Any], list[Any]]:
        """The matrices and the biases of a vector."""
        parts = _parts(params, [*self.weight_shapes, *self.bias_shapes])
        return parts[: len(self.weight_shapes)], parts[len(self.weight_shapes) :]

    def weights(self, params: Any) -> list[Weights]:
        """The weights of all layers and directions in a vector."""
        rows, places = self.gates * self.num_units, list(self.places)
        shapes = [shape for layer in places for shape in ((rows, self.width(layer)), (rows, self.num_units))]
        parts = _parts(params, [*shapes, *[[rows]] * len(shapes)])
        pairs = [parts[start : start + 2] for start in range(0, len(parts), 2)]
        matrices, biases = pairs[: len(places)], pairs[len(places) :]
        return [Weights(*both, *offsets) for both, offsets in zip(matrices, biases, strict=True)]


def _parts(params: Any, shapes: Sequence[Sequence[int]]) -> list[Any]:
    """The parts of a vector; its gradient is theirs in one piece again."""
    params, sizes = convert_to_tensor(params), [math.prod(shape) for shape in shapes]
    if params.sizes != (sum(sizes),):
        params = reshape(params, [sum(sizes)])
    found = iter(split(params, [size for size in sizes if size], 0))
    parts = [next(found) if size else zeros([0], params.dtype.base_dtype) for size in sizes]
    return [part if len(shape) == 1 else reshape(part, shape) for part, shape in zip(parts, shapes, strict=True)]
