"""What is kept of a watched tensor: all of it, a count of NaN, or TensorFlow's summary in numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

from ..dtypes import DType

Array = np.ndarray[Any, Any]
# From a tensor's array (None: a variable without a value) and dtype to what is kept; None keeps nothing.
DebugOp = Callable[[Array | None, DType], Array | None]

IDENTITY = "DebugIdentity"
# Not in TensorFlow: keeps nothing, and ends the step where a NaN or an infinity was made.
CHECK = "CheckNumerics"

_SYNTAX = re.compile(r"(\w+)(?:\((.*)\))?$")


def parse_debug_op(text: str) -> tuple[str, DebugOp]:
    """The name and the function of a debug op, such as `DebugNumericSummary(mute_if_healthy=true)`.

    Raises:
        ValueError: there is none of that name, or it has no such attribute.
    """
    found = _SYNTAX.match(text)
    name = found[1] if found else text
    pairs = [p.split("=", 1) for p in (found[2] or "").split(";") if p.strip()] if found else []
    attrs = {pair[0].strip(): pair[-1].strip() for pair in pairs}
    attrs.pop("gated_grpc", None)
    if name == "DebugNumericSummary" and attrs.keys() <= {"mute_if_healthy", "lower_bound", "upper_bound"}:
        return name, _summary(attrs)
    if name in _PLAIN and not attrs:
        return name, _PLAIN[name]
    raise ValueError(f"There is no debug op {text!r}; there are {', '.join([*_PLAIN, 'DebugNumericSummary'])}")


def is_number(dtype: DType) -> bool:
    """Whether a dtype's values can be compared with numbers."""
    return dtype.is_floating or dtype.is_integer or dtype.is_bool


def finite_parts(array: Array) -> tuple[int, int, int]:
    """How many NaN, negative and positive infinities an array of floating or complex numbers has."""
    with np.errstate(all="ignore"):
        nan = np.isnan(array)
        infinite = np.isinf(array)
        real = array.real if array.dtype.kind == "c" else array
        negative = int(np.count_nonzero(infinite & (real < 0)))
    return int(np.count_nonzero(nan)), negative, int(np.count_nonzero(infinite)) - negative


def _identity(array: Array | None, dtype: DType) -> Array | None:
    return array


def _nan_count(array: Array | None, dtype: DType) -> Array | None:
    if array is None or not dtype.is_floating:
        return np.zeros(1, np.int64)
    return np.array([np.count_nonzero(np.isnan(array))], np.int64)


_PLAIN: dict[str, DebugOp] = {
    IDENTITY: _identity,
    "DebugNanCount": _nan_count,
    CHECK: lambda array, dtype: None,
}


def _summary(attrs: dict[str, str]) -> DebugOp:
    mute = attrs.get("mute_if_healthy", "false").lower() == "true"
    low, high = float(attrs.get("lower_bound", "-inf")), float(attrs.get("upper_bound", "inf"))

    def summary(array: Array | None, dtype: DType) -> Array | None:
        found = numeric_summary(array, dtype, low, high)
        return None if mute and not found[[2, 3, 7]].any() else found

    return summary


def numeric_summary(array: Array | None, dtype: DType, low: float = -np.inf, high: float = np.inf) -> Array:
    """The 14 numbers of TensorFlow's DebugNumericSummary, and the shape after them.

    Whether there is a value; elements; NaN; elements not above `low`; negative; zero; positive; not below `high`; the
    least, greatest, mean and variance of what is left; the number of the dtype; the rank.
    """
    if array is None or not is_number(dtype):
        shape = () if array is None else array.shape
        numbers = [float(array is not None), float(np.prod(shape, initial=1) if array is not None else 0)]
        return np.array(
            [*numbers, *[0.0] * 6, np.inf, -np.inf, np.nan, np.nan, dtype.as_datatype_enum, len(shape), *shape]
        )
    flat = array.astype(np.float64).ravel()
    nan, below, above = np.isnan(flat), flat <= low, flat >= high
    rest = flat[~(nan | below | above)]
    counts = [1, flat.size, nan.sum(), below.sum(), (rest < 0).sum(), (rest == 0).sum(), (rest > 0).sum(), above.sum()]
    spread = [rest.min(), rest.max(), rest.mean(), rest.var()] if rest.size else [np.inf, -np.inf, np.nan, np.nan]
    return np.array([*counts, *spread, dtype.as_datatype_enum, array.ndim, *array.shape], np.float64)
