"""Keras's loss functions: a loss an example (the last axis is reduced), of targets and predictions."""

from __future__ import annotations

from math import log as number_log
from typing import Any

from ...engine.dtypes import int32, int64
from ...engine.graph import Tensor
from ...engine.ops.array import reshape, shape as shape_of
from ...engine.ops.array_order import transpose
from ...engine.ops.array_parts import ones_like, zeros_like
from ...engine.ops.array_sets import one_hot
from ...engine.ops.array_shape import squeeze
from ...engine.ops.binary import maximum, pow as power
from ...engine.ops.casting import cast
from ...engine.ops.choice import clip_by_value, where_v2
from ...engine.ops.clipping import l2_normalize
from ...engine.ops.comparison import equal, less_equal, logical_and, not_equal
from ...engine.ops.diagonals import eye
from ...engine.ops.nn_activations import softplus
from ...engine.ops.nn_losses import (
    sigmoid_cross_entropy_with_logits,
    softmax,
    softmax_cross_entropy_with_logits_v2,
    sparse_softmax_cross_entropy_with_logits,
)
from ...engine.ops.products import matmul
from ...engine.ops.reduce import reduce_logsumexp, reduce_max, reduce_mean, reduce_sum
from ...engine.ops.trigonometric import sigmoid
from ...engine.ops.unary import abs as absolute, log, square
from .graph_record import set_mask
from .loss_shapes import EPSILON, as_tensor, pair


def mean_squared_error(y_true: Any, y_pred: Any) -> Tensor:
    """The mean of the squared differences."""
    truth, guess = pair(y_true, y_pred)
    return reduce_mean(square(truth - guess), axis=-1)


def mean_absolute_error(y_true: Any, y_pred: Any) -> Tensor:
    """The mean of the absolute differences."""
    truth, guess = pair(y_true, y_pred)
    return reduce_mean(absolute(truth - guess), axis=-1)


def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Tensor:
    """The mean of the differences as percentages of the targets."""
    truth, guess = pair(y_true, y_pred)
    return 100.0 * reduce_mean(absolute((truth - guess) / maximum(absolute(truth), EPSILON)), axis=-1)


def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Tensor:
    """The mean of the squared differences of logarithms (of one more than the values)."""
    truth, guess = pair(y_true, y_pred)
    return reduce_mean(square(log(maximum(guess, EPSILON) + 1.0) - log(maximum(truth, EPSILON) + 1.0)), axis=-1)


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """Minus the cosine of the angle between targets and predictions."""
    truth, guess = pair(y_true, y_pred)
    return -reduce_sum(l2_normalize(truth, axis) * l2_normalize(guess, axis), axis=axis)


def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Tensor:
    """Half the squared difference, growing linearly from `delta` on."""
    truth, guess = pair(y_true, y_pred)
    error = absolute(guess - truth)
    return reduce_mean(where_v2(less_equal(error, delta), 0.5 * square(error), delta * error - 0.5 * delta**2), axis=-1)


def log_cosh(y_true: Any, y_pred: Any) -> Tensor:
    """The mean logarithm of the hyperbolic cosine of the differences."""
    truth, guess = pair(y_true, y_pred)
    error = guess - truth
    return reduce_mean(error + softplus(-2.0 * error) - number_log(2.0), axis=-1)


def _signs(labels: Tensor) -> Tensor:
    """Labels as -1 and 1; those that are 0 and 1 in a whole batch are converted."""
    is_binary = reduce_sum(cast(logical_and(not_equal(labels, 0.0), not_equal(labels, 1.0)), int32))
    return where_v2(equal(is_binary, 0), 2.0 * labels - 1.0, labels)


def hinge(y_true: Any, y_pred: Any) -> Tensor:
    """The mean of `maximum(1 - y_true * y_pred, 0)`; labels are -1 and 1, or 0 and 1."""
    truth, guess = pair(y_true, y_pred)
    return reduce_mean(maximum(1.0 - _signs(truth) * guess, 0.0), axis=-1)


def squared_hinge(y_true: Any, y_pred: Any) -> Tensor:
    """The mean of the squares of what `hinge` takes the mean of."""
    truth, guess = pair(y_true, y_pred)
    return reduce_mean(square(maximum(1.0 - _signs(truth) * guess, 0.0)), axis=-1)


def categorical_hinge(y_true: Any, y_pred: Any) -> Tensor:
    """How far the best wrong class comes within 1 of the right one."""
    truth, guess = pair(y_true, y_pred)
    right = reduce_sum(truth * guess, axis=-1)
    wrong = reduce_max((1.0 - truth) * guess, axis=-1)
    return maximum(wrong - right + 1.0, 0.0)


def kl_divergence(y_true: Any, y_pred: Any) -> Tensor:
    """The Kullback-Leibler divergence of distributions along the last axis."""
    truth, guess = (clip_by_value(x, EPSILON, 1.0) for x in pair(y_true, y_pred))
    return reduce_sum(truth * log(truth / guess), axis=-1)


def poisson(y_true: Any, y_pred: Any) -> Tensor:
    """The mean of `y_pred - y_true * log(y_pred)`."""
    truth, guess = pair(y_true, y_pred)
    return reduce_mean(guess - truth * log(guess + EPSILON), axis=-1)


# Cross entropies


def _logits_of(probabilities: Tensor, kind: str) -> Tensor | None:
    """What a softmax or sigmoid was made of: the cross entropy is exact there."""
    op = probabilities.op
    return op.inputs[0] if op.type == kind else None


def _clipped(probabilities: Tensor) -> Tensor:
    clipped: Tensor = clip_by_value(probabilities, EPSILON, 1.0 - EPSILON)
    return clipped


def _check_axis(axis: Any) -> None:
    if isinstance(axis, bool) or not isinstance(axis, int):
        raise ValueError(f"axis must be an integer, got {axis!r}")


def _check_same_shape(name: str, truth: Tensor, guess: Tensor) -> None:
    if not truth.shape.is_compatible_with(guess.shape):
        raise ValueError(f"{name} needs y_true and y_pred of one shape, got {truth.shape} and {guess.shape}")


def categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Tensor:
    """The cross entropy of one-hot targets (or distributions) and probabilities or logits.

    Raises:
        ValueError: the shapes differ.
    """
    _check_axis(axis)
    guess = as_tensor(y_pred)
    truth = as_tensor(y_true, guess.dtype.base_dtype)
    _check_same_shape("categorical_crossentropy", truth, guess)
    if label_smoothing:
        truth = truth * (1.0 - label_smoothing) + label_smoothing / cast(shape_of(truth)[-1], truth.dtype)
    logits = guess if from_logits else _logits_of(guess, "Softmax") if axis in (-1, guess.shape.ndims) else None
    if logits is not None:
        exact: Tensor = softmax_cross_entropy_with_logits_v2(labels=truth, logits=logits, axis=axis)
        return exact
    share = guess / reduce_sum(guess, axis=axis, keepdims=True)
    return -reduce_sum(truth * log(_clipped(share)), axis=axis)


def categorical_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    alpha: Any = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """The categorical cross entropy, weighted by `alpha * (1 - p) ** gamma`."""
    _check_axis(axis)
    guess = as_tensor(y_pred)
    truth = as_tensor(y_true, guess.dtype.base_dtype)
    _check_same_shape("categorical_focal_crossentropy", truth, guess)
    if label_smoothing:
        truth = truth * (1.0 - label_smoothing) + label_smoothing / cast(shape_of(truth)[-1], truth.dtype)
    if from_logits:
        guess = softmax(guess, axis=axis)
    share = _clipped(guess / reduce_sum(guess, axis=axis, keepdims=True))
    return reduce_sum(power(1.0 - share, gamma) * alpha * -truth * log(share), axis=axis)


def sparse_categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, ignore_class: int | None = None, axis: int = -1
) -> Tensor:
    """The cross entropy of class numbers and probabilities or logits; `ignore_class` has no loss.

    Raises:
        ValueError: y_true does not have the shape of y_pred without the classes.
        InvalidArgumentError: a label is not a class's number (while running).
    """
    _check_axis(axis)
    guess = as_tensor(y_pred)
    logits = guess if from_logits else _logits_of(guess, "Softmax")
    logits = log(_clipped(guess)) if logits is None else logits
    labels = _class_numbers(y_true, guess, axis)
    rank = guess.shape.ndims
    if rank is not None and axis not in (-1, rank - 1):
        logits = transpose(logits, [*(i for i in range(rank) if i != axis % rank), axis % rank])
    if ignore_class is None:
        return sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)
    counts = not_equal(labels, ignore_class)
    losses = sparse_softmax_cross_entropy_with_logits(
        labels=where_v2(counts, labels, zeros_like(labels)), logits=logits
    )
    losses = where_v2(counts, losses, zeros_like(losses))
    set_mask(losses, counts)
    return losses


def _class_numbers(y_true: Any, guess: Tensor, axis: int) -> Tensor:
    labels = as_tensor(y_true)
    labels = labels if labels.dtype.base_dtype in (int32, int64) else cast(labels, int64)
    rank, own = guess.shape.ndims, labels.shape.ndims
    if rank is None or own is None:
        return labels
    if own == rank and labels.sizes is not None:
        if labels.sizes[axis] not in (1, None):
            raise ValueError(
                f"sparse_categorical_crossentropy needs class numbers for y_true, got shape {labels.shape} beside "
                f"predictions of shape {guess.shape}; for one-hot targets there is categorical_crossentropy"
            )
        return squeeze(labels, [axis])
    if own != rank - 1:
        raise ValueError(
            f"sparse_categorical_crossentropy needs y_true of rank {rank - 1} for y_pred of shape {guess.shape}, "
            f"got shape {labels.shape}"
        )
    return labels


def _binary_losses(truth: Tensor, guess: Tensor, from_logits: bool) -> Tensor:
    logits = guess if from_logits else _logits_of(guess, "Sigmoid")
    if logits is not None:
        return sigmoid_cross_entropy_with_logits(labels=truth, logits=logits)
    share = _clipped(guess)
    return -(truth * log(share) + (1.0 - truth) * log(1.0 - share))


def _smoothed_pair(name: str, y_true: Any, y_pred: Any, label_smoothing: float) -> tuple[Tensor, Tensor]:
    truth, guess = pair(y_true, y_pred)
    _check_same_shape(name, truth, guess)
    return (truth * (1.0 - label_smoothing) + 0.5 * label_smoothing if label_smoothing else truth), guess


def binary_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Tensor:
    """The mean cross entropy of labels 0 or 1 and probabilities or logits.

    Raises:
        ValueError: the shapes differ.
    """
    truth, guess = _smoothed_pair("binary_crossentropy", y_true, y_pred, label_smoothing)
    return reduce_mean(_binary_losses(truth, guess, from_logits), axis=axis)


def binary_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """The binary cross entropy, weighted by `(1 - p) ** gamma`, and by `alpha` for ones with class balancing."""
    truth, guess = _smoothed_pair("binary_focal_crossentropy", y_true, y_pred, label_smoothing)
    share = sigmoid(guess) if from_logits else guess
    right = truth * share + (1.0 - truth) * (1.0 - share)
    losses = power(1.0 - right, gamma) * _binary_losses(truth, guess, from_logits)
    if apply_class_balancing:
        losses = (truth * alpha + (1.0 - truth) * (1.0 - alpha)) * losses
    return reduce_mean(losses, axis=axis)


def categorical_generalized_cross_entropy(y_true: Any, y_pred: Any, q: float) -> Tensor:
    """`(1 - p ** q) / q` of the probability of the right class, given by number: robust against wrong labels."""
    guess = as_tensor(y_pred)
    wanted = one_hot(_class_numbers(y_true, guess, -1), shape_of(guess)[-1], dtype=guess.dtype.base_dtype)
    return (1.0 - power(reduce_sum(guess * wanted, axis=-1), q)) / q


# Overlap, sequences and embeddings


def dice(y_true: Any, y_pred: Any, axis: Any = None) -> Tensor:
    """One less the Dice coefficient of targets and predictions."""
    truth, guess = pair(y_true, y_pred)
    both = reduce_sum(truth * guess, axis=axis)
    return 1.0 - 2.0 * both / (reduce_sum(truth, axis=axis) + reduce_sum(guess, axis=axis) + EPSILON)


def tversky(y_true: Any, y_pred: Any, alpha: float = 0.5, beta: float = 0.5, axis: Any = None) -> Tensor:
    """One less the Tversky index: `alpha` weighs what is missed, `beta` what is found in vain."""
    truth, guess = pair(y_true, y_pred)
    both = reduce_sum(truth * guess, axis=axis)
    missed = reduce_sum((1.0 - guess) * truth, axis=axis)
    in_vain = reduce_sum(guess * (1.0 - truth), axis=axis)
    return 1.0 - both / (both + missed * alpha + in_vain * beta + EPSILON)


def ctc(y_true: Any, y_pred: Any) -> Tensor:
    """The connectionist temporal classification loss of padded labels (0 is the blank) and logits [batch, time, classes].

    Raises:
        ValueError: another rank.
    """
    labels, logits = as_tensor(y_true, int32), as_tensor(y_pred)
    if labels.shape.ndims != 2 or logits.shape.ndims != 3:
        raise ValueError(
            "ctc needs y_true of shape (batch, length) and y_pred of shape (batch, time, classes), got "
            f"{labels.shape} and {logits.shape}"
        )
    from ...engine.ops.array_parts import concat
    from ...engine.ops.choice import where
    from ...engine.ops.indexing import gather_nd
    from ...engine.ops.nn_ctc import ctc_loss
    from ...engine.tensor_types import SparseTensor

    places = where(not_equal(labels, 0))
    # The engine's blank is the last class, Keras's the first.
    numbers = gather_nd(labels, places) - 1
    sparse = SparseTensor(places, numbers, cast(shape_of(labels), int64))
    moved = concat([logits[:, :, 1:], logits[:, :, :1]], 2)
    lengths = ones_like(labels[:, 0]) * shape_of(logits)[1]
    return ctc_loss(sparse, moved, lengths, time_major=False)


def circle(
    y_true: Any,
    y_pred: Any,
    ref_labels: Any = None,
    ref_embeddings: Any = None,
    remove_diagonal: bool = True,
    gamma: float = 80,
    margin: float = 0.4,
) -> Tensor:
    """The circle loss of class numbers and embeddings of unit length, against the batch or reference embeddings."""
    guess = as_tensor(y_pred)
    labels = reshape(as_tensor(y_true, int32), [-1, 1])
    others = guess if ref_embeddings is None else as_tensor(ref_embeddings)
    other_labels = labels if ref_labels is None else reshape(as_tensor(ref_labels, int32), [-1, 1])
    distance = maximum(1.0 - matmul(guess, others, transpose_b=True), 0.0)
    same = cast(equal(labels, transpose(other_labels)), guess.dtype.base_dtype)
    alike = same - eye(shape_of(labels)[0], dtype=guess.dtype.base_dtype) if remove_diagonal else same
    alike, unlike = maximum(alike, 0.0), 1.0 - same
    near = -gamma * maximum(margin + distance, 0.0) * (margin - distance)
    far = gamma * maximum(1.0 + margin - distance, 0.0) * (1.0 - margin - distance)
    losses = softplus(_logsumexp_where(alike, near) + _logsumexp_where(unlike, far))
    set_mask(losses, losses > 0.0)
    return losses


def _logsumexp_where(counts: Tensor, values: Tensor) -> Tensor:
    left_out = zeros_like(values) - 1e9
    return reduce_logsumexp(where_v2(counts > 0.5, values, left_out), axis=1)


mse = MSE = mean_squared_error
mae = MAE = mean_absolute_error
mape = MAPE = mean_absolute_percentage_error
msle = MSLE = mean_squared_logarithmic_error
kld = KLD = kullback_leibler_divergence = kl_divergence
logcosh = log_cosh
cosine = cosine_proximity = cosine_similarity
bce = binary_crossentropy
