"""Losses over very many classes that look at a sample of them: noise-contrastive estimation and sampled softmax."""

from __future__ import annotations

from typing import Any

from ..conversion import convert_to_tensor
from ..dtypes import int64
from ..graph import Tensor, get_default_graph
from .array import reshape, shape
from .array_parts import concat, ones_like, zeros_like
from .array_scatter import tensor_scatter_update
from .array_shape import expand_dims
from .casting import cast
from .guards import stop_gradient
from .linalg import matmul_op
from .nn_candidates import compute_accidental_hits, log_uniform_candidate_sampler
from .nn_embedding import embedding_lookup, table_parts
from .nn_losses import sigmoid_cross_entropy_with_logits, softmax_cross_entropy_with_logits_v2
from .reduce import reduce_sum
from .unary import log


def _ordered(labels: Any, inputs: Any) -> tuple[Tensor, Tensor]:
    """Labels and inputs, which stood the other way round before TensorFlow 1.0: labels are the integers."""
    first, second = convert_to_tensor(labels), convert_to_tensor(inputs)
    if first.dtype.is_floating and second.dtype.is_integer:
        first, second = second, first
    return cast(first, int64), second


def sampled_logits(
    weights: Any,
    biases: Any,
    labels: Tensor,
    inputs: Tensor,
    num_sampled: int,
    num_classes: int,
    num_true: int = 1,
    sampled_values: Any = None,
    subtract_log_q: bool = True,
    remove_accidental_hits: bool = False,
    partition_strategy: str = "mod",
    seed: int | None = None,
) -> tuple[Tensor, Tensor]:
    """The logits [batch, num_true + num_sampled] of true and sampled classes, and labels of the same shape.

    Args:
        weights: [classes, dim], or a list of parts.
        biases: [classes], or a list of parts.
        labels: int64 [batch, num_true].
        inputs: [batch, dim].
        num_sampled: classes to draw for the whole batch.
        num_classes: of which they are drawn.
        num_true: true classes of each example.
        sampled_values: what a sampler gave; the log uniform one draws if left out.
        subtract_log_q: take off the logarithm of how often each class is expected.
        remove_accidental_hits: give true classes that were sampled the weight of none.
        partition_strategy: how rows are spread over parts.
        seed: of the sampler.
    """
    classes = reshape(labels, [-1, num_true]) if labels.sizes is not None and len(labels.sizes) == 1 else labels
    if sampled_values is None:
        sampled_values = log_uniform_candidate_sampler(classes, num_true, num_sampled, True, num_classes, seed)
    drawn, true_expected, expected = (stop_gradient(convert_to_tensor(s)) for s in sampled_values)
    drawn = cast(drawn, int64)
    flat = reshape(classes, [-1])
    ids = concat([flat, drawn], 0)
    rows = embedding_lookup(table_parts(weights), ids, partition_strategy)
    offsets = embedding_lookup(table_parts(biases), ids, partition_strategy)
    count = shape(flat)[0]
    of_true = _true_logits(inputs, rows[:count], num_true) + reshape(offsets[:count], [-1, num_true])
    of_drawn = matmul_op(inputs, rows[count:], transpose_b=True) + offsets[count:]
    if remove_accidental_hits:
        of_drawn = of_drawn + _hits(classes, drawn, num_true, of_drawn)
    if subtract_log_q:
        of_true, of_drawn = of_true - log(true_expected), of_drawn - log(expected)
    targets = concat([ones_like(of_true) / num_true, zeros_like(of_drawn)], 1)
    return concat([of_true, of_drawn], 1), targets


def _true_logits(inputs: Tensor, rows: Tensor, num_true: int) -> Tensor:
    size = None if rows.sizes is None else rows.sizes[1]
    grouped = reshape(rows, [-1, num_true, shape(rows)[1] if size is None else size])
    return reduce_sum(expand_dims(inputs, 1) * grouped, 2)


def _hits(classes: Tensor, drawn: Tensor, num_true: int, logits: Tensor) -> Tensor:
    rows, places, weights = compute_accidental_hits(classes, drawn, num_true)
    where = concat([expand_dims(cast(rows, int64), 1), expand_dims(places, 1)], 1)
    return tensor_scatter_update(zeros_like(logits), where, cast(weights, logits.dtype.base_dtype))


def nce_loss(
    weights: Any,
    biases: Any,
    labels: Any,
    inputs: Any,
    num_sampled: int,
    num_classes: int,
    num_true: int = 1,
    sampled_values: Any = None,
    remove_accidental_hits: bool = False,
    partition_strategy: str = "mod",
    name: str = "nce_loss",
) -> Tensor:
    """The noise-contrastive loss of each example: its true classes against sampled ones.

    Args:
        weights: [classes, dim], or a list of its parts.
        biases: [classes].
        labels: integers [batch, num_true].
        inputs: [batch, dim]; labels and inputs may come in the order of TensorFlow before 1.0.
        num_sampled: classes to draw for the whole batch.
        num_classes: of which they are drawn.
        num_true: true classes of each example.
        sampled_values: what a candidate sampler gave, by default the log uniform one.
        remove_accidental_hits: leave out sampled classes that are true ones.
        partition_strategy: "mod" or "div".
        name: of the scope.

    Returns:
        Losses [batch].
    """
    with get_default_graph().name_scope(name):
        classes, features = _ordered(labels, inputs)
        logits, targets = sampled_logits(
            weights, biases, classes, features, num_sampled, num_classes, num_true, sampled_values, True,
            remove_accidental_hits, partition_strategy,
        )  # fmt: skip
        losses = sigmoid_cross_entropy_with_logits(labels=targets, logits=logits, name="sampled_losses")
        return reduce_sum(losses, 1)


def sampled_softmax_loss(
    weights: Any,
    biases: Any,
    labels: Any,
    inputs: Any,
    num_sampled: int,
    num_classes: int,
    num_true: int = 1,
    sampled_values: Any = None,
    remove_accidental_hits: bool = True,
    partition_strategy: str = "mod",
    name: str = "sampled_softmax_loss",
    seed: int | None = None,
) -> Tensor:
    """The softmax cross entropy of each example over its true classes and sampled ones; arguments as `nce_loss`.

    For training only: to evaluate take the whole softmax.
    """
    with get_default_graph().name_scope(name):
        classes, features = _ordered(labels, inputs)
        logits, targets = sampled_logits(
            weights, biases, classes, features, num_sampled, num_classes, num_true, sampled_values, True,
            remove_accidental_hits, partition_strategy, seed,
        )  # fmt: skip
        return softmax_cross_entropy_with_logits_v2(labels=stop_gradient(targets), logits=logits)
