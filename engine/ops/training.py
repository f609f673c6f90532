"""Optimizer steps as ops: each reads a gradient and writes a variable and its slots in place."""

from __future__ import annotations

from typing import Any

from ..dtypes import NUMERIC
from ..graph import Tensor
from ..inference import like_first
from ..registry import op


@op(
    "ApplyGradientDescent", "var: Ref(T), alpha: T, delta: T", "out: Ref(T)", shape=like_first, stateful=True, T=NUMERIC
)
def apply_gradient_descent_op(
    var: Any, alpha: Any, delta: Any, *, use_locking: bool = False, name: str | None = None
) -> Tensor:
    """Var -= alpha * delta."""


@apply_gradient_descent_op.update("var")
def apply_gradient_descent_update(xp: Any, var: Any, alpha: Any, delta: Any, **_: Any) -> None:
    xp.subtract(var, xp.multiply(alpha, delta, dtype=var.dtype), var)
