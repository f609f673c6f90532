"""Accumulators: gradients of many workers, averaged once there are enough of them; stale ones are dropped."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np

from ..dtypes import DType
from ..errors import InvalidArgumentError
from ..inference import show
from ..runtime import Cancellation
from ..shapes import Sizes, are_compatible
from .waiting import Attempt, Lines

_log = logging.getLogger("absl")
Array = np.ndarray[Any, Any]


class Accumulator:
    """A sum of gradients with the global step that they may not be older than.

    Args:
        name: for messages.
        dtype: of the gradients.
        sizes: their shape, as far as known.
        reduction: "MEAN" or "SUM".
    """

    def __init__(self, name: str, dtype: DType, sizes: Sizes, reduction: str = "MEAN") -> None:
        if reduction not in ("MEAN", "SUM"):
            raise InvalidArgumentError(None, None, f"{name}: reduction_type must be MEAN or SUM, got {reduction!r}")
        self.name = name
        self.dtype = dtype
        self.sizes = sizes
        self.reduction = reduction
        self.global_step = 0
        self.count = 0
        self._lines = Lines(1)
        self._sum: Any = None

    def apply(self, local_step: int, gradient: Any) -> None:
        """Adds a gradient, unless its step is before the accumulator's."""
        self._check(gradient)
        with self._lines.lock:
            if local_step < self.global_step:
                return
            self._sum = self._copy(gradient) if self._sum is None else self._added(self._sum, gradient)
            self.count += 1
            self._lines.flush()

    def take(self, number: int, cancellation: Cancellation | None) -> Any:
        """The mean (or sum) of the gradients once there are `number`; then the sum is empty and the step one on."""
        if number <= 0:
            raise InvalidArgumentError(None, None, f"Argument num_required must be positive, got {number}")

        def advance(attempt: Attempt) -> bool:
            if self.count < number:
                return False
            attempt.result = self._finished(self._sum, self.count if self.reduction == "MEAN" else 1)
            self._sum, self.count = None, 0
            self.global_step += 1
            return True

        return self._lines.run(0, Attempt("TakeGrad", advance), cancellation)

    def set_global_step(self, step: int) -> None:
        """Sets the step; a warning if it goes back."""
        with self._lines.lock:
            if step < self.global_step:
                _log.warning("%s: the global step is set from %d back to %d", self.name, self.global_step, step)
            self.global_step = step

    # What dense and sparse ones differ in

    def _check(self, gradient: Any) -> None:
        if not are_compatible(np.shape(gradient), self.sizes):
            raise InvalidArgumentError(
                None, None, f"Shape mismatch: expected {show(self.sizes)}, got {show(np.shape(gradient))}"
            )
        if self._sum is not None and np.shape(gradient) != self._sum.shape:
            raise InvalidArgumentError(
                None, None, f"Shape mismatch: expected {show(self._sum.shape)}, got {show(np.shape(gradient))}"
            )

    def _copy(self, gradient: Any) -> Any:
        return np.array(gradient)

    def _added(self, total: Any, gradient: Any) -> Any:
        total += gradient
        return total

    def _finished(self, total: Any, count: int) -> Any:
        return (total / count).astype(total.dtype) if count > 1 else total


class SparseAccumulator(Accumulator):
    """Gradients as (indices, values, shape): rows are added and averaged one by one."""

    def _check(self, gradient: Any) -> None:
        indices, values, shape = gradient
        if indices.ndim != 1 or values.ndim < 1 or len(indices) != len(values):
            raise InvalidArgumentError(
                None,
                None,
                f"indices {indices.shape} and values {values.shape} must have one length in the first dimension",
            )
        inner = None if self.sizes is None else self.sizes[1:]
        if not are_compatible(values.shape[1:], inner):
            raise InvalidArgumentError(
                None, None, f"Shape mismatch: expected rows of {show(inner)}, got {show(values.shape[1:])}"
            )
        if len(shape) and not are_compatible(tuple(int(s) for s in shape), self.sizes):
            raise InvalidArgumentError(None, None, f"Shape mismatch: expected {show(self.sizes)}, got {shape.tolist()}")

    def _copy(self, gradient: Any) -> Any:
        return self._added(({}, {}, np.array(gradient[2])), gradient)

    def _added(self, total: Any, gradient: Any) -> Any:
        rows, counts, _ = total
        indices, values, _ = gradient
        for index in np.unique(indices).tolist():
            row = values[indices == index].sum(axis=0, dtype=values.dtype)
            rows[index] = rows[index] + row if index in rows else row
            counts[index] = counts.get(index, 0) + 1
        return total

    def _finished(self, total: Any, count: int) -> Any:
        rows, counts, shape = total
        order = sorted(rows)
        mean = count > 1 or self.reduction == "MEAN"
        picked = [rows[i] / counts[i] if mean and counts[i] > 1 else rows[i] for i in order]
        inner = tuple(s or 0 for s in (self.sizes or (0,))[1:])
        values = np.stack(picked).astype(self.dtype.numpy) if picked else np.empty((0, *inner), self.dtype.numpy)
        return np.array(order, np.int64), values, shape
