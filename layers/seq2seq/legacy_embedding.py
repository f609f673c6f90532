"""Sequence to sequence on class numbers, as TensorFlow 1's `legacy_seq2seq`: embeddings in front, projection behind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...engine.ops.nn_embedding import embedding_lookup
from ...engine.variable_scope import get_variable, variable_scope
from ..recurrent.contrib_wrappers import EmbeddingWrapper, OutputProjectionWrapper
from ..recurrent.static import static_rnn
from .legacy import argmax_embedder, either_way, fresh_copy, rnn_decoder, tied_rnn_seq2seq


def embedding_rnn_decoder(
    decoder_inputs: Sequence[Any],
    initial_state: Any,
    cell: Any,
    num_symbols: int,
    embedding_size: int,
    output_projection: Any = None,
    feed_previous: bool = False,
    update_embedding_for_previous: bool = True,
    scope: Any = None,
) -> tuple[list[Any], Any]:
    """A decoder of class numbers.

    Args:
        decoder_inputs: int32 `[batch]`, one a step.
        initial_state: the cell's first state.
        cell: an RNNCell.
        num_symbols: how many classes there are.
        embedding_size: the size of their embeddings.
        output_projection: a pair of weights and biases that make logits of outputs, for `feed_previous`.
        feed_previous: whether from the second step on the likeliest class of the step before is the input.
        update_embedding_for_previous: whether gradients reach the table through these.
        scope: variable scope or its name, "embedding_rnn_decoder" by default.
    """
    with variable_scope(scope or "embedding_rnn_decoder"):
        table = get_variable("embedding", [num_symbols, embedding_size])
        function = argmax_embedder(table, output_projection, update_embedding_for_previous) if feed_previous else None
        return rnn_decoder((embedding_lookup(table, ids) for ids in decoder_inputs), initial_state, cell, function)


def embedding_rnn_seq2seq(
    encoder_inputs: Sequence[Any],
    decoder_inputs: Sequence[Any],
    cell: Any,
    num_encoder_symbols: int,
    num_decoder_symbols: int,
    embedding_size: int,
    output_projection: Any = None,
    feed_previous: Any = False,
    dtype: Any = None,
    scope: Any = None,
) -> tuple[list[Any], Any]:
    """An encoder and a decoder of class numbers; outputs are logits unless an output projection is given.

    Args:
        encoder_inputs, decoder_inputs: lists of int32 `[batch]`.
        cell: an RNNCell.
        num_encoder_symbols, num_decoder_symbols: how many classes there are.
        embedding_size: the size of their embeddings.
        output_projection: a pair of weights and biases; then outputs are the cell's.
        feed_previous: whether from the second step on the likeliest class of the step before is the input; a bool or
            a bool tensor.
        dtype: of state and variables.
        scope: variable scope or its name, "embedding_rnn_seq2seq" by default.
    """
    with variable_scope(scope or "embedding_rnn_seq2seq", dtype=dtype) as opened:
        encoder = EmbeddingWrapper(fresh_copy(cell), num_encoder_symbols, embedding_size)
        _, state = static_rnn(encoder, encoder_inputs, dtype=dtype or opened.dtype)
        if output_projection is None:
            cell = OutputProjectionWrapper(cell, num_decoder_symbols)
        both = not isinstance(feed_previous, bool)
        return either_way(
            feed_previous,
            lambda previous: embedding_rnn_decoder(
                decoder_inputs, state, cell, num_decoder_symbols, embedding_size, output_projection, previous, not both
            ),
        )


def embedding_tied_rnn_seq2seq(
    encoder_inputs: Sequence[Any],
    decoder_inputs: Sequence[Any],
    cell: Any,
    num_symbols: int,
    embedding_size: int,
    num_decoder_symbols: int | None = None,
    output_projection: Any = None,
    feed_previous: Any = False,
    dtype: Any = None,
    scope: Any = None,
) -> tuple[list[Any], Any]:
    """As `embedding_rnn_seq2seq`, with one table and one set of cell variables for both sides.

    Args:
        encoder_inputs, decoder_inputs: lists of int32 `[batch]`.
        cell: an RNNCell.
        num_symbols: how many classes there are.
        embedding_size: the size of their embeddings.
        num_decoder_symbols: how many of them the decoder may give; all by default.
        output_projection, feed_previous, dtype: as for `embedding_rnn_seq2seq`.
        scope: variable scope or its name, "embedding_tied_rnn_seq2seq" by default.
    """
    with variable_scope(scope or "embedding_tied_rnn_seq2seq", dtype=dtype) as opened:
        table = get_variable("embedding", [num_symbols, embedding_size])
        sources = [embedding_lookup(table, ids) for ids in encoder_inputs]
        targets = [embedding_lookup(table, ids) for ids in decoder_inputs]
        if output_projection is None:
            cell = OutputProjectionWrapper(cell, num_decoder_symbols or num_symbols)
        update = isinstance(feed_previous, bool)

        def build(previous: bool) -> tuple[list[Any], Any]:
            function = argmax_embedder(table, output_projection, update) if previous else None
            return tied_rnn_seq2seq(sources, targets, cell, function, dtype or opened.dtype)

        return either_way(feed_previous, build)


def one2many_rnn_seq2seq(
    encoder_inputs: Sequence[Any],
    decoder_inputs_dict: Mapping[str, Sequence[Any]],
    enc_cell: Any,
    dec_cells_dict: Mapping[str, Any],
    num_encoder_symbols: int,
    num_decoder_symbols_dict: Mapping[str, int],
    embedding_size: int,
    feed_previous: Any = False,
    dtype: Any = None,
    scope: Any = None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """One encoder and several decoders, by name.

    Args:
        encoder_inputs: a list of int32 `[batch]`.
        decoder_inputs_dict: such a list for each decoder.
        enc_cell: the encoder's cell.
        dec_cells_dict: each decoder's cell.
        num_encoder_symbols: how many classes the encoder has.
        num_decoder_symbols_dict: how many each decoder has.
        embedding_size: the size of all embeddings.
        feed_previous, dtype: as for `embedding_rnn_seq2seq`.
        scope: variable scope or its name, "one2many_rnn_seq2seq" by default.
    """
    outputs: dict[str, Any] = {}
    states: dict[str, Any] = {}
    with variable_scope(scope or "one2many_rnn_seq2seq", dtype=dtype) as opened:
        encoder = EmbeddingWrapper(enc_cell, num_encoder_symbols, embedding_size)
        _, state = static_rnn(encoder, encoder_inputs, dtype=dtype or opened.dtype)
        for name, steps in decoder_inputs_dict.items():
            count = num_decoder_symbols_dict[name]
            with variable_scope("one2many_decoder_" + str(name)):
                cell = OutputProjectionWrapper(dec_cells_dict[name], count)
                outputs[name], states[name] = either_way(
                    feed_previous,
                    lambda previous, steps=steps, cell=cell, count=count: embedding_rnn_decoder(  # type: ignore[misc]
                        steps, state, cell, count, embedding_size, None, previous
                    ),
                )
    return outputs, states
