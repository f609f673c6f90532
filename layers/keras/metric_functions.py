"""What Keras's metrics take the mean of: whether predictions are right, and correlations."""

from __future__ import annotations

from typing import Any

from ...engine.dtypes import float32, int32, int64
from ...engine.graph import Tensor
from ...engine.ops.array import reshape, shape as shape_of
from ...engine.ops.array_shape import squeeze
from ...engine.ops.casting import cast
from ...engine.ops.comparison import equal, greater
from ...engine.ops.extrema import argmax
from ...engine.ops.reduce import reduce_any, reduce_mean, reduce_sum
from ...engine.ops.top import in_top_k
from ...engine.ops.unary import sqrt, square
from .loss_functions import cosine_similarity as cosine_loss
from .loss_shapes import EPSILON, as_tensor, pair


def _share(right: Tensor) -> Tensor:
    result: Tensor = cast(right, float32)
    return result


def accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """1 where predictions equal targets."""
    truth, guess = pair(y_true, y_pred)
    return _share(equal(truth, guess))


def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Tensor:
    """1 where predictions are on the targets' side of the threshold."""
    truth, guess = pair(y_true, y_pred)
    return _share(equal(truth, cast(greater(guess, threshold), truth.dtype.base_dtype)))


def categorical_accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """1 where the largest prediction is at the place of the largest target."""
    return _share(equal(argmax(as_tensor(y_true), -1), argmax(as_tensor(y_pred), -1)))


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """1 where the largest prediction is at the target's number."""
    labels, guess = _numbers(y_true, y_pred)
    return _share(equal(labels, argmax(guess, -1)))


def _numbers(y_true: Any, y_pred: Any) -> tuple[Tensor, Tensor]:
    """Class numbers without a last dimension of 1, and predictions."""
    labels, guess = as_tensor(y_true), as_tensor(y_pred)
    if labels.shape.ndims == guess.shape.ndims and labels.sizes is not None and labels.sizes[-1] in (1, None):
        labels = squeeze(labels, [-1])
    return cast(labels, int64), guess


def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Tensor:
    """1 where the place of the largest target is among the `k` largest predictions."""
    return _among_best(argmax(as_tensor(y_true), -1), as_tensor(y_pred), k)


def sparse_top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5, from_sorted_ids: bool = False) -> Tensor:
    """1 where the target is among the `k` largest predictions, or the first `k` of predictions that are sorted ids."""
    labels, guess = _numbers(y_true, y_pred)
    if from_sorted_ids:
        first = cast(guess, int64)[..., :k]
        return _share(reduce_any(equal(first, labels[..., None]), axis=-1))
    return _among_best(labels, guess, k)


def _among_best(labels: Tensor, guess: Tensor, k: int) -> Tensor:
    flat = reshape(guess, [-1, shape_of(guess)[-1]]) if (guess.shape.ndims or 2) > 2 else guess
    right = _share(in_top_k(flat, cast(reshape(labels, [-1]), int32), k))
    shaped: Tensor = reshape(right, shape_of(labels))
    return shaped


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """The cosine of the angle between targets and predictions; the loss of that name is minus this."""
    return -cosine_loss(y_true, y_pred, axis)


def _centered(values: Tensor, axis: int) -> Tensor:
    return values - reduce_mean(values, axis=axis, keepdims=True)


def pearson_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """Pearson's correlation along an axis."""
    truth, guess = (_centered(x, axis) for x in pair(y_true, y_pred))
    norm = sqrt(reduce_sum(square(truth), axis=axis) * reduce_sum(square(guess), axis=axis))
    quotient: Tensor = reduce_sum(truth * guess, axis=axis) / norm
    return quotient


def concordance_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """Lin's concordance correlation along an axis."""
    truth, guess = pair(y_true, y_pred)
    own, other = (reduce_mean(x, axis=axis, keepdims=True) for x in (truth, guess))
    spread = reduce_mean(square(truth - own), axis=axis, keepdims=True) + reduce_mean(
        square(guess - other), axis=axis, keepdims=True
    )
    together = (truth - other) * (guess - other)
    return reduce_mean(2.0 * together / (spread + square(own - other) + EPSILON), axis=axis)
