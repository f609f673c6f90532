"""make_parse_example_spec: how serialized examples are read for feature columns."""

from __future__ import annotations

from typing import Any

from .base import FeatureColumn


def make_parse_example_spec(feature_columns: Any) -> dict[str, Any]:
    """What `tf.parse_example` takes as `features` to read all that the columns need.

    As TensorFlow 1.15's `tf.feature_column.make_parse_example_spec`.

    Raises:
        ValueError: an item is no feature column, or two columns read one feature in different ways.

    Example:
        >>> import headrace as tf
        >>> sorted(tf.feature_column.make_parse_example_spec([tf.feature_column.numeric_column("age")]))
        ['age']
    """
    found: dict[str, Any] = {}
    for column in feature_columns:
        if not isinstance(column, FeatureColumn):
            raise ValueError(f"All feature_columns must be FeatureColumn instances. Given: {column}")
        for key, value in column.parse_example_spec.items():
            if key in found and value != found[key]:
                raise ValueError(
                    f"feature_columns contain different parse_spec for key {key}. Given {value} and {found[key]}"
                )
            found[key] = value
    return found
