"""Cells around a cell of TensorFlow 1.15's contrib.rnn: projections, embedding, highway, attention over past outputs."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ...engine import nest
from ...engine.graph import get_default_graph
from ...engine.initializers import constant_initializer, random_uniform_initializer
from ...engine.ops.array import reshape
from ...engine.ops.array_parts import concat
from ...engine.ops.array_shape import expand_dims
from ...engine.ops.array_split import split
from ...engine.ops.nn_bias import xw_plus_b
from ...engine.ops.nn_convolution import conv2d
from ...engine.ops.nn_embedding import embedding_lookup
from ...engine.ops.nn_losses import softmax
from ...engine.ops.reduce import reduce_sum
from ...engine.ops.trigonometric import sigmoid, tanh
from ...engine.variable_scope import get_variable, get_variable_scope, variable_scope
from .cell import RNNCell, depth_of, units_of
from .linear import linear
from .wrappers import CellWrapper, check_cell


class _AroundCell(RNNCell):
    """A cell around another one, with variables and a scope of its own."""

    def __init__(self, cell: Any, reuse: bool | None = None) -> None:
        super().__init__(_reuse=reuse)
        check_cell("cell", cell)
        self._cell = cell

    @property
    def state_size(self) -> Any:
        return self._cell.state_size

    @property
    def output_size(self) -> Any:
        return self._cell.output_size

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """The cell's state of zeros."""
        with get_default_graph().name_scope(type(self).__name__ + "ZeroState"):
            return self._cell.zero_state(batch_size, dtype)


class InputProjectionWrapper(_AroundCell):
    """A cell that sees an affine map of the inputs.

    Args:
        cell: the cell.
        num_proj: size of what it sees.
        activation: a function of the map's result, None for none.
        input_size: accepted and not used.
        reuse: whether the variables are there already.
    """

    def __init__(
        self,
        cell: Any,
        num_proj: int,
        activation: Callable[[Any], Any] | None = None,
        input_size: Any = None,
        reuse: bool | None = None,
    ) -> None:
        super().__init__(cell, reuse)
        self._num_proj, self._activation = num_proj, activation

    def call(self, inputs: Any, state: Any = None, **kwargs: Any) -> Any:
        projected = linear(inputs, self._num_proj, True)
        return self._cell(projected if self._activation is None else self._activation(projected), state)


class OutputProjectionWrapper(_AroundCell):
    """A cell whose output goes through an affine map.

    Args:
        cell: the cell.
        output_size: size of the output.
        activation: a function of the map's result, None for none.
        reuse: whether the variables are there already.
    """

    def __init__(
        self,
        cell: Any,
        output_size: int,
        activation: Callable[[Any], Any] | None = None,
        reuse: bool | None = None,
    ) -> None:
        super().__init__(cell, reuse)
        self._output_size, self._activation = units_of(self, output_size, "output_size"), activation

    @property
    def output_size(self) -> int:
        return self._output_size

    def call(self, inputs: Any, state: Any = None, **kwargs: Any) -> Any:
        output, following = self._cell(inputs, state)
        projected = linear(output, self._output_size, True)
        return projected if self._activation is None else self._activation(projected), following


class EmbeddingWrapper(_AroundCell):
    """A cell whose inputs are numbers of rows in a table.

    Args:
        cell: the cell.
        embedding_classes: how many rows there are.
        embedding_size: their size.
        initializer: of the table; by default the scope's, else uniform with variance one.
        reuse: whether the variables are there already.

    Raises:
        ValueError: a size is not positive.
    """

    def __init__(
        self,
        cell: Any,
        embedding_classes: int,
        embedding_size: int,
        initializer: Any = None,
        reuse: bool | None = None,
    ) -> None:
        super().__init__(cell, reuse)
        if embedding_classes <= 0 or embedding_size <= 0:
            raise ValueError(
                f"Both embedding_classes and embedding_size must be > 0: {embedding_classes}, {embedding_size}."
            )
        self._shape = [embedding_classes, embedding_size]
        self._initializer = initializer

    def call(self, inputs: Any, state: Any = None, **kwargs: Any) -> Any:
        limit = math.sqrt(3)
        initializer = self._initializer or get_variable_scope().initializer
        dtype = nest.flatten(state)[0].dtype.base_dtype
        table = get_variable(
            "embedding", self._shape, dtype, initializer or random_uniform_initializer(-limit, limit, dtype=dtype)
        )
        return self._cell(embedding_lookup(table, reshape(inputs, [-1])), state)


class HighwayWrapper(CellWrapper):
    """Mixes a cell's inputs and outputs: a learned gate says how much of each.

    Args:
        cell: the cell.
        couple_carry_transform_gates: whether the outputs' gate is one less the inputs'.
        carry_bias_init: what the bias of the inputs' gate starts with.
    """

    def __init__(self, cell: Any, couple_carry_transform_gates: bool = True, carry_bias_init: float = 1.0) -> None:
        super().__init__(cell)
        self._coupled, self._carry_bias = couple_carry_transform_gates, carry_bias_init

    def __call__(self, inputs: Any, state: Any = None, scope: Any = None, *args: Any, **kwargs: Any) -> Any:
        """The mixed output and the cell's next state."""
        output, following = self.cell(inputs, state, scope, *args, **kwargs)
        nest.map_structure(lambda a, b: a.shape.assert_is_compatible_with(b.shape), inputs, output)
        return nest.map_structure(self._mixed, inputs, output), following

    def _mixed(self, inputs: Any, output: Any) -> Any:
        carry = self._gate("carry", inputs, self._carry_bias)
        transform = 1 - carry if self._coupled else self._gate("transform", inputs, -self._carry_bias)
        return inputs * carry + output * transform

    def _gate(self, name: str, inputs: Any, start: float) -> Any:
        size, dtype = depth_of(inputs.shape, "HighwayWrapper"), inputs.dtype.base_dtype
        weights = get_variable(f"{name}_w", [size, size], dtype)
        bias = get_variable(f"{name}_b", [size], dtype, constant_initializer(start))
        return sigmoid(xw_plus_b(inputs, weights, bias))


class AttentionCellWrapper(_AroundCell):
    """A cell with attention over its own last outputs.

    Args:
        cell: the cell.
        attn_length: over how many outputs.
        attn_size: size of an output; the cell's by default.
        attn_vec_size: size of the scores' hidden layer; `attn_size` by default.
        input_size: size of what the cell sees, inputs and attention mapped together; the inputs' by default.
        state_is_tuple: whether the state is a tuple of the cell's, the attention and the outputs; otherwise these
            joined along the columns.
        reuse: whether the variables are there already.

    Raises:
        ValueError: the cell's state is nested though `state_is_tuple` is False, or `attn_length` not positive.
    """

    def __init__(
        self,
        cell: Any,
        attn_length: int,
        attn_size: int | None = None,
        attn_vec_size: int | None = None,
        input_size: int | None = None,
        state_is_tuple: bool = True,
        reuse: bool | None = None,
    ) -> None:
        super().__init__(cell, reuse)
        if nest.is_sequence(cell.state_size) and not state_is_tuple:
            raise ValueError(
                f"Cell returns tuple of states, but the flag state_is_tuple is not set. State size is: {cell.state_size}"
            )
        if attn_length <= 0:
            raise ValueError(f"attn_length should be greater than zero, got {attn_length}")
        self._length = attn_length
        self._size: int = cell.output_size if attn_size is None else attn_size
        self._hidden_size = self._size if attn_vec_size is None else attn_vec_size
        self._input_size = input_size
        self._is_tuple = state_is_tuple

    @property
    def state_size(self) -> Any:
        sizes = (self._cell.state_size, self._size, self._size * self._length)
        return sizes if self._is_tuple else sum(sizes)

    @property
    def output_size(self) -> int:
        return self._size

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """A state of zeros for a batch; `batch_size` is a number or a scalar tensor."""
        return RNNCell.zero_state(self, batch_size, dtype)

    def call(self, inputs: Any, state: Any = None, **kwargs: Any) -> Any:
        sizes = [self._cell.state_size, self._size, self._size * self._length]
        own, attention, past = state if self._is_tuple else split(state, sizes, 1)
        size = self._input_size or depth_of(inputs.shape, "AttentionCellWrapper")
        output, own = self._cell(linear([inputs, attention], size, True), own)
        query = concat(nest.flatten(own), 1) if self._is_tuple else own
        past = reshape(past, [-1, self._length, self._size])
        attention = self._attention(query, past)
        output = linear([output, attention], self._size, True, scope="attn_output_projection")
        past = concat([past[:, 1:], expand_dims(output, 1)], 1)
        parts = (own, attention, reshape(past, [-1, self._length * self._size]))
        return output, parts if self._is_tuple else concat(list(parts), 1)

    def _attention(self, query: Any, past: Any) -> Any:
        dtype = past.dtype.base_dtype
        with variable_scope("attention"):
            weights = get_variable("attn_w", [1, 1, self._size, self._hidden_size], dtype)
            scores_of = get_variable("attn_v", [self._hidden_size], dtype)
            hidden = reshape(past, [-1, self._length, 1, self._size])
            features = conv2d(hidden, weights, [1, 1, 1, 1], "SAME")
            asked = reshape(linear(query, self._hidden_size, True), [-1, 1, 1, self._hidden_size])
            shares = softmax(reduce_sum(scores_of * tanh(features + asked), [2, 3]))
            mean = reduce_sum(reshape(shares, [-1, self._length, 1, 1]) * hidden, [1, 2])
            return reshape(mean, [-1, self._size])
