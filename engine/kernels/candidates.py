"""Samplers of candidate classes and how often each class is expected in a sample, as TF 1.15's.

Each takes a Philox stream and draws the numbers that TensorFlow's op with the same seeds draws.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import InvalidArgumentError
from .distributions import unit_doubles
from .draws import words_from
from .philox import Stream

Array = NDArray[Any]
Int64s = NDArray[np.int64]
Floats = NDArray[np.float32]
# Draws a number of classes from the words of a stream that start at a place, and says where it
# stopped: (place, count) -> (classes, next place).
Drawing = Callable[[int, int], tuple[Int64s, int]]

_WORDS_RESERVED = 2048
_MOST_TRIES = 2**31 - 1
_MOST_AT_ONCE = 1 << 16
_NEVER = -float(np.finfo(np.float32).max)


class Candidates(NamedTuple):
    """What a sampler gives: classes `[num_sampled]` and the expected counts of classes in it.

    `true_expected_count` has the shape of the true classes, `sampled_expected_count` that of the
    sampled ones; `blocks` is how many Philox blocks TF's op reserves.
    """

    sampled: Int64s
    true_expected_count: Floats
    sampled_expected_count: Floats
    blocks: int


def uniform_candidates(
    stream: Stream, true_classes: Array, num_sampled: int, unique: bool, range_max: int
) -> Candidates:
    """Returns classes drawn evenly from [0, range_max).

    Args:
        stream: where to start drawing.
        true_classes: integers `[batch, num_true]` below range_max.
        num_sampled: how many classes to draw.
        unique: no class twice: draws until there are enough different ones.
        range_max: number of classes.

    Raises:
        InvalidArgumentError: when a class is out of range or the range too small.
    """

    def probability(classes: Int64s) -> Floats:
        return np.full(classes.shape, np.float32(1.0 / range_max))

    drawing = _even_drawing(stream, range_max)
    return _sample(drawing, probability, true_classes, num_sampled, unique, range_max)


def log_uniform_candidates(
    stream: Stream, true_classes: Array, num_sampled: int, unique: bool, range_max: int
) -> Candidates:
    """Returns classes drawn with probability log((k + 2) / (k + 1)) / log(range_max + 1).

    For classes sorted by falling frequency; arguments as `uniform_candidates`.
    """
    log_range = math.log1p(range_max)

    def draw(place: int, count: int) -> tuple[Int64s, int]:
        picks = unit_doubles(words_from(stream, place, 2 * count))
        return (np.exp(picks * log_range).astype(np.int64) - 1) % range_max, place + 2 * count

    def probability(classes: Int64s) -> Floats:
        wide = classes.astype(np.float64)
        return np.asarray(np.log((wide + 2) / (wide + 1)) / log_range, dtype=np.float32)

    return _sample(draw, probability, true_classes, num_sampled, unique, range_max)


def fixed_unigram_candidates(
    stream: Stream,
    true_classes: Array,
    num_sampled: int,
    unique: bool,
    range_max: int,
    unigrams: Array,
    distortion: float = 1.0,
    num_reserved_ids: int = 0,
    num_shards: int = 1,
    shard: int = 0,
) -> Candidates:
    """Returns classes drawn in proportion to given weights; see `uniform_candidates`.

    Args:
        stream: where to start drawing.
        true_classes: integers `[batch, num_true]` below range_max.
        num_sampled: how many classes to draw.
        unique: no class twice.
        range_max: number of classes.
        unigrams: the weights of the classes after the reserved ones.
        distortion: the power that the weights are raised to.
        num_reserved_ids: classes at the front that are never drawn.
        num_shards: how many samplers share the classes.
        shard: which of these this is: it takes every num_shards-th class.

    Raises:
        InvalidArgumentError: also when the number of weights is not range_max.
    """
    weights = _unigram_weights(unigrams, distortion, num_reserved_ids, num_shards, shard)
    if len(weights) != range_max:
        raise InvalidArgumentError(None, None, f"range is {range_max} must be equal to weights size {len(weights)}")
    if unique and num_sampled > np.count_nonzero(weights):
        raise InvalidArgumentError(
            None,
            None,
            f"Sampler's range is too small: {num_sampled} different classes of "
            f"{np.count_nonzero(weights)} with a weight",
        )
    total = np.float32(weights.sum(dtype=np.float32))

    def probability(classes: Int64s) -> Floats:
        return np.asarray(weights[classes] / total, dtype=np.float32)

    drawing = _AliasDrawing(stream, weights)
    return _sample(drawing, probability, true_classes, num_sampled, unique, range_max)


def learned_unigram_candidates(
    stream: Stream, true_classes: Array, num_sampled: int, unique: bool, counts: Int64s
) -> Candidates:
    """Returns classes drawn in proportion to `counts`, and adds the true classes to them.

    Args:
        stream: where to start drawing.
        true_classes: integers `[batch, num_true]`.
        num_sampled: how many classes to draw.
        unique: no class twice.
        counts: `[range_max]`, ones at the start; changed in place: the state of the sampler.

    Raises:
        InvalidArgumentError: when a class is out of range or the range too small.
    """
    cumulated = np.cumsum(counts)
    total = int(cumulated[-1]) if len(counts) else 0
    even = _even_drawing(stream, total, words_each=1)

    def draw(place: int, count: int) -> tuple[Int64s, int]:
        picks, stopped = even(place, count)
        return np.searchsorted(cumulated, picks, side="right").astype(np.int64), stopped

    def probability(classes: Int64s) -> Floats:
        return np.asarray(counts[classes].astype(np.float32) / np.float32(total), np.float32)

    found = _sample(draw, probability, true_classes, num_sampled, unique, len(counts))
    np.add.at(counts, true_classes.reshape(-1), 1)
    return found


def all_candidates(true_classes: Array, num_sampled: int) -> Candidates:
    """Returns every class of [0, num_sampled) once, each expected once."""
    _check(true_classes, num_sampled, False, num_sampled)
    return Candidates(
        np.arange(num_sampled, dtype=np.int64),
        np.ones(true_classes.shape, np.float32),
        np.ones(num_sampled, np.float32),
        _reserved(num_sampled),
    )


def compute_accidental_hits(true_classes: Array, sampled: Array) -> tuple[NDArray[np.int32], Int64s, Floats]:
    """Returns row, place in `sampled` and -FLT_MAX for each true class that was sampled too.

    Raises:
        InvalidArgumentError: when `true_classes` is no matrix or `sampled` no vector.
    """
    if true_classes.ndim != 2 or sampled.ndim != 1:
        raise InvalidArgumentError(
            None,
            None,
            "true_candidates must be a batch_size * num_true matrix and sampled_candidates a "
            f"vector, got {list(true_classes.shape)} and {list(sampled.shape)}",
        )
    # The last of equal samples counts.
    place_of = {value: place for place, value in enumerate(sampled.tolist())}
    hits = [
        (row, place_of[value])
        for row, values in enumerate(true_classes.tolist())
        for value in values
        if value in place_of
    ]
    rows, places = np.array(hits, dtype=np.int64).reshape(-1, 2).T
    return rows.astype(np.int32), places, np.full(len(hits), _NEVER, np.float32)


def _sample(
    draw: Drawing,
    probability: Callable[[Int64s], Floats],
    true_classes: Array,
    num_sampled: int,
    unique: bool,
    range_max: int,
) -> Candidates:
    _check(true_classes, num_sampled, unique, range_max)
    if unique:
        sampled, tries = _draw_unique(draw, num_sampled)
    else:
        sampled, tries = draw(0, num_sampled)[0], num_sampled
    classes = true_classes.astype(np.int64, copy=False)
    return Candidates(
        sampled,
        _expected(probability(classes), num_sampled, tries),
        _expected(probability(sampled), num_sampled, tries),
        _reserved(num_sampled),
    )


def _draw_unique(draw: Drawing, wanted: int) -> tuple[Int64s, int]:
    """Draws until there are enough different classes; returns them in order, and the tries."""
    found, tries, place = np.zeros(0, np.int64), 0, 0
    while tries < _MOST_TRIES:
        more, place = draw(place, min(_MOST_AT_ONCE, max(2 * wanted, tries)))
        together = np.concatenate([found, more])
        firsts = np.sort(np.unique(together, return_index=True)[1])[:wanted]
        if len(firsts) == wanted:
            return together[firsts], tries + int(firsts[-1]) - len(found) + 1
        found, tries = together[firsts], tries + len(more)
    raise InvalidArgumentError(None, None, f"no {wanted} different classes in {tries} draws: the rest is too unlikely")


def _expected(probability: Floats, num_sampled: int, tries: int) -> Floats:
    if tries == num_sampled:
        return probability * np.float32(num_sampled)
    # 1 - (1 - p) ** tries, for small p too; a class that is certain has log 0.
    with np.errstate(divide="ignore"):
        log_missed = np.log1p(-probability.astype(np.float64)) * tries
    return np.asarray(-np.expm1(log_missed), dtype=np.float32)


def _even_drawing(stream: Stream, limit: int, words_each: int = 2) -> Drawing:
    """Draws below a limit without bias: numbers of one or two words, too small ones rejected."""
    bits = 32 * words_each
    is_power = limit & (limit - 1) == 0
    least = 0 if is_power else ((1 << bits) - 1) % limit + 1

    def draw(place: int, count: int) -> tuple[Int64s, int]:
        kept = np.zeros(0, np.uint64)
        while len(kept) < count:
            missing = count - len(kept)
            numbers = words_from(stream, place, words_each * missing).astype(np.uint64)
            if words_each == 2:
                numbers = numbers[0::2] | numbers[1::2] << np.uint64(32)
            kept = np.concatenate([kept, numbers[numbers >= np.uint64(least)]])
            place += words_each * missing
        return (kept % np.uint64(limit)).astype(np.int64), place

    return draw


class _AliasDrawing:
    """Draws by Walker's method: a number and a bucket, which gives its own class or its alias."""

    def __init__(self, stream: Stream, weights: Floats) -> None:
        self._stream, self._size = stream, len(weights)
        self._keep, self._alias = _alias_table(weights)
        is_power = self._size & (self._size - 1) == 0
        self._least = 0 if is_power else ((1 << 32) - 1) % self._size + 1

    def __call__(self, place: int, count: int) -> tuple[Int64s, int]:
        chosen = np.zeros(0, np.int64)
        while len(chosen) < count:
            missing = count - len(chosen)
            words = words_from(self._stream, place, 2 * missing)
            # A rejected bucket shifts which word is which: go on behind it.
            rejected = np.flatnonzero(words[1::2] < self._least)
            good = int(rejected[0]) if len(rejected) else missing
            chosen = np.concatenate([chosen, self._classes(words[: 2 * good : 2], words[1 : 2 * good : 2])])
            place += 2 * good
            if good < missing:
                one, place = self._after_rejection(place)
                chosen = np.concatenate([chosen, one])
        return chosen, place

    def _classes(self, words: NDArray[np.uint32], buckets: NDArray[np.uint32]) -> Int64s:
        bucket = (buckets % np.uint32(self._size)).astype(np.int64)
        number = (words & np.uint32(0x7FFFFF)).astype(np.float32) * np.float32(2.0**-23)
        return np.where(number < self._keep[bucket], bucket, self._alias[bucket])

    def _after_rejection(self, place: int) -> tuple[Int64s, int]:
        word = words_from(self._stream, place, 1)
        place += 1
        while (bucket := words_from(self._stream, place, 1))[0] < self._least:
            place += 1
        return self._classes(word, bucket), place + 1


def _alias_table(weights: Floats) -> tuple[Floats, Int64s]:
    """Returns how likely each bucket keeps its own class, and the class it gives otherwise."""
    size = len(weights)
    share = weights.astype(np.float64) * size / float(weights.sum(dtype=np.float64))
    alias = np.arange(size, dtype=np.int64)
    low = np.flatnonzero(share < 1.0).tolist()
    high = np.flatnonzero(share >= 1.0).tolist()
    while low and high:
        poor, rich = low.pop(), high.pop()
        alias[poor] = rich
        share[rich] -= 1.0 - share[poor]
        (low if share[rich] < 1.0 else high).append(rich)
    # What is left over is 1 but for rounding.
    share[low + high] = 1.0
    return share.astype(np.float32), alias


def _unigram_weights(unigrams: Array, distortion: float, num_reserved_ids: int, num_shards: int, shard: int) -> Floats:
    if not 0 <= shard < num_shards:
        raise InvalidArgumentError(None, None, f"shard must be in [0, num_shards), got {shard} of {num_shards}")
    with np.errstate(all="ignore"):
        raised = np.asarray(unigrams, np.float32) ** np.float32(distortion)
    weights = np.concatenate([np.zeros(num_reserved_ids, np.float32), raised])[shard::num_shards]
    if len(weights) and not (np.all(weights >= 0) and 0 < weights.sum() < np.inf):
        raise InvalidArgumentError(None, None, "unigrams: expected finite weights, none negative and one above zero")
    return weights


def _reserved(num_sampled: int) -> int:
    return -(-_WORDS_RESERVED * num_sampled // 4)


def _check(true_classes: Array, num_sampled: int, unique: bool, range_max: int) -> None:
    if true_classes.ndim != 2:
        raise InvalidArgumentError(None, None, f"true_classes must be a matrix, got shape {list(true_classes.shape)}")
    if range_max < 1 or num_sampled < 1:
        raise InvalidArgumentError(
            None,
            None,
            f"range_max and num_sampled must be positive, got {range_max} and {num_sampled}",
        )
    if unique and num_sampled > range_max:
        raise InvalidArgumentError(
            None,
            None,
            f"Sampler's range is too small: {num_sampled} different classes of {range_max}",
        )
    outside = (true_classes < 0) | (true_classes >= range_max)
    if outside.any():
        raise InvalidArgumentError(
            None,
            None,
            f"`true_candidate` out of range [0, {range_max}), received {true_classes[outside][0]}",
        )
