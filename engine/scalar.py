"""Scalar expressions: what an element-wise op computes for one element, written once for NumPy, C and CUDA.

A rule like `lambda x: 0.5 * (1 + tanh(0.5 * x))` is traced into an Expression, a flat list of instructions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .dtypes import FLOATING

Function = Callable[..., Any]


def _select(condition: Any, x: Any, y: Any, out: Any = None) -> Any:
    if out is None:
        return np.where(condition, x, y)
    # The condition may be what `out` overwrites, so x and y are laid down in an order that reads it last.
    if np.may_share_memory(out, condition) or np.may_share_memory(out, x):
        np.copyto(out, np.where(condition, x, y))
    else:
        np.copyto(out, y)
        np.copyto(out, x, where=condition)
    return out


def _maximum(x: Any, y: Any, out: Any = None) -> Any:
    # NumPy 2.4 warns of a third positional argument here.
    return np.maximum(x, y, out=out)


def _minimum(x: Any, y: Any, out: Any = None) -> Any:
    return np.minimum(x, y, out=out)


def _cast_bool(x: Any, out: Any = None) -> Any:
    return np.not_equal(x, 0, out)


@dataclass(frozen=True, slots=True)
class Primitive:
    """One instruction: its NumPy ufunc and its C text, where {0}, {1} are the operands."""

    name: str
    function: Function
    source: str


_TABLE: list[tuple[str, Function, str]] = [
    ("add", np.add, "{0} + {1}"),
    ("sub", np.subtract, "{0} - {1}"),
    ("mul", np.multiply, "{0} * {1}"),
    ("div", np.divide, "{0} / {1}"),
    ("floordiv", np.floor_divide, "floor_div({0}, {1})"),
    ("mod", np.mod, "floor_mod({0}, {1})"),
    ("fmod", np.fmod, "fmod({0}, {1})"),
    ("pow", np.power, "pow({0}, {1})"),
    ("maximum", _maximum, "maximum({0}, {1})"),
    ("minimum", _minimum, "minimum({0}, {1})"),
    ("atan2", np.arctan2, "atan2({0}, {1})"),
    ("neg", np.negative, "-{0}"),
    ("abs", np.abs, "abs({0})"),
    ("sign", np.sign, "sign({0})"),
    ("square", np.square, "{0} * {0}"),
    ("sqrt", np.sqrt, "sqrt({0})"),
    ("exp", np.exp, "exp({0})"),
    ("expm1", np.expm1, "expm1({0})"),
    ("log", np.log, "log({0})"),
    ("log1p", np.log1p, "log1p({0})"),
    ("sin", np.sin, "sin({0})"),
    ("cos", np.cos, "cos({0})"),
    ("tan", np.tan, "tan({0})"),
    ("asin", np.arcsin, "asin({0})"),
    ("acos", np.arccos, "acos({0})"),
    ("atan", np.arctan, "atan({0})"),
    ("sinh", np.sinh, "sinh({0})"),
    ("cosh", np.cosh, "cosh({0})"),
    ("tanh", np.tanh, "tanh({0})"),
    ("asinh", np.arcsinh, "asinh({0})"),
    ("acosh", np.arccosh, "acosh({0})"),
    ("atanh", np.arctanh, "atanh({0})"),
    ("floor", np.floor, "floor({0})"),
    ("ceil", np.ceil, "ceil({0})"),
    ("rint", np.rint, "rint({0})"),
    ("isnan", np.isnan, "isnan({0})"),
    ("isinf", np.isinf, "isinf({0})"),
    ("isfinite", np.isfinite, "isfinite({0})"),
    ("less", np.less, "{0} < {1}"),
    ("less_equal", np.less_equal, "{0} <= {1}"),
    ("greater", np.greater, "{0} > {1}"),
    ("greater_equal", np.greater_equal, "{0} >= {1}"),
    ("equal", np.equal, "{0} == {1}"),
    ("not_equal", np.not_equal, "{0} != {1}"),
    ("logical_and", np.logical_and, "{0} && {1}"),
    ("logical_or", np.logical_or, "{0} || {1}"),
    ("logical_not", np.logical_not, "!{0}"),
    ("bitwise_and", np.bitwise_and, "{0} & {1}"),
    ("bitwise_or", np.bitwise_or, "{0} | {1}"),
    ("bitwise_xor", np.bitwise_xor, "{0} ^ {1}"),
    ("invert", np.invert, "~{0}"),
    ("conj", np.conjugate, "conj({0})"),
    ("select", _select, "{0} ? {1} : {2}"),
    ("copy", np.positive, "{0}"),
    ("to_bool", _cast_bool, "{0} != 0"),
]


def _cast_to(dtype: np.dtype[Any]) -> Function:
    def cast(x: Any, out: Any = None) -> Any:
        if out is None:
            return np.asarray(x).astype(dtype)
        np.copyto(out, x, casting="unsafe")
        return out

    return cast


# Conversions to floating dtypes, for expressions of several dtypes: those of rewriting/fuse_casts.py.
CASTS = {f"cast_{dtype.name}": dtype.numpy for dtype in FLOATING}
_TABLE += [(name, _cast_to(dtype), "{0}") for name, dtype in CASTS.items()]
PRIMITIVES: dict[str, Primitive] = {name: Primitive(name, function, source) for name, function, source in _TABLE}


class Scalar:
    """A symbolic number while a rule is traced: an input, a constant or the result of a primitive."""

    __slots__ = ("operands", "primitive", "value")

    def __init__(self, primitive: str, operands: tuple[Scalar, ...] = (), value: Any = None) -> None:
        self.primitive = primitive
        self.operands = operands
        self.value = value

    def __add__(self, other: Any) -> Scalar:
        return call("add", self, other)

    def __radd__(self, other: Any) -> Scalar:
        return call("add", other, self)

    def __sub__(self, other: Any) -> Scalar:
        return call("sub", self, other)

    def __rsub__(self, other: Any) -> Scalar:
        return call("sub", other, self)

    def __mul__(self, other: Any) -> Scalar:
        return call("mul", self, other)

    def __rmul__(self, other: Any) -> Scalar:
        return call("mul", other, self)

    def __truediv__(self, other: Any) -> Scalar:
        return call("div", self, other)

    def __rtruediv__(self, other: Any) -> Scalar:
        return call("div", other, self)

    def __neg__(self) -> Scalar:
        return call("neg", self)

    def __lt__(self, other: Any) -> Scalar:
        return call("less", self, other)

    def __le__(self, other: Any) -> Scalar:
        return call("less_equal", self, other)

    def __gt__(self, other: Any) -> Scalar:
        return call("greater", self, other)

    def __ge__(self, other: Any) -> Scalar:
        return call("greater_equal", self, other)


def constant(value: float | int | bool) -> Scalar:
    """A constant of the expression; it takes the dtype of what it meets."""
    return Scalar("constant", (), value)


def call(primitive: str, *operands: Any) -> Scalar:
    """The result of a primitive on scalars and Python numbers."""
    return Scalar(primitive, tuple(o if isinstance(o, Scalar) else constant(o) for o in operands))


def where(condition: Scalar, x: Any, y: Any) -> Scalar:
    """`x` where the condition holds, `y` elsewhere."""
    return call("select", condition, x, y)


def maximum(x: Any, y: Any) -> Scalar:
    """The greater of two."""
    return call("maximum", x, y)


def minimum(x: Any, y: Any) -> Scalar:
    """The smaller of two."""
    return call("minimum", x, y)


def exp(x: Any) -> Scalar:
    """E to the power of x."""
    return call("exp", x)


def log(x: Any) -> Scalar:
    """The natural logarithm."""
    return call("log", x)


def log1p(x: Any) -> Scalar:
    """The natural logarithm of 1 + x."""
    return call("log1p", x)


def sqrt(x: Any) -> Scalar:
    """The square root."""
    return call("sqrt", x)


def tanh(x: Any) -> Scalar:
    """The hyperbolic tangent."""
    return call("tanh", x)


def absolute(x: Any) -> Scalar:
    """The absolute value."""
    return call("abs", x)


@dataclass(frozen=True, slots=True)
class Operand:
    """What an instruction reads: input `index`, an earlier instruction's result, or a constant."""

    kind: str
    index: int = 0
    value: Any = None


@dataclass(frozen=True, slots=True)
class Instruction:
    """One primitive applied to operands."""

    primitive: str
    operands: tuple[Operand, ...]


@dataclass(frozen=True, slots=True)
class Expression:
    """A traced rule: instructions in order, the last of which gives the result."""

    arity: int
    instructions: tuple[Instruction, ...]

    def evaluate(self, *inputs: Any) -> Any:
        """The result for arrays, with fresh temporaries: the reference meaning of the expression."""
        results: list[Any] = []
        for step in self.instructions:
            arguments = [_operand_value(o, inputs, results) for o in step.operands]
            results.append(PRIMITIVES[step.primitive].function(*arguments))
        return results[-1]

    def result_dtypes(self, dtypes: Sequence[Any]) -> list[np.dtype[Any]]:
        """The dtype of each instruction's result for inputs of `dtypes`, as NumPy has them."""
        samples = [np.ones(1, d) for d in dtypes]
        results: list[Any] = []
        # Functions such as atanh are not finite at 1.
        with np.errstate(all="ignore"):
            for step in self.instructions:
                arguments = [_operand_value(o, samples, results) for o in step.operands]
                results.append(PRIMITIVES[step.primitive].function(*arguments))
        return [np.asarray(r).dtype for r in results]

    def source(self, names: Sequence[str]) -> str:
        """The expression as C text over variables called `names`."""
        texts: list[str] = []
        for step in self.instructions:
            parts = [_operand_text(o, names, texts) for o in step.operands]
            texts.append("(" + PRIMITIVES[step.primitive].source.format(*parts) + ")")
        return texts[-1]


def _operand_value(operand: Operand, inputs: Sequence[Any], results: Sequence[Any]) -> Any:
    if operand.kind == "input":
        return inputs[operand.index]
    return results[operand.index] if operand.kind == "result" else operand.value


def _operand_text(operand: Operand, names: Sequence[str], texts: Sequence[str]) -> str:
    if operand.kind == "input":
        return names[operand.index]
    return texts[operand.index] if operand.kind == "result" else repr(operand.value)


def trace(rule: Callable[..., Scalar], arity: int, attrs: dict[str, Any] | None = None) -> Expression:
    """The Expression of a rule over `arity` inputs."""
    inputs = [Scalar("input", (), i) for i in range(arity)]
    result = rule(*inputs, **(attrs or {}))
    return flatten(result if result.primitive not in ("input", "constant") else call("copy", result), arity)


def flatten(result: Scalar, arity: int) -> Expression:
    """The expression tree as instructions, each shared part once."""
    places: dict[int, Operand] = {}
    instructions: list[Instruction] = []

    def place(node: Scalar) -> Operand:
        if node.primitive == "input":
            return Operand("input", node.value)
        if node.primitive == "constant":
            return Operand("constant", 0, node.value)
        if id(node) not in places:
            instructions.append(Instruction(node.primitive, tuple([place(o) for o in node.operands])))
            places[id(node)] = Operand("result", len(instructions) - 1)
        return places[id(node)]

    place(result)
    return Expression(arity, tuple(instructions))
