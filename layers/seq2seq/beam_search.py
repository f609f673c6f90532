"""BeamSearchDecoder: keeps the likeliest sequences of each row, as TensorFlow 1.15's contrib.seq2seq."""

from __future__ import annotations

from typing import Any, NamedTuple

from ...engine import nest
from ...engine.conversion import convert_to_tensor
from ...engine.dtypes import as_dtype, bool as bool_dtype, int32, int64
from ...engine.graph import Tensor
from ...engine.ops.array import reshape, shape, stack
from ...engine.ops.array_pad import tile
from ...engine.ops.array_parts import zeros, zeros_like
from ...engine.ops.array_sets import one_hot
from ...engine.ops.array_shape import expand_dims
from ...engine.ops.binary import minimum, pow
from ...engine.ops.casting import cast
from ...engine.ops.choice import where_v2
from ...engine.ops.comparison import equal, logical_or
from ...engine.ops.division import floordiv, floormod
from ...engine.ops.indexing import gather
from ...engine.ops.nn_losses import log_softmax
from ...engine.ops.reduce import reduce_max, reduce_mean, reduce_sum
from ...engine.ops.rounding import logical_not
from ...engine.ops.tensor_array import TensorArray
from ...engine.ops.top import top_k
from ...engine.ops.unary import log
from ...engine.shapes import TensorShape
from ..recurrent.wrappers import check_cell
from .attention_wrapper import AttentionWrapperState
from .beams import gather_tree, gather_tree_from_array
from .decoder import Decoder, check_first
from .helper import embedding_function, rows_of, shape_list


class BeamSearchDecoderState(NamedTuple):
    """The state of a BeamSearchDecoder.

    It holds the cell's state, and of each beam the log probability, whether it ended, its length, and the attention
    it has paid so far (`()` without a coverage penalty).
    """

    cell_state: Any
    log_probs: Any
    finished: Any
    lengths: Any
    accumulated_attention_probs: Any


class BeamSearchDecoderOutput(NamedTuple):
    """What a step gives for each beam: its score, the class it takes and the beam it comes from."""

    scores: Any
    predicted_ids: Any
    parent_ids: Any


class FinalBeamSearchDecoderOutput(NamedTuple):
    """The sequences `[batch, time, beam]`, the best first, and what all steps gave."""

    predicted_ids: Any
    beam_search_decoder_output: Any


class BeamSearchDecoder(Decoder):
    """A decoder that keeps the `beam_width` best sequences of each row.

    Args:
        cell: an RNNCell.
        embedding: a table `[classes, size]`, or a function of class numbers.
        start_tokens: int32 `[batch]`.
        end_token: the class that ends a sequence, a scalar.
        initial_state: the cell's first state, of `batch * beam_width` rows (see `tile_batch`).
        beam_width: how many sequences of each row are kept.
        output_layer: a layer that makes logits of outputs, None for none.
        length_penalty_weight: scores are log probabilities over `((5 + length) / 6) ** weight`.
        coverage_penalty_weight: adds so many times the sum of the logarithms of the attention paid to each value of
            the memory, of which more than one counts as one; the cell must then be an AttentionWrapper.
        reorder_tensor_arrays: whether TensorArrays of the cell's state (alignment histories) are given back as
            tensors in the order of the final beams.

    Raises:
        TypeError: `cell` is not a cell.
        ValueError: `start_tokens` is not a vector or `end_token` not a scalar.
    """

    def __init__(
        self,
        cell: Any,
        embedding: Any,
        start_tokens: Any,
        end_token: Any,
        initial_state: Any,
        beam_width: int,
        output_layer: Any = None,
        length_penalty_weight: float = 0.0,
        coverage_penalty_weight: float = 0.0,
        reorder_tensor_arrays: bool = True,
    ) -> None:
        check_cell("cell", cell)
        check_first(initial_state, output_layer)
        if isinstance(beam_width, bool) or not hasattr(beam_width, "__index__") or beam_width < 1:
            raise ValueError(f"beam_width must be a positive whole number, got {beam_width!r}")
        self._cell, self._layer, self._width = cell, output_layer, beam_width
        self._embed = embedding_function(embedding)
        start = convert_to_tensor(start_tokens, int32, name="start_tokens")
        self._end = convert_to_tensor(end_token, int32, name="end_token")
        if start.sizes is None or len(start.sizes) != 1:
            raise ValueError(f"start_tokens must be a vector, got shape {start.shape}")
        if self._end.sizes != ():
            raise ValueError(f"end_token must be a scalar, got shape {self._end.shape}")
        self._length_weight, self._coverage_weight = length_penalty_weight, coverage_penalty_weight
        self._reorder = reorder_tensor_arrays
        self._rows = rows_of(start)
        self._inputs = self._embed(tile(expand_dims(start, 1), [1, beam_width]))
        self._state = nest.map_structure(self._split, initial_state)

    # Shapes

    def _split(self, value: Any) -> Any:
        """`[batch * beam, ...]` as `[batch, beam, ...]`."""
        if isinstance(value, TensorArray) or value.sizes == ():
            return value
        return _reshaped(value, [self._rows, self._width, *shape_list(value)[1:]])

    def _merge(self, value: Any) -> Any:
        """`[batch, beam, ...]` as `[batch * beam, ...]`."""
        if isinstance(value, TensorArray) or value.sizes == ():
            return value
        return _reshaped(value, [self._rows * self._width, *shape_list(value)[2:]])

    @property
    def batch_size(self) -> Any:
        return self._rows

    @property
    def tracks_own_finished(self) -> bool:
        return True

    @property
    def output_size(self) -> BeamSearchDecoderOutput:
        size = TensorShape([self._width])
        return BeamSearchDecoderOutput(size, size, size)

    @property
    def output_dtype(self) -> BeamSearchDecoderOutput:
        return BeamSearchDecoderOutput(self._dtype(), int32, int32)

    def _dtype(self) -> Any:
        return nest.flatten(self._state)[0].dtype.base_dtype

    # Decoding

    def initialize(self, name: str | None = None) -> tuple[Any, Any, BeamSearchDecoderState]:
        # All beams start alike: only the first one may go on, or all would take the same classes.
        sizes = [self._rows] if isinstance(self._rows, int) else stack([self._rows])
        first = zeros(sizes, int32)
        finished = one_hot(first, self._width, on_value=False, off_value=True, dtype=bool_dtype)
        log_probs = one_hot(first, self._width, on_value=0.0, off_value=float("-inf"), dtype=self._dtype())
        paid = self._attention(self._state)
        state = BeamSearchDecoderState(
            self._state, log_probs, finished, zeros_like(log_probs, int64), () if paid is None else paid
        )
        return finished, self._inputs, state

    def step(self, time: Any, inputs: Any, state: Any, name: str | None = None) -> tuple[Any, Any, Any, Any]:
        merged = nest.map_structure(self._merge, state.cell_state)
        outputs, cell_state = self._cell(nest.map_structure(self._merge, inputs), merged)
        cell_state = nest.map_structure(self._split, cell_state)
        outputs = self._split(outputs)
        logits = outputs if self._layer is None else self._layer(outputs)
        output, following = self._chosen(logits, cell_state, state)
        inputs = self._embed(output.predicted_ids)
        inputs.set_shape(self._inputs.shape)
        return output, following, inputs, following.finished

    def _chosen(self, logits: Any, cell_state: Any, state: Any) -> tuple[Any, BeamSearchDecoderState]:
        """The best continuations of all beams of each row."""
        classes = shape_list(logits)[-1]
        going = logical_not(state.finished)
        totals = expand_dims(state.log_probs, 2) + self._log_probs(logits, classes, state.finished)
        ends = one_hot(self._end, classes, on_value=0, off_value=1, dtype=int64)
        lengths = expand_dims(state.lengths, 2) + ends * expand_dims(cast(going, int64), 2)
        paid = self._attention(cell_state)
        if paid is not None:
            paid = state.accumulated_attention_probs + paid * expand_dims(cast(going, paid.dtype), 2)
        scores = self._scores(totals, lengths, state.finished, paid)
        flat = [self._rows, self._width * classes]
        best, places = top_k(_reshaped(scores, flat), self._width)
        ids, parents = floormod(places, classes), floordiv(places, classes)
        was_finished = self._of_beams(state.finished, parents)
        lengths = self._of_beams(state.lengths, parents) + cast(logical_not(was_finished), int64)
        following = BeamSearchDecoderState(
            nest.map_structure(lambda value: self._of_beams(value, parents), cell_state),
            gather(_reshaped(totals, flat), places, batch_dims=1, axis=1),
            logical_or(was_finished, equal(ids, self._end)),
            lengths,
            () if paid is None else self._of_beams(paid, parents),
        )
        return BeamSearchDecoderOutput(best, ids, parents), following

    def _log_probs(self, logits: Any, classes: Any, finished: Any) -> Any:
        """Log probabilities of the classes; a beam that ended ends again for certain."""
        found = log_softmax(logits)
        lowest = float(as_dtype(found.dtype.base_dtype).min)
        ended = one_hot(self._end, classes, on_value=0.0, off_value=lowest, dtype=found.dtype.base_dtype)
        return where_v2(expand_dims(finished, 2), ended, found)

    def _scores(self, totals: Any, lengths: Any, finished: Any, paid: Any) -> Any:
        scores = totals
        if self._length_weight:
            scores = totals / pow((5.0 + cast(lengths, totals.dtype)) / 6.0, self._length_weight)
        if paid is None:
            return scores
        covered = reduce_sum(log(minimum(paid, 1.0)), 2) * cast(finished, paid.dtype)
        return scores + expand_dims(covered * self._coverage_weight, 2)

    def _attention(self, cell_state: Any) -> Any:
        """The attention of the last step `[batch, beam, max_time]`, None without a coverage penalty."""
        if not self._coverage_weight:
            return None
        states = [cell_state] if isinstance(cell_state, AttentionWrapperState) else list(cell_state)
        found = [s.alignments for s in states if isinstance(s, AttentionWrapperState)]
        if not found:
            raise ValueError("coverage_penalty_weight must be 0.0 if no cell is attentional.")
        parts = nest.flatten(found)
        return parts[0] if len(parts) == 1 else reduce_mean(stack(parts), 0)

    def _of_beams(self, value: Any, parents: Any) -> Any:
        """The values of the beams that were chosen."""
        if isinstance(value, TensorArray) or value.sizes == ():
            return value
        chosen = gather(value, parents, batch_dims=1, axis=1)
        chosen.set_shape(value.shape)
        return chosen

    def finalize(self, outputs: Any, final_state: Any, sequence_lengths: Any) -> tuple[Any, Any]:
        longest = cast(reduce_max(final_state.lengths, 1), int32)
        ids = gather_tree(outputs.predicted_ids, outputs.parent_ids, longest, self._end)
        if self._reorder:
            cell_state = nest.map_structure(
                lambda value: self._in_order(value, outputs.parent_ids, final_state.lengths), final_state.cell_state
            )
            final_state = final_state._replace(cell_state=cell_state)
        return FinalBeamSearchDecoderOutput(ids, outputs), final_state

    def _in_order(self, value: Any, parent_ids: Any, lengths: Any) -> Any:
        if not isinstance(value, TensorArray):
            return value
        stacked = value.stack()
        split = _reshaped(stacked, [shape(stacked)[0], self._rows, self._width, *shape_list(stacked)[2:]])
        return gather_tree_from_array(split, parent_ids, lengths)


def _reshaped(value: Any, sizes: list[Any]) -> Tensor:
    """`value` in a shape of numbers and scalar tensors."""
    known = [s if isinstance(s, int) else None for s in sizes]
    result = reshape(value, sizes if None not in known else stack(sizes))
    result.set_shape(known)
    return result
