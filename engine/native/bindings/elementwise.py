"""Element-wise chains, and ops that are one though they have no scalar rule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...scalar import Expression, Instruction, Operand
from ..calls import Array, Bound, chunks_of, native
from ..programs import MOST_INPUTS, compile_program


@native("_Fused")
def fused(bound: Bound) -> None:
    """A scalar expression of any op that has one: in blocks that stay in the cache."""
    bound.require(bound.expression is not None, "no expression for these dtypes")
    chain(bound, bound.expression, bound.inputs, bound.outputs[0])  # type: ignore[arg-type]


def chain(
    bound: Bound, expression: Expression, inputs: Sequence[Array], out: Array, dtypes: Sequence[Any] | None = None
) -> None:
    """Adds the call that leaves an expression's value in `out`, which may be one of the inputs."""
    bound.require(out.flags.c_contiguous, "strided memory")
    program = compile_program(expression, inputs, out.shape, dtypes)
    if not out.size:
        return
    size, _ = chunks_of(out.size, program.cost)
    size = -(-size // program.block) * program.block
    padding = [None] * (MOST_INPUTS - len(inputs))
    kernel = f"chain_{program.suffix}"
    bound.call(kernel, -(-out.size // size), out.size, size, program.code, out, *inputs, *padding)


def _of(primitive: str, arity: int) -> Expression:
    operands = tuple(Operand("input", i) for i in range(arity))
    return Expression(arity, (Instruction(primitive, operands),))


@native("Pow", "Erf", "Erfc")
def single(bound: Bound) -> None:
    """Functions that have a NumPy kernel in the place of a rule."""
    out = bound.outputs[0]
    bound.require(out.dtype.kind == "f", f"{out.dtype}")
    chain(bound, _of(bound.type.lower(), len(bound.inputs)), bound.inputs, out, [out.dtype])


@native("AddN", "AccumulateNV2")
def add_n(bound: Bound) -> None:
    """A sum of arrays from first to last, as many at once as a program takes."""
    out, rest = bound.outputs[0], list(bound.inputs)
    if len(rest) == 1:
        chain(bound, _of("copy", 1), rest, out)
    while len(rest) > 1:
        taken, rest = rest[:MOST_INPUTS], rest[MOST_INPUTS:]
        steps = [Instruction("add", (Operand("input", 0), Operand("input", 1)))]
        steps += [Instruction("add", (Operand("result", i - 2), Operand("input", i))) for i in range(2, len(taken))]
        chain(bound, Expression(len(taken), tuple(steps)), taken, out)
        rest = [out, *rest] if rest else rest


@native("Select")
def select(bound: Bound) -> None:
    """A choice by element, by row or as a whole."""
    condition, x, y = bound.inputs
    if condition.ndim == 1 and x.ndim > 1:
        condition = condition.reshape(-1, *(1,) * (x.ndim - 1))
    chain(bound, _of("select", 3), [condition, x, y], bound.outputs[0])


@native("ClipByValue")
def clip_by_value(bound: Bound) -> None:
    """The smaller of the value and the upper bound, then the greater of that and the lower one."""
    x, low, high = bound.inputs
    steps = (
        Instruction("minimum", (Operand("input", 0), Operand("input", 2))),
        Instruction("maximum", (Operand("result", 0), Operand("input", 1))),
    )
    chain(bound, Expression(3, steps), [x, low, high], bound.outputs[0])


@native("BiasAdd")
def bias_add(bound: Bound) -> None:
    """A bias along the last axis, or along axis 1."""
    value, bias = bound.inputs
    if bound.attrs["data_format"] != "NHWC":
        bias = bias.reshape(-1, *(1,) * (value.ndim - 2))
    chain(bound, _of("add", 2), [value, bias], bound.outputs[0])


@native("AssignAdd", "AssignSub", "AssignAddVariableOp", "AssignSubVariableOp")
def assign_add(bound: Bound) -> None:
    """An update of a variable in place."""
    variable, value = bound.inputs
    bound.require(variable.shape == value.shape, "a value of another shape")
    chain(bound, _of("add" if "Add" in bound.type else "sub", 2), [variable, value], variable)


@native("ZerosLike", "OnesLike")
def like(bound: Bound) -> None:
    """An array of one number."""
    fill(bound, bound.outputs[0], 0 if bound.type == "ZerosLike" else 1)


def fill(bound: Bound, out: Array, value: Any) -> None:
    """Adds the call that makes all elements of an array in C order one number that is known now."""
    bound.require(out.flags.c_contiguous and out.itemsize in (1, 2, 4, 8), "strided memory")
    pattern = np.array([value], out.dtype).tobytes() * (8 // out.itemsize)
    size, chunks = chunks_of(out.nbytes, least=256 * 1024)
    if out.nbytes:
        bound.call("fill_bytes", chunks, out.nbytes, -(-size // 8) * 8, out, int(np.frombuffer(pattern, np.int64)[0]))
