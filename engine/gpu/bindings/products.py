"""Matrix products, single and in batches, and what follows them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...scalar import Expression, Instruction, Operand
from ..calls import Bound, DeviceArray, gpu
from ..device import Product
from ..layout import broadcast, element_strides, merged, view
from ..text import is_float
from .elementwise import chain
from .movement import copy_view, fill

# Steps after a product, and which of their inputs it is (see ops/fused_matmul.py).
_OPERAND_OF = {"TanhGrad": 1, "SigmoidGrad": 1}
_UNARY = frozenset({"Relu", "Relu6", "LeakyRelu", "Elu", "Selu", "Tanh", "Sigmoid"})
# Products that a loop over batches may start one by one.
_MOST_CALLS = 64


@dataclass(frozen=True)
class _Matrix:
    """The last two axes of an array, as the library takes them: stored in rows, or turned."""

    array: DeviceArray
    leading: int
    turned: bool


@gpu("MatMul")
def matmul(bound: Bound) -> None:
    """A product of two matrices."""
    a, b = bound.inputs
    multiply(bound, a, b, bound.outputs[0], bound.attrs["transpose_a"], bound.attrs["transpose_b"])


@gpu("BatchMatMul", "BatchMatMulV2")
def batch_matmul(bound: Bound) -> None:
    """Products of matrices in batches, which are broadcast together."""
    a, b = bound.inputs
    multiply(bound, a, b, bound.outputs[0], bound.attrs["adj_x"], bound.attrs["adj_y"])


@gpu("_FusedMatMul")
def fused_matmul(bound: Bound) -> None:
    """A product and the steps that follow it: a bias and relu by the library, others in one pass."""
    a, b, *operands = bound.inputs
    out, steps = bound.outputs[0], list(bound.attrs["steps"])
    rules = list(bound.node_attrs["rules"])
    bias, activation = None, ""
    if steps[0] == "AddV2" and _is_bias(operands[0], out) and a.shape[0 if bound.attrs["transpose_a"] else 1]:
        bias = operands.pop(0)
        steps, rules = steps[1:], rules[1:]
    if steps[:1] == ["Relu"]:
        activation, steps, rules = "relu", steps[1:], rules[1:]
    multiply(bound, a, b, out, bound.attrs["transpose_a"], bound.attrs["transpose_b"], bias=bias, activation=activation)
    if steps:
        chain(bound, _following(steps, rules), [out, *operands], out)


def _is_bias(x: DeviceArray, out: DeviceArray) -> bool:
    columns = out.shape[1]
    return x.contiguous and x.size == columns and x.shape[-1:] == (columns,) and x.dtype == out.dtype


def _following(steps: Sequence[str], rules: Sequence[Expression]) -> Expression:
    """The steps as one expression over the product and the operands."""
    instructions: list[Instruction] = []
    current, taken = Operand("input", 0), 0
    for step, rule in zip(steps, rules, strict=True):
        parts = [current]
        if step not in _UNARY:
            taken += 1
            other = Operand("input", taken)
            parts = [other, current] if _OPERAND_OF.get(step) else [current, other]
        shift = len(instructions)
        for instruction in rule.instructions:
            operands = tuple(
                parts[o.index] if o.kind == "input" else replace(o, index=o.index + shift) if o.kind == "result" else o
                for o in instruction.operands
            )
            instructions.append(Instruction(instruction.primitive, operands))
        current = Operand("result", len(instructions) - 1)
    return Expression(1 + taken, tuple(instructions))


def multiply(
    bound: Bound,
    a: DeviceArray,
    b: DeviceArray,
    out: DeviceArray,
    transpose_a: bool = False,
    transpose_b: bool = False,
    *,
    alpha: float = 1.0,
    beta: float = 0.0,
    bias: DeviceArray | None = None,
    activation: str = "",
) -> None:
    """Adds `out = activation(alpha * op(a) . op(b) + beta * out + bias)`, over leading axes as batches."""
    bound.require(is_float(out.dtype) and a.dtype == b.dtype == out.dtype, f"{a.dtype}")
    if not out.size:
        return
    a, b = (view(x, _swapped) if turned else x for x, turned in ((a, transpose_a), (b, transpose_b)))
    (rows, depth), columns = a.shape[-2:], b.shape[-1]
    if not depth:
        bound.require(bias is None and not activation and beta == 0, "a product over nothing")
        fill(bound, out, 0)
        return
    first, second, result = _matrix(bound, a), _matrix(bound, b), _matrix(bound, out, final=True)
    wide = [x.array for x in (first, second, result)]
    product = Product(
        wide[0].address, wide[1].address, out.address, rows, columns, depth, out.dtype,
        (first.leading, second.leading, result.leading), first.turned, second.turned, alpha=alpha, beta=beta,
        bias=0 if bias is None else bias.address, activation=activation, compute=_compute(bound, out.dtype),
    )  # fmt: skip
    for one in _batches(bound, product, wide):
        bound.product(one)


def _compute(bound: Bound, dtype: np.dtype[Any]) -> str:
    return bound.precision if dtype == np.float32 else dtype.name


def _swapped(x: Any) -> Any:
    return np.swapaxes(x, -1, -2)


def _matrix(bound: Bound, x: DeviceArray, final: bool = False) -> _Matrix:
    """The matrices of an array, copied where they do not lie in rows or columns."""
    (rows, columns), (down, across) = x.shape[-2:], element_strides(x)[-2:]
    if (across == 1 or columns == 1) and (down >= columns or rows == 1):
        return _Matrix(x, max(down if rows > 1 else columns, 1), False)
    if not final and (down == 1 or rows == 1) and (across >= rows or columns == 1):
        return _Matrix(x, max(across if columns > 1 else rows, 1), True)
    bound.require(not final, "strided memory")
    plain = bound.scratch(x.shape, x.dtype)
    copy_view(bound, plain, x)
    return _Matrix(plain, max(columns, 1), False)


def _batches(bound: Bound, product: Product, arrays: Sequence[DeviceArray]) -> list[Product]:
    """The product for all matrices of the batch axes: one axis by the library, the others one by one."""
    shape = arrays[2].shape[:-2]
    if math.prod(shape) == 1:
        return [product]
    wide = [broadcast(x, (*shape, *x.shape[-2:])) for x in arrays]
    outer = [DeviceArray(x.address, x.dtype, shape, x.strides[:-2]) for x in wide]
    axes = merged(shape, outer)
    *others, last = axes.sizes
    bound.require(math.prod(others) <= _MOST_CALLS, "batches in many axes")
    a_steps, b_steps, c_steps = axes.strides
    size = product.dtype.itemsize
    found = []
    for place in itertools.product(*map(range, others)):
        offsets = [sum(i * s for i, s in zip(place, row, strict=False)) * size for row in axes.strides]
        found.append(
            replace(product, a=product.a + offsets[0], b=product.b + offsets[1], c=product.c + offsets[2], batch=last,
                    strides=(a_steps[-1], b_steps[-1], c_steps[-1]))
        )  # fmt: skip
    return found
