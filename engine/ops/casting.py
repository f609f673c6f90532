"""Tensors as other dtypes."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..conversion import convert_to_tensor
from ..dtypes import (
    ALL,
    COMPLEX,
    FLOATING,
    NUMERIC,
    DType,
    as_dtype,
    bfloat16,
    bool as boolean,
    complex64,
    complex128,
    float32,
    float64,
    int32,
    int64,
)
from ..errors import InvalidArgumentError
from ..graph import Operation, Tensor
from ..inference import like_first
from ..registry import op
from ..samples import Failure, Sample
from ..tensor_types import IndexedSlices, SparseTensor

Gradients = list[Any]
_CASTABLE = (*NUMERIC, boolean, *(d for d in ALL if d.is_quantized))


@op("Cast", "x: SrcT", "y: DstT", shape=like_first, SrcT=_CASTABLE, DstT=_CASTABLE)
def cast_op(x: Any, *, DstT: DType, Truncate: bool = False, name: str | None = None) -> Tensor:
    """X as another dtype: floats to integers lose their fraction, numbers to bool are `x != 0`."""


@cast_op.kernel
def cast_kernel(xp: Any, x: Any, *, DstT: DType, Truncate: bool) -> Any:
    result = xp.empty(x.shape, DstT.numpy)
    cast_into(xp, result, x, DstT=DstT, Truncate=Truncate)
    return result


@cast_op.into
def cast_into(xp: Any, out: Any, x: Any, *, DstT: DType, Truncate: bool) -> None:
    if DstT == boolean:
        xp.not_equal(x, 0, out)
    else:
        xp.copyto(out, x.real if x.dtype.kind == "c" and out.dtype.kind != "c" else x, casting="unsafe")


@cast_op.gradient
def cast_gradient(op: Operation, dy: Tensor) -> Gradients:
    source, target = op.inputs[0].dtype.base_dtype, dy.dtype.base_dtype
    kinds = (*FLOATING, *COMPLEX)
    return [cast_op(dy, DstT=source) if source in kinds and target in kinds else None]


@cast_op.samples
def cast_samples(rng: np.random.Generator) -> list[Sample]:
    x = np.array([[-1.7, 0, 2.5]])
    kinds = [int32, boolean, bfloat16, complex64, float32]
    return [
        Sample((rng.normal(size=(2, 3)),), {"DstT": float64}),
        *(Sample((x,), {"DstT": kind}, differentiable=False) for kind in kinds),
        Sample((np.array([True, False]),), {"DstT": int32}),
        Sample((np.array([1 + 2j]),), {"DstT": float64}, differentiable=False),
        Sample((np.zeros((0, 2), np.int32),), {"DstT": float32}),
    ]


@cast_op.failing
def cast_failing(rng: np.random.Generator) -> list[Failure]:
    return [Failure((np.array(["a"], object),), TypeError, "string", {"DstT": float32})]


@op("Bitcast", "input: T", "output: type", T=NUMERIC)
def bitcast_op(input: Any, *, type: DType, name: str | None = None) -> Tensor:
    """The bytes of a tensor read as another dtype; smaller elements add a last axis, larger ones take one away."""


@bitcast_op.shape
def bitcast_shape(context: Any) -> list[Any]:
    sizes, source, target = context.sizes[0], context.dtypes[0].size, context["type"].size
    if sizes is None or source == target:
        return [sizes]
    if source > target:
        return [(*sizes, source // target)]
    if not sizes or sizes[-1] not in (None, target // source):
        raise ValueError(f"Cannot bitcast from {source} to {target} bytes an element: the last size must be the ratio")
    return [sizes[:-1]]


@bitcast_op.kernel
def bitcast_kernel(xp: Any, x: Any, *, type: DType) -> Any:
    target = type.numpy
    if x.dtype.itemsize == target.itemsize:
        return xp.array(x).view(target)
    if x.dtype.itemsize > target.itemsize:
        flat = xp.array(x).reshape(-1).view(target)
        return flat.reshape(*x.shape, x.dtype.itemsize // target.itemsize)
    ratio = target.itemsize // x.dtype.itemsize
    if not x.ndim or x.shape[-1] != ratio:
        raise InvalidArgumentError(None, None, f"Cannot bitcast {list(x.shape)}: the last size must be {ratio}")
    return xp.array(x).reshape(-1).view(target).reshape(x.shape[:-1])


bitcast_op.not_differentiable = True


@bitcast_op.samples
def bitcast_samples(rng: np.random.Generator) -> list[Sample]:
    return [
        Sample((np.array([1.5, -2], np.float32),), {"type": int32}, differentiable=False),
        Sample((np.array([1, 2], np.int64),), {"type": int32}),
        Sample((np.array([[1, 2]], np.int32),), {"type": int64}),
    ]


@bitcast_op.failing
def bitcast_failing(rng: np.random.Generator) -> list[Failure]:
    return [Failure((np.ones(3, np.int32),), ValueError, "ratio", {"type": int64})]


# TensorFlow's names


def cast(x: Any, dtype: Any, name: str | None = None) -> Any:
    """A Tensor, SparseTensor or IndexedSlices as `dtype`; the very same one where it has that dtype.

    Floats lose their fraction when they become integers; numbers become True where they are not 0.

    Example:
        >>> import headrace as tf
        >>> tf.Session().run(tf.cast([1.8, -2.2], tf.int32)).tolist()
        [1, -2]
    """
    wanted = as_dtype(dtype).base_dtype
    if isinstance(x, SparseTensor):
        return SparseTensor(x.indices, cast(x.values, wanted, name), x.dense_shape)
    if isinstance(x, IndexedSlices):
        return IndexedSlices(cast(x.values, wanted, name), x.indices, x.dense_shape)
    if isinstance(x, Tensor) and x.dtype == wanted:
        return x
    tensor = convert_to_tensor(x, name="x")
    return tensor if tensor.dtype.base_dtype == wanted else cast_op(tensor, DstT=wanted, name=name or "Cast")


def saturate_cast(value: Any, dtype: Any, name: str | None = None) -> Tensor:
    """`value` as `dtype`, first brought into the range of `dtype`."""
    from .binary import maximum_op, minimum_op

    wanted = as_dtype(dtype).base_dtype
    tensor = convert_to_tensor(value, name="value")
    source = tensor.dtype.base_dtype
    if source.min < wanted.min:
        tensor = maximum_op(tensor, _fitting(wanted.min, source))
    if source.max > wanted.max:
        tensor = minimum_op(tensor, _fitting(wanted.max, source))
    return cast(tensor, wanted, name or "saturate_cast")  # type: ignore[no-any-return]


def _fitting(bound: Any, source: DType) -> Any:
    # A bound such as 2**31 - 1 may round up in the source dtype, and would then overflow.
    rounded = np.array(bound).astype(source.numpy)
    if not source.is_floating or (float(rounded) == float(bound) and int(rounded) == int(bound)):
        return rounded
    over = abs(int(rounded)) > abs(int(bound))
    return np.nextafter(rounded, np.zeros((), source.numpy)) if over else rounded


def bitcast(input: Any, type: Any, name: str | None = None) -> Tensor:
    """The bytes of a tensor read as another dtype."""
    return bitcast_op(input, type=as_dtype(type), name=name)


def to_float(x: Any, name: str = "ToFloat") -> Any:
    """`x` as float32."""
    return cast(x, float32, name)


def to_double(x: Any, name: str = "ToDouble") -> Any:
    """`x` as float64."""
    return cast(x, float64, name)


def to_int32(x: Any, name: str = "ToInt32") -> Any:
    """`x` as int32."""
    return cast(x, int32, name)


def to_int64(x: Any, name: str = "ToInt64") -> Any:
    """`x` as int64."""
    return cast(x, int64, name)


def to_bfloat16(x: Any, name: str = "ToBFloat16") -> Any:
    """`x` as bfloat16."""
    return cast(x, bfloat16, name)


def to_complex64(x: Any, name: str = "ToComplex64") -> Any:
    """`x` as complex64."""
    return cast(x, complex64, name)


def to_complex128(x: Any, name: str = "ToComplex128") -> Any:
    """`x` as complex128."""
    return cast(x, complex128, name)
