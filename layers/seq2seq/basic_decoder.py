"""BasicDecoder: a cell, a helper for its inputs, and a layer for its outputs, as TensorFlow 1.15's contrib.seq2seq."""

from __future__ import annotations

from typing import Any, NamedTuple

from ...engine import nest
from ...engine.shapes import TensorShape
from ..recurrent.cell import shapes_of
from ..recurrent.wrappers import check_cell
from .decoder import Decoder, check_first
from .helper import Helper


class BasicDecoderOutput(NamedTuple):
    """What a step gives: the cell's output (after the output layer) and the sample."""

    rnn_output: Any
    sample_id: Any


class BasicDecoder(Decoder):
    """A decoder that takes one sample a step.

    Args:
        cell: an RNNCell.
        helper: a Helper.
        initial_state: the cell's first state.
        output_layer: a layer for the outputs, such as `tf.layers.Dense(classes)`; None for none.

    Raises:
        TypeError: `cell` is not a cell or `helper` not a Helper.

    Example:
        >>> import headrace as tf
        >>> helper = tf.contrib.seq2seq.TrainingHelper(tf.zeros([2, 5, 3]), [5, 4])
        >>> cell = tf.nn.rnn_cell.GRUCell(4)
        >>> decoder = tf.contrib.seq2seq.BasicDecoder(cell, helper, cell.zero_state(2, tf.float32), tf.layers.Dense(7))
        >>> outputs, state, lengths = tf.contrib.seq2seq.dynamic_decode(decoder)
        >>> outputs.rnn_output.shape.as_list()
        [2, None, 7]
    """

    def __init__(self, cell: Any, helper: Any, initial_state: Any, output_layer: Any = None) -> None:
        check_cell("cell", cell)
        if not isinstance(helper, Helper):
            raise TypeError(f"helper must be a Helper, received: {type(helper).__name__}")
        check_first(initial_state, output_layer)
        self._cell, self._helper = cell, helper
        self._first, self._layer = initial_state, output_layer

    @property
    def batch_size(self) -> Any:
        return self._helper.batch_size

    def _output_sizes(self) -> Any:
        sizes = shapes_of(self._cell.output_size)
        if self._layer is None:
            return sizes
        whole = nest.map_structure(lambda size: TensorShape([None]).concatenate(size), sizes)
        return nest.map_structure(lambda size: size[1:], TensorShape(self._layer.compute_output_shape(whole)))

    @property
    def output_size(self) -> BasicDecoderOutput:
        return BasicDecoderOutput(self._output_sizes(), self._helper.sample_ids_shape)

    @property
    def output_dtype(self) -> BasicDecoderOutput:
        dtype = nest.flatten(self._first)[0].dtype.base_dtype
        return BasicDecoderOutput(
            nest.map_structure(lambda _: dtype, self._output_sizes()), self._helper.sample_ids_dtype
        )

    def initialize(self, name: str | None = None) -> tuple[Any, Any, Any]:
        finished, inputs = self._helper.initialize()
        return finished, inputs, self._first

    def step(self, time: Any, inputs: Any, state: Any, name: str | None = None) -> tuple[Any, Any, Any, Any]:
        outputs, state = self._cell(inputs, state)
        if self._layer is not None:
            outputs = self._layer(outputs)
        ids = self._helper.sample(time=time, outputs=outputs, state=state)
        finished, inputs, state = self._helper.next_inputs(time=time, outputs=outputs, state=state, sample_ids=ids)
        return BasicDecoderOutput(outputs, ids), state, inputs, finished
