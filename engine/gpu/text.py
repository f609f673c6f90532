"""Scalar expressions as CUDA C++: typed temporaries, constants to the last bit, NumPy's rules for dtypes.

The two 16-bit floating types are computed in float and rounded where they are stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import numpy as np

from ..scalar import CASTS, Expression, Instruction, Operand
from ..unsupported import UnsupportedError
from .source import Kernel

_BOOL = np.dtype(bool)
_STORED = {
    "bool": "bool",
    "int8": "signed char",
    "int16": "short",
    "int32": "int",
    "int64": "long long",
    "uint8": "unsigned char",
    "uint16": "unsigned short",
    "uint32": "unsigned int",
    "uint64": "unsigned long long",
    "float16": "half",
    "bfloat16": "bfloat16",
    "float32": "float",
    "float64": "double",
    "complex64": "complex64",
    "complex128": "complex128",
}
_COMPARISONS = {
    "less": "<",
    "less_equal": "<=",
    "greater": ">",
    "greater_equal": ">=",
    "equal": "==",
    "not_equal": "!=",
}
_LOGICAL = {"logical_and": "{0} && {1}", "logical_or": "{0} || {1}", "logical_not": "!{0}", "to_bool": "{0}"}
_TESTS = {
    "isnan": "is_nan({0})",
    "isinf": "fabs({0}) == HR_INFINITY",
    "isfinite": "fabs({0}) < HR_INFINITY",
}
# Functions of the mathematical library; those of float end in f.
_LIBRARY = (
    "sqrt exp expm1 log log1p sin cos tan asin acos atan sinh cosh tanh asinh acosh atanh floor ceil rint trunc erf erfc "
    "lgamma"
).split()
_LIBRARY_OF_TWO = ("fmod", "pow", "atan2")
_SAME = dict.fromkeys(("copy", "conj"), "{0}")
_CASTS = dict.fromkeys(CASTS, "{0}")
_FLOATS = {
    **{name: f"{name}{{f}}({{0}})" for name in _LIBRARY},
    **{name: f"{name}{{f}}({{0}}, {{1}})" for name in _LIBRARY_OF_TWO},
    **_SAME,
    **_CASTS,
    "add": "{0} + {1}",
    "sub": "{0} - {1}",
    "mul": "{0} * {1}",
    "div": "{0} / {1}",
    "floordiv": "floor_div({0}, {1})",
    "mod": "floor_mod({0}, {1})",
    "maximum": "maximum({0}, {1})",
    "minimum": "minimum({0}, {1})",
    "neg": "-{0}",
    "abs": "fabs{f}({0})",
    "sign": "sign({0})",
    "square": "{0} * {0}",
}
# Sums and products of integers wrap around: they are those of unsigned numbers.
_INTEGERS = {
    **dict.fromkeys(("floor", "ceil", "trunc"), "{0}"),
    **_SAME,
    "add": "({u}){0} + ({u}){1}",
    "sub": "({u}){0} - ({u}){1}",
    "mul": "({u}){0} * ({u}){1}",
    "square": "({u}){0} * ({u}){0}",
    "neg": "({u})0 - ({u}){0}",
    "abs": "{0} < 0 ? ({u})0 - ({u}){0} : ({u}){0}",
    "sign": "({0} > 0) - ({0} < 0)",
    "floordiv": "floor_div({0}, {1})",
    "mod": "floor_mod({0}, {1})",
    "fmod": "c_mod({0}, {1})",
    "truncatediv": "c_div({0}, {1})",
    "pow": "power({0}, {1})",
    "maximum": "{0} > {1} ? {0} : {1}",
    "minimum": "{0} < {1} ? {0} : {1}",
    "bitwise_and": "{0} & {1}",
    "bitwise_or": "{0} | {1}",
    "bitwise_xor": "{0} ^ {1}",
    "invert": "~{0}",
    "left_shift": "({u}){0} << {1}",
    "right_shift": "{0} >> {1}",
}
_BOOLS = {
    **dict.fromkeys(("add", "maximum", "bitwise_or"), "{0} || {1}"),
    **dict.fromkeys(("mul", "minimum", "bitwise_and"), "{0} && {1}"),
    **dict.fromkeys(("abs", "square", "floor", "ceil", "trunc", *_SAME), "{0}"),
    "bitwise_xor": "{0} != {1}",
    "invert": "!{0}",
}
_COMPLEX = {
    **{name: _FLOATS[name] for name in ("add", "sub", "mul", "div", "neg", "square")},
    **{name: f"{name}({{0}})" for name in ("sqrt", "exp", "log", "conj")},
    "copy": "{0}",
}


def stored(dtype: np.dtype[Any]) -> str:
    """The C type of an element in memory; UnsupportedError if there is none."""
    found = _STORED.get(dtype.name)
    if found is None:
        raise UnsupportedError(f"{dtype}")
    return found


def computed(dtype: np.dtype[Any]) -> str:
    """The C type in which elements are computed."""
    return "float" if dtype.name in ("float16", "bfloat16") else stored(dtype)


def is_float(dtype: np.dtype[Any]) -> bool:
    """Whether a dtype is real and floating: ml_dtypes has bfloat16 as another kind."""
    return dtype.kind == "f" or dtype.name == "bfloat16"


def loaded(dtype: np.dtype[Any], text: str) -> str:
    """An element in memory as the type that it is computed in."""
    return text if computed(dtype) == stored(dtype) else f"({computed(dtype)}){text}"


def converted(text: str, source: np.dtype[Any], target: np.dtype[Any]) -> str:
    """A computed value of one dtype as what another dtype is computed in, by NumPy's rules."""
    if computed(source) == computed(target):
        return text
    if target == _BOOL:
        return f"({text} != {constant(0, source)})"
    if source.kind == "c" and target.kind != "c":
        return converted(f"{text}.real", source.type(0).real.dtype, target)
    if source.kind == "c":
        return f"{stored(target)}({text}.real, {text}.imag)"
    if is_float(source) and target.kind in "iu" and (target.itemsize < 4 or target == np.uint32):
        # Negative numbers wrap around on their way to unsigned ones.
        return f"({computed(target)})({'int' if target.itemsize < 4 else 'long long'})({text})"
    return f"({computed(target)})({text})"


def stored_as(text: str, source: np.dtype[Any], target: np.dtype[Any]) -> str:
    """A computed value of one dtype as an element of another."""
    if source == np.float64 and target == np.float16:
        return f"half({text})"  # rounded once
    value = converted(text, source, target)
    return value if computed(target) == stored(target) else f"({stored(target)})({value})"


def constant(value: Any, dtype: np.dtype[Any]) -> str:
    """A number as C text, exactly as NumPy has it in this dtype."""
    with np.errstate(all="ignore"):
        number = np.asarray(value).astype(dtype) if not isinstance(value, int) else np.array(value, dtype)
    if dtype == _BOOL:
        return "true" if number else "false"
    if dtype.kind == "c":
        part = number.real.dtype
        return f"{stored(dtype)}({constant(number.real, part)}, {constant(number.imag, part)})"
    if is_float(dtype):
        return _float_text(float(number), "" if dtype == np.float64 else "f")
    bits = int(number) & (2 ** (8 * dtype.itemsize) - 1)
    return f"({stored(dtype)}){bits:#x}{'ull' if dtype.itemsize == 8 else 'u'}"


def _float_text(number: float, suffix: str) -> str:
    if np.isfinite(number):
        text = number.hex() + suffix
        return f"({text})" if text.startswith("-") else text
    if np.isnan(number):
        return "HR_NAN"
    return "HR_INFINITY" if number > 0 else "(-HR_INFINITY)"


class Body:
    """The statements that compute an expression's value from variables.

    `names` and `dtypes` are those of the inputs, which hold what `computed` says; `results` the dtypes of the instructions'
    results where NumPy is not to be asked. `lines` are the statements, `value` the text of the result and `dtype` its dtype.
    """

    def __init__(
        self,
        expression: Expression,
        names: Sequence[str],
        dtypes: Sequence[np.dtype[Any]],
        results: Sequence[Any] | None = None,
    ) -> None:
        self.names = list(names)
        self.input_types = list(dtypes)
        self.results = [np.dtype(d) for d in results] if results is not None else _result_dtypes(expression, dtypes)
        self.lines: list[str] = []
        self.value, self.dtype = (names[0], dtypes[0]) if not expression.instructions else ("", self.results[-1])
        for i, step in enumerate(expression.instructions):
            self.value = f"t{i}"
            self.lines.append(f"const {computed(self.results[i])} t{i} = {self._instruction(step, self.results[i])};")

    def _type_of(self, operand: Operand) -> np.dtype[Any] | None:
        if operand.kind == "constant":
            return None
        return (self.input_types if operand.kind == "input" else self.results)[operand.index]

    def _as(self, operand: Operand, dtype: np.dtype[Any]) -> str:
        source = self._type_of(operand)
        if source is None:
            return constant(operand.value, dtype)
        text = self.names[operand.index] if operand.kind == "input" else f"t{operand.index}"
        return converted(text, source, dtype)

    def _common(self, step: Instruction) -> np.dtype[Any]:
        """The dtype that operands of a comparison or a test are brought to."""
        given = [d for o in step.operands if (d := self._type_of(o)) is not None]
        numbers = [o.value for o in step.operands if o.kind == "constant"]
        samples = [np.zeros(1, d) for d in given]
        return np.result_type(*samples, *numbers) if len({*given}) > 1 or numbers else given[0]

    def _instruction(self, step: Instruction, result: np.dtype[Any]) -> str:
        name = step.primitive
        if name == "select":
            condition, *parts = step.operands
            return f"{self._as(condition, _BOOL)} ? {self._as(parts[0], result)} : {self._as(parts[1], result)}"
        if name in _COMPARISONS:
            common = self._common(step)
            if common.kind == "c" and name not in ("equal", "not_equal"):
                raise UnsupportedError(f"{name} of {common}")
            return f" {_COMPARISONS[name]} ".join(self._as(o, common) for o in step.operands)
        if name in _LOGICAL:
            return _LOGICAL[name].format(*(self._as(o, _BOOL) for o in step.operands))
        if name in _TESTS:
            return self._test(name, step)
        source = self._common(step) if name in ("abs", "real", "imag") else result
        return self._arithmetic(name, [self._as(o, source) for o in step.operands], source, result)

    def _test(self, name: str, step: Instruction) -> str:
        common = self._common(step)
        if common.kind == "c":
            raise UnsupportedError(f"{name} of {common}")
        if not is_float(common):
            return "true" if name == "isfinite" else "false"
        return _TESTS[name].format(self._as(step.operands[0], common))

    def _arithmetic(self, name: str, operands: list[str], source: np.dtype[Any], result: np.dtype[Any]) -> str:
        if source.kind == "c" and source != result:
            return {"abs": "abs({0})", "real": "{0}.real", "imag": "{0}.imag"}[name].format(*operands)
        table = _table(result)
        if name not in table:
            raise UnsupportedError(f"{name} of {result}")
        wide = "unsigned long long" if result.itemsize == 8 else "unsigned int"
        text = table[name].format(*operands, f="f" if computed(result) == "float" else "", u=wide)
        return f"({stored(result)})({text})" if table is _INTEGERS else text


def _table(dtype: np.dtype[Any]) -> dict[str, str]:
    if dtype == _BOOL:
        return _BOOLS
    if is_float(dtype):
        return _FLOATS
    return _COMPLEX if dtype.kind == "c" else _INTEGERS


def _result_dtypes(expression: Expression, dtypes: Sequence[np.dtype[Any]]) -> list[np.dtype[Any]]:
    try:
        return expression.result_dtypes(dtypes)
    except TypeError as error:
        raise UnsupportedError(f"an expression that NumPy has not for {[str(d) for d in dtypes]}") from error


def function(
    name: str,
    expression: Expression,
    dtypes: Sequence[np.dtype[Any]],
    results: Sequence[Any] | None = None,
    target: np.dtype[Any] | None = None,
) -> str:
    """A statement that makes `name` a function of computed inputs: it gives an element as `target` is stored.

    Without `target` it gives the value as it is computed.
    """
    names = [f"v{i}" for i in range(len(dtypes))]
    body = Body(expression, names, dtypes, results)
    parameters = ", ".join(f"{computed(d)} {n}" for d, n in zip(dtypes, names, strict=True))
    value = body.value if target is None else stored_as(body.value, body.dtype, target)
    return f"const auto {name} = [=]({parameters}) {{ {' '.join(body.lines)} return {value}; }};"


def result_type(
    expression: Expression, dtypes: Sequence[np.dtype[Any]], results: Sequence[Any] | None = None
) -> np.dtype[Any]:
    """The dtype of an expression's value."""
    if not expression.instructions:
        return dtypes[0]
    return np.dtype(results[-1]) if results is not None else _result_dtypes(expression, dtypes)[-1]


def kernel_of(
    family: str,
    parameters: Sequence[tuple[str, str]],
    body: str,
    files: Sequence[str],
    *,
    threads: int = 256,
    synchronizes: bool = False,
) -> Kernel:
    """A kernel that is named after its text."""
    digest = blake2b(repr((parameters, body, files, threads)).encode(), digest_size=10).hexdigest()
    return Kernel(f"{family}_{digest}", tuple(parameters), body, tuple(files), threads, synchronizes)


def is_small(*counts: int) -> bool:
    """Whether 32-bit indices do for all of these numbers of elements, and for a grid's step beyond."""
    return max(map(abs, counts), default=0) < 2**30
