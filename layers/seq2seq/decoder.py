"""Decoder and dynamic_decode: steps until all sequences have ended, as TensorFlow 1.15's contrib.seq2seq."""

from __future__ import annotations

from typing import Any

from ...engine import nest
from ...engine.conversion import convert_to_tensor
from ...engine.dtypes import int32
from ...engine.graph import Tensor
from ...engine.ops.array import stack
from ...engine.ops.array_order import transpose
from ...engine.ops.array_parts import ones_like, zeros, zeros_like
from ...engine.ops.casting import cast
from ...engine.ops.choice import select_op, where
from ...engine.ops.comparison import logical_or
from ...engine.ops.constant import constant
from ...engine.ops.reduce import reduce_all
from ...engine.ops.rounding import logical_not
from ...engine.ops.tensor_array import TensorArray
from ...engine.ops.while_loop import while_loop
from ...engine.shapes import TensorShape
from ...engine.static import constant_value
from ...engine.variable_scope import variable_scope
from ..recurrent.cell import shapes_of, tail_of


class Decoder:
    """What `dynamic_decode` runs: `outputs, next_state, next_inputs, finished = decoder.step(time, inputs, state)`."""

    @property
    def batch_size(self) -> Any:
        """How many sequences there are, as a number or a scalar tensor."""
        raise NotImplementedError(f"{type(self).__name__} does not define batch_size")

    @property
    def output_size(self) -> Any:
        """The sizes of a step's outputs without the batch: a nested structure of numbers and shapes."""
        raise NotImplementedError(f"{type(self).__name__} does not define output_size")

    @property
    def output_dtype(self) -> Any:
        """Their dtypes, in the same structure."""
        raise NotImplementedError(f"{type(self).__name__} does not define output_dtype")

    def initialize(self, name: str | None = None) -> tuple[Any, Any, Any]:
        """Which sequences have ended `[batch]`, the first inputs and the first state."""
        raise NotImplementedError(f"{type(self).__name__} does not define initialize")

    def step(self, time: Any, inputs: Any, state: Any, name: str | None = None) -> tuple[Any, Any, Any, Any]:
        """The outputs of a step, the next state, the next inputs and which sequences end with it."""
        raise NotImplementedError(f"{type(self).__name__} does not define step")

    def finalize(self, outputs: Any, final_state: Any, sequence_lengths: Any) -> tuple[Any, Any]:
        """What becomes of all outputs `[time, batch, ...]` and of the last state at the end."""
        return outputs, final_state

    @property
    def tracks_own_finished(self) -> bool:
        """Whether `finished` says it of all sequences, also of those that ended before."""
        return False


def dynamic_decode(
    decoder: Any,
    output_time_major: bool = False,
    impute_finished: bool = False,
    maximum_iterations: Any = None,
    parallel_iterations: int = 32,
    swap_memory: bool = False,
    scope: Any = None,
    **kwargs: Any,
) -> tuple[Any, Any, Any]:
    """Runs a decoder until all sequences have ended, as TensorFlow 1.15's `tf.contrib.seq2seq.dynamic_decode`.

    Args:
        decoder: a Decoder.
        output_time_major: whether outputs are `[time, batch, ...]`; `[batch, time, ...]` by default.
        impute_finished: whether past a sequence's end outputs are zeros and the state stays.
        maximum_iterations: a scalar; more steps are not taken.
        parallel_iterations, swap_memory: accepted.
        scope: variable scope or its name, "decoder" by default.
        **kwargs: given to `decoder.step`.

    Returns:
        The outputs of all steps, the last state, and the sequences' lengths, an int32 vector `[batch]`.

    Raises:
        TypeError: `decoder` is not a Decoder.
        ValueError: `maximum_iterations` is not a scalar, or a step changes a structure.
    """
    if not isinstance(decoder, Decoder):
        raise TypeError(f"Expected decoder to be type Decoder, but saw: {type(decoder).__name__}")
    with variable_scope(scope, "decoder"):
        limit = None if maximum_iterations is None else convert_to_tensor(maximum_iterations, int32)
        if limit is not None and limit.sizes:
            raise ValueError(f"maximum_iterations must be a scalar, saw shape: {limit.shape}")
        options = {"parallel_iterations": parallel_iterations, "swap_memory": swap_memory, "maximum_iterations": limit}
        outputs, state, lengths = _Decoding(decoder, impute_finished, limit, kwargs).run(options)
        if not output_time_major:
            outputs = nest.map_structure(swapped, outputs)
        return outputs, state, lengths


def swapped(value: Any) -> Any:
    """A tensor with its first two axes swapped."""
    if value.sizes is None or len(value.sizes) < 2:
        return value
    return transpose(value, [1, 0, *range(2, len(value.sizes))])


class _Decoding:
    """The loop of `dynamic_decode` while it is built."""

    def __init__(self, decoder: Any, impute: bool, limit: Any, options: dict[str, Any]) -> None:
        self.decoder, self.impute, self.options = decoder, impute, options
        finished, self.inputs, self.state = decoder.initialize()
        self.finished = finished if limit is None else logical_or(finished, limit <= 0)
        sizes = shapes_of(decoder.output_size)
        rows = decoder.batch_size
        known = rows if isinstance(rows, int) else constant_value(rows)
        batch = None if known is None else int(known)
        self.zeros = nest.map_structure(lambda s, d: _zeros(rows, s, d), sizes, decoder.output_dtype)
        self.arrays = nest.map_structure(lambda s, d: _array(batch, s, d), sizes, decoder.output_dtype)

    def run(self, options: dict[str, Any]) -> tuple[Any, Any, Any]:
        """Builds the loop: outputs with time first, the last state, the lengths."""
        lengths = zeros_like(self.finished, dtype=int32)
        start = (constant(0), self.arrays, self.state, self.inputs, self.finished, lengths)
        _, arrays, state, _, _, lengths = while_loop(self._goes_on, self._body, start, **options)
        outputs = nest.map_structure(lambda array: array.stack(), arrays)
        outputs, state = self.decoder.finalize(outputs, state, lengths)
        return outputs, state, lengths

    def _goes_on(self, time: Any, arrays: Any, state: Any, inputs: Any, finished: Any, lengths: Any) -> Any:
        return logical_not(reduce_all(finished))

    def _body(self, time: Any, arrays: Any, state: Any, inputs: Any, finished: Any, lengths: Any) -> Any:
        outputs, after, next_inputs, ended = self.decoder.step(time, inputs, state, **self.options)
        nest.assert_same_structure(state, after, check_types=False)
        nest.assert_same_structure(self.zeros, outputs, check_types=False)
        nest.assert_same_structure(inputs, next_inputs, check_types=False)
        after = nest.pack_sequence_as(state, nest.flatten(after))
        own = getattr(after, "lengths", None) if self.decoder.tracks_own_finished else None
        if own is not None:
            following = cast(own, int32)
        else:
            following = where(finished, lengths, ones_like(lengths) * (time + 1))
        if not self.decoder.tracks_own_finished:
            ended = logical_or(ended, finished)
        if self.impute:
            outputs = nest.map_structure(lambda zero, new: _either(finished, zero, new), self.zeros, outputs)
            after = nest.map_structure(lambda old, new: _either(finished, old, new), state, after)
        arrays = nest.map_structure(lambda array, value: array.write(time, value), arrays, outputs)
        return time + 1, arrays, after, next_inputs, ended, following


def _zeros(rows: Any, size: Any, dtype: Any) -> Tensor:
    sizes = [rows, *tail_of(size)]
    return zeros(sizes if isinstance(rows, int) else stack(sizes), dtype)


def _array(batch: int | None, size: Any, dtype: Any) -> TensorArray:
    element = TensorShape([batch]).concatenate(size)
    return TensorArray(dtype, size=0, dynamic_size=True, element_shape=element)


def _either(finished: Any, old: Any, new: Any) -> Any:
    """`old` in the rows that have ended, `new` in the others."""
    if isinstance(old, TensorArray) or new.sizes == ():
        return new
    chosen = select_op(finished, old, new)
    chosen.set_shape(old.shape)
    return chosen


def check_first(initial_state: Any, output_layer: Any) -> None:
    """Checks the first state of a decoder and its output layer.

    Raises:
        ValueError: there is no state.
        TypeError: the layer cannot be called.
    """
    if initial_state is None:
        raise ValueError("initial_state must be given: the cell's zero_state, or the last state of an encoder")
    if output_layer is not None and not callable(output_layer):
        raise TypeError(f"output_layer must be a layer, received: {output_layer!r}")
