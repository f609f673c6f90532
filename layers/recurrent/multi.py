"""MultiRNNCell: cells one after the other, as TensorFlow 1.15's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...engine.graph import get_default_graph
from ...engine.nest import is_sequence
from ...engine.ops.array_parts import concat
from ...engine.ops.array_split import split
from ...engine.variable_scope import variable_scope
from .cell import RNNCell


class MultiRNNCell(RNNCell):
    """Cells of which each one's output is the next one's input; their variables are in `cell_0`, `cell_1`...

    Args:
        cells: the cells, the first one sees the inputs.
        state_is_tuple: whether the state is a tuple of the cells' states; otherwise these joined along the columns.

    Raises:
        ValueError: there are no cells, or one has a nested state and `state_is_tuple` is False.
        TypeError: `cells` is not a list or tuple.
    """

    def __init__(self, cells: Sequence[Any], state_is_tuple: bool = True) -> None:
        super().__init__()
        if not is_sequence(cells):
            raise TypeError(f"cells must be a list or tuple, but saw: {cells}.")
        if not cells:
            raise ValueError("Must specify at least one cell for MultiRNNCell.")
        self._cells = list(cells)
        self._state_is_tuple = state_is_tuple
        if not state_is_tuple and any(is_sequence(cell.state_size) for cell in cells):
            sizes = [cell.state_size for cell in cells]
            raise ValueError(f"Some cells return tuples of states, but the flag state_is_tuple is not set: {sizes}")

    @property
    def state_size(self) -> Any:
        sizes = tuple(cell.state_size for cell in self._cells)
        return sizes if self._state_is_tuple else sum(sizes)

    @property
    def output_size(self) -> Any:
        return self._cells[-1].output_size

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """The states of zeros of all cells."""
        if not self._state_is_tuple:
            return super().zero_state(batch_size, dtype)
        with get_default_graph().name_scope("MultiRNNCellZeroState"):
            return tuple(cell.zero_state(batch_size, dtype) for cell in self._cells)

    @property
    def trainable_weights(self) -> list[Any]:
        """The cells' variables that training changes."""
        return [v for cell in self._cells for v in cell.trainable_weights] if self.trainable else []

    @property
    def weights(self) -> list[Any]:
        """The cells' variables."""
        return [v for cell in self._cells for v in cell.weights]

    variables = weights
    trainable_variables = trainable_weights

    def call(self, inputs: Any, state: Any = None, *, sequence: Any = None, **kwargs: Any) -> Any:
        states = state if self._state_is_tuple else split(state, [cell.state_size for cell in self._cells], 1)
        if len(states) != len(self._cells):
            raise ValueError(f"Expected state to be a tuple of length {len(self._cells)}, but received: {state}")
        following = []
        for index, (cell, own) in enumerate(zip(self._cells, states, strict=True)):
            with variable_scope(f"cell_{index}"):
                if sequence is None:
                    inputs, new = cell(inputs, own)
                else:
                    sequence, new = cell(sequence[0], own, sequence=sequence)
            following.append(new)
        inputs = inputs if sequence is None else sequence
        return inputs, tuple(following) if self._state_is_tuple else concat(following, 1)
