"""The names of `tensorflow.python.feature_column.feature_column_lib`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...estimators.columns.categorical import (
        categorical_column_with_hash_bucket,
        categorical_column_with_identity,
        categorical_column_with_vocabulary_file,
        categorical_column_with_vocabulary_list,
    )
    from ...estimators.columns.combined import crossed_column, weighted_categorical_column
    from ...estimators.columns.embedding import embedding_column, indicator_column, shared_embedding_columns
    from ...estimators.columns.input_layer import input_layer
    from ...estimators.columns.linear_model import linear_model
    from ...estimators.columns.numeric import bucketized_column, numeric_column
    from ...estimators.columns.parsing import make_parse_example_spec
    from ...estimators.columns.sequence import (
        sequence_categorical_column_with_hash_bucket,
        sequence_categorical_column_with_identity,
        sequence_categorical_column_with_vocabulary_file,
        sequence_categorical_column_with_vocabulary_list,
        sequence_numeric_column,
    )

__all__ = [
    "bucketized_column", "categorical_column_with_hash_bucket", "categorical_column_with_identity",
    "categorical_column_with_vocabulary_file", "categorical_column_with_vocabulary_list", "crossed_column",
    "embedding_column", "indicator_column", "input_layer", "linear_model", "make_parse_example_spec",
    "numeric_column", "sequence_categorical_column_with_hash_bucket", "sequence_categorical_column_with_identity",
    "sequence_categorical_column_with_vocabulary_file", "sequence_categorical_column_with_vocabulary_list",
    "sequence_numeric_column", "shared_embedding_columns", "weighted_categorical_column",
]  # fmt: skip

_PLACES: Places = {
    "bucketized_column": ("...estimators.columns.numeric", "bucketized_column"),
    "categorical_column_with_hash_bucket": ("...estimators.columns.categorical", "categorical_column_with_hash_bucket"),
    "categorical_column_with_identity": ("...estimators.columns.categorical", "categorical_column_with_identity"),
    "categorical_column_with_vocabulary_file": (
        "...estimators.columns.categorical",
        "categorical_column_with_vocabulary_file",
    ),
    "categorical_column_with_vocabulary_list": (
        "...estimators.columns.categorical",
        "categorical_column_with_vocabulary_list",
    ),
    "crossed_column": ("...estimators.columns.combined", "crossed_column"),
    "embedding_column": ("...estimators.columns.embedding", "embedding_column"),
    "indicator_column": ("...estimators.columns.embedding", "indicator_column"),
    "input_layer": ("...estimators.columns.input_layer", "input_layer"),
    "linear_model": ("...estimators.columns.linear_model", "linear_model"),
    "make_parse_example_spec": ("...estimators.columns.parsing", "make_parse_example_spec"),
    "numeric_column": ("...estimators.columns.numeric", "numeric_column"),
    "sequence_categorical_column_with_hash_bucket": (
        "...estimators.columns.sequence",
        "sequence_categorical_column_with_hash_bucket",
    ),
    "sequence_categorical_column_with_identity": (
        "...estimators.columns.sequence",
        "sequence_categorical_column_with_identity",
    ),
    "sequence_categorical_column_with_vocabulary_file": (
        "...estimators.columns.sequence",
        "sequence_categorical_column_with_vocabulary_file",
    ),
    "sequence_categorical_column_with_vocabulary_list": (
        "...estimators.columns.sequence",
        "sequence_categorical_column_with_vocabulary_list",
    ),
    "sequence_numeric_column": ("...estimators.columns.sequence", "sequence_numeric_column"),
    "shared_embedding_columns": ("...estimators.columns.embedding", "shared_embedding_columns"),
    "weighted_categorical_column": ("...estimators.columns.combined", "weighted_categorical_column"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
