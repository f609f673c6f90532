"""Feature columns: how named features become a model's input, as TensorFlow 1.15's `tf.feature_column`."""

from .base import CategoricalColumn as CategoricalColumn, DenseColumn as DenseColumn, FeatureColumn as FeatureColumn
from .categorical import (
    categorical_column_with_hash_bucket as categorical_column_with_hash_bucket,
    categorical_column_with_identity as categorical_column_with_identity,
    categorical_column_with_vocabulary_file as categorical_column_with_vocabulary_file,
    categorical_column_with_vocabulary_list as categorical_column_with_vocabulary_list,
)
from .combined import (
    crossed_column as crossed_column,
    weighted_categorical_column as weighted_categorical_column,
)
from .embedding import (
    embedding_column as embedding_column,
    indicator_column as indicator_column,
    shared_embedding_columns as shared_embedding_columns,
)
from .input_layer import input_layer as input_layer
from .linear_model import linear_model as linear_model
from .numeric import (
    NumericColumn as NumericColumn,
    bucketized_column as bucketized_column,
    numeric_column as numeric_column,
)
from .parsing import make_parse_example_spec as make_parse_example_spec
from .sequence import (
    sequence_categorical_column_with_hash_bucket as sequence_categorical_column_with_hash_bucket,
    sequence_categorical_column_with_identity as sequence_categorical_column_with_identity,
    sequence_categorical_column_with_vocabulary_file as sequence_categorical_column_with_vocabulary_file,
    sequence_categorical_column_with_vocabulary_list as sequence_categorical_column_with_vocabulary_list,
    sequence_numeric_column as sequence_numeric_column,
)
from .sequence_input import SequenceFeatures as SequenceFeatures, sequence_input_layer as sequence_input_layer
