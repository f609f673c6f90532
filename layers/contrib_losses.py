"""`tf.contrib.losses`: the losses under the old argument orders, which take the predictions first."""

from __future__ import annotations

from typing import Any

from ..engine.conversion import convert_to_tensor
from ..engine.graph import Tensor
from ..engine.ops.array_shape import expand_dims
from . import loss_reduction, losses as new
from .loss_reduction import Reduction
from .weights import rank_of


def _weights(weights: Any, values: Any) -> Any:
    """Weights of the first dimensions go with all that lies in the others."""
    weight = convert_to_tensor(weights)
    own, wanted = rank_of(weight), rank_of(convert_to_tensor(values))
    if not own or wanted is None:
        return weight
    for _ in range(wanted - own):
        weight = expand_dims(weight, -1)
    return weight


def compute_weighted_loss(losses: Any, weights: Any = 1.0, scope: str | None = None) -> Tensor:
    """The weighted mean of the losses whose weight is not zero; weights may lack the last dimensions."""
    return loss_reduction.compute_weighted_loss(losses, _weights(weights, losses), scope)


def absolute_difference(predictions: Any, labels: Any = None, weights: Any = 1.0, scope: str | None = None) -> Tensor:
    """`tf.losses.absolute_difference` with the predictions first."""
    return new.absolute_difference(labels, predictions, _weights(weights, predictions), scope)


def mean_squared_error(predictions: Any, labels: Any = None, weights: Any = 1.0, scope: str | None = None) -> Tensor:
    """`tf.losses.mean_squared_error` with the predictions first."""
    return new.mean_squared_error(labels, predictions, _weights(weights, predictions), scope)


def mean_pairwise_squared_error(
    predictions: Any, labels: Any = None, weights: Any = 1.0, scope: str | None = None
) -> Tensor:
    """`tf.losses.mean_pairwise_squared_error` with the predictions first."""
    return new.mean_pairwise_squared_error(labels, predictions, _weights(weights, predictions), scope)


def log_loss(
    predictions: Any, labels: Any = None, weights: Any = 1.0, epsilon: float = 1e-7, scope: str | None = None
) -> Tensor:
    """`tf.losses.log_loss` with the predictions first."""
    return new.log_loss(labels, predictions, _weights(weights, predictions), epsilon, scope)


def hinge_loss(logits: Any, labels: Any = None, scope: str | None = None) -> Tensor:
    """The hinge loss of each element, neither reduced nor collected."""
    return new.hinge_loss(labels, logits, 1.0, scope, None, Reduction.NONE)


def cosine_distance(
    predictions: Any,
    labels: Any = None,
    axis: int | None = None,
    weights: Any = 1.0,
    scope: str | None = None,
    dim: int | None = None,
) -> Tensor:
    """`tf.losses.cosine_distance` with the predictions first."""
    return new.cosine_distance(labels, predictions, axis, _weights(weights, predictions), scope, dim=dim)


def sigmoid_cross_entropy(
    logits: Any,
    multi_class_labels: Any = None,
    weights: Any = 1.0,
    label_smoothing: float = 0,
    scope: str | None = None,
) -> Tensor:
    """`tf.losses.sigmoid_cross_entropy` with the logits first."""
    return new.sigmoid_cross_entropy(multi_class_labels, logits, _weights(weights, logits), label_smoothing, scope)


def softmax_cross_entropy(
    logits: Any, onehot_labels: Any = None, weights: Any = 1.0, label_smoothing: float = 0, scope: str | None = None
) -> Tensor:
    """`tf.losses.softmax_cross_entropy` with the logits first."""
    return new.softmax_cross_entropy(onehot_labels, logits, weights, label_smoothing, scope)


def sparse_softmax_cross_entropy(
    logits: Any, labels: Any = None, weights: Any = 1.0, scope: str | None = None
) -> Tensor:
    """`tf.losses.sparse_softmax_cross_entropy` with the logits first."""
    return new.sparse_softmax_cross_entropy(labels, logits, weights, scope)
