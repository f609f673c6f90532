"""Reductions over any axes, of arrays or of element-wise expressions that nothing else needs; scans."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...scalar import Expression
from ..calls import MOST_BLOCKS, THREADS, Bound, DeviceArray, gpu
from ..layout import broadcast, element_strides, merged, view
from ..source import Kernel
from ..text import computed, function, is_float, is_small, kernel_of, loaded, result_type, stored, stored_as
from .elementwise import ITSELF, of

_FILES = ("reduction.cuh",)
# Elements that a thread joins before another block is worth its while, and the most blocks of a part of the work.
_PER_THREAD, _PARTS = 16, 512
# Blocks that keep a device busy.
_ENOUGH_BLOCKS = 1024
_F4, _F8 = np.dtype(np.float32), np.dtype(np.float64)


@dataclass(frozen=True)
class Reduction:
    """What is done with the elements: a template of kernels/reduction.cuh, then `finish`, a text over `x`."""

    operation: str
    # The dtype in which elements are joined.
    dtype: np.dtype[Any]
    finish: str = "x"
    # The dtype of what `finish` gives.
    result: np.dtype[Any] | None = None

    @property
    def places(self) -> bool:
        """Whether the result is the place of an element."""
        return self.operation.startswith("place")

    @property
    def template(self) -> str:
        """The operation with its type."""
        return f"{self.operation}<{computed(self.dtype)}>"


@dataclass(frozen=True)
class _Space:
    """The kept and the reduced axes, and each input's strides along them, in elements."""

    kept: tuple[int, ...]
    gone: tuple[int, ...]
    kept_strides: tuple[tuple[int, ...], ...]
    gone_strides: tuple[tuple[int, ...], ...]


_OPERATIONS = {"Sum": "sum_of", "Mean": "sum_of", "EuclideanNorm": "sum_of", "Prod": "product_of", "Max": "maximum_of",
               "Min": "minimum_of", "All": "minimum_of", "Any": "maximum_of"}  # fmt: skip


@gpu(*_OPERATIONS)
def reduce(bound: Bound) -> None:
    """Over the axes that the second input names, which must be constant."""
    x, out = bound.inputs[0], bound.outputs[0]
    axes = tuple({int(i) % max(x.ndim, 1) for i in np.ravel(bound.known(1))}) if x.ndim else ()
    count = math.prod(x.shape[a] for a in axes)
    expression = of("square", 1) if bound.type == "EuclideanNorm" else ITSELF
    bound.require(bound.type != "EuclideanNorm" or x.dtype.kind != "c", f"{x.dtype}")
    reduction = _reduction(bound.type, x.dtype, count)
    results = [reduction.dtype] if expression.instructions else None
    reduce_expression(bound, expression, [x], x.shape, axes, reduction, out, results)


def _reduction(op_type: str, dtype: np.dtype[Any], count: int) -> Reduction:
    wide = _F4 if is_float(dtype) and dtype.itemsize == 2 else dtype
    operation = _OPERATIONS[op_type]
    whole = dtype.kind in "iu"
    if op_type in ("Sum", "Prod") and whole:
        # Unsigned numbers wrap around.
        return Reduction(operation, np.dtype(np.uint64))
    if op_type == "Mean":
        if whole:
            return Reduction(operation, _F8, f"trunc(x / {float(max(count, 1))!r})", _F8)
        part = wide.type(0).real.dtype
        return Reduction(operation, wide, f"x / {stored(wide)}(({stored(part)}){float(count)!r})")
    if op_type == "EuclideanNorm":
        return Reduction(operation, _F8 if whole else wide, "sqrt(x)")
    return Reduction(operation, wide)


def sum_reduction(dtype: np.dtype[Any]) -> Reduction:
    """The sum of elements of a dtype, in it or in a wider one."""
    return _reduction("Sum", dtype, 1)


@gpu("L2Loss")
def l2_loss(bound: Bound) -> None:
    """Half the sum of squares."""
    (x,) = bound.inputs
    wide = _F8 if x.dtype == _F8 else _F4
    reduction = Reduction("sum_of", wide, "x / 2")
    reduce_expression(bound, of("square", 1), [x], x.shape, tuple(range(x.ndim)), reduction, bound.outputs[0])


@gpu("BiasAddGrad")
def bias_add_grad(bound: Bound) -> None:
    """The sum over all axes but the channels'."""
    (dy,) = bound.inputs
    channels = dy.ndim - 1 if bound.attrs["data_format"] == "NHWC" else 1
    axes = tuple(i for i in range(dy.ndim) if i != channels)
    reduce_expression(bound, ITSELF, [dy], dy.shape, axes, sum_reduction(dy.dtype), bound.outputs[0])


@gpu("ArgMax", "ArgMin")
def arg_best(bound: Bound) -> None:
    """The first place of the greatest or least element along an axis."""
    x, axis = bound.inputs[0], int(bound.known(1)) % max(bound.inputs[0].ndim, 1)
    bound.require(x.dtype.kind != "c" and x.shape[axis] > 0, f"{x.dtype}")
    operation = "place_of_greatest" if bound.type == "ArgMax" else "place_of_least"
    wide = _F4 if is_float(x.dtype) and x.dtype.itemsize == 2 else x.dtype
    reduction = Reduction(operation, wide, "x.place", np.dtype(np.int64))
    reduce_expression(bound, ITSELF, [x], x.shape, (axis,), reduction, bound.outputs[0])


def reduce_expression(
    bound: Bound,
    expression: Expression,
    inputs: Sequence[DeviceArray],
    sizes: Sequence[int],
    axes: Sequence[int],
    reduction: Reduction,
    out: DeviceArray,
    results: Sequence[Any] | None = None,
) -> None:
    """Adds the launches that reduce an expression's value, of shape `sizes`, over `axes` to a contiguous `out`.

    `results` are the dtypes of the instructions' results, where NumPy is not to be asked.
    """
    bound.require(out.contiguous, "strided memory")
    if not out.size:
        return
    space = _space(sizes, axes, inputs)
    bound.require(len(space.kept) <= 6 and len(space.gone) <= 6, "a reduction of many axes")
    kept, length = math.prod(space.kept), math.prod(space.gone)
    by_rows = _by_rows(space)
    lanes, rows = _block(kept, length, by_rows)
    blocks = min(-(-kept // rows), MOST_BLOCKS) if by_rows else min(-(-kept // lanes), MOST_BLOCKS)
    part, parts = _parts(length, blocks, lanes if by_rows else rows)
    small = is_small(kept, length, kept * parts, *map(element_extent, inputs))
    reads = _reads(expression, [x.dtype for x in inputs], results, reduction, small, space)
    family = "reduce_rows" if by_rows else "reduce_columns"
    if parts == 1:
        target, kernel = out, _kernel(family, reads, reduction, out.dtype)
    else:
        target = bound.scratch((kept * parts * (2 if reduction.places else 1),), _partial_type(reduction))
        kernel = _kernel(family, reads, reduction, None)
    numbers = kept, length, part, parts, *_steps(space)
    bound.launch(kernel, (blocks, parts, 1), (lanes, rows, 1), *inputs, target, *numbers)
    if parts > 1:
        _join_parts(bound, target, kept, parts, reduction, out, small)


def element_extent(x: DeviceArray) -> int:
    """How far, in elements, an array reaches from its first element, at most."""
    return sum(abs(s) * (n - 1) for s, n in zip(element_strides(x), x.shape, strict=True) if n > 1)


def _partial_type(reduction: Reduction) -> np.dtype[Any]:
    # A value and its place are 16 bytes; 8-byte numbers stand for them.
    return (
        np.dtype(np.int64)
        if reduction.places
        else np.dtype(
            {"float": np.float32, "double": np.float64, "bool": np.bool_}.get(
                computed(reduction.dtype), reduction.dtype
            )
        )
    )


def _space(sizes: Sequence[int], axes: Sequence[int], inputs: Sequence[DeviceArray]) -> _Space:
    kept = [a for a in range(len(sizes)) if a not in axes]
    order = [*kept, *sorted(axes)]
    turned = [view(broadcast(x, sizes), lambda a: a.transpose(order)) for x in inputs]
    whole = [sizes[a] for a in order]
    kept_axes = merged(whole[: len(kept)], [_leading(x, len(kept)) for x in turned])
    gone_axes = merged(whole[len(kept) :], [_trailing(x, len(kept)) for x in turned])
    return _Space(kept_axes.sizes, gone_axes.sizes, kept_axes.strides, gone_axes.strides)


def _leading(x: DeviceArray, count: int) -> DeviceArray:
    return DeviceArray(x.address, x.dtype, x.shape[:count], x.strides[:count])


def _trailing(x: DeviceArray, count: int) -> DeviceArray:
    return DeviceArray(x.address, x.dtype, x.shape[count:], x.strides[count:])


def _by_rows(space: _Space) -> bool:
    """Whether neighbours in memory are reduced together."""
    if not space.gone:
        return False
    if not space.kept:
        return True
    last = [(k[-1], g[-1]) for k, g in zip(space.kept_strides, space.gone_strides, strict=True) if k[-1] or g[-1]]
    near = [abs(g) < abs(k) if g and k else not k for k, g in last]
    return sum(near) * 2 > len(near)


def _block(kept: int, length: int, by_rows: bool) -> tuple[int, int]:
    """The threads of a block, along x and along y."""
    if by_rows:
        lanes = min(_power(-(-length // 4)), 32) if length <= 1024 else THREADS
        return max(lanes, 1), THREADS // max(lanes, 1)
    width = min(_power(kept), 32)
    return width, THREADS // width


def _power(count: int) -> int:
    """The least power of two that is not less."""
    return 1 << max(count - 1, 0).bit_length()


def _parts(length: int, blocks: int, threads: int) -> tuple[int, int]:
    """(elements of a part, parts), by the sizes alone."""
    wanted = min(_ENOUGH_BLOCKS // max(blocks, 1), length // (threads * _PER_THREAD), _PARTS)
    if wanted <= 1:
        return max(length, 1), 1
    part = -(-length // wanted)
    return part, -(-length // part)


@dataclass(frozen=True)
class _Reads:
    """How a kernel gets its elements: its first parameters, and the statement that makes `load`."""

    parameters: tuple[tuple[str, str], ...]
    axes: tuple[tuple[str, str], ...]
    load: str
    small: bool


def _reads(
    expression: Expression,
    dtypes: Sequence[np.dtype[Any]],
    results: Sequence[Any] | None,
    reduction: Reduction,
    small: bool,
    space: _Space,
) -> _Reads:
    index = "int" if small else "long long"
    names, lines = [], []
    for axis, sizes in (("k", space.kept), ("r", space.gone)):
        names += [f"n{axis}{a}" for a in range(1, len(sizes))]
        names += [f"s{i}{axis}{a}" for i in range(len(dtypes)) for a in range(len(sizes))]
        lines += _decomposed(axis, len(sizes), small)
    values = []
    for i, dtype in enumerate(dtypes):
        terms = [f"{axis}{a} * s{i}{axis}{a}" for axis, n in (("k", len(space.kept)), ("r", len(space.gone)))
                 for a in range(n)]  # fmt: skip
        values.append(loaded(dtype, f"x{i}[{' + '.join(terms) or '0'}]"))
    value = f"value({', '.join(values)})"
    own = result_type(expression, dtypes, results)
    wide = f"({computed(reduction.dtype)})({value})" if own != reduction.dtype else value
    if reduction.places:
        wide = f"{reduction.template}::make({wide}, r)"
    load = f"const auto load = [=]({index} k, {index} r) {{ {' '.join(lines)} return {wide}; }};"
    parameters = tuple((f"const {stored(d)}*", f"x{i}") for i, d in enumerate(dtypes))
    return _Reads(
        parameters, tuple((index, n) for n in names), f"{function('value', expression, dtypes, results)}\n{load}", small
    )


def _decomposed(axis: str, rank: int, small: bool) -> list[str]:
    index, unsigned = ("int", "unsigned") if small else ("long long", "unsigned long long")
    if not rank:
        return []
    if rank == 1:
        return [f"const {index} {axis}0 = {axis};"]
    lines = [f"{unsigned} q{axis} = {axis};"]
    for a in range(rank - 1, 0, -1):
        size = f"({unsigned})n{axis}{a}"
        lines.append(f"const {index} {axis}{a} = ({index})(q{axis} % {size}); q{axis} /= {size};")
    return [*lines, f"const {index} {axis}0 = ({index})q{axis};"]


def _steps(space: _Space) -> list[int]:
    numbers: list[int] = []
    for sizes, strides in ((space.kept, space.kept_strides), (space.gone, space.gone_strides)):
        numbers += sizes[1:]
        numbers += [s for row in strides for s in row]
    return numbers


def _kernel(family: str, reads: _Reads, reduction: Reduction, target: np.dtype[Any] | None) -> Kernel:
    """The kernel that reduces to elements of `target`, or to parts that are yet to be joined."""
    index = "int" if reads.small else "long long"
    if target is None:
        to, keep = f"{reduction.template}::type*", "out[k * parts + part] = x;"
        to = f"placed<{computed(reduction.dtype)}>*" if reduction.places else f"{computed(reduction.dtype)}*"
    else:
        to, keep = f"{stored(target)}*", f"out[k] = {_finished(reduction, target)};"
    counts = [(index, name) for name in ("kept", "length", "chunk", "parts")]
    parameters = [*reads.parameters, (to, "out"), *counts, *reads.axes]
    operation = f"const auto keep = [=]({index} k, {index} part, {reduction.template}::type x) {{ {keep} }};"
    call = f"{family}<{reduction.template}, {index}>(kept, length, chunk, load, keep);"
    return kernel_of(family, parameters, "\n".join([reads.load, operation, call]), _FILES, synchronizes=True)


def _finished(reduction: Reduction, target: np.dtype[Any]) -> str:
    # Parentheses keep a cast from taking only the first operand.
    return stored_as(f"({reduction.finish})", reduction.result or reduction.dtype, target)


def _join_parts(
    bound: Bound, source: DeviceArray, kept: int, parts: int, reduction: Reduction, out: DeviceArray, small: bool
) -> None:
    """Adds the launch that joins [kept, parts] to the result."""
    index = "int" if small else "long long"
    kind = f"placed<{computed(reduction.dtype)}>" if reduction.places else computed(reduction.dtype)
    load = f"const auto load = [=]({index} k, {index} r) {{ return x0[k * length + r]; }};"
    reads = _Reads(((f"const {kind}*", "x0"),), (), load, small)
    kernel = _kernel("reduce_rows", reads, reduction, out.dtype)
    lanes = min(_power(parts), 32)
    rows = THREADS // lanes
    blocks = min(-(-kept // rows), MOST_BLOCKS)
    bound.launch(kernel, (blocks, 1, 1), (lanes, rows, 1), source, out, kept, parts, parts, 1)


@gpu("Cumsum", "Cumprod")
def scan(bound: Bound) -> None:
    """Running sums and products along an axis."""
    x, out = bound.inputs[0], bound.outputs[0]
    bound.require(x.contiguous and out.contiguous, "strided memory")
    axis = int(bound.known(1)) % x.ndim
    length, inner = x.shape[axis], math.prod(x.shape[axis + 1 :])
    lines = x.size // max(length, 1)
    wide = _F4 if is_float(x.dtype) and x.dtype.itemsize == 2 else x.dtype
    if wide.kind in "iu":
        wide = np.dtype(np.uint64)
    operation = "sum_of" if bound.type == "Cumsum" else "product_of"
    by_block = length > 64 and lines < 64 * THREADS
    family = "scan_line_by_block" if by_block else "scan_lines"
    kind = stored(x.dtype)
    names = [("long long", "lines"), ("long long", "length"), ("long long", "inner")]
    names += [("int", "exclusive"), ("int", "reverse")]
    body = f"{family}<{operation}<{computed(wide)}>, {kind}>(out, in, {', '.join(n for _, n in names)});"
    kernel = kernel_of(
        "scan", [(f"{kind}*", "out"), (f"const {kind}*", "in"), *names], body, _FILES, synchronizes=by_block
    )
    numbers = out, x, lines, length, inner, bound.attrs["exclusive"], bound.attrs["reverse"]
    if not x.size:
        return
    if by_block:
        bound.launch(kernel, min(lines, MOST_BLOCKS), THREADS, *numbers)
    else:
        bound.for_each(kernel, lines, *numbers)
