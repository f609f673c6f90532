"""Matrix products, single and in batches."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..calls import Array, Bound, native
from ..library import load

_SUFFIX = {np.dtype(np.float32): "f32", np.dtype(np.float64): "f64"}
# Multiply-adds that are worth a chunk of their own (some microseconds), and how many chunks a big product has.
_CHUNK, _CHUNKS = 150_000, 16
# In the order of kernels/epilogue.h.
_KINDS = (
    "AddV2", "Mul", "Relu", "Relu6", "LeakyRelu", "Elu", "Selu", "Tanh", "Sigmoid", "ReluGrad", "Relu6Grad", "LeakyReluGrad",
    "EluGrad", "SeluGrad", "TanhGrad", "SigmoidGrad",
)  # fmt: skip
_UNARY = _KINDS[2:9]
_STEPS = 6


@dataclass(frozen=True)
class Matrix:
    """A matrix in memory, the last two axes of an array: one of its strides is one element.

    `turned`: it is the columns that lie one after the other; `leading` is the distance of the others.
    """

    array: Array
    leading: int
    turned: bool


@native("MatMul")
def matmul(bound: Bound) -> None:
    """A product of two matrices."""
    a, b = bound.inputs
    gemm(bound, a, b, bound.outputs[0], bound.attrs["transpose_a"], bound.attrs["transpose_b"])


@native("BatchMatMul", "BatchMatMulV2")
def batch_matmul(bound: Bound) -> None:
    """Products of matrices in batches of up to three axes, which are broadcast together."""
    a, b = bound.inputs
    gemm(bound, a, b, bound.outputs[0], bound.attrs["adj_x"], bound.attrs["adj_y"])


@native("_FusedMatMul")
def fused_matmul(bound: Bound) -> None:
    """A product and the steps that follow it."""
    a, b, *operands = bound.inputs
    out = bound.outputs[0]
    rows: list[Any] = [len(bound.attrs["steps"])]
    for step, alpha in zip(bound.attrs["steps"], bound.attrs["alphas"], strict=True):
        bound.require(step in _KINDS, f"no native {step} after a product")
        operand = None if step in _UNARY else operands.pop(0)
        rows += [_KINDS.index(step), *_operand(bound, operand, out), float(alpha)]
    bound.require(len(rows) <= 1 + 5 * _STEPS, "too many steps")
    rows += [0, None, 0, 0, 0.0] * (_STEPS - len(rows) // 5)
    gemm(bound, a, b, out, bound.attrs["transpose_a"], bound.attrs["transpose_b"], rows)


def _operand(bound: Bound, operand: Array | None, out: Array) -> tuple[Array | None, int, int]:
    """An operand and its steps down and across, in elements."""
    if operand is None:
        return None, 0, 0
    bound.require(operand.dtype == out.dtype, "operands of another dtype")
    wide = np.broadcast_to(operand, out.shape)
    down, across = (s // operand.itemsize if n > 1 else 0 for s, n in zip(wide.strides, out.shape, strict=True))
    bound.require(across in (0, 1) and down >= 0, "strided memory")
    return operand, down, across


# As bindings/updates.py has them: kernel, and how many variables come first.
_UPDATES = {"GradientDescent": ("gradient_descent", 1), "Momentum": ("momentum", 2), "Adam": ("adam", 3)}


@native(*(f"_MatMulApply{rule}" for rule in _UPDATES))
def matmul_apply(bound: Bound) -> None:
    """An optimizer's step that computes its gradient itself."""
    kernel, variables = _UPDATES[bound.type.removeprefix("_MatMulApply")]
    arrays, numbers, (a, b) = bound.inputs[:variables], bound.inputs[variables:-2], bound.inputs[-2:]
    dtype = arrays[0].dtype
    bound.require(dtype in _SUFFIX and all(x.dtype == dtype for x in bound.inputs), f"{dtype}")
    bound.require(all(x.flags.c_contiguous for x in arrays), "strided memory")
    bound.require(all(x.size == 1 for x in numbers), "a number that is no scalar")
    a, b = (x.T if bound.attrs[t] else x for x, t in ((a, "transpose_a"), (b, "transpose_b")))
    (m, k), n = a.shape, b.shape[1]
    bound.require(k > 0, "a product over nothing")
    bound.require(all(x.shape == (m, n) for x in arrays), "variable and gradient of different shapes")
    if not m * n:
        return
    factors = *_factor(_matrix(bound, a)), *_second(_matrix(bound, b))
    rows, columns, _ = _cut(m, n, k, 1)
    chunks = -(-m // rows) * -(-n // columns)
    option = bound.attrs.get("use_nesterov", False)
    pointers = [*arrays, *[None] * (3 - variables), *numbers, *[None] * (6 - len(numbers))]
    bound.call(f"gemm_{kernel}_{_SUFFIX[dtype]}", chunks, m, n, k, *factors, rows, columns, option, *pointers)


def _factor(x: Matrix) -> tuple[Array, int, int]:
    return (x.array, 1, x.leading) if x.turned else (x.array, x.leading, 1)


def _second(x: Matrix) -> tuple[Array, int, bool]:
    return x.array, x.leading, x.turned


def gemm(
    bound: Bound, a: Array, b: Array, out: Array, transpose_a: bool, transpose_b: bool, steps: Sequence[Any] = ()
) -> None:
    """Out = op(a) . op(b), over leading axes as batches; `steps` are the kernel's arguments for what follows."""
    dtype = out.dtype
    bound.require(dtype in _SUFFIX and a.dtype == b.dtype == dtype, f"{a.dtype}")
    if not out.size:
        return
    a, b = (np.swapaxes(x, -1, -2) if t else x for x, t in ((a, transpose_a), (b, transpose_b)))
    (m, k), n = a.shape[-2:], b.shape[-1]
    if n == 1 and m > 1 and not steps:
        # A column is a row that is written elsewhere: its vectors run along the rows of the first factor.
        a, b, out = np.swapaxes(b, -1, -2), np.swapaxes(a, -1, -2), np.swapaxes(out, -1, -2)
        m, n = n, m
    first, second, result = (_matrix(bound, x) for x in (a, b, out))
    bound.require(not result.turned, "strided memory")
    batch, distances = _batches(bound, a, b, out)
    rows, columns, group = _cut(m, n, k, math.prod(batch))
    chunks = -(-m // rows) * -(-n // columns) * -(-math.prod(batch) // group)
    places = *_factor(first), *_second(second), out, result.leading
    arguments = [
        m,
        n,
        k,
        *places,
        rows,
        columns,
        group,
        _by_blas(m, n, k),
        *batch,
        *distances[0],
        *distances[1],
        *distances[2],
        *steps,
    ]
    bound.call(f"gemm{'_steps' if steps else ''}_{_SUFFIX[dtype]}", chunks, *arguments)


def _matrix(bound: Bound, x: Array) -> Matrix:
    (rows, columns), (down, across) = x.shape[-2:], (s // x.itemsize for s in x.strides[-2:])
    bound.require(all(s % x.itemsize == 0 for s in x.strides), "unaligned memory")
    if across == 1 or columns <= 1:
        return Matrix(x, down if rows > 1 else max(columns, 1), False)
    bound.require(down == 1 or rows <= 1, "strided memory")
    return Matrix(x, across, True)


def _batches(bound: Bound, *arrays: Array) -> tuple[list[int], list[list[int]]]:
    """The batch axes, merged where memory allows and filled up to three, and each array's steps over them in elements."""
    shape = np.broadcast_shapes(*(x.shape[:-2] for x in arrays))
    wide = [np.broadcast_to(x, (*shape, *x.shape[-2:])) for x in arrays]
    axes = [(size, [x.strides[i] // x.itemsize for x in wide]) for i, size in enumerate(shape) if size > 1]
    merged: list[tuple[int, list[int]]] = []
    for size, steps in axes:
        if merged and all(outer == size * inner for outer, inner in zip(merged[-1][1], steps, strict=True)):
            merged[-1] = (merged[-1][0] * size, steps)
        else:
            merged.append((size, steps))
    bound.require(len(merged) <= 3, "more than three batch axes")
    merged = [(1, [0] * len(arrays))] * (3 - len(merged)) + merged
    return [size for size, _ in merged], [[steps[i] for _, steps in merged] for i in range(len(arrays))]


def _cut(m: int, n: int, k: int, batch: int) -> tuple[int, int, int]:
    """Rows, columns and products a chunk: a function of the shapes alone."""
    work = m * n * max(k, 1)
    if batch > 1:
        group = max(-(-batch // _CHUNKS), min(batch, -(-_CHUNK // work)))
        return m, n, group
    wanted = min(_CHUNKS, work // _CHUNK)
    if wanted < 2:
        return m, n, 1
    return *min(_grids(m, n, wanted), key=lambda grid: _cost(m, n, *grid)), 1


def _grids(m: int, n: int, wanted: int) -> list[tuple[int, int]]:
    found = []
    for down in range(1, wanted + 1):
        rows, columns = -(-m // down), -(-n // -(-wanted // down))
        found.append((_rounded(rows, 12, m), _rounded(columns, 64 if columns >= 64 else 16, n)))
    return found


def _rounded(size: int, unit: int, most: int) -> int:
    return min(-(-size // unit) * unit, most)


def _cost(m: int, n: int, rows: int, columns: int) -> float:
    """What chunks of this size cost in all: tiles, and packing where each chunk does it for itself."""
    chunks = -(-m // rows) * -(-n // columns)
    tiles = -(-rows // 6) * 6 * -(-columns // 16) * 16
    # Packing an element takes as long as about 16 multiply-adds; sixteen threads should find work.
    return chunks * (tiles + 16 * columns + 4 * rows) * (1 + 0.3 * (chunks < 8))


def _by_blas(m: int, n: int, k: int) -> bool:
    """Whether BLAS is the faster: where vectors are short, own tiles are not good enough for big products."""
    library = load()
    return not isinstance(library, str) and library.instruction_set != "avx512" and min(m, n, k) >= 32
