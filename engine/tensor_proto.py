"""Python values and NumPy arrays to TensorProto messages and back, as TensorFlow 1.15.

`array_of` is the first half of it: which array a number, a string or a nested list stands for.
"""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Iterable
from typing import Any, Final, SupportsIndex, TypeAlias

import numpy as np
import numpy.typing as npt

from . import dtypes
from .dtypes import DType, DTypeLike, as_dtype
from .protos import TensorProto

Array: TypeAlias = npt.NDArray[Any]

MAX_BYTES: Final = 2**31  # a message cannot hold more; what it can stand for is limited to the same

# Where the values of a type are when they are not in tensor_content.
_FIELDS: Final[dict[DType, str]] = {
    dtypes.float32: "float_val",
    dtypes.float64: "double_val",
    dtypes.float16: "half_val",
    dtypes.bfloat16: "half_val",
    dtypes.complex64: "scomplex_val",
    dtypes.complex128: "dcomplex_val",
    dtypes.int64: "int64_val",
    dtypes.uint32: "uint32_val",
    dtypes.uint64: "uint64_val",
    dtypes.bool: "bool_val",
    dtypes.string: "string_val",
    **dict.fromkeys((dtypes.int8, dtypes.int16, dtypes.int32), "int_val"),
    **dict.fromkeys((dtypes.uint8, dtypes.uint16, *dtypes.QUANTIZED), "int_val"),
}
_NOT_AS_CONTENT: Final = frozenset(
    (*dtypes.COMPLEX, dtypes.float16, dtypes.bfloat16, dtypes.bool, dtypes.string, dtypes.uint16)
)
# Which kinds of arrays Python values may make for a type: 1.5 is no int32, 1 is no bool.
_KINDS_FOR: Final = {"b": "b", "i": "biu", "u": "biu", "f": "biuf", "c": "biufc"}


def make_tensor_proto(
    values: object,
    dtype: DTypeLike | None = None,
    shape: Iterable[SupportsIndex] | None = None,
    verify_shape: bool = False,
    allow_broadcast: bool = False,
) -> TensorProto:
    r"""Returns `values` as a TensorProto, as TF 1.15's tf.make_tensor_proto.

    Without `dtype`, Python floats are float32 and integers int32, or int64 where they need it;
    arrays keep their type. Fewer values than `shape` asks for are filled up with the last one:
    with `verify_shape` that is an error, with `allow_broadcast` it takes a single value.
    A TensorProto is returned as it is.

    Raises:
        TypeError: the values do not fit `dtype`, or not the shape that has to be theirs.
        ValueError: None, lists of different lengths, too many values, more than 2 GiB.

    >>> make_tensor_proto([1, 2]).tensor_content
    b'\x01\x00\x00\x00\x02\x00\x00\x00'
    >>> make_tensor_proto(0.5, shape=[100, 100]).float_val
    [0.5]
    """
    if isinstance(values, TensorProto):
        return values
    if allow_broadcast and verify_shape:
        raise ValueError("allow_broadcast and verify_shape exclude each other: both are True")
    wanted = None if dtype is None else as_dtype(dtype).base_dtype
    array = array_of(values, wanted)
    sizes = array.shape if shape is None else tuple(operator.index(size) for size in shape)
    if shape is not None:
        _check_fits(array, sizes, verify_shape, allow_broadcast)
    return _proto(array, dtypes.of_array(array) if wanted is None else wanted, sizes)


def _check_fits(array: Array, sizes: tuple[int, ...], exact: bool, broadcast: bool) -> None:
    number = math.prod(sizes)
    if min(sizes, default=0) < 0:
        raise ValueError(f"shape of a tensor must not have negative sizes: got {sizes}")
    differs = array.shape != sizes and array.shape not in ((), (1,)) and array.size != number
    if (exact and array.shape != sizes) or (broadcast and differs):
        raise TypeError(f"Expected values of shape {sizes}, got shape {array.shape}.")
    if array.size > number:
        raise ValueError(f"Too many elements provided: shape {sizes} takes at most {number}, got {array.size}.")


def _proto(array: Array, dtype: DType, sizes: tuple[int, ...]) -> TensorProto:
    proto = TensorProto(dtype=dtype.as_datatype_enum)  # type: ignore[arg-type]
    proto.tensor_shape.SetInParent()
    for size in sizes:
        proto.tensor_shape.dim.add(size=size)
    if dtype not in _NOT_AS_CONTENT and array.size == math.prod(sizes) > 1:
        if array.nbytes >= MAX_BYTES:
            raise ValueError(f"A tensor of {array.nbytes} bytes is too large for a message: 2 GiB.")
        proto.tensor_content = _little_endian(array).tobytes()
    else:
        getattr(proto, _FIELDS[dtype]).extend(_field_values(array.reshape(-1), dtype))
    return proto


def _field_values(flat: Array, dtype: DType) -> list[Any]:
    if dtype.is_complex:
        flat = flat.view(dtype.real_dtype.numpy)
    elif _FIELDS[dtype] == "half_val":
        flat = flat.view(np.uint16)
    values: list[Any] = flat.tolist()
    return values


def _little_endian(array: Array) -> Array:
    return array.byteswap() if sys.byteorder == "big" else array


def make_ndarray(tensor: TensorProto, max_bytes: int = MAX_BYTES) -> Array:
    """Returns the array that a TensorProto stands for, as TF 1.15's tf.make_ndarray.

    Strings become an object array of bytes. Nothing is allocated before the sizes are checked.

    Args:
        tensor: what `make_tensor_proto` or TensorFlow made.
        max_bytes: how large the array may be; a small message can stand for any size.

    Raises:
        TypeError: a type without values of its own, such as a resource.
        ValueError: unknown or negative sizes, more than `max_bytes`, content that does not match.

    >>> make_ndarray(make_tensor_proto(7, shape=[2, 2]))
    array([[7, 7],
           [7, 7]], dtype=int32)
    """
    dtype = _dtype_of(tensor)
    sizes = tuple(dim.size for dim in tensor.tensor_shape.dim)
    if tensor.tensor_shape.unknown_rank or min(sizes, default=0) < 0:
        raise ValueError(f"tensor of {dtype.name} has no definite shape: {list(sizes)}")
    number = math.prod(sizes)
    if number * dtype.size > max_bytes:
        raise ValueError(
            f"tensor of {dtype.name}{list(sizes)} takes {number * dtype.size} bytes: "
            f"more than the {max_bytes} that are allowed"
        )
    if tensor.tensor_content and dtype is not dtypes.string:
        return _from_content(tensor.tensor_content, dtype, sizes, number)
    return _filled_up(_from_field(tensor, dtype), dtype, sizes, number)


def _dtype_of(tensor: TensorProto) -> DType:
    try:
        dtype = as_dtype(int(tensor.dtype)).base_dtype
    except TypeError:
        raise TypeError(f"tensor has an unsupported type: DataType {tensor.dtype}") from None
    if dtype not in _FIELDS:
        raise TypeError(f"tensor has an unsupported type: {dtype.name} values cannot be read")
    return dtype


def _from_content(content: bytes, dtype: DType, sizes: tuple[int, ...], number: int) -> Array:
    if len(content) != number * dtype.size:
        raise ValueError(
            f"tensor of {dtype.name}{list(sizes)} takes {number * dtype.size} bytes: its content has {len(content)}"
        )
    return _little_endian(np.frombuffer(content, dtype.numpy)).reshape(sizes).copy()


def _from_field(tensor: TensorProto, dtype: DType) -> Array:
    values = getattr(tensor, _FIELDS[dtype])
    if _FIELDS[dtype] == "half_val":
        return np.array(values, np.int32).astype(np.uint16).view(dtype.numpy)
    if dtype.is_complex:
        return _complex_pairs(np.array(values, dtype.real_dtype.numpy), dtype)
    if dtype is dtypes.string:
        return np.array(list(values), object)
    wide = np.int32 if _FIELDS[dtype] == "int_val" else dtype.numpy
    return np.array(values, wide).astype(dtype.numpy, copy=False)


def _complex_pairs(parts: Array, dtype: DType) -> Array:
    if parts.size % 2:
        raise ValueError(f"tensor of {dtype.name} has a real part without an imaginary one")
    return parts.view(dtype.numpy)


def _filled_up(values: Array, dtype: DType, sizes: tuple[int, ...], number: int) -> Array:
    if values.size > number:
        raise ValueError(f"tensor of {dtype.name}{list(sizes)} takes {number} values: it has {values.size}")
    if values.size == number:
        return values.reshape(sizes)
    zero = b"" if dtype is dtypes.string else 0
    filled = np.full(number, values[-1] if values.size else zero, dtype.numpy)
    filled[: values.size] = values
    return filled.reshape(sizes)


def array_of(values: object, dtype: DType | None = None) -> Array:
    """Returns the array that `values` stand for as a constant of TF 1.15.

    Without `dtype`, Python floats are float32 and integers int32, or int64 where they need it;
    arrays and NumPy scalars keep their type. Arrays are converted to any `dtype`, Python values
    only where nothing is lost but precision. Strings become an object array of bytes (UTF-8).

    Raises:
        TypeError: values of another kind than `dtype`, or of none that a tensor can hold.
        ValueError: None, lists of different lengths, integers that `dtype` cannot hold.

    >>> array_of([1, 2.5]).dtype, array_of([1, 2]).dtype
    (dtype('float32'), dtype('int32'))
    """
    if isinstance(values, np.ndarray | np.generic):
        return _array_of_array(np.asarray(values), dtype)
    if values is None:
        raise ValueError("None values not supported.")
    array = _nested(values, object if isinstance(_first_leaf(values), str | bytes) else None)
    array = exact_integers(values, array, dtype)
    if array.dtype.kind in "OSU":
        return _array_of_objects(_nested(values, object), values, dtype)
    if dtype is None:
        return _narrowed(array)
    if array.size and array.dtype.kind not in _KINDS_FOR.get(_kind(dtype), ""):
        raise _mismatch(values, dtype)
    if dtype.numpy.kind in "iu":
        _check_range(array, dtype)
    return _cast(array, dtype)


def exact_integers(values: object, array: Array, dtype: DType | None) -> Array:
    """What NumPy made of Python values, or those values where they are integers that only uint64 can hold all of.

    NumPy rounds such lists to floats, or leaves them as objects.

    >>> exact_integers([1, 2**63], np.array([1, 2**63]), dtypes.uint64)
    array([                  1, 9223372036854775808], dtype=uint64)
    """
    if dtype is None or not dtype.is_integer or array.dtype.kind not in "fO":
        return array
    objects = np.array(values, object)
    leaves = objects.reshape(-1).tolist()
    if not leaves or not all(isinstance(leaf, int | np.integer) and not isinstance(leaf, bool) for leaf in leaves):
        return array
    for extreme in (min(leaves), max(leaves)):
        if not dtype.min <= extreme <= dtype.max:
            raise ValueError(f"{extreme} is out of range for {dtype.name}")
    return np.array(leaves, dtype.numpy).reshape(objects.shape)


def _array_of_array(array: Array, dtype: DType | None) -> Array:
    own = dtypes.of_array(array)
    if own is dtypes.string:
        if dtype not in (None, dtypes.string):
            raise TypeError(f"Expected {dtype}, got an array of strings.")
        return _bytes_array(array)
    if dtype is dtypes.string:
        raise TypeError(f"Expected strings, got an array of {own.name}.")
    return _cast(array, own if dtype is None else dtype)


def _cast(array: Array, dtype: DType) -> Array:
    # As in TensorFlow a float that is too large for the type becomes infinite.
    with np.errstate(over="ignore", invalid="ignore"):
        return np.ascontiguousarray(array, dtype.numpy).reshape(array.shape)


def _kind(dtype: DType) -> str:
    return "f" if dtype.is_floating else dtype.numpy.kind


def _first_leaf(values: object) -> object:
    while isinstance(values, list | tuple) and values:
        values = values[0]
    return values


def _nested(values: object, numpy_type: type[object] | None) -> Array:
    try:
        return np.array(values, numpy_type)
    except ValueError:
        raise ValueError(f"Expected nested lists of equal lengths, got {_shown(values)}.") from None


def _narrowed(array: Array) -> Array:
    if array.dtype == np.float64:
        return _cast(array, dtypes.float32)
    if array.dtype != np.int64:
        return _array_of_array(array, None)
    narrow = array.astype(np.int32)
    return narrow if np.array_equal(narrow, array) else array


def _check_range(array: Array, dtype: DType) -> None:
    if not array.size or array.dtype.kind == "b":
        return
    limits = np.iinfo(dtype.numpy)
    for extreme in (int(array.min()), int(array.max())):
        if not limits.min <= extreme <= limits.max:
            raise ValueError(f"{extreme} does not fit into {dtype.name}.")


def _array_of_objects(array: Array, values: object, dtype: DType | None) -> Array:
    leaves = array.reshape(-1).tolist()
    if any(isinstance(leaf, list | tuple) for leaf in leaves):
        raise ValueError(f"Expected nested lists of equal lengths, got {_shown(values)}.")
    if all(isinstance(leaf, str | bytes) for leaf in leaves):
        if dtype not in (None, dtypes.string):
            raise _mismatch(values, dtype)
        return _bytes_array(array)
    if any(isinstance(leaf, str | bytes) for leaf in leaves):
        raise TypeError(f"Expected all or none to be strings, got {_shown(values)}.")
    return _array_of_numbers(leaves, array.shape, values, dtype)


def _array_of_numbers(leaves: list[Any], sizes: tuple[int, ...], values: object, dtype: DType | None) -> Array:
    """Returns the array of Python objects that are numbers, though NumPy does not take them so."""
    try:
        if dtype is not None and dtype.is_floating:
            return _cast(np.array([float(leaf) for leaf in leaves]), dtype).reshape(sizes)
        numbers = np.array([operator.index(leaf) for leaf in leaves])
    except TypeError:
        raise _mismatch(values, dtype) from None
    if numbers.dtype.kind not in "iu":
        raise ValueError(f"{_shown(values)} does not fit into any integer type.")
    return array_of(numbers.reshape(sizes).tolist(), dtype)


def _bytes_array(array: Array) -> Array:
    result = np.empty(array.size, object)
    result[:] = [_as_bytes(leaf) for leaf in array.reshape(-1).tolist()]
    return result.reshape(array.shape)


def _as_bytes(text: object) -> bytes:
    if isinstance(text, bytes):
        return text
    if isinstance(text, str):
        return text.encode()
    raise TypeError(f"Expected binary or unicode string, got {text!r}")


def _mismatch(values: object, dtype: DType | None) -> TypeError:
    expected = "numbers or strings" if dtype is None else dtype.name
    return TypeError(f"Expected {expected}, got {_shown(values)} of type {type(values).__name__}.")


def _shown(values: object) -> str:
    text = repr(values)
    return text if len(text) <= 100 else f"{text[:97]}..."
