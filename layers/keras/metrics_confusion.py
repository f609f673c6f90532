"""Keras's metrics of right and wrong predictions: precision, recall, their relatives and areas under curves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...engine.graph import Operation, Tensor
from ...engine.ops.array_parts import ones_like, zeros_like
from ...engine.ops.binary import maximum, minimum
from ...engine.ops.choice import where_v2
from ...engine.ops.comparison import equal, greater_equal, logical_and
from ...engine.ops.division import div_no_nan
from ...engine.ops.reduce import reduce_max, reduce_mean, reduce_sum
from ...engine.ops.trigonometric import sigmoid
from ...engine.ops.unary import log
from .confusion import LOWEST, Counts, checked_thresholds, confusion_counts, even_thresholds
from .loss_shapes import EPSILON, as_tensor
from .metric import Metric, add_to


class _CountMetric(Metric):
    """A metric with the fields `kept` of Counts as variables."""

    kept: tuple[str, ...] = Counts._fields
    thresholds: list[float]

    def _make(self, shape: Sequence[int | None]) -> None:
        for name in self.kept:
            setattr(self, name, self.add_variable(shape, name=name))

    def _add(self, y_true: Any, y_pred: Any, sample_weight: Any, **options: Any) -> Operation:
        counts = confusion_counts(y_true, y_pred, self.thresholds, sample_weight, **options)
        return add_to([getattr(self, n) for n in self.kept], [getattr(counts, n) for n in self.kept])

    def _share(self, of: str, against: str) -> Tensor:
        part, rest = getattr(self, of).read_value(), getattr(self, against).read_value()
        quotient: Tensor = div_no_nan(part, part + rest)
        return quotient

    def _single(self, values: Tensor) -> Tensor:
        return values[0] if len(self.thresholds) == 1 else values


class _Number(_CountMetric):
    """How many examples are of one kind."""

    def __init__(self, thresholds: Any = None, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(dtype, name)
        self.init_thresholds = thresholds
        self.thresholds = checked_thresholds(thresholds)
        self._make([len(self.thresholds)])

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Operation:
        return self._add(y_true, y_pred, sample_weight)

    def result(self) -> Any:
        return self._single(as_tensor(getattr(self, self.kept[0]).read_value()))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "thresholds": self.init_thresholds}


class TruePositives(_Number):
    """The number of positive examples that are predicted so."""

    kept = ("true_positives",)


class FalsePositives(_Number):
    """The number of negative examples that are predicted positive."""

    kept = ("false_positives",)


class TrueNegatives(_Number):
    """The number of negative examples that are predicted so."""

    kept = ("true_negatives",)


class FalseNegatives(_Number):
    """The number of positive examples that are predicted negative."""

    kept = ("false_negatives",)


class _Quotient(_CountMetric):
    """The share of true positives among something."""

    def __init__(
        self,
        thresholds: Any = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(dtype, name)
        self.init_thresholds, self.top_k, self.class_id = thresholds, top_k, class_id
        self.thresholds = checked_thresholds(thresholds, 0.5 if top_k is None else LOWEST)
        self._make([len(self.thresholds)])

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Operation:
        return self._add(y_true, y_pred, sample_weight, top_k=self.top_k, class_id=self.class_id)

    def result(self) -> Any:
        return self._single(self._share(*self.kept))

    def get_config(self) -> dict[str, Any]:
        own = {"thresholds": self.init_thresholds, "top_k": self.top_k, "class_id": self.class_id}
        return {**super().get_config(), **own}


class Precision(_Quotient):
    """The share of right ones among positive predictions."""

    kept = ("true_positives", "false_positives")


class Recall(_Quotient):
    """The share of positive examples that are found."""

    kept = ("true_positives", "false_negatives")


class _AtValue(_CountMetric):
    """The best of one share where another one is at least a value."""

    # The fields of Counts of the share that is bounded, and of the one that is sought.
    bounded: tuple[str, str]
    sought: tuple[str, str]
    value_name: str

    def _start(self, value: float, num_thresholds: int, class_id: int | None) -> None:
        if not 0 <= value <= 1:
            raise ValueError(f"{self.value_name} must be from 0 to 1, got {value}")
        if num_thresholds <= 0:
            raise ValueError(f"num_thresholds must be positive, got {num_thresholds}")
        self.value, self.num_thresholds, self.class_id = value, num_thresholds, class_id
        self.thresholds = [0.5] if num_thresholds == 1 else even_thresholds(num_thresholds)
        self._make([len(self.thresholds)])

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Operation:
        return self._add(y_true, y_pred, sample_weight, class_id=self.class_id)

    def result(self) -> Any:
        sought = self._share(*self.sought)
        fits = greater_equal(self._share(*self.bounded), self.value)
        return reduce_max(where_v2(fits, sought, zeros_like(sought)))

    def get_config(self) -> dict[str, Any]:
        own = {self.value_name: self.value, "num_thresholds": self.num_thresholds, "class_id": self.class_id}
        return {**super().get_config(), **own}


_SENSITIVITY = ("true_positives", "false_negatives")
_SPECIFICITY = ("true_negatives", "false_positives")
_PRECISION = ("true_positives", "false_positives")


class SensitivityAtSpecificity(_AtValue):
    """The best sensitivity where the specificity is at least a value."""

    bounded, sought, value_name = _SPECIFICITY, _SENSITIVITY, "specificity"

    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(dtype, name)
        self._start(specificity, num_thresholds, class_id)


class SpecificityAtSensitivity(_AtValue):
    """The best specificity where the sensitivity is at least a value."""

    bounded, sought, value_name = _SENSITIVITY, _SPECIFICITY, "sensitivity"

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(dtype, name)
        self._start(sensitivity, num_thresholds, class_id)


class PrecisionAtRecall(_AtValue):
    """The best precision where the recall is at least a value."""

    bounded, sought, value_name = _SENSITIVITY, _PRECISION, "recall"

    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(dtype, name)
        self._start(recall, num_thresholds, class_id)


class RecallAtPrecision(_AtValue):
    """The best recall where the precision is at least a value."""

    bounded, sought, value_name = _PRECISION, _SENSITIVITY, "precision"

    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(dtype, name)
        self._start(precision, num_thresholds, class_id)


class AUC(_CountMetric):
    """The area under a curve over thresholds.

    Args:
        num_thresholds: how many, from 0 to 1.
        curve: "ROC", "PR" or "PRGAIN".
        summation_method: "interpolation", "minoring" or "majoring".
        thresholds: these in place of evenly spread ones; 0 and 1 are added.
        multi_label: an area for each of the last dimension, then their mean.
        num_labels: how many labels there are, if multi_label; by default as the predictions say.
        label_weights: weights of the labels.
        from_logits: predictions are logits.
    """

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: Any = None,
        thresholds: Sequence[float] | None = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Any = None,
        from_logits: bool = False,
    ) -> None:
        super().__init__(dtype, name)
        self.curve = _choice("curve", str(curve).upper(), ("ROC", "PR", "PRGAIN"))
        methods = ("interpolation", "minoring", "majoring")
        self.summation_method = _choice("summation_method", str(summation_method).lower(), methods)
        self._given_thresholds = None if thresholds is None else sorted(thresholds)
        self.thresholds = even_thresholds(num_thresholds, EPSILON)
        if self._given_thresholds is not None:
            self.thresholds = [-EPSILON, *checked_thresholds(self._given_thresholds), 1.0 + EPSILON]
        self.num_thresholds = len(self.thresholds)
        if num_labels and not multi_label:
            raise ValueError("num_labels is for multi_label=True only")
        self.multi_label, self.num_labels = multi_label, num_labels
        self.label_weights, self._from_logits = label_weights, from_logits
        if not multi_label or num_labels:
            self._make([self.num_thresholds, *([num_labels] if multi_label else [])])

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Operation:
        guess = sigmoid(as_tensor(y_pred)) if self._from_logits else as_tensor(y_pred)
        if not self._variables:
            if guess.sizes is None or len(guess.sizes) != 2 or guess.sizes[1] is None:
                raise ValueError(f"AUC with multi_label needs predictions [batch, labels], got shape {guess.shape}")
            self._make([self.num_thresholds, guess.sizes[1]])
        weights = None if self.multi_label else self.label_weights
        return self._add(y_true, guess, sample_weight, by_label=self.multi_label, label_weights=weights)

    def _counts(self) -> Counts:
        return Counts(*(as_tensor(getattr(self, name).read_value()) for name in Counts._fields))

    def result(self) -> Any:
        if self.curve == "PR" and self.summation_method == "interpolation":
            return self._mean(_interpolated_precision(self._counts()))
        x, y = self._points()
        before, after = y[:-1], y[1:]
        heights = {
            "interpolation": lambda: (before + after) / 2.0,
            "minoring": lambda: minimum(before, after),
            "majoring": lambda: maximum(before, after),
        }[self.summation_method]()
        return self._mean((x[:-1] - x[1:]) * heights)

    def _points(self) -> tuple[Tensor, Tensor]:
        hit, false_hit, right_no, missed = self._counts()
        recall = div_no_nan(hit, hit + missed)
        if self.curve == "ROC":
            return div_no_nan(false_hit, false_hit + right_no), recall
        if self.curve == "PR":
            return recall, div_no_nan(hit, hit + false_hit)
        scale = div_no_nan(hit + missed, right_no + false_hit)
        none = equal(hit, 0.0)
        recall_gain = where_v2(none, zeros_like(hit), 1.0 - scale * div_no_nan(missed, hit))
        precision_gain = where_v2(none, ones_like(hit), 1.0 - scale * div_no_nan(false_hit, hit))
        return maximum(recall_gain, 0.0), precision_gain

    def _mean(self, parts: Tensor) -> Tensor:
        if not self.multi_label:
            return reduce_sum(parts)
        areas = reduce_sum(parts, axis=0)
        if self.label_weights is None:
            return reduce_mean(areas)
        weights = as_tensor(self.label_weights, self.dtype)
        mean: Tensor = div_no_nan(reduce_sum(areas * weights), reduce_sum(weights))
        return mean

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_thresholds": self.num_thresholds,
            "curve": self.curve,
            "summation_method": self.summation_method,
            "thresholds": self._given_thresholds,
            "multi_label": self.multi_label,
            "num_labels": self.num_labels,
            "label_weights": self.label_weights,
            "from_logits": self._from_logits,
        }


def _choice(name: str, value: str, allowed: Sequence[str]) -> str:
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(allowed)}, got {value!r}")
    return value


def _interpolated_precision(counts: Counts) -> Tensor:
    """Parts of the area under the precision-recall curve, between points as Davis and Goadrich (2006) join them."""
    hit, positive = counts.true_positives, counts.true_positives + counts.false_positives
    more = hit[:-1] - hit[1:]
    slope = div_no_nan(more, maximum(positive[:-1] - positive[1:], 0.0))
    intercept = hit[1:] - slope * positive[1:]
    known = logical_and(positive[:-1] > 0.0, positive[1:] > 0.0)
    ratio = where_v2(known, div_no_nan(positive[:-1], maximum(positive[1:], 0.0)), ones_like(positive[1:]))
    parts: Tensor = div_no_nan(
        slope * (more + intercept * log(ratio)), maximum(hit[1:] + counts.false_negatives[1:], 0.0)
    )
    return parts
