"""Matrix products, single and in batches, and what follows them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from ...scalar import Expression, Instruction, Operand
from ...unsupported import UnsupportedError
from ..calls import Bound, DeviceArray, gpu
from ..device import Product
from ..epilogues import works
from ..layout import broadcast, element_strides, merged, reshaped, view
from ..text import is_float
from .elementwise import ITSELF, chain, of
from .movement import copy_view, fill
from .reductions import reduce_expression, sum_reduction

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
    turned = bound.attrs["adj_x"], bound.attrs["adj_y"]
    bound.require(a.dtype.kind != "c" or not any(turned), "conjugates")
    multiply(bound, a, b, bound.outputs[0], *turned)


@gpu("_FusedMatMul")
def fused_matmul(bound: Bound) -> None:
    """A product and the steps that follow it: a bias and relu by the library if it can, others in one pass."""
    bias, relu = followers(bound)
    done = next((n for n in (bias + relu, bias) if n and added(bound, partial(fused_product, bound, n))), 0)
    if not done:
        fused_product(bound, 0)
    steps, rules, operands = bound.attrs["steps"], bound.node_attrs["rules"], bound.inputs[2:]
    if steps[done:]:
        out = bound.outputs[0]
        chain(bound, _following(steps[done:], rules[done:]), [out, *operands[bias and done > 0 :]], out)


def followers(bound: Bound, look: str = "relu") -> tuple[bool, bool]:
    """Whether the steps after a product begin with a bias, and with a relu (after it), that the library may do.

    `look` is what the library's relu must do as the CPU's.
    """
    (a, _, *operands), out, steps = bound.inputs, bound.outputs[0], bound.attrs["steps"]
    bias = steps[0] == "AddV2" and _is_bias(operands[0], out) and a.shape[0 if bound.attrs["transpose_a"] else 1] > 0
    relu = steps[bias : bias + 1] == ["Relu"] and out.size > 0 and a.dtype == out.dtype
    return bias, relu and works(bound.device, look, out.dtype, computed_as(bound, out.dtype))


def fused_product(bound: Bound, count: int, auxiliary: DeviceArray | None = None) -> None:
    """Adds the product of a fused node and its first `count` steps, which are a bias, a relu or both."""
    a, b, *operands = bound.inputs
    steps = bound.attrs["steps"][:count]
    bias, activation = operands[0] if "AddV2" in steps else None, "relu" if "Relu" in steps else ""
    turned = bound.attrs["transpose_a"], bound.attrs["transpose_b"]
    multiply(bound, a, b, bound.outputs[0], *turned, bias=bias, activation=activation, auxiliary=auxiliary)


def added(bound: Bound, add: Callable[[], None]) -> bool:
    """Whether work could be added that the device's libraries may not know; if not, none of it was."""
    before = len(bound.work)
    try:
        add()
    except UnsupportedError:
        del bound.work[before:]
        return False
    return True


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
    auxiliary: DeviceArray | None = None,
    sums: DeviceArray | None = None,
    summed: str = "",
) -> None:
    """Adds `out = activation(alpha * op(a) . op(b) + beta * out + bias)`, over leading axes as batches.

    `auxiliary` is a relu's mask or what a gelu is taken of, `sums` those of what `summed` names; see Product.
    """
    bound.require(auxiliary is None or auxiliary.contiguous, "strided memory")
    wide = out.dtype == np.float32 and a.dtype.itemsize == 2 and is_float(a.dtype)
    bound.require(a.dtype == b.dtype and (wide or a.dtype == out.dtype), f"{a.dtype} and {b.dtype}")
    bound.require(is_float(a.dtype) or a.dtype.kind == "c", f"{a.dtype}")
    if not out.size:
        return
    a, b = (view(x, _swapped) if turned else x for x, turned in ((a, transpose_a), (b, transpose_b)))
    (rows, depth), columns = a.shape[-2:], b.shape[-1]
    if not depth:
        bound.require(bias is None and not activation and not summed and beta == 0, "a product over nothing")
        fill(bound, out, 0)
        return
    first, second, result = _matrix(bound, a), _matrix(bound, b), _matrix(bound, out, final=True)
    arrays = [x.array for x in (first, second, result)]
    product = Product(
        arrays[0].address, arrays[1].address, out.address, rows, columns, depth, a.dtype,
        (first.leading, second.leading, result.leading), first.turned, second.turned, alpha=alpha, beta=beta,
        bias=0 if bias is None else bias.address, activation=activation, compute=computed_as(bound, a.dtype), wide=wide,
        auxiliary=0 if auxiliary is None else auxiliary.address,
        auxiliary_leading=0 if auxiliary is None else auxiliary.shape[1] * (8 if auxiliary.dtype == np.uint8 else 1),
        sums=0 if sums is None else sums.address, summed=summed,
    )  # fmt: skip
    for one in _batches(bound, product, arrays):
        bound.product(one)


def computed_as(bound: Bound, dtype: np.dtype[Any]) -> str:
    """How products of a dtype are computed."""
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
    sizes = [x.dtype.itemsize for x in arrays]
    found = []
    for place in itertools.product(*map(range, others)):
        offsets = [
            sum(i * s for i, s in zip(place, row, strict=False)) * size
            for row, size in zip(axes.strides, sizes, strict=True)
        ]
        found.append(
            replace(product, a=product.a + offsets[0], b=product.b + offsets[1], c=product.c + offsets[2], batch=last,
                    strides=(a_steps[-1], b_steps[-1], c_steps[-1]))
        )  # fmt: skip
    return found


@gpu("Einsum")
def einsum(bound: Bound) -> None:
    """Sums of products of one array or two, as a reduction or as a product of matrices."""
    parts, right = _labels(bound.attrs["equation"], [x.ndim for x in bound.inputs], bound.outputs[0].ndim)
    bound.require(all(len(set(part)) == len(part) for part in parts), "a diagonal")
    sizes: dict[str, int] = {}
    for part, x in zip(parts, bound.inputs, strict=True):
        for label, size in zip(part, x.shape, strict=True):
            bound.require(sizes.setdefault(label, size) == size, "axes that are broadcast")
    if len(parts) == 1:
        _sum_of_one(bound, parts[0], right)
    else:
        bound.require(len(parts) == 2, f"{len(parts)} factors")
        _sum_of_products(bound, parts, right, sizes)


def _labels(equation: str, ranks: Sequence[int], rank: int) -> tuple[list[str], str]:
    """The labels of the inputs and of the result, with others in the place of dots."""
    left, arrow, right = equation.replace(" ", "").partition("->")
    if not arrow:
        letters = sorted({c for c in left if c.isalpha()})
        right = "..." * ("..." in left) + "".join(c for c in letters if left.count(c) == 1)
    parts = left.split(",")
    spare = "0123456789"
    counts = [n - len(p.replace("...", "")) for p, n in zip([*parts, right], [*ranks, rank], strict=True)]
    if max(counts) > len(spare):
        raise UnsupportedError("axes that are not named")
    whole = [
        p.replace("...", spare[len(spare) - n :] if n else "") for p, n in zip([*parts, right], counts, strict=True)
    ]
    return whole[:-1], whole[-1]


def _sum_of_one(bound: Bound, own: str, right: str) -> None:
    x, out = bound.inputs[0], bound.outputs[0]
    turned = _turned(x, own, right + "".join(c for c in own if c not in right))
    if len(own) == len(right):
        copy_view(bound, out, turned)
    else:
        axes = range(len(right), len(own))
        reduce_expression(bound, ITSELF, [turned], turned.shape, axes, sum_reduction(x.dtype), out)


def _sum_of_products(bound: Bound, parts: Sequence[str], right: str, sizes: dict[str, int]) -> None:
    (x, y), out = bound.inputs, bound.outputs[0]
    first, second = parts
    bound.require(all(c in right or (c in first and c in second) for c in first + second), "a sum of one factor")
    batch = "".join(c for c in right if c in first and c in second)
    rows = "".join(c for c in right if c in first and c not in second)
    columns = "".join(c for c in right if c in second and c not in first)
    summed = "".join(c for c in first if c not in right)
    if right.endswith(rows) and rows and columns and right != batch + rows + columns:
        # The result lies the other way round: so does the product.
        x, y, first, second, rows, columns = y, x, second, first, columns, rows
    if not summed:
        factors = [
            _spread(_turned(v, p, "".join(c for c in right if c in p)), p, right) for p, v in ((first, x), (second, y))
        ]
        chain(bound, of("mul", 2), factors, out)
        return
    lead = [sizes[c] for c in batch]
    m, k, n = (math.prod(sizes[c] for c in labels) for labels in (rows, summed, columns))
    a = _matrices(bound, _turned(x, first, batch + rows + summed), [*lead, m, k])
    b = _matrices(bound, _turned(y, second, batch + summed + columns), [*lead, k, n])
    made = batch + rows + columns
    target = out if made == right else bound.scratch([sizes[c] for c in made], out.dtype)
    multiply(bound, a, b, reshaped(target, *lead, m, n))
    if target is not out:
        copy_view(bound, out, _turned(target, made, right))


def _turned(x: DeviceArray, labels: str, wanted: str) -> DeviceArray:
    order = [labels.index(c) for c in wanted]
    return view(x, lambda a: a.transpose(order))


def _spread(x: DeviceArray, labels: str, wanted: str) -> DeviceArray:
    """The array with axes of one element where it has no label of those wanted."""
    index: Any = tuple(slice(None) if c in labels else None for c in wanted)
    return view(x, lambda a: a[(*index, ...)])


def _matrices(bound: Bound, x: DeviceArray, sizes: Sequence[int]) -> DeviceArray:
    """The array with axes taken together, copied where its strides do not allow that."""
    try:
        return reshaped(x, *sizes)
    except UnsupportedError:
        plain = bound.scratch(x.shape, x.dtype)
        copy_view(bound, plain, x)
        return plain.reshaped(*sizes)
