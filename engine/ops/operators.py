"""What Python's operators build on tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..conversion import convert_to_tensor
from ..graph import OPERATORS, Tensor, get_default_graph
from .elementwise import add_v2_op, floor_div_op, multiply_op, subtract_op
from .linalg import matmul_op


def binary(name: str, build: Callable[..., Tensor]) -> None:
    """Registers `build(x, y, name=...)` as an operator; the other operand takes the tensor's dtype."""

    def operator(x: Any, y: Any) -> Tensor:
        first = x if isinstance(x, Tensor) or hasattr(x, "_as_graph_element") else y
        dtype = first.dtype.base_dtype
        with get_default_graph().name_scope(name) as scope:
            try:
                x = convert_to_tensor(x, dtype, "x") if not isinstance(x, Tensor) else x
                y = convert_to_tensor(y, dtype, "y") if not isinstance(y, Tensor) else y
            except (TypeError, ValueError):
                if not hasattr(y, "__array__") and hasattr(y, "dtype"):
                    return NotImplemented  # type: ignore[no-any-return]
                raise
            return build(x, y, name=scope)

    OPERATORS[name] = operator


for _name, _build in (
    ("add", add_v2_op),
    ("sub", subtract_op),
    ("mul", multiply_op),
    ("floordiv", floor_div_op),
    ("matmul", matmul_op),
):
    binary(_name, _build)
