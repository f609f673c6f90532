"""Connectionist temporal classification: the loss, and decoders for what a network says."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..conversion import convert_to_tensor
from ..dtypes import float32, float64, int32
from ..errors import InvalidArgumentError
from ..graph import Operation, Sizes, Tensor, get_default_graph
from ..inference import InferenceContext
from ..kernels import ctc, ctc_decode
from ..registry import op
from ..samples import Failure, Sample
from ..shapes import merge_sizes
from ..tensor_types import SparseTensor
from .array import reshape
from .array_order import transpose

Gradients = list[Any]
_LABELS = (np.array([[0, 0], [0, 1], [1, 0]]), np.array([1, 0, 2], np.int32), np.array([4, 3], np.int32))


def _batch(context: InferenceContext, lengths: int) -> tuple[tuple[int | None, ...], int | None]:
    inputs = context.with_rank(0, 3)
    (batch,) = merge_sizes((inputs[1],), context.with_rank(lengths, 1)) or (None,)
    return inputs, batch


@op(
    "CTCLoss",
    "inputs: T, labels_indices: int64, labels_values: int32, sequence_length: int32",
    "loss: T, gradient: T",
    T=(float32, float64),
)
def ctc_loss_op(
    inputs: Any,
    labels_indices: Any,
    labels_values: Any,
    sequence_length: Any,
    *,
    preprocess_collapse_repeated: bool = False,
    ctc_merge_repeated: bool = True,
    ignore_longer_outputs_than_inputs: bool = False,
    name: str | None = None,
) -> tuple[Tensor, Tensor]:
    """The loss of each sequence [batch], and its gradient for the logits [time, batch, classes]."""


@ctc_loss_op.shape
def ctc_loss_shape(context: InferenceContext) -> list[Sizes]:
    (time, _, classes), batch = _batch(context, 3)
    rows, columns = context.with_rank(1, 2)
    if columns not in (None, 2):
        raise ValueError(f"labels_indices must have 2 columns, got {columns}")
    merge_sizes((rows,), context.with_rank(2, 1))
    return [(batch,), (time, batch, classes)]


@ctc_loss_op.kernel
def ctc_loss_kernel(xp: Any, inputs: Any, indices: Any, values: Any, lengths: Any, **attrs: Any) -> Any:
    return ctc.ctc_loss(inputs, indices, values, lengths, **attrs)


@ctc_loss_op.gradient
def ctc_loss_gradient(op: Operation, dloss: Tensor | None, dgradient: Tensor | None) -> Gradients:
    if dgradient is not None:
        raise LookupError(f"CTCLoss has no second derivative (operation {op.name!r})")
    return [reshape(dloss, [1, -1, 1]) * op.outputs[1], None, None, None]


@ctc_loss_op.samples
def ctc_loss_samples(rng: np.random.Generator) -> list[Sample]:
    inputs = rng.normal(size=(4, 2, 4))
    return [
        Sample((inputs, *_LABELS), differentiable=False),
        Sample((inputs.astype(np.float32), *_LABELS), {"ctc_merge_repeated": False}, differentiable=False),
    ]


@ctc_loss_op.failing
def ctc_loss_failing(rng: np.random.Generator) -> list[Failure]:
    short = np.array([1, 3], np.int32)
    return [
        Failure((np.ones((4, 2, 4)), *_LABELS[:2], short), InvalidArgumentError, "Not enough time", at_run=True),
        Failure((np.ones((4, 4)), *_LABELS), ValueError, "rank 3"),
    ]


@op(
    "CTCGreedyDecoder",
    "inputs: T, sequence_length: int32",
    "decoded_indices: int64, decoded_values: int64, decoded_shape: int64, log_probability: T",
    T=(float32, float64),
)
def ctc_greedy_decoder_op(
    inputs: Any, sequence_length: Any, *, merge_repeated: bool = False, name: str | None = None
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The likeliest class of each step without blanks, as a sparse matrix, and the negated sum of its logits."""


@ctc_greedy_decoder_op.shape
def ctc_greedy_decoder_shape(context: InferenceContext) -> list[Sizes]:
    _, batch = _batch(context, 1)
    return [(None, 2), (None,), (2,), (batch, 1)]


@ctc_greedy_decoder_op.kernel
def ctc_greedy_decoder_kernel(xp: Any, inputs: Any, lengths: Any, *, merge_repeated: bool) -> Any:
    (indices, values, shape), scores = ctc_decode.ctc_greedy_decode(inputs, lengths, merge_repeated)
    return indices, values, shape, scores


@ctc_greedy_decoder_op.samples
def ctc_greedy_decoder_samples(rng: np.random.Generator) -> list[Sample]:
    inputs, lengths = rng.normal(size=(5, 2, 3)).astype(np.float32), np.array([5, 2], np.int32)
    return [Sample((inputs, lengths), {"merge_repeated": merge}, differentiable=False) for merge in (True, False)]


@op(
    "CTCBeamSearchDecoder",
    "inputs: T, sequence_length: int32",
    "decoded_indices: top_paths * int64, decoded_values: top_paths * int64, decoded_shape: top_paths * int64, "
    "log_probability: T",
    T=(float32, float64),
)
def ctc_beam_search_decoder_op(
    inputs: Any,
    sequence_length: Any,
    *,
    beam_width: int,
    top_paths: int,
    merge_repeated: bool = True,
    name: str | None = None,
) -> tuple[list[Tensor], list[Tensor], list[Tensor], Tensor]:
    """The likeliest label sequences found with a beam, each as a sparse matrix, and their log probabilities."""


@ctc_beam_search_decoder_op.shape
def ctc_beam_search_decoder_shape(context: InferenceContext) -> list[Sizes]:
    _, batch = _batch(context, 1)
    paths = context["top_paths"]
    return [*[(None, 2)] * paths, *[(None,)] * paths, *[(2,)] * paths, (batch, paths)]


@ctc_beam_search_decoder_op.kernel
def ctc_beam_search_decoder_kernel(
    xp: Any, inputs: Any, lengths: Any, *, beam_width: int, top_paths: int, merge_repeated: bool
) -> Any:
    paths, scores = ctc_decode.ctc_beam_search_decode(inputs, lengths, beam_width, top_paths, merge_repeated)
    indices, values, shapes = ([path[i] for path in paths] for i in range(3))
    return indices, values, shapes, scores


@ctc_beam_search_decoder_op.samples
def ctc_beam_search_decoder_samples(rng: np.random.Generator) -> list[Sample]:
    inputs, lengths = rng.normal(size=(4, 2, 3)).astype(np.float32), np.array([4, 2], np.int32)
    attrs = {"beam_width": 5, "top_paths": 2}
    return [Sample((inputs, lengths), attrs, differentiable=False)]


@ctc_beam_search_decoder_op.failing
def ctc_beam_search_decoder_failing(rng: np.random.Generator) -> list[Failure]:
    attrs = {"beam_width": 1, "top_paths": 2}
    inputs = (np.ones((4, 2, 3), np.float32), np.array([4, 2], np.int32))
    return [Failure(inputs, InvalidArgumentError, "top_paths|beam", attrs, at_run=True)]


ctc_greedy_decoder_op.not_differentiable = True
ctc_beam_search_decoder_op.not_differentiable = True


# TensorFlow's names


def ctc_loss(
    labels: Any,
    inputs: Any = None,
    sequence_length: Any = None,
    preprocess_collapse_repeated: bool = False,
    ctc_merge_repeated: bool = True,
    ignore_longer_outputs_than_inputs: bool = False,
    time_major: bool = True,
    logits: Any = None,
) -> Tensor:
    """The CTC loss of each sequence [batch].

    Args:
        labels: int32 SparseTensor [batch, anything]; classes below the last one, which is the blank.
        inputs: logits [time, batch, classes]; labels and inputs may come in the order of TensorFlow before 1.0.
        sequence_length: int32 [batch], how many steps of each sequence count.
        preprocess_collapse_repeated: merge equal neighbours among the labels first.
        ctc_merge_repeated: equal neighbours on a path are one label.
        ignore_longer_outputs_than_inputs: loss 0 for a sequence with more labels than steps, and no error.
        time_major: False for logits [batch, time, classes].
        logits: the later name of `inputs`.

    Raises:
        TypeError: the labels are not sparse.
    """
    inputs = logits if inputs is None else inputs
    if isinstance(inputs, SparseTensor):
        labels, inputs = inputs, labels
    if not isinstance(labels, SparseTensor):
        raise TypeError(f"Expected labels to be a SparseTensor, got {type(labels).__name__}")
    scores = convert_to_tensor(inputs, None, "inputs")
    return ctc_loss_op(
        scores if time_major else transpose(scores, [1, 0, 2]),
        labels.indices,
        labels.values,
        convert_to_tensor(sequence_length, int32, "sequence_length"),
        preprocess_collapse_repeated=preprocess_collapse_repeated,
        ctc_merge_repeated=ctc_merge_repeated,
        ignore_longer_outputs_than_inputs=ignore_longer_outputs_than_inputs,
    )[0]


def ctc_greedy_decoder(
    inputs: Any, sequence_length: Any, merge_repeated: bool = True
) -> tuple[list[SparseTensor], Tensor]:
    """The likeliest class of each step, blanks left out.

    Args:
        inputs: logits [time, batch, classes]; the last class is the blank.
        sequence_length: int32 [batch].
        merge_repeated: write a class that stays the likeliest once.

    Returns:
        A list of one int64 SparseTensor [batch, longest], and the negated sums of the largest logits [batch, 1].
    """
    parts = ctc_greedy_decoder_op(inputs, sequence_length, merge_repeated=merge_repeated)
    return [SparseTensor(*parts[:3])], parts[3]


def ctc_beam_search_decoder(
    inputs: Any, sequence_length: Any, beam_width: int = 100, top_paths: int = 1, merge_repeated: bool = True
) -> tuple[list[SparseTensor], Tensor]:
    """The `top_paths` likeliest label sequences found with a beam.

    Args:
        inputs: logits [time, batch, classes]; the last class is the blank.
        sequence_length: int32 [batch].
        beam_width: prefixes kept a step.
        top_paths: sequences to return, at most `beam_width`.
        merge_repeated: write equal neighbours of a result once.

    Returns:
        int64 SparseTensors [batch, longest], and log probabilities [batch, top_paths].
    """
    with get_default_graph().name_scope("CTCBeamSearchDecoder") as scope:
        indices, values, shapes, scores = ctc_beam_search_decoder_op(
            inputs, sequence_length, beam_width=beam_width, top_paths=top_paths, merge_repeated=merge_repeated,
            name=scope,
        )  # fmt: skip
    return [SparseTensor(*parts) for parts in zip(indices, values, shapes, strict=True)], scores


def ctc_beam_search_decoder_v2(
    inputs: Any, sequence_length: Any, beam_width: int = 100, top_paths: int = 1
) -> tuple[list[SparseTensor], Tensor]:
    """`ctc_beam_search_decoder` that leaves repeated labels as they are."""
    return ctc_beam_search_decoder(inputs, sequence_length, beam_width, top_paths, False)
