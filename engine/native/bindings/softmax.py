"""Softmax along the last axis, and cross entropy with it."""

from __future__ import annotations

import math

import numpy as np

from ..calls import Bound, chunks_of, native

# An exponential and its passes over memory, in multiply-adds.
_COST = 8
_KERNELS = {"Softmax": "softmax_f32", "LogSoftmax": "log_softmax_f32"}


@native(*_KERNELS)
def softmax(bound: Bound) -> None:
    """A row at a time."""
    bound.require_float32()
    logits, out = bound.inputs[0], bound.outputs[0]
    n = logits.shape[-1]
    bound.require(n > 0, "rows of no elements")
    rows = math.prod(logits.shape[:-1])
    size, chunks = chunks_of(rows, n * _COST)
    bound.call(_KERNELS[bound.type], chunks if rows else 0, rows, size, n, logits, out)


@native("SparseSoftmaxCrossEntropyWithLogits", "_ScaledSparseSoftmaxCrossEntropyWithLogits")
def sparse_cross_entropy(bound: Bound) -> None:
    """Loss and gradient; the label out of range is named by the NumPy kernel."""
    labels = bound.inputs[1]
    bound.require(labels.dtype in (np.dtype(np.int32), np.dtype(np.int64)), f"labels of {labels.dtype}")
    bound.require(labels.flags.c_contiguous, "strided memory")
    _cross_entropy(bound, "sparse_cross_entropy_f32", labels.dtype == np.int64)


@native("SoftmaxCrossEntropyWithLogits", "_ScaledSoftmaxCrossEntropyWithLogits")
def cross_entropy(bound: Bound) -> None:
    """Loss and gradient for a distribution a row."""
    logits, labels = bound.inputs[:2]
    bound.require(logits.shape == labels.shape, "broadcast labels")
    bound.require(labels.dtype == np.float32 and labels.flags.c_contiguous, f"strided or {labels.dtype} labels")
    _cross_entropy(bound, "cross_entropy_f32", False)


def _cross_entropy(bound: Bound, kernel: str, wide_labels: bool) -> None:
    logits, labels, *scale = bound.inputs
    loss, gradient = bound.outputs
    for array in (logits, *scale, loss, gradient):
        bound.require(array.dtype == np.float32, f"{array.dtype}")
        bound.require(array.flags.c_contiguous, "strided memory")
    rows, n = logits.shape
    bound.require(n > 0, "rows of no elements")
    size, chunks = chunks_of(rows, n * _COST)
    places = logits, labels, wide_labels, loss, gradient
    # A number a row, or one for all.
    factor = (scale[0], scale[0].size > 1) if scale else (None, 0)
    bound.require(not scale or scale[0].shape in ((), (1,), (1, 1), (rows, 1)), "a scale along rows")
    bound.call(kernel, chunks if rows else 0, rows, size, n, *places, *factor)
