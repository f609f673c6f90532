"""Optimizer steps as C++ text: the rules of kernels/optimizer_steps.py, traced, so that they are written once.

A rule is run on symbols in place of arrays. Where it asks for a number's value (`if l1 > 0`) both answers are traced, and
the text asks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from ..kernels import optimizer_steps as steps
from ..kernels.optimizer_blocks import SCRATCH
from ..scalar import PRIMITIVES, Scalar, call


class _UndecidedError(Exception):
    """A rule asks for what no answer was chosen yet."""


class _Number(Scalar):
    """A number of the rule's, with questions about its value answered as was chosen."""

    __slots__ = ("answers", "name")

    def __init__(self, name: str, answers: Mapping[str, bool]) -> None:
        super().__init__("input", (), name)
        self.name, self.answers = name, answers

    def _answer(self, question: str) -> bool:
        if question not in self.answers:
            raise _UndecidedError(question)
        return self.answers[question]

    def __gt__(self, other: Any) -> Any:
        return self._answer(f"{self.name} > {_literal(other)}")

    def __eq__(self, other: object) -> bool:
        return self._answer(f"{self.name} == {_literal(other)}")

    __hash__ = Scalar.__hash__


class _Cell:
    """What stands for an array while a rule is traced: its element's value so far."""

    def __init__(self, dtype: np.dtype[Any], value: Any = None) -> None:
        self.dtype, self.value = dtype, value


def _value(x: Any) -> Any:
    return x.value if isinstance(x, _Cell) else x


class _Symbols:
    """The functions of NumPy that rules call, on cells."""

    finfo = staticmethod(np.finfo)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        primitive = _FUNCTIONS[name]

        def apply(*operands: Any) -> Any:
            arity = PRIMITIVES[primitive].source.count("{1}") + 1
            return _put(call(primitive, *map(_value, operands[:arity])), *operands[arity:])

        return lambda *operands, out=None: apply(*operands, *(() if out is None else (out,)))

    @staticmethod
    def copyto(out: _Cell, x: Any) -> None:
        """Lets `out` have the value of x."""
        out.value = _value(x)

    def clip(self, x: Any, low: Any, high: Any, out: _Cell) -> None:
        """Puts x, moved to within the bounds, into `out`."""
        _put(call("minimum", call("maximum", _value(x), low), high), out)


_FUNCTIONS = {
    "add": "add", "subtract": "sub", "multiply": "mul", "divide": "div", "power": "pow", "maximum": "maximum",
    "sqrt": "sqrt", "absolute": "abs", "sign": "sign", "exp": "exp",
}  # fmt: skip


def _put(value: Scalar, *out: _Cell) -> Scalar:
    for cell in out:
        cell.value = value
    return value


@cache
def step_text(
    rule: str, variables: int, numbers: tuple[str, ...], options: tuple[tuple[str, bool], ...], kind: str
) -> str:
    """The statements of a step of `kind` ("float" or "double") on `v0`, `v1`, ..., the gradient `g` and the numbers' names.

    >>> step_text("gradient_descent", 1, ("alpha",), (), "float")
    'const float t0 = g * alpha; const float t1 = v0 - t0; v0 = t1; '
    """
    return _branches(getattr(steps, rule), variables, numbers, dict(options), kind, {})


def _branches(
    step: Callable[..., None], variables: int, numbers: Sequence[str], options: dict[str, bool], kind: str,
    answers: dict[str, bool],
) -> str:  # fmt: skip
    dtype = np.dtype(np.float32 if kind == "float" else np.float64)
    arrays = [_Cell(dtype, Scalar("input", (), f"v{i}")) for i in range(variables)]
    before = [cell.value for cell in arrays]
    values = {name: _Number(name, answers) for name in numbers}
    try:
        step(_Symbols(), [_Cell(dtype) for _ in range(SCRATCH)], arrays, Scalar("input", (), "g"), **values, **options)
    except _UndecidedError as question:
        rest = [
            _branches(step, variables, numbers, options, kind, {**answers, str(question): a}) for a in (True, False)
        ]
        return f"if ({question}) {{ {rest[0]}}} else {{ {rest[1]}}} "
    changed = [
        (i, cell.value) for i, (cell, old) in enumerate(zip(arrays, before, strict=True)) if cell.value is not old
    ]
    return _statements(changed, kind)


def _statements(results: Sequence[tuple[int, Scalar]], kind: str) -> str:
    names: dict[int, str] = {}
    lines: list[str] = []

    def name(node: Scalar) -> str:
        if node.primitive == "input":
            return str(node.value)
        if node.primitive == "constant":
            return f"{kind}({_literal(node.value)})"
        if id(node) not in names:
            text = PRIMITIVES[node.primitive].source.format(*[name(o) for o in node.operands])
            lines.append(f"const {kind} t{len(lines)} = {text};")
            names[id(node)] = f"t{len(lines) - 1}"
        return names[id(node)]

    written = [f"v{i} = {name(value)};" for i, value in results]
    return "".join(line + " " for line in [*lines, *written])


def _literal(value: Any) -> str:
    return repr(float(value))
