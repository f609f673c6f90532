"""What is fed: Python values and arrays as arrays of the tensor's dtype, refused before anything runs."""

from __future__ import annotations

from typing import Any

import numpy as np

from .byte_strings import string_array
from .graph import Tensor
from .tensor_proto import exact_integers

# The NumPy kinds to which a Python number converts without a check.
_EXACT_KINDS: dict[type, str] = {int: "iufc", float: "fc", bool: "biufc"}


def fed_value(tensor: Tensor, value: Any) -> Any:
    """`value` as an array of the tensor's dtype.

    Raises:
        TypeError: a symbolic tensor, None, or a value that does not convert without loss.
        ValueError: text that is no number, or a ragged list.
    """
    dtype = tensor.dtype.base_dtype.numpy
    if type(value) is np.ndarray and value.dtype == dtype and not dtype.hasobject:
        return value
    if isinstance(value, np.generic) and value.dtype == dtype:
        return np.array(value)
    # NumPy itself refuses Python integers that do not fit.
    if dtype.kind in _EXACT_KINDS.get(type(value), ""):
        try:
            return np.array(value, dtype)
        except OverflowError as error:
            raise ValueError(
                f"Cannot feed {value} for Tensor {tensor.name!r} of dtype {tensor.dtype.name}: {error}"
            ) from None
    if isinstance(value, Tensor) or hasattr(value, "_as_graph_element"):
        raise TypeError(
            "The value of a feed cannot be a tf.Tensor object. Acceptable feed values include Python scalars, strings, lists, "
            f"numpy ndarrays; fed for {tensor.name!r}"
        )
    if tensor.dtype.name in ("resource", "variant"):
        return value
    if dtype.hasobject:
        return _text_array(tensor, value)
    return _number_array(tensor, value, dtype)


def _text_array(tensor: Tensor, value: Any) -> np.ndarray[Any, Any]:
    try:
        return string_array(value)
    except (TypeError, ValueError) as error:
        raise type(error)(
            f"Cannot feed {type(value).__name__} for Tensor {tensor.name!r} of strings: {error}"
        ) from None


def _number_array(tensor: Tensor, value: Any, dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    try:
        given = exact_integers(value, np.asarray(value), tensor.dtype.base_dtype)
        if given.dtype.kind in "OSUmM" or given.dtype.names or _loses(given, dtype):
            raise TypeError(f"expected {dtype}, got {given.dtype} {_short(value)}")
        with np.errstate(all="ignore"):
            return given.astype(dtype) if given.dtype != dtype else given
    except (TypeError, ValueError, OverflowError) as error:
        kind = TypeError if isinstance(error, TypeError) else ValueError
        raise kind(
            f"Cannot feed {type(value).__name__} for Tensor {tensor.name!r} of dtype {tensor.dtype.name}: {error}"
        ) from None


def _loses(given: np.ndarray[Any, Any], dtype: np.dtype[Any]) -> bool:
    if given.dtype.kind == "c" and dtype.kind != "c":
        return True
    if given.size == 0:
        return False
    if np.can_cast(given.dtype, dtype, "same_kind"):
        return given.dtype.kind in "iu" and dtype.kind in "iu" and _out_of_range(given, dtype)
    if dtype.kind == "b" and given.dtype.kind in "iu":
        return bool(((given != 0) & (given != 1)).any())
    with np.errstate(invalid="ignore", over="ignore"):
        return not bool(np.array_equal(given.astype(dtype).astype(given.dtype), given))


def _out_of_range(given: np.ndarray[Any, Any], dtype: np.dtype[Any]) -> bool:
    if np.can_cast(given.dtype, dtype, "safe"):
        return False
    info = np.iinfo(dtype)
    return bool(given.min() < info.min or given.max() > info.max)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."
