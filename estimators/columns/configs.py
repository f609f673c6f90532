"""Feature columns as plain values, for the configuration of a layer that has them, and back."""

from __future__ import annotations

import dataclasses
from typing import Any

from ...engine import initializers
from ...engine.dtypes import DType, as_dtype
from ...layers.keras.serialization import get_registered_object, is_configuration, serialize_keras_object
from .base import FeatureColumn
from .categorical import (
    HashedCategoricalColumn,
    IdentityCategoricalColumn,
    VocabularyFileCategoricalColumn,
    VocabularyListCategoricalColumn,
)
from .combined import CrossedColumn, WeightedCategoricalColumn
from .embedding import EmbeddingColumn, IndicatorColumn, SharedEmbeddingColumn
from .numeric import BucketizedColumn, NumericColumn

_COLUMNS: dict[str, Any] = {
    kind.__name__: kind
    for kind in (
        BucketizedColumn, CrossedColumn, EmbeddingColumn, HashedCategoricalColumn, IdentityCategoricalColumn,
        IndicatorColumn, NumericColumn, SharedEmbeddingColumn, VocabularyFileCategoricalColumn,
        VocabularyListCategoricalColumn, WeightedCategoricalColumn,
    )
}  # fmt: skip


def column_config(column: FeatureColumn) -> dict[str, Any]:
    """A column's kind and its settings as plain values.

    Raises:
        ValueError: it is of another kind, or a function of it has no name among custom objects.
    """
    name = type(column).__name__
    if _COLUMNS.get(name) is not type(column) or not dataclasses.is_dataclass(column):
        raise ValueError(f"A column of the type {name} cannot be written as a configuration: {column}")
    settings = {f.name: _plain(getattr(column, f.name), column) for f in dataclasses.fields(column)}
    return {"class_name": name, "config": settings}


def column_from_config(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The column of such a configuration.

    Raises:
        ValueError: the kind is unknown, or a function is not among the custom objects.
    """
    kind = _COLUMNS.get(config["class_name"]) if is_configuration(config) else None
    if kind is None or not isinstance(config["config"], dict):
        raise ValueError(f"There is no feature column of this configuration: {config!r:.200}")
    return kind(**{name: _object(value, custom_objects) for name, value in config["config"].items()})


def _plain(value: Any, column: FeatureColumn) -> Any:
    if isinstance(value, FeatureColumn):
        return column_config(value)
    if isinstance(value, DType):
        return {"dtype": value.name}
    if isinstance(value, tuple | list):
        return [_plain(part, column) for part in value]
    if value is None or isinstance(value, str | int | float):
        return value
    if type(value).__module__ == initializers.__name__ and hasattr(value, "get_config"):
        settings = {name: part.name if isinstance(part, DType) else part for name, part in value.get_config().items()}
        return {"initializer": type(value).__name__, "config": settings}
    name = serialize_keras_object(value)
    if not isinstance(name, str):
        raise ValueError(
            f"{value!r} of the column {column.name!r} has no name: register_keras_serializable gives it one"
        )
    return {"function": name}


def _object(value: Any, custom_objects: dict[str, Any] | None) -> Any:
    if isinstance(value, list):
        return tuple(_object(part, custom_objects) for part in value)
    if not isinstance(value, dict):
        return value
    if "dtype" in value:
        return as_dtype(value["dtype"])
    if "function" in value:
        found = get_registered_object(value["function"], custom_objects)
        if found is None:
            raise ValueError(f"The function {value['function']!r} of a feature column is not among the custom objects")
        return found
    if "initializer" in value:
        kind = getattr(initializers, str(value["initializer"]), None)
        if not isinstance(kind, type) or not hasattr(kind, "from_config"):
            raise ValueError(f"There is no initializer {value['initializer']!r}")
        return kind.from_config(value["config"])
    return column_from_config(value, custom_objects)
