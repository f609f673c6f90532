"""Precision, recall and average precision of the k classes with the highest scores, against sets of labels."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...engine.assignments import assign_add
from ...engine.conversion import convert_to_tensor
from ...engine.dtypes import float64, int64
from ...engine.graph import Tensor, get_default_graph
from ...engine.ops.array import shape
from ...engine.ops.array_parts import ones_like
from ...engine.ops.array_shape import expand_dims, size
from ...engine.ops.binary import minimum
from ...engine.ops.casting import cast
from ...engine.ops.choice import where_v2
from ...engine.ops.comparison import equal, greater_equal, logical_and, not_equal
from ...engine.ops.control import with_dependencies
from ...engine.ops.diagonals import matrix_band_part
from ...engine.ops.division import div_no_nan
from ...engine.ops.reduce import reduce_any, reduce_sum
from ...engine.ops.rounding import logical_not
from ...engine.ops.scans import cumsum
from ...engine.ops.sparse_functions import sparse_tensor_to_dense
from ...engine.ops.top import top_k
from ...engine.scopes import name_scope
from ...engine.tensor_types import SparseTensor, SparseTensorValue
from ..weights import assert_broadcastable, broadcast_weights, rank_of
from .variables import Metric, collected, metric_variable

# Stands where a row of sparse labels has no more labels.
_NO_LABEL = np.int64(np.iinfo(np.int64).min)

Given = tuple[Any, Any, Any]


def _named(word: str, k: int | None, class_id: int | None = None) -> str:
    named = f"{word}_at_k" if k is None else f"{word}_at_{k}"
    return named if class_id is None else f"{named}_class{class_id}"


def _labels(labels: Any, predictions_idx: Tensor) -> Tensor:
    """Labels as int64 [..., labels an example], with _NO_LABEL where sparse ones have none.

    Raises:
        ValueError: the ranks do not fit.
    """
    if isinstance(labels, SparseTensor | SparseTensorValue):
        given = sparse_tensor_to_dense(SparseTensor.from_value(labels), _NO_LABEL, validate_indices=False)
    else:
        given = cast(convert_to_tensor(labels), int64)
    own, wanted = rank_of(given), rank_of(predictions_idx)
    if own is None or wanted is None:
        raise ValueError("labels and predictions must have a known rank")
    if wanted == own + 1:
        return expand_dims(given, -1)
    if wanted != own:
        raise ValueError(
            f"Unexpected labels shape {given.shape} for predictions shape {predictions_idx.shape}. "
            "Predictions rank should be the same rank as labels rank or labels rank plus one."
        )
    return given


def _first_of_equals(ids: Tensor) -> Tensor:
    """Which of the ids [..., n] stand there for the first time in their row: rows are sets."""
    same = cast(equal(expand_dims(ids, -1), expand_dims(ids, -2)), int64)
    # Below the diagonal stand the equal ids that come before.
    earlier = reduce_sum(matrix_band_part(same, -1, 0), -1) - 1
    return equal(earlier, 0)


def _members(ids: Tensor, class_id: int | None) -> Tensor:
    """Which of the ids count: each once, and with a class_id only that one."""
    counted = logical_and(_first_of_equals(ids), not_equal(ids, _NO_LABEL))
    return counted if class_id is None else logical_and(counted, equal(ids, np.int64(class_id)))


def _number(chosen: Tensor) -> Tensor:
    return reduce_sum(cast(chosen, float64), -1)


def _hits(labels: Tensor, predictions_idx: Tensor) -> Tensor:
    """Whether a prediction [..., i] is a label [..., j]: bool [..., predictions, labels]."""
    return equal(expand_dims(predictions_idx, -1), expand_dims(labels, -2))


def _true_positives(labels: Tensor, guesses: Tensor, class_id: int | None) -> Tensor:
    return _number(logical_and(_members(guesses, class_id), reduce_any(_hits(labels, guesses), -1)))


def _false_positives(labels: Tensor, guesses: Tensor, class_id: int | None) -> Tensor:
    return _number(logical_and(_members(guesses, class_id), logical_not(reduce_any(_hits(labels, guesses), -1))))


def _false_negatives(labels: Tensor, guesses: Tensor, class_id: int | None) -> Tensor:
    return _number(logical_and(_members(labels, class_id), logical_not(reduce_any(_hits(labels, guesses), -2))))


def _summed(counts: Tensor, weights: Any, name: str) -> Metric:
    if weights is not None:
        checked = with_dependencies([assert_broadcastable(weights, counts)], counts)
        counts = checked * cast(convert_to_tensor(weights), float64)
    variable = metric_variable([], float64, name=name)
    return convert_to_tensor(variable), assign_add(variable, reduce_sum(counts))


Wrong = Callable[[Tensor, Tensor, int | None], Tensor]


def _share_at_top_k(
    word: str, wrong: tuple[str, Wrong], given: Given, k: int | None, class_id: int | None, rest: tuple[Any, Any, Any]
) -> Metric:
    """True positives over themselves and the wrong ones; `rest` is the metric's collections and name."""
    labels, predictions_idx, weights = given
    metrics_collections, updates_collections, name = rest
    with name_scope(name, _named(word, k, class_id), (predictions_idx, weights)):
        guesses = cast(convert_to_tensor(predictions_idx), int64)
        truth = _labels(labels, guesses)
        right = _summed(_true_positives(truth, guesses, class_id), weights, _named("true_positive", k, class_id))
        other = _summed(wrong[1](truth, guesses, class_id), weights, _named(wrong[0], k, class_id))
        value, update = (r / (r + w) for r, w in zip(right, other, strict=True))
        return collected(value, update, metrics_collections, updates_collections)


def _indices_of_top(predictions: Any, k: int) -> Tensor:
    with get_default_graph().name_scope("top"):
        return top_k(predictions, k).indices


def precision_at_top_k(
    labels: Any,
    predictions_idx: Any,
    k: int | None = None,
    class_id: int | None = None,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """The share so far of the predicted classes that are among the labels of their example.

    Args:
        labels: integers [..., labels an example], or [...] where there is one; or a SparseTensor of that rank.
        predictions_idx: predicted classes [..., k].
        k: only for the name.
        class_id: count this class alone.
        weights: a scalar, or [...] with sizes that are equal or 1.
        metrics_collections: collections to which the value is added.
        updates_collections: collections to which the update is added.
        name: name scope.

    Returns:
        The share, float64, NaN before the first batch, and the op that adds a batch.
    """
    wrong = ("false_positive", _false_positives)
    rest = (metrics_collections, updates_collections, name)
    return _share_at_top_k("precision", wrong, (labels, predictions_idx, weights), k, class_id, rest)


def recall_at_top_k(
    labels: Any,
    predictions_idx: Any,
    k: int | None = None,
    class_id: int | None = None,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """The share so far of the labels that are among the predicted classes; arguments as for `precision_at_top_k`."""
    wrong = ("false_negative", _false_negatives)
    rest = (metrics_collections, updates_collections, name)
    return _share_at_top_k("recall", wrong, (labels, predictions_idx, weights), k, class_id, rest)


def precision_at_k(
    labels: Any,
    predictions: Any,
    k: int,
    class_id: int | None = None,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """`precision_at_top_k` of the k classes with the highest of the predictions [..., classes]."""
    with name_scope(name, _named("precision", k, class_id), (predictions, weights)) as scope:
        top = _indices_of_top(predictions, k)
        return precision_at_top_k(
            labels, top, k, class_id, weights, metrics_collections, updates_collections, name=scope
        )


def recall_at_k(
    labels: Any,
    predictions: Any,
    k: int,
    class_id: int | None = None,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """`recall_at_top_k` of the k classes with the highest of the predictions [..., classes]."""
    with name_scope(name, _named("recall", k, class_id), (predictions, weights)) as scope:
        top = _indices_of_top(predictions, k)
        return recall_at_top_k(labels, top, k, class_id, weights, metrics_collections, updates_collections, name=scope)


def sparse_precision_at_k(
    labels: Any,
    predictions: Any,
    k: int,
    class_id: int | None = None,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """`precision_at_k` under its old name."""
    return precision_at_k(labels, predictions, k, class_id, weights, metrics_collections, updates_collections, name)


def average_precision_at_k(
    labels: Any,
    predictions: Any,
    k: int,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """The mean over the examples so far of the average precision of the k classes with the highest predictions.

    The average precision of an example is the sum, over the ranks at which a label stands, of the precision up to that
    rank, divided by the number of labels, which counts as k at most. Labels that are no class count as wrong.

    Args:
        labels: integers [..., labels an example], or [...] where there is one; or a SparseTensor of that rank.
        predictions: scores [..., classes].
        k: how many of the classes are looked at.
        weights: a scalar, or [...] with sizes that are equal or 1.
        metrics_collections: collections to which the value is added.
        updates_collections: collections to which the update is added.
        name: name scope.

    Raises:
        ValueError: k is less than 1.
    """
    if k < 1:
        raise ValueError(f"Invalid k={k}. `k` should be >= 1.")
    with name_scope(name, _named("average_precision", k), (predictions, weights)):
        scores = convert_to_tensor(predictions)
        guesses = cast(_indices_of_top(scores, k), int64)
        truth = _in_range(_labels(labels, guesses), cast(shape(scores)[-1], int64))
        sparse = isinstance(labels, SparseTensor | SparseTensorValue)
        averages = _average_precisions(truth, guesses, _relevant(truth, k, sparse))
        value, update = _weighted_mean(averages, weights)
        return collected(value, update, metrics_collections, updates_collections)


def _in_range(labels: Tensor, classes: Tensor) -> Tensor:
    return where_v2(greater_equal(labels, classes), convert_to_tensor(np.int64(-1)), labels)


def _relevant(labels: Tensor, k: int, sparse: bool) -> Tensor:
    """How many labels an example has, k at most: sparse labels are a set, dense ones are padded with -1."""
    counted = _members(labels, None) if sparse else greater_equal(labels, np.int64(0))
    return minimum(_number(counted), convert_to_tensor(float(k), float64))


def _average_precisions(labels: Tensor, guesses: Tensor, relevant: Tensor) -> Tensor:
    hits = cast(reduce_any(_hits(labels, guesses), -1), float64)
    precisions = cumsum(hits, -1) / cumsum(ones_like(hits), -1)
    return reduce_sum(precisions * hits, -1) / relevant


def _weighted_mean(values: Tensor, weights: Any) -> Metric:
    total, largest = metric_variable([], float64, name="total"), metric_variable([], float64, name="max")
    if weights is None:
        number = cast(size(values), float64)
    else:
        spread = broadcast_weights(cast(convert_to_tensor(weights), float64), values)
        values, number = values * spread, reduce_sum(spread)
    new_total, new_largest = assign_add(total, reduce_sum(values)), assign_add(largest, number)
    value = div_no_nan(convert_to_tensor(total), convert_to_tensor(largest), name="mean")
    return value, div_no_nan(new_total, new_largest, name="update")


def sparse_average_precision_at_k(
    labels: Any,
    predictions: Any,
    k: int,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """`average_precision_at_k` under its old name."""
    return average_precision_at_k(labels, predictions, k, weights, metrics_collections, updates_collections, name)
