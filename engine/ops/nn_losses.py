"""Softmax along any axis and the cross entropies of TensorFlow's tf.nn, with the losses of its first sequence models."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

from ..conversion import convert_to_tensor
from ..dtypes import bfloat16, float16, float32
from ..graph import Tensor, get_default_graph
from ..inference import axis_of
from ..registry import Op
from ..static import constant_value
from .array import reshape, shape
from .array_order import transpose
from .casting import cast
from .choice import where
from .elementwise import add_op
from .elementwise_nary import add_n
from .guards import ones_like_op, stop_gradient, zeros_like_op
from .nn_activations import softplus_op
from .nn_softmax import (
    log_softmax_op,
    softmax_cross_entropy_op,
    softmax_op,
    sparse_softmax_cross_entropy_op,
)
from .reduce import reduce_sum
from .unary import exp, log, log1p


def softmax(logits: Any, axis: int | None = None, name: str | None = None, dim: int | None = None) -> Tensor:
    """`exp(logits) / sum(exp(logits))` along an axis.

    Args:
        logits: floats of at least one dimension.
        axis: the dimension of the classes, the last one if left out.
        name: of the operation.
        dim: the former name of `axis`.

    Raises:
        ValueError: `logits` is a scalar, or has no such axis.
    """
    return _along(softmax_op, logits, dim if axis is None else axis, name or "Softmax")


def log_softmax(logits: Any, axis: int | None = None, name: str | None = None, dim: int | None = None) -> Tensor:
    """`logits - log(sum(exp(logits)))` along an axis; arguments as `softmax`."""
    return _along(log_softmax_op, logits, dim if axis is None else axis, name or "LogSoftmax")


def _along(definition: Op[..., Any], logits: Any, axis: Any, name: str) -> Tensor:
    tensor = convert_to_tensor(logits, None, "logits")
    axis = -1 if axis is None else _number(axis)
    rank = None if tensor.sizes is None else len(tensor.sizes)
    if axis == -1 or rank is None or axis_of(axis, rank) == rank - 1:
        if rank is None and axis != -1:
            raise ValueError(f"{name} along axis {axis} needs logits of known rank, got shape <unknown>")
        return definition(tensor, name=name)  # type: ignore[no-any-return]
    order = _swapped(rank, axis_of(axis, rank))
    with get_default_graph().name_scope(name) as scope:
        return transpose(definition(transpose(tensor, order)), order, name=scope)


def _number(axis: Any) -> int:
    value = constant_value(axis) if isinstance(axis, Tensor) else axis
    if value is None:
        raise ValueError("the axis of a softmax must be known while the graph is built")
    return int(value)


def _swapped(rank: int, axis: int) -> list[int]:
    order = list(range(rank))
    order[axis], order[-1] = order[-1], order[axis]
    return order


def softmax_cross_entropy_with_logits_v2(
    labels: Any = None,
    logits: Any = None,
    axis: int | None = None,
    name: str | None = None,
    dim: int | None = None,
) -> Tensor:
    """The cross entropy of each row of `labels` with softmax(logits); gradients flow to both.

    Args:
        labels: probabilities, of the shape of `logits`.
        logits: unscaled log probabilities.
        axis: the dimension of the classes, the last one if left out.
        name: of the operation.
        dim: the former name of `axis`.

    Returns:
        The losses, of the shape of `logits` without the axis.
    """
    axis = dim if axis is None else axis
    with get_default_graph().name_scope(name or "softmax_cross_entropy_with_logits") as scope:
        x = convert_to_tensor(logits, None, "logits")
        precise = cast(x, float32) if x.dtype.base_dtype in (float16, bfloat16) else x
        p = cast(convert_to_tensor(labels, None, "labels"), precise.dtype.base_dtype)
        loss = _rowwise(precise, p, -1 if axis is None else _number(axis), scope)
        return cast(loss, x.dtype.base_dtype) if precise is not x else loss


def _rowwise(logits: Tensor, labels: Tensor, axis: int, scope: str) -> Tensor:
    rank = None if logits.sizes is None else len(logits.sizes)
    if rank == 2 and axis in (-1, 1):
        return softmax_cross_entropy_op(logits, labels, name=scope)[0]
    if rank is not None and axis_of(axis, rank) != rank - 1:
        order = [i for i in range(rank) if i != axis_of(axis, rank)] + [axis_of(axis, rank)]
        logits, labels = transpose(logits, order), transpose(labels, order)
    sizes = shape(logits)
    losses = softmax_cross_entropy_op(_matrix(logits, sizes), _matrix(labels, sizes))[0]
    return reshape(losses, sizes[:-1], name=scope)


def _matrix(x: Tensor, sizes: Tensor) -> Tensor:
    classes = None if x.sizes is None else x.sizes[-1]
    return reshape(x, [-1, sizes[-1] if classes is None else classes])


def softmax_cross_entropy_with_logits(
    _sentinel: Any = None,
    labels: Any = None,
    logits: Any = None,
    dim: int = -1,
    name: str | None = None,
    axis: int | None = None,
) -> Tensor:
    """The cross entropy of each row of `labels` with softmax(logits); gradients flow to the logits alone.

    Arguments as `softmax_cross_entropy_with_logits_v2`; two positional ones are (logits, labels), as before
    TensorFlow 1.0.
    """
    logits, labels = _arguments("softmax_cross_entropy_with_logits", _sentinel, labels, logits)
    with get_default_graph().name_scope(name or "softmax_cross_entropy_with_logits_sg") as scope:
        fixed = stop_gradient(convert_to_tensor(labels, None, "labels"), name="labels_stop_gradient")
        return softmax_cross_entropy_with_logits_v2(fixed, logits, dim if axis is None else axis, scope)


def _arguments(function: str, sentinel: Any, labels: Any, logits: Any) -> tuple[Any, Any]:
    if sentinel is not None:
        if logits is not None and labels is not None:
            raise ValueError(f"Only call `{function}` with named arguments (labels=..., logits=..., ...)")
        logits, labels = (sentinel, labels) if logits is None else (logits, sentinel)
    if labels is None or logits is None:
        raise ValueError(f"{function}: both labels and logits must be provided.")
    return logits, labels


def sparse_softmax_cross_entropy_with_logits(
    _sentinel: Any = None, labels: Any = None, logits: Any = None, name: str | None = None
) -> Tensor:
    """The cross entropy of classes with softmax(logits).

    Args:
        _sentinel: two positional arguments are (logits, labels), as before TensorFlow 1.0.
        labels: class numbers, int32 or int64, of the shape of `logits` without its last dimension.
        logits: unscaled log probabilities, the classes along the last dimension.
        name: of the operation.

    Raises:
        ValueError: ranks or shapes that do not fit.
        InvalidArgumentError: while running, a label that is no class.
    """
    logits, labels = _arguments("sparse_softmax_cross_entropy_with_logits", _sentinel, labels, logits)
    with get_default_graph().name_scope(name or "SparseSoftmaxCrossEntropyWithLogits") as scope:
        x, classes = convert_to_tensor(logits), convert_to_tensor(labels)
        _check_ranks(classes, x)
        precise = cast(x, float32) if x.dtype.base_dtype in (float16, bfloat16) else x
        if x.sizes is not None and len(x.sizes) == 2:
            loss = sparse_softmax_cross_entropy_op(precise, classes, name=scope)[0]
        else:
            sizes = shape(x)
            rows = _matrix(precise, sizes)
            losses = sparse_softmax_cross_entropy_op(rows, reshape(classes, [-1]))[0]
            loss = reshape(losses, shape(classes), name=scope)
        return cast(loss, x.dtype.base_dtype) if precise is not x else loss


def _check_ranks(labels: Tensor, logits: Tensor) -> None:
    if logits.sizes is None:
        return
    if not logits.sizes:
        raise ValueError(f"Logits cannot be scalars - received shape {logits.shape}.")
    if labels.sizes is not None and len(labels.sizes) != len(logits.sizes) - 1:
        raise ValueError(
            f"Rank mismatch: Rank of labels (received {len(labels.sizes)}) should equal rank of logits minus 1 "
            f"(received {len(logits.sizes)})."
        )
    if labels.sizes is not None:
        labels.shape.assert_is_compatible_with(logits.shape[:-1])


def sigmoid_cross_entropy_with_logits(
    _sentinel: Any = None, labels: Any = None, logits: Any = None, name: str | None = None, targets: Any = None
) -> Tensor:
    """The cross entropy of independent labels with sigmoid(logits), element by element.

    Args:
        _sentinel: two positional arguments are (logits, targets), as before TensorFlow 1.0.
        labels: of the shape and dtype of `logits`.
        logits: unscaled log odds.
        name: of the operation.
        targets: the name of `labels` before TensorFlow 1.0.
    """
    labels = targets if labels is None else labels
    logits, labels = _arguments("sigmoid_cross_entropy_with_logits", _sentinel, labels, logits)
    with get_default_graph().name_scope(name or "logistic_loss") as scope:
        x = convert_to_tensor(logits, None, "logits")
        z = convert_to_tensor(labels, x.dtype.base_dtype, "labels")
        _check_shapes(x, z, "logits", "labels")
        # Neither exp overflows, nor is the gradient at 0 anything but 1/2 - z.
        positive = x >= zeros_like_op(x)
        upper = where(positive, x, zeros_like_op(x))
        return add_op(upper - x * z, log1p(exp(where(positive, -x, x))), name=scope)


def _check_shapes(x: Tensor, z: Tensor, first: str, second: str) -> None:
    if not x.shape.is_compatible_with(z.shape):
        raise ValueError(f"{first} and {second} must have the same shape ({x.shape} vs {z.shape})")


def weighted_cross_entropy_with_logits(
    labels: Any = None, logits: Any = None, pos_weight: Any = None, name: str | None = None, targets: Any = None
) -> Tensor:
    """`sigmoid_cross_entropy_with_logits` with the terms of positive labels times `pos_weight`.

    Args:
        labels: of the shape and dtype of `logits`.
        logits: unscaled log odds.
        pos_weight: above 1 for more recall, below 1 for more precision.
        name: of the operation.
        targets: the former name of `labels`.
    """
    labels = targets if labels is None else labels
    with get_default_graph().name_scope(name or "logistic_loss") as scope:
        x = convert_to_tensor(logits, None, "logits")
        z = convert_to_tensor(labels, x.dtype.base_dtype, "labels")
        _check_shapes(x, z, "logits", "targets")
        weight = 1 + (pos_weight - 1) * z
        return add_op((1 - z) * x, weight * softplus_op(-x), name=scope)


def log_poisson_loss(targets: Any, log_input: Any, compute_full_loss: bool = False, name: str | None = None) -> Tensor:
    """The negated log likelihood of counts under Poisson distributions, less a term of the counts alone.

    Args:
        targets: the counts, of the shape and dtype of `log_input`.
        log_input: the logarithms of the rates.
        compute_full_loss: add that term too, by Stirling's approximation, for counts above 1.
        name: of the scope.
    """
    with get_default_graph().name_scope(name or "log_poisson_loss"):
        x = convert_to_tensor(log_input, None, "log_input")
        z = convert_to_tensor(targets, x.dtype.base_dtype, "targets")
        _check_shapes(x, z, "log_input", "targets")
        loss: Tensor = exp(x) - x * z
        if not compute_full_loss:
            return loss
        # A count of 1 stands in where the term is left out, so that no logarithm meets 0.
        safe = where(z > 1, z, ones_like_op(z))
        term = safe * log(safe) - safe + 0.5 * log(2 * math.pi * safe)
        result: Tensor = loss + where(z > 1, term, zeros_like_op(z))
        return result


# The losses of tf.nn.seq2seq (tf.contrib.legacy_seq2seq) and tf.contrib.seq2seq


def sequence_loss_by_example(
    logits: list[Any],
    targets: list[Any],
    weights: list[Any],
    average_across_timesteps: bool = True,
    softmax_loss_function: Callable[..., Tensor] | None = None,
    name: str | None = None,
) -> Tensor:
    """The weighted cross entropy of sequences, summed (or averaged) over time.

    Args:
        logits: one tensor [batch, classes] a step of time.
        targets: class numbers [batch], one tensor a step.
        weights: of each of them [batch].
        average_across_timesteps: divide by the sum of the weights.
        softmax_loss_function: of `labels` and `logits`, in the place of the sparse cross entropy.
        name: of the scope.

    Returns:
        The log perplexity of each sequence [batch].

    Raises:
        ValueError: the lists are not of one length.
    """
    if not len(logits) == len(targets) == len(weights):
        raise ValueError(
            f"Lengths of logits, weights, and targets must be the same {len(logits)}, {len(weights)}, {len(targets)}."
        )
    with get_default_graph().name_scope(name or "sequence_loss_by_example"):
        losses = [
            _step_loss(softmax_loss_function, target, logit) * weight
            for logit, target, weight in zip(logits, targets, weights, strict=True)
        ]
        total = add_n(losses)
        # The small number keeps a sequence without weights from dividing by zero.
        return total / (add_n([convert_to_tensor(w) for w in weights]) + 1e-12) if average_across_timesteps else total


def _step_loss(function: Callable[..., Tensor] | None, target: Any, logit: Any) -> Tensor:
    if function is None:
        classes = reshape(target, [-1])
        return sparse_softmax_cross_entropy_with_logits(labels=classes, logits=logit)
    if "labels" in inspect.signature(function).parameters:
        return function(labels=target, logits=logit)
    # Before TensorFlow 1.0 these functions took (logits, labels).
    return function(logit, target)


def sequence_loss(
    logits: list[Any],
    targets: list[Any],
    weights: list[Any],
    average_across_timesteps: bool = True,
    average_across_batch: bool = True,
    softmax_loss_function: Callable[..., Tensor] | None = None,
    name: str | None = None,
) -> Tensor:
    """The sum of `sequence_loss_by_example` over the batch, or its mean; a scalar."""
    with get_default_graph().name_scope(name or "sequence_loss"):
        losses = sequence_loss_by_example(logits, targets, weights, average_across_timesteps, softmax_loss_function)
        cost = reduce_sum(losses)
        return cost / cast(shape(targets[0])[0], cost.dtype.base_dtype) if average_across_batch else cost


def batch_sequence_loss(
    logits: Any,
    targets: Any,
    weights: Any,
    average_across_timesteps: bool = True,
    average_across_batch: bool = True,
    softmax_loss_function: Callable[..., Tensor] | None = None,
    name: str | None = None,
) -> Tensor:
    """TensorFlow 1.15's `tf.contrib.seq2seq.sequence_loss`: the weighted cross entropy of whole batches.

    Args:
        logits: [batch, time, classes].
        targets: class numbers [batch, time].
        weights: [batch, time].
        average_across_timesteps: divide by the weights of each sequence, or of all.
        average_across_batch: divide by those over the batch.
        softmax_loss_function: of `labels` and `logits`, in the place of the sparse cross entropy.
        name: of the scope.

    Returns:
        A scalar, [time] or [batch, time], as is averaged over both, the batch alone, or nothing.
    """
    for value, rank, what in ((logits, 3, "Logits"), (targets, 2, "Targets"), (weights, 2, "Weights")):
        sizes = convert_to_tensor(value).sizes
        if sizes is not None and len(sizes) != rank:
            raise ValueError(f"{what} must be a {rank}-dimensional tensor, got shape {list(sizes)}")
    with get_default_graph().name_scope(name or "sequence_loss"):
        scores, factors = convert_to_tensor(logits), convert_to_tensor(weights)
        loss = _step_loss(softmax_loss_function, reshape(targets, [-1]), _matrix(scores, shape(scores)))
        loss = loss * reshape(factors, [-1])
        if average_across_timesteps and average_across_batch:
            return reduce_sum(loss) / (reduce_sum(factors) + 1e-12)
        loss = reshape(loss, shape(scores)[:2])
        if not (average_across_timesteps or average_across_batch):
            return loss
        axis = 1 if average_across_timesteps else 0
        return reduce_sum(loss, axis) / (reduce_sum(factors, axis) + 1e-12)
