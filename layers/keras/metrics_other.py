"""Keras's metrics that are neither means nor counts at thresholds: overlaps of classes, F scores, R squared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...engine.dtypes import float32, int32
from ...engine.graph import Operation
from ...engine.ops.array import reshape, shape as shape_of
from ...engine.ops.array_parts import broadcast_to, ones_like, zeros_like
from ...engine.ops.array_shape import expand_dims, size
from ...engine.ops.casting import cast
from ...engine.ops.choice import where_v2
from ...engine.ops.comparison import equal, greater, greater_equal, less, logical_and, not_equal
from ...engine.ops.confusion import confusion_matrix
from ...engine.ops.diagonals import diag_part
from ...engine.ops.division import div_no_nan
from ...engine.ops.extrema import argmax
from ...engine.ops.indexing import gather
from ...engine.ops.reduce import reduce_max, reduce_mean, reduce_sum
from ...engine.ops.rounding import is_finite
from ...engine.ops.unary import abs as absolute, square
from .loss_shapes import EPSILON, as_tensor, pair
from .metric import Metric, add_to

_SMALL = 1e-9


class IoU(Metric):
    """The overlap of some classes: what is right over what is right, missed or found in vain.

    Args:
        num_classes: how many classes there are.
        target_class_ids: the classes whose overlaps are averaged.
        ignore_class: a label that does not count.
        sparse_y_true: targets are class numbers and not one-hot.
        sparse_y_pred: predictions are class numbers and not scores.
        axis: of the classes, where they are not numbers.
    """

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__(dtype, name)
        if max(target_class_ids) >= num_classes:
            raise ValueError(f"target_class_ids must be in [0, {num_classes}), got {list(target_class_ids)}")
        self.num_classes, self.target_class_ids = num_classes, list(target_class_ids)
        self.ignore_class, self.axis = ignore_class, axis
        self.sparse_y_true, self.sparse_y_pred = sparse_y_true, sparse_y_pred
        self.total_cm = self.add_variable([num_classes, num_classes], name="total_confusion_matrix")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Operation:
        truth = as_tensor(y_true) if self.sparse_y_true else argmax(as_tensor(y_true), self.axis)
        guess = as_tensor(y_pred) if self.sparse_y_pred else argmax(as_tensor(y_pred), self.axis)
        truth, guess = (reshape(cast(x, int32), [-1]) for x in (truth, guess))
        counts = [x for number in (truth, guess) for x in (greater_equal(number, 0), less(number, self.num_classes))]
        if self.ignore_class is not None:
            counts.append(not_equal(truth, self.ignore_class))
        kept = counts[0]
        for condition in counts[1:]:
            kept = logical_and(kept, condition)
        weights = cast(kept, float32)
        if sample_weight is not None:
            weights = weights * broadcast_to(reshape(as_tensor(sample_weight, float32), [-1]), shape_of(weights))
        truth, guess = (where_v2(kept, x, zeros_like(x)) for x in (truth, guess))
        matrix = confusion_matrix(truth, guess, self.num_classes, dtype=float32, weights=weights)
        return add_to([self.total_cm], [matrix])

    def result(self) -> Any:
        matrix = as_tensor(self.total_cm.read_value())
        right = diag_part(matrix)
        either = reduce_sum(matrix, axis=0) + reduce_sum(matrix, axis=1) - right
        right, either = gather(right, self.target_class_ids), gather(either, self.target_class_ids)
        there = cast(greater(either, _SMALL), float32)
        return reduce_sum(there * right / (either + EPSILON)) / (reduce_sum(there) + EPSILON)

    def get_config(self) -> dict[str, Any]:
        names = ("num_classes", "target_class_ids", "ignore_class", "sparse_y_true", "sparse_y_pred", "axis")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


class BinaryIoU(IoU):
    """The overlap of the classes 0 and 1, predicted as a probability."""

    def __init__(
        self,
        target_class_ids: Sequence[int] = (0, 1),
        threshold: float = 0.5,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(2, target_class_ids, name, dtype)
        self.threshold = threshold

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Operation:
        guess = cast(greater_equal(as_tensor(y_pred, float32), self.threshold), int32)
        return super().update_state(y_true, guess, sample_weight)

    def get_config(self) -> dict[str, Any]:
        own = {"target_class_ids": self.target_class_ids, "threshold": self.threshold}
        return {**Metric.get_config(self), **own}


class MeanIoU(IoU):
    """The mean overlap of all classes."""

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, range(num_classes), name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["target_class_ids"]
        return config


class OneHotIoU(IoU):
    """The overlap of some classes for one-hot targets."""

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["sparse_y_true"]
        return config


class OneHotMeanIoU(MeanIoU):
    """The mean overlap of all classes for one-hot targets."""

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["sparse_y_true"]
        return config


class _Lazy(Metric):
    """A metric whose variables have the size of the predictions' last dimension."""

    kept: tuple[str, ...]

    def _make(self, shape: Any) -> None:
        sizes = shape.as_list() if shape.ndims is not None else None
        if sizes is None or len(sizes) != 2 or sizes[1] is None:
            raise ValueError(f"{type(self).__name__} needs predictions [batch, outputs], got shape {shape}")
        if not self._variables:
            for name in self.kept:
                setattr(self, name, self.add_variable([sizes[1]], name=name))

    def _columns(self, sample_weight: Any, like: Any) -> Any:
        if sample_weight is None:
            return ones_like(like)
        weights = as_tensor(sample_weight, float32)
        return broadcast_to(expand_dims(weights, 1) if weights.shape.ndims == 1 else weights, shape_of(like))

    def _values(self) -> list[Any]:
        if not self._variables:
            raise ValueError(f"{type(self).__name__} has no result before the first update_state")
        return [as_tensor(getattr(self, name).read_value()) for name in self.kept]


class FBetaScore(_Lazy):
    """The weighted harmonic mean of precision and recall of each class.

    Args:
        average: None for a value a class, "micro", "macro" or "weighted".
        beta: how much more recall counts than precision.
        threshold: above which a prediction is positive; by default the largest one is.
    """

    kept = ("true_positives", "false_positives", "false_negatives", "intermediate_weights")

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = "fbeta_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(dtype, name)
        if average not in (None, "micro", "macro", "weighted"):
            raise ValueError(f"average must be None, 'micro', 'macro' or 'weighted', got {average!r}")
        if beta <= 0:
            raise ValueError(f"beta must be positive, got {beta!r}")
        if threshold is not None and not 0 < threshold <= 1:
            raise ValueError(f"threshold must be above 0 and at most 1, got {threshold!r}")
        self.average, self.beta, self.threshold = average, beta, threshold

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Operation:
        truth, guess = pair(y_true, y_pred)
        self._make(guess.shape)
        if self.threshold is None:
            positive = equal(guess, reduce_max(guess, axis=-1, keepdims=True))
            guess = cast(logical_and(positive, greater(absolute(guess), _SMALL)), float32)
        else:
            guess = cast(greater(guess, self.threshold), float32)
        weights = self._columns(sample_weight, guess)
        parts = [guess * truth, guess * (1.0 - truth), (1.0 - guess) * truth, truth]
        return add_to(self._variables, [self._sum(part * weights) for part in parts])

    def _sum(self, values: Any) -> Any:
        if self.average == "micro":
            return zeros_like(values[0]) + reduce_sum(values)
        return reduce_sum(values, axis=0)

    def result(self) -> Any:
        hit, false_hit, missed, support = self._values()
        precision, recall = hit / (hit + false_hit + EPSILON), hit / (hit + missed + EPSILON)
        weight = self.beta**2
        score = (1.0 + weight) * precision * recall / (weight * precision + recall + EPSILON)
        if self.average == "weighted":
            return reduce_sum(score * support / (reduce_sum(support) + EPSILON))
        return score if self.average is None else reduce_mean(score)

    def get_config(self) -> dict[str, Any]:
        own = {"average": self.average, "beta": self.beta, "threshold": self.threshold}
        return {**super().get_config(), **own}


class F1Score(FBetaScore):
    """The harmonic mean of precision and recall of each class."""

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str | None = "f1_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(average, 1.0, threshold, name, dtype)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["beta"]
        return config


class R2Score(_Lazy):
    """The share of the targets' variance that predictions explain.

    Args:
        class_aggregation: "uniform_average", "variance_weighted_average" or None for a value an output.
        num_regressors: for the adjusted score: how many features the predictions are made from.
    """

    kept = ("squared_sum", "sum", "residual", "count")

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str | None = "r2_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(dtype, name)
        if class_aggregation not in (None, "uniform_average", "variance_weighted_average"):
            raise ValueError(
                "class_aggregation must be None, 'uniform_average' or 'variance_weighted_average', "
                f"got {class_aggregation!r}"
            )
        if num_regressors < 0:
            raise ValueError(f"num_regressors must not be negative, got {num_regressors}")
        self.class_aggregation, self.num_regressors = class_aggregation, num_regressors
        self.num_samples = self.add_variable((), name="num_samples")

    def _make(self, shape: Any) -> None:
        if len(self._variables) == 1:
            own, self._variables = self._variables, []
            super()._make(shape)
            self._variables += own

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Operation:
        truth, guess = pair(y_true, y_pred)
        self._make(guess.shape)
        weights = self._columns(sample_weight, guess)
        parts = [square(truth) * weights, truth * weights, square(truth - guess) * weights, weights]
        sums = [reduce_sum(part, axis=0) for part in parts]
        return add_to([*(getattr(self, n) for n in self.kept), self.num_samples], [*sums, size(truth)])

    def result(self) -> Any:
        squares, total, residual, count = self._values()
        spread = squares - total * div_no_nan(total, count)
        scores = 1.0 - residual / spread
        scores = where_v2(is_finite(scores), scores, zeros_like(scores))
        if self.class_aggregation == "uniform_average":
            scores = reduce_mean(scores)
        elif self.class_aggregation is not None:
            scores = reduce_sum(spread * scores) / reduce_sum(spread)
        return self._adjusted(scores) if self.num_regressors else scores

    def _adjusted(self, score: Any) -> Any:
        number = as_tensor(self.num_samples.read_value())
        left = number - self.num_regressors - 1.0
        adjusted = 1.0 - (1.0 - score) * div_no_nan(number - 1.0, left)
        return where_v2(greater(left, 0.0), adjusted, score)

    def get_config(self) -> dict[str, Any]:
        own = {"class_aggregation": self.class_aggregation, "num_regressors": self.num_regressors}
        return {**super().get_config(), **own}
