"""Connectionist temporal classification: the loss and its gradient, in the log domain.

All sequences of a batch go through time together: a step is a handful of operations on
`[batch, 2 * labels + 1]`. The recurrences are Graves' (2012, section 7.3), in float64.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidArgumentError
from .results import result_array
from .scatter import accumulate

Array = NDArray[Any]
Doubles = NDArray[np.float64]
Labels = list[list[int]]


def ctc_loss(
    inputs: Array,
    label_indices: Array,
    label_values: Array,
    sequence_length: Array,
    preprocess_collapse_repeated: bool = False,
    ctc_merge_repeated: bool = True,
    ignore_longer_outputs_than_inputs: bool = False,
    out: tuple[Array, Array] | None = None,
) -> tuple[Array, Array]:
    """Returns the losses `[batch]` and their gradients with respect to `inputs`, as TF 1.15.

    Args:
        inputs: logits `[time, batch, classes]`; the last class is the blank.
        label_indices: `[n, 2]`, sequence and place in it of each label, sorted.
        label_values: `[n]`; a label of `classes - 1` or more ends its sequence.
        sequence_length: `[batch]`, how many steps of each sequence count.
        preprocess_collapse_repeated: merges equal neighbours among the labels first.
        ctc_merge_repeated: equal neighbours on a path are one label, as in CTC proper.
        ignore_longer_outputs_than_inputs: gives loss 0 to a sequence with more labels than steps
            instead of an error.
        out: arrays for losses and gradients to fill instead of new ones.

    Raises:
        InvalidArgumentError: when shapes, lengths or labels are wrong, or there are too few steps.
    """
    labels = labels_of(inputs, label_indices, label_values, sequence_length)
    loss = result_array(inputs.shape[1:2], inputs.dtype, out and out[0])
    gradient = result_array(inputs.shape, inputs.dtype, out and out[1])
    classes = inputs.shape[2]
    lengths = np.array(sequence_length, dtype=np.intp)
    targets = [_target(number, label, classes, preprocess_collapse_repeated) for number, label in enumerate(labels)]
    for number, (label, length) in enumerate(zip(labels, lengths.tolist(), strict=True)):
        if len(label) > length:
            if not ignore_longer_outputs_than_inputs:
                raise _too_short(number, len(label), length)
            lengths[number] = 0
    lattice = _lattice(targets, classes - 1, ctc_merge_repeated)
    log_y = _log_softmax(inputs)
    log_p, posterior = _posterior(log_y, lattice, lengths)
    gradient[...] = _gradient(log_y, posterior, lattice.symbols, lengths)
    loss[...] = np.where(lengths > 0, -log_p, 0.0)
    return loss, gradient


def labels_of(inputs: Array, label_indices: Array, label_values: Array, sequence_length: Array) -> Labels:
    """Checks the shapes and returns the labels of each sequence.

    Raises:
        InvalidArgumentError: naming what does not fit.
    """
    check_sequences(inputs, sequence_length)
    if label_indices.shape != (*label_values.shape, 2) or label_values.ndim != 1:
        raise InvalidArgumentError(
            None,
            None,
            "labels_indices and labels_values must contain the same number of rows, but saw "
            f"shapes: {list(label_indices.shape)} vs. {list(label_values.shape)}",
        )
    batch = inputs.shape[1]
    labels: Labels = [[] for _ in range(batch)]
    previous = (-1, -1)
    for place, value in zip(map(tuple, label_indices.tolist()), label_values.tolist(), strict=True):
        if not 0 <= place[0] < batch or place[1] < 0 or place <= previous:
            raise InvalidArgumentError(
                None,
                None,
                f"label SparseTensor is not valid: index {list(place)} after {list(previous)} is "
                f"out of order or out of bounds for a batch of {batch}",
            )
        previous = place
        labels[place[0]].append(value)
    return labels


def check_sequences(inputs: Array, sequence_length: Array) -> None:
    """Raises unless inputs are `[time, batch, classes]` and the lengths fit them.

    Raises:
        InvalidArgumentError: naming what does not fit.
    """
    if inputs.ndim != 3 or inputs.shape[1] == 0 or inputs.shape[2] == 0:
        raise InvalidArgumentError(
            None,
            None,
            f"inputs must be [time, batch, classes] with a batch and classes, got {list(inputs.shape)}",
        )
    time, batch = inputs.shape[:2]
    if sequence_length.shape != (batch,):
        raise InvalidArgumentError(
            None,
            None,
            f"sequence_length: expected shape [{batch}], got {list(sequence_length.shape)}",
        )
    for number, length in enumerate(sequence_length.tolist()):
        if not 0 <= length <= time:
            raise InvalidArgumentError(None, None, f"sequence_length({number}) = {length} is not in [0, {time}]")


class _Lattice(NamedTuple):
    """The labels with blanks around them, `[batch, 2 * labels + 1]`, and the moves between them."""

    symbols: NDArray[np.intp]
    sizes: NDArray[np.intp]
    may_stay: NDArray[np.bool_]
    may_skip: NDArray[np.bool_]


def _lattice(targets: Labels, blank: int, merge: bool) -> _Lattice:
    sizes = np.array([2 * len(target) + 1 for target in targets], dtype=np.intp)
    symbols = np.full((len(targets), int(sizes.max())), blank, dtype=np.intp)
    for row, target in zip(symbols, targets, strict=True):
        row[1 : 2 * len(target) : 2] = target
    may_stay = (symbols == blank) | merge
    may_skip = np.zeros_like(may_stay)
    differs = symbols[:, 2:] != symbols[:, :-2]
    may_skip[:, 2:] = (symbols[:, 2:] != blank) & (differs | (not merge))
    return _Lattice(symbols, sizes, may_stay, may_skip)


def _target(number: int, label: list[int], classes: int, collapse: bool) -> list[int]:
    """Returns the labels before the first null label, collapsed where asked for."""
    if not label:
        raise InvalidArgumentError(None, None, f"Labels length is zero in batch {number}")
    if collapse:
        label = [v for i, v in enumerate(label) if i == 0 or v != label[i - 1]]
    is_null = [value >= classes - 1 for value in label]
    end = is_null.index(True) if any(is_null) else len(label)
    if not all(is_null[end:]):
        raise InvalidArgumentError(
            None,
            None,
            "Saw a non-null label (index >= num_classes - 1) following a null label, batch: "
            f"{number} num_classes: {classes} labels: {label}",
        )
    if min(label) < 0:
        raise InvalidArgumentError(
            None,
            None,
            f"All labels must be nonnegative integers, batch: {number} labels: {label}",
        )
    return label[:end]


def _too_short(number: int, required: int, available: int) -> InvalidArgumentError:
    return InvalidArgumentError(
        None,
        None,
        f"Not enough time for target transition sequence (required: {required}, available: "
        f"{available}) in batch {number}. ignore_longer_outputs_than_inputs makes this a loss of 0",
    )


def _log_softmax(inputs: Array) -> Doubles:
    wide = inputs.astype(np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        shifted = wide - wide.max(axis=2, keepdims=True)
        result: Doubles = shifted - np.log(np.exp(shifted).sum(axis=2, keepdims=True))
    return result


def _posterior(log_y: Doubles, lattice: _Lattice, lengths: NDArray[np.intp]) -> tuple[Doubles, Doubles]:
    """Returns log p of each sequence, and of each step how likely it is at each symbol."""
    emitted = np.take_along_axis(log_y, lattice.symbols[None], axis=2)
    alpha = _forward(emitted, lattice)
    beta = _backward(emitted, lattice, lengths)
    together = np.add(alpha, beta, out=alpha)
    if not len(together):
        return np.zeros(log_y.shape[1]), together
    log_p = np.logaddexp.reduce(together[0], axis=1)
    # Without a path the gradient is the softmax alone.
    found = np.where(np.isneginf(log_p), 0.0, log_p)
    return log_p, np.exp(together - found[:, None])


def _forward(emitted: Doubles, lattice: _Lattice) -> Doubles:
    alpha = np.full(emitted.shape, -np.inf)
    place = np.arange(emitted.shape[2])
    starts = (place < 2) & (place < lattice.sizes[:, None])
    state: Doubles = np.where(starts, 0.0, -np.inf)
    skips = np.where(lattice.may_skip, 0.0, -np.inf)
    stays = np.where(lattice.may_stay, 0.0, -np.inf)
    for time in range(len(emitted)):
        if time:
            before, state = state, state + stays
            state[:, 1:] = np.logaddexp(state[:, 1:], before[:, :-1])
            state[:, 2:] = np.logaddexp(state[:, 2:], before[:, :-2] + skips[:, 2:])
        state = np.add(state, emitted[time], out=alpha[time])
    return alpha


def _backward(emitted: Doubles, lattice: _Lattice, lengths: NDArray[np.intp]) -> Doubles:
    beta = np.full(emitted.shape, -np.inf)
    place = np.arange(emitted.shape[2])
    ends = (place >= lattice.sizes[:, None] - 2) & (place < lattice.sizes[:, None])
    last = np.where(ends, 0.0, -np.inf)
    skips = np.where(lattice.may_skip, 0.0, -np.inf)
    stays = np.where(lattice.may_stay, 0.0, -np.inf)
    for time in range(len(emitted) - 1, -1, -1):
        if time + 1 < len(emitted):
            after = beta[time + 1] + emitted[time + 1]
            state = after + stays
            state[:, :-1] = np.logaddexp(state[:, :-1], after[:, 1:])
            state[:, :-2] = np.logaddexp(state[:, :-2], after[:, 2:] + skips[:, 2:])
            beta[time] = state
        beta[time][lengths == time + 1] = last[lengths == time + 1]
    return beta


def _gradient(log_y: Doubles, posterior: Doubles, symbols: NDArray[np.intp], lengths: NDArray[np.intp]) -> Doubles:
    time, batch, classes = log_y.shape
    gradient = np.exp(log_y)
    rows = np.arange(time * batch).reshape(time, batch, 1) * classes + symbols
    flat = gradient.reshape(-1, 1)
    accumulate(np.subtract, flat, rows.reshape(-1), posterior.reshape(-1, 1))
    gradient[np.arange(time)[:, None] >= lengths] = 0.0
    return gradient
