"""Losses with weights and reductions, as TensorFlow 1.15's `tf.losses`; each adds itself to the collection LOSSES."""

from __future__ import annotations

from typing import Any

from ..engine.conversion import convert_to_tensor
from ..engine.dtypes import float32
from ..engine.graph import Tensor, get_default_graph
from ..engine.ops.array import shape
from ..engine.ops.array_parts import zeros_like
from ..engine.ops.binary import maximum, minimum, squared_difference
from ..engine.ops.casting import cast
from ..engine.ops.choice import where
from ..engine.ops.comparison import greater
from ..engine.ops.division import div_no_nan
from ..engine.ops.guards import stop_gradient
from ..engine.ops.nn_activations import relu
from ..engine.ops.nn_losses import (
    sigmoid_cross_entropy_with_logits,
    softmax_cross_entropy_with_logits_v2,
    sparse_softmax_cross_entropy_with_logits,
)
from ..engine.ops.reduce import reduce_sum
from ..engine.ops.unary import abs as absolute, log, square
from ..engine.scopes import GraphKeys, name_scope
from .loss_reduction import Reduction, add_loss, compute_weighted_loss, present_elements
from .weights import assert_broadcastable, rank_of, remove_squeezable_dimensions

_BY_PRESENT = Reduction.SUM_BY_NONZERO_WEIGHTS


def _given(**arguments: Any) -> None:
    for name, value in arguments.items():
        if value is None:
            raise ValueError(f"Argument `{name}` must not be None.")


def _pair(labels: Any, predictions: Any) -> tuple[Tensor, Tensor]:
    """Labels and predictions as float32 of one shape."""
    wanted, guessed = cast(convert_to_tensor(labels), float32), cast(convert_to_tensor(predictions), float32)
    guessed.shape.assert_is_compatible_with(wanted.shape)
    return wanted, guessed


def absolute_difference(
    labels: Any,
    predictions: Any,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = _BY_PRESENT,
) -> Tensor:
    """The absolute difference of labels and predictions of one shape."""
    _given(labels=labels, predictions=predictions)
    with name_scope(scope, "absolute_difference", (predictions, labels, weights)) as inner:
        wanted, guessed = _pair(labels, predictions)
        return compute_weighted_loss(absolute(guessed - wanted), weights, inner, loss_collection, reduction)


def cosine_distance(
    labels: Any,
    predictions: Any,
    axis: int | None = None,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = _BY_PRESENT,
    dim: int | None = None,
) -> Tensor:
    """One less the inner product along `axis` of labels and predictions, which are taken to have unit length.

    The weights go with the shape of the labels in which `axis` has size 1. `dim` is the old name of `axis`.

    Raises:
        ValueError: neither or both of axis and dim are given.
    """
    if axis is not None and dim is not None:
        raise ValueError("Cannot specify both 'axis' and 'dim'.")
    along = dim if axis is None else axis
    if along is None:
        raise ValueError("You must specify argument `axis`.")
    _given(labels=labels, predictions=predictions)
    with name_scope(scope, "cosine_distance_loss", (predictions, labels, weights)) as inner:
        wanted, guessed = _pair(labels, predictions)
        losses = 1.0 - reduce_sum(guessed * wanted, [along], keepdims=True)
        return compute_weighted_loss(losses, weights, inner, loss_collection, reduction)


def hinge_loss(
    labels: Any,
    logits: Any,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = _BY_PRESENT,
) -> Tensor:
    """How far logits are from the right side of the margin 1; labels are 0 or 1."""
    _given(labels=labels, logits=logits)
    with name_scope(scope, "hinge_loss", (logits, labels, weights)) as inner:
        wanted, scores = _pair(labels, logits)
        losses = relu(1.0 - (2.0 * wanted - 1.0) * scores)
        return compute_weighted_loss(losses, weights, inner, loss_collection, reduction)


def huber_loss(
    labels: Any,
    predictions: Any,
    weights: Any = 1.0,
    delta: Any = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = _BY_PRESENT,
) -> Tensor:
    """Half the squared error, growing linearly from an error of `delta` on."""
    _given(labels=labels, predictions=predictions)
    with name_scope(scope, "huber_loss", (predictions, labels, weights)) as inner:
        wanted, guessed = _pair(labels, predictions)
        error = absolute(guessed - wanted)
        quadratic = minimum(error, delta)
        losses = 0.5 * square(quadratic) + delta * (error - quadratic)
        return compute_weighted_loss(losses, weights, inner, loss_collection, reduction)


def log_loss(
    labels: Any,
    predictions: Any,
    weights: Any = 1.0,
    epsilon: float = 1e-7,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = _BY_PRESENT,
) -> Tensor:
    """Cross-entropy of labels and predicted probabilities; `epsilon` keeps the logarithms finite."""
    _given(labels=labels, predictions=predictions)
    with name_scope(scope, "log_loss", (predictions, labels, weights)) as inner:
        wanted, guessed = _pair(labels, predictions)
        losses = -wanted * log(guessed + epsilon) - (1.0 - wanted) * log(1.0 - guessed + epsilon)
        return compute_weighted_loss(losses, weights, inner, loss_collection, reduction)


def mean_pairwise_squared_error(
    labels: Any,
    predictions: Any,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
) -> Tensor:
    """The squared error of the differences between each two elements of an example, averaged and summed up.

    Args:
        labels: numbers [batch, d1, ...].
        predictions: the same shape.
        weights: a scalar, or one an example: [batch, 1, ...].
        scope: name scope.
        loss_collection: the collection to which the result is added.
    """
    _given(labels=labels, predictions=predictions)
    with name_scope(scope, "mean_pairwise_squared_error", (predictions, labels, weights)):
        wanted, guessed = _pair(labels, predictions)
        weight = cast(convert_to_tensor(weights), float32)
        with get_default_graph().control_dependencies([assert_broadcastable(weight, wanted)]):
            loss = _pairwise(guessed - wanted, weight)
        add_loss(loss, loss_collection)
        return loss


def _pairwise(differences: Tensor, weight: Tensor) -> Tensor:
    ranks = rank_of(differences)
    if ranks is None:
        raise ValueError("mean_pairwise_squared_error needs labels or predictions of a known rank")
    inner = list(range(1, ranks))
    present = reduce_sum(present_elements(differences, weight), inner, keepdims=True)
    squares = reduce_sum(square(differences), inner, keepdims=True)
    squared_sum = square(reduce_sum(differences, inner, keepdims=True))
    others = maximum(present - 1.0, 0.0)
    apart = div_no_nan(squares, others) - div_no_nan(squared_sum, maximum(present * others, 0.0))
    total = reduce_sum(2.0 * apart * weight)
    return where(greater(reduce_sum(present), 0.0), total, zeros_like(total), name="value")


def mean_squared_error(
    labels: Any,
    predictions: Any,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = _BY_PRESENT,
) -> Tensor:
    """The squared difference of labels and predictions of one shape.

    Example:
        >>> import headrace as tf
        >>> float(tf.Session().run(tf.losses.mean_squared_error([1.0, 2.0], [1.0, 4.0])))
        2.0
    """
    _given(labels=labels, predictions=predictions)
    with name_scope(scope, "mean_squared_error", (predictions, labels, weights)) as inner:
        wanted, guessed = _pair(labels, predictions)
        return compute_weighted_loss(squared_difference(guessed, wanted), weights, inner, loss_collection, reduction)


def sigmoid_cross_entropy(
    multi_class_labels: Any,
    logits: Any,
    weights: Any = 1.0,
    label_smoothing: float = 0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = _BY_PRESENT,
) -> Tensor:
    """Cross-entropy of independent labels between 0 and 1 and logits of the same shape."""
    _given(multi_class_labels=multi_class_labels, logits=logits)
    with name_scope(scope, "sigmoid_cross_entropy_loss", (logits, multi_class_labels, weights)) as inner:
        scores = convert_to_tensor(logits)
        targets = cast(convert_to_tensor(multi_class_labels), scores.dtype.base_dtype)
        scores.shape.assert_is_compatible_with(targets.shape)
        if label_smoothing > 0:
            targets = targets * (1.0 - label_smoothing) + 0.5 * label_smoothing
        losses = sigmoid_cross_entropy_with_logits(labels=targets, logits=scores, name="xentropy")
        return compute_weighted_loss(losses, weights, inner, loss_collection, reduction)


def softmax_cross_entropy(
    onehot_labels: Any,
    logits: Any,
    weights: Any = 1.0,
    label_smoothing: float = 0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = _BY_PRESENT,
) -> Tensor:
    """Cross-entropy of one-hot labels and logits, both [..., classes]; weights are a scalar or [...]."""
    _given(onehot_labels=onehot_labels, logits=logits)
    with name_scope(scope, "softmax_cross_entropy_loss", (logits, onehot_labels, weights)) as inner:
        scores = convert_to_tensor(logits)
        targets = cast(convert_to_tensor(onehot_labels), scores.dtype.base_dtype)
        scores.shape.assert_is_compatible_with(targets.shape)
        if label_smoothing > 0:
            classes = cast(shape(targets)[-1], scores.dtype.base_dtype)
            targets = targets * (1.0 - label_smoothing) + label_smoothing / classes
        fixed = stop_gradient(targets, name="labels_stop_gradient")
        losses = softmax_cross_entropy_with_logits_v2(labels=fixed, logits=scores, name="xentropy")
        return compute_weighted_loss(losses, weights, inner, loss_collection, reduction)


def sparse_softmax_cross_entropy(
    labels: Any,
    logits: Any,
    weights: Any = 1.0,
    scope: str | None = None,
    loss_collection: str | None = GraphKeys.LOSSES,
    reduction: str = _BY_PRESENT,
) -> Tensor:
    """Cross-entropy of class numbers [...] (or [..., 1]) and logits [..., classes]; weights as the labels."""
    _given(labels=labels, logits=logits)
    with name_scope(scope, "sparse_softmax_cross_entropy_loss", (logits, labels, weights)) as inner:
        indices, scores = remove_squeezable_dimensions(labels, logits, expected_rank_difference=1)
        losses = sparse_softmax_cross_entropy_with_logits(labels=indices, logits=scores, name="xentropy")
        return compute_weighted_loss(losses, _squeezed(weights, indices), inner, loss_collection, reduction)


def _squeezed(weights: Any, labels: Tensor) -> Any:
    """Weights without the last dimension of 1 that the labels came with."""
    weight = convert_to_tensor(weights)
    if rank_of(weight) in (0, rank_of(labels)):
        return weight
    return remove_squeezable_dimensions(labels, weight)[1]
