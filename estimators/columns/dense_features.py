"""DenseFeatures: dense feature columns as the first layer of a Keras model, as `tf.keras.layers.DenseFeatures`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...engine.graph import Tensor, get_default_graph
from ...engine.ops.array_parts import concat
from ...engine.scopes import GraphKeys
from ...engine.variable_scope import variable_scope
from ...layers.keras.base import Layer
from .base import Batch, DenseColumn, check_batch_sizes, columns_of, flat, sorted_columns
from .configs import column_config, column_from_config
from .input_layer import with_usual


class DenseFeatures(Layer):
    """The dense columns of a batch side by side, sorted by name, as a layer.

    It is called on tensors by name; a model that begins with it takes a dict or a frame of columns. Variables are named
    `dense_features/<column>/embedding_weights` and are trained and saved with the model's.

    Args:
        feature_columns: dense columns; categorical ones go through embedding_column or indicator_column.
        trainable: whether the variables are trained.
        name: of the layer.

    Raises:
        ValueError: a column is not dense, two have one name, a feature is missing, or the input is no dict.

    Example:
        >>> import numpy as np
        >>> import headrace as tf
        >>> age = tf.feature_column.numeric_column("age")
        >>> color = tf.feature_column.categorical_column_with_vocabulary_list("color", ["red", "blue"])
        >>> columns = [age, tf.feature_column.embedding_column(color, 2)]
        >>> model = tf.keras.Sequential([tf.keras.layers.DenseFeatures(columns), tf.keras.layers.Dense(1)])
        >>> model.compile("sgd", "mse")
        >>> x = {"age": np.array([1.0, 2.0]), "color": np.array(["red", "blue"])}
        >>> _ = model.fit(x, np.array([0.0, 1.0]), verbose=0)
        >>> model.predict(x, verbose=0).shape
        (2, 1)
    """

    def __init__(self, feature_columns: Any, trainable: bool = True, name: str | None = None, **kwargs: Any) -> None:
        super().__init__(trainable=trainable, name=name, autocast=False, **kwargs)
        columns = columns_of(feature_columns)
        for column in columns:
            if not isinstance(column, DenseColumn):
                raise ValueError(
                    "Items of feature_columns must be a DenseColumn. You can wrap a categorical column with an "
                    f"embedding_column or indicator_column. Given: {column}"
                )
        self._columns = _Columns(list(sorted_columns(columns)))
        self._scope: Any = None
        self._column_variables: list[Any] = []

    def __call__(self, features: Any, cols_to_output_tensors: dict[Any, Tensor] | None = None) -> Any:
        """The columns side by side; fills `cols_to_output_tensors` with the part of each."""
        outputs = super().__call__(features)
        if cols_to_output_tensors is not None:
            cols_to_output_tensors.update(self._columns.parts)
        return outputs

    def call(self, features: Any) -> Tensor:
        """The columns side by side, [batch, sum of their sizes]."""
        if not isinstance(features, Mapping):
            raise ValueError(f"DenseFeatures needs a dict of features by name, got {features!r}")
        before = set(map(id, _variables()))
        columns, is_first = self._columns.listed, self._scope is None
        with variable_scope(self._scope or self.name, reuse=None if is_first else True, use_resource=True) as scope:
            self._scope = scope
            parts = self._parts(Batch.of(features), columns)
            check_batch_sizes(parts, columns)
            result = concat(parts, 1)
        if is_first:
            self._column_variables = [v for v in _variables() if id(v) not in before]
        self._columns.parts = dict(zip(columns, parts, strict=True))
        return result

    def _parts(self, batch: Batch, columns: list[DenseColumn]) -> list[Tensor]:
        parts = []
        for column in columns:
            with variable_scope(column.scope_name):
                parts.append(flat(column.dense_tensor(batch, with_usual(None), self.trainable), column))
        return parts

    def compute_output_shape(self, *args: Any, **kwargs: Any) -> Any:
        return None, sum(column.size for column in self._columns.listed)

    def get_config(self) -> dict[str, Any]:
        """The settings, the columns as plain values; their functions have to be known by name (custom objects)."""
        return {**super().get_config(), "feature_columns": [column_config(c) for c in self._columns.listed]}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> DenseFeatures:
        """The layer of such settings."""
        columns = [column_from_config(c) for c in config["feature_columns"]]
        settings = {key: value for key, value in config.items() if key not in ("feature_columns", "autocast")}
        return cls(columns, **settings)


class _Columns:
    """Columns, and their parts of the last call, in a wrapper: what a layer holds in lists is looked through for weights."""

    def __init__(self, listed: list[DenseColumn]) -> None:
        self.listed = listed
        self.parts: dict[DenseColumn, Tensor] = {}


def _variables() -> list[Any]:
    return list(get_default_graph().outermost().get_collection(GraphKeys.GLOBAL_VARIABLES))
