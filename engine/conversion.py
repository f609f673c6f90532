"""convert_to_tensor: one table from Python types to the functions that make tensors of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

from .dtypes import DType, as_dtype
from .graph import Tensor, get_default_graph


@runtime_checkable
class TensorLike(Protocol):
    """Anything convert_to_tensor takes: tensors, variables, NumPy arrays, numbers, strings and nested lists of them."""


Converter = Callable[[Any, DType | None, str | None, bool], Any]

_converters: list[tuple[int, type | tuple[type, ...], Converter]] = []
_by_type: dict[type, list[Converter]] = {}


def register_tensor_conversion_function(
    base_type: type | tuple[type, ...], conversion_func: Converter, priority: int = 100
) -> None:
    """Makes `convert_to_tensor` call `conversion_func(value, dtype, name, as_ref)` for instances of `base_type`.

    Lower priorities are tried first; a function may return NotImplemented to pass the value on.
    """
    if not callable(conversion_func):
        raise TypeError("conversion_func must be callable.")
    _converters.append((priority, base_type, conversion_func))
    _converters.sort(key=lambda entry: entry[0])
    _by_type.clear()


def _converters_of(kind: type) -> list[Converter]:
    found = _by_type.get(kind)
    if found is None:
        found = _by_type[kind] = [f for _, base, f in _converters if issubclass(kind, base)]
    return found


def convert_to_tensor(
    value: Any,
    dtype: Any = None,
    name: str | None = None,
    preferred_dtype: Any = None,
    as_ref: bool = False,
    dtype_hint: Any = None,
) -> Tensor:
    """The tensor that `value` stands for in the default graph.

    Args:
        value: a tensor, variable, NumPy array, number, string, or nested list of these.
        dtype: required element type; None takes the value's own.
        name: name of the operation that may be made.
        preferred_dtype: tried first when `dtype` is None.
        as_ref: keep the reference type of variables.
        dtype_hint: TensorFlow 2's name of `preferred_dtype`.

    Raises:
        TypeError: no conversion is known for the value's type.
        ValueError: the value is a tensor of another dtype or of another graph, or does not fit `dtype`.
    """
    wanted = None if dtype is None else as_dtype(dtype)
    if isinstance(value, Tensor):
        return _checked(value, wanted, as_ref)
    preferred = preferred_dtype if preferred_dtype is not None else dtype_hint
    if wanted is None and preferred is not None:
        try:
            return _converted(value, as_dtype(preferred), name, as_ref)
        except (TypeError, ValueError):
            return _converted(value, None, name, as_ref)
    return _converted(value, wanted, name, as_ref)


def _converted(value: Any, wanted: DType | None, name: str | None, as_ref: bool) -> Tensor:
    for function in _converters_of(type(value)):
        result = function(value, wanted, name, as_ref)
        if result is not NotImplemented:
            return _checked(result, wanted, as_ref)
    kind = type(value).__name__
    raise TypeError(
        f"Cannot convert {value!r} of type {kind} to a Tensor: no conversion function is registered for it."
    )


def _checked(tensor: Tensor, wanted: DType | None, as_ref: bool) -> Tensor:
    if wanted is not None and not wanted.is_compatible_with(tensor.dtype):
        raise ValueError(
            f"Tensor conversion requested dtype {wanted.name} for Tensor with dtype {tensor.dtype.name}: {tensor!r}"
        )
    return tensor


def local(tensor: Tensor) -> Tensor:
    """`tensor` as seen from the default graph: itself, or what a function's graph captures for it."""
    graph = get_default_graph()
    return tensor if tensor.graph is graph else graph.capture(tensor)
