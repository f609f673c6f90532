"""Cells around a cell: DropoutWrapper, ResidualWrapper and DeviceWrapper, as TensorFlow 1.15's."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from ...engine import nest
from ...engine.dtypes import as_dtype
from ...engine.graph import Tensor, get_default_graph
from ...engine.ops.nn_layers import dropout
from ...engine.ops.random import random_uniform
from ...engine.ops.rounding import floor
from ...engine.ops.tensor_array import TensorArray
from .cell import RNNCell, shapes_of, tail_of
from .lstm import LSTMStateTuple


class CellWrapper(RNNCell):
    """A cell that changes what another one is given or gives; it has no variables and no scope of its own."""

    def __init__(self, cell: Any) -> None:
        super().__init__()
        check_cell("cell", cell)
        self.cell = cell

    @property
    def wrapped_cell(self) -> Any:
        """The cell inside."""
        return self.cell

    @property
    def state_size(self) -> Any:
        return self.cell.state_size

    @property
    def output_size(self) -> Any:
        return self.cell.output_size

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """The cell's state of zeros."""
        with get_default_graph().name_scope(type(self).__name__ + "ZeroState"):
            return self.cell.zero_state(batch_size, dtype)

    @property
    def trainable_weights(self) -> list[Any]:
        """The cell's variables that training changes."""
        return list(self.cell.trainable_weights)

    @property
    def weights(self) -> list[Any]:
        """The cell's variables."""
        return list(self.cell.weights)

    variables = weights
    trainable_variables = trainable_weights


def check_cell(name: str, cell: Any) -> None:
    """Raises TypeError unless `cell` has what a cell must have."""
    lacking = [
        part for part in ("output_size", "state_size", "zero_state", "__call__") if not hasattr(type(cell), part)
    ]
    if lacking:
        raise TypeError(f"The argument {name!r} ({cell}) is not an RNNCell: it lacks {', '.join(lacking)}.")


class DropoutWrapper(CellWrapper):
    """Drops parts of a cell's inputs, state and outputs by chance.

    Args:
        cell: the cell.
        input_keep_prob, output_keep_prob, state_keep_prob: the share that is kept; numbers or scalar tensors.
        variational_recurrent: whether one mask serves all steps; `dtype` is then needed, and `input_size` where
            inputs are dropped.
        input_size: structure of the inputs' sizes without the batch.
        dtype: of inputs, state and outputs.
        seed: of all masks, which differ from each other.
        dropout_state_filter_visitor: a function of the state that says, in the structure of it or of its upper part,
            what may be dropped; by default all but the `c` of LSTM states and TensorArrays.

    Raises:
        TypeError: `cell` is not a cell, or the visitor not callable.
        ValueError: a probability is not within 0 and 1, or an argument that variational dropout needs is missing.
    """

    def __init__(
        self,
        cell: Any,
        input_keep_prob: Any = 1.0,
        output_keep_prob: Any = 1.0,
        state_keep_prob: Any = 1.0,
        variational_recurrent: bool = False,
        input_size: Any = None,
        dtype: Any = None,
        seed: int | None = None,
        dropout_state_filter_visitor: Callable[[Any], Any] | None = None,
    ) -> None:
        super().__init__(cell)
        if dropout_state_filter_visitor is not None and not callable(dropout_state_filter_visitor):
            raise TypeError("dropout_state_filter_visitor must be callable")
        self._filter = dropout_state_filter_visitor or _all_but_memory
        self._seed = seed
        self._keep = {"input": input_keep_prob, "state": state_keep_prob, "output": output_keep_prob}
        for name, keep in self._keep.items():
            if isinstance(keep, int | float) and not 0 <= keep <= 1:
                raise ValueError(f"Parameter {name}_keep_prob must be between 0 and 1: {keep}")
        self._noise: dict[str, list[Tensor]] = {}
        if variational_recurrent:
            self._draw(input_size, dtype)

    def _draw(self, input_size: Any, dtype: Any) -> None:
        if dtype is None:
            raise ValueError("When variational_recurrent=True, dtype must be provided")
        sizes = {"input": input_size, "state": self.cell.state_size, "output": self.cell.output_size}
        for name, size in sizes.items():
            if not self._drops(name):
                continue
            if size is None:
                raise ValueError("When variational_recurrent=True and input_keep_prob < 1.0, input_size must be given")
            self._noise[name] = [
                random_uniform([1, *tail_of(one)], dtype=as_dtype(dtype), seed=self._seed_of(name, index))
                for index, one in enumerate(nest.flatten(shapes_of(size)))
            ]

    def _drops(self, name: str) -> bool:
        keep = self._keep[name]
        return isinstance(keep, Tensor) or float(keep) < 1

    def _seed_of(self, salt: str, index: int) -> int | None:
        if self._seed is None:
            return None
        import hashlib  # which loads a library of cryptography

        digest = hashlib.md5(f"{self._seed}{salt}_{index}".encode(), usedforsecurity=False).hexdigest()
        return int(digest[:8], 16) & 0x7FFFFFFF

    def _dropped(self, name: str, values: Any, chosen: Any = None) -> Any:
        if not self._drops(name):
            return values
        chosen = nest.map_structure(lambda _: True, values) if chosen is None else chosen
        numbers = itertools.count()

        def drop(wanted: Any, value: Any) -> Any:
            index = next(numbers)
            return self._drop(name, index, value) if not isinstance(wanted, bool) or wanted else value

        return nest.map_structure_up_to(chosen, drop, chosen, values)

    def _drop(self, name: str, index: int, value: Any) -> Any:
        keep = self._keep[name]
        if name not in self._noise:
            return dropout(value, rate=1 - keep, seed=self._seed_of(name, index))
        kept = value / keep * floor(self._noise[name][index] + keep)
        kept.set_shape(value.shape)
        return kept

    def __call__(self, inputs: Any, state: Any = None, scope: Any = None, *args: Any, **kwargs: Any) -> Any:
        """The cell's output and next state, with parts of inputs, state and output dropped."""
        output, following = self.cell(self._dropped("input", inputs), state, scope, *args, **kwargs)
        if self._drops("state"):
            following = self._dropped("state", following, self._filter(following))
        return self._dropped("output", output), following


def _all_but_memory(state: Any) -> Any:
    if isinstance(state, LSTMStateTuple):
        return LSTMStateTuple(False, True)
    if isinstance(state, list | tuple):
        parts = [_all_but_memory(part) for part in state]
        return type(state)(*parts) if hasattr(state, "_fields") else type(state)(parts)
    return not isinstance(state, TensorArray)


class ResidualWrapper(CellWrapper):
    """Adds a cell's inputs to its outputs.

    Args:
        cell: the cell.
        residual_fn: a function of inputs and outputs that gives the outputs, instead of the sum.

    Raises:
        ValueError: when called, inputs and outputs differ in structure or shape.
    """

    def __init__(self, cell: Any, residual_fn: Callable[[Any, Any], Any] | None = None) -> None:
        super().__init__(cell)
        self._residual = residual_fn or _sum

    def __call__(self, inputs: Any, state: Any = None, scope: Any = None, *args: Any, **kwargs: Any) -> Any:
        """The cell's output joined with the inputs, and its next state."""
        output, following = self.cell(inputs, state, scope, *args, **kwargs)
        return self._residual(inputs, output), following


def _sum(inputs: Any, outputs: Any) -> Any:
    nest.map_structure(lambda a, b: a.shape.assert_is_compatible_with(b.shape), inputs, outputs)
    return nest.map_structure(lambda a, b: a + b, inputs, outputs)


class DeviceWrapper(CellWrapper):
    """Runs a cell on a device.

    Args:
        cell: the cell.
        device: the device's name, or a function of operations that gives it.
    """

    def __init__(self, cell: Any, device: Any) -> None:
        super().__init__(cell)
        self._device = device

    def zero_state(self, batch_size: Any, dtype: Any) -> Any:
        """The cell's state of zeros, on the device."""
        with get_default_graph().device(self._device):
            return super().zero_state(batch_size, dtype)

    def __call__(self, inputs: Any, state: Any = None, scope: Any = None, *args: Any, **kwargs: Any) -> Any:
        """The cell's output and next state."""
        with get_default_graph().device(self._device):
            return self.cell(inputs, state, scope, *args, **kwargs)
