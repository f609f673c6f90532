"""Softmax along the last axis, and cross entropy with it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..calls import Bound, DeviceArray, gpu
from ..source import Kernel
from ..template import template
from ..text import is_float, stored
from .compact import compact

# Rows of up to so many elements belong to a warp, longer ones to a block.
_WARP_ROW = 1024
_THREADS = 256


def _where(loss: np.dtype[Any], gradient: np.dtype[Any]) -> str:
    kind = stored(loss)
    return f"{kind}* loss, {stored(gradient)}* gradient, const {kind}* scale, int by_row, long long rows, int n"


def by_rows(bound: Bound, rows: int, n: int) -> tuple[str, int]:
    """Whether rows belong to blocks, as a C++ word, and how many blocks there are."""
    bound.require(0 < n < 2**31, "rows of no elements")
    return ("true", min(rows, 65535)) if n > _WARP_ROW else ("false", min(-(-rows * 32 // _THREADS), 65535))


@gpu("Softmax", "LogSoftmax")
@compact
def softmax(bound: Bound) -> None:
    """A row at a time."""
    bound.require_contiguous()
    logits, out = bound.inputs[0], bound.outputs[0]
    n, rows = logits.shape[-1], math.prod(logits.shape[:-1])
    wide, blocks = by_rows(bound, rows, n)
    logarithm = "true" if bound.type == "LogSoftmax" else "false"
    places = "const T* x, T* y, long long rows, int n"
    kernel = template("softmax", "softmax.cuh", places, logits.dtype, wide, logarithm, synchronizes=True)
    bound.launch(kernel, blocks, _THREADS, logits, out, rows, n)


@gpu("SparseSoftmaxCrossEntropyWithLogits", "_ScaledSparseSoftmaxCrossEntropyWithLogits")
@compact
def sparse_cross_entropy(bound: Bound) -> None:
    """Loss and gradient; the label out of range is named by the NumPy kernel."""
    rows, n = bound.inputs[0].shape
    wide, blocks = by_rows(bound, rows, n)
    logits, labels = bound.inputs[:2]
    loss, gradient = bound.outputs
    bound.require(is_float(gradient.dtype) and is_float(loss.dtype), f"{gradient.dtype}")
    bound.require((logits.dtype == np.float64) == (loss.dtype == np.float64), f"{logits.dtype} and {loss.dtype}")
    places = f"const T* x, const U* labels, {_where(loss.dtype, gradient.dtype)}, int* error, int step"
    types = logits.dtype, labels.dtype, stored(loss.dtype), stored(gradient.dtype), wide
    kernel = template("sparse_cross_entropy", "softmax.cuh", places, *types, synchronizes=True)
    bound.launch(kernel, blocks, _THREADS, *_places(bound), bound.error, bound.step)


@gpu("SoftmaxCrossEntropyWithLogits", "_ScaledSoftmaxCrossEntropyWithLogits")
@compact
def cross_entropy(bound: Bound) -> None:
    """Loss and gradient for a distribution a row."""
    logits, labels = bound.inputs[:2]
    bound.require(logits.shape == labels.shape, "broadcast labels")
    wide, blocks = by_rows(bound, *logits.shape)
    kernel = _cross_entropy(logits, wide)
    bound.launch(kernel, blocks, _THREADS, *_places(bound))


def _cross_entropy(logits: DeviceArray, wide: str) -> Kernel:
    places = f"const T* x, const T* labels, {_where(logits.dtype, logits.dtype)}"
    return template("cross_entropy", "softmax.cuh", places, logits.dtype, wide, synchronizes=True)


def _places(bound: Bound) -> list[DeviceArray | int]:
    bound.require_contiguous()
    logits, labels, *scale = bound.inputs
    loss, gradient = bound.outputs
    bound.require(is_float(logits.dtype), f"{logits.dtype}")
    rows, n = logits.shape
    # A number a row, or one for all.
    bound.require(not scale or scale[0].shape in ((), (1,), (1, 1), (rows, 1)), "a scale along rows")
    factor: list[DeviceArray | int] = [scale[0], int(scale[0].size > 1)] if scale else [0, 0]
    return [logits, labels, loss, gradient, *factor, rows, n]
