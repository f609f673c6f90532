"""raw_rnn: a cell in a loop whose inputs, states and end a function decides."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...engine import nest
from ...engine.conversion import convert_to_tensor
from ...engine.graph import Tensor
from ...engine.ops.array import shape, stack
from ...engine.ops.array_parts import concat, zeros
from ...engine.ops.choice import select_op
from ...engine.ops.comparison import logical_or
from ...engine.ops.constant import constant
from ...engine.ops.reduce import reduce_all
from ...engine.ops.rounding import logical_not
from ...engine.ops.tensor_array import TensorArray
from ...engine.ops.while_loop import while_loop
from ...engine.shapes import TensorShape
from ...engine.variable_scope import variable_scope
from .cell import shapes_of
from .wrappers import check_cell


def raw_rnn(
    cell: Any,
    loop_fn: Callable[..., Any],
    parallel_iterations: int | None = None,
    swap_memory: bool = False,
    scope: Any = None,
) -> tuple[Any, Any, Any]:
    """A cell in a loop that `loop_fn` steers, as TensorFlow 1.15's `tf.nn.raw_rnn`.

    Args:
        cell: an RNNCell.
        loop_fn: a function `(time, cell_output, cell_state, loop_state)` that gives `(elements_finished, next_input,
            next_cell_state, emit_output, next_loop_state)`. It is called once with `(time, None, None, None)` for the
            first input and state; what it emits then says the structure of the outputs by zeros, None for the cell's
            own. Rows that are finished keep their state and emit zeros.
        parallel_iterations, swap_memory: accepted.
        scope: variable scope or its name, "rnn" by default.

    Returns:
        TensorArrays of what was emitted, in its structure, the last state and the last loop state.

    Raises:
        TypeError: `cell` is not a cell or `loop_fn` not callable.
        ValueError: `loop_fn` changes a structure.
    """
    check_cell("cell", cell)
    if not callable(loop_fn):
        raise TypeError("loop_fn must be a callable")
    with variable_scope(scope or "rnn"):
        first = loop_fn(constant(0, name="time"), None, None, None)
        loop = _RawLoop(cell, loop_fn, *first)
        options = {"parallel_iterations": parallel_iterations or 32, "swap_memory": swap_memory}
        return loop.run(options)


class _RawLoop:
    """The loop while it is built: what the first call of the function gave, and zeros to emit."""

    def __init__(
        self, cell: Any, loop_fn: Callable[..., Any], finished: Any, inputs: Any, state: Any, emitted: Any, own: Any
    ) -> None:
        self.cell, self.loop_fn = cell, loop_fn
        self.inputs = nest.map_structure(convert_to_tensor, inputs)
        self.state = nest.map_structure(lambda v: v if isinstance(v, TensorArray) else convert_to_tensor(v), state)
        self.finished = convert_to_tensor(finished)
        self.has_own = own is not None
        self.own = own if own is not None else constant(0)
        self.structure = shapes_of(cell.output_size) if emitted is None else emitted
        first = nest.flatten(self.inputs)[0]
        rows = first.sizes[0] if first.sizes else None
        batch = rows if rows is not None else shape(first)[0]
        kind = nest.flatten(self.state)[0].dtype.base_dtype
        pairs = [_emitted(leaf, rows, batch, kind) for leaf in nest.flatten(self.structure)]
        self.arrays = nest.pack_sequence_as(self.structure, [array for array, _ in pairs])
        self.zeros = nest.pack_sequence_as(self.structure, [zero for _, zero in pairs])

    def run(self, options: dict[str, Any]) -> tuple[Any, Any, Any]:
        """Builds the loop."""
        start = (constant(0), self.finished, self.inputs, self.arrays, self.state, self.own)
        *_, arrays, state, own = while_loop(self._goes_on, self._body, start, **options)
        return arrays, state, own if self.has_own else None

    def _goes_on(self, time: Tensor, finished: Tensor, *_: Any) -> Tensor:
        return logical_not(reduce_all(finished))

    def _body(self, time: Tensor, finished: Tensor, inputs: Any, arrays: Any, state: Any, own: Any) -> Any:
        output, after = self.cell(inputs, state)
        nest.assert_same_structure(state, after, check_types=False)
        ended, inputs, after, emitted, following = self.loop_fn(time + 1, output, after, own if self.has_own else None)
        nest.assert_same_structure(state, after, check_types=False)
        emitted = output if emitted is None else emitted
        nest.assert_same_structure(self.zeros, emitted, check_types=False)
        emitted = _kept(finished, self.zeros, emitted)
        arrays = nest.map_structure(lambda array, value: array.write(time, value), arrays, emitted)
        state = _kept(finished, state, nest.pack_sequence_as(state, nest.flatten(after)))
        following = own if following is None else following
        return time + 1, logical_or(finished, ended), inputs, arrays, state, following


def _emitted(leaf: Any, rows: int | None, batch: Any, kind: Any) -> tuple[TensorArray, Tensor]:
    """An array for what is emitted and zeros of its shape, for a size or an example without the batch's axis."""
    dtype = kind if isinstance(leaf, TensorShape) else leaf.dtype.base_dtype
    known = leaf if isinstance(leaf, TensorShape) else leaf.shape
    array = TensorArray(dtype, size=0, dynamic_size=True, element_shape=TensorShape([rows]).concatenate(known))
    if known.is_fully_defined():
        sizes = [batch, *known.as_list()]
        return array, zeros(sizes if isinstance(batch, int) else stack(sizes), dtype)
    return array, zeros(concat([[batch], shape(leaf)], 0), dtype)


def _kept(finished: Tensor, before: Any, after: Any) -> Any:
    """`before` in the rows that are finished, `after` in the others."""

    def choose(old: Any, new: Any) -> Any:
        if isinstance(old, TensorArray) or old.sizes == ():
            return new
        chosen = select_op(finished, old, new)
        chosen.set_shape(old.shape)
        return chosen

    return nest.map_structure(choose, before, after)
