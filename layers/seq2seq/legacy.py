"""Sequence to sequence on lists of steps, as TensorFlow 1's `legacy_seq2seq` (`tf.nn.seq2seq`): decoders and buckets."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ...engine import nest
from ...engine.dtypes import float32
from ...engine.graph import Tensor, get_default_graph
from ...engine.ops.cond import cond
from ...engine.ops.extrema import argmax
from ...engine.ops.guards import stop_gradient
from ...engine.ops.nn_bias import xw_plus_b
from ...engine.ops.nn_embedding import embedding_lookup
from ...engine.ops.nn_losses import sequence_loss, sequence_loss_by_example
from ...engine.variable_scope import get_variable_scope, variable_scope
from ..recurrent.cell import RNNCell
from ..recurrent.static import static_rnn

LoopFunction = Callable[[Any, int], Any]


def fresh_copy(cell: Any) -> Any:
    """A cell like `cell`, also inside, that makes its variables anew where it is called."""
    twin = copy.copy(cell)
    for name, value in vars(cell).items():
        if isinstance(value, RNNCell):
            setattr(twin, name, fresh_copy(value))
        elif isinstance(value, list) and value and all(isinstance(part, RNNCell) for part in value):
            setattr(twin, name, [fresh_copy(part) for part in value])
    if isinstance(twin, RNNCell):
        twin.built, twin.graph = False, None
        if twin._scope is not None:
            twin._scope = twin._scope_option = None
        twin._trainable_weights, twin._non_trainable_weights = [], []
    return twin


def argmax_embedder(embedding: Any, output_projection: Any = None, update_embedding: bool = True) -> LoopFunction:
    """A loop function: the embedding of the likeliest class of the output before.

    Args:
        embedding: the table.
        output_projection: a pair of weights and biases that make logits of outputs, None for none.
        update_embedding: whether gradients reach the table this way.
    """

    def embed(previous: Any, _: int) -> Any:
        if output_projection is not None:
            previous = xw_plus_b(previous, output_projection[0], output_projection[1])
        embedded = embedding_lookup(embedding, argmax(previous, 1))
        return embedded if update_embedding else stop_gradient(embedded)

    return embed


def rnn_decoder(
    decoder_inputs: Iterable[Any],
    initial_state: Any,
    cell: Any,
    loop_function: LoopFunction | None = None,
    scope: Any = None,
) -> tuple[list[Any], Any]:
    """Outputs of all steps and the last state, as `tf.contrib.legacy_seq2seq.rnn_decoder`.

    Args:
        decoder_inputs: tensors `[batch, size]`, one a step.
        initial_state: the cell's first state.
        cell: an RNNCell.
        loop_function: `(output, step) -> inputs`, used from the second step on instead of the given inputs.
        scope: variable scope or its name, "rnn_decoder" by default.
    """
    with variable_scope(scope or "rnn_decoder"):
        state = initial_state
        outputs: list[Any] = []
        for step, inputs in enumerate(decoder_inputs):
            inputs = looped(loop_function, outputs, step, inputs)
            if step:
                get_variable_scope().reuse_variables()
            output, state = cell(inputs, state)
            outputs.append(output)
        return outputs, state


def looped(function: LoopFunction | None, outputs: list[Any], step: int, inputs: Any) -> Any:
    """The inputs of a step: those given, or what the loop function makes of the output before."""
    if function is None or not outputs:
        return inputs
    with variable_scope("loop_function", reuse=True):
        return function(outputs[-1], step)


def basic_rnn_seq2seq(
    encoder_inputs: Sequence[Any], decoder_inputs: Sequence[Any], cell: Any, dtype: Any = float32, scope: Any = None
) -> tuple[list[Any], Any]:
    """A decoder that starts with the last state of an encoder of the same kind of cell, with variables of its own.

    Args:
        encoder_inputs, decoder_inputs: lists of `[batch, size]`.
        cell: an RNNCell.
        dtype: of the state.
        scope: variable scope or its name, "basic_rnn_seq2seq" by default.
    """
    with variable_scope(scope or "basic_rnn_seq2seq"):
        _, state = static_rnn(fresh_copy(cell), encoder_inputs, dtype=dtype)
        return rnn_decoder(decoder_inputs, state, cell)


def tied_rnn_seq2seq(
    encoder_inputs: Sequence[Any],
    decoder_inputs: Sequence[Any],
    cell: Any,
    loop_function: LoopFunction | None = None,
    dtype: Any = float32,
    scope: Any = None,
) -> tuple[list[Any], Any]:
    """As `basic_rnn_seq2seq`, with one set of variables for encoder and decoder.

    Args:
        encoder_inputs, decoder_inputs: lists of `[batch, size]`.
        cell: an RNNCell.
        loop_function: as for `rnn_decoder`.
        dtype: of the state.
        scope: variable scope or its name, "tied_rnn_seq2seq" by default.
    """
    with variable_scope("combined_tied_rnn_seq2seq"):
        scope = scope or "tied_rnn_seq2seq"
        _, state = static_rnn(cell, encoder_inputs, dtype=dtype, scope=scope)
        get_variable_scope().reuse_variables()
        return rnn_decoder(decoder_inputs, state, cell, loop_function, scope)


def either_way(feed_previous: Any, build: Callable[[bool], tuple[list[Any], Any]]) -> tuple[list[Any], Any]:
    """What `build` gives for `feed_previous`, a Python bool; for a bool tensor both are built and one of them runs."""
    if not isinstance(feed_previous, Tensor):
        return build(bool(feed_previous))
    structures: list[Any] = []

    def branch(value: bool) -> Callable[[], list[Any]]:
        def built() -> list[Any]:
            with variable_scope(get_variable_scope(), reuse=None if value else True):
                outputs, state = build(value)
            structures.append((len(outputs), state))
            return [*outputs, *nest.flatten(state)]

        return built

    flat = cond(feed_previous, branch(True), branch(False), strict=True)
    count, state = structures[0]
    return list(flat[:count]), nest.pack_sequence_as(state, list(flat[count:]))


def model_with_buckets(
    encoder_inputs: Sequence[Any],
    decoder_inputs: Sequence[Any],
    targets: Sequence[Any],
    weights: Sequence[Any],
    buckets: Sequence[tuple[int, int]],
    seq2seq: Callable[[Any, Any], Any],
    softmax_loss_function: Callable[..., Any] | None = None,
    per_example_loss: bool = False,
    name: str | None = None,
) -> tuple[list[Any], list[Any]]:
    """Outputs and losses of one model for sequences of several lengths.

    Args:
        encoder_inputs, decoder_inputs: lists of steps for the last bucket.
        targets: int32 `[batch]` for each step of the decoder.
        weights: float `[batch]` for each step of the decoder.
        buckets: pairs of encoder and decoder lengths, the largest last.
        seq2seq: `(encoder_inputs, decoder_inputs) -> (outputs, state)`.
        softmax_loss_function: of `labels` and `logits`, instead of the sparse cross entropy.
        per_example_loss: whether losses are `[batch]`; scalars by default.
        name: name scope.

    Returns:
        Two lists with one item a bucket: the lists of outputs, and the losses.

    Raises:
        ValueError: there are fewer steps than the last bucket has.
    """
    _check_steps(encoder_inputs, decoder_inputs, targets, weights, buckets[-1])
    losses, outputs = [], []
    loss: Any = sequence_loss_by_example if per_example_loss else sequence_loss
    with get_default_graph().name_scope(name or "model_with_buckets"):
        for index, (source, target) in enumerate(buckets):
            with variable_scope(get_variable_scope(), reuse=True if index else None):
                found, _ = seq2seq(encoder_inputs[:source], decoder_inputs[:target])
                outputs.append(found)
                losses.append(
                    loss(found, targets[:target], weights[:target], softmax_loss_function=softmax_loss_function)
                )
    return outputs, losses


def _check_steps(encoder: Any, decoder: Any, targets: Any, weights: Any, last: tuple[int, int]) -> None:
    wanted = (
        ("encoder_inputs", encoder, 0),
        ("decoder_inputs", decoder, 1),
        ("targets", targets, 1),
        ("weights", weights, 1),
    )
    for name, steps, side in wanted:
        if len(steps) < last[side]:
            raise ValueError(f"Length of {name} ({len(steps)}) must be at least that of last bucket ({last[side]}).")
