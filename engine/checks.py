"""Checks of tensors: assert_equal, assert_rank and the like. What is known while the graph is built is checked there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .conversion import convert_to_tensor
from .dtypes import as_dtype, float32
from .errors import InvalidArgumentError
from .graph import Operation, Tensor
from .ops import comparison
from .ops.array import rank_op, reshape, shape
from .ops.checking import Assert, summary_of
from .ops.control import no_op
from .ops.reduce import reduce_all, reduce_any
from .ops.unary import abs as absolute
from .scopes import name_scope
from .static import constant_value

Compare = Callable[..., Any]


def _assert(condition: Tensor, holds: Any, data: list[Any], summarize: int | None) -> Operation:
    """An Assert, unless the answer is known: then nothing, or InvalidArgumentError at once."""
    if holds is None:
        return Assert(condition, data, summarize=summarize)
    if not np.all(holds):
        raise InvalidArgumentError(None, None, "\n".join(_shown(item, summarize) for item in data))
    return no_op()


def _shown(item: Any, summarize: int | None) -> str:
    value = constant_value(item) if isinstance(item, Tensor) else item
    return str(item) if value is None or isinstance(value, str) else summary_of(value, summarize or 3)


def _binary(symbol: str, compare: Compare, static: Compare, default_name: str) -> Callable[..., Operation]:
    def check(
        x: Any, y: Any, data: Any = None, summarize: int | None = None, message: str | None = None,
        name: str | None = None,
    ) -> Operation:  # fmt: skip
        with name_scope(name, default_name):
            x = convert_to_tensor(x, name="x")
            y = convert_to_tensor(y, x.dtype.base_dtype, name="y")
            if data is None:
                text = f"Condition x {symbol} y did not hold element-wise:"
                data = [message or "", text, f"x ({x.name}) = ", x, f"y ({y.name}) = ", y]
            a, b = constant_value(x), constant_value(y)
            holds = None if a is None or b is None else np.all(static(a, b))
            return _assert(reduce_all(compare(x, y)), holds, data, summarize)

    check.__name__ = check.__qualname__ = default_name
    check.__doc__ = f"""An operation that raises InvalidArgumentError unless `x {symbol} y` for all elements (with broadcasting).

    Raised at once where both are known while the graph is built. `data` replaces what the error shows, `message` goes
    before it, `summarize` says how many elements are shown.
    """
    return check


assert_equal = _binary("==", comparison.equal, np.equal, "assert_equal")
assert_none_equal = _binary("!=", comparison.not_equal, np.not_equal, "assert_none_equal")
assert_less = _binary("<", comparison.less, np.less, "assert_less")
assert_less_equal = _binary("<=", comparison.less_equal, np.less_equal, "assert_less_equal")
assert_greater = _binary(">", comparison.greater, np.greater, "assert_greater")
assert_greater_equal = _binary(">=", comparison.greater_equal, np.greater_equal, "assert_greater_equal")


def _sign(symbol: str, compare: Callable[..., Operation], default_name: str) -> Callable[..., Operation]:
    def check(
        x: Any, data: Any = None, summarize: int | None = None, message: str | None = None, name: str | None = None
    ) -> Operation:
        with name_scope(name, default_name):
            x = convert_to_tensor(x, name="x")
            if data is None:
                data = [message or "", f"Condition x {symbol} 0 did not hold element-wise:", f"x ({x.name}) = ", x]
            return compare(x, 0, data=data, summarize=summarize)

    check.__name__ = check.__qualname__ = default_name
    check.__doc__ = f"""An operation that raises InvalidArgumentError unless `x {symbol} 0` for all elements."""
    return check


assert_negative = _sign("<", assert_less, "assert_negative")
assert_positive = _sign(">", assert_greater, "assert_positive")
assert_non_negative = _sign(">=", assert_greater_equal, "assert_non_negative")
assert_non_positive = _sign("<=", assert_less_equal, "assert_non_positive")


def assert_near(
    x: Any, y: Any, rtol: Any = None, atol: Any = None, data: Any = None, summarize: int | None = None,
    message: str | None = None, name: str | None = None,
) -> Operation:  # fmt: skip
    """An operation that raises InvalidArgumentError unless `|x - y| <= atol + rtol * |y|` for all elements.

    Both tolerances are ten times the machine epsilon of the dtype of `x` by default.
    """
    with name_scope(name, "assert_near"):
        x = convert_to_tensor(x, name="x")
        dtype = x.dtype.base_dtype
        y = convert_to_tensor(y, dtype, name="y")
        epsilon = 10 * float(np.finfo(dtype.real_dtype.numpy).eps) if dtype.is_floating or dtype.is_complex else 0
        relative = convert_to_tensor(epsilon if rtol is None else rtol, dtype.real_dtype, "rtol")
        least = convert_to_tensor(epsilon if atol is None else atol, dtype.real_dtype, "atol")
        if data is None:
            text = "x and y not equal to tolerance rtol = ... atol = ..."
            data = [message or "", text, f"x ({x.name}) = ", x, f"y ({y.name}) = ", y]
        near = comparison.less_equal(absolute(x - y), least + relative * absolute(y))
        return Assert(reduce_all(near), data, summarize=summarize)


# Shapes and types


def _ranked(
    x: Any, given: Any, words: str, holds: Compare, compare: Compare, message: str | None, data: Any,
    summarize: int | None, name: str | None, default: str,
) -> Operation:  # fmt: skip
    with name_scope(name, default):
        x = convert_to_tensor(x, name="x")
        wanted = _static_rank(given)
        if x.sizes is not None and wanted is not None:
            if not holds(len(x.sizes), wanted):
                raise ValueError(
                    f"{message or ''}.  Tensor {x.name} must have rank {words}{wanted}.  "
                    f"Received rank {len(x.sizes)}, shape {x.shape}"
                )
            return no_op()
        if data is None:
            data = [message or "", f"Tensor {x.name} must have rank {words}", given, "Received shape: ", shape(x)]
        return Assert(compare(rank_op(x), given), data, summarize=summarize)


def _static_rank(given: Any) -> int | None:
    value = constant_value(given) if isinstance(given, Tensor) else np.asarray(given)
    if value is None:
        return None
    if value.ndim:
        raise ValueError(f"Rank must be a scalar, got {given!r}")
    if value.dtype.kind not in "iu":
        raise TypeError(f"Rank must be an integer, got {given!r}")
    return int(value)


def assert_rank(
    x: Any, rank: Any, data: Any = None, summarize: int | None = None, message: str | None = None,
    name: str | None = None,
) -> Operation:  # fmt: skip
    """An operation that raises InvalidArgumentError unless `x` has `rank` dimensions; ValueError where that is known."""
    return _ranked(
        x, rank, "", lambda a, b: a == b, comparison.equal, message, data, summarize, name, "assert_rank"
    )  # fmt: skip


def assert_rank_at_least(
    x: Any, rank: Any, data: Any = None, summarize: int | None = None, message: str | None = None,
    name: str | None = None,
) -> Operation:  # fmt: skip
    """An operation that raises InvalidArgumentError unless `x` has at least `rank` dimensions; ValueError where known."""
    return _ranked(
        x, rank, "at least ", lambda a, b: a >= b, comparison.greater_equal, message, data, summarize, name,
        "assert_rank_at_least",
    )  # fmt: skip


def assert_rank_in(
    x: Any, ranks: Any, data: Any = None, summarize: int | None = None, message: str | None = None,
    name: str | None = None,
) -> Operation:  # fmt: skip
    """An operation that raises InvalidArgumentError unless the rank of `x` is among `ranks`; ValueError where known."""
    with name_scope(name, "assert_rank_in"):
        x = convert_to_tensor(x, name="x")
        wanted = [_static_rank(rank) for rank in ranks]
        if x.sizes is not None and None not in wanted:
            if len(x.sizes) not in wanted:
                raise ValueError(
                    f"{message or ''}.  Tensor {x.name} must have rank in {tuple(wanted)}.  "
                    f"Received rank {len(x.sizes)}, shape {x.shape}"
                )
            return no_op()
        found = comparison.equal(rank_op(x), convert_to_tensor(list(ranks)))
        if data is None:
            data = [message or "", f"Tensor {x.name} must have rank in", *ranks, "Received shape: ", shape(x)]
        return Assert(reduce_any(found), data, summarize=summarize)


def assert_integer(x: Any, message: str | None = None, name: str | None = None) -> Operation:
    """Raises TypeError unless `x` has an integer dtype."""
    with name_scope(name, "assert_integer"):
        x = convert_to_tensor(x, name="x")
        if not x.dtype.is_integer:
            raise TypeError(f'{message or ""}  Expected "x" to be integer type.  Found: {x.dtype.name} ({x.name})')
        return no_op("statically_determined_was_integer")


def assert_type(tensor: Any, tf_type: Any, message: str | None = None, name: str | None = None) -> Operation:
    """Raises TypeError unless `tensor` has the dtype `tf_type`."""
    with name_scope(name, "assert_type"):
        tensor = convert_to_tensor(tensor, name="tensor")
        wanted = as_dtype(tf_type)
        if tensor.dtype.base_dtype != wanted.base_dtype:
            raise TypeError(f"{message or ''}  {tensor.name} must be of type {wanted.name}; got {tensor.dtype.name}")
        return no_op("statically_determined_correct_type")


def assert_scalar(tensor: Any, name: str | None = None, message: str | None = None) -> Tensor:
    """`tensor`; ValueError unless it is known to be a scalar."""
    with name_scope(name, "assert_scalar"):
        tensor = convert_to_tensor(tensor)
        if tensor.sizes != ():
            text = f"Expected scalar shape for {tensor.name}, saw shape: {tensor.shape}."
            raise ValueError(f"{message}  {text}" if message else text)
        return tensor  # type: ignore[no-any-return]


def assert_same_float_dtype(tensors: Any = None, dtype: Any = None) -> Any:
    """The one floating dtype that all tensors (and `dtype`) have; float32 if nothing is given.

    Raises:
        ValueError: the dtypes differ, or are not floating.
    """
    found = None if dtype is None else as_dtype(dtype).base_dtype
    for tensor in tensors or []:
        own = tensor.dtype.base_dtype
        if found is not None and own != found:
            raise ValueError(f"Tensor type {own.name} of {tensor} does not match expected type {found.name}.")
        found = own
    if found is None:
        return float32
    if not found.is_floating:
        raise ValueError(f"Expected floating point type, got {found.name}.")
    return found


def is_numeric_tensor(tensor: Any) -> bool:
    """Whether the argument is a tensor of numbers."""
    if not hasattr(tensor, "dtype") or not (isinstance(tensor, Tensor) or hasattr(tensor, "_as_graph_element")):
        return False
    dtype = tensor.dtype.base_dtype
    return bool(dtype.is_floating or dtype.is_integer or dtype.is_complex or dtype.is_quantized)


def _differences(x: Any) -> tuple[Tensor, Tensor]:
    flat = reshape(convert_to_tensor(x), [-1])
    return flat[:-1], flat[1:]


def is_non_decreasing(x: Any, name: str | None = None) -> Tensor:
    """A bool scalar: whether the elements of `x`, in row-major order, never get smaller."""
    with name_scope(name, "is_non_decreasing"):
        before, after = _differences(x)
        return reduce_all(comparison.less_equal(before, after))


def is_strictly_increasing(x: Any, name: str | None = None) -> Tensor:
    """A bool scalar: whether each element of `x`, in row-major order, is greater than the one before."""
    with name_scope(name, "is_strictly_increasing"):
        before, after = _differences(x)
        return reduce_all(comparison.less(before, after))


def assert_proper_iterable(values: Any) -> None:
    """Raises TypeError for tensors, arrays and strings, which are iterable but hardly meant as lists."""
    if isinstance(values, Tensor | np.ndarray | bytes | str) or not hasattr(values, "__iter__"):
        raise TypeError(f"Expected argument 'values' to be a \"proper\" iterable.  Found: {type(values).__name__}")
