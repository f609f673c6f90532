"""What every feature column is: dense or categorical, named, and read from a batch of features that is kept as tensors."""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from ...engine.checks import assert_positive
from ...engine.conversion import convert_to_tensor
from ...engine.dtypes import DType, as_dtype, int64, string
from ...engine.graph import Tensor
from ...engine.ops.array import fill, reshape, shape, stack
from ...engine.ops.array_parts import concat
from ...engine.ops.array_shape import expand_dims, rank
from ...engine.ops.binary import maximum
from ...engine.ops.choice import where_v2
from ...engine.ops.comparison import equal, not_equal
from ...engine.ops.control import with_dependencies
from ...engine.ops.indexing import gather_nd, where_op
from ...engine.ops.sparse_functions import sparse_reshape
from ...engine.scopes import name_scope
from ...engine.tensor_types import SparseTensor


class FeatureColumn(ABC):
    """One column of a model's input, made by the functions of `tf.feature_column`."""

    @property
    @abstractmethod
    def name(self) -> str:
        """The name by which models sort the column, and errors and variables call it."""

    @property
    def scope_name(self) -> str:
        """The scope of the column's variables: its name, with "_" for what a scope may not hold."""
        return re.sub(r"[^A-Za-z0-9_.\-]", "_", self.name)

    @property
    @abstractmethod
    def parse_example_spec(self) -> dict[str, Any]:
        """How `tf.parse_example` reads the features that the column needs."""

    @abstractmethod
    def transform(self, batch: Batch) -> Any:
        """The column's own form of its features, which a batch keeps for all that use the column."""


class DenseColumn(FeatureColumn):
    """A column of float32 numbers, as many for each example."""

    @property
    @abstractmethod
    def variable_shape(self) -> tuple[int, ...]:
        """The shape of one example's numbers."""

    @property
    def size(self) -> int:
        """Numbers an example."""
        return math.prod(self.variable_shape)

    @abstractmethod
    def dense_tensor(self, batch: Batch, weight_collections: list[Any] | None = None, trainable: bool = True) -> Tensor:
        """The numbers, [batch, *variable_shape]; variables are made in the current scope."""

    def dense(self, features: Mapping[str, Any]) -> Tensor:
        """The numbers of a batch of features as float32 [batch, size]."""
        return flat(self.dense_tensor(Batch.of(features)), self)


class IdWeightPair(NamedTuple):
    """Ids of categories, int64, and their weights or None for weights of 1, both SparseTensors of one shape."""

    id_tensor: SparseTensor
    weight_tensor: SparseTensor | None


class OneId(NamedTuple):
    """The ids of a column with one category an example, int64 [batch, 1].

    missing: bool [batch, 1], where there is none and the id means nothing; None where there always is one.
    can_be_unknown: whether an id that is there may be below 0.
    """

    ids: Tensor
    missing: Tensor | None = None
    can_be_unknown: bool = False

    @property
    def can_be_left_out(self) -> bool:
        """Whether `counted` may be below 0."""
        return self.missing is not None or self.can_be_unknown

    def counted(self) -> Tensor:
        """The ids, below 0 where an example has no category that counts."""
        return self.ids if self.missing is None else where_v2(self.missing, np.int64(-1), self.ids)


class CategoricalColumn(FeatureColumn):
    """A column of any number of categories an example."""

    @property
    @abstractmethod
    def num_buckets(self) -> int:
        """How many categories there are; ids are below it."""

    def sparse_tensors(self, batch: Batch) -> IdWeightPair:
        """The ids, and weights if there are any."""
        return IdWeightPair(batch.get(self), None)

    def one_id(self, batch: Batch) -> OneId | None:
        """The ids where the feature is known to have one value an example: the same as `sparse_tensors`, with less work."""
        return None


class Batch:
    """A batch of features by name, each converted once and then kept, with what columns made of them.

    Args:
        features: tensors, arrays or SparseTensors by name. Vectors become matrices of one column.
    """

    def __init__(self, features: Mapping[Any, Any]) -> None:
        self._features = dict(features)
        self._found: dict[Any, Any] = {}

    @classmethod
    def of(cls, features: Mapping[str, Any] | Batch) -> Batch:
        """A batch, from one or from a mapping."""
        return features if isinstance(features, cls) else cls(features)  # type: ignore[arg-type]

    def get(self, key: str | FeatureColumn) -> Any:
        """The feature called `key`, or what a column makes of its features.

        Raises:
            ValueError: there is no such feature, or it is a scalar.
        """
        if key not in self._found:
            self._found[key] = self._new(key)
        return self._found[key]

    def one_id(self, column: CategoricalColumn) -> OneId | None:
        """What `column.one_id` gives, made once."""
        key = ("one id", column)
        if key not in self._found:
            self._found[key] = column.one_id(self)
        found: OneId | None = self._found[key]
        return found

    def one_value(self, key: str) -> Tensor | None:
        """The feature called `key` if it is a dense matrix that is known to have one column."""
        feature = self.get(key)
        is_one = isinstance(feature, Tensor) and feature.sizes is not None and feature.sizes[1:] == (1,)
        return feature if is_one else None

    def _new(self, key: str | FeatureColumn) -> Any:
        if key in self._features:
            return _matrix(key, self._features[key])
        if isinstance(key, str):
            names = sorted(str(name) for name in self._features)
            raise ValueError(f"Feature {key!r} is not in features dictionary: {names}.")
        return key.transform(self)


def _matrix(key: Any, feature: Any) -> Any:
    """The feature with at least two dimensions."""
    if hasattr(feature, "dense_shape"):
        sparse = SparseTensor.from_value(feature)
        return sparse if sparse.shape.ndims != 1 else sparse_reshape(sparse, stack([sparse.dense_shape[0], 1]))
    tensor = convert_to_tensor(feature)
    text = f"Feature (key: {key}) cannot have rank 0. Given: {tensor}"
    if tensor.sizes is not None:
        if not tensor.sizes:
            raise ValueError(text)
        return expand_dims(tensor, -1) if len(tensor.sizes) == 1 else tensor
    dimensions = rank(tensor)
    checked = with_dependencies([assert_positive(dimensions, message=text)], tensor)
    missing = maximum(2 - dimensions, 0)
    return reshape(checked, concat([shape(checked), fill(stack([missing]), 1)], 0))


def flat(tensor: Tensor, column: DenseColumn) -> Tensor:
    """A dense column's numbers as [batch, size].

    Raises:
        ValueError: an example is known to have another number of them.
    """
    sizes, wanted = tensor.sizes, column.size
    if sizes is not None and None not in sizes[1:]:
        # Without it a batch of another width would be cut into other examples.
        if math.prod(n for n in sizes[1:] if n is not None) != wanted:
            raise ValueError(
                f"Feature {column.name!r} has shape {tensor.shape}, but its column has shape "
                f"{column.variable_shape} an example."
            )
        return tensor if len(sizes) == 2 else reshape(tensor, [-1, wanted])
    result = reshape(tensor, stack([shape(tensor)[0], wanted]))
    result.set_shape((None if sizes is None else sizes[0], wanted))
    return result


def is_missing(values: Tensor) -> Tensor:
    """Where values are missing: "" or -1."""
    missing: Tensor = equal(values, _marker(values.dtype.base_dtype))
    return missing


def _marker(kind: DType) -> Tensor:
    """The value that stands for none: "", 0.0, or -1, which is the largest number of unsigned integers, as in TensorFlow."""
    missing: Any = "" if kind == string else 0.0
    if kind.is_integer:
        missing = kind.max if kind.is_unsigned else -1
    return convert_to_tensor(missing, kind, "ignore_value")


def to_sparse(value: Any, missing: Any = None) -> SparseTensor:
    """A tensor as a SparseTensor without its missing values: "", -1 or `missing`; a SparseTensor as it is."""
    if isinstance(value, SparseTensor):
        return value
    with name_scope(None, "to_sparse_input"):
        kind = value.dtype.base_dtype
        marker = _marker(kind) if missing is None else convert_to_tensor(missing, kind, "ignore_value")
        indices = where_op(not_equal(value, marker), name="indices")
        return SparseTensor(indices, gather_nd(value, indices, name="values"), shape(value, out_type=int64))


def columns_of(given: Any) -> list[FeatureColumn]:
    """Feature columns as a list.

    Raises:
        ValueError: there are none, an item is no column, or two have one name.
    """
    if isinstance(given, FeatureColumn):
        given = [given]
    if isinstance(given, dict):
        raise ValueError("Expected feature_columns to be iterable, found dict.")
    columns = list(given)
    if not columns:
        raise ValueError("feature_columns must not be empty.")
    found: dict[str, FeatureColumn] = {}
    for column in columns:
        if not isinstance(column, FeatureColumn):
            raise ValueError(
                f"Items of feature_columns must be a FeatureColumn. Given (type {type(column)}): {column}."
            )
        if column.name in found:
            raise ValueError(
                f"Duplicate feature column name found for columns: {column} and {found[column.name]}. This usually "
                "means that these columns refer to same base feature. Either one must be discarded or a duplicated "
                "but renamed item must be inserted in features dict."
            )
        found[column.name] = column
    return columns


def sorted_columns(given: Any) -> Iterator[Any]:
    """Feature columns by name, checked."""
    return iter(sorted(columns_of(given), key=lambda column: column.name))


def check_batch_sizes(tensors: list[Tensor], columns: list[Any]) -> None:
    """Raises ValueError where two columns are known to have differently many examples."""
    known = [(t.sizes[0], c) for t, c in zip(tensors, columns, strict=True) if t.sizes and t.sizes[0] is not None]
    for number, column in known[1:]:
        if number != known[0][0]:
            raise ValueError(
                "Batch size (first dimension) of each feature must be same. Batch size of columns "
                f"({known[0][1].name}, {column.name}): ({known[0][0]}, {number})"
            )


def check_key(key: Any) -> None:
    """Raises ValueError unless `key` is a string."""
    if not isinstance(key, str):
        raise ValueError(f"key must be a string. Got: type {type(key)}. Given key: {key}.")


def string_or_int(dtype: Any, what: str) -> DType:
    """The dtype; ValueError unless it is string or an integer's."""
    kind = as_dtype(dtype).base_dtype
    if kind != string and not kind.is_integer:
        raise ValueError(f"{what} dtype must be string or integer. dtype: {kind}.")
    return kind


def checked_dtype(key: str, wanted: DType, given: DType) -> None:
    """Raises ValueError unless a categorical feature's dtype fits its column's."""
    if wanted.is_integer != given.is_integer:
        raise ValueError(
            "Column dtype and SparseTensors dtype must be compatible. "
            f"key: {key}, column dtype: {wanted}, tensor dtype: {given}"
        )
    string_or_int(given, f"column_name: {key} input_tensor")
