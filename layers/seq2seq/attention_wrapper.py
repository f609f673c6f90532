"""AttentionWrapper: a cell that looks at a memory at each step, as TensorFlow 1.15's contrib.seq2seq."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from ...engine import nest
from ...engine.conversion import convert_to_tensor
from ...engine.dtypes import int32
from ...engine.graph import Tensor, get_default_graph
from ...engine.ops.array import identity, shape
from ...engine.ops.array_parts import concat, zeros
from ...engine.ops.array_sets import one_hot
from ...engine.ops.array_shape import expand_dims, squeeze
from ...engine.ops.checking import Assert
from ...engine.ops.comparison import equal
from ...engine.ops.extrema import argmax
from ...engine.ops.products import matmul
from ...engine.ops.tensor_array import TensorArray
from ...engine.shapes import TensorShape
from ..core import Dense
from ..recurrent.cell import RNNCell
from ..recurrent.wrappers import check_cell
from .attention import AttentionMechanism, zeros_of_size


class AttentionWrapperState(NamedTuple):
    """The state of an AttentionWrapper.

    It holds the cell's state, the attention, the step's number, and of each mechanism the alignments, their history
    (a TensorArray, or `()`) and its own state.
    """

    cell_state: Any
    attention: Any
    time: Any
    alignments: Any
    alignment_history: Any
    attention_state: Any

    def clone(self, **kwargs: Any) -> AttentionWrapperState:
        """The state with some parts replaced by others of the same shapes.

        Raises:
            ValueError: a part is nested in another way, or of another shape.
        """
        changed = self._replace(**kwargs)
        for name in kwargs:
            old, new = getattr(self, name), getattr(changed, name)
            nest.assert_same_structure(old, new, check_types=False)
            for a, b in zip(nest.flatten(old), nest.flatten(new), strict=True):
                if isinstance(a, Tensor) and isinstance(b, Tensor):
                    a.shape.assert_is_compatible_with(b.shape)
        return changed


def hardmax(logits: Any, name: str | None = None) -> Any:
    """One where a row is largest, zeros elsewhere; of the shape and dtype of `logits`."""
    with get_default_graph().name_scope(name or "Hardmax"):
        logits = convert_to_tensor(logits, name="logits")
        depth = logits.sizes[-1] if logits.sizes and logits.sizes[-1] is not None else shape(logits)[-1]
        return one_hot(argmax(logits, -1), depth, dtype=logits.dtype.base_dtype)


def _attend(mechanism: Any, cell_output: Any, attention_state: Any, attention_layer: Any) -> tuple[Any, Any, Any]:
    """Attention, alignments and next state of a mechanism."""
    alignments, following = mechanism(cell_output, state=attention_state)
    context = squeeze(matmul(expand_dims(alignments, 1), mechanism.values), [1])
    if attention_layer is not None:
        context = attention_layer(concat([cell_output, context], 1))
    return context, alignments, following


class AttentionWrapper(RNNCell):
    """A cell that sees its inputs joined with the attention of the step before, and gives the attention of this one.

    Args:
        cell: the cell.
        attention_mechanism: an AttentionMechanism, or a list of them.
        attention_layer_size: size of the attention, a linear map of cell output and context (a list for a list of
            mechanisms); by default the attention is the context.
        alignment_history: whether the state holds the alignments of all steps.
        cell_input_fn: joins inputs and attention; concatenation by default.
        output_attention: whether the output is the attention; otherwise the cell's output.
        initial_cell_state: the cell's state in `zero_state`.
        name: of the scope, "attention_wrapper" by default.
        attention_layer: a layer (or a list of them) instead of the linear map.
        attention_fn: computes attention, alignments and next state instead, from mechanism, cell output, state, layer.
        dtype: as for every layer.

    Raises:
        TypeError: `cell` is not a cell, or a mechanism not one.
        ValueError: both `attention_layer_size` and `attention_layer` are given, or not as many as mechanisms.
    """

    def __init__(
        self,
        cell: Any,
        attention_mechanism: Any,
        attention_layer_size: Any = None,
        alignment_history: bool = False,
        cell_input_fn: Callable[[Any, Any], Any] | None = None,
        output_attention: bool = True,
        initial_cell_state: Any = None,
        name: str | None = None,
        attention_layer: Any = None,
        attention_fn: Callable[..., Any] | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        check_cell("cell", cell)
        self._cell = cell
        self._is_multi = isinstance(attention_mechanism, list | tuple)
        self._mechanisms = list(attention_mechanism) if self._is_multi else [attention_mechanism]
        for mechanism in self._mechanisms:
            if not isinstance(mechanism, AttentionMechanism):
                raise TypeError(
                    f"attention_mechanism must be an AttentionMechanism or a list of them, saw type: "
                    f"{type(mechanism).__name__}"
                )
        if cell_input_fn is not None and not callable(cell_input_fn):
            raise TypeError(f"cell_input_fn must be callable, saw type: {type(cell_input_fn).__name__}")
        self._join = cell_input_fn or (lambda inputs, attention: concat([inputs, attention], -1))
        self._attend = attention_fn or _attend
        self._layers, self._size = self._make_layers(attention_layer_size, attention_layer)
        self._history = alignment_history
        self._output_attention = output_attention
        self._initial = initial_cell_state

    def _make_layers(self, sizes: Any, layers: Any) -> tuple[list[Any], int]:
        if sizes is not None and layers is not None:
            raise ValueError("Only one of attention_layer_size and attention_layer should be set")
        given = sizes if sizes is not None else layers
        if given is None:
            return [None] * len(self._mechanisms), sum(int(m.values.sizes[-1]) for m in self._mechanisms)
        parts = list(given) if isinstance(given, list | tuple) else [given]
        if len(parts) != len(self._mechanisms):
            raise ValueError(
                "If provided, attention_layer_size or attention_layer must contain exactly one item per "
                f"attention_mechanism, saw: {len(parts)} vs {len(self._mechanisms)}"
            )
        if sizes is not None:
            pairs = zip(parts, self._mechanisms, strict=True)
            made = [Dense(size, use_bias=False, name="attention_layer", dtype=m.dtype) for size, m in pairs]
            return list(made), sum(parts)
        columns = [self._cell.output_size + m.values.sizes[-1] for m in self._mechanisms]
        shapes = [layer.compute_output_shape([None, width]) for layer, width in zip(parts, columns, strict=True)]
        return parts, sum(int(TensorShape(s).as_list()[-1] or 0) for s in shapes)

    def _each(self, values: Any) -> Any:
        """One thing a mechanism, as a tuple if there are several mechanisms."""
        found = tuple(values)
        return found if self._is_multi else found[0]

    @property
    def output_size(self) -> Any:
        return self._size if self._output_attention else self._cell.output_size

    @property
    def state_size(self) -> AttentionWrapperState:
        return AttentionWrapperState(
            cell_state=self._cell.state_size,
            attention=self._size,
            time=TensorShape([]),
            alignments=self._each(m.alignments_size for m in self._mechanisms),
            alignment_history=self._each(m.alignments_size if self._history else () for m in self._mechanisms),
            attention_state=self._each(m.state_size for m in self._mechanisms),
        )

    def zero_state(self, batch_size: Any, dtype: Any) -> AttentionWrapperState:
        """The cell's first state, and attention of zeros.

        Raises:
            ValueError, tf.errors.InvalidArgumentError: the memory or the initial cell state is of another batch size.
        """
        with get_default_graph().name_scope(type(self).__name__ + "ZeroState"):
            state = self._cell.zero_state(batch_size, dtype) if self._initial is None else self._initial
            checks = [_same_batch(batch_size, m.batch_size, "attention mechanism") for m in self._mechanisms]
            if self._initial is not None:
                rows = nest.flatten(state)[-1]
                own = rows.sizes[0] if rows.sizes[0] is not None else shape(rows)[0]
                checks.append(_same_batch(batch_size, own, "initial cell state"))
            with get_default_graph().control_dependencies([check for check in checks if check is not None]):
                state = nest.map_structure(lambda s: identity(s, name="checked_cell_state"), state)
            first = [m.initial_alignments(batch_size, dtype) for m in self._mechanisms]
            return AttentionWrapperState(
                cell_state=state,
                attention=zeros_of_size(self._size, batch_size, dtype),
                time=zeros([], int32),
                alignments=self._each(first),
                alignment_history=self._each(self._new_history(alignments, dtype) for alignments in first),
                attention_state=self._each(m.initial_state(batch_size, dtype) for m in self._mechanisms),
            )

    def _new_history(self, alignments: Any, dtype: Any) -> Any:
        if not self._history:
            return ()
        return TensorArray(dtype, size=0, dynamic_size=True, element_shape=alignments.shape)

    @property
    def trainable_weights(self) -> list[Any]:
        """The variables of the cell and of the attention layers that training changes."""
        layers = [layer for layer in self._layers if layer is not None]
        return [*self._cell.trainable_weights, *(v for layer in layers for v in layer.trainable_weights)]

    @property
    def weights(self) -> list[Any]:
        """The variables of the cell and of the attention layers."""
        layers = [layer for layer in self._layers if layer is not None]
        return [*self._cell.weights, *(v for layer in layers for v in layer.weights)]

    variables = weights
    trainable_variables = trainable_weights

    def call(self, inputs: Any, state: Any = None, **kwargs: Any) -> tuple[Any, AttentionWrapperState]:
        """The attention (or the cell's output) and the next state."""
        if not isinstance(state, AttentionWrapperState):
            raise TypeError(
                f"Expected state to be instance of AttentionWrapperState. Received type {type(state).__name__} instead."
            )
        output, cell_state = self._cell(self._join(inputs, state.attention), state.cell_state)
        before = state.attention_state if self._is_multi else [state.attention_state]
        histories = state.alignment_history if self._is_multi else [state.alignment_history]
        found = [
            self._attend(mechanism, output, own, layer)
            for mechanism, own, layer in zip(self._mechanisms, before, self._layers, strict=True)
        ]
        attentions, alignments, states = zip(*found, strict=True)
        attention = attentions[0] if len(attentions) == 1 else concat(list(attentions), 1)
        if self._history:
            histories = [h.write(state.time, a) for h, a in zip(histories, alignments, strict=True)]
        following = AttentionWrapperState(
            cell_state=cell_state,
            attention=attention,
            time=state.time + 1,
            alignments=self._each(alignments),
            alignment_history=self._each(histories),
            attention_state=self._each(states),
        )
        return attention if self._output_attention else output, following


def _same_batch(wanted: Any, found: Any, what: str) -> Any:
    """A check that two batch sizes are the same, None where it is known."""
    text = (
        f"When applying AttentionWrapper: the batch size of the {what} does not match the requested batch size. "
        "Are you using the BeamSearchDecoder? If so, make sure your encoder output and state have been tiled to "
        "beam_width via tf.contrib.seq2seq.tile_batch, and the batch_size passed to zero_state is batch_size * beam_width."
    )
    if isinstance(wanted, int) and isinstance(found, int):
        if wanted != found:
            raise ValueError(f"{text} Requested {wanted}, found {found}.")
        return None
    return Assert(equal(wanted, found), [text, wanted, found])
