"""How serialized examples with labels are read: classifier_parse_example_spec and regressor_parse_example_spec."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..engine.dtypes import DType, as_dtype, float32, int64, string
from ..engine.ops.parsing import FixedLenFeature
from .columns import FeatureColumn, NumericColumn, make_parse_example_spec


def classifier_parse_example_spec(
    feature_columns: Sequence[FeatureColumn],
    label_key: str,
    label_dtype: DType = int64,
    label_default: Any = None,
    weight_column: str | NumericColumn | None = None,
) -> dict[str, Any]:
    """What `tf.parse_example` takes to read examples for a classifier, as `tf.estimator.classifier_parse_example_spec`.

    Args:
        feature_columns: the columns.
        label_key: the feature that holds the label.
        label_dtype: its dtype, int64 or string.
        label_default: the label of examples without one; without it they are an error.
        weight_column: the feature of the examples' weights.

    Raises:
        ValueError: the label or the weight is among the columns, or of another dtype.

    Example:
        >>> import headrace as tf
        >>> columns = [tf.feature_column.numeric_column("x")]
        >>> sorted(tf.estimator.classifier_parse_example_spec(columns, "y"))
        ['x', 'y']
    """
    kind = as_dtype(label_dtype)
    if kind not in (int64, string):
        raise ValueError(f"label should be string or integer, got {kind.name}")
    return _spec(feature_columns, label_key, FixedLenFeature((1,), kind, label_default), weight_column)


def regressor_parse_example_spec(
    feature_columns: Sequence[FeatureColumn],
    label_key: str,
    label_dtype: DType = float32,
    label_default: Any = None,
    label_dimension: int = 1,
    weight_column: str | NumericColumn | None = None,
) -> dict[str, Any]:
    """What `tf.parse_example` takes to read examples for a regressor, as `tf.estimator.regressor_parse_example_spec`.

    Args:
        label_dimension: numbers of a label.
        feature_columns, label_key, label_dtype, label_default, weight_column: see classifier_parse_example_spec; the
            label is a number.
    """
    kind = as_dtype(label_dtype)
    if not kind.is_floating and not kind.is_integer:
        raise ValueError(f"label should be a number, got {kind.name}")
    return _spec(feature_columns, label_key, FixedLenFeature((label_dimension,), kind, label_default), weight_column)


def _spec(columns: Any, label_key: str, label: Any, weight_column: Any) -> dict[str, Any]:
    found = make_parse_example_spec(columns)
    if label_key in found:
        raise ValueError(f"label should not be used as feature. label_key: {label_key}, features: {sorted(found)}")
    found[label_key] = label
    if weight_column is None:
        return found
    weights = NumericColumn(weight_column) if isinstance(weight_column, str) else weight_column
    if not isinstance(weights, NumericColumn):
        raise ValueError(f"weight_column should be a string or a numeric column, got {weight_column!r}")
    if weights.key in found:
        raise ValueError(f"weight_column should not be used as feature or label: {weights.key}")
    return {**found, **make_parse_example_spec([weights])}
