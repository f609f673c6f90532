"""Example and SequenceExample messages to arrays: dense features in batches, sparse ones as coordinates."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..dtypes import DType
from ..errors import InvalidArgumentError
from ..shapes import Sizes, is_static

# Messages are imported where one is parsed.

Array = np.ndarray[Any, Any]
Sparse = tuple[Array, Array, Array]

_FIELDS = {"int64": "int64_list", "float32": "float_list", "string": "bytes_list"}
_TYPES = {"int64_list": "int64", "float_list": "float32", "bytes_list": "string"}


@dataclass(frozen=True)
class Dense:
    """A feature with as many values in every example as `shape` says; its first size may be unknown.

    `default` is used where the feature is missing; None: it is required.
    """

    key: str
    dtype: DType
    shape: Sizes
    default: Array | None


def parse(data: bytes, message: type[Any], where: str) -> Any:
    """The message in `data`; InvalidArgumentError says where it was."""
    from google.protobuf.message import DecodeError

    try:
        return message.FromString(data)
    except DecodeError as error:
        raise InvalidArgumentError(None, None, f"{where}: Could not parse example input: {error}") from None


def values_of(feature: Any, key: str, dtype: DType, where: str) -> Any:
    """The values of a Feature as a list; None where it has none of any type."""
    kind = feature.WhichOneof("kind")
    if kind is None:
        return None
    if dtype.name not in _FIELDS:
        raise InvalidArgumentError(None, None, f"Key: {key}. Features are int64, float32 or string, not {dtype.name}")
    if kind != _FIELDS[dtype.name]:
        raise InvalidArgumentError(
            None,
            None,
            f"{where}, Key: {key}.  Data types don't match. Data type: {_TYPES[kind]} but expected type: {dtype.name}",
        )
    return getattr(feature, kind).value


def array_of(values: Any, dtype: DType) -> Array:
    """A list of values as a vector."""
    result = np.empty(len(values), dtype.numpy)
    result[:] = values
    return result


def dense_batch(features: Sequence[Any], spec: Dense, wheres: Sequence[str]) -> Array:
    """The values of a dense feature over examples: [number, *shape], padded where the first size is unknown."""
    rows = [_dense_row(f, spec, w) for f, w in zip(features, wheres, strict=True)]
    if spec.shape is None or is_static(spec.shape):
        return np.stack(rows) if rows else np.empty((0, *(spec.shape or ())), spec.dtype.numpy)
    longest = max((len(r) for r in rows), default=0)
    padding = b"" if spec.dtype.numpy.hasobject else 0
    if spec.default is not None and spec.default.size:
        padding = np.ravel(spec.default)[0]
    inner = [size or 0 for size in spec.shape[1:]]
    batch = np.full((len(rows), longest, *inner), padding, spec.dtype.numpy)
    for target, row in zip(batch, rows, strict=True):
        target[: len(row)] = row
    return batch


def _dense_row(features: Any, spec: Dense, where: str) -> Array:
    values = values_of(features[spec.key], spec.key, spec.dtype, where) if spec.key in features else None
    shape = spec.shape or ()
    if values is None:
        if spec.default is None:
            raise InvalidArgumentError(
                None,
                None,
                f"{where}, Feature: {spec.key} (data type: {spec.dtype.name}) is required but could not be found.",
            )
        return spec.default.reshape(shape) if is_static(shape) else np.empty((0, *shape[1:]), spec.dtype.numpy)
    return shaped(array_of(values, spec.dtype), spec, where)


def shaped(values: Array, spec: Dense, where: str) -> Array:
    """A vector of values in the shape of a feature; InvalidArgumentError if there are too many or too few."""
    shape = spec.shape or ()
    if is_static(shape):
        if values.size != math.prod(shape):
            raise InvalidArgumentError(
                None,
                None,
                f"{where}, Key: {spec.key}.  Number of {spec.dtype.name} values != expected.  "
                f"Values size: {values.size} but output shape: {list(shape)}",
            )
        return values.reshape(shape)
    rest = math.prod(s or 0 for s in shape[1:])
    if rest == 0 or values.size % rest:
        raise InvalidArgumentError(
            None,
            None,
            f"{where}, Key: {spec.key}.  Number of {spec.dtype.name} values is not a multiple of stride length.  "
            f"Values size: {values.size} but output shape: {list(shape)}",
        )
    return values.reshape(-1, *shape[1:])


def sparse_batch(features: Sequence[Any], key: str, dtype: DType, wheres: Sequence[str]) -> Sparse:
    """The values of a feature over examples as indices [n, 2], values [n] and the dense shape."""
    rows = [_sparse_row(f, key, dtype, w) for f, w in zip(features, wheres, strict=True)]
    return sparse_rows(rows, dtype)


def _sparse_row(features: Any, key: str, dtype: DType, where: str) -> Array:
    values = values_of(features[key], key, dtype, where) if key in features else None
    return array_of(values or [], dtype)


def sparse_rows(rows: Sequence[Array], dtype: DType) -> Sparse:
    """Rows of different lengths as coordinates."""
    lengths = np.array([len(r) for r in rows], np.int64)
    numbers = np.repeat(np.arange(len(rows)), lengths)
    columns = np.concatenate([np.arange(n) for n in lengths]) if len(rows) else np.empty(0, np.int64)
    values = np.concatenate([*rows, np.empty(0, dtype.numpy)])
    indices = np.stack([numbers, columns], axis=1).astype(np.int64).reshape(-1, 2)
    return indices, values, np.array([len(rows), lengths.max(initial=0)], np.int64)


def sparse_one(features: Any, key: str, dtype: DType, where: str) -> Sparse:
    """The values of a feature of one example as indices [n, 1], values [n] and the dense shape."""
    values = _sparse_row(features, key, dtype, where)
    return np.arange(len(values), dtype=np.int64)[:, None], values, np.array([len(values)], np.int64)


def sequence_rows(
    lists: Any, key: str, dtype: DType, where: str, shaped: Callable[[Array], Array] | None
) -> list[Array]:
    """The steps of a feature list, one array each."""
    rows = []
    for step, feature in enumerate(lists[key].feature if key in lists else ()):
        values = array_of(values_of(feature, f"{key}, Index: {step}", dtype, where) or [], dtype)
        rows.append(values if shaped is None else shaped(values))
    return rows
