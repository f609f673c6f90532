"""Decoders for the outputs of CTC networks: the best path, and beam search over prefixes."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidArgumentError
from .ctc import check_sequences

Array = NDArray[Any]
Sparse = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]


def ctc_greedy_decode(
    inputs: Array, sequence_length: Array, merge_repeated: bool = False, blank_index: int = -1
) -> tuple[Sparse, Array]:
    """Returns the largest class of each step, without blanks, and the score of that path.

    Args:
        inputs: logits `[time, batch, classes]`.
        sequence_length: `[batch]`, how many steps of each sequence count.
        merge_repeated: writes a class that stays the largest once.
        blank_index: the blank; a negative one counts from the last class.

    Returns:
        indices `[n, 2]`, values `[n]` and dense shape of the labels, and `[batch, 1]` negated sums
        of the largest logits.

    Raises:
        InvalidArgumentError: when shapes, lengths or the blank are wrong.
    """
    check_sequences(inputs, sequence_length)
    classes = inputs.shape[2]
    if not -classes <= blank_index < classes:
        raise InvalidArgumentError(
            None,
            None,
            f"blank_index expected to be between {-classes} and {classes - 1} but was {blank_index}",
        )
    best, steps = inputs.argmax(axis=2), np.arange(len(inputs))[:, None]
    within = steps < sequence_length
    kept = within & (best != blank_index % classes)
    if merge_repeated:
        kept[1:] &= best[1:] != best[:-1]
    paths = [best[kept[:, number], number].tolist() for number in range(inputs.shape[1])]
    score = -np.where(within, inputs.max(axis=2), 0).sum(axis=0, dtype=inputs.dtype)
    return _sparse(paths), score[:, None]


def ctc_beam_search_decode(
    inputs: Array,
    sequence_length: Array,
    beam_width: int = 100,
    top_paths: int = 1,
    merge_repeated: bool = True,
) -> tuple[list[Sparse], Array]:
    """Returns the likeliest label sequences found with a beam, and their log probabilities.

    Paths that stand for the same labels add up. As TF 1.15's CTCBeamSearchDecoder; the blank is
    the last class.

    Args:
        inputs: logits `[time, batch, classes]`.
        sequence_length: `[batch]`, how many steps of each sequence count.
        beam_width: prefixes kept a step.
        top_paths: how many sequences to return, at most beam_width.
        merge_repeated: writes equal neighbours of a result once.

    Returns:
        for each path the indices, values and dense shape of the labels of the whole batch, and
        log probabilities `[batch, top_paths]`.

    Raises:
        InvalidArgumentError: when shapes or lengths are wrong, or there are too few paths.
    """
    check_sequences(inputs, sequence_length)
    if not 0 < top_paths <= beam_width:
        raise InvalidArgumentError(
            None,
            None,
            f"requested more paths than the beam width: top_paths = {top_paths}, beam_width = {beam_width}",
        )
    scores = np.empty((inputs.shape[1], top_paths), inputs.dtype)
    paths: list[list[list[int]]] = [[] for _ in range(top_paths)]
    for number, length in enumerate(sequence_length.tolist()):
        found = _search(_log_softmax(inputs[:length, number]), beam_width)
        if len(found) < top_paths:
            raise InvalidArgumentError(None, None, "Less leaves in the beam search than requested.")
        for rank, prefix in enumerate(found[:top_paths]):
            paths[rank].append(prefix.labels(merge_repeated))
            scores[number, rank] = prefix.now.total
    return [_sparse(path) for path in paths], scores


@dataclass(slots=True)
class _Chances:
    """Log probabilities of a prefix: in all, ending in a blank, ending in its last label."""

    total: float = -math.inf
    blank: float = -math.inf
    label: float = -math.inf


@dataclass(slots=True, eq=False)
class _Prefix:
    parent: _Prefix | None = None
    last: int = -1
    children: dict[int, _Prefix] = field(default_factory=dict)
    before: _Chances = field(default_factory=_Chances)
    now: _Chances = field(default_factory=_Chances)

    def labels(self, merge: bool) -> list[int]:
        result: list[int] = []
        prefix, previous = self, -1
        while prefix.parent is not None:
            if not merge or prefix.last != previous:
                result.append(prefix.last)
            previous, prefix = prefix.last, prefix.parent
        return result[::-1]


class _Beam:
    """The best prefixes so far: a heap with the worst on top."""

    def __init__(self, width: int) -> None:
        self.width = width
        self._heap: list[tuple[float, int, _Prefix]] = []
        self._number = count(0, -1)

    def limit(self) -> float:
        """Returns the log probability that a new prefix has to exceed."""
        return self._heap[0][0] if len(self._heap) == self.width else -math.inf

    def push(self, prefix: _Prefix) -> None:
        """Adds a prefix; the worst one leaves a full beam and forgets what it was."""
        entry = (prefix.now.total, next(self._number), prefix)
        if len(self._heap) < self.width:
            heapq.heappush(self._heap, entry)
            return
        worst = heapq.heappushpop(self._heap, entry)[2]
        worst.now = _Chances()

    def best_first(self) -> list[_Prefix]:
        """Returns the prefixes, likeliest first."""
        return [entry[2] for entry in sorted(self._heap, key=lambda entry: (-entry[0], -entry[1]))]


def _search(log_y: NDArray[np.float64], width: int) -> list[_Prefix]:
    root = _Prefix(now=_Chances(0.0, 0.0))
    beam = _Beam(width)
    beam.push(root)
    for step in log_y:
        prefixes, beam = beam.best_first(), _Beam(width)
        for prefix in prefixes:
            prefix.before = prefix.now
        for prefix in prefixes:
            prefix.now = _carried(prefix, step)
            beam.push(prefix)
        for prefix in prefixes:
            _grow(prefix, step, beam)
    return beam.best_first()


def _carried(prefix: _Prefix, step: NDArray[np.float64]) -> _Chances:
    """Returns the chances of the same labels after one step more: a blank, or the last again."""
    label = prefix.before.label
    parent = prefix.parent
    if parent is not None:
        if parent.now.total != -math.inf:
            same = prefix.last == parent.last
            label = _add(label, parent.before.blank if same else parent.before.total)
        label += float(step[prefix.last])
    blank = prefix.before.total + float(step[-1])
    return _Chances(_add(blank, label), blank, label)


def _grow(prefix: _Prefix, step: NDArray[np.float64], beam: _Beam) -> None:
    """Offers the prefix with each further label to the beam."""
    if not prefix.before.total > beam.limit():
        return
    chances = prefix.before.total + step[:-1]
    if prefix.last >= 0:
        # The same label again is a new one only after a blank.
        chances[prefix.last] = prefix.before.blank + step[prefix.last]
    # The limit only rises: what is below it now need not be looked at one by one.
    for label in np.flatnonzero(chances > beam.limit()).tolist():
        child = prefix.children.get(label)
        if child is None:
            child = prefix.children[label] = _Prefix(prefix, label)
        if child.now.total != -math.inf:
            continue
        chance = float(chances[label])
        if chance > beam.limit():
            child.now = _Chances(chance, -math.inf, chance)
            beam.push(child)
        else:
            child.before = _Chances()


def _add(one: float, other: float) -> float:
    """Returns log(exp(one) + exp(other))."""
    high, low = max(one, other), min(one, other)
    return high if low == -math.inf else high + math.log1p(math.exp(low - high))


def _log_softmax(logits: Array) -> NDArray[np.float64]:
    wide = logits.astype(np.float64)
    shifted = wide - wide.max(axis=1, keepdims=True, initial=-np.inf)
    result: NDArray[np.float64] = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return result


def _sparse(paths: list[list[int]]) -> Sparse:
    indices = [[number, place] for number, path in enumerate(paths) for place in range(len(path))]
    values = [label for path in paths for label in path]
    longest = max((len(path) for path in paths), default=0)
    return (
        np.array(indices, dtype=np.int64).reshape(-1, 2),
        np.array(values, dtype=np.int64),
        np.array([len(paths), longest], dtype=np.int64),
    )
