"""Reductions over any axes, of arrays or of element-wise expressions that nothing else needs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...scalar import Expression, Instruction, Operand
from ..calls import SMALL_WORK, Array, Bound, Scratch, chunks_of, native
from ..programs import MOST_INPUTS, Program, compile_program

_SUM, _PROD, _MAX, _MIN = range(4)
_OPERATIONS = {"Sum": _SUM, "Mean": _SUM, "EuclideanNorm": _SUM, "Prod": _PROD, "Max": _MAX, "Min": _MIN}
# Masks have all bits or none: as integers, what holds is -1 and what does not is 0.
_OPERATIONS |= {"All": _MAX, "Any": _MIN}
_ITSELF = Expression(1, ())
_SQUARE = Expression(1, (Instruction("square", (Operand("input", 0),)),))
# Columns that one chunk sums, and calls of one reduction.
_WIDEST = 2048
_CHUNKS = 16


@dataclass(frozen=True, eq=False)
class Reduction:
    """What is done with the elements: an operation, then a division, then perhaps a root."""

    operation: int
    divisor: float = 0.0
    root: bool = False


@native(*_OPERATIONS)
def reduce(bound: Bound) -> None:
    """Over the axes that the second input names, which must be constant."""
    x, indices = bound.inputs[0], bound.known(1)
    axes = tuple(sorted({int(i) % max(x.ndim, 1) for i in np.ravel(indices)})) if x.ndim else ()
    count = math.prod(x.shape[a] for a in axes)
    if bound.type in ("Mean", "EuclideanNorm"):
        bound.require(x.dtype.kind == "f", f"{bound.type} of {x.dtype}")
    reduction = Reduction(
        _OPERATIONS[bound.type], float(count) if bound.type == "Mean" else 0.0, bound.type == "EuclideanNorm"
    )
    expression = _SQUARE if bound.type == "EuclideanNorm" else _ITSELF
    reduce_expression(bound, expression, [x], x.shape, axes, reduction, bound.outputs[0])


@native("L2Loss")
def l2_loss(bound: Bound) -> None:
    """Half the sum of squares."""
    (x,) = bound.inputs
    axes = tuple(range(x.ndim))
    reduce_expression(bound, _SQUARE, [x], x.shape, axes, Reduction(_SUM, 2.0), bound.outputs[0])


@native("BiasAddGrad")
def bias_add_grad(bound: Bound) -> None:
    """The sum over all axes but the channels'."""
    (dy,) = bound.inputs
    channels = dy.ndim - 1 if bound.attrs["data_format"] == "NHWC" else 1
    axes = tuple(i for i in range(dy.ndim) if i != channels)
    reduce_expression(bound, _ITSELF, [dy], dy.shape, axes, Reduction(_SUM), bound.outputs[0])


def reduce_expression(
    bound: Bound,
    expression: Expression,
    inputs: Sequence[Array],
    sizes: tuple[int, ...],
    axes: tuple[int, ...],
    reduction: Reduction,
    out: Array,
    kept: Array | None = None,
) -> None:
    """Adds the calls that reduce an expression's value, of shape `sizes`, over `axes`; `kept` takes the value itself."""
    bound.require(math.prod(sizes[a] for a in axes) > 0, "a reduction over nothing")
    bound.require(out.flags.c_contiguous and (kept is None or kept.flags.c_contiguous), "strided memory")
    if not out.size:
        return
    sizes, inputs, (outer, length, inner), moved = _in_order(sizes, axes, inputs)
    bound.require(kept is None or not moved, "axes in another order")
    program = compile_program(expression, inputs, sizes)
    bound.require(kept is None or not program.is_bool, "a mask that is kept")
    _add(bound, program, inputs, (outer, length, inner), reduction, out, kept)


def _in_order(
    sizes: tuple[int, ...], axes: tuple[int, ...], inputs: Sequence[Array]
) -> tuple[tuple[int, ...], list[Array], tuple[int, int, int], bool]:
    """The inputs with the axes in an order that is [outer, length, inner], and whether that is another one."""
    runs: list[tuple[bool, list[int]]] = []
    for axis, size in enumerate(sizes):
        if size == 1:
            continue
        if runs and runs[-1][0] == (axis in axes):
            runs[-1][1].append(axis)
        else:
            runs.append((axis in axes, [axis]))
    places = [run[1] for run in runs]
    reduced = [run[0] for run in runs]
    moved = reduced not in ([], [True], [False], [False, True], [True, False], [False, True, False])
    if moved:
        last = reduced[-1]
        kept_axes = [a for r, p in runs for a in p if not r]
        gone = [a for r, p in runs for a in p if r]
        ones = [a for a, size in enumerate(sizes) if size == 1]
        order = [*ones, *kept_axes, *gone] if last else [*ones, *gone, *kept_axes]
        wide = [np.broadcast_to(x, sizes).transpose(order) for x in inputs]
        parts = math.prod(sizes[a] for a in kept_axes), math.prod(sizes[a] for a in gone)
        form = (parts[0], parts[1], 1) if last else (1, parts[1], parts[0])
        return tuple(sizes[a] for a in order), wide, form, True
    counts = [math.prod(sizes[a] for a in p) for p in places]
    if not any(reduced):
        # Nothing is reduced but axes of one element.
        return sizes, list(inputs), (math.prod(counts), 1, 1), False
    where = reduced.index(True)
    outer, inner = math.prod(counts[:where]), math.prod(counts[where + 1 :])
    return sizes, list(inputs), (outer, counts[where], inner), False


def _add(
    bound: Bound,
    program: Program,
    inputs: Sequence[Array],
    form: tuple[int, int, int],
    reduction: Reduction,
    out: Array,
    kept: Array | None,
) -> None:
    outer, length, inner = form
    by_rows = inner == 1
    parts, part, width, chunks = _rows(form, program) if by_rows else _columns(form, program)
    target: Array | Scratch = bound.scratch(outer * parts * inner * 8) if parts > 1 else out
    how = reduction.operation, int(reduction.root), reduction.divisor
    padding = [None] * (MOST_INPUTS - len(inputs))
    kernel = f"reduce_{'rows' if by_rows else 'columns'}_{program.suffix}"
    places = program.code, target, kept, *inputs, *padding
    bound.call(kernel, chunks, outer, length, inner, parts, part, width, *how, *places)
    if parts > 1:
        size, count = chunks_of(out.size, parts)
        shape = out.size, size, inner, parts
        bound.call(f"combine_{program.suffix}", count, *shape, how[0], how[1], program.is_bool, how[2], target, out)


def _rows(form: tuple[int, int, int], program: Program) -> tuple[int, int, int, int]:
    """(parts, length of a part, rows a chunk, chunks) where whole rows are reduced."""
    outer, length, _ = form
    work = outer * length * program.cost
    if outer >= _CHUNKS or work <= 2 * SMALL_WORK:
        size, chunks = chunks_of(outer, length * program.cost)
        return 1, length, size, chunks
    part = max(-(-length * outer // _CHUNKS), SMALL_WORK // program.cost)
    part = min(-(-part // program.block) * program.block, length)
    parts = -(-length // part)
    return parts, part, 1, outer * parts


def _columns(form: tuple[int, int, int], program: Program) -> tuple[int, int, int, int]:
    """(parts, length of a part, columns a chunk, chunks) where columns are reduced."""
    outer, length, inner = form
    width = inner if inner <= _WIDEST else _WIDEST
    blocks = -(-inner // width)
    chunks = outer * blocks
    part = length
    if chunks < _CHUNKS and outer * length * inner * program.cost > 2 * SMALL_WORK:
        part = max(-(-length * chunks // _CHUNKS), SMALL_WORK // (program.cost * width), 1)
    parts = -(-length // part)
    return parts, part, width, chunks * parts


@native("ArgMax", "ArgMin")
def arg_best(bound: Bound) -> None:
    """The place of the greatest or least element along an axis."""
    x, dimension = bound.inputs[0], bound.known(1)
    out = bound.outputs[0]
    bound.require(x.dtype.name in ("float32", "float64", "int32", "int64"), f"{x.dtype}")
    bound.require(x.flags.c_contiguous and out.flags.c_contiguous, "strided memory")
    axis = int(dimension) % x.ndim
    outer, length, inner = math.prod(x.shape[:axis]), x.shape[axis], math.prod(x.shape[axis + 1 :])
    bound.require(length > 0, "a reduction over nothing")
    size, chunks = chunks_of(outer * inner, length)
    suffix = {"float32": "f32", "float64": "f64", "int32": "i32", "int64": "i64"}[x.dtype.name]
    places = int(bound.type == "ArgMin"), int(out.dtype == np.int64), size, x, out
    bound.call(f"arg_best_{suffix}", chunks if out.size else 0, outer, length, inner, *places)
