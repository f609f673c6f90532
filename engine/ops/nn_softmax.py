"""Softmax along the last axis, and cross entropy with it in one op that also gives the gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dtypes import FLOATING, INDEX
from ..errors import InvalidArgumentError
from ..graph import Operation, Sizes, Tensor
from ..inference import InferenceContext, broadcast, show
from ..kernels.scratch import scratch
from ..registry import op
from ..samples import Failure, Sample
from ..shapes import merge_sizes
from .array import reshape
from .broadcasting import unbroadcast
from .reduction import sum_op

Gradients = list[Any]
LAST = np.array([-1], np.int32)


def _like_logits(context: InferenceContext) -> list[Sizes]:
    return [context.with_rank_at_least(0, 1)]


def wide(x: Any) -> Any:
    """`x` in a dtype good enough to calculate in: float32 for the 16-bit floats."""
    return x.astype(np.float32) if x.dtype.itemsize == 2 else x


def _largest(xp: Any, x: Any) -> Any:
    return xp.max(x, -1, keepdims=True, initial=-np.inf)


def _logits(rng: np.random.Generator) -> list[Sample]:
    return [
        Sample((rng.normal(size=(2, 3)),)),
        Sample((rng.normal(size=4),)),
        Sample((rng.normal(size=(2, 1, 3)),)),
        Sample((np.zeros((0, 3)),)),
        Sample((np.array([[1000.0, -1000.0, 999.0]], np.float32),), differentiable=False),
    ]


def _scalar_logits(rng: np.random.Generator) -> list[Failure]:
    return [Failure((np.array(1.0),), ValueError, "rank at least 1")]


@op("Softmax", "logits: T", "softmax: T", shape=_like_logits, T=FLOATING)
def softmax_op(logits: Any, *, name: str | None = None) -> Tensor:
    """Exp(x) / sum(exp(x)) along the last axis, without overflow."""


@softmax_op.kernel
def softmax_kernel(xp: Any, logits: Any) -> Any:
    out = xp.empty(logits.shape, logits.dtype)
    softmax_into(xp, out, logits)
    return out


@softmax_op.into
def softmax_into(xp: Any, out: Any, logits: Any) -> None:
    x = wide(logits)
    target = out if x is logits else xp.empty_like(x)
    xp.subtract(x, _largest(xp, x), target)
    xp.exp(target, target)
    total = xp.sum(target, -1, keepdims=True)
    xp.divide(target, total, target)
    if target is not out:
        out[...] = target


@softmax_op.gradient
def softmax_gradient(op: Operation, dy: Tensor) -> Gradients:
    y = op.outputs[0]
    return [(dy - sum_op(dy * y, LAST, keep_dims=True)) * y]


@op("LogSoftmax", "logits: T", "logsoftmax: T", shape=_like_logits, T=FLOATING)
def log_softmax_op(logits: Any, *, name: str | None = None) -> Tensor:
    """X - log(sum(exp(x))) along the last axis, without overflow."""


@log_softmax_op.kernel
def log_softmax_kernel(xp: Any, logits: Any) -> Any:
    out = xp.empty(logits.shape, logits.dtype)
    log_softmax_into(xp, out, logits)
    return out


@log_softmax_op.into
def log_softmax_into(xp: Any, out: Any, logits: Any) -> None:
    x = wide(logits)
    target = out if x is logits else xp.empty_like(x)
    xp.subtract(x, _largest(xp, x), target)
    exponents = xp.exp(target, scratch("exponents", target.shape, target.dtype))
    xp.subtract(target, xp.log(xp.sum(exponents, -1, keepdims=True)), target)
    if target is not out:
        out[...] = target


@log_softmax_op.gradient
def log_softmax_gradient(op: Operation, dy: Tensor) -> Gradients:
    # The softmax of the output is the softmax of the input: both differ by a number a row.
    return [dy - sum_op(dy, LAST, keep_dims=True) * softmax_op(op.outputs[0])]


softmax_op.samples(_logits)
log_softmax_op.samples(_logits)
softmax_op.failing(_scalar_logits)
log_softmax_op.failing(_scalar_logits)


@op("SoftmaxCrossEntropyWithLogits", "features: T, labels: T", "loss: T, backprop: T", T=FLOATING)
def softmax_cross_entropy_op(features: Any, labels: Any, *, name: str | None = None) -> tuple[Tensor, Tensor]:
    """The loss of each row [batch] and its gradient with respect to the logits, softmax - labels."""


@softmax_cross_entropy_op.shape
def softmax_cross_entropy_shape(context: InferenceContext) -> list[Sizes]:
    for i in range(2):
        context.with_rank(i, 2)
    (sizes,) = broadcast(context)
    return [(None,), (None, None)] if sizes is None else [sizes[:1], sizes]


@softmax_cross_entropy_op.kernel
def softmax_cross_entropy_kernel(xp: Any, features: Any, labels: Any) -> Any:
    shape = np.broadcast_shapes(features.shape, labels.shape)
    out = (xp.empty(shape[:1], features.dtype), xp.empty(shape, features.dtype))
    softmax_cross_entropy_into(xp, out, features, labels)
    return out


@softmax_cross_entropy_op.into
def softmax_cross_entropy_into(xp: Any, out: Any, features: Any, labels: Any) -> None:
    x, p = wide(features), wide(labels)
    work = out[1] if x is features else xp.empty(out[1].shape, x.dtype)
    xp.subtract(x, _largest(xp, x), work)
    p = xp.broadcast_to(p, work.shape)
    weighted = _weighted_sums(xp, p, work)
    xp.exp(work, work)
    total = xp.sum(work, -1, keepdims=True)
    out[0][...] = xp.sum(p, -1) * xp.log(total[:, 0]) - weighted
    xp.divide(work, total, work)
    xp.subtract(work, p, work)
    if work is not out[1]:
        out[1][...] = work


def _weighted_sums(xp: Any, p: Any, x: Any) -> Any:
    if not xp.isfinite(xp.min(x, initial=0)):
        # Where a label is 0 its term is 0, even if the logit is infinitely small.
        return xp.sum(xp.where(p == 0, 0, p * x), -1)
    return xp.einsum("ij,ij->i", p, x)


@softmax_cross_entropy_op.gradient
def softmax_cross_entropy_gradient(op: Operation, dloss: Tensor | None, dbackprop: Tensor | None) -> Gradients:
    logits, labels = op.inputs
    parts = [] if dloss is None else [-(_column(dloss) * log_softmax_op(logits))]
    parts += [] if dbackprop is None else [-dbackprop]
    to_labels = parts[0] if len(parts) == 1 else parts[0] + parts[1]
    return [unbroadcast(_logits_gradient(op, dloss, dbackprop), logits), unbroadcast(to_labels, labels)]


def _column(losses: Tensor) -> Tensor:
    return reshape(losses, [-1, 1])


def _logits_gradient(op: Operation, dloss: Tensor | None, dbackprop: Tensor | None) -> Tensor:
    parts = [] if dloss is None else [_column(dloss) * op.outputs[1]]
    if dbackprop is not None:
        y = softmax_op(op.inputs[0])
        parts.append((dbackprop - sum_op(dbackprop * y, LAST, keep_dims=True)) * y)
    return parts[0] if len(parts) == 1 else parts[0] + parts[1]


@softmax_cross_entropy_op.samples
def softmax_cross_entropy_samples(rng: np.random.Generator) -> list[Sample]:
    labels = rng.dirichlet(np.ones(4), size=3)
    return [
        # The gradient for labels is that of labels that add up to 1: finite differences leave that plane.
        Sample((rng.normal(size=(3, 4)), labels), gradients=(0,)),
        Sample((rng.normal(size=(3, 4)), np.eye(4)[[0, 3, 1]]), gradients=(0,)),
        Sample((rng.normal(size=(3, 4)), rng.dirichlet(np.ones(4), size=1)), gradients=(0,)),
        Sample((np.array([[1e4, -1e4, 0]], np.float32), np.array([[1, 0, 0]], np.float32)), differentiable=False),
        Sample((np.ones((0, 4)), np.ones((0, 4))), gradients=(0,)),
    ]


@softmax_cross_entropy_op.failing
def softmax_cross_entropy_failing(rng: np.random.Generator) -> list[Failure]:
    return [
        Failure((np.ones((2, 3)), np.ones((2, 4))), ValueError, "3.*4|compatible"),
        Failure((np.ones(3), np.ones(3)), ValueError, "rank 2"),
    ]


@op(
    "SparseSoftmaxCrossEntropyWithLogits",
    "features: T, labels: Tlabels",
    "loss: T, backprop: T",
    T=FLOATING,
    Tlabels=INDEX,
)
def sparse_softmax_cross_entropy_op(features: Any, labels: Any, *, name: str | None = None) -> tuple[Tensor, Tensor]:
    """The same for labels that are class numbers [batch]; InvalidArgumentError for one that is no class."""


@sparse_softmax_cross_entropy_op.shape
def sparse_softmax_cross_entropy_shape(context: InferenceContext) -> list[Sizes]:
    rows, classes = context.with_rank(0, 2)
    (number,) = context.with_rank(1, 1)
    if rows is not None and number is not None and rows != number:
        raise ValueError(
            f"Dimensions must be equal, but are {rows} rows of logits {show(context.sizes[0])} and {number} labels"
        )
    batch = merge_sizes((rows,), (number,))
    return [batch, (*(batch or (None,)), classes)]


@sparse_softmax_cross_entropy_op.kernel
def sparse_softmax_cross_entropy_kernel(xp: Any, features: Any, labels: Any) -> Any:
    out = (xp.empty(features.shape[:1], features.dtype), xp.empty(features.shape, features.dtype))
    sparse_softmax_cross_entropy_into(xp, out, features, labels)
    return out


@sparse_softmax_cross_entropy_op.into
def sparse_softmax_cross_entropy_into(xp: Any, out: Any, features: Any, labels: Any) -> None:
    _check_labels(labels, features.shape[1])
    x = wide(features)
    backprop = out[1] if x is features else xp.empty_like(x)
    xp.subtract(x, _largest(xp, x), backprop)
    rows = xp.arange(len(labels))
    chosen = backprop[rows, labels]
    xp.exp(backprop, backprop)
    total = xp.sum(backprop, -1, keepdims=True)
    out[0][...] = xp.log(total[:, 0]) - chosen
    xp.divide(backprop, total, backprop)
    backprop[rows, labels] -= 1
    if backprop is not out[1]:
        out[1][...] = backprop


def _check_labels(labels: Any, classes: int) -> None:
    wrong = (labels < 0) | (labels >= classes)
    if wrong.any():
        raise InvalidArgumentError(
            None,
            None,
            f"Received a label value of {labels[wrong][0]} which is outside the valid range of [0, {classes}).  "
            f"Label values: {' '.join(map(str, labels[:20]))}",
        )


@sparse_softmax_cross_entropy_op.gradient
def sparse_softmax_cross_entropy_gradient(op: Operation, dloss: Tensor | None, dbackprop: Tensor | None) -> Gradients:
    return [_logits_gradient(op, dloss, dbackprop), None]


@sparse_softmax_cross_entropy_op.samples
def sparse_softmax_cross_entropy_samples(rng: np.random.Generator) -> list[Sample]:
    return [
        Sample((rng.normal(size=(3, 4)), np.array([0, 3, 1], np.int32)), gradients=(0,)),
        Sample((rng.normal(size=(2, 4)), np.array([2, 2], np.int64)), gradients=(0,)),
        Sample((np.array([[1e4, -1e4, 0]], np.float32), np.array([1], np.int64)), differentiable=False),
        Sample((np.ones((0, 4)), np.ones(0, np.int64)), gradients=(0,)),
    ]


@sparse_softmax_cross_entropy_op.failing
def sparse_softmax_cross_entropy_failing(rng: np.random.Generator) -> list[Failure]:
    return [
        Failure((np.ones((2, 3)), np.array([0])), ValueError, "2 rows.*1 labels"),
        Failure((np.ones((2, 3)), np.array([0, 3])), InvalidArgumentError, r"3 .*outside the valid.*3\)", at_run=True),
        Failure((np.ones((2, 3)), np.array([-1, 0])), InvalidArgumentError, "-1 .*outside the valid", at_run=True),
    ]
