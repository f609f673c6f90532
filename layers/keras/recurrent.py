"""RNN, SimpleRNN, LSTM and GRU: cells over sequences."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...engine.conversion import convert_to_tensor
from ...engine.dtypes import bool as bool_dtype
from ...engine.nest import flatten, is_sequence, map_structure, pack_sequence_as
from ...engine.ops.casting import cast
from ...engine.variables import Variable
from . import backend
from .base import Layer, Shape
from .input_spec import InputSpec
from .recurrent_cells import (
    GRUCell,
    LSTMCell,
    SimpleRNNCell,
    StackedRNNCells,
    check_cell,
    initial_state_of,
    output_size_of,
)
from .recurrent_loop import Steps, backwards, run_cell, time_first
from .reshaping import batch_of
from .serialization import registered


class _Held:
    """Variables that are no weights."""

    def __init__(self, states: Any) -> None:
        self.states = states


@registered("layers")
class RNN(Layer):
    """A cell over sequences [batch, time, ...].

    Args:
        cell: an object with `call(inputs, states)`, which gives an output and states, and `state_size`; or a list of
            such, one after the other.
        return_sequences: whether the outputs of all steps are wanted, and not the last one's.
        return_state: whether the last states are wanted too.
        go_backwards: whether steps are taken from the last one on; outputs are in the order of the steps taken.
        stateful: whether a batch begins with the states that the batch before ended with.
        unroll: whether the graph has each step apart.
        zero_output_for_mask: whether outputs at hidden steps are zeros, and not those of the step before.

    A mask [batch, time] hides steps: states stay there. The states to begin with may be given as `initial_state`, or
    with the inputs in a list.

    Raises:
        ValueError: the cell is none; a stateful layer's batch, or the length of what is to be unrolled, is not known.
    """

    supports_masking = True
    casts_integers = True

    def __init__(
        self,
        cell: Any,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if isinstance(cell, list | tuple):
            cell = StackedRNNCells(cell)
        check_cell(type(self).__name__, cell)
        self.cell = cell
        self.return_sequences, self.return_state = return_sequences, return_state
        self.go_backwards, self.stateful, self.unroll = go_backwards, stateful, unroll
        self.zero_output_for_mask = zero_output_for_mask
        self.input_spec = InputSpec(min_ndim=3)
        self._held: _Held | None = None

    @property
    def state_size(self) -> list[Any]:
        """The sizes of the states."""
        size = self.cell.state_size
        return list(size) if is_sequence(size) else [size]

    @property
    def states(self) -> Any:
        """The variables of a stateful layer's states, None for others."""
        return None if self._held is None else self._held.states

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        if isinstance(self.cell, Layer):
            self.cell.build((sequences_shape[0], *sequences_shape[2:]))
        if self.stateful:
            if sequences_shape[0] is None:
                raise ValueError(
                    f"Layer {self.name!r} is stateful and needs a known batch size: give batch_shape=(batch, ...) to "
                    f"the Input; got shape {sequences_shape}"
                )
            self._held = _Held(map_structure(self._state_variable, self.get_initial_state(sequences_shape[0])))

    def _state_variable(self, value: Any) -> Any:
        sizes = value.sizes
        return Variable(lambda: np.zeros(sizes, self._dtype.as_numpy_dtype), trainable=False, name="rnn_state")

    def get_initial_state(self, batch_size: Any) -> list[Any]:
        """The cell's states of zeros."""
        return initial_state_of(self.cell, batch_size, self.compute_dtype)

    def reset_state(self, states: Any = None) -> None:
        """Sets a stateful layer's states to zeros, or to given arrays.

        Raises:
            ValueError: the layer is not stateful, or was not called yet.
        """
        if self._held is None:
            raise ValueError(f"Layer {self.name!r} has no states to reset: it must be stateful and built")
        variables = flatten(self._held.states)
        values = [np.zeros(v.shape.as_list()) for v in variables] if states is None else flatten(states)
        if len(values) != len(variables):
            raise ValueError(f"Layer {self.name!r} has {len(variables)} states, got {len(values)}")
        backend.batch_set_value(list(zip(variables, values, strict=True)))

    reset_states = reset_state

    def __call__(self, sequences: Any, initial_state: Any = None, **kwargs: Any) -> Any:
        """The outputs for sequences, which may come in a list with the states to begin with."""
        if isinstance(sequences, list | tuple) and initial_state is None and len(sequences) > 1:
            sequences, initial_state = sequences[0], list(sequences[1:])
        if initial_state is not None:
            kwargs["initial_state"] = initial_state
        return super().__call__(sequences, **kwargs)

    def call(self, sequences: Any, initial_state: Any = None, mask: Any = None, training: Any = None) -> Any:
        """The outputs, and the states if they are wanted."""
        if self.unroll and sequences.sizes[1] is None:
            raise ValueError(f"Layer {self.name!r} cannot unroll sequences of unknown length: {sequences.shape}")
        inputs, seen = time_first(sequences), None
        if mask is not None:
            mask = mask[0] if isinstance(mask, list | tuple) else mask
            seen = time_first(cast(mask, bool_dtype))
        if self.go_backwards:
            inputs, seen = backwards(inputs), None if seen is None else backwards(seen)
        how = Steps(seen, self.zero_output_for_mask, self.unroll, self.return_sequences, training)
        outputs, states = run_cell(self.cell, inputs, self._first_states(sequences, initial_state), how)
        if self._held is not None:
            pairs = zip(flatten(self._held.states), flatten(states), strict=True)
            self.add_update([variable.assign(state) for variable, state in pairs])
        result = time_first(outputs) if self.return_sequences else outputs
        return (result, *states) if self.return_state else result

    def _first_states(self, sequences: Any, given: Any) -> list[Any]:
        if given is None:
            if self._held is not None:
                return list(map_structure(convert_to_tensor, self._held.states))
            return self.get_initial_state(batch_of(sequences))
        states = list(given) if is_sequence(given) else [given]
        structure = self.state_size
        if len(flatten(states)) != len(flatten(structure)):
            raise ValueError(
                f"Layer {self.name!r} has states of sizes {structure}, got {len(flatten(states))} initial states"
            )
        nested = [
            [size] if isinstance(self.cell, StackedRNNCells) and not is_sequence(size) else size for size in structure
        ]
        return list(pack_sequence_as(nested, flatten(states)))

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """The mask of the steps, where they are all kept."""
        mask = flatten(previous_mask)[0] if self.return_sequences else None
        return [mask] + [None] * len(self.state_size) if self.return_state else mask

    def compute_output_shape(self, sequences_shape: Any, initial_state_shape: Any = None) -> Any:
        shape = sequences_shape[0] if isinstance(sequences_shape[0], list | tuple) else sequences_shape
        batch, size = shape[0], output_size_of(self.cell)
        output: Shape = (batch, shape[1], size) if self.return_sequences else (batch, size)
        if not self.return_state:
            return output
        stacked = isinstance(self.cell, StackedRNNCells)
        return output, *(_state_shapes(batch, one, stacked) for one in self.state_size)


def _state_shapes(batch: int | None, size: Any, listed: bool) -> Any:
    if is_sequence(size):
        return [(batch, one) for one in size]
    return [(batch, size)] if listed else (batch, size)


class _OfOneCell(RNN):
    """A layer whose cell is made of its own arguments, which are also its attributes."""

    def __init__(self, cell: Any, names: tuple[str, ...], options: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(cell, **options, **kwargs)
        for name in names:
            setattr(self, name, getattr(cell, name))
        self.input_spec = InputSpec(ndim=3)


_WEIGHTS = tuple(
    f"{part}_{what}"
    for part in ("kernel", "recurrent", "bias")
    for what in ("initializer", "regularizer", "constraint")
)
_COMMON = ("units", "activation", "use_bias", "dropout", "recurrent_dropout", "seed", *_WEIGHTS)


@registered("layers")
class SimpleRNN(_OfOneCell):
    """A recurrent layer whose output is its state; see SimpleRNNCell and RNN for the arguments."""

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        cell = SimpleRNNCell(
            units, activation, use_bias, kernel_initializer, recurrent_initializer, bias_initializer,
            kernel_regularizer, recurrent_regularizer, bias_regularizer, kernel_constraint, recurrent_constraint,
            bias_constraint, dropout, recurrent_dropout, seed, **_of_cell(kwargs, "simple_rnn_cell"),
        )  # fmt: skip
        options = _run_options(locals())
        super().__init__(cell, _COMMON, options, activity_regularizer=activity_regularizer, **kwargs)


@registered("layers")
class LSTM(_OfOneCell):
    """Long short-term memory; see LSTMCell and RNN for the arguments.

    With the default activations, without dropout and without a mask all steps are one operation.

    Example:
        >>> import headrace as tf
        >>> layer = tf.keras.layers.LSTM(5, return_sequences=True)
        >>> layer(tf.keras.Input((None, 3))).shape.as_list(), layer.count_params()
        ([None, None, 5], 180)
    """

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        use_cudnn: Any = "auto",
        **kwargs: Any,
    ) -> None:
        cell = LSTMCell(
            units, activation, recurrent_activation, use_bias, kernel_initializer, recurrent_initializer,
            bias_initializer, unit_forget_bias, kernel_regularizer, recurrent_regularizer, bias_regularizer,
            kernel_constraint, recurrent_constraint, bias_constraint, dropout, recurrent_dropout, seed,
            **_of_cell(kwargs, "lstm_cell"),
        )  # fmt: skip
        options = _run_options(locals())
        names = (*_COMMON, "recurrent_activation", "unit_forget_bias")
        super().__init__(cell, names, options, activity_regularizer=activity_regularizer, **kwargs)


@registered("layers")
class GRU(_OfOneCell):
    """Gated recurrent unit; see GRUCell and RNN for the arguments."""

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        reset_after: bool = True,
        use_cudnn: Any = "auto",
        **kwargs: Any,
    ) -> None:
        cell = GRUCell(
            units, activation, recurrent_activation, use_bias, kernel_initializer, recurrent_initializer,
            bias_initializer, kernel_regularizer, recurrent_regularizer, bias_regularizer, kernel_constraint,
            recurrent_constraint, bias_constraint, dropout, recurrent_dropout, reset_after, seed,
            **_of_cell(kwargs, "gru_cell"),
        )  # fmt: skip
        options = _run_options(locals())
        names = (*_COMMON, "recurrent_activation", "reset_after")
        super().__init__(cell, names, options, activity_regularizer=activity_regularizer, **kwargs)


def _of_cell(kwargs: dict[str, Any], name: str) -> dict[str, Any]:
    """The cell's name, and those of a layer's further arguments that are its cell's too."""
    kwargs.pop("implementation", None)
    return {"name": name, **{key: kwargs[key] for key in ("dtype", "trainable") if key in kwargs}}


def _run_options(arguments: dict[str, Any]) -> dict[str, Any]:
    """The arguments of RNN among a constructor's."""
    names = ("return_sequences", "return_state", "go_backwards", "stateful", "unroll")
    return {name: arguments[name] for name in names}
