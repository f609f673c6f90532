"""Sequence columns side by side, as the input of a recurrent network: sequence_input_layer and SequenceFeatures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...engine.checks import assert_equal, assert_rank, assert_type
from ...engine.dtypes import float32
from ...engine.graph import Tensor, get_default_graph
from ...engine.ops.array import identity, reshape, shape, stack
from ...engine.ops.array_pad import tile
from ...engine.ops.array_parts import concat
from ...engine.ops.array_shape import expand_dims
from ...engine.variable_scope import variable_scope
from .base import Batch, check_batch_sizes, columns_of, sorted_columns
from .embedding import EmbeddingColumn, IndicatorColumn
from .input_layer import with_usual
from .sequence import SequenceNumericColumn


def sequence_input_layer(
    features: Mapping[str, Any], feature_columns: Any, weight_collections: Any = None, trainable: bool = True
) -> tuple[Tensor, Tensor]:
    """Sequence columns side by side, by name, as TensorFlow 1.15's `tf.contrib.feature_column.sequence_input_layer`.

    Variables are named `sequence_input_layer/<column>/embedding_weights`.

    Args:
        features: SparseTensors by name, or dense tensors with "" or -1 after the last step.
        feature_columns: sequence_numeric_column, and embedding_column or indicator_column of sequence columns.
        weight_collections: further collections for the variables.
        trainable: whether the variables are trained.

    Returns:
        float32 [batch, steps, sum of the columns' sizes], and how many steps each example has, int64 [batch].

    Raises:
        ValueError: a column is of another kind, two have one name, a feature is missing or of a wrong dtype.
        InvalidArgumentError (when run): two columns have different numbers of steps.

    Example:
        >>> import headrace as tf
        >>> column = tf.feature_column.sequence_numeric_column("rating")
        >>> rating = tf.SparseTensor([[0, 0], [0, 1], [1, 0]], [1.0, 2.0, 3.0], [2, 2])
        >>> numbers, lengths = tf.contrib.feature_column.sequence_input_layer({"rating": rating}, [column])
        >>> with tf.Session() as session:
        ...     session.run(numbers)[..., 0].tolist(), session.run(lengths).tolist()
        ([[1.0, 2.0], [3.0, 0.0]], [2, 1])
    """
    columns = _checked(feature_columns)
    with variable_scope(None, "sequence_input_layer"):
        return _side_by_side(features, columns, with_usual(weight_collections), trainable, unique=True)


def _checked(feature_columns: Any) -> list[Any]:
    columns = columns_of(feature_columns)
    for column in columns:
        if not isinstance(column, EmbeddingColumn | IndicatorColumn | SequenceNumericColumn):
            raise ValueError(
                "All feature_columns must be of type sequence_numeric_column, or an embedding_column or "
                "indicator_column of a sequence_categorical_column_with_*. You can wrap a "
                f"sequence_categorical_column with an embedding_column or indicator_column. Given: {column}"
            )
    return list(sorted_columns(columns))


def _side_by_side(
    features: Mapping[str, Any], columns: list[Any], collections: list[Any], trainable: bool, unique: bool
) -> tuple[Tensor, Tensor]:
    batch, parts, lengths = Batch.of(features), [], []
    for column in columns:
        scope = (None, column.scope_name) if unique else (column.scope_name,)
        with variable_scope(*scope):
            dense, length = column.sequence_tensors(batch, collections, trainable)
            parts.append(_three(dense, column.size))
            lengths.append(length)
    check_batch_sizes(parts, columns)
    return concat(parts, 2), _equal(lengths, columns)


def _three(dense: Tensor, size: int) -> Tensor:
    sizes = shape(dense)
    result = reshape(dense, stack([sizes[0], sizes[1], size]))
    known = dense.sizes
    result.set_shape((*(known[:2] if known is not None else (None, None)), size))
    return result


def _equal(lengths: list[Tensor], columns: list[Any]) -> Tensor:
    """The lengths, which are checked to be those of every column."""
    if len(lengths) == 1:
        return lengths[0]
    checks = [
        assert_equal(
            lengths[0], other, message=f"Columns {columns[0].name} and {column.name} have different sequence lengths."
        )
        for other, column in zip(lengths[1:], columns[1:], strict=True)
    ]
    with get_default_graph().control_dependencies(checks):
        return identity(lengths[0])


class SequenceFeatures:
    """A layer of sequence columns, as `tf.keras.experimental.SequenceFeatures`.

    Called on features it gives what `sequence_input_layer` gives; a second call uses the same variables, which are named
    `sequence_features/<column>/embedding_weights`.

    Args:
        feature_columns: see `sequence_input_layer`.
        trainable: whether the variables are trained.
        name: of the layer, "sequence_features" by default, made unique.

    Raises:
        ValueError: a column is of another kind, or two have one name.
    """

    def __init__(self, feature_columns: Any, trainable: bool = True, name: str | None = None) -> None:
        self.trainable, self.name = trainable, name
        self._columns = _checked(feature_columns)
        self._scope: Any = None

    def __call__(self, features: Mapping[str, Any], training: bool | None = None) -> tuple[Tensor, Tensor]:
        """The columns side by side, and how many steps each example has."""
        if not isinstance(features, Mapping):
            raise ValueError(f"We expected a dictionary here. Instead we got: {features}")
        first = self._scope is None
        with variable_scope(self._scope or self.name, "sequence_features", reuse=None if first else True) as scope:
            self._scope = scope
            return _side_by_side(features, self._columns, with_usual(None), self.trainable, unique=False)


def concatenate_context_input(context_input: Any, sequence_input: Any) -> Tensor:
    """`context_input` [batch, d1] behind each step of `sequence_input` [batch, steps, d0]: [batch, steps, d0 + d1].

    As `tf.contrib.feature_column.concatenate_context_input`.

    Raises:
        ValueError: a rank is another one.
        TypeError: one of the two is not float32.
    """
    sequence = _ranked(sequence_input, 3, "sequence_input")
    context = _ranked(context_input, 2, "context_input")
    steps = shape(sequence)[1]
    repeated = tile(expand_dims(context, 1), stack([1, steps, 1]))
    return concat([sequence, repeated], 2)


def _ranked(tensor: Any, wanted: int, name: str) -> Tensor:
    checks = [
        assert_rank(tensor, wanted, message=f"{name} must have rank {wanted}"),
        assert_type(tensor, float32, message=f"{name} must have dtype float32; got {tensor.dtype}."),
    ]
    with get_default_graph().control_dependencies(checks):
        return identity(tensor)
