"""Element-wise chains, one generated kernel each, and ops that are one though they have no scalar rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...scalar import Expression, Instruction, Operand
from ..calls import Bound, DeviceArray, gpu
from ..layout import Axes, merged, reshaped
from ..source import Kernel
from ..text import computed, function, is_float, is_small, kernel_of, loaded, stored

_FILES = ("elementwise.cuh",)
_MOST_INPUTS, _MOST_RANK = 24, 6
# Elements that a thread takes at once where memory allows.
_PACK = 4
# Where an input's elements are: at the output's places, at one place, along the last axis of rows, at one place a row,
# or anywhere.
_WHOLE, _ONE, _ROW, _HELD, _STRIDED = "wornx"
ITSELF = Expression(1, ())


@dataclass(frozen=True)
class _Form:
    """What a kernel's text depends on: sizes and strides are arguments."""

    kinds: str
    rank: int
    small: bool
    packed: bool
    # A condition on the operands v0, v1, ... under which a value cannot be computed.
    refused: str = ""
    guarded: bool = False


@gpu("_Fused")
def fused(bound: Bound) -> None:
    """A scalar expression of any op that has one."""
    bound.require(bound.expression is not None, "no expression for these dtypes")
    chain(bound, bound.expression, bound.inputs, bound.outputs[0])  # type: ignore[arg-type]


def chain(
    bound: Bound,
    expression: Expression,
    inputs: Sequence[DeviceArray],
    out: DeviceArray,
    results: Sequence[Any] | None = None,
    refused: str = "",
    guarded: bool = False,
) -> None:
    """Adds the launch that leaves an expression's value in `out`, which may be one of the inputs.

    Args:
        bound: takes the launch.
        expression: over inputs that broadcast to `out`; their value is converted to its dtype.
        inputs: of any strides.
        out: contiguous.
        results: the dtypes of the instructions' results, where NumPy is not to be asked.
        refused: a condition on v0, v1, ...: the step fails where it holds.
        guarded: nothing is written once a step of the run has failed.
    """
    bound.require(out.contiguous, "strided memory")
    bound.require(len(inputs) <= _MOST_INPUTS, f"{len(inputs)} inputs")
    axes = merged(out.shape, [out, *inputs])
    bound.require(axes.rank <= _MOST_RANK, f"broadcasting along {axes.rank} axes")
    form = _form(axes, inputs, out, refused, guarded)
    kernel = _kernel(form, expression, inputs, out, results)
    count = -(-out.size // _PACK) if form.packed else out.size
    bound.for_each(kernel, count, *inputs, out, out.size, *_numbers(form, axes), *_guard(bound, form))


def _guard(bound: Bound, form: _Form) -> list[int]:
    return [bound.error, bound.step] if form.refused else [bound.error] if form.guarded else []


def _form(axes: Axes, inputs: Sequence[DeviceArray], out: DeviceArray, refused: str, guarded: bool) -> _Form:
    own, *rows = axes.strides
    kinds = [_WHOLE if row == own else _STRIDED if any(row) else _ONE for row in rows]
    linear = _STRIDED not in kinds
    small = is_small(out.size, *axes.extents)
    packed = not refused and _may_pack(axes, kinds, inputs, out, linear)
    if packed:
        kinds = [(_ROW if r[-1] else _HELD) if k == _STRIDED else k for k, r in zip(kinds, rows, strict=True)]
    return _Form("".join(kinds), 0 if linear else axes.rank, small, packed, refused, guarded)


def _may_pack(axes: Axes, kinds: Sequence[str], inputs: Sequence[DeviceArray], out: DeviceArray, linear: bool) -> bool:
    if out.size < _PACK or not all(
        map(_aligned, [out, *(x for x, k in zip(inputs, kinds, strict=True) if k == _WHOLE)])
    ):
        return False
    if linear:
        return True
    strided = [(x, r) for x, r, k in zip(inputs, axes.strides[1:], kinds, strict=True) if k == _STRIDED]
    if axes.sizes[-1] % _PACK or any(r[-1] not in (0, 1) for _, r in strided):
        return False
    return all(_aligned(x) and not any(s % _PACK for s in r[:-1]) for x, r in strided if r[-1] == 1)


def _aligned(x: DeviceArray) -> bool:
    return x.dtype.itemsize <= 8 and x.address % min(16, _PACK * x.dtype.itemsize) == 0


def _numbers(form: _Form, axes: Axes) -> list[int]:
    """The sizes of all axes but the first, and the strides that the kernel multiplies with."""
    if not form.rank:
        return []
    values = list(axes.sizes[1:])
    for kind, row in zip(form.kinds, axes.strides[1:], strict=True):
        values += row if kind == _STRIDED else row[:-1] if kind in (_ROW, _HELD) else ()
    return values


def _kernel(
    form: _Form,
    expression: Expression,
    inputs: Sequence[DeviceArray],
    out: DeviceArray,
    results: Sequence[Any] | None,
) -> Kernel:
    dtypes = [x.dtype for x in inputs]
    lines = ["if (failed(error)) return;"] if form.guarded else []
    lines.append(function("value", expression, dtypes, results, out.dtype))
    lines += [
        f"const {computed(d)} c{i} = {loaded(d, f'*x{i}')};"
        for i, (d, k) in enumerate(zip(dtypes, form.kinds, strict=True))
        if k == _ONE
    ]
    lines += _packs(form, dtypes, out.dtype) if form.packed else _singles(form, dtypes)
    return kernel_of("elements", _parameters(form, dtypes, out.dtype), "\n".join(lines), _FILES)


def _parameters(form: _Form, dtypes: Sequence[np.dtype[Any]], target: np.dtype[Any]) -> list[tuple[str, str]]:
    index = "int" if form.small else "long long"
    found = [(f"const {stored(d)}*", f"x{i}") for i, d in enumerate(dtypes)]
    found += [(f"{stored(target)}*", "out"), (index, "count")]
    found += [(index, f"n{a}") for a in range(1, form.rank)]
    if form.rank:
        for i, kind in enumerate(form.kinds):
            stop = form.rank if kind == _STRIDED else form.rank - 1 if kind in (_ROW, _HELD) else 0
            found += [(index, f"s{i}_{a}") for a in range(stop)]
    if form.refused:
        return [*found, ("int*", "error"), ("int", "step")]
    return [*found, ("const int*", "error")] if form.guarded else found


def _places(form: _Form, element: str) -> list[str]:
    """Statements that find the place along each axis of the element with this number."""
    index, unsigned = ("int", "unsigned") if form.small else ("long long", "unsigned long long")
    lines = [f"{unsigned} q = {element};"] if form.rank else []
    for a in range(form.rank - 1, 0, -1):
        lines.append(f"const {index} d{a} = ({index})(q % ({unsigned})n{a}); q /= ({unsigned})n{a};")
    return [*lines, f"const {index} d0 = ({index})q;"] if form.rank else []


def _offset(form: _Form, i: int, stop: int) -> str:
    return " + ".join(f"d{a} * s{i}_{a}" for a in range(stop)) or "0"


def _singles(form: _Form, dtypes: Sequence[np.dtype[Any]]) -> list[str]:
    places = {_WHOLE: "i", _ONE: ""}
    values = []
    for i, (kind, dtype) in enumerate(zip(form.kinds, dtypes, strict=True)):
        place = places.get(kind, _offset(form, i, form.rank))
        values.append(f"c{i}" if kind == _ONE else loaded(dtype, f"x{i}[{place}]"))
    lines = ["HR_EACH(i, count) {", *_places(form, "i")]
    if form.refused:
        lines += [f"const {computed(d)} v{i} = {v};" for i, (d, v) in enumerate(zip(dtypes, values, strict=True))]
        names = ", ".join(f"v{i}" for i in range(len(dtypes)))
        return [*lines, f"if ({form.refused}) fail(error, step); else out[i] = value({names});", "}"]
    return [*lines, f"out[i] = value({', '.join(values)});", "}"]


def _packs(form: _Form, dtypes: Sequence[np.dtype[Any]], target: np.dtype[Any]) -> list[str]:
    index = "int" if form.small else "long long"
    lines = [f"const {index} packs = count / {_PACK};", "HR_EACH(i, packs) {", *_places(form, f"i * {_PACK}")]
    values = []
    for i, (kind, dtype) in enumerate(zip(form.kinds, dtypes, strict=True)):
        place = f"i * {_PACK}" if kind == _WHOLE else f"({_offset(form, i, form.rank - 1)})"
        if kind in (_WHOLE, _ROW):
            place = place if kind == _WHOLE else f"{place} + d{form.rank - 1}"
            lines.append(
                f"const pack<{stored(dtype)}, {_PACK}> p{i} = pack_at<{stored(dtype)}, {_PACK}>(x{i} + {place});"
            )
        elif kind == _HELD:
            lines.append(f"const {computed(dtype)} h{i} = {loaded(dtype, f'x{i}[{place}]')};")
        values.append({_ONE: f"c{i}", _HELD: f"h{i}"}.get(kind, loaded(dtype, f"p{i}.at[j]")))
    made = f"pack<{stored(target)}, {_PACK}>"
    lines += [
        f"{made} r;",
        "#pragma unroll",
        f"for (int j = 0; j < {_PACK}; j++) r.at[j] = value({', '.join(values)});",
        f"pack_at<{stored(target)}, {_PACK}>(out + i * {_PACK}) = r;",
        "}",
    ]
    return lines if form.rank else [*lines, *_rest(form, dtypes, index)]


def _rest(form: _Form, dtypes: Sequence[np.dtype[Any]], index: str) -> list[str]:
    """The elements behind the last whole pack."""
    values = [
        f"c{i}" if kind == _ONE else loaded(dtype, f"x{i}[k]")
        for i, (kind, dtype) in enumerate(zip(form.kinds, dtypes, strict=True))
    ]
    return [
        f"const {index} rest = count - packs * {_PACK};",
        f"HR_EACH(i, rest) {{ const {index} k = packs * {_PACK} + i; out[k] = value({', '.join(values)}); }}",
    ]


def of(primitive: str, arity: int) -> Expression:
    """The expression of one primitive."""
    return Expression(arity, (Instruction(primitive, tuple(Operand("input", i) for i in range(arity))),))


def given(index: int) -> Operand:
    """An input as an operand."""
    return Operand("input", index)


def made(index: int) -> Operand:
    """An earlier instruction's result as an operand."""
    return Operand("result", index)


@gpu("Pow", "Erf", "Erfc", "Lgamma")
def single(bound: Bound) -> None:
    """Functions that have a NumPy kernel in the place of a rule."""
    out = bound.outputs[0]
    whole = bound.type == "Pow" and out.dtype.kind == "i"
    expression = of(bound.type.lower(), len(bound.inputs))
    chain(bound, expression, bound.inputs, out, [out.dtype], "v1 < 0" if whole else "")


# Op -> what it is of floating numbers, and of integers, where nothing is divided by 0.
_DIVISIONS = {
    "FloorDiv": (("floordiv",), "floordiv"),
    "FloorMod": (("mod",), "mod"),
    "Mod": (("fmod",), "fmod"),
    "TruncateMod": (("fmod",), "fmod"),
    "Div": (("div",), "truncatediv"),
    "TruncateDiv": (("div", "trunc"), "truncatediv"),
}


@gpu(*_DIVISIONS)
def divide(bound: Bound) -> None:
    """Quotients and remainders; integers divided by 0 are an error."""
    out = bound.outputs[0]
    floats, whole = _DIVISIONS[bound.type]
    integer = out.dtype.kind in "iu"
    names = (whole,) if integer else floats
    steps = [Instruction(names[0], (given(0), given(1))), *(Instruction(n, (made(0),)) for n in names[1:])]
    results = [out.dtype] * len(steps)
    chain(bound, Expression(2, tuple(steps)), bound.inputs, out, results, "v1 == 0" if integer else "")


@gpu("AddN", "AccumulateNV2")
def add_n(bound: Bound) -> None:
    """A sum of arrays from first to last, as many at once as a kernel takes."""
    out, rest = bound.outputs[0], list(bound.inputs)
    if len(rest) == 1:
        chain(bound, ITSELF, rest, out)
    while len(rest) > 1:
        taken, rest = rest[:_MOST_INPUTS], rest[_MOST_INPUTS:]
        steps = [Instruction("add", (given(0), given(1)))]
        steps += [Instruction("add", (made(i - 2), given(i))) for i in range(2, len(taken))]
        chain(bound, Expression(len(taken), tuple(steps)), taken, out)
        rest = [out, *rest] if rest else rest


@gpu("Select")
def select(bound: Bound) -> None:
    """A choice by element, by row or as a whole."""
    condition, x, y = bound.inputs
    if condition.ndim == 1 and x.ndim > 1:
        condition = reshaped(condition, -1, *(1,) * (x.ndim - 1))
    chain(bound, of("select", 3), [condition, x, y], bound.outputs[0])


@gpu("ClipByValue")
def clip_by_value(bound: Bound) -> None:
    """The smaller of the value and the upper bound, then the greater of that and the lower one."""
    out = bound.outputs[0]
    bound.require(out.dtype.kind != "c", f"{out.dtype}")
    steps = Instruction("minimum", (given(0), given(2))), Instruction("maximum", (made(0), given(1)))
    chain(bound, Expression(3, steps), bound.inputs, out)


@gpu("BiasAdd")
def bias_add(bound: Bound) -> None:
    """A bias along the last axis, or along axis 1."""
    value, bias = bound.inputs
    if bound.attrs["data_format"] != "NHWC":
        bias = reshaped(bias, -1, *(1,) * (value.ndim - 2))
    chain(bound, of("add", 2), [value, bias], bound.outputs[0])


@gpu("Cast")
def cast(bound: Bound) -> None:
    """Numbers of another type."""
    chain(bound, ITSELF, bound.inputs, bound.outputs[0])


@gpu("Round")
def round_(bound: Bound) -> None:
    """The nearest integer, halves to the even one."""
    out = bound.outputs[0]
    chain(bound, ITSELF if out.dtype.kind in "iu" else of("rint", 1), bound.inputs, out)


@gpu("CheckNumerics")
def check_numerics(bound: Bound) -> None:
    """The same numbers; NaN and infinities are an error."""
    chain(bound, ITSELF, bound.inputs, bound.outputs[0], refused="!(fabs(v0) < HR_INFINITY)")


@gpu("LeftShift", "RightShift")
def shift(bound: Bound) -> None:
    """Bits moved by a number that is brought into the range of the width."""
    out = bound.outputs[0]
    last = Operand("constant", 0, out.dtype.itemsize * 8 - 1)
    steps = (
        Instruction("maximum", (given(1), Operand("constant", 0, 0))),
        Instruction("minimum", (made(0), last)),
        Instruction("left_shift" if bound.type == "LeftShift" else "right_shift", (given(0), made(1))),
    )
    chain(bound, Expression(2, steps), bound.inputs, out, [out.dtype] * 3)


@gpu("ApproximateEqual")
def approximate_equal(bound: Bound) -> None:
    """Whether numbers are less than a tolerance apart."""
    x, y = bound.inputs
    bound.require(x.dtype.kind != "c", f"{x.dtype}")
    both = given(0), given(1)
    steps = [Instruction("sub", both), Instruction("abs", (made(0),))]
    if not is_float(x.dtype):
        steps = [Instruction("maximum", both), Instruction("minimum", both), Instruction("sub", (made(0), made(1)))]
    tolerance = Operand("constant", 0, float(bound.attrs["tolerance"]))
    steps.append(Instruction("less", (made(len(steps) - 1), tolerance)))
    results = [x.dtype] * (len(steps) - 1) + [np.dtype(bool)]
    chain(bound, Expression(2, tuple(steps)), [x, y], bound.outputs[0], results)


@gpu("Real", "Imag", "ComplexAbs")
def part(bound: Bound) -> None:
    """The real part, the imaginary part or the absolute value of complex numbers."""
    out = bound.outputs[0]
    name = {"Real": "real", "Imag": "imag", "ComplexAbs": "abs"}[bound.type]
    real = bound.inputs[0].dtype.type(0).real.dtype
    chain(bound, of(name, 1), bound.inputs, out, [real])


@gpu("AssignAdd", "AssignSub", "AssignAddVariableOp", "AssignSubVariableOp")
def assign_add(bound: Bound) -> None:
    """An update of a variable in place."""
    variable, value = bound.inputs
    bound.require(variable.shape == value.shape, "a value of another shape")
    chain(bound, of("add" if "Add" in bound.type else "sub", 2), [variable, value], variable, guarded=True)
