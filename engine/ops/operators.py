"""What Python's operators build on tensors."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ..conversion import convert_to_tensor
from ..graph import OPERATORS, Tensor, get_default_graph
from . import comparison, division, elementwise
from .binary import pow_op
from .elementwise import add_v2_op, multiply_op, subtract_op
from .linalg import matmul_op
from .rounding import invert_op, logical_not_op
from .sparse_math import sparse_dense_div_op, sparse_dense_mul_op
from .unary import abs as absolute, negative_op

Build = Callable[..., Tensor]


def binary(name: str, build: Build, scope_name: str | None = None) -> None:
    """Registers `build(x, y, name=...)` as an operator; the other operand takes the tensor's dtype."""

    def operator(x: Any, y: Any) -> Tensor:
        first = x if isinstance(x, Tensor) or hasattr(x, "_as_graph_element") else y
        dtype = first.dtype.base_dtype
        with get_default_graph().name_scope(scope_name or name) as scope:
            try:
                x = convert_to_tensor(x, dtype, "x") if not isinstance(x, Tensor) else x
                y = convert_to_tensor(y, dtype, "y") if not isinstance(y, Tensor) else y
            except (TypeError, ValueError):
                if not hasattr(y, "__array__") and hasattr(y, "dtype"):
                    return NotImplemented  # type: ignore[no-any-return]
                raise
            return build(x, y, name=scope)

    OPERATORS[name] = operator


def _by_dtype(logical: Build, bitwise: Build) -> Build:
    """On bools the logical op, on integers the bitwise one."""

    def build(x: Any, *others: Any, name: str | None = None) -> Tensor:
        chosen = bitwise if x.dtype.is_integer else logical
        return chosen(x, *others, name=name)

    return build


for _name, _build, *_scope in (
    ("add", add_v2_op),
    ("sub", subtract_op),
    ("mul", multiply_op),
    ("truediv", division.truediv),
    ("floordiv", elementwise.floor_div_op),
    ("mod", division.floor_mod_op),
    ("pow", pow_op),
    ("and", _by_dtype(comparison.logical_and, comparison.bitwise_and)),
    ("or", _by_dtype(comparison.logical_or, comparison.bitwise_or)),
    ("xor", _by_dtype(comparison.logical_xor, comparison.bitwise_xor)),
    ("less", comparison.less, "Less"),
    ("less_equal", comparison.less_equal, "LessEqual"),
    ("greater", comparison.greater, "Greater"),
    ("greater_equal", comparison.greater_equal, "GreaterEqual"),
    ("matmul", matmul_op),
):
    binary(_name, _build, *_scope)

_invert = _by_dtype(logical_not_op, invert_op)
OPERATORS["neg"] = partial(negative_op, name=None)
OPERATORS["abs"] = absolute
OPERATORS["invert"] = lambda x: _invert(convert_to_tensor(x))
OPERATORS["sparse_mul"] = sparse_dense_mul_op
OPERATORS["sparse_truediv"] = sparse_dense_div_op
