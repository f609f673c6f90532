"""Counts of right and wrong predictions at thresholds: what precision, recall and the area under curves are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ...engine.conversion import convert_to_tensor
from ...engine.dtypes import float32, int32
from ...engine.graph import Tensor
from ...engine.ops.array import reshape, shape as shape_of
from ...engine.ops.array_order import transpose
from ...engine.ops.array_parts import broadcast_to, ones_like
from ...engine.ops.array_sets import one_hot, searchsorted
from ...engine.ops.array_shape import expand_dims
from ...engine.ops.casting import cast
from ...engine.ops.choice import where_v2
from ...engine.ops.comparison import not_equal
from ...engine.ops.indexing import gather
from ...engine.ops.ranges import range as number_range
from ...engine.ops.reduce import reduce_sum
from ...engine.ops.scans import cumsum
from ...engine.ops.segments import unsorted_segment_sum
from ...engine.ops.top import top_k as best
from .graph_record import mask_of
from .loss_shapes import as_tensor, pair, same_rank, with_mask

# Below all predictions: what a threshold is where the best k count.
LOWEST = -1e10


class Counts(NamedTuple):
    """Weighted numbers of examples at each threshold; of each label too where there are several."""

    true_positives: Tensor
    false_positives: Tensor
    true_negatives: Tensor
    false_negatives: Tensor


def checked_thresholds(thresholds: Any, default: float = 0.5) -> list[float]:
    """Thresholds as a list.

    Raises:
        ValueError: one is not from 0 to 1.
    """
    if thresholds is None:
        return [default]
    found = [float(t) for t in (thresholds if isinstance(thresholds, list | tuple | np.ndarray) else [thresholds])]
    wrong = [t for t in found if not 0 <= t <= 1]
    if wrong:
        raise ValueError(f"Thresholds must be from 0 to 1, got {wrong}")
    return found


def even_thresholds(count: int, margin: float = 0.0) -> list[float]:
    """`count` thresholds from 0 to 1, the outer ones `margin` beyond.

    Raises:
        ValueError: fewer than two.
    """
    if count <= 1:
        raise ValueError(f"num_thresholds must be at least 2, got {count}")
    return [-margin, *(i / (count - 1) for i in range(1, count - 1)), 1.0 + margin]


def confusion_counts(
    y_true: Any,
    y_pred: Any,
    thresholds: Sequence[float],
    sample_weight: Any = None,
    top_k: int | None = None,
    class_id: int | None = None,
    by_label: bool = False,
    label_weights: Any = None,
) -> Counts:
    """The counts at each threshold; a prediction above it is positive.

    Args:
        y_true: labels; all but 0 are positive.
        y_pred: of the same shape.
        thresholds: any number of them.
        sample_weight: of the shape of y_pred or that without its last dimensions.
        top_k: only the best k of the last dimension can be positive.
        class_id: count this one of the last dimension only.
        by_label: count each of the last dimension on its own.
        label_weights: one for each of the last dimension.
    """
    truth, guess = pair(y_true, y_pred)
    weights = with_mask(sample_weight, mask_of(y_pred), float32, "sum")
    if top_k is not None:
        guess = _best_only(guess, top_k)
    spread = _spread(weights, guess) * (1.0 if label_weights is None else as_tensor(label_weights, float32))
    if class_id is not None:
        truth, guess, spread = (x[..., class_id] for x in (truth, guess, spread))
    positive = cast(not_equal(truth, 0.0), float32) * spread
    return _sorted_counts(positive, spread - positive, guess, thresholds, by_label)


def _best_only(guess: Tensor, k: int) -> Tensor:
    depth = shape_of(guess)[-1]
    chosen = reduce_sum(one_hot(best(guess, k, sorted=False)[1], depth, dtype=float32), axis=-2)
    return where_v2(chosen > 0.5, guess, ones_like(guess) * LOWEST)


def _spread(weights: Any, guess: Tensor) -> Tensor:
    if weights is None:
        return ones_like(guess)
    given, _ = same_rank(as_tensor(weights, float32), guess)
    while (given.shape.ndims or 0) < (guess.shape.ndims or 0):
        given = expand_dims(given, -1)
    return broadcast_to(given, shape_of(guess))


def _sorted_counts(
    positive: Tensor, negative: Tensor, guess: Tensor, thresholds: Sequence[float], by_label: bool
) -> Counts:
    order = np.argsort(np.asarray(thresholds, np.float32), kind="stable")
    edges = np.asarray(thresholds, np.float32)[order]
    hit, false_hit = (_above(x, guess, edges, by_label) for x in (positive, negative))
    if not np.array_equal(order, np.arange(len(edges))):
        places = np.argsort(order).astype(np.int32)
        hit, false_hit = gather(hit, places), gather(false_hit, places)
    axis = 0 if by_label else None
    return Counts(hit, false_hit, reduce_sum(negative, axis=axis) - false_hit, reduce_sum(positive, axis=axis) - hit)


def _above(weights: Tensor, guess: Tensor, edges: np.ndarray[Any, Any], by_label: bool) -> Tensor:
    """The weight of what is above each edge."""
    buckets = len(edges) + 1
    place = searchsorted(convert_to_tensor(edges), reshape(guess, [-1]), side="left")
    if not by_label:
        sums = unsorted_segment_sum(reshape(weights, [-1]), place, buckets)
        return cumsum(sums, reverse=True)[1:]
    labels = guess.sizes[-1] if guess.sizes is not None else None
    if labels is None:
        raise ValueError("Counts by label need predictions with a known last dimension")
    column = reshape(ones_like(guess, dtype=int32) * number_range(labels), [-1])
    sums = unsorted_segment_sum(reshape(weights, [-1]), column * buckets + place, labels * buckets)
    return transpose(cumsum(reshape(sums, [labels, buckets]), axis=1, reverse=True))[1:]
