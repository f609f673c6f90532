"""Tensors and sparse tensors as strings and back: SerializeTensor, ParseTensor, SerializeSparse and their like."""

from __future__ import annotations

from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from ..conversion import convert_to_tensor
from ..dtypes import (
    COMPLEX,
    REAL,
    DType,
    as_dtype,
    bool as bool_dtype,
    float32,
    float64,
    int32,
    int64,
    of_array,
    string,
)
from ..errors import InvalidArgumentError
from ..graph import Sizes, Tensor
from ..inference import InferenceContext, scalar_shape, show, unknown
from ..protos import TensorProto
from ..registry import op
from ..samples import Failure, Sample
from ..tensor_proto import make_ndarray, make_tensor_proto
from ..tensor_types import SparseTensor

_KINDS = (*REAL, *COMPLEX, bool_dtype, string)
# Indices, values and shape.
_PARTS = 3


@op("SerializeTensor", "tensor: T", "serialized: string", shape=scalar_shape, T=_KINDS)
def serialize_tensor_op(tensor: Any, *, name: str | None = None) -> Tensor:
    """The tensor as a serialized TensorProto."""


@op("ParseTensor", "serialized: string", "output: out_type", shape=unknown, out_type=_KINDS)
def parse_tensor_op(serialized: Any, *, out_type: DType, name: str | None = None) -> Tensor:
    """The tensor in a serialized TensorProto."""


@op(
    "SerializeSparse",
    "sparse_indices: int64, sparse_values: T, sparse_shape: int64",
    "serialized_sparse: out_type",
    T=_KINDS,
    out_type=(string,),
)
def serialize_sparse_op(
    sparse_indices: Any, sparse_values: Any, sparse_shape: Any, *, out_type: DType = string, name: str | None = None
) -> Tensor:
    """A sparse tensor as a vector of three serialized tensors: indices, values, shape."""


@op(
    "SerializeManySparse",
    "sparse_indices: int64, sparse_values: T, sparse_shape: int64",
    "serialized_sparse: out_type",
    T=_KINDS,
    out_type=(string,),
)
def serialize_many_sparse_op(
    sparse_indices: Any, sparse_values: Any, sparse_shape: Any, *, out_type: DType = string, name: str | None = None
) -> Tensor:
    """Each row of a sparse tensor as SerializeSparse gives it: [rows, 3]."""


@op(
    "DeserializeManySparse",
    "serialized_sparse: string",
    "sparse_indices: int64, sparse_values: dtype, sparse_shape: int64",
    dtype=_KINDS,
)
def deserialize_many_sparse_op(
    serialized_sparse: Any, *, dtype: DType, name: str | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """The sparse tensors in the rows of [n, 3] as one sparse tensor of n rows."""


@serialize_sparse_op.shape
def serialize_sparse_shape(context: InferenceContext) -> list[Sizes]:
    _check_ranks(context)
    return [(_PARTS,)]


@serialize_many_sparse_op.shape
def serialize_many_sparse_shape(context: InferenceContext) -> list[Sizes]:
    _check_ranks(context)
    return [(None, _PARTS)]


def _check_ranks(context: InferenceContext) -> None:
    context.with_rank(0, 2)
    context.with_rank(1, 1)
    context.with_rank(2, 1)


@deserialize_many_sparse_op.shape
def deserialize_many_sparse_shape(context: InferenceContext) -> list[Sizes]:
    columns = context.with_rank(0, 2)[1]
    if columns not in (None, _PARTS):
        raise ValueError(f"serialized_sparse must have 3 columns, got shape {show(context.sizes[0])}")
    return [(None, None), (None,), (None,)]


def _serialized(array: Any) -> bytes:
    return make_tensor_proto(array, of_array(array)).SerializeToString()


def _parsed(data: Any, dtype: DType) -> Any:
    proto = TensorProto()
    try:
        proto.ParseFromString(bytes(data))
        array = make_ndarray(proto)
    except (DecodeError, ValueError, TypeError) as error:
        raise InvalidArgumentError(None, None, f"Could not parse tensor from {bytes(data)[:40]!r}: {error}") from None
    if of_array(array) != dtype:
        text = f"Type mismatch between parsed tensor ({of_array(array).name}) and dtype ({dtype.name})"
        raise InvalidArgumentError(None, None, text)
    return array


@serialize_tensor_op.kernel
def serialize_tensor_kernel(xp: Any, tensor: Any) -> Any:
    return np.array(_serialized(tensor), object)


@parse_tensor_op.kernel
def parse_tensor_kernel(xp: Any, serialized: Any, *, out_type: DType) -> Any:
    data = np.asarray(serialized, object)
    if data.ndim:
        raise InvalidArgumentError(None, None, f"Expected `serialized` to be a scalar, got shape: {list(data.shape)}")
    return _parsed(data[()], out_type)


def _check_sparse(indices: Any, values: Any, shape: Any) -> None:
    fits = indices.ndim == 2 and values.ndim == 1 and shape.ndim == 1 and indices.shape == (len(values), len(shape))
    if not fits:
        text = f"no sparse tensor: indices {indices.shape}, values {values.shape}, shape {shape.shape}"
        raise InvalidArgumentError(None, None, text)
    if ((indices < 0) | (indices >= shape)).any():
        raise InvalidArgumentError(None, None, f"indices of a sparse tensor are out of bounds of {shape.tolist()}")


def _strings(*arrays: Any) -> Any:
    result = np.empty(len(arrays), object)
    result[:] = [_serialized(a) for a in arrays]
    return result


@serialize_sparse_op.kernel
def serialize_sparse_kernel(xp: Any, indices: Any, values: Any, shape: Any, *, out_type: DType) -> Any:
    _check_sparse(indices, values, shape)
    return _strings(indices, values, shape)


@serialize_many_sparse_op.kernel
def serialize_many_sparse_kernel(xp: Any, indices: Any, values: Any, shape: Any, *, out_type: DType) -> Any:
    _check_sparse(indices, values, shape)
    if len(shape) < 2:
        raise InvalidArgumentError(None, None, f"Rank of input SparseTensor should be > 1, got {len(shape)}")
    if shape[0] > 1 << 24:
        raise InvalidArgumentError(None, None, f"a sparse tensor of {shape[0]} rows is too large to serialize by row")
    result = np.empty((int(shape[0]), _PARTS), object)
    for row in range(len(result)):
        mine = indices[:, 0] == row
        result[row] = _strings(indices[mine, 1:], values[mine], shape[1:])
    return result


@deserialize_many_sparse_op.kernel
def deserialize_many_sparse_kernel(xp: Any, serialized: Any, *, dtype: DType) -> Any:
    if serialized.ndim != 2 or serialized.shape[1] != _PARTS or not len(serialized):
        text = f"Serialized sparse should be [n, 3] with n > 0, got shape {list(serialized.shape)}"
        raise InvalidArgumentError(None, None, text)
    parts = [(_parsed(a, int64), _parsed(b, dtype), _parsed(c, int64)) for a, b, c in serialized]
    for part in parts:
        _check_sparse(*part)
    if len({len(shape) for _, _, shape in parts}) > 1:
        raise InvalidArgumentError(None, None, "the serialized sparse tensors have different ranks")
    indices = [np.insert(part[0], 0, row, axis=1) for row, part in enumerate(parts)]
    shape = np.max([part[2] for part in parts], axis=0)
    return np.concatenate(indices), np.concatenate([part[1] for part in parts]), np.insert(shape, 0, len(parts))


_INDICES, _VALUES, _SHAPE = np.array([[0, 1], [2, 0]]), np.array([1.5, 2.5]), np.array([3, 2])


@serialize_tensor_op.samples
def serialize_tensor_samples(rng: np.random.Generator) -> list[Sample]:
    return [
        Sample((rng.normal(size=(2, 3)),), differentiable=False),
        Sample((np.array([b"a", b"bc"], object),)),
        Sample((np.zeros((0, 2)),), differentiable=False),
    ]


@parse_tensor_op.samples
def parse_tensor_samples(rng: np.random.Generator) -> list[Sample]:
    values = (rng.normal(size=(2, 3)), np.array(3.5))
    return [Sample((np.array(_serialized(v), object),), {"out_type": float64}) for v in values]


@parse_tensor_op.failing
def parse_tensor_failing(rng: np.random.Generator) -> list[Failure]:
    good = np.array(_serialized(np.array(1.0)), object)
    return [
        Failure((good,), InvalidArgumentError, "Type mismatch", {"out_type": float32}, at_run=True),
        Failure((np.array(b"\xff", object),), InvalidArgumentError, "Could not", {"out_type": int32}, at_run=True),
        Failure((good.reshape(1),), InvalidArgumentError, "scalar", {"out_type": float64}, at_run=True),
    ]


@serialize_sparse_op.samples
@serialize_many_sparse_op.samples
def serialize_sparse_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((_INDICES, _VALUES, _SHAPE), differentiable=False)]


@serialize_sparse_op.failing
@serialize_many_sparse_op.failing
def serialize_sparse_failing(rng: np.random.Generator) -> list[Failure]:
    return [Failure((_INDICES + 2, _VALUES, _SHAPE), InvalidArgumentError, "out of bounds", at_run=True)]


@deserialize_many_sparse_op.samples
def deserialize_many_sparse_samples(rng: np.random.Generator) -> list[Sample]:
    rows = serialize_many_sparse_kernel(np, _INDICES, _VALUES, _SHAPE, out_type=string)
    return [Sample((rows,), {"dtype": float64})]


@deserialize_many_sparse_op.failing
def deserialize_many_sparse_failing(rng: np.random.Generator) -> list[Failure]:
    rows = serialize_many_sparse_kernel(np, _INDICES, _VALUES, _SHAPE, out_type=string)
    return [
        Failure((rows[:, :2],), ValueError, "3 columns", {"dtype": float64}),
        Failure((rows,), InvalidArgumentError, "Type mismatch", {"dtype": int32}, at_run=True),
    ]


parse_tensor_op.not_differentiable = True
deserialize_many_sparse_op.not_differentiable = True


# TensorFlow's names


def serialize_tensor(tensor: Any, name: str | None = None) -> Tensor:
    """`tensor` as a serialized TensorProto, a scalar string."""
    return serialize_tensor_op(convert_to_tensor(tensor, None, "tensor"), name=name)


def parse_tensor(serialized: Any, out_type: Any, name: str | None = None) -> Tensor:
    """The tensor in a serialized TensorProto; InvalidArgumentError (when run) where its dtype is not `out_type`."""
    return parse_tensor_op(convert_to_tensor(serialized, string, "serialized"), out_type=as_dtype(out_type), name=name)


def serialize_sparse(sp_input: Any, name: str | None = None, out_type: Any = string) -> Tensor:
    """A SparseTensor as a vector of three strings: indices, values and shape."""
    sparse = SparseTensor.from_value(sp_input)
    parts = (sparse.indices, sparse.values, sparse.dense_shape)
    return serialize_sparse_op(*parts, out_type=as_dtype(out_type), name=name)


def serialize_many_sparse(sp_input: Any, name: str | None = None, out_type: Any = string) -> Tensor:
    """Each row of a SparseTensor as `serialize_sparse` gives it: strings [rows, 3]."""
    sparse = SparseTensor.from_value(sp_input)
    parts = (sparse.indices, sparse.values, sparse.dense_shape)
    return serialize_many_sparse_op(*parts, out_type=as_dtype(out_type), name=name)


def deserialize_many_sparse(
    serialized_sparse: Any, dtype: Any, rank: int | None = None, name: str | None = None
) -> SparseTensor:
    """The sparse tensors in the rows of strings [n, 3] as one SparseTensor with n rows.

    Args:
        serialized_sparse: what `serialize_sparse` gave, stacked, or `serialize_many_sparse`.
        dtype: of the values.
        rank: of each sparse tensor, for the static shape.
    """
    rows = convert_to_tensor(serialized_sparse, string, "serialized_sparse")
    indices, values, shape = deserialize_many_sparse_op(rows, dtype=as_dtype(dtype), name=name)
    if rank is not None:
        indices.set_shape([None, rank + 1])
        shape.set_shape([rank + 1])
    return SparseTensor(indices, values, shape)
