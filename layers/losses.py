"""Losses with weights and reductions, as TensorFlow 1.15's `tf.losses`; each adds itself to the collection LOSSES."""

from __future__ import annotations

from typing import Any

from ..engine.conversion import convert_to_tensor
from ..engine.dtypes import float32
from ..engine.graph import Tensor, get_default_graph
from ..engine.ops.array import shape
from ..engine.ops.array_parts import ones_like, zeros_like
from ..engine.ops.array_shape import expand_dims, size, squeeze
from ..engine.ops.casting import cast
from ..engine.ops.division import div_no_nan
from ..engine.ops.elementwise_nary import add_n
from ..engine.ops.guards import stop_gradient
from ..engine.ops.nn_losses import (
    sigmoid_cross_entropy_with_logits,
    softmax_cross_entropy_with_logits_v2,
    sparse_softmax_cross_entropy_with_logits,
)
from ..engine.ops.reduce import count_nonzero, reduce_sum
from ..engine.ops.unary import square
from ..engine.scopes import GraphKeys


class Reduction:
    """How the weighted losses of the elements become one number, or stay apart (NONE)."""

    NONE = "none"
    SUM = "weighted_sum"
    SUM_OVER_BATCH_SIZE = "weighted_sum_over_batch_size"
    MEAN = "weighted_mean"
    SUM_BY_NONZERO_WEIGHTS = "weighted_sum_by_nonzero_weights"
    SUM_OVER_NONZERO_WEIGHTS = SUM_BY_NONZERO_WEIGHTS

    @classmethod
    def all(cls) -> tuple[str, ...]:
        """All reductions."""
        return (cls.NONE, cls.SUM, cls.MEAN, cls.SUM_OVER_BATCH_SIZE, cls.SUM_BY_NONZERO_WEIGHTS)

    @classmethod
    def validate(cls, key: str) -> None:
        """Raises ValueError for anything else."""
        if key not in cls.all():
            raise ValueError(f"Invalid ReductionKey {key}.")


def compute_weighted_loss(
    losses: Any,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """The losses of the elements, weighted and reduced.

    Args:
        losses: float [batch, d1, ...].
        weights: broadcastable to `losses`.
        scope: name scope.
        loss_collection: the collection to which the result is added.
        reduction: see Reduction.
    """
    Reduction.validate(reduction)
    graph = get_default_graph()
    with graph.name_scope(scope or "weighted_loss"):
        values = convert_to_tensor(losses)
        weight = cast(convert_to_tensor(weights), float32)
        weighted = cast(values, float32) * _aligned(weight, values)
        loss: Tensor = cast(_reduced(weighted, weight, values, reduction), values.dtype.base_dtype)
        if loss_collection:
            graph.add_to_collection(loss_collection, loss)
        return loss


def _aligned(weight: Tensor, values: Tensor) -> Tensor:
    own, wanted = weight.sizes, values.sizes
    if own is None or wanted is None or len(own) in (0, len(wanted)):
        return weight
    if len(own) == len(wanted) + 1 and own[-1] == 1:
        return squeeze(weight, [-1])
    while len(own) < len(wanted):
        weight = expand_dims(weight, -1)
        own = weight.sizes or ()
    return weight


def _reduced(weighted: Tensor, weight: Tensor, values: Tensor, reduction: str) -> Tensor:
    if reduction == Reduction.NONE:
        return weighted
    total = reduce_sum(weighted)
    if reduction == Reduction.SUM:
        return total
    spread = ones_like(values, dtype=float32) * _aligned(weight, values)
    if reduction == Reduction.MEAN:
        return div_no_nan(total, reduce_sum(spread))
    if reduction == Reduction.SUM_BY_NONZERO_WEIGHTS:
        return div_no_nan(total, cast(count_nonzero(spread), float32))
    return div_no_nan(total, cast(size(values), float32))


def sparse_softmax_cross_entropy(
    labels: Any,
    logits: Any,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """Cross-entropy of class indices [batch] (or [batch, 1]) and logits [batch, classes]."""
    with get_default_graph().name_scope(scope or "sparse_softmax_cross_entropy_loss"):
        indices, scores = convert_to_tensor(labels), convert_to_tensor(logits)
        if indices.sizes is not None and scores.sizes is not None and len(indices.sizes) == len(scores.sizes):
            indices = squeeze(indices, [-1])
        losses = sparse_softmax_cross_entropy_with_logits(labels=indices, logits=scores)
        return compute_weighted_loss(losses, weights, None, loss_collection, reduction)


def softmax_cross_entropy(
    onehot_labels: Any,
    logits: Any,
    weights: Any = 1.0,
    label_smoothing: float = 0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """Cross-entropy of one-hot labels and logits, both [batch, classes]."""
    with get_default_graph().name_scope(scope or "softmax_cross_entropy_loss"):
        scores = convert_to_tensor(logits)
        targets = cast(convert_to_tensor(onehot_labels), scores.dtype.base_dtype)
        if label_smoothing > 0:
            classes = cast(shape(targets)[1], scores.dtype.base_dtype)
            targets = targets * (1.0 - label_smoothing) + label_smoothing / classes
        losses = softmax_cross_entropy_with_logits_v2(labels=stop_gradient(targets), logits=scores)
        return compute_weighted_loss(losses, weights, None, loss_collection, reduction)


def sigmoid_cross_entropy(
    multi_class_labels: Any,
    logits: Any,
    weights: Any = 1.0,
    label_smoothing: float = 0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """Cross-entropy of independent labels between 0 and 1 and logits of the same shape."""
    with get_default_graph().name_scope(scope or "sigmoid_cross_entropy_loss"):
        scores = convert_to_tensor(logits)
        targets = cast(convert_to_tensor(multi_class_labels), scores.dtype.base_dtype)
        if label_smoothing > 0:
            targets = targets * (1.0 - label_smoothing) + 0.5 * label_smoothing
        losses = sigmoid_cross_entropy_with_logits(labels=targets, logits=scores)
        return compute_weighted_loss(losses, weights, None, loss_collection, reduction)


def mean_squared_error(
    labels: Any,
    predictions: Any,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = Reduction.SUM_BY_NONZERO_WEIGHTS,
) -> Tensor:
    """The squared difference of labels and predictions of one shape."""
    with get_default_graph().name_scope(scope or "mean_squared_error"):
        predicted, wanted = cast(convert_to_tensor(predictions), float32), cast(convert_to_tensor(labels), float32)
        predicted.shape.assert_is_compatible_with(wanted.shape)
        return compute_weighted_loss(square(predicted - wanted), weights, None, loss_collection, reduction)


def add_loss(loss: Tensor, loss_collection: str | None = GraphKeys.LOSSES) -> None:
    """Adds a loss of one's own to the collection."""
    if loss_collection:
        get_default_graph().add_to_collection(loss_collection, loss)


def get_losses(scope: str | None = None, loss_collection: str = GraphKeys.LOSSES) -> list[Tensor]:
    """The losses in the collection, filtered by scope."""
    return get_default_graph().get_collection(loss_collection, scope)


def get_regularization_losses(scope: str | None = None) -> list[Tensor]:
    """The regularization losses, filtered by scope."""
    return get_default_graph().get_collection(GraphKeys.REGULARIZATION_LOSSES, scope)


def get_regularization_loss(scope: str | None = None, name: str = "total_regularization_loss") -> Tensor:
    """The sum of the regularization losses, zero if there are none."""
    losses = get_regularization_losses(scope)
    return add_n(losses, name=name) if losses else zeros_like(convert_to_tensor(0.0))


def get_total_loss(
    add_regularization_losses: bool = True, name: str = "total_loss", scope: str | None = None
) -> Tensor:
    """The sum of all losses, with or without regularization."""
    losses = get_losses(scope) + (get_regularization_losses(scope) if add_regularization_losses else [])
    if not losses:
        raise ValueError("There are no losses in the graph: nothing has been added to the collection LOSSES")
    return add_n(losses, name=name)
