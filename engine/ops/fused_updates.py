"""Optimizer steps that compute the gradient, a matrix product, themselves: only rewritten steps hold them.

Made by rewriting/fuse_matmul_updates.py. The inputs are those of Apply<rule>, by reference or by handle, with the two factors
in place of the gradient, at the end.
"""

from __future__ import annotations

from typing import Any

from ..dtypes import float32, float64
from ..graph import Operation
from ..kernels import optimizer_steps as steps
from ..kernels.optimizer_blocks import apply_dense
from ..registry import op
from .linalg import matmul_kernel

_REAL = (float32, float64)


@op("_MatMulApplyGradientDescent", "var: Ref(T), alpha: T, a: T, b: T", stateful=True, T=_REAL)
def gradient_descent_op(
    var: Any, alpha: Any, a: Any, b: Any, *, transpose_a: bool = False, transpose_b: bool = False
) -> Operation:
    """Var -= alpha * (a . b)."""


@gradient_descent_op.update("var")
def gradient_descent_update(
    xp: Any, var: Any, alpha: Any, a: Any, b: Any, *, transpose_a: bool, transpose_b: bool
) -> None:
    gradient = matmul_kernel(xp, a, b, transpose_a=transpose_a, transpose_b=transpose_b)
    apply_dense(xp, steps.gradient_descent, (var,), gradient, {"alpha": alpha}, {})


@op("_MatMulApplyMomentum", "var: Ref(T), accum: Ref(T), lr: T, momentum: T, a: T, b: T", stateful=True, T=_REAL)
def momentum_op(
    var: Any,
    accum: Any,
    lr: Any,
    momentum: Any,
    a: Any,
    b: Any,
    *,
    use_nesterov: bool = False,
    transpose_a: bool = False,
    transpose_b: bool = False,
) -> Operation:
    """ApplyMomentum with a . b as the gradient."""


@momentum_op.update("var", "accum")
def momentum_update(
    xp: Any,
    var: Any,
    accum: Any,
    lr: Any,
    momentum: Any,
    a: Any,
    b: Any,
    *,
    use_nesterov: bool,
    transpose_a: bool,
    transpose_b: bool,
) -> None:
    gradient = matmul_kernel(xp, a, b, transpose_a=transpose_a, transpose_b=transpose_b)
    numbers = {"lr": lr, "momentum": momentum}
    apply_dense(xp, steps.momentum, (var, accum), gradient, numbers, {"use_nesterov": use_nesterov})


@op(
    "_MatMulApplyAdam",
    "var: Ref(T), m: Ref(T), v: Ref(T), beta1_power: T, beta2_power: T, lr: T, beta1: T, beta2: T, epsilon: T, a: T, b: T",
    stateful=True,
    T=_REAL,
)
def adam_op(
    var: Any,
    m: Any,
    v: Any,
    beta1_power: Any,
    beta2_power: Any,
    lr: Any,
    beta1: Any,
    beta2: Any,
    epsilon: Any,
    a: Any,
    b: Any,
    *,
    use_nesterov: bool = False,
    transpose_a: bool = False,
    transpose_b: bool = False,
) -> Operation:
    """ApplyAdam with a . b as the gradient."""


@adam_op.update("var", "m", "v")
def adam_update(
    xp: Any, var: Any, m: Any, v: Any, *others: Any, use_nesterov: bool, transpose_a: bool, transpose_b: bool
) -> None:
    *numbers, a, b = others
    gradient = matmul_kernel(xp, a, b, transpose_a=transpose_a, transpose_b=transpose_b)
    names = ("beta1_power", "beta2_power", "lr", "beta1", "beta2", "epsilon")
    values = dict(zip(names, numbers, strict=True))
    apply_dense(xp, steps.adam, (var, m, v), gradient, values, {"use_nesterov": use_nesterov})
