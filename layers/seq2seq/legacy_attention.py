"""Decoders with attention on lists of steps, as TensorFlow 1's `legacy_seq2seq` (Vinyals et al. 2014)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from ...engine import nest
from ...engine.conversion import convert_to_tensor
from ...engine.ops.array import reshape, shape, stack
from ...engine.ops.array_parts import concat, zeros
from ...engine.ops.nn_convolution import conv2d
from ...engine.ops.nn_embedding import embedding_lookup
from ...engine.ops.nn_losses import softmax
from ...engine.ops.reduce import reduce_sum
from ...engine.ops.trigonometric import tanh
from ...engine.variable_scope import get_variable, get_variable_scope, variable_scope
from ..recurrent.cell import depth_of
from ..recurrent.contrib_wrappers import EmbeddingWrapper, OutputProjectionWrapper
from ..recurrent.linear import linear
from ..recurrent.static import static_rnn
from .legacy import LoopFunction, argmax_embedder, either_way, fresh_copy, looped


def attention_decoder(
    decoder_inputs: Iterable[Any],
    initial_state: Any,
    attention_states: Any,
    cell: Any,
    output_size: int | None = None,
    num_heads: int = 1,
    loop_function: LoopFunction | None = None,
    dtype: Any = None,
    scope: Any = None,
    initial_state_attention: bool = False,
) -> tuple[list[Any], Any]:
    """A decoder that looks at the states of an encoder at each step.

    Args:
        decoder_inputs: tensors `[batch, size]`, one a step.
        initial_state: the cell's first state.
        attention_states: `[batch, length, size]`.
        cell: an RNNCell.
        output_size: size of the outputs; the cell's by default.
        num_heads: how many times it looks at each step.
        loop_function: `(output, step) -> inputs`, used from the second step on instead of the given inputs.
        dtype: of the variables.
        scope: variable scope or its name, "attention_decoder" by default.
        initial_state_attention: whether it looks before the first step too; otherwise the first attention is zeros.

    Returns:
        A list of outputs `[batch, output_size]` and the last state.

    Raises:
        ValueError: there are no inputs, no heads, or the size of `attention_states` is not known.
    """
    inputs = [convert_to_tensor(given) for given in decoder_inputs]
    if not inputs:
        raise ValueError("Must provide at least 1 input to attention decoder.")
    if num_heads < 1:
        raise ValueError("With less than 1 heads, use a non-attention decoder.")
    if attention_states.sizes is None or attention_states.sizes[2] is None:
        raise ValueError(f"Shape[2] of attention_states must be known: {attention_states.shape}")
    with variable_scope(scope or "attention_decoder", dtype=dtype):
        heads = _Heads(attention_states, num_heads)
        attention = heads.look(initial_state) if initial_state_attention else heads.zeros(shape(inputs[0])[0])
        state = initial_state
        outputs: list[Any] = []
        for step, given in enumerate(inputs):
            if step:
                get_variable_scope().reuse_variables()
            given = looped(loop_function, outputs, step, given)
            joined = linear([given, *attention], depth_of(given.shape, "attention_decoder"), True)
            output, state = cell(joined, state)
            with variable_scope(get_variable_scope(), reuse=True if initial_state_attention else None):
                attention = heads.look(state)
            output = linear([output, *attention], output_size or cell.output_size, True, scope="AttnOutputProjection")
            outputs.append(output)
        return outputs, state


class _Heads:
    """The attention of a decoder: for each head a map of the states, and a vector that scores."""

    def __init__(self, states: Any, count: int) -> None:
        sizes = shape(states)
        self.size = states.sizes[2]
        self.length = sizes[1] if states.sizes[1] is None else states.sizes[1]
        self.dtype = states.dtype.base_dtype
        self.hidden = reshape(states, stack([-1, self.length, 1, self.size]))
        self.hidden.set_shape([states.sizes[0], states.sizes[1], 1, self.size])
        self.features, self.vectors = [], []
        for head in range(count):
            kernel = get_variable(f"AttnW_{head}", [1, 1, self.size, self.size], self.dtype)
            self.features.append(conv2d(self.hidden, kernel, [1, 1, 1, 1], "SAME"))
            self.vectors.append(get_variable(f"AttnV_{head}", [self.size], self.dtype))

    def zeros(self, rows: Any) -> list[Any]:
        """No attention."""
        nothing = zeros(stack([rows, self.size]), self.dtype)
        nothing.set_shape([None, self.size])
        return [nothing for _ in self.vectors]

    def look(self, state: Any) -> list[Any]:
        """What each head takes of the states `[batch, size]`, asked by the cell's state."""
        query = concat(nest.flatten(state), 1) if nest.is_sequence(state) else state
        found = []
        for head, (features, vector) in enumerate(zip(self.features, self.vectors, strict=True)):
            with variable_scope(f"Attention_{head}"):
                asked = reshape(linear(query, self.size, True), [-1, 1, 1, self.size])
                shares = softmax(reduce_sum(vector * tanh(features + asked), [2, 3]))
                mean = reduce_sum(reshape(shares, stack([-1, self.length, 1, 1])) * self.hidden, [1, 2])
                found.append(reshape(mean, [-1, self.size]))
        return found


def embedding_attention_decoder(
    decoder_inputs: Sequence[Any],
    initial_state: Any,
    attention_states: Any,
    cell: Any,
    num_symbols: int,
    embedding_size: int,
    num_heads: int = 1,
    output_size: int | None = None,
    output_projection: Any = None,
    feed_previous: bool = False,
    update_embedding_for_previous: bool = True,
    dtype: Any = None,
    scope: Any = None,
    initial_state_attention: bool = False,
) -> tuple[list[Any], Any]:
    """An `attention_decoder` of class numbers.

    Args:
        decoder_inputs: int32 `[batch]`, one a step.
        initial_state, attention_states, cell, num_heads, output_size, dtype: as for `attention_decoder`.
        num_symbols: how many classes there are.
        embedding_size: the size of their embeddings.
        output_projection: a pair of weights and biases that make logits of outputs, for `feed_previous`.
        feed_previous: whether from the second step on the likeliest class of the step before is the input.
        update_embedding_for_previous: whether gradients reach the table through these.
        scope: variable scope or its name, "embedding_attention_decoder" by default.
        initial_state_attention: as for `attention_decoder`.
    """
    with variable_scope(scope or "embedding_attention_decoder", dtype=dtype):
        table = get_variable("embedding", [num_symbols, embedding_size])
        function = argmax_embedder(table, output_projection, update_embedding_for_previous) if feed_previous else None
        return attention_decoder(
            [embedding_lookup(table, ids) for ids in decoder_inputs],
            initial_state,
            attention_states,
            cell,
            output_size,
            num_heads,
            function,
            initial_state_attention=initial_state_attention,
        )


def embedding_attention_seq2seq(
    encoder_inputs: Sequence[Any],
    decoder_inputs: Sequence[Any],
    cell: Any,
    num_encoder_symbols: int,
    num_decoder_symbols: int,
    embedding_size: int,
    num_heads: int = 1,
    output_projection: Any = None,
    feed_previous: Any = False,
    dtype: Any = None,
    scope: Any = None,
    initial_state_attention: bool = False,
) -> tuple[list[Any], Any]:
    """An encoder and a decoder of class numbers with attention; outputs are logits unless a projection is given.

    Args:
        encoder_inputs, decoder_inputs: lists of int32 `[batch]`.
        cell: an RNNCell.
        num_encoder_symbols, num_decoder_symbols: how many classes there are.
        embedding_size: the size of their embeddings.
        num_heads: how many times the decoder looks at the encoder's outputs at each step.
        output_projection: a pair of weights and biases; then outputs are the cell's, joined with the attention.
        feed_previous: whether from the second step on the likeliest class of the step before is the input; a bool or
            a bool tensor.
        dtype: of state and variables.
        scope: variable scope or its name, "embedding_attention_seq2seq" by default.
        initial_state_attention: as for `attention_decoder`.
    """
    with variable_scope(scope or "embedding_attention_seq2seq", dtype=dtype) as opened:
        encoder = EmbeddingWrapper(fresh_copy(cell), num_encoder_symbols, embedding_size)
        found, state = static_rnn(encoder, encoder_inputs, dtype=dtype or opened.dtype)
        memory = concat([reshape(output, [-1, 1, cell.output_size]) for output in found], 1)
        output_size = None
        if output_projection is None:
            cell, output_size = OutputProjectionWrapper(cell, num_decoder_symbols), num_decoder_symbols
        both = not isinstance(feed_previous, bool)
        return either_way(
            feed_previous,
            lambda previous: embedding_attention_decoder(
                decoder_inputs,
                state,
                memory,
                cell,
                num_decoder_symbols,
                embedding_size,
                num_heads,
                output_size,
                output_projection,
                previous,
                not both,
                initial_state_attention=initial_state_attention,
            ),
        )
