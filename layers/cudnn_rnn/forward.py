"""A recurrent network over sequences from the vector of its weights: an operation a layer and direction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...engine.conversion import convert_to_tensor
from ...engine.dtypes import int32, int64
from ...engine.graph import Tensor
from ...engine.ops.array import reshape, shape as shape_of, stack
from ...engine.ops.array_order import reverse, reverse_sequence, transpose
from ...engine.ops.array_parts import concat, zeros, zeros_like
from ...engine.ops.array_sets import sequence_mask
from ...engine.ops.array_shape import expand_dims
from ...engine.ops.array_split import split, unstack
from ...engine.ops.casting import cast
from ...engine.ops.choice import select_op
from ...engine.ops.comparison import equal
from ...engine.ops.cond import smart_cond
from ...engine.ops.diagonals import eye
from ...engine.ops.indexing import gather_nd
from ...engine.ops.map_scan import scan
from ...engine.ops.nn_activations import relu
from ...engine.ops.nn_layers import dropout as dropout_of
from ...engine.ops.products import matmul
from ...engine.ops.ranges import range as range_of
from ...engine.ops.recurrent_gru_after import gru_reset_after_sequence_op
from ...engine.ops.recurrent_lstm import block_lstm_op
from ...engine.ops.trigonometric import tanh
from ...engine.static import constant_value
from .parameters import CUDNN_GRU, CUDNN_LSTM, CUDNN_RNN_RELU, Layout, Weights

# Outputs of all steps, then the last output and, of an LSTM, the last cell state.
Run = tuple[Any, Any, Any]


@dataclass(frozen=True)
class Sequences:
    """Where the sequences of a batch end: at `lengths`, or all after the last step."""

    lengths: Any = None

    def backwards(self, values: Any) -> Any:
        """The steps of `[time, batch, ...]` from each sequence's last one on."""
        if self.lengths is None:
            return reverse(values, [0])
        return reverse_sequence(values, self.lengths, seq_axis=0, batch_axis=1)

    def cut(self, values: Any) -> Any:
        """Zeros after the end."""
        if self.lengths is None:
            return values
        seen = sequence_mask(self.lengths, shape_of(values)[0], values.dtype.base_dtype)
        return values * expand_dims(transpose(seen), 2)

    def last(self, values: Any, first: Any) -> Any:
        """The value of the last step, `first` for sequences without steps."""
        if self.lengths is None:
            return values[-1]
        rows = range_of(shape_of(values)[1], dtype=self.lengths.dtype.base_dtype)
        # A length below zero stays an index that is refused, as one past the last step is.
        steps = select_op(equal(self.lengths, 0), zeros_like(self.lengths), self.lengths - 1)
        found = gather_nd(values, stack([steps, rows], 1), name="step_of_sequence_lengths")
        return select_op(self.lengths > 0, found, first)


def run_network(
    layout: Layout,
    inputs: Any,
    h: Any,
    c: Any,
    params: Any,
    sequence_lengths: Any = None,
    time_major: bool = True,
    dropout: float = 0.0,
    training: Any = True,
    seed: int | None = None,
) -> Run:
    """Outputs `[time, batch, directions * units]`, and the last states as `h`.

    Args:
        layout: of the network.
        inputs: `[time, batch, size]`.
        h, c: the states before, `[layers * directions, batch, units]`; `c` for an LSTM only.
        params: the vector of the weights.
        sequence_lengths: `[batch]`, integers: outputs after that are zeros, and the last states those of that step.
        time_major: otherwise inputs, outputs and states begin with the batch.
        dropout: the share of the outputs of each layer but the last that is dropped in training.
        training: whether it is, as a bool or a tensor.
        seed: of what is dropped.

    Raises:
        TypeError: `sequence_lengths` are not integers.
        ValueError: they are known and not from 0 to the number of steps, or not one for each sequence; or there are no steps.
    """
    if not time_major:
        inputs, h, c = (None if value is None else _turned(value) for value in (inputs, h, c))
    if inputs.shape.as_list()[0] == 0:
        raise ValueError(f"A recurrent network needs inputs of a step or more, got {inputs.shape}")
    count = layout.num_layers * layout.directions
    cells = [None] * count if c is None else unstack(c, count)
    states = list(zip(unstack(h, count), cells, strict=True))
    lengths = None if sequence_lengths is None else _checked(convert_to_tensor(sequence_lengths), inputs)
    sequences, weights, last, values = Sequences(lengths), layout.weights(params), [], inputs
    for start in range(0, count, layout.directions):
        layer = slice(start, start + layout.directions)
        if start and dropout:
            values = _dropped(values, dropout, training, None if seed is None else seed + start)
        runs = _layer(layout.rnn_mode, values, states[layer], weights[layer], sequences)
        values = runs[0][0] if len(runs) == 1 else concat([run[0] for run in runs], 2)
        last += [run[1:] for run in runs]
    h, c = stack([state[0] for state in last]), None if c is None else stack([state[1] for state in last])
    if not time_major:
        values, h, c = (None if value is None else _turned(value) for value in (values, h, c))
    return values, h, c


def _checked(lengths: Any, inputs: Any) -> Any:
    """Lengths, of which all is asked that is known when the graph is built; `inputs` are `[time, batch, ...]`."""
    if lengths.dtype.base_dtype not in (int32, int64):
        raise TypeError(f"sequence_lengths must be int32 or int64, got {lengths.dtype.base_dtype.name}")
    steps, batch = inputs.shape.as_list()[:2]
    if not lengths.shape.is_compatible_with([batch]):
        raise ValueError(f"sequence_lengths must be of shape [{batch}], one for each sequence, got {lengths.shape}")
    known = constant_value(lengths)
    if (
        known is not None
        and known.size
        and (known.min() < 0 or known.max() > (known.max() if steps is None else steps))
    ):
        raise ValueError(f"sequence_lengths must be from 0 to the number of steps, {steps}; got {known.tolist()}")
    return lengths


def _dropped(values: Any, rate: float, training: Any, seed: int | None) -> Any:
    result = smart_cond(training, lambda: dropout_of(values, rate=rate, seed=seed), lambda: values)
    result.set_shape(values.shape)
    return result


def _turned(value: Any) -> Tensor:
    return transpose(convert_to_tensor(value), [1, 0, 2])


def _layer(
    mode: str, inputs: Any, states: Sequence[Any], weights: Sequence[Weights], sequences: Sequences
) -> list[Run]:
    """A layer in each direction."""
    runs = []
    for k, ((h, c), part) in enumerate(zip(states, weights, strict=True)):
        outputs, cells = _over(mode, sequences.backwards(inputs) if k else inputs, h, c, part)
        last = sequences.last(outputs, h), None if c is None else sequences.last(cells, c)
        runs.append((sequences.cut(sequences.backwards(outputs) if k else outputs), *last))
    return runs


def _over(mode: str, inputs: Any, h: Any, c: Any, weights: Weights) -> tuple[Any, Any]:
    """Outputs of all steps, and an LSTM's cell states."""
    if not weights.inputs.sizes[1]:
        units = weights.states.sizes[1]
        one = eye(units, dtype=inputs.dtype.base_dtype)
        square = concat([one] * (weights.states.sizes[0] // units), 0)
        weights = Weights(square, weights.states, weights.input_bias, weights.state_bias)
    if mode == CUDNN_LSTM:
        return _lstm(inputs, h, c, weights)
    if mode == CUDNN_GRU:
        kernels = transpose(weights.inputs), transpose(weights.states)
        return gru_reset_after_sequence_op(inputs, h, *kernels, weights.input_bias, weights.state_bias).h, None
    return _simple(relu if mode == CUDNN_RNN_RELU else tanh, inputs, h, weights), None


def _lstm(inputs: Any, h: Any, c: Any, weights: Weights) -> tuple[Any, Any]:
    units = weights.states.sizes[1]
    none = zeros([units], inputs.dtype.base_dtype)
    kernel = transpose(lstm_gates(concat([weights.inputs, weights.states], 1)))
    result = block_lstm_op(
        cast(shape_of(inputs)[0], int64), inputs, c, h, kernel, none, none, none,
        lstm_gates(weights.input_bias + weights.state_bias), forget_bias=0.0, cell_clip=-1.0,
    )  # fmt: skip
    return result.h, result.cs


def lstm_gates(rows: Any) -> Any:
    """Rows in cuDNN's order of an LSTM's gates, i, f, c, o, in the order of BlockLSTM, i, c, f, o; and the other way round."""
    first, second, third, fourth = split(rows, 4, 0)
    return concat([first, third, second, fourth], 0)


def _simple(activation: Any, inputs: Any, h: Any, weights: Weights) -> Any:
    size, units = inputs.sizes[2], weights.states.sizes[1]
    sizes = shape_of(inputs)
    products = matmul(reshape(inputs, [-1, size]), weights.inputs, transpose_b=True)
    steps = reshape(products + (weights.input_bias + weights.state_bias), [sizes[0], sizes[1], units])
    steps.set_shape([inputs.sizes[0], inputs.sizes[1], units])

    def step(before: Any, now: Any) -> Any:
        after = activation(now + matmul(before, weights.states, transpose_b=True))
        after.set_shape(before.shape)
        return after

    return scan(step, steps, h)
