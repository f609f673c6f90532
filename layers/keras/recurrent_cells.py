"""SimpleRNNCell, LSTMCell, GRUCell and StackedRNNCells: one step of recurrent networks, in Keras's order of gates.

A cell of the library works in two parts, so that a layer can do the first for all steps at once: `prepared` multiplies the
inputs by the kernel and gives the function that takes a step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...engine.nest import is_sequence
from ...engine.ops.array import shape as shape_of
from ...engine.ops.array_parts import concat, ones, zeros
from ...engine.ops.array_split import split, unstack
from ...engine.ops.cond import smart_cond
from ...engine.ops.linalg import matmul_op
from ...engine.ops.nn_bias import bias_add
from ...engine.ops.nn_layers import dropout as nn_dropout
from ...engine.ops.products import tensordot
from . import activations, initializers
from .base import Layer, Shape, accepts
from .checks import last_size, positive, share
from .serialization import registered

Step = Callable[[Any, list[Any]], tuple[Any, list[Any]]]


class RecurrentCell(Layer):
    """What the cells share: sizes, weights, and masks of dropout that are the same for all steps of a sequence."""

    gates = 1
    states = 1
    units: int
    dropout: float
    recurrent_dropout: float
    seed: int | None
    use_bias: bool

    def set_up(self, units: int, activation: Any, use_bias: bool, dropouts: tuple[float, float], seed: Any) -> None:
        """Checks and keeps what all cells are given."""
        kind = type(self).__name__
        self.units = positive(kind, "units", units)
        self.activation, self.use_bias = activations.get(activation), use_bias
        self.dropout = share(kind, "dropout", dropouts[0])
        self.recurrent_dropout = share(kind, "recurrent_dropout", dropouts[1])
        self.seed = seed

    @property
    def state_size(self) -> Any:
        """The sizes of the states."""
        return self.units if self.states == 1 else [self.units] * self.states

    @property
    def output_size(self) -> int:
        """The size of the output."""
        return self.units

    def get_initial_state(self, batch_size: Any = None) -> list[Any]:
        """States of zeros."""
        return [zeros([batch_size, self.units], self.compute_dtype) for _ in range(self.states)]

    def bias_shape(self) -> tuple[int, ...]:
        """The bias's shape."""
        return (self.gates * self.units,)

    def build(self, input_shape: Shape) -> None:
        width = self.gates * self.units
        self.kernel = self.make_weight("kernel", (last_size(self.name, input_shape), width))
        self.recurrent_kernel = self.make_weight("recurrent_kernel", (self.units, width), "recurrent")
        self.bias = self.make_weight("bias", self.bias_shape()) if self.use_bias else None

    def call(self, inputs: Any, states: Any, training: Any = None) -> Any:
        """The output and the next states for inputs [batch, size]."""
        nested = is_sequence(states)
        projected, step = self.prepared(inputs, training)
        output, following = step(projected, list(states) if nested else [states])
        return output, following if nested else following[0]

    def prepared(self, inputs: Any, training: Any) -> tuple[Any, Step]:
        """The inputs of one or of all steps [..., batch, size] times the kernel, and the function of a step."""
        if self.dropout > 0:
            inputs = inputs * self._noise(inputs, self.kernel.shape.as_list()[0], self.dropout, training)
        flat = len(inputs.sizes) == 2
        projected = matmul_op(inputs, self.kernel) if flat else tensordot(inputs, self.kernel, [[-1], [0]])
        bias = self.input_bias()
        kept = None
        if self.recurrent_dropout > 0:
            kept = self._noise(inputs, self.units, self.recurrent_dropout, training)
        return projected if bias is None else bias_add(projected, bias), self.step_with(kept)

    def _noise(self, inputs: Any, size: int, rate: float, training: Any) -> Any:
        """A mask [batch, size] that drops and scales while training, and is one otherwise."""
        batch = inputs.sizes[-2] if inputs.sizes[-2] is not None else shape_of(inputs)[len(inputs.sizes) - 2]
        whole = ones([batch, size], self.compute_dtype)
        return smart_cond(training, lambda: nn_dropout(whole, rate=min(rate, 1 - 1e-7), seed=self.seed), lambda: whole)

    def input_bias(self) -> Any:
        """What is added to the inputs' product."""
        return self.bias

    def step_with(self, kept: Any) -> Step:
        """The function of projected inputs and states that gives output and next states; `kept` is a mask of states."""
        raise NotImplementedError

    def fused(self, inputs: Any, states: list[Any]) -> tuple[Any, list[Any]] | None:
        """Outputs of all steps [time, batch, size] and last states by one operation; None where there is none."""
        return None


def _dropped(state: Any, kept: Any) -> Any:
    return state if kept is None else state * kept


@registered("layers")
class SimpleRNNCell(RecurrentCell):
    """`activation(inputs @ kernel + state @ recurrent_kernel + bias)`, which is the output and the next state.

    Args:
        units: size of the state.
        activation: a name or function.
        use_bias: whether there is a bias.
        kernel_initializer, recurrent_initializer, bias_initializer, kernel_regularizer, recurrent_regularizer,
            bias_regularizer, kernel_constraint, recurrent_constraint, bias_constraint: of the weights.
        dropout, recurrent_dropout: shares of inputs and of states dropped while training, the same at all steps.
        seed: of the dropout.

    Raises:
        ValueError: an argument is out of range.
    """

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
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.set_up(units, activation, use_bias, (dropout, recurrent_dropout), seed)
        self.keep(
            kernel_initializer=kernel_initializer, kernel_regularizer=kernel_regularizer,
            kernel_constraint=kernel_constraint, recurrent_initializer=recurrent_initializer,
            recurrent_regularizer=recurrent_regularizer, recurrent_constraint=recurrent_constraint,
            bias_initializer=bias_initializer, bias_regularizer=bias_regularizer, bias_constraint=bias_constraint,
        )  # fmt: skip

    def step_with(self, kept: Any) -> Step:
        """The function of a step."""

        def step(x: Any, states: list[Any]) -> tuple[Any, list[Any]]:
            output = self.activation(x + matmul_op(_dropped(states[0], kept), self.recurrent_kernel))
            return output, [output]

        return step


@registered("layers")
class LSTMCell(RecurrentCell):
    """A step of an LSTM: gates input, forget, candidate, output; states are the output and what the cell keeps.

    Args:
        units: size of the states.
        activation: of candidate and output.
        recurrent_activation: of the gates.
        use_bias: whether there is a bias.
        unit_forget_bias: whether the forget gate's bias starts at one.
        kernel_initializer, recurrent_initializer, bias_initializer, kernel_regularizer, recurrent_regularizer,
            bias_regularizer, kernel_constraint, recurrent_constraint, bias_constraint, dropout, recurrent_dropout, seed:
            as for SimpleRNNCell.

    Raises:
        ValueError: an argument is out of range.
    """

    gates, states = 4, 2

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
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs.pop("implementation", None)
        super().__init__(**kwargs)
        self.set_up(units, activation, use_bias, (dropout, recurrent_dropout), seed)
        self.recurrent_activation, self.unit_forget_bias = activations.get(recurrent_activation), unit_forget_bias
        self.keep(
            kernel_initializer=kernel_initializer, kernel_regularizer=kernel_regularizer,
            kernel_constraint=kernel_constraint, recurrent_initializer=recurrent_initializer,
            recurrent_regularizer=recurrent_regularizer, recurrent_constraint=recurrent_constraint,
            bias_initializer=bias_initializer, bias_regularizer=bias_regularizer, bias_constraint=bias_constraint,
        )  # fmt: skip

    def build(self, input_shape: Shape) -> None:
        use_bias, self.use_bias = self.use_bias, False
        super().build(input_shape)
        self.use_bias = use_bias
        if use_bias:
            options = {name: vars(self)[f"bias_{name}"] for name in ("regularizer", "constraint")}
            shape = self.bias_shape()
            self.bias = self.add_weight(name="bias", shape=shape, initializer=self._first_bias, **options)

    def _first_bias(self, shape: Any, dtype: Any = None) -> Any:
        start, units = vars(self)["bias_initializer"], self.units
        if not self.unit_forget_bias:
            return start(shape, dtype)
        return concat([start([units], dtype), initializers.Ones()([units], dtype), start([2 * units], dtype)], 0)

    def step_with(self, kept: Any) -> Step:
        """The function of a step."""

        def step(x: Any, states: list[Any]) -> tuple[Any, list[Any]]:
            before = _dropped(states[0], kept)
            enter, forget, fresh, leave = split(x + matmul_op(before, self.recurrent_kernel), 4, 1)
            gate = self.recurrent_activation
            cell = gate(forget) * states[1] + gate(enter) * self.activation(fresh)
            output = gate(leave) * self.activation(cell)
            return output, [output, cell]

        return step

    def fused(self, inputs: Any, states: list[Any]) -> tuple[Any, list[Any]] | None:
        """Outputs of all steps and last states by one operation, for the activations that it has."""
        if not _standard(self):
            return None
        from .recurrent_fused import lstm

        return lstm(inputs, states, self.kernel, self.recurrent_kernel, self.bias)


@registered("layers")
class GRUCell(RecurrentCell):
    """A step of a GRU: gates update, reset, candidate; the state is the output.

    Args:
        units: size of the state.
        activation: of the candidate.
        recurrent_activation: of the gates.
        use_bias: whether there is a bias; with `reset_after` there are two, [2, 3 * units].
        reset_after: whether the state is reset after its product with the recurrent kernel.
        kernel_initializer, recurrent_initializer, bias_initializer, kernel_regularizer, recurrent_regularizer,
            bias_regularizer, kernel_constraint, recurrent_constraint, bias_constraint, dropout, recurrent_dropout, seed:
            as for SimpleRNNCell.

    Raises:
        ValueError: an argument is out of range.
    """

    gates = 3

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
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        reset_after: bool = True,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        kwargs.pop("implementation", None)
        super().__init__(**kwargs)
        self.set_up(units, activation, use_bias, (dropout, recurrent_dropout), seed)
        self.recurrent_activation, self.reset_after = activations.get(recurrent_activation), reset_after
        self.keep(
            kernel_initializer=kernel_initializer, kernel_regularizer=kernel_regularizer,
            kernel_constraint=kernel_constraint, recurrent_initializer=recurrent_initializer,
            recurrent_regularizer=recurrent_regularizer, recurrent_constraint=recurrent_constraint,
            bias_initializer=bias_initializer, bias_regularizer=bias_regularizer, bias_constraint=bias_constraint,
        )  # fmt: skip

    def bias_shape(self) -> tuple[int, ...]:
        """The bias's shape: one for inputs and one for states with `reset_after`."""
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)

    def _biases(self) -> tuple[Any, Any]:
        if self.bias is None or not self.reset_after:
            return self.bias, None
        of_inputs, of_states = unstack(self.bias, 2)
        return of_inputs, of_states

    def input_bias(self) -> Any:
        """What is added to the inputs' product."""
        return self._biases()[0]

    def step_with(self, kept: Any) -> Step:
        """The function of a step."""
        bias = self._biases()[1]
        gate = self.recurrent_activation
        gates, last = None, None
        if not self.reset_after:
            gates, last = split(self.recurrent_kernel, [2 * self.units, self.units], 1)

        def step(x: Any, states: list[Any]) -> tuple[Any, list[Any]]:
            before = _dropped(states[0], kept)
            x_update, x_reset, x_fresh = split(x, 3, 1)
            if self.reset_after:
                product = matmul_op(before, self.recurrent_kernel)
                h_update, h_reset, h_fresh = split(product if bias is None else bias_add(product, bias), 3, 1)
                update, reset = gate(x_update + h_update), gate(x_reset + h_reset)
                fresh = self.activation(x_fresh + reset * h_fresh)
            else:
                h_update, h_reset = split(matmul_op(before, gates), 2, 1)
                update, reset = gate(x_update + h_update), gate(x_reset + h_reset)
                fresh = self.activation(x_fresh + matmul_op(reset * before, last))
            output = update * states[0] + (1.0 - update) * fresh
            return output, [output]

        return step

    def fused(self, inputs: Any, states: list[Any]) -> tuple[Any, list[Any]] | None:
        """Outputs of all steps and the last state by one operation, for the activations that it has."""
        if not _standard(self):
            return None
        from .recurrent_fused import gru, gru_that_resets_after

        run = gru_that_resets_after if self.reset_after else gru
        return run(inputs, states, self.kernel, self.recurrent_kernel, self.bias)


def _standard(cell: Any) -> bool:
    """Whether the activations are those of the fused operations, and nothing is dropped."""
    usual = cell.activation is activations.tanh and cell.recurrent_activation is activations.sigmoid
    return usual and not cell.dropout and not cell.recurrent_dropout


@registered("layers")
class StackedRNNCells(Layer):
    """Cells one after the other as one cell; its states are the list of the cells' states.

    Raises:
        ValueError: one of them is no cell.
    """

    def __init__(self, cells: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for cell in cells:
            check_cell(type(self).__name__, cell)
        self.cells = list(cells)

    @property
    def state_size(self) -> list[Any]:
        """The sizes of the cells' states."""
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self) -> int:
        """The size of the last cell's output."""
        return output_size_of(self.cells[-1])

    def get_initial_state(self, batch_size: Any = None) -> list[Any]:
        """States of zeros, a list for each cell."""
        return [initial_state_of(cell, batch_size, self.compute_dtype) for cell in self.cells]

    def build(self, input_shape: Shape) -> None:
        for cell in self.cells:
            if isinstance(cell, Layer):
                cell.build(input_shape)
            input_shape = (input_shape[0], output_size_of(cell))

    def call(self, inputs: Any, states: Any, training: Any = None) -> Any:
        following = []
        for cell, state in zip(self.cells, states, strict=True):
            inputs, after = call_cell(cell, inputs, list(state) if is_sequence(state) else [state], training)
            following.append(after)
        return inputs, following


def check_cell(owner: str, cell: Any) -> None:
    """Raises ValueError unless `cell` has `call` and `state_size`."""
    lacking = [name for name in ("call", "state_size") if not hasattr(cell, name)]
    if lacking:
        raise ValueError(
            f"The `cell` of {owner} must have `call` and `state_size`; {cell!r} lacks {', '.join(lacking)}"
        )


def output_size_of(cell: Any) -> int:
    """The size of a cell's output: what it says, else that of its first state."""
    size = getattr(cell, "output_size", None)
    if size is None:
        size = cell.state_size[0] if is_sequence(cell.state_size) else cell.state_size
    return int(size)


def initial_state_of(cell: Any, batch_size: Any, dtype: Any) -> list[Any]:
    """A cell's states of zeros as a list."""
    make = getattr(cell, "get_initial_state", None)
    if make is not None:
        state = make(batch_size=batch_size)
        return list(state) if is_sequence(state) else [state]
    sizes = cell.state_size if is_sequence(cell.state_size) else [cell.state_size]
    return [zeros([batch_size, size], dtype) for size in sizes]


def call_cell(cell: Any, inputs: Any, states: list[Any], training: Any) -> tuple[Any, list[Any]]:
    """The output and the next states, as a list, of any cell."""
    options = {"training": training} if isinstance(cell, Layer) and accepts(cell, "training") else {}
    output, following = (cell if callable(cell) else cell.call)(inputs, states, **options)
    return output, list(following) if is_sequence(following) else [following]
