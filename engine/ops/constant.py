"""Constants and placeholders, and what becomes of Python values where a tensor is expected."""

from __future__ import annotations

import reprlib
from typing import Any

import numpy as np

from ..byte_strings import string_array
from ..conversion import register_tensor_conversion_function
from ..dtypes import DType, as_dtype, float32, int32, int64, of_array, string
from ..graph import Sizes, Tensor
from ..inference import InferenceContext, from_shape_attr, show
from ..registry import op
from ..shapes import TensorShape, are_compatible
from ..tensor_proto import exact_integers
from ..tensor_types import SparseTensor


@op("Const", outputs="output: dtype")
def const_op(*, value: np.ndarray, dtype: DType, name: str | None = None) -> Tensor:
    """A constant of any dtype and shape."""


@const_op.shape
def const_shape(context: InferenceContext) -> list[Sizes]:
    return [context["value"].shape]


@const_op.kernel
def const_kernel(xp: Any, *, value: np.ndarray, dtype: DType) -> Any:
    return value


@op("Placeholder", outputs="output: dtype", shape=from_shape_attr, stateful=True)
def placeholder_op(*, dtype: DType, shape: TensorShape = None, name: str | None = None) -> Tensor:  # type: ignore[assignment]
    """A value that must be fed; running it without raises InvalidArgumentError."""


@op("PlaceholderWithDefault", "input: dtype", "output: dtype", foldable=False)
def placeholder_with_default_op(input: Any, *, shape: TensorShape, name: str | None = None) -> Tensor:
    """`input`, unless another value of a fitting shape is fed."""


@placeholder_with_default_op.shape
def placeholder_with_default_shape(context: InferenceContext) -> list[Sizes]:
    given, wanted = context.sizes[0], context["shape"].sizes
    if not are_compatible(given, wanted):
        raise ValueError(f"the default has shape {show(given)}, which does not fit the shape {show(wanted)}")
    return [wanted]


@placeholder_with_default_op.kernel
def placeholder_with_default_kernel(xp: Any, x: Any, *, shape: TensorShape) -> Any:
    return x


@placeholder_with_default_op.gradient
def placeholder_with_default_gradient(op: Any, dy: Tensor) -> list[Any]:
    return [dy]


def constant(
    value: Any, dtype: Any = None, shape: Any = None, name: str = "Const", verify_shape: bool = False
) -> Tensor:
    """A tensor that holds `value`.

    Args:
        value: a number, string, nested list or NumPy array.
        dtype: element type; by default float32 for Python floats, int32 for ints (int64 where they do not fit),
            an array's own for arrays.
        shape: the result's shape; missing elements repeat the last one of `value`.
        verify_shape: raise TypeError unless the value has just that shape.

    Raises:
        TypeError: the value does not convert to `dtype`.
        ValueError: `shape` has fewer elements than the value.

    Example:
        >>> import headrace as tf
        >>> tf.constant([1, 2, 3, 4], shape=[2, 2]).shape.as_list()
        [2, 2]
    """
    array = constant_array(value, None if dtype is None else as_dtype(dtype).base_dtype)
    if shape is not None:
        array = _shaped(array, tuple(s or 0 for s in TensorShape(shape).as_list()), verify_shape)
    return const_op(value=array, dtype=_dtype_of(array, dtype), name=name)


def _dtype_of(array: np.ndarray[Any, Any], dtype: Any) -> DType:
    return of_array(array) if dtype is None else as_dtype(dtype).base_dtype


def _shaped(array: np.ndarray[Any, Any], shape: tuple[int, ...], verify: bool) -> np.ndarray[Any, Any]:
    size = int(np.prod(shape, dtype=np.int64))
    if verify and array.shape != shape:
        raise TypeError(f"Expected Tensor's shape: {shape}, got {array.shape}.")
    if array.size > size or (array.size == 0 and size > 0):
        raise ValueError(
            f"Too many elements provided. Needed at most {size}, but received {array.size}"
            if array.size
            else f"Cannot fill shape {shape} from an empty value"
        )
    filled = np.full(size, array.reshape(-1)[-1] if array.size else 0, array.dtype)
    filled[: array.size] = array.reshape(-1)
    return filled.reshape(shape)


def constant_array(value: Any, dtype: DType | None) -> np.ndarray[Any, Any]:
    """`value` as the array of a constant, by TensorFlow's rules for Python numbers and strings."""
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind not in "OSU":
        return _cast(np.asarray(value), dtype)
    if dtype is not None and dtype.numpy.hasobject:
        return string_array(value)
    array = exact_integers(value, _from_python(value), dtype)
    if array.dtype.kind in "OSU":
        return _strings(value, array, dtype)
    if dtype is None:
        return _default(array)
    _check_python(value, array, dtype)
    return _cast(array, dtype)


def _from_python(value: Any) -> np.ndarray[Any, Any]:
    try:
        return np.array(value)
    except ValueError as error:
        # The usual repr does not end for lists that are nested without measure.
        raise ValueError(f"Argument must be a dense tensor: {reprlib.repr(value)} - {error}") from None


def _strings(value: Any, array: np.ndarray[Any, Any], dtype: DType | None) -> np.ndarray[Any, Any]:
    if dtype is not None and dtype != string:
        raise TypeError(f"Expected {dtype.name}, got {value!r:.200} of type '{type(value).__name__}' instead.")
    try:
        return string_array(value)
    except TypeError as error:
        text = "expected numbers that one dtype can hold, or strings alone"
        raise TypeError(f"Cannot make a tensor of {value!r:.200}: {text} ({error})") from None


def _default(array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    if array.dtype.kind == "f":
        return array.astype(float32.numpy)
    if array.dtype.kind == "i":
        small = array.size == 0 or (array.min() >= int32.min and array.max() <= int32.max)
        return array.astype(int32.numpy if small else int64.numpy)
    return array


def _check_python(value: Any, array: np.ndarray[Any, Any], dtype: DType) -> None:
    kind = array.dtype.kind
    wrong = (kind == "f" and array.size and not (dtype.is_floating or dtype.is_complex)) or (
        kind == "c" and not dtype.is_complex
    )
    wrong = wrong or (kind == "b" and not dtype.is_bool) or (dtype.is_bool and kind != "b")
    if wrong:
        raise TypeError(f"Expected {dtype.name}, got {value!r:.200} of type '{type(value).__name__}' instead.")
    if kind in "iu" and dtype.is_integer and array.size and (array.min() < dtype.min or array.max() > dtype.max):
        raise ValueError(f"{value!r:.200} is out of range for {dtype.name}")


def _cast(array: np.ndarray[Any, Any], dtype: DType | None) -> np.ndarray[Any, Any]:
    if dtype is None or array.dtype == dtype.numpy:
        return array.copy()
    if array.dtype.kind == "c" and not dtype.is_complex:
        raise TypeError(f"Expected {dtype.name}, got an array of {array.dtype}: the imaginary parts would be lost.")
    with np.errstate(all="ignore"):
        return array.astype(dtype.numpy)


def placeholder(dtype: Any, shape: Any = None, name: str | None = None) -> Tensor:
    """A tensor whose value is given by `feed_dict` at every run.

    Args:
        dtype: element type.
        shape: static shape, None where not known; None as a whole allows any shape.
    """
    return placeholder_op(dtype=as_dtype(dtype).base_dtype, shape=TensorShape(shape), name=name)


def placeholder_with_default(input: Any, shape: Any, name: str | None = None) -> Tensor:
    """A tensor that has the value of `input` where none is fed."""
    return placeholder_with_default_op(input, shape=TensorShape(shape), name=name)


def sparse_placeholder(dtype: Any, shape: Any = None, name: str | None = None) -> SparseTensor:
    """A SparseTensor whose value (a SparseTensorValue or a tuple of its three parts) is fed at every run."""
    prefix = f"{name}/" if name else ""
    rank = None if shape is None else len(TensorShape(shape).as_list())
    known = shape is not None and TensorShape(shape).is_fully_defined()
    dense = (
        constant(TensorShape(shape).as_list(), int64) if known else placeholder(int64, [rank], prefix + "shape" or None)
    )
    return SparseTensor(
        placeholder(int64, [None, rank], prefix + "indices"), placeholder(dtype, [None], prefix + "values"), dense
    )


def _convert_python(value: Any, dtype: DType | None, name: str | None, as_ref: bool) -> Any:
    del as_ref
    if isinstance(value, list | tuple) and _has_tensor(value):
        from .array import stack_values  # packing builds on constants

        return stack_values(value, dtype, name)
    return constant(value, dtype, name=name or "Const")


def _has_tensor(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(_has_tensor(v) for v in value)
    return isinstance(value, Tensor) or hasattr(value, "_as_graph_element")


def _convert_shape(value: Any, dtype: DType | None, name: str | None, as_ref: bool) -> Any:
    del as_ref
    if not value.is_fully_defined():
        raise ValueError(f"Cannot convert a partially known TensorShape to a Tensor: {value}")
    return constant(value.as_list(), dtype or int32, name=name or "shape_as_tensor")


def _convert_dimension(value: Any, dtype: DType | None, name: str | None, as_ref: bool) -> Any:
    del as_ref
    if value.value is None:
        raise ValueError(f"Cannot convert an unknown Dimension to a Tensor: {value}")
    return constant(value.value, dtype or int32, name=name or "Const")


def _refuse_none(value: Any, dtype: DType | None, name: str | None, as_ref: bool) -> Any:
    raise ValueError("None values not supported.")


def _register() -> None:
    from ..shapes import Dimension

    register_tensor_conversion_function(type(None), _refuse_none, 0)
    register_tensor_conversion_function(TensorShape, _convert_shape, 90)
    register_tensor_conversion_function(Dimension, _convert_dimension, 90)
    python = (bool, int, float, complex, str, bytes, list, tuple, np.ndarray, np.generic)
    register_tensor_conversion_function(python, _convert_python, 100)
    # Anything else that NumPy can read, such as a pandas column.
    register_tensor_conversion_function(object, _convert_array_like, 200)


def _convert_array_like(value: Any, dtype: DType | None, name: str | None, as_ref: bool) -> Any:
    if not hasattr(value, "__array__"):
        return NotImplemented
    return _convert_python(np.asarray(value), dtype, name, as_ref)


_register()
