"""Matrix products with what follows them: nodes that only rewritten steps hold (rewriting/fuse_matmul.py)."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dtypes import FLOATING, of_array
from ..graph import Sizes, Tensor
from ..inference import InferenceContext
from ..registry import definition_of, op
from ..scalar import PRIMITIVES, Expression
from .linalg import matmul_into, matmul_kernel, matmul_shape

# Element-wise ops that may follow a product -> which of their inputs it is.
STEPS = {
    "AddV2": 0, "Mul": 0, "Relu": 0, "Relu6": 0, "LeakyRelu": 0, "Elu": 0, "Selu": 0, "Tanh": 0, "Sigmoid": 0, "ReluGrad": 0,
    "Relu6Grad": 0, "LeakyReluGrad": 0, "EluGrad": 0, "SeluGrad": 0, "TanhGrad": 1, "SigmoidGrad": 1,
}  # fmt: skip
UNARY = frozenset({"Relu", "Relu6", "LeakyRelu", "Elu", "Selu", "Tanh", "Sigmoid"})


@op("_FusedMatMul", "a: T, b: T, operands: N * T", "product: T", T=FLOATING)
def fused_matmul_op(
    a: Any,
    b: Any,
    operands: Any,
    *,
    transpose_a: bool = False,
    transpose_b: bool = False,
    steps: list[str],
    alphas: list[float],
    name: str | None = None,
) -> Tensor:
    """The product of two matrices, then element-wise `steps` on it, each but the unary ones with the next of `operands`.

    An operand is broadcast to the product. `alphas` holds the steps' attribute of that name, 0 where there is none.
    """


@fused_matmul_op.shape
def fused_matmul_shape(context: InferenceContext) -> list[Sizes]:
    return matmul_shape(context)


def step_expression(step: str, alpha: float, dtype: Any) -> Expression:
    """What a step computes of its op's inputs."""
    definition = definition_of(step)
    expression = definition.expression(dtype, {"alpha": alpha} if "alpha" in definition.attributes else {})
    if expression is None:
        raise TypeError(f"{step} is not element-wise")
    return expression


def _finish(x: Any, operands: Any, steps: list[str], alphas: list[float]) -> None:
    following = iter(operands)
    dtype = of_array(x)
    for step, alpha in zip(steps, alphas, strict=True):
        expression = step_expression(step, alpha, dtype)
        arguments = [x] if step in UNARY else [x, next(following)]
        arguments = arguments if STEPS[step] == 0 else arguments[::-1]
        if len(expression.instructions) == 1:
            operation = expression.instructions[0]
            values = [arguments[o.index] if o.kind == "input" else o.value for o in operation.operands]
            PRIMITIVES[operation.primitive].function(*values, out=x)
        else:
            np.copyto(x, expression.evaluate(*arguments))


@fused_matmul_op.kernel
def fused_matmul_kernel(
    xp: Any,
    a: Any,
    b: Any,
    operands: Any,
    *,
    transpose_a: bool,
    transpose_b: bool,
    steps: list[str],
    alphas: list[float],
) -> Any:
    out = matmul_kernel(xp, a, b, transpose_a=transpose_a, transpose_b=transpose_b)
    _finish(out, operands, steps, alphas)
    return out


@fused_matmul_op.into
def fused_matmul_into(
    xp: Any,
    out: Any,
    a: Any,
    b: Any,
    operands: Any,
    *,
    transpose_a: bool,
    transpose_b: bool,
    steps: list[str],
    alphas: list[float],
) -> None:
    matmul_into(xp, out, a, b, transpose_a=transpose_a, transpose_b=transpose_b)
    _finish(out, operands, steps, alphas)
