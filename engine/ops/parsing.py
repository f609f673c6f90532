"""parse_example and its kin, with the descriptions of features, as TensorFlow 1.15's tf.io."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ..conversion import convert_to_tensor
from ..dtypes import DType, as_dtype, int64, string
from ..graph import Tensor
from ..scopes import name_scope
from ..shapes import TensorShape
from ..tensor_types import SparseTensor
from .array import reshape
from .array_parts import concat
from .array_shape import expand_dims
from .casting import cast
from .parsing_ops import parse_example_op, parse_single_example_op, parse_single_sequence_example_op
from .sparse import sparse_reorder_op


class VarLenFeature(NamedTuple):
    """A feature with any number of values, which gives a SparseTensor."""

    dtype: Any


class SparseFeature(NamedTuple):
    """A sparse vector (or tensor) of which one feature holds the indices, or one a dimension, and another the values.

    `size` is its length, or a list of them; `already_sorted` saves the sorting.
    """

    index_key: Any
    value_key: str
    dtype: Any
    size: Any
    already_sorted: bool = False


class FixedLenFeature(NamedTuple):
    """A feature with as many values as `shape` says; `default_value` is for examples without it, None requires it."""

    shape: Any
    dtype: Any
    default_value: Any = None


class FixedLenSequenceFeature(NamedTuple):
    """A feature with rows of `shape`, as many as there are; in batches padded with `default_value`."""

    shape: Any
    dtype: Any
    allow_missing: bool = False
    default_value: Any = None


class _Plan:
    """Features sorted by kind, in the form that the ops take."""

    def __init__(self, features: dict[str, Any] | None, kinds: tuple[type, ...]) -> None:
        self.features = features or {}
        self.sparse: dict[str, DType] = {}
        self.dense: dict[str, tuple[DType, TensorShape, Any]] = {}
        for key in sorted(self.features):
            feature = self.features[key]
            if not isinstance(feature, kinds):
                names = ", ".join(k.__name__ for k in kinds)
                raise ValueError(f"Feature {key!r}: expected one of {names}, got {feature!r}")
            self._add(key, feature)

    def _add(self, key: str, feature: Any) -> None:
        if not feature.dtype:
            raise ValueError(f"Missing type for feature {key}.")
        dtype = as_dtype(feature.dtype)
        if isinstance(feature, VarLenFeature):
            self._add_sparse(key, dtype)
        elif isinstance(feature, SparseFeature):
            for index_key in _index_keys(feature):
                self._add_sparse(index_key, int64)
            self._add_sparse(feature.value_key, dtype)
        elif isinstance(feature, FixedLenFeature):
            self.dense[key] = (dtype, _defined(key, feature.shape), feature.default_value)
        else:
            shape = TensorShape([None]).concatenate(_defined(key, feature.shape))
            if not feature.allow_missing:
                raise ValueError(f"Unsupported: FixedLenSequenceFeature requires allow_missing to be True. ({key})")
            self.dense[key] = (dtype, shape, feature.default_value)

    def _add_sparse(self, key: str, dtype: DType) -> None:
        if self.sparse.setdefault(key, dtype) != dtype:
            raise ValueError(f"Conflicting type {dtype} vs {self.sparse[key]} for feature {key}.")

    def defaults(self) -> list[Tensor]:
        return [_default(key, *spec) for key, spec in self.dense.items()]

    def shapes(self) -> list[TensorShape]:
        return [shape for _, shape, _ in self.dense.values()]

    def result(self, sparse: dict[str, SparseTensor], dense: dict[str, Tensor]) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, feature in self.features.items():
            if isinstance(feature, SparseFeature):
                found[key] = _merged(feature, sparse)
            else:
                found[key] = sparse[key] if key in sparse and key not in dense else dense[key]
        return found


def _index_keys(feature: SparseFeature) -> list[str]:
    keys = feature.index_key
    return [keys] if isinstance(keys, str) else list(keys)


def _defined(key: str, shape: Any) -> TensorShape:
    if shape is None:
        raise ValueError(f"Missing shape for feature {key}.")
    result = TensorShape(shape)
    if not result.is_fully_defined():
        raise ValueError(f"All dimensions of shape for feature {key} need to be known but received {result}.")
    return result


def _default(key: str, dtype: DType, shape: TensorShape, value: Any) -> Tensor:
    name = "key_" + "".join(c if c.isalnum() or c in "_.-" else "_" for c in key)
    if value is None:
        # An empty vector says that there is no default.
        return convert_to_tensor(np.empty(0, dtype.numpy), dtype, name)
    tensor = convert_to_tensor(value, dtype, name)
    if shape.is_fully_defined() and tensor.shape != shape:
        tensor = reshape(tensor, shape.as_list())
    return tensor


def _merged(feature: SparseFeature, sparse: dict[str, SparseTensor]) -> SparseTensor:
    """The tensor whose coordinates are the values of other features."""
    indices, values = [sparse[k] for k in _index_keys(feature)], sparse[feature.value_key]
    sizes = [feature.size] if isinstance(feature.size, int) else list(feature.size)
    if len(sizes) != len(indices):
        raise ValueError(f"Expected one size an index key: {len(sizes)} and {len(indices)}")
    columns = [cast(expand_dims(i.values, 1), int64) for i in indices]
    batch = values.indices[:, :-1]
    places = concat([batch, *columns], 1)
    shape = concat([values.dense_shape[:-1], convert_to_tensor(np.array(sizes, np.int64))], 0)
    if feature.already_sorted:
        return SparseTensor(places, values.values, shape)
    return SparseTensor(*sparse_reorder_op(places, values.values, shape), shape)


def _text(key: str) -> Any:
    return np.array(key.encode(), object)


def _texts(keys: Any) -> list[Any]:
    return [_text(k) for k in keys]


def _sparse_tensors(keys: Any, indices: Any, values: Any, shapes: Any) -> dict[str, SparseTensor]:
    return {k: SparseTensor(i, v, s) for k, i, v, s in zip(keys, indices, values, shapes, strict=True)}


_KINDS = (VarLenFeature, SparseFeature, FixedLenFeature, FixedLenSequenceFeature)


def parse_example(
    serialized: Any, features: dict[str, Any], name: str | None = None, example_names: Any = None
) -> dict[str, Any]:
    """Tensors of the features of a batch of Example messages, as tf.parse_example of TF 1.15.

    Args:
        serialized: a string vector.
        features: FixedLenFeature, VarLenFeature, SparseFeature or FixedLenSequenceFeature by key.
        name: of the operation.
        example_names: a string vector of what errors call the examples.

    Returns:
        A dense tensor [batch, ...] or a SparseTensor [batch, longest] by key.

    Raises:
        ValueError: no features, or one that is not well described.
        InvalidArgumentError (when run): an example that is damaged, lacks a feature or has another type or number of
            values; the text names the example and the key.

    Example:
        >>> import headrace as tf
        >>> feature = tf.train.Feature(int64_list=tf.train.Int64List(value=[1, 2]))
        >>> example = tf.train.Example(features=tf.train.Features(feature={"a": feature}))
        >>> with tf.Graph().as_default(), tf.Session() as sess:
        ...     parsed = tf.parse_example([example.SerializeToString()], {"a": tf.FixedLenFeature([2], tf.int64)})
        ...     print(sess.run(parsed["a"]))
        [[1 2]]
    """
    if not features:
        raise ValueError("Missing: features was empty.")
    plan = _Plan(features, _KINDS)
    names = np.empty(0, object) if example_names is None else example_names
    with name_scope(name, "ParseExample", [serialized]):
        found = parse_example_op(
            convert_to_tensor(serialized, string, "serialized"),
            convert_to_tensor(names, string, "names"),
            _texts(plan.sparse),
            _texts(plan.dense),
            plan.defaults(),
            sparse_types=list(plan.sparse.values()),
            dense_shapes=plan.shapes(),
            name=name,
        )
        return plan.result(_sparse_tensors(plan.sparse, *found[:3]), dict(zip(plan.dense, found[3], strict=True)))


def parse_single_example(
    serialized: Any, features: dict[str, Any], name: str | None = None, example_names: Any = None
) -> dict[str, Any]:
    """Tensors of the features of one Example message (a string scalar); as `parse_example` without the batch."""
    if not features:
        raise ValueError("Missing features.")
    del example_names
    plan = _Plan(features, _KINDS)
    with name_scope(name, "ParseSingleExample", [serialized]):
        found = parse_single_example_op(
            convert_to_tensor(serialized, string, "serialized"),
            plan.defaults(),
            num_sparse=len(plan.sparse),
            sparse_keys=list(plan.sparse),
            dense_keys=list(plan.dense),
            sparse_types=list(plan.sparse.values()),
            dense_shapes=plan.shapes(),
            name=name,
        )
        return plan.result(_sparse_tensors(plan.sparse, *found[:3]), dict(zip(plan.dense, found[3], strict=True)))


def parse_single_sequence_example(
    serialized: Any,
    context_features: dict[str, Any] | None = None,
    sequence_features: dict[str, Any] | None = None,
    example_name: Any = None,
    name: str | None = None,
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Tensors of one SequenceExample message: of its context, and of its steps, as TF 1.15.

    Args:
        serialized: a string scalar.
        context_features: FixedLenFeature or VarLenFeature by key.
        sequence_features: FixedLenSequenceFeature (dense, [steps, ...]) or VarLenFeature (sparse) by key.
        example_name: what errors call it.
        name: of the operation.
    """
    if not context_features and not sequence_features:
        raise ValueError("Missing features.")
    context = _Plan(context_features, (VarLenFeature, FixedLenFeature))
    steps = sequence_features or {}
    wrong = next((k for k, f in steps.items() if not isinstance(f, VarLenFeature | FixedLenSequenceFeature)), None)
    if wrong is not None:
        raise ValueError(f"Feature {wrong!r}: expected VarLenFeature or FixedLenSequenceFeature, got {steps[wrong]!r}")
    sparse = [k for k in sorted(steps) if isinstance(steps[k], VarLenFeature)]
    dense = [k for k in sorted(steps) if isinstance(steps[k], FixedLenSequenceFeature)]
    with name_scope(name, "ParseSingleSequenceExample", [serialized]):
        found = parse_single_sequence_example_op(
            convert_to_tensor(serialized, string, "serialized"),
            _vector([k for k in dense if steps[k].allow_missing]),
            _texts(context.sparse),
            _texts(context.dense),
            _texts(sparse),
            _texts(dense),
            context.defaults(),
            convert_to_tensor("" if example_name is None else example_name, string, "debug_name"),
            context_sparse_types=list(context.sparse.values()),
            feature_list_dense_types=[as_dtype(steps[k].dtype) for k in dense],
            context_dense_shapes=context.shapes(),
            feature_list_sparse_types=[as_dtype(steps[k].dtype) for k in sparse],
            feature_list_dense_shapes=[_defined(k, steps[k].shape) for k in dense],
            name=name,
        )
    whole = context.result(_sparse_tensors(context.sparse, *found[:3]), dict(zip(context.dense, found[3], strict=True)))
    lists: dict[str, Any] = dict(_sparse_tensors(sparse, *found[4:7]))
    return whole, {**lists, **dict(zip(dense, found[7], strict=True))}


def _vector(keys: Sequence[str]) -> Any:
    result = np.empty(len(keys), object)
    result[:] = [k.encode() for k in keys]
    return result
